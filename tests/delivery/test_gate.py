"""The gate: why nothing goes just now, until when, and how many may."""

from datetime import datetime, time, timedelta

import pytest

from tests.delivery import world as w
from tests.delivery.world import Time
from wxpush.clock import BEIJING
from wxpush.delivery.gate import Gate, GateRules, is_over, left_to_run
from wxpush.delivery.hours import DayHours, Week
from wxpush.delivery.ports import Why
from wxpush.model import Quota

FULL = Quota(limit=100_000, used=0, remain=100_000)


class Stage:
    """A gate and the clock that it looks at; the day begins at 10:00 in Beijing."""

    def __init__(self, rules: GateRules | None = None, quota: Quota | None = None) -> None:
        self.time = Time()
        self.gate = Gate(rules or GateRules(30.0), self.time.clock(), quota)

    def until(self) -> str:
        waiting = self.gate.waiting()
        assert waiting is not None
        assert waiting.until is not None
        return waiting.until.astimezone(BEIJING).strftime("%d %H:%M:%S")

    def why(self) -> Why | None:
        waiting = self.gate.waiting()
        return waiting and waiting.why

    def takes(self) -> int:
        return sum(iter(self.gate.take, False))


def test_an_open_gate_gives_slots_at_the_rate() -> None:
    stage = Stage()
    assert stage.why() is None
    assert stage.takes() == 0
    stage.time.now += 1
    assert stage.takes() == 3
    assert stage.gate.until_slot() == pytest.approx(1 / 30, abs=1e-6)


def test_the_minute_limit_closes_it_for_a_minute_and_then_half_as_much_goes() -> None:
    stage = Stage()
    stage.gate.observe(w.MINUTE_LIMIT)
    assert (stage.why(), stage.until()) == (Why.THROTTLE, "23 10:01:00")
    stage.time.now += 60
    assert stage.why() is None
    assert stage.takes() == 0
    stage.time.now += 1
    assert stage.gate.slots_within(1.0) <= 15 + 1.5


def test_a_wait_that_the_server_asks_for_is_kept() -> None:
    stage = Stage()
    stage.gate.observe(w.MINUTE_LIMIT._replace(wait=7.0))
    assert stage.until() == "23 10:00:07"


def test_answers_that_were_under_way_do_not_cut_the_rate_twice() -> None:
    stage = Stage()
    for _ in range(10):
        stage.gate.observe(w.MINUTE_LIMIT)
    stage.time.now += 61
    assert stage.gate.slots_within(100.0) == pytest.approx(1500, abs=5)


def test_many_busy_answers_slow_it_down_and_say_so() -> None:
    stage = Stage()
    said = [stage.gate.observe(w.BUSY) for _ in range(60)]
    assert said.count(True) == 1
    stage.takes()
    assert stage.gate.until_slot() == pytest.approx(1 / 21, rel=0.01)


def test_busy_answers_are_answers_and_open_no_breaker() -> None:
    stage = Stage()
    for _ in range(100):
        stage.gate.observe(w.BUSY)
    assert stage.why() is None
    assert stage.gate.unreachable_for() == 0.0


@pytest.mark.parametrize("verdict", [w.SILENT, w.REFUSED_CONNECTION])
def test_an_outage_closes_it_until_the_next_probe(verdict: w.Verdict) -> None:
    stage = Stage()
    stage.time.now += 1
    for _ in range(5):
        stage.gate.observe(verdict)
    assert (stage.why(), stage.until()) == (Why.OUTAGE, "23 10:00:06")
    assert stage.gate.slots_within(1.0) == 0
    assert not stage.gate.take()
    stage.time.now += 5
    assert stage.why() is None
    assert stage.gate.take(10) == 3
    assert stage.why() is Why.OUTAGE
    assert stage.gate.unreachable_for() == 5.0
    stage.gate.observe(w.UNFOLLOWED)
    assert stage.why() is None


def test_no_network_for_a_token_is_an_outage() -> None:
    stage = Stage()
    for _ in range(5):
        stage.gate.no_token()
    assert stage.why() is Why.OUTAGE


def test_hours_close_it_until_they_open() -> None:
    stage = Stage(GateRules(30.0, hours=DayHours(time(12), time(13))))
    assert (stage.why(), stage.until()) == (Why.HOURS, "23 12:00:00")
    stage.time.now += 2 * 3600
    assert stage.why() is None
    stage.time.now += 3600
    assert stage.until() == "24 12:00:00"


@pytest.mark.parametrize(
    ("quota", "keep", "left"),
    [
        (FULL, 0.10, 90_000),
        (Quota(100_000, 95_000, 5_000), 0.10, -5_000),
        (Quota(1000, 800, 200), 0.10, 100),
        (Quota(1000, 0, 1000), 0.0, 1000),
        (Quota(1000, 0, 1000), 1.0, 0),
    ],
)
def test_the_reserve_is_a_share_of_the_limit(quota: Quota, keep: float, left: int) -> None:
    assert left_to_run(quota, keep) == left


def test_no_more_goes_than_the_quota_leaves() -> None:
    stage = Stage(GateRules(30.0, burst=100), Quota(1000, 895, 105))
    stage.time.now += 60
    assert stage.gate.slots_within(0.0) == 5
    assert [stage.gate.take() for _ in range(3)] == [1] * 3
    assert stage.gate.take(2) == 2
    assert stage.gate.allowance == 0
    assert stage.why() is Why.QUOTA


