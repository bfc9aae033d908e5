"""How a run went in time: stretches without their pauses, bars that find room, and why minutes were slow."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.delivery.ledgers import message, record
from tests.delivery.world import MORNING
from wxpush.app.course import Course, Stretch, slow_minutes
from wxpush.delivery.ledger import Place
from wxpush.delivery.minutes import Minute
from wxpush.delivery.records import Mark

TEN = int(MORNING)


def course_of(*moments: int, mark: Mark = Mark.ACCEPTED) -> Course:
    """What is known when outcomes came at these moments."""
    course = Course()
    for number, at in enumerate(moments):
        course.note(Place(1, number), record(message(number), mark)._replace(at=at))
    return course


def steady(minutes: int, *, per_minute: int = 60, but: dict[int, int] | None = None) -> list[int]:
    """Moments of outcomes over so many minutes; `but` says how many other minutes had."""
    found = []
    for minute in range(minutes):
        count = (but or {}).get(minute, per_minute)
        found += [TEN + minute * 60 + number * 60 // count for number in range(count)]
    return found


def test_a_short_run_is_shown_by_the_second() -> None:
    course = course_of(*(TEN + number // 30 for number in range(300)))
    (stretch,) = stretches = course.stretches({})
    assert stretch == Stretch(TEN, TEN + 10)
    assert course.step(stretches) == 1
    assert [bar.total for bar in course.bars(stretch, 1)] == [30] * 10


def test_a_night_between_two_days_is_left_out() -> None:
    course = course_of(*steady(20), *(at + 11 * 3600 for at in steady(20)))
    stretches = course.stretches({})
    assert [stretch.start - TEN for stretch in stretches] == [0, 11 * 3600]
    bars = [list(course.bars(stretch, course.step(stretches))) for stretch in stretches]
    assert sum(bar.total for day in bars for bar in day) == 2400


def test_what_is_given_back_or_goes_on_is_no_outcome() -> None:
    course = course_of(TEN, mark=Mark.RELEASED)
    assert (course.sent, course.stretches({})) == (0, [])
    assert list(course_of(TEN, mark=Mark.SILENT).minutes) == []


@given(st.lists(st.integers(0, 40 * 86_400), min_size=1, max_size=300))
def test_no_outcome_is_lost_and_all_bars_find_room(offsets: list[int]) -> None:
    course = course_of(*(TEN + offset for offset in offsets))
    stretches = course.stretches({})
    step = course.step(stretches)
    bars = [bar for stretch in stretches for bar in course.bars(stretch, step)]
    assert sum(bar.total for bar in bars) == len(offsets)
    assert len(bars) <= 121 + 2 * len(stretches)


@given(st.integers(1_801, 5_000))
def test_a_long_run_is_kept_by_the_minute_alone(seconds: int) -> None:
    course = course_of(*range(TEN, TEN + seconds))
    stretches = course.stretches({})
    assert course.step(stretches) == 60
    assert sum(bar.total for bar in course.bars(stretches[0], 60)) == seconds


def slow(course: Course, *stats: Minute) -> list[tuple[int, int]]:
    of_stats = {minute.start: minute for minute in stats}
    found = slow_minutes(course, of_stats, course.stretches(of_stats))
    return [((one.start - TEN) // 60, (one.end - one.start) // 60) for one in found]


def test_slow_minutes_that_follow_each_other_are_one_time() -> None:
    course = course_of(*steady(40, but={7: 10, 8: 12, 9: 9, 20: 30}))
    assert slow(course) == [(7, 3), (20, 1)]


def test_a_steady_run_was_never_slow() -> None:
    assert slow(course_of(*steady(40))) == []
    assert slow(course_of(*steady(3, but={1: 5}))) == [], "too short to say what is usual"


def test_the_five_that_cost_most_are_chosen_in_their_order() -> None:
    but = {5: 40, 10: 1, 15: 30, 20: 2, 25: 20, 30: 3, 35: 10}
    assert [start for start, _length in slow(course_of(*steady(60, but=but)))] == [10, 20, 25, 30, 35]


def test_the_reason_is_what_was_seen_in_that_time() -> None:
    at = TEN + 7 * 60
    course = course_of(*steady(40, but={7: 10, 20: 15, 30: 5}))
    usual = [
        Minute(TEN + n * 60, 60, 60, latency=Counter({9: 60})) for n in range(40) if n not in (7, 20, 30)
    ]
    waited = Minute(at, 12, 10, codes=Counter({"timeout": 2}), waits=Counter(outage=45_000, token=500))
    busy = Minute(
        TEN + 20 * 60,
        30,
        15,
        notices=Counter(slowed_down=1),
        codes=Counter({"-1": 15}),
        latency=Counter({16: 30}),
    )
    of_stats = {minute.start: minute for minute in (*usual, waited, busy)}
    first, second, third = slow_minutes(course, of_stats, course.stretches(of_stats))
    assert (first.waits, first.codes, first.latency) == ({"outage": 45_000}, {"timeout": 2}, 0.0)
    assert (second.slowed_down, second.codes) == (True, {"-1": 15})
    assert second.latency == pytest.approx(0.6, abs=0.1)
    assert (third.is_silent, first.is_silent) == (True, False)


@pytest.mark.parametrize("long", [False, True])
def test_an_outage_at_the_end_counts_until_the_last_attempt(long: bool) -> None:
    """Also where no second is known any more, and where it began right after the start."""
    course = course_of(*steady(40 if long else 6, per_minute=60))
    end = TEN + (40 if long else 6) * 60
    outage = [
        Minute(end + n * 60, 2, codes=Counter(network=2), waits=Counter(outage=58_000)) for n in range(4)
    ]
    of_stats = {minute.start: minute for minute in outage}
    stretches = course.stretches(of_stats)
    assert [stretch.end for stretch in stretches] == [end + 4 * 60]
    (found,) = slow_minutes(course, of_stats, stretches)
    assert (found.start, found.end, found.sent, found.usual) == (end, end + 4 * 60, 0, 60)
    assert (found.waits, found.codes) == ({"outage": 4 * 58_000}, {"network": 8})
    assert sum(bar.total for bar in course.bars(stretches[0], course.step(stretches))) == course.sent


def test_an_outage_after_the_first_minute_is_slow_too() -> None:
    course = course_of(*steady(1))
    outage = [Minute(TEN + n * 60, 1, waits=Counter(outage=58_000)) for n in range(1, 7)]
    assert slow(course, *outage) == [(1, 6)]


def test_a_wait_for_the_night_to_end_is_no_sending() -> None:
    course = course_of(*steady(6))
    night = [Minute(TEN + n * 60, 0, waits=Counter(hours=60_000)) for n in range(6, 600)]
    of_stats = {minute.start: minute for minute in night}
    assert [stretch.end for stretch in course.stretches(of_stats)] == [TEN + 6 * 60 - 0]
    assert slow(course, *night) == []


def test_what_was_settled_later_was_not_sent_then() -> None:
    course = Course()
    for number, code in enumerate(("0", "receipt", "settled")):
        course.note(Place(1, number), record(message(number), Mark.ACCEPTED)._replace(code=code, attempts=3))
    assert (course.sent, course.attempts, course.repeated) == (1, 3, 1)
