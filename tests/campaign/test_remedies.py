"""Mistakes of campaigns and lists that people make often: each is told once, with the remedy that fits."""

import json
import re
from pathlib import Path

import pytest

from tests.test_problems import LIST, TEMPLATE_ID, Folder, campaign
from wxpush.channels.wechat.values import check_value
from wxpush.i18n import speaking
from wxpush.model import Problem, Severity

LINE = "oW3kTzuBGTNqeX76QEj000000001"


def told(tmp_path: Path, changes: str, people: str = LIST) -> list[Problem]:
    """The problems of a good campaign with `changes`, and of its list."""
    folder = Folder(tmp_path)
    folder.write("campaign.yaml", campaign(changes))
    folder.write("users.csv", people)
    folder.list = "users.csv"
    return folder.problems()


def with_thing(text: str, more: str = "") -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    return f"checks: {{unused_column: off{more}}}\n" + (
        f'data:\n  thing1: {quoted}\n  character_string2: "{{{{ order_no }}}}"'
    )


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("{product}", "{product}"),
        ("商品{ product }", "{ product }"),
        ("${product}", "${product}"),
        ("${nobody}", "${nobody}"),
        ("%product%", "%product%"),
        ("50%，%product%", "%product%"),
        ("｛｛ product ｝｝", "｛｛ product ｝｝"),
        ("{{ product }} }}", "}}"),
    ],
)
def test_a_placeholder_of_others_is_told_once(tmp_path: Path, text: str, written: str) -> None:
    found = [one for one in told(tmp_path, with_thing(text)) if one.code == "WX216"]
    assert [(one.file, one.line) for one in found] == [(str(tmp_path / "campaign.yaml"), 5)]
    assert f"“{written}”" in found[0].message
    assert "{{ product }}" in found[0].hint or "{{ nobody }}" in found[0].hint
    assert "WX216" not in {one.code for one in told(tmp_path, with_thing(text, ", placeholder: off"))}


@pytest.mark.parametrize(
    "text", ["{ok} {{ product }}", "50%off {{ product }} 20%", "{{ product }}{", "a}b{{ product }}"]
)
def test_braces_and_percents_of_a_text_are_left_alone(tmp_path: Path, text: str) -> None:
    assert told(tmp_path, with_thing(text)) == []


def test_json_in_a_url_is_left_alone(tmp_path: Path) -> None:
    url = """url: 'https://example.com/?q={"a":{"b":"{{ order_no }}"}}&p=%E5%95%86'"""
    assert "WX216" not in {one.code for one in told(tmp_path, url)}


def test_a_keyword_as_the_template_writes_it_is_the_campaigns_mistake(tmp_path: Path) -> None:
    people = LIST + LIST.splitlines()[1].replace("001,", "002,") + "\n"
    [found] = told(tmp_path, with_thing("{{product.DATA}}"), people)
    assert (found.code, found.hint) == ("WX206", "Write the column that fills it: {{ product }}")


@pytest.mark.parametrize(
    "text",
    [
        "亲爱的{{ product }}您好",
        "{{ '亲爱的' ~ product }}",
        "{{ product }}{{ order_no }}",
        "你好{{ product | upper }}",
    ],
)
@pytest.mark.parametrize("cell", ["", "  "])
def test_an_empty_cell_within_a_text_is_a_warning_of_its_row(tmp_path: Path, text: str, cell: str) -> None:
    people = f"openid,product,order_no\n{LINE},{cell},SO1\n"
    [found] = told(tmp_path, with_thing(text), people)
    assert (found.code, found.line, found.cell, found.severity) == ("WX414", 2, "product", Severity.WARNING)
    assert told(tmp_path, with_thing(text, ", empty_cell: off"), people) == []
    [found] = told(tmp_path, with_thing(text, ", empty_cell: error"), people)
    assert found.severity is Severity.ERROR


@pytest.mark.parametrize(
    "text",
    [
        "亲爱的{{ product | default('朋友') }}",
        "亲爱的{{ product or '朋友' }}",
        "亲爱的{{ product if product else '朋友' }}",
        "亲爱的{% if product %}{{ product }}{% endif %}",
        "订单{{ order_no }}",
    ],
)
def test_an_empty_cell_that_is_allowed_for_is_none(tmp_path: Path, text: str) -> None:
    people = f"openid,product,order_no\n{LINE},,SO1\n"
    assert told(tmp_path, with_thing(text), people) == []


def test_a_value_that_is_empty_as_a_whole_is_told_as_that(tmp_path: Path) -> None:
    people = f"openid,product,order_no\n{LINE},,SO1\n"
    assert [one.code for one in told(tmp_path, with_thing(" {{ product }} "), people)] == ["WX401"]


