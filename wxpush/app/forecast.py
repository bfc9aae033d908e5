"""When a sending will end, day by day: by its rate, its hours and the quota that is left."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from wxpush.delivery.hours import Hours, quota_back

_FURTHEST_DAYS: Final = 400


@dataclass(frozen=True, slots=True)
class Forecast:
    """Expected moments in Beijing time; `ends` is None where it can't be told. `days` counts quota days."""

    begins: datetime
    ends: datetime | None
    days: int = 1


def forecast(
    now: datetime,
    messages: int,
    rate: float,
    hours: Hours | None,
    *,
    left_today: int | None,
    left_daily: int | None,
) -> Forecast:
    """`left_today` and `left_daily` are what the quota gives to this run, None where that isn't known."""
    begins = _opening(now, hours)
    moment, left, allowed = begins, messages, left_today
    for day in range(1, _FURTHEST_DAYS):
        seconds = (_closing(moment, hours) - moment).total_seconds()
        possible = int(rate * seconds)
        today = min(possible, left if allowed is None else max(0, allowed))
        if today >= left:
            return Forecast(begins, moment + timedelta(seconds=left / rate), day)
        left -= today
        moment = _opening(_closing(moment, hours), hours)
        allowed = left_daily
    return Forecast(begins, None, _FURTHEST_DAYS)


def _opening(now: datetime, hours: Hours | None) -> datetime:
    return (hours and hours.wait(now)) or now


def _closing(now: datetime, hours: Hours | None) -> datetime:
    """When this day's stretch of sending ends: at the closing hour, else when the quota turns."""
    if hours is None:
        return quota_back(now)
    closing = datetime.combine(now.date(), hours.closes, tzinfo=now.tzinfo)
    return closing if closing > now else closing + timedelta(days=1)
