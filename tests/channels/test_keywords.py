"""Placeholders of a template's content, as WeChat's template list returns it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxpush.channels.wechat.keywords import HISTORIC, TYPES, Keyword, parse_content, type_of

CATEGORY = "工单类型:{{const3.DATA}}\n工单名称:{{thing1.DATA}}\n"
OLD = "{{first.DATA}}\n订单号：{{keyword1.DATA}}\n{{remark.DATA}}"


def test_a_category_template_has_typed_keywords_with_labels_and_lines() -> None:
    assert parse_content(CATEGORY) == [
        Keyword("const3", "const", "工单类型", 1),
        Keyword("thing1", "thing", "工单名称", 2),
    ]


def test_a_historic_template_has_keywords_without_type() -> None:
    assert parse_content(OLD) == [
        Keyword("first", HISTORIC, "", 1),
        Keyword("keyword1", HISTORIC, "订单号", 2),
        Keyword("remark", HISTORIC, "", 3),
    ]
    assert all(keyword.is_historic for keyword in parse_content(OLD))
    assert not any(keyword.is_historic for keyword in parse_content(CATEGORY))


def test_blanks_inside_the_braces_and_windows_line_ends_do_no_harm() -> None:
    assert parse_content("金额: {{ amount05.DATA }}\r\n时间 : {{time2.DATA }}") == [
        Keyword("amount05", "amount", "金额", 1),
        Keyword("time2", "time", "时间", 2),
    ]


def test_two_placeholders_on_a_line_have_a_label_each() -> None:
    found = parse_content("上课:{{date1.DATA}} 教室：{{thing2.DATA}}")
    assert [keyword.label for keyword in found] == ["上课", "教室"]


def test_a_placeholder_that_stands_twice_is_one_keyword() -> None:
    assert [keyword.name for keyword in parse_content("{{thing1.DATA}}{{thing1.DATA}}")] == ["thing1"]


@pytest.mark.parametrize(
    "content", ["", "商品名称", "{{thing1}}", "{thing1.DATA}", "{{ .DATA}}", "{{thing1.data}}"]
)
def test_what_is_no_placeholder_is_none(content: str) -> None:
    assert parse_content(content) == []


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("thing1", "thing"),
        ("short_thing2", "short_thing"),
        ("character_string12", "character_string"),
        ("phone_number3", "phone_number"),
        ("car_number01", "car_number"),
        ("keyword1", HISTORIC),
        ("remark7", HISTORIC),
        ("thing", HISTORIC),
        ("things1", HISTORIC),
        ("1thing", HISTORIC),
        ("thing１", HISTORIC),
    ],
)
def test_the_name_tells_the_type(name: str, type_: str) -> None:
    assert type_of(name) == type_


@given(st.lists(st.tuples(st.sampled_from(sorted(TYPES)), st.integers(1, 99)), unique=True))
def test_every_placeholder_is_found_in_its_order(names: list[tuple[str, int]]) -> None:
    keywords = [f"{type_}{number}" for type_, number in names]
    content = "".join(f"标签{place}：{{{{{name}.DATA}}}}\n" for place, name in enumerate(keywords))
    found = parse_content(content)
    assert [keyword.name for keyword in found] == keywords
    assert [keyword.type for keyword in found] == [type_ for type_, _ in names]
    assert [keyword.label for keyword in found] == [f"标签{place}" for place in range(len(keywords))]


@given(st.text(alphabet="{}.DATAthing1:： \n\\w"))
def test_no_content_breaks_the_reading(content: str) -> None:
    assert all(keyword.name for keyword in parse_content(content))
