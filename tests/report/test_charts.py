"""Charts as SVG: heights that are right, scales that people can read, labels that stay inside."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxpush.report.charts import distribution, nice_top, share_bar, timeline
from wxpush.report.paper import Class, Distribution, Part, Slot, Timeline


def rects(drawn: str, name: str) -> list[dict[str, float]]:
    found = re.findall(rf'<rect class="{name}" ([^/]+)/>', drawn)
    return [{key: float(value) for key, value in re.findall(r'(\w+)="([\d.]+)"', one)} for one in found]


@given(st.integers(0, 10**12))
def test_the_top_of_a_scale_is_round_and_near(most: int) -> None:
    top = nice_top(most)
    assert most <= top <= max(4, 2.6 * most)
    assert top % 4 == 0
    assert len(str(top // 4).rstrip("0")) <= 2


def test_bars_stand_on_each_other_in_proportion() -> None:
    chart = Timeline("t", ["accepted", "failed"], ["a", "f"], [Slot([30, 10], "x"), Slot([0, 0], "y")])
    drawn = timeline(chart)
    (accepted,), (failed,) = rects(drawn, "accepted"), rects(drawn, "failed")
    assert nice_top(40) == 40
    assert (accepted["y"], accepted["height"]) == (25, 75)
    assert (failed["y"], failed["height"]) == (0, 25)
    assert len(rects(drawn, "rest")) == 2


def test_pauses_and_waits_are_marked() -> None:
    slots = [Slot([1], "a"), Slot((), "night", is_pause=True), Slot([0], "b", is_wait=True)]
    drawn = timeline(Timeline("t", ["accepted"], ["a"], slots))
    assert [rect["x"] for rect in rects(drawn, "pause")] == [10]
    assert [rect["x"] for rect in rects(drawn, "wait")] == [20]


@pytest.mark.parametrize(("name_classes", "first"), [(False, 50.0), (True, 25.0)])
def test_a_label_stands_at_its_bound_or_below_its_class(name_classes: bool, first: float) -> None:
    classes = [Class(1, "a", "1 s"), Class(2, "b", "2 s")]
    drawn = distribution(Distribution("latency", "t", classes, [], labels_name_classes=name_classes))
    assert float(re.findall(r"left:([\d.]+)%", drawn)[0]) == first
    assert "translateX(-100%)" in drawn or name_classes


def test_an_empty_chart_is_drawn_all_the_same() -> None:
    assert "<svg" in timeline(Timeline("t", [], [], []))
    assert "<svg" in distribution(Distribution("latency", "t", [], []))


def test_each_part_has_a_share_however_small() -> None:
    drawn = share_bar([Part("accepted", "a", 999_999, ""), Part("failed", "f", 1, "")])
    assert re.findall(r"flex-grow:(\d+)", drawn) == ["999999", "1"]


@given(st.integers(1, 120), st.sampled_from(["10:20", "11-26 10:20", "≤ 30 分钟", "1.5 s", "x"]))
def test_the_first_label_is_always_there_also_on_a_phone(count: int, label: str) -> None:
    drawn = timeline(Timeline("t", ["accepted"], ["a"], [Slot([1], "", label)] * count))
    feet = re.findall(r"<span( class=\"minor\")? style=\"left:([\d.]+)%", drawn)
    assert feet[0] == ("", "0.00")
    places = [float(place) for _minor, place in feet]
    assert places == sorted(places)
    assert len([1 for minor, _place in feet if not minor]) <= 12
