"""What each keyword type lets through, refuses and doubts."""

import datetime
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxpush.campaign.expressions import parse_text, render_alone
from wxpush.channels.wechat.keywords import HISTORIC, TYPES
from wxpush.channels.wechat.values import check_fixed, check_value
from wxpush.model import Severity

PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))

GOOD = {
    "thing": ["小米手机14 Pro（黑色）", "一" * 20, "a" * 20, "A1-#，。！→ok", "½ €5"],
    "short_thing": ["待发货", "一" * 10],
    "number": ["0", "12", "3.14", "1" * 32, "0.50"],
    "letter": ["a", "ABCdef", "x" * 32],
    "symbol": ["!", "￥", "#*-/+", "、。"],
    "character_string": ["SO20261123-0001", "~" * 32, "a b", "!"],
    "time": [
        "15:01",
        "00:00",
        "23:59:59",
        "2019年10月1日 15:01",
        "2023年08月02日 09:06:04",
        "2026-01-02 15:04",
        "2026/1/2 15:04:05",
        "1月2日 08:00",
        "09:00~10:30",
        "2026年1月1日 09:00~2026年1月2日 10:00",
        "2024-02-29 08:00",
    ],
    "date": [
        "2018年1月1日",
        "2018年01月",
        "1月1日",
        "2月29日",
        "2018-01-01",
        "2018/01/01",
        "2018.01.01",
        "2018-01",
        "01-01",
        "2018-12-31 23:59",
        "2024-02-29",
        "2018年1月1日~2018年1月3日",
        "2018-01-30",
    ],
    "amount": ["1", "1299.00元", "￥99.5", "¥1", "$9999999999", "€5元", "£0.1"],
    "phone_number": ["+86-0766-66888866", "13800138000", "138****8000", "(0755) 8600 1234"],
    "car_number": ["粤B12345", "粤A8Z888挂", "京AD12345", "A12345", "粤"],
    "name": ["王小明", "王*明", "阿不都·买买提", "John O'Neil-Smith", "一" * 10, "a" * 20],
    "phrase": ["已发货", "一", "〇一二三四", "𠮷利"],
    "const": ["已发货"],
    "enum": ["ON"],
    HISTORIC: ["一" * 20, "订单 SO1", "a"],
}
BAD = {
    "thing": ["一" * 21, "a\nb", "a\tb", "x\x7f", "x\u2028y"],
    "short_thing": ["a\nb"],
    "number": ["一", "1,299", "1 2", "１２", "1.", ".5", "1" * 33, "12元", "1e5", "٣"],
    "letter": ["ab1", "a b", "é", "x" * 33],
    "symbol": ["a", "1", "中", "!!!!!!"],
    "character_string": ["订单1", "a" * 33, "é", "a\nb", "😀"],
    "time": [
        "2026-01-02",
        "24:00",
        "12:60",
        "12:00:61",
        "12：00",
        "3 pm",
        "下午3点",
        "2026-02-30 15:00",
        "2026-13-01 15:00",
        "09:00～10:00",
        "09:00~10:00~11:00",
        "09:00~",
        "2026-01-02T15:04",
        "２０:00",
        "20261123 15:00",
    ],
    "date": [
        "2026-02-29",
        "2026-02-30",
        "2026年13月1日",
        "0000-01-01",
        "2月30日",
        "26-01-01",
        "2026-01/01",
        "2026-01-01 25:00",
        "2026-01-01 noon",
        "明天",
        "20260101",
        "2026-1-1-1",
        "2018-01-01~",
        "2026-01-0١",
    ],
    "amount": [
        "1,299.00",
        "--5元",
        "-¥-5",
        "-",
        "-1,299",
        "-12345678901",
        "一百元",
        "10000000000",
        "5元整",
        "¥¥5",
        "１元",
        "5 元",
        "元",
        "¥",
    ],
    "phone_number": ["1380013800a", "电话", "1" * 18],
    "car_number": ["粤B·12345", "粤B 12345", "粤粤12345", "粤B1234567"],
    "name": ["一" * 11, "王 " + "a" * 9, "a" * 21, "x\ny"],
    "phrase": ["一二三四五六", "ok", "已发货!", "已 发"],
    "const": ["a\nb"],
    "enum": ["a\nb"],
}
DOUBTFUL = {
    "thing": ["发货啦🎉", "㊗\ufe0f", "❤", "a\u200bb", "a" * 19 + "𠮷"],
    "short_thing": ["一" * 11, "🎉"],
    "number": ["-3", "+3", "-" + "1" * 32],
    "time": ["9:05", "09:00 ~ 10:00", "2026年1月2日15:04", "2026-01-02  15:04"],
    "date": ["2026-01-01 ~ 2026-01-03", "2026-01-01 9:05", "2018年1月1日 09:00~10:00"],
    "amount": ["₩300", "1234567890.12", "-68.00元", "+5", "-¥5", "¥-5.00"],
    "name": ["王2明", "王\u200b明"],
    "symbol": ["🎉"],
    HISTORIC: ["一" * 21, "a\nb", "🎉"],
}