@pytest.mark.parametrize(
    ("text", "column", "message", "hint"),
    [
        ("{{ product if }}", 11, "breaks off", "Complete it"),
        ("单号{{ product", 14, "{{ is never closed", "{{ product }}"),
        ("{{}}", 12, "nothing between", "{{ product }}"),
        ("{{ now() }}", 11, "( )", "{{ today }}"),
        ("{{ product.split() }}", 11, "( )", "replace"),
        ("{{ product ｝｝", 23, "“｝” is a full-width", "Write }"),
        ("{{ product | default（'x'） }}", 32, "“（” is a full-width", "Write ("),
        ("{{ 'x }}", 15, "never closed", "Close it"),
        ("{{ (product }}", 11, "( is never closed", "Write )"),
        ("{{ product) }}", 11, "nothing has opened", "Take it out"),
        ("{% if product %}x", 11, "{% if … %} is never closed", "{% endif %}"),
        ("{% endif %}", 11, "without its {% if … %}", "{% endif %}"),
        ("{{ product & order_no }}", 23, "“&”", "and"),
        ("{{ product ** 2 }}", 11, "`**`", "Multiply"),
        ("{{ product.__mro__ }}", 11, "__mro__", "column"),
        ("{% for a in product %}{% endfor %}", 11, "{% for %}", "join"),
        ("{{ product[0:4:2] }}", 11, "without a step", "[0:4]"),
        ("{{ product | float / 0 }}", 11, "division by zero", "0"),
        ("{{ product | replace('', 'x') }}", 11, "replace", "replace('-', '')"),
        ("{{ product | shorten('x') }}", 11, "is not a number", "digits"),
        ("{{ 1000000000000000000000000000 }}", 11, "too large", "quotes"),
    ],
)
def test_what_is_wrong_with_an_expression_is_told_with_its_place_and_remedy(
    tmp_path: Path, text: str, column: int, message: str, hint: str
) -> None:
    [found] = [one for one in told(tmp_path, with_thing(text)) if one.line == 5]
    assert message in found.message
    assert hint in found.hint
    assert "header" not in found.hint
    with speaking("zh"):
        [chinese] = [one for one in told(tmp_path, with_thing(text)) if one.line == 5]
        assert not re.search(r"unexpected|expected|statement|template", chinese.message)
    assert found.column == column


@pytest.mark.parametrize("condition", ['"true"', "1", "false"])
def test_a_condition_that_decides_nothing_is_told_once(tmp_path: Path, condition: str) -> None:
    people = LIST + LIST.splitlines()[1].replace("001,", "002,") + "\n"
    assert [one.code for one in told(tmp_path, f"when: {condition}", people)] == ["WX211"]


@pytest.mark.parametrize("line", ["url：https://example.com/a", "url：", "url：https://example.com/a:b"])
def test_a_full_width_colon_is_named_in_its_line(tmp_path: Path, line: str) -> None:
    folder = Folder(tmp_path)
    text = campaign("to: '{{ openid }}'")
    before = text.index("data:")
    number = text.count("\n", 0, before) + 1
    folder.write("campaign.yaml", f"{text[:before]}{line}\n{text[before:]}")
    [found] = [one for one in folder.problems() if one.file.endswith("campaign.yaml")]
    assert (found.code, found.line, found.column) == ("WX105", number, 4)
    assert "「：」" in found.message


def test_a_broken_placeholder_of_a_template_is_told_in_its_line(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write(
        "template.yaml",
        f"id: {TEMPLATE_ID}\ntitle: t\ncontent: |\n  商品名称:{{{{thing1.DATA}}}}\n  时间:{{{{time3}}}}\n",
    )
    [found] = [one for one in folder.problems() if one.code == "WX554"]
    assert (found.line, found.column) == (5, 6)


def test_an_empty_file_is_told_what_belongs_there(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write("campaign.yaml", "")
    [found] = folder.problems()
    assert (found.code, "name: " in found.hint) == ("WX111", True)


@pytest.mark.parametrize(
    ("people", "words"),
    [
        (LIST.replace(",", "，"), "full-width commas"),
        ("王先生,云南小粒咖啡豆,SO1\n李女士,耶加雪菲,SO2\n", "first line names the columns"),
    ],
)
def test_a_list_without_any_of_the_columns_is_told_in_one_sentence(
    tmp_path: Path, people: str, words: str
) -> None:
    [found] = told(tmp_path, "checks: {unused_column: off}", people)
    assert (found.code, found.line) == ("WX204", 1)
    assert words in found.hint


def test_a_full_width_comma_among_others_is_named(tmp_path: Path) -> None:
    people = LIST.replace("product,order_no", "product，order_no").replace("豆,", "豆，")
    found = told(tmp_path, "checks: {unused_column: off}", people)
    assert {one.code for one in found} == {"WX204"}
    assert all("full-width commas" in one.hint for one in found)


def test_all_blocked_words_of_a_value_are_told(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write("words.txt", "vx\n#红包\n")
    folder.write("campaign.yaml", campaign("blocked_words: words.txt"))
    folder.write("users.csv", f"openid,product,order_no\n{LINE},加vx领#红包，加VX,SO1\n")
    folder.list = "users.csv"
    found = [one.message for one in folder.problems() if one.code == "WX408"]
    assert [re.findall('"(.+?)"', one) for one in found] == [["vx"], ["#红包"]]


@pytest.mark.parametrize("text", ["字" * 30, "字" * 30 + "{{ product }}"])
def test_a_text_of_the_campaign_that_is_too_long_wants_to_be_shorter(tmp_path: Path, text: str) -> None:
    [found] = [one for one in told(tmp_path, with_thing(text)) if one.line == 5]
    assert found.hint == "Write a shorter text."


@pytest.mark.parametrize(("cell", "moment"), [("44886", "2022-11-21"), ("46000.5", "2025-12-09 12:00")])
@pytest.mark.parametrize("keyword", ["time", "date"])
def test_a_moment_as_excel_counts_it_is_told_as_that(keyword: str, cell: str, moment: str) -> None:
    [found] = check_value(keyword, cell)
    assert "Excel" in found.message
    assert moment in found.message
    assert "Excel" in found.hint
    assert "Excel" not in check_value(keyword, "99999")[0].message
