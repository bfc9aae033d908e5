"""When a sending will end, day by day: by its rate, its hours and the quota that is left."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from wxpush.clock import BEIJING
from wxpush.delivery.hours import Hours, quota_back

_FURTHEST: Final = 400
_NO_DAY: Final = date.min


@dataclass(frozen=True, slots=True)
class Forecast:
    """Expected moments in Beijing time; `ends` is None where it can't be told. `days` counts quota days.

    `left` messages are not sent by the end that was set.
    """

    begins: datetime
    ends: datetime | None
    days: int = 1
    left: int = 0


def forecast(
    now: datetime,
    messages: int,
    rate: float,
    hours: Hours | None,
    *,
    left_today: int | None,
    left_daily: int | None,
    until: datetime | None = None,
) -> Forecast:
    """`left_today` and `left_daily` are what the quota gives to this run, None where that isn't known.

    From `until` on nothing is sent.
    """
    begins, left, allowed = _opening(now, hours), messages, left_today
    days, day = 0, _NO_DAY
    for found, moment, closes in _stretches(now, hours, until):
        if found != day:
            days, day, allowed = days + 1, found, left_daily if days else left_today
        possible = int(rate * (closes - moment).total_seconds())
        sent = min(possible, left if allowed is None else max(0, allowed))
        if sent >= left:
            return Forecast(begins, moment + timedelta(seconds=left / rate), days)
        left -= sent
        allowed = None if allowed is None else allowed - sent
    if until is not None and left:
        return Forecast(begins, until, max(1, days), left)
    return Forecast(begins, None, _FURTHEST)


def _stretches(
    now: datetime, hours: Hours | None, until: datetime | None
) -> Iterator[tuple[date, datetime, datetime]]:
    """Stretches of sending from `now` on: the day that tells their quotas apart, beginning and end.

    One over midnight belongs to the day on which it opens.
    """
    for _number in range(_FURTHEST):
        # Without hours a day ends when the quota turns.
        opens, closes = (now, quota_back(now)) if hours is None else hours.stretch(now)
        begins, day = max(now, opens), (closes if hours is None else opens).astimezone(BEIJING).date()
        if until is not None and until <= begins:
            return
        yield day, begins, closes if until is None else min(closes, until)
        now = closes


def _opening(now: datetime, hours: Hours | None) -> datetime:
    return (hours and hours.wait(now)) or now