def test_a_spent_quota_is_read_again_before_it_ends_the_run() -> None:
    stage = Stage(GateRules(30.0, burst=100), Quota(1000, 899, 101))
    stage.time.now += 60
    assert not stage.gate.wants_reading(flying=0)
    assert stage.gate.take()
    assert stage.gate.wants_reading(flying=0)
    assert not stage.gate.wants_reading(flying=0), "asked twice"
    assert stage.gate.take_quota(Quota(1000, 900, 100))
    assert not stage.gate.take_quota(Quota(1000, 0, 1000))
    assert stage.why() is None


def test_the_quota_is_read_every_two_thousand_messages() -> None:
    stage = Stage(GateRules(1000.0, burst=5000), FULL)
    stage.time.now += 60
    for _ in range(1999):
        assert stage.gate.take()
    assert not stage.gate.wants_reading(flying=0)
    assert stage.gate.take()
    assert stage.gate.wants_reading(flying=0)


def test_a_reading_that_ends_the_run_waits_for_what_is_on_its_way() -> None:
    stage = Stage(GateRules(30.0, burst=100), Quota(1000, 899, 101))
    stage.time.now += 60
    assert stage.gate.take()
    assert not stage.gate.wants_reading(flying=1), "WeChat may not have counted it"
    assert stage.gate.wants_reading(flying=0)


def test_a_reading_on_the_way_leaves_out_what_it_may_not_have_counted() -> None:
    stage = Stage(GateRules(1000.0, burst=5000), FULL)
    stage.time.now += 60
    for _ in range(2000):
        assert stage.gate.take()
    assert stage.gate.wants_reading(flying=16)
    assert stage.gate.take()
    assert not stage.gate.take_quota(Quota(100_000, 1984, 98_016))
    assert stage.gate.allowance == 90_000 - 2001
    assert not stage.gate.take_quota(Quota(100_000, 89_990, 10_010)), "unsure, so read again before the end"
    assert stage.why() is Why.QUOTA
    assert stage.gate.wants_reading(flying=0)


def test_after_a_wait_for_quota_it_goes_on_in_the_morning_and_never_at_night() -> None:
    stage = Stage(quota=Quota(1000, 950, 50))
    stage.gate.wait_for_quota()
    assert (stage.why(), stage.until()) == (Why.QUOTA, "24 00:05:00")
    stage.time.now += timedelta(hours=14, minutes=5).total_seconds()
    assert stage.gate.wants_reading(flying=0)
    assert not stage.gate.take_quota(FULL)
    assert (stage.why(), stage.until()) == (Why.HOURS, "24 08:00:00")
    stage.time.now += timedelta(hours=7, minutes=55).total_seconds()
    assert stage.why() is None
    stage.time.now += timedelta(hours=13).total_seconds()
    assert stage.why() is Why.HOURS


def test_a_quota_that_is_late_is_asked_for_every_half_hour() -> None:
    stage = Stage(quota=Quota(1000, 950, 50))
    stage.gate.wait_for_quota()
    stage.time.now += timedelta(hours=14, minutes=5).total_seconds()
    assert stage.gate.wants_reading(flying=0)
    assert stage.gate.take_quota(Quota(1000, 950, 50))
    assert stage.until() == "24 00:35:00"


def test_own_hours_hold_after_a_wait_for_quota() -> None:
    stage = Stage(GateRules(30.0, hours=DayHours(time(6), time(23))), Quota(1000, 950, 50))
    stage.gate.wait_for_quota()
    stage.time.now += timedelta(hours=14, minutes=5).total_seconds()
    stage.gate.take_quota(FULL)
    assert stage.until() == "24 06:00:00"


def test_a_moment_is_told_with_its_zone() -> None:
    stage = Stage()
    stage.gate.observe(w.MINUTE_LIMIT)
    waiting = stage.gate.waiting()
    assert waiting is not None
    assert waiting.until == datetime(2026, 11, 23, 10, 1, tzinfo=BEIJING)


@pytest.mark.parametrize(("seconds", "over"), [(-1, False), (0, True), (1, True)])
def test_it_is_over_from_the_moment_that_was_set(seconds: float, over: bool) -> None:
    moment = datetime(2026, 11, 23, 21, tzinfo=BEIJING)
    assert is_over(moment + timedelta(seconds=seconds), moment) is over
    assert not is_over(moment, None)


def test_the_next_opening_is_looked_up_anew_when_it_has_closed() -> None:
    """The 23rd is a Monday; a clock that is set goes by what it says then."""
    days = Week((DayHours(time(8), time(21), frozenset({0, 2})), DayHours(time(9), time(10), frozenset({4}))))
    stage = Stage(GateRules(30.0, hours=days))
    said = []
    for hours in (0, 11, 24, 46, 59, 95, 0):
        stage.time.now = 1000.0 + hours * 3600
        waiting = stage.gate.waiting()
        said.append(waiting and waiting.until and waiting.until.strftime("%d %H:%M"))
    assert said == [None, "25 08:00", "25 08:00", None, "27 09:00", None, None]
