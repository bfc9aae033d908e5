"""When a sending will end: by its rate, its hours and what the quota leaves day by day."""

from datetime import datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxpush.app.forecast import forecast
from wxpush.clock import BEIJING
from wxpush.delivery.hours import DayHours, Hours, Week

DAY = DayHours(time(8), time(21))
NOON = DayHours(time(12), time(13))
NIGHT = DayHours(time(21), time(6))
TILL_MIDNIGHT = DayHours(time(8), time(0))


def beijing(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-{text}").replace(tzinfo=BEIJING)


#: now, messages, rate, hours, left today, left daily: begins, ends, days
TABLE = [
    ("23 10:00", 0, 30, None, None, None, "23 10:00", "23 10:00", 1),
    ("23 10:00", 1800, 30, None, None, None, "23 10:00", "23 10:01", 1),
    ("23 10:00", 0, 30, None, 0, 0, "23 10:00", "23 10:00", 1),
    ("23 10:00", 1800, 30, None, 1800, 1800, "23 10:00", "23 10:01", 1),
    # the hours
    ("23 07:00", 1800, 30, DAY, None, None, "23 08:00", "23 08:01", 1),
    ("23 22:00", 1800, 30, DAY, None, None, "24 08:00", "24 08:01", 1),
    ("23 12:59", 3600, 30, NOON, None, None, "23 12:59", "24 12:01", 2),
    ("23 12:00", 108_000, 30, NOON, None, None, "23 12:00", "23 13:00", 1),
    ("23 12:00", 3 * 108_000, 30, NOON, None, None, "23 12:00", "25 13:00", 3),
    ("23 22:00", 1800, 30, NIGHT, None, None, "23 22:00", "23 22:01", 1),
    ("24 05:59", 3600, 30, NIGHT, None, None, "24 05:59", "24 21:01", 2),
    ("23 10:00", 1800, 30, NIGHT, None, None, "23 21:00", "23 21:01", 1),
    ("23 23:59", 3600, 30, TILL_MIDNIGHT, None, None, "23 23:59", "24 08:01", 2),
    # the quota
    ("23 10:00", 3600, 30, None, 1800, 90_000, "23 10:00", "24 00:06", 2),
    ("23 10:00", 3600, 30, None, 0, 90_000, "23 10:00", "24 00:07", 2),
    ("23 10:00", 3600, 30, None, -500, 90_000, "23 10:00", "24 00:07", 2),
    ("23 10:00", 5400, 30, None, 1800, 1800, "23 10:00", "25 00:06", 3),
    ("23 10:00", 3600, 30, DAY, 1800, 90_000, "23 10:00", "24 08:01", 2),
    ("23 10:00", 5400, 30, DAY, 0, 1800, "23 10:00", "26 08:01", 4),
    ("23 10:00", 3600, 30, None, 1800, None, "23 10:00", "24 00:06", 2),
    # over midnight, in the minutes before the quota turns
    ("23 23:59", 30 * 3600, 30, None, None, None, "23 23:59", "24 00:59", 2),
    ("24 00:02", 30 * 3600, 30, None, None, None, "24 00:02", "24 01:02", 2),
    ("24 00:00", 30 * 3600, 30, None, None, None, "24 00:00", "24 01:00", 2),
    ("24 00:02", 3600, 30, None, 1800, 90_000, "24 00:02", "24 00:06", 2),
]  # fmt: skip


@pytest.mark.parametrize(
    ("now", "messages", "rate", "hours", "today", "daily", "begins", "ends", "days"), TABLE
)
def test_when_it_begins_and_ends(
    now: str, messages: int, rate: float, hours: Hours | None, today: int | None, daily: int | None,
    begins: str, ends: str, days: int,
) -> None:  # fmt: skip
    found = forecast(beijing(now), messages, rate, hours, left_today=today, left_daily=daily)
    assert (found.begins, found.ends) == (beijing(begins), beijing(ends))
    assert found.days == days


WORKDAYS = Week((DayHours(time(8), time(21), frozenset(range(5))),))
TWICE = Week((DayHours(time(9), time(10)), DayHours(time(14), time(15))))
OVERLAPPING = Week((DayHours(time(8), time(12)), DayHours(time(10), time(18))))
ALWAYS = Week((DayHours(time(0), time(0)),))

#: now (the 23rd is a Monday), messages, hours, left today, left daily, until: begins, ends, days, left
WEEKS = [
    ("27 20:59", 3600, WORKDAYS, None, None, None, "27 20:59", "30 08:01", 2, 0),
    ("28 12:00", 3600, WORKDAYS, None, None, None, "30 08:00", "30 08:02", 1, 0),
    # two windows of one day share its quota
    ("23 09:59", 3600, TWICE, None, None, None, "23 09:59", "23 14:01", 1, 0),
    ("23 09:59", 3600, TWICE, 1800, 90_000, None, "23 09:59", "24 09:01", 2, 0),
    ("23 09:59", 5400, TWICE, 3600, 90_000, None, "23 09:59", "24 09:01", 2, 0),
    # windows that overlap are not counted twice
    ("23 08:00", 30 * 3600 * 10, OVERLAPPING, None, None, None, "23 08:00", "23 18:00", 1, 0),
    ("23 23:59", 3600, ALWAYS, None, None, None, "23 23:59", "24 00:01", 2, 0),
    # an end that was set
    ("23 10:00", 3600, None, None, None, "23 10:01", "23 10:00", "23 10:01", 1, 1800),
    ("23 10:00", 1800, None, None, None, "23 10:01", "23 10:00", "23 10:01", 1, 0),
    ("23 10:00", 900, None, None, None, "23 10:01", "23 10:00", "23 10:00:30", 1, 0),
    ("23 10:00", 3600, None, 600, 600, "23 11:00", "23 10:00", "23 11:00", 1, 3000),
    ("23 22:00", 3600, DAY, None, None, "24 08:01", "24 08:00", "24 08:01", 1, 1800),
    ("23 20:59", 7200, DAY, None, None, "24 08:01", "23 20:59", "24 08:01", 2, 3600),
    ("23 09:59:30", 9000, TWICE, None, None, "23 14:01", "23 09:59:30", "23 14:01", 1, 6300),
    ("23 10:00", 0, None, None, None, "23 10:01", "23 10:00", "23 10:00", 1, 0),
]  # fmt: skip


@pytest.mark.parametrize(
    ("now", "messages", "hours", "today", "daily", "until", "begins", "ends", "days", "left"), WEEKS
)
def test_weeks_and_ends_that_were_set(
    now: str, messages: int, hours: Hours | None, today: int | None, daily: int | None, until: str | None,
    begins: str, ends: str, days: int, left: int,
) -> None:  # fmt: skip
    found = forecast(
        beijing(now), messages, 30, hours, left_today=today, left_daily=daily, until=until and beijing(until)
    )
    assert (found.begins, found.ends) == (beijing(begins), beijing(ends))
    assert (found.days, found.left) == (days, left)


@pytest.mark.parametrize("hours", [None, DAY, NIGHT])
def test_what_never_ends_has_no_end(hours: Hours | None) -> None:
    found = forecast(beijing("23 10:00"), 10, 30, hours, left_today=0, left_daily=0)
    assert found.ends is None


MOMENTS = st.floats(1.767e9, 1.798e9).map(lambda wall: datetime.fromtimestamp(wall, BEIJING))
HOURS = st.sampled_from([None, DAY, NOON, NIGHT, TILL_MIDNIGHT, WORKDAYS, TWICE, OVERLAPPING, ALWAYS])
COUNTS = st.none() | st.integers(0, 200_000)


@given(MOMENTS, st.integers(0, 10**6), st.floats(1, 1000), HOURS, COUNTS, COUNTS)
def test_it_begins_in_the_hours_and_ends_no_sooner_than_the_rate_allows(
    now: datetime, messages: int, rate: float, hours: Hours | None, today: int | None, daily: int | None
) -> None:
    found = forecast(now, messages, rate, hours, left_today=today, left_daily=daily)
    assert found.begins >= now
    assert hours is None or hours.wait(found.begins) is None
    if found.ends is not None:
        assert found.ends - found.begins >= timedelta(seconds=messages / rate) - timedelta(seconds=1)
    else:
        assert daily is not None or hours is not None


@given(MOMENTS, st.integers(0, 10**6), st.floats(5, 1000))
def test_without_hours_and_quota_only_the_rate_counts(now: datetime, messages: int, rate: float) -> None:
    found = forecast(now, messages, rate, None, left_today=None, left_daily=None)
    assert found.ends is not None
    spent = (found.ends - now).total_seconds()
    assert spent == pytest.approx(messages / rate, abs=10)


@given(MOMENTS, st.integers(0, 10**6), st.floats(1, 1000), HOURS, COUNTS, st.floats(0, 40))
def test_an_end_that_was_set_leaves_what_would_come_later(
    now: datetime, messages: int, rate: float, hours: Hours | None, quota: int | None, days: float
) -> None:
    until = now + timedelta(days=days)
    free = forecast(now, messages, rate, hours, left_today=quota, left_daily=quota)
    found = forecast(now, messages, rate, hours, left_today=quota, left_daily=quota, until=until)
    assert 0 <= found.left <= messages
    if free.ends is not None and free.ends <= until:
        assert found.left <= 1  # of which a part would fit
    elif found.left:
        assert found.ends == until
