"""The documented filters: what each makes of usual values, and how it refuses the others."""

from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.campaign.samples import recipient, with_data
from wxpush.campaign.filters import (
    FILTERS,
    ValueProblemError,
    date,
    mask_name,
    mask_phone,
    money,
    rounded,
    shorten,
)
from wxpush.campaign.render import Renderer, RowError


def rendered(folder: Path, expression: str, **values: object) -> str:
    return Renderer(with_data(folder, expression)).render(recipient(**values)).data["thing1"]


@pytest.mark.parametrize(
    ("expression", "value", "text"),
    [
        ("{{ x | shorten(6) }}", "有机红富士苹果礼盒", "有机红富士…"),
        ("{{ x | shorten(6) }}", "有机红富士苹", "有机红富士苹"),
        ("{{ x | shorten(6, '等') }}", "有机红富士苹果", "有机红富士等"),
        ("{{ x | shorten(6, end='') }}", "有机红富士苹果", "有机红富士苹"),
        ("{{ x | shorten(5) }}", "ab   cdef", "ab…"),
        ("{{ x | shorten(1) }}", "苹果", "苹"),
        ("{{ x | money }}", "199", "199.00"),
        ("{{ x | money }}", "0.005", "0.01"),
        ("{{ x | money }}", "￥1,299.5元", "1299.50"),
        ("{{ x | money(thousands=true) }}", "1234567.891", "1,234,567.89"),
        ("{{ x | money(decimals=0) }}", "2.5", "3"),
        ("{{ x | money }}", "-3", "-3.00"),
        ("{{ x | date }}", "2026-11-23", "2026年11月23日"),
        ("{{ x | date }}", "2026-11-23 15:04", "2026年11月23日 15:04"),
        ("{{ x | date('%Y-%m-%d') }}", "2026/1/3", "2026-01-03"),
        ("{{ x | date('%m月%d日') }}", "20260103", "01月03日"),
        ("{{ x | date('%-m月%-d日 %-H:%M') }}", "2026年1月3日 08:05", "1月3日 8:05"),
        ("{{ x | date('%H:%M:%S') }}", "20260103080509", "08:05:09"),
        ("{{ x | date('%Y.%m.%d') }}", "2026.01.03", "2026.01.03"),
        ("{{ x | date('%H时%M分') }}", "2026年01月03日 8时05分", "08时05分"),
        ("{{ x | date('%d日 %H:%M') }}", "2026-11-23T20:00:00Z", "24日 04:00"),
        ("{{ x | date('%H:%M') }}", "2026-11-23T08:00:00.123+08:00", "08:00"),
        ("{{ x | date('%Y-%m-%d %H:%M:%S') }}", "1763884800", "2025-11-23 16:00:00"),
        ("{{ x | date('%Y-%m-%d') }}", "1763884800123", "2025-11-23"),
        ("{{ x | date('100%%') }}", "2026-11-23", "100%"),
        ("{{ x | mask_phone }}", "13812345678", "138****5678"),
        ("{{ x | mask_phone }}", "+86 138-1234-5678", "138****5678"),
        ("{{ x | mask_phone }}", "6688 8866", "66****66"),
        ("{{ x | mask_name }}", "王小明", "王*明"),
        ("{{ x | mask_name }}", "王明", "王*"),
        ("{{ x | mask_name }}", "王", "*"),
        ("{{ x | mask_name }}", "欧阳小明", "欧**明"),
        ("{{ x | default('朋友') }}", "", "朋友"),
        ("{{ x | default('朋友') }}", "  ", "朋友"),
        ("{{ x | default('朋友') }}", "王小明", "王小明"),
        ("{{ nobody | default('朋友') }}", "", "朋友"),
        ("{{ x | upper }}", "sn1a", "SN1A"),
        ("{{ x | lower }}", "SN1A", "sn1a"),
        ("[{{ x | trim }}]", " a ", "[a]"),
        ("{{ x | replace('-', '/') }}", "1-2-3", "1/2/3"),
        ("{{ x | int + 1 }}", "41", "42"),
        ("{{ x | float * 0.9 }}", "199.00", "179.100"),
        ("{{ (x | float * 0.9) | round(2) }}", "199.00", "179.10"),
        ("{{ x | round }}", "2.5", "3"),
        ("{{ x | join }}", ["苹果", "梨"], "苹果、梨"),
        ("{{ x | join('/') }}", ["苹果", "梨"], "苹果/梨"),
        ("{{ x | length }}", "苹果", "2"),
        ("{{ x | length }}", ["苹果", "梨", "桃"], "3"),
    ],
)
def test_a_filter_makes_the_text_that_people_expect(
    tmp_path: Path, expression: str, value: object, text: str
):
    assert rendered(tmp_path, expression, x=value) == text


