"""What time it is: how old a claim is after reboots and clock changes, and when people may be written to."""

import math
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxpush.clock import BEIJING, Clock, Moment, age, boot_seconds
from wxpush.delivery.hours import CIVIL_HOURS, DayHours, Hours, Week, next_time, quota_back

WALL = 1_795_399_200.0
THEN = Moment(WALL, 5000.0, "boot-1")


@pytest.mark.parametrize(
    ("now", "seconds"),
    [
        (Moment(WALL, 5000.0, "boot-1"), 0.0),
        (Moment(WALL + 90, 5090.0, "boot-1"), 90.0),
        (Moment(WALL - 7200, 5090.0, "boot-1"), 90.0),  # somebody set the clock back
        (Moment(WALL + 10**6, 5090.0, "boot-1"), 90.0),  # or far ahead
        (Moment(WALL + 90, 4000.0, "boot-1"), math.inf),  # one start, and yet the past
        (Moment(WALL + 90, 12.0, "boot-2"), 90.0),  # restarted: only the wall clock is left
        (Moment(WALL - 1, 12.0, "boot-2"), math.inf),
        (Moment(WALL + 86_400, 12.0, "boot-2"), 86_400.0),
        (Moment(WALL + 86_401, 12.0, "boot-2"), math.inf),
        (Moment(WALL + 90, 9000.0, ""), 90.0),  # a system that doesn't tell its starts apart
    ],
)
def test_the_age_of_a_claim(now: Moment, seconds: float) -> None:
    assert age(THEN, now) == seconds


def test_two_unknown_starts_are_not_one_start() -> None:
    assert age(Moment(WALL, 5000.0, ""), Moment(WALL + 60, 90_000.0, "")) == 60.0


@given(
    st.builds(Moment, st.floats(0, 4e9), st.floats(0, 1e8), st.sampled_from(["", "a", "b"])),
    st.builds(Moment, st.floats(0, 4e9), st.floats(0, 1e8), st.sampled_from(["", "a", "b"])),
)
def test_an_age_is_never_below_zero_and_across_starts_never_over_a_day(then: Moment, now: Moment) -> None:
    passed = age(then, now)
    assert passed >= 0
    if then.boot_id != now.boot_id or not then.boot_id:
        assert passed <= 86_400 or math.isinf(passed)


def test_the_machines_own_clocks_go_forward() -> None:
    clock = Clock()
    first, second = clock.moment(), clock.moment()
    assert first.boot_id == second.boot_id
    assert 0 <= age(first, second) < 60
    assert boot_seconds() >= first.boot


def beijing(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BEIJING)


DAY = DayHours(time(8), time(21))
NIGHT = DayHours(time(21), time(6))
TILL_MIDNIGHT = DayHours(time(8), time(0))


@pytest.mark.parametrize(
    ("hours", "now", "opens"),
    [
        (DAY, "2026-11-23 07:59:59", "2026-11-23 08:00"),
        (DAY, "2026-11-23 08:00", None),
        (DAY, "2026-11-23 20:59:59", None),
        (DAY, "2026-11-23 21:00", "2026-11-24 08:00"),
        (DAY, "2026-12-31 23:00", "2027-01-01 08:00"),
        (NIGHT, "2026-11-23 20:59:59", "2026-11-23 21:00"),
        (NIGHT, "2026-11-23 21:00", None),
        (NIGHT, "2026-11-24 00:00", None),
        (NIGHT, "2026-11-24 05:59:59", None),
        (NIGHT, "2026-11-24 06:00", "2026-11-24 21:00"),
        (TILL_MIDNIGHT, "2026-11-23 23:59:59", None),
        (TILL_MIDNIGHT, "2026-11-24 00:00", "2026-11-24 08:00"),
        (CIVIL_HOURS, "2026-11-24 00:05", "2026-11-24 08:00"),
    ],
)
def test_hours_say_when_they_open(hours: DayHours, now: str, opens: str | None) -> None:
    assert hours.wait(beijing(now)) == (opens and beijing(opens))


def test_hours_are_those_of_beijing_whatever_the_machines_zone() -> None:
    midnight_in_utc = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
    assert DAY.wait(midnight_in_utc) is None
    assert DAY.wait(midnight_in_utc + timedelta(hours=13)) == beijing("2026-11-24 08:00")


CLOCKS = st.times().map(lambda clock: clock.replace(microsecond=0, fold=0))
MOMENTS = st.floats(1e9, 4e9).map(lambda wall: datetime.fromtimestamp(wall, UTC))


@given(CLOCKS, CLOCKS, MOMENTS)
def test_hours_are_open_when_they_say_they_open(opens: time, closes: time, now: datetime) -> None:
    hours = DayHours(opens, closes)
    begins = hours.wait(now)
    if begins is not None:
        assert now < begins <= now + timedelta(days=1)
        assert opens == closes or hours.wait(begins) is None
        assert begins.astimezone(BEIJING).time() == opens