def cases(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(type_, value) for type_, values in table.items() for value in values]


def severities(type_: str, value: str) -> set[Severity]:
    return {finding.severity for finding in check_value(type_, value)}


def test_every_type_has_examples() -> None:
    assert set(GOOD) == TYPES | {HISTORIC}
    assert set(BAD) == TYPES


@pytest.mark.parametrize(("type_", "value"), cases(GOOD))
def test_a_good_value_has_nothing_against_it(type_: str, value: str) -> None:
    assert check_value(type_, value) == []


@pytest.mark.parametrize(("type_", "value"), cases(BAD))
def test_a_bad_value_is_an_error_with_a_remedy(type_: str, value: str) -> None:
    found = check_value(type_, value, where="data.x")
    assert Severity.ERROR in {finding.severity for finding in found}
    for finding in found:
        assert (finding.where, finding.rule) == ("data.x", type_)
        assert finding.code.startswith("WX5")
        assert finding.message
        assert finding.hint


@pytest.mark.parametrize(("type_", "value"), cases(DOUBTFUL))
def test_what_wechat_leaves_open_is_a_warning_only(type_: str, value: str) -> None:
    assert severities(type_, value) == {Severity.WARNING}


def test_a_long_value_is_told_its_length_the_limit_and_the_filter() -> None:
    (found,) = check_value("thing", "一" * 25)
    assert "25 characters" in found.message
    assert "at most 20" in found.message
    assert "{{ … | shorten(20) }}" in found.hint


def test_a_wrong_character_is_named_with_its_place() -> None:
    (found,) = check_value("character_string", "SO订单1")
    assert 'character 3, "订"' in found.message
    assert "character 2, U+200B" in check_value("letter", "a\u200bb")[0].message


def test_thousands_separators_name_the_filter_that_takes_them_off() -> None:
    for type_ in ("number", "amount"):
        assert "replace(',', '')" in check_value(type_, "1,299")[0].hint


def test_a_date_that_no_calendar_has_is_named() -> None:
    (found,) = check_value("date", "2026-02-29")
    assert "2026-02-29" in found.message
    assert "calendar" in found.message


def test_a_date_in_another_form_names_the_filter() -> None:
    assert "date('%Y-%m-%d')" in check_value("date", "20260101")[0].hint
    assert "date('%Y-%m-%d %H:%M')" in check_value("time", "20260102 15:04")[0].hint


@pytest.mark.parametrize(
    ("type_", "value", "helps"),
    [
        ("date", "20260101", True), ("date", "1767225600", True), ("date", "2026-1-2T03:04", True),
        ("date", "22/11/2026", False), ("date", "20261399", False), ("date", "tomorrow", False),
        ("time", "20260101 15:04", True), ("time", "1767225600000", True),
        ("time", "2026-1-2 15时04分", True),
        ("time", "2026-01-02", False), ("time", "22/11/2026 15:04", False), ("time", "20260101", False),
    ],
)  # fmt: skip
def test_the_filter_date_is_only_named_where_it_mends_the_value(type_: str, value: str, helps: bool) -> None:
    (found,) = check_value(type_, value)
    named = re.search(r"\{\{ … \| (.*) \}\}", found.hint)
    assert (named is not None) is helps
    assert found.hint
    if named is not None:
        mended = render_alone(parse_text("{{ value | " + named[1] + " }}"), {"value": value})
        assert check_value(type_, mended) == []


@pytest.mark.parametrize(
    ("type_", "value"),
    [("date", "20260101"), ("amount", "1,299"), ("car_number", "粤B·12345"), ("phrase", "已" * 9)],
)
def test_a_filter_that_is_named_can_be_pasted_between_double_quotes(type_: str, value: str) -> None:
    (found,) = check_value(type_, value)
    assert "{{ … | " in found.hint
    assert '"' not in found.hint


def test_no_hint_speaks_of_a_list_that_a_constant_does_not_come_from() -> None:
    for value in ("2026-02-30", "a\ud83d", "a\x07"):
        assert "in the list" not in check_value("date", value)[0].hint


