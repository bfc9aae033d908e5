"""How fast it goes: bucket, pace and breaker, by a clock that the tests hold."""

import math
import random
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wxpush.delivery.breaker import Breaker
from wxpush.delivery.bucket import Bucket, default_burst
from wxpush.delivery.pace import Pace

RATES = st.floats(0.01, 2000)
STEPS = st.lists(st.floats(0, 30), max_size=60)


@given(RATES, st.none() | st.floats(1, 500), STEPS, st.data())
def test_no_stretch_of_time_gives_more_than_its_rate_and_one_burst(
    rate: float, burst: float | None, steps: list[float], data: st.DataObject
) -> None:
    bucket, now = Bucket(rate, burst, now=7.0), 7.0
    taken: list[float] = []
    for step in steps:
        now += step
        wanted = data.draw(st.integers(1, 40))
        taken += [now] * bucket.take(now, wanted)
    for first, start in enumerate(taken):
        for last in range(first, len(taken), 7):
            assert last - first + 1 <= rate * (taken[last] - start) + bucket.burst + 1e-6


@given(RATES, STEPS, st.integers(1, 40))
def test_many_slots_at_once_are_as_many_as_one_after_the_other(
    rate: float, steps: list[float], wanted: int
) -> None:
    together, alone, now = Bucket(rate, now=0.0), Bucket(rate, now=0.0), 0.0
    for step in steps:
        now += step
        assert together.take(now, wanted) == sum(alone.take(now) for _ in range(wanted)) <= wanted


@given(RATES, STEPS)
def test_a_bucket_starts_empty(rate: float, steps: list[float]) -> None:
    bucket, now, taken = Bucket(rate, now=0.0), 0.0, 0
    assert not bucket.take(0.0)
    for step in steps:
        now += step
        taken += bucket.take(now)
        assert taken <= rate * now + 1e-6


@given(RATES, st.none() | st.floats(1, 500), st.floats(0, 100), st.integers(1, 60))
def test_whoever_sleeps_as_long_as_told_finds_a_slot(
    rate: float, burst: float | None, start: float, slots: int
) -> None:
    bucket, now = Bucket(rate, burst, now=start), start
    for _ in range(slots):
        now += bucket.wait(now)
        assert bucket.take(now)
    assert now - start <= slots / rate + 1e-3


@given(RATES, st.floats(0, 5), st.floats(0, 5))
def test_the_slots_foreseen_are_there_unless_the_burst_forgets_them(
    rate: float, waited: float, seconds: float
) -> None:
    bucket = Bucket(rate, 1e9, now=0.0)
    foreseen = bucket.within(seconds, waited)
    assert all(bucket.take(waited + seconds + 1e-6) for _ in range(foreseen))


def test_a_slower_rate_holds_at_once() -> None:
    bucket = Bucket(100.0, now=0.0)
    assert bucket.wait(10.0) == 0.0
    bucket.set_rate(1.0, 10.0)
    assert [bucket.take(10.0) for _ in range(3)] == [1, 0, 0]
    assert bucket.wait(10.0) == pytest.approx(1.0)


def test_a_pause_does_not_end_in_a_burst() -> None:
    bucket = Bucket(100.0, now=0.0)
    bucket.empty(60.0)
    assert not bucket.take(30.0)
    assert not bucket.take(60.0)
    assert bucket.take(60.02)


def test_a_clock_that_stands_still_or_goes_back_gives_nothing() -> None:
    bucket = Bucket(10.0, now=100.0)
    assert bucket.take(100.2)
    assert not any(bucket.take(now) for now in (100.2, 99.0, 0.0, 100.2))


@pytest.mark.parametrize(("rate", "burst"), [(0.5, 1.0), (10, 1.0), (30, 3.0), (1000, 100.0)])
def test_a_burst_is_a_tenth_of_a_second_and_at_least_one(rate: float, burst: float) -> None:
    assert default_burst(rate) == burst


def test_the_minute_limit_halves_the_rate_which_grows_back_after_the_pause() -> None:
    pace = Pace(0.0, 10.0)
    pace.too_fast(10.0, 70.0)
    assert pace.share(10.0) == pace.share(79.9) == 0.5
    assert pace.share(80.0) == pytest.approx(0.55)
    assert pace.share(170.0) == pytest.approx(1.0)
    assert pace.share(10_000.0) == 1.0


def test_a_tenth_of_busy_answers_is_borne_and_more_is_not() -> None:
    pace = Pace(0.0, 10.0)
    borne = [pace.answered(0.0, busy=number % 10 == 0) for number in range(100)]
    assert not any(borne)
    assert [pace.answered(0.0, busy=True) for _ in range(2)] == [False, True]  # the first took one's place
    assert pace.share(0.0) == pytest.approx(0.7)


def test_a_tenth_of_held_messages_is_borne_and_more_is_not() -> None:
    pace = Pace(0.0, 10.0)
    assert not any(pace.answered(0.0, busy=False, held=number % 10 == 0) for number in range(100))
    assert [pace.answered(0.0, busy=False, held=True) for _ in range(2)] == [False, True]
    assert pace.share(0.0) == pytest.approx(0.7)


def test_chance_at_a_high_rate_is_no_crowd() -> None:
    pace, chance = Pace(0.0, 1000.0), random.Random(3)
    cuts = [pace.answered(at / 1000, busy=chance.random() < 0.05) for at in range(100_000)]
    assert not any(cuts)
    assert any(pace.answered(100 + at / 1000, busy=chance.random() < 0.2) for at in range(5_000))