@pytest.mark.parametrize(
    ("expression", "value", "words"),
    [
        ("{{ x | money }}", "abc", "“abc” is not a number."),
        ("{{ x | money }}", "", "“” is not a number."),
        ("{{ x | money }}", "1,2,3", "not a number"),
        ("{{ x | money }}", "1e9999", "not a number"),
        ("{{ x | money(decimals=y) }}", "1", "not a whole number from 0 to 4"),
        ("{{ x | date }}", "tomorrow", "not a date"),
        ("{{ x | date }}", "2026-02-30", "not a date"),
        ("{{ x | date }}", "2026-11-23 25:00", "not a date"),
        ("{{ x | date }}", "12月3日", "not a date"),
        ("{{ x | date('%H:%M') }}", "2026-11-23", "no time of day"),
        ("{{ x | date(unit) }}", "2026-11-23", "“%q” is unknown"),
        ("{{ x | mask_phone }}", "none", "not a phone number"),
        ("{{ x | int }}", "3.5", "not a whole number"),
        ("{{ x | shorten(nothing) }}", "a", "not a whole number from 1"),
        ("{{ x | shorten(x) }}", "a", "not a number"),
        ("{{ x | join }}", "a", "not a list"),
        ("{{ x | replace(blank, 'b') }}", "a", "empty"),
        ("{{ x | upper }}", ["a"], "a list or a group"),
        ("{{ nobody | upper }}", "", 'no value for "nobody"'),
        ("{{ nobody | money }}", "", 'no value for "nobody"'),
        ("{{ nobody | join }}", "", 'no value for "nobody"'),
    ],
)
def test_a_value_that_does_not_fit_is_a_fault_of_its_row(
    tmp_path: Path, expression: str, value: object, words: str
):
    with pytest.raises(RowError) as caught:
        rendered(tmp_path, expression, x=value, y="9", unit="%q", nothing="0", blank="")
    (found,) = caught.value.findings
    assert found.where == "data.thing1"
    assert words in found.message


def test_a_long_value_is_named_in_short(tmp_path: Path):
    with pytest.raises(RowError) as caught:
        rendered(tmp_path, "{{ x | money }}", x="九" * 4000)
    assert len(caught.value.findings[0].message) < 80


@given(st.text(max_size=60), st.integers(1, 40), st.text(max_size=5))
def test_shortened_text_never_exceeds_its_length(text: str, length: int, end: str):
    short = shorten(text, length, end)
    assert len(short) <= length
    assert len(text.strip()) > length or short == text.strip()


@given(st.decimals(-(10**12), 10**12, allow_nan=False, places=4))
def test_money_is_off_by_half_a_fen_at_most(amount: Decimal):
    assert abs(Decimal(money(str(amount))) - amount) <= Decimal("0.005")
    assert abs(rounded(str(amount), 2) - amount) <= Decimal("0.005")


@given(st.datetimes(), st.sampled_from(["%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y年%m月%d日 %H:%M"]))
def test_a_date_reads_what_it_wrote(moment, layout: str):
    text = f"{moment.year:04d}-{moment.month:02d}-{moment.day:02d} {moment.hour:02d}:{moment.minute:02d}"
    assert date(date(text, layout), "%Y-%m-%d %H:%M") == text


@given(st.text(min_size=1, max_size=20))
def test_a_masked_name_shows_at_most_two_characters(name: str):
    masked = mask_name(name)
    assert sum(one != "*" for one in masked) <= 2
    assert len(masked) <= 5


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True))
def test_a_masked_mobile_number_hides_its_middle(number: str):
    assert mask_phone(number) == f"{number[:3]}****{number[7:]}"


@given(st.sampled_from(sorted(FILTERS)), st.text(max_size=40), st.text(max_size=5), st.integers(-3, 3000))
def test_a_filter_either_answers_or_refuses_in_its_own_words(name: str, text: str, extra: str, number: int):
    arguments = {
        "shorten": (number, extra),
        "replace": (extra, text),
        "join": (extra,),
        "date": (text,),
        "default": (extra,),
    }
    with suppress(ValueProblemError):
        assert len(str(FILTERS[name](text, *arguments.get(name, ())))) <= 4096
