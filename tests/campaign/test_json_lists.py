"""A list that is one JSON array: read as a stream, each row with its line, each fault with its place."""

import json
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wxpush.campaign.recipients import RecipientList, open_recipients
from wxpush.errors import ProblemsError
from wxpush.model import BadRow, Recipient

TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)
VALUES = st.recursive(
    TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=5
)
ROWS = st.lists(
    st.dictionaries(TEXTS.filter(lambda key: key != "wxpush_state"), VALUES, max_size=4), min_size=1
)


def opened(folder: Path, text: str, name: str = "users.json") -> RecipientList:
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return open_recipients(path, name=name)


@given(rows=ROWS, indent=st.sampled_from([None, 0, 2]), escaped=st.booleans())
@settings(max_examples=60)
def test_an_array_is_read_as_the_same_objects_a_line_are(tmp_path_factory, rows, indent, escaped):
    folder = tmp_path_factory.mktemp("lists")
    array = opened(folder, json.dumps(rows, indent=indent, ensure_ascii=escaped))
    lines = opened(folder, "\n".join(json.dumps(row, ensure_ascii=escaped) for row in rows), "users.jsonl")
    assert [row.values for row in array] == [row.values for row in lines]


def test_each_row_bears_the_line_on_which_it_begins(tmp_path):
    rows = list(opened(tmp_path, '\n[\n  {"a": 1},\n  {\n    "a": 2.50\n  }, {"a": null}\n]\n'))
    assert [(row.row, row.line, row.values) for row in rows] == [
        (0, 3, {"a": "1"}),
        (1, 4, {"a": "2.50"}),
        (2, 6, {}),
    ]


def test_a_row_that_is_no_good_is_told_of_and_the_others_are_read(tmp_path):
    text = '[{"a": "1"},\n"text, with ]",\n7,\n{"a": NaN},\n[1],\n{"a": 1, "a": 2},\n{"a": "2"}]'
    rows = list(opened(tmp_path, text))
    good = [row.values for row in rows if isinstance(row, Recipient)]
    bad = [row.problems[0] for row in rows if isinstance(row, BadRow)]
    assert good == [{"a": "1"}, {"a": "2"}]
    assert [(problem.line, problem.code) for problem in bad] == [(line, "WX312") for line in range(2, 7)]


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("[", "WX317", "a row is expected"),
        ('[{"a": 1}', "WX317", "a comma or ]"),
        ('[{"a": 1},]', "WX317", "a row is expected"),
        ('[{"a": 1} {"a": 2}]', "WX317", "a comma or ]"),
        ('[{"a": 1}] [', "WX317", "after the array's end"),
        ('{"a": 1}', "WX317", "an array of objects"),
        ('[{"a": {"b": "x"}', "WX317", "a bracket or a quote is open"),
        ('[{"a": "' + "x" * 70_000 + '"}]', "WX309", "longer than 64 KiB"),
        ("[" * 200_000, "WX309", "longer than 64 KiB"),
        ("[]", "WX303", "no recipients"),
    ],
)
def test_where_the_rest_cant_be_told_apart_the_list_is_refused(tmp_path, text, code, words):
    with pytest.raises(ProblemsError) as refused:
        list(opened(tmp_path, text))
    (problem,) = refused.value.problems
    assert (problem.code, problem.line) == (code, 1)
    assert words in problem.message


def test_the_first_sign_says_what_standard_input_is(tmp_path):
    for text, kind in (('\ufeff [{"a": 1}]', "json"), ('{"a": 1}', "jsonl"), ("a\n1\n", "csv")):
        path = tmp_path / "stdin"
        path.write_text(text, encoding="utf-8")
        assert open_recipients(path, name="-").list_format == kind


def test_a_long_array_on_one_line_is_read_in_a_small_window(tmp_path):
    row = {"openid": "oW3kTzuBGTNqeX76QEj000000001", "product": "云南小粒咖啡豆" * 20}
    path = tmp_path / "users.json"
    path.write_text(json.dumps([row] * 30_000, ensure_ascii=False), encoding="utf-8")
    assert path.stat().st_size > 14_000_000
    rows = open_recipients(path)
    tracemalloc.start()
    assert sum(1 for _ in rows) == 30_000
    _size, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3_000_000