def test_held_and_busy_together_cut_once() -> None:
    pace = Pace(0.0, 10.0)
    cuts = [pace.answered(0.0, busy=number % 2 == 0, held=number % 2 == 1) for number in range(100)]
    assert cuts.count(True) == 1


def test_the_rate_is_cut_at_most_once_in_five_seconds() -> None:
    pace = Pace(0.0, 10.0)
    cuts = [at / 10 for at in range(300) if pace.answered(at / 10, busy=True)]
    assert len(cuts) >= 4
    assert all(later - earlier >= 5 - 1e-9 for earlier, later in pairwise(cuts))


def test_few_answers_are_too_few_to_cut() -> None:
    pace = Pace(0.0, 10.0)
    assert not any(pace.answered(0.0, busy=True) for _ in range(49))
    assert pace.answered(0.0, busy=True)


@given(st.lists(st.tuples(st.floats(0, 100), st.sampled_from(["limit", "busy", "fine"])), max_size=150))
@example([(1.1076138527192043, "limit"), (65.15448111081533, "limit"), (99.9, "limit"), (100.0, "busy")])
def test_the_share_stays_between_a_twentieth_and_the_whole(steps: list[tuple[float, str]]) -> None:
    pace, now = Pace(0.0, 10.0), 0.0
    for step, what in steps:
        now += step
        before = pace.share(now)
        if what == "limit":
            pace.too_fast(now, now + 60)
        else:
            pace.answered(now, busy=what == "busy")
        assert 0.05 <= pace.share(now) <= 1.0
        assert pace.share(now) <= before + 1e-9


def broken(answers: int = 20) -> Breaker:
    breaker = Breaker()
    for _ in range(answers):
        breaker.observe(0.0, answered=False)
    return breaker


def after_a_calm_minute(failures: int, seconds: float) -> Breaker:
    """Hundreds of answers, then `failures` calls without one, evenly over so many seconds."""
    breaker = Breaker()
    for number in range(600):
        breaker.observe(number / 10, answered=True)
    for number in range(failures):
        breaker.observe(59.9 + seconds * (number + 1) / failures, answered=False)
    return breaker


def test_twenty_calls_in_a_row_without_an_answer_open_it() -> None:
    assert not after_a_calm_minute(19, 0.1).is_open
    assert after_a_calm_minute(20, 0.1).is_open


def test_five_calls_without_an_answer_open_it_where_there_was_none_for_a_second() -> None:
    assert not after_a_calm_minute(4, 3.0).is_open
    assert after_a_calm_minute(5, 1.0).is_open
    assert not after_a_calm_minute(5, 0.9).is_open


def test_a_third_of_failures_by_chance_does_not_open_it() -> None:
    breaker, chance = Breaker(), random.Random(5)
    for number in range(100_000):
        breaker.observe(number / 500, answered=chance.random() > 0.33)
        assert not breaker.is_open


def test_half_of_twenty_calls_without_an_answer_open_it_and_fewer_do_not() -> None:
    breaker = Breaker()
    for number in range(19):
        breaker.observe(0.0, answered=number % 2 == 0)
        assert not breaker.is_open
    breaker.observe(0.0, answered=False)
    assert breaker.is_open
    steady = Breaker()
    for number in range(300):
        steady.observe(number / 10, answered=number % 3 != 0)
    assert not steady.is_open


def test_calls_of_more_than_ten_seconds_ago_are_forgotten() -> None:
    breaker = Breaker()
    for number in range(18):
        breaker.observe(0.0, answered=number % 2 == 0)
    for number in range(4):
        breaker.observe(10.1, answered=number % 2 == 0)
    assert not breaker.is_open


def test_one_answer_closes_it() -> None:
    breaker = broken()
    breaker.observe(5.0, answered=True)
    assert not breaker.is_open
    assert breaker.allows(5.0) is None
    assert breaker.unreachable_for(5.0) == 0.0


def test_while_it_is_open_three_probes_go_after_5_10_20_30_and_30_seconds() -> None:
    breaker, rounds, now = broken(), [], 0.0
    for _ in range(6):
        rounds.append(breaker.next_probe() - now)
        assert breaker.allows(breaker.next_probe() - 0.01) == 0
        now = breaker.next_probe()
        assert breaker.allows(now) == 3
        for _probe in range(3):
            breaker.probing()
        assert breaker.allows(now) == 0
        for _probe in range(3):
            breaker.observe(now, answered=False)
    assert rounds == [5, 10, 20, 30, 30, 30]
    assert breaker.unreachable_for(now) == now


def test_calls_under_way_when_it_opens_do_not_lengthen_the_pause() -> None:
    breaker = broken()
    for _ in range(50):
        breaker.observe(1.0, answered=False)
    assert breaker.next_probe() == 5.0


@settings(max_examples=60)
@given(st.floats(1, 1000), st.floats(30, 3000), st.floats(0.01, 20))
def test_an_outage_is_knocked_at_with_few_calls(rate: float, seconds: float, latency: float) -> None:
    """Calls are made at the rate while it allows, and each fails after `latency`."""
    breaker, calls, now = Breaker(), 0, 0.0
    failing: list[float] = []
    while now < seconds:
        while failing and failing[0] <= now:
            breaker.observe(failing.pop(0), answered=False)
        allowed = breaker.allows(now)
        if allowed is None or allowed > 0:
            calls += 1
            breaker.probing()
            failing.append(now + latency)
            now += 1 / rate
        else:
            now = max(now + 0.01, min([breaker.next_probe(), *failing[:1]]))
    before_it_opens = 20 + math.ceil(rate * latency) + 1
    rounds = 4 + seconds / 30
    assert calls <= before_it_opens + 3 * rounds
