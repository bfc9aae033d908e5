"""When people may be written to, and the moment a daily quota comes back: Beijing time."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final, NamedTuple, Protocol

from wxpush.clock import BEIJING

_QUOTA_BACK: Final = time(0, 5)
_DAY: Final = timedelta(days=1)
EVERY_DAY: Final = frozenset(range(7))


class Stretch(NamedTuple):
    """Open from `opens`, no longer at `closes`."""

    opens: datetime
    closes: datetime

    def has(self, moment: datetime) -> bool:
        """Whether it is open at `moment`."""
        return self.opens <= moment < self.closes


class Hours(Protocol):
    """When messages may go."""

    def stretch(self, now: datetime) -> Stretch:
        """The stretch that is open at `now`, else the next one."""

    def wait(self, now: datetime) -> datetime | None:
        """When they open next, or None while they are open."""


@dataclass(frozen=True, slots=True)
class DayHours:
    """From `opens` to `closes` on some `days` (0 is Monday).

    `closes` at or before `opens` is on the day after.
    """

    opens: time
    closes: time
    days: frozenset[int] = EVERY_DAY

    def stretch(self, now: datetime) -> Stretch:
        """The stretch that is open at `now`, else the next one; its day is the one on which it opens."""
        today = now.astimezone(BEIJING).date()
        length = _DAY if self.closes <= self.opens else timedelta(0)
        for ahead in range(-1, 8):  # what opened yesterday may still be open; a week has each day once
            day = today + timedelta(days=ahead)
            closes = datetime.combine(day, self.closes, tzinfo=BEIJING) + length
            if day.weekday() in self.days and closes > now:
                return Stretch(datetime.combine(day, self.opens, tzinfo=BEIJING), closes)
        raise ValueError("hours without a day")

    def wait(self, now: datetime) -> datetime | None:
        """When they open next, or None while they are open."""
        return _wait(self.stretch(now), now)


@dataclass(frozen=True, slots=True)
class Week:
    """Several hours together, at least one of them."""

    parts: tuple[DayHours, ...]

    def stretch(self, now: datetime) -> Stretch:
        """The stretch that is open at `now` and closes last, else the next one."""
        stretches = [part.stretch(now) for part in self.parts]
        open_now = [stretch for stretch in stretches if stretch.has(now)]
        return max(open_now, key=lambda one: one.closes) if open_now else min(stretches)

    def wait(self, now: datetime) -> datetime | None:
        """When they open next, or None while they are open."""
        return _wait(self.stretch(now), now)


def _wait(stretch: Stretch, now: datetime) -> datetime | None:
    return stretch.opens if stretch.opens > now else None


#: Kept after a wait for quota even where the campaign sets no hours: nobody is woken at midnight.
CIVIL_HOURS: Final = DayHours(time(8), time(21))


def next_time(clock: time, now: datetime) -> datetime:
    """The next moment at which clocks in Beijing show `clock`."""
    today = now.astimezone(BEIJING)
    moment = datetime.combine(today.date(), clock, tzinfo=BEIJING)
    return moment if moment > today else moment + _DAY


def quota_back(now: datetime) -> datetime:
    """When the daily quota is expected back: a little past midnight.

    Tencent doesn't document the hour (reference §2.2), so the quota is read again then.
    """
    return next_time(_QUOTA_BACK, now)
