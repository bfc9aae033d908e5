"""Moments of the command line: how they are read, waited for, and when they make no sense."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxpush.app.moments import beginning, end, is_over
from wxpush.app.waiting import wait_until
from wxpush.clock import BEIJING, Clock
from wxpush.errors import InputError


def beijing(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BEIJING)


NOW = beijing("2026-11-27 10:00:30")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10:30", "2026-11-27 10:30"),
        ("09:00", "2026-11-28 09:00"),
        ("9:00", "2026-11-28 09:00"),
        ("10:00", "2026-11-27 10:00:30"),  # this very minute
        ("09:59", "2026-11-28 09:59"),
        ("00:00", "2026-11-28 00:00"),
        ("2026-12-01 10:00", "2026-12-01 10:00"),
        ("2026-12-01 10:00:05", "2026-12-01 10:00:05"),
        ("2026-12-01T10:00", "2026-12-01 10:00"),
        ("2026-12-01T10:00+08:00", "2026-12-01 10:00"),
        ("2026-12-01T10:00 +0900", "2026-12-01 09:00"),
        ("2026-12-01T02:00Z", "2026-12-01 10:00"),
        (" 2026-11-27 10:00 ", "2026-11-27 10:00:30"),
        ("2026-11-27 09:59:31", "2026-11-27 10:00:30"),
    ],
)
def test_a_beginning_is_read(text: str, expected: str) -> None:
    assert beginning(text, NOW) == beijing(expected)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2026-11-27 09:59:30", "is past"),
        ("2026-11-26 10:00", "is past"),
        ("2026-11-27T01:00Z", "is past"),
        ("2028-01-01 10:00", "more than a year ahead"),
        ("2026-02-30 10:00", "is no moment"),
        ("25:00", "is no moment"),
        ("10:60", "is no moment"),
        ("10", "is no moment"),
        ("", "is no moment"),
        ("tomorrow", "is no moment"),
        ("2026-12-01", "is no moment"),
        ("0000-01-01 10:00", "is no moment"),
        ("0001-01-01 00:00Z", "is past"),
        ("0001-01-01 00:00+14:00", "is no moment"),
        ("١٠:٠٠", "is no moment"),
        ("10:00\n", "2026"),
    ],
)
def test_what_is_no_beginning_says_so(text: str, words: str) -> None:
    if words == "2026":
        assert beginning(text, NOW) == NOW
        return
    with pytest.raises(InputError, match=words):
        beginning(text, NOW)


@pytest.mark.parametrize(
    ("text", "begins", "expected"),
    [
        ("21:00", "2026-11-27 10:00", "2026-11-27 21:00"),
        ("21:00", "2026-11-27 21:00", "2026-11-28 21:00"),
        ("02:00", "2026-11-27 22:00", "2026-11-28 02:00"),
        ("2026-11-28 02:00", "2026-11-27 22:00", "2026-11-28 02:00"),
    ],
)
def test_an_end_is_the_next_after_the_beginning(text: str, begins: str, expected: str) -> None:
    assert end(text, beijing(begins)) == beijing(expected)


@pytest.mark.parametrize("text", ["2026-11-27 10:00:30", "2026-11-27 10:00", "2029-01-01 00:00", "later"])
def test_an_end_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--until"):
        end(text, NOW)


MOMENTS = st.floats(1e9, 4e9).map(lambda wall: datetime.fromtimestamp(wall, UTC))


@given(MOMENTS, st.times())
def test_a_time_of_day_is_within_a_day(now: datetime, clock: datetime) -> None:
    text = f"{clock:%H:%M}"
    begins = beginning(text, now)
    assert now <= begins <= now + timedelta(days=1)
    assert begins == now or f"{begins.astimezone(BEIJING):%H:%M:%S}" == f"{text}:00"
    stops = end(text, now)
    assert now < stops <= now + timedelta(days=1)
    assert f"{stops.astimezone(BEIJING):%H:%M:%S}" == f"{text}:00"
    assert not is_over(text, now)


@given(MOMENTS, st.integers(-59, 366 * 86_400))
def test_a_full_moment_is_that_moment(now: datetime, ahead: int) -> None:
    now = now.replace(microsecond=0)
    wanted = (now + timedelta(seconds=ahead)).astimezone(BEIJING)
    assert beginning(f"{wanted:%Y-%m-%d %H:%M:%S}", now) == max(wanted, now)
    assert beginning(wanted.isoformat(), now) == max(wanted, now)
    assert is_over(wanted.isoformat(), now) is (wanted <= now)


@given(st.text(max_size=30))
def test_any_text_is_a_moment_or_refused(text: str) -> None:
    for read in (beginning, end):
        with suppress(InputError):
            assert read(text, NOW).utcoffset() is not None


class Wall:
    """A clock on the wall that pauses move, and that jumps at chosen pauses."""

    def __init__(self, now: datetime, jumps: dict[int, float] | None = None) -> None:
        self.now, self.jumps = now.timestamp(), jumps or {}
        self.pauses: list[float] = []
        self.told: list[float] = []

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds + self.jumps.get(len(self.pauses), 0.0)

    def wait(self, moment: datetime) -> None:
        wait_until(moment, Clock(wall=lambda: self.now), self.told.append, self.pause)


def test_a_wait_ends_at_its_moment() -> None:
    wall = Wall(NOW)
    wall.wait(NOW + timedelta(seconds=100))
    assert wall.now == pytest.approx((NOW + timedelta(seconds=100)).timestamp())
    assert max(wall.pauses) <= 0.5
    assert wall.told[0] == 100.0
    assert wall.told == sorted(wall.told, reverse=True)


def test_what_has_come_is_not_waited_for() -> None:
    wall = Wall(NOW)
    wall.wait(NOW)
    assert (wall.pauses, wall.told) == ([], [])


def test_a_sleep_of_the_machine_shortens_the_wait() -> None:
    wall = Wall(NOW, {3: 99.0})
    wall.wait(NOW + timedelta(seconds=100))
    assert len(wall.pauses) == 3


def test_a_clock_that_is_set_back_makes_it_longer() -> None:
    wall = Wall(NOW, {3: -100.0})
    wall.wait(NOW + timedelta(seconds=100))
    assert wall.now == pytest.approx((NOW + timedelta(seconds=100)).timestamp())
    assert len(wall.pauses) > 390


@pytest.mark.parametrize(
    ("moment", "jump", "late"),
    [
        ("2026-11-27 11:00", 2 * 3600 - 60, False),
        ("2026-11-27 11:00", 2 * 3600, True),
        ("2026-11-27 23:59", 14 * 3600, True),  # not an hour, but another day
    ],
)
def test_who_wakes_up_far_too_late_sends_nothing(moment: str, jump: float, late: bool) -> None:
    wall = Wall(NOW, {1: jump})
    if not late:
        wall.wait(beijing(moment))
        return
    with pytest.raises(InputError, match="long after") as caught:
        wall.wait(beijing(moment))
    assert "Nothing was sent" in caught.value.hint
