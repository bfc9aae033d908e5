"""Hours and days of sending as people write them: both languages, lists, and every fault with its place."""

from datetime import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.campaign.samples import DATA, HEAD, TODAY, campaign
from wxpush.campaign.fault import FaultsError
from wxpush.campaign.schema import read_campaign
from wxpush.campaign.units import UnitError
from wxpush.campaign.windows import EVERY_DAY, Window, parse_window, parse_windows

DAY = (time(8), time(21))


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("08:00-21:00", EVERY_DAY),
        ("Mon-Fri 08:00-21:00", {0, 1, 2, 3, 4}),
        ("mon - fri   8:00 - 21:00", {0, 1, 2, 3, 4}),
        ("Monday-Friday 08:00-21:00", {0, 1, 2, 3, 4}),
        ("Mon,Wed,Sat 08:00-21:00", {0, 2, 5}),
        ("Mon–Wed, Sun 08:00-21:00", {0, 1, 2, 6}),
        ("Sat-Mon 08:00-21:00", {5, 6, 0}),
        ("Sun 08:00-21:00", {6}),
        ("周一至周五 08:00-21:00", {0, 1, 2, 3, 4}),
        ("周一到周五08:00-21:00", {0, 1, 2, 3, 4}),
        ("周六、周日 08:00-21:00", {5, 6}),
        ("星期六，星期天 08:00-21:00", {5, 6}),
        ("礼拜一-礼拜三 08:00-21:00", {0, 1, 2}),
    ],
)
def test_days_are_read_in_both_languages(text: str, days: set[int]) -> None:
    assert parse_window(text) == Window(*DAY, frozenset(days))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Mon-Fri", "not hours of a day"),
        ("Mon-Fri 08:00", "not hours of a day"),
        ("Mon-Fri 08:00-08:00", "not hours of a day"),
        ("Mon-Fri 24:00-08:00", "not hours of a day"),
        ("weekdays 08:00-21:00", "“weekdays” are not days of the week"),
        ("Mo-Fr 08:00-21:00", "not days of the week"),
        ("Mon-Wed-Fri 08:00-21:00", "not days of the week"),
        ("Mon, 08:00-21:00", "not days of the week"),
        ("工作日 08:00-21:00", "holidays are not known"),
        ("周末 08:00-21:00", "not days of the week"),
        ("x" * 100_000, "not hours of a day"),
        (" " * 100_000 + "x", "not hours of a day"),
    ],
)
def test_what_is_no_window_says_so(text: str, words: str) -> None:
    with pytest.raises(UnitError) as caught:
        parse_window(text)
    assert words in f"{caught.value.message} {caught.value.hint}"


def test_a_whole_day_is_a_window() -> None:
    assert parse_window("Sat,Sun 00:00-24:00") == Window(time(0), time(0), frozenset({5, 6}))


def test_several_windows_are_a_list(tmp_path: Path) -> None:
    read = campaign(tmp_path, f'{HEAD}{DATA}send_window: ["Mon-Fri 08:00-21:00", "Sat,Sun 10:00-18:00"]\n')
    assert read.send_window == (
        Window(*DAY, frozenset(range(5))),
        Window(time(10), time(18), frozenset({5, 6})),
    )


def test_each_fault_of_a_list_has_its_place(tmp_path: Path) -> None:
    path = tmp_path / "campaign.yaml"
    lines = ["send_window:", "  - Mon-Fri 08:00-21:00", "  - Satur 10:00-18:00", "  - Sun 25:00-26:00", ""]
    path.write_text(HEAD + DATA + "\n".join(lines), encoding="utf-8")
    found = [
        (one.line, one.column, one.code, one.message) for one in read_campaign(path, today=TODAY).problems
    ]
    first = (HEAD + DATA).count("\n") + 3
    assert [(line, column, code) for line, column, code, _message in found] == [
        (first, 5, "WX122"),
        (first + 1, 5, "WX122"),
    ]
    assert found[0][3] == "send_window: “Satur” are not days of the week."


@pytest.mark.parametrize("value", [[], ["08:00-21:00"] * 51, {"a": "b"}, None])
def test_what_is_no_list_of_windows_is_refused(value: object) -> None:
    with pytest.raises(UnitError):
        parse_windows(value)


NAMES = st.sampled_from(["Mon", "tue", "Wednesday", "THU", "周五", "星期六", "礼拜天", "周一"])
HOURS = st.times().map(lambda clock: f"{clock:%H:%M}")


@given(st.lists(NAMES, min_size=1, max_size=5), HOURS, HOURS)
def test_what_is_listed_is_open(names: list[str], opens: str, closes: str) -> None:
    if opens == closes:
        return
    window = parse_window(f"{','.join(names)} {opens}-{closes}")
    assert window.days == frozenset().union(*(parse_window(f"{one} 08:00-21:00").days for one in names))
    assert (f"{window.opens:%H:%M}", f"{window.closes:%H:%M}") == (opens, closes)


@given(st.text(max_size=60) | st.lists(st.text(max_size=20), max_size=3))
def test_any_text_is_a_window_or_a_fault(value: object) -> None:
    try:
        windows = parse_windows(value)
    except (UnitError, FaultsError):
        return
    assert all(window.days for window in windows)
