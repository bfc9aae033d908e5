"""The budget of retries: half the rate on good days, a tenth on bad ones, and never nothing."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.delivery import world as w
from wxpush.delivery.retries import RetryBudget
from wxpush.model import Verdict


def budget(rate: float = 100.0, *, fresh: bool = False, met: list[Verdict] | None = None) -> RetryBudget:
    """A budget that has been through `met`; unless `fresh`, what it began with is spent."""
    made = RetryBudget(rate, 0.0)
    for verdict in met or []:
        made.observe(verdict)
    if not fresh:
        made.spend(made.left(0.0))
    return made


def test_it_begins_with_ten() -> None:
    assert budget(fresh=True).left(0.0) == 10


@pytest.mark.parametrize(
    ("met", "per_second"),
    [
        ([], 51),
        ([w.OK] * 50, 51),
        ([w.OK] * 31 + [w.SILENT] * 19, 51),
        ([w.OK] * 30 + [w.SILENT] * 20, 11),
        ([w.OK] * 30 + [w.BUSY] * 20, 11),
        ([w.OK] * 30 + [w.REFUSED_CONNECTION] * 20, 11),
        ([w.UNFOLLOWED] * 50, 51),
        ([w.SILENT] * 19, 51),
        ([w.SILENT] * 20, 11),
        ([w.SILENT] * 50 + [w.OK] * 31, 51),
    ],
)
def test_a_second_earns_half_the_rate_or_in_trouble_a_tenth(met: list[Verdict], per_second: int) -> None:
    assert budget(met=met).left(1.0) == per_second


def test_an_hour_of_calm_pays_for_ten_seconds() -> None:
    assert budget().left(3600.0) == 510


def test_trouble_takes_what_calm_has_saved() -> None:
    made = budget()
    assert made.left(3600.0) == 510
    for _ in range(50):
        made.observe(w.SILENT)
    assert made.left(3600.0) == 110


def test_whoever_waits_as_long_as_told_may_go() -> None:
    made, now = budget(0.01), 0.0
    for _ in range(20):
        now += made.until_next(now) + 1e-9
        assert made.left(now) == 1
        made.spend(1)


ANSWERS = st.sampled_from([w.OK, w.SILENT, w.BUSY, w.UNFOLLOWED])
STEPS = st.lists(st.tuples(st.floats(0, 20), ANSWERS, st.integers(0, 9)), max_size=200)


@given(st.floats(0.01, 2000), STEPS)
def test_no_course_of_things_gives_more_than_half_the_rate_and_one_a_second(
    rate: float, steps: list[tuple[float, Verdict, int]]
) -> None:
    made, now, gone = RetryBudget(rate, 0.0), 0.0, 0
    for step, verdict, wanted in steps:
        now += step
        made.observe(verdict)
        go = min(wanted, made.left(now))
        made.spend(go)
        gone += go
        assert gone <= 10 + now * (0.5 * rate + 1) + 1e-6


@given(st.floats(0.01, 2000), st.floats(0, 100))
def test_somebody_may_always_go_within_a_second(rate: float, at: float) -> None:
    made = budget(rate, met=[w.SILENT] * 50)
    wait = made.until_next(at)
    assert 0 <= wait <= 1.0
    assert made.left(math.nextafter(at + wait + 1e-6, math.inf)) >= 1