@given(CLOCKS, MOMENTS)
def test_the_next_time_is_within_a_day(clock: time, now: datetime) -> None:
    moment = next_time(clock, now)
    assert now < moment <= now + timedelta(days=1)
    assert moment.astimezone(BEIJING).time() == clock


@pytest.mark.parametrize(
    ("now", "back"),
    [
        ("2026-11-23 10:00", "2026-11-24 00:05"),
        ("2026-11-24 00:00", "2026-11-24 00:05"),
        ("2026-11-24 00:04:59", "2026-11-24 00:05"),
        ("2026-11-24 00:05", "2026-11-25 00:05"),
        ("2026-12-31 23:59", "2027-01-01 00:05"),
    ],
)
def test_the_quota_is_back_a_little_past_midnight(now: str, back: str) -> None:
    assert quota_back(beijing(now)) == beijing(back)


WORKDAYS = DayHours(time(8), time(21), frozenset(range(5)))
FRIDAY_NIGHT = DayHours(time(20), time(2), frozenset({4}))
SUNDAY = DayHours(time(0), time(0), frozenset({6}))
WEEK = Week((WORKDAYS, DayHours(time(10), time(18), frozenset({5, 6}))))
TWICE_A_DAY = Week((DayHours(time(9), time(11)), DayHours(time(14), time(16))))


@pytest.mark.parametrize(
    ("hours", "now", "opens"),
    [
        (WORKDAYS, "2026-11-27 20:59:59", None),  # a Friday
        (WORKDAYS, "2026-11-27 21:00", "2026-11-30 08:00"),
        (WORKDAYS, "2026-11-28 12:00", "2026-11-30 08:00"),
        (WORKDAYS, "2026-11-30 07:59", "2026-11-30 08:00"),
        (FRIDAY_NIGHT, "2026-11-27 19:59", "2026-11-27 20:00"),
        (FRIDAY_NIGHT, "2026-11-28 01:59", None),  # it opened on Friday
        (FRIDAY_NIGHT, "2026-11-28 02:00", "2026-12-04 20:00"),
        (FRIDAY_NIGHT, "2026-11-28 21:00", "2026-12-04 20:00"),
        (SUNDAY, "2026-11-28 23:59:59", "2026-11-29 00:00"),
        (SUNDAY, "2026-11-29 23:59:59", None),
        (SUNDAY, "2026-11-30 00:00", "2026-12-06 00:00"),
        (WEEK, "2026-11-27 22:00", "2026-11-28 10:00"),
        (WEEK, "2026-11-29 18:00", "2026-11-30 08:00"),
        (TWICE_A_DAY, "2026-11-29 12:00", "2026-11-29 14:00"),
        (TWICE_A_DAY, "2026-11-29 16:00", "2026-11-30 09:00"),
    ],
)
def test_hours_know_the_days_on_which_they_open(hours: Hours, now: str, opens: str | None) -> None:
    assert hours.wait(beijing(now)) == (opens and beijing(opens))


DAYS = st.frozensets(st.integers(0, 6), min_size=1)
ANY_HOURS = st.builds(DayHours, CLOCKS, CLOCKS, DAYS)
ANY_WEEK = ANY_HOURS | st.lists(ANY_HOURS, min_size=1, max_size=4).map(lambda parts: Week(tuple(parts)))


@given(ANY_WEEK, MOMENTS)
def test_a_stretch_is_open_from_its_beginning_until_its_end(hours: Hours, now: datetime) -> None:
    stretch = hours.stretch(now)
    assert now < stretch.closes
    assert timedelta(0) < stretch.closes - stretch.opens <= timedelta(days=1)
    assert stretch.opens <= now + timedelta(days=7)
    assert (hours.wait(now) is None) == stretch.has(now)
    assert hours.wait(stretch.opens) is None
    assert hours.wait(stretch.closes - timedelta(seconds=1)) is None


@given(ANY_WEEK, MOMENTS)
def test_before_the_next_opening_nothing_is_open(hours: Hours, now: datetime) -> None:
    opens = hours.wait(now)
    if opens is not None:
        for part in range(10):
            assert hours.wait(now + (opens - now) * part / 10) == opens


@given(ANY_HOURS, MOMENTS)
def test_hours_are_open_on_their_days_only(hours: DayHours, now: datetime) -> None:
    """Told without a calendar: minute by minute, by the clock in Beijing."""
    local = now.astimezone(BEIJING)
    clock, day = local.time(), local.weekday()
    if hours.opens < hours.closes:
        is_open = day in hours.days and hours.opens <= clock < hours.closes
    else:
        is_open = (day in hours.days and clock >= hours.opens) or (
            (day - 1) % 7 in hours.days and clock < hours.closes
        )
    assert (hours.wait(now) is None) == is_open
