"""The documentation of the campaign room says what the code does."""

import re
from pathlib import Path

import pytest

from wxpush.campaign.expressions import parse_text, render_alone
from wxpush.campaign.filters import FILTERS

ROOT = Path(__file__).parents[2]
PAGES = ["templates-and-filters.md", "templates-and-filters.zh-CN.md"]
FILTER_ROW = re.compile(r"\| `(\w+)[^|`]*` \| `(\{\{ .*? \}\})` \| `(.*?)` \|")
VALUE_ROW = re.compile(r"^\| (`\{\{ .*) \|", re.MULTILINE)


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8").replace("\\|", "¦")


@pytest.mark.parametrize("name", PAGES)
def test_every_filter_is_documented_with_an_example_that_holds(name: str):
    rows = FILTER_ROW.findall(page(name))
    assert [filter_name for filter_name, _example, _result in rows] == list(FILTERS)
    for _name, example, result in rows:
        assert render_alone(parse_text(example.replace("¦", "|")), {}).strip() == result


@pytest.mark.parametrize("name", PAGES)
def test_every_way_to_write_a_value_is_an_expression(name: str):
    examples = re.findall(r"`(\{\{ .*?\}\})`", " ".join(VALUE_ROW.findall(page(name))))
    assert len(examples) >= 10
    for example in examples:
        parse_text(example.replace("¦", "|"))