def test_a_value_that_is_approved_passes_and_another_names_those_that_are() -> None:
    allowed = ("已发货", "已签收")
    assert check_value("const", "已签收", allowed=allowed) == []
    (found,) = check_value("const", "已退货", allowed=allowed, where="data.const5")
    assert "已退货" in found.message
    assert "已发货, 已签收" in found.message
    assert found.severity is Severity.ERROR


def test_an_approved_value_is_not_held_to_any_other_rule() -> None:
    assert check_value("const", "已发货🎉", allowed=("已发货🎉",)) == []


@pytest.mark.parametrize("type_", [*sorted(TYPES), HISTORIC, "no_such_type"])
def test_half_a_character_can_never_be_sent(type_: str) -> None:
    (found,) = check_value(type_, "a\ud83d")
    assert (found.rule, found.code, found.severity) == ("text", "WX510", Severity.ERROR)


@pytest.mark.parametrize("type_", [*sorted(TYPES), HISTORIC])
def test_an_empty_value_is_left_to_the_campaign(type_: str) -> None:
    assert check_value(type_, "") == []


def test_an_unknown_type_is_held_to_the_historic_rules() -> None:
    (found,) = check_value("tomorrow", "一" * 21)
    assert (found.rule, found.severity) == ("tomorrow", Severity.WARNING)


@given(st.sampled_from([*sorted(TYPES), HISTORIC]), st.text())
def test_no_value_breaks_a_rule_and_each_finding_speaks(type_: str, value: str) -> None:
    for finding in check_value(type_, value, where="data.x"):
        assert finding.message
        assert finding.hint


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_more_than_20_characters_are_never_a_thing(value: str) -> None:
    refused = Severity.ERROR in severities("thing", value)
    if len(value) > 20:
        assert refused


@given(st.text(alphabet=PRINTABLE, min_size=1, max_size=40))
def test_printable_ascii_of_up_to_32_is_a_character_string(value: str) -> None:
    assert (check_value("character_string", value) == []) is (len(value) <= 32)


@given(st.dates(min_value=datetime.date(1000, 1, 1)), st.sampled_from("-/."))
def test_every_day_of_the_calendar_is_a_date(day: datetime.date, mark: str) -> None:
    assert check_value("date", f"{day.year}{mark}{day.month:02d}{mark}{day.day:02d}") == []
    assert check_value("date", f"{day.year}年{day.month}月{day.day}日") == []


@given(st.integers(1, 9999), st.integers(0, 20), st.integers(0, 40))
def test_no_day_outside_the_calendar_is_a_date(year: int, month: int, day: int) -> None:
    try:
        datetime.date(year, month, day)
        real = True
    except ValueError:
        real = False
    assert (check_value("date", f"{year:04d}-{month:02d}-{day:02d}") == []) is real


@given(st.times())
def test_every_time_of_the_clock_is_a_time(time: datetime.time) -> None:
    assert check_value("time", f"{time:%H:%M}") == []
    assert check_value("time", f"2026-01-02 {time:%H:%M:%S}") == []


@given(st.integers(0, 9_999_999_999), st.integers(0, 99))
def test_every_price_up_to_ten_digits_is_an_amount(yuan: int, fen: int) -> None:
    found = check_value("amount", f"¥{yuan}.{fen:02d}")
    assert all(finding.severity is Severity.WARNING for finding in found)
    assert (found == []) is (len(str(yuan)) <= 8)


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("time", "1５:0１"),
        ("time", "2026-01-0２ 15:04"),
        ("date", "202６-01-02"),
        ("number", "１2"),
        ("amount", "1２元"),
    ],
)
def test_full_width_digits_in_a_figure_or_a_moment_are_no_digits(type_: str, value: str) -> None:
    assert any(one.severity is Severity.ERROR for one in check_value(type_, value))


_PIECE = st.text(alphabet="ab1 .~-/:¥元年月日订单，,🎉\n·京", max_size=12)


@given(type_=st.sampled_from(sorted(TYPES)), before=_PIECE, put_in=_PIECE, after=_PIECE)
def test_what_is_wrong_with_a_fixed_part_is_wrong_whatever_is_put_in(
    type_: str, before: str, put_in: str, after: str
) -> None:
    said = {(one.code, one.severity) for one in check_fixed(type_, (before + after).strip(), "data.x")}
    whole = {(one.code, one.severity) for one in check_value(type_, (before + put_in + after).strip())}
    errors = {one for one in whole if one[1] is Severity.ERROR}
    assert {one for one in said if one[1] is Severity.ERROR} <= errors
    assert whole >= said or errors
