"""The hours in which people may be written to, and the moment a daily quota comes back: Beijing time."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

BEIJING: Final = ZoneInfo("Asia/Shanghai")
_QUOTA_BACK: Final = time(0, 5)


@dataclass(frozen=True, slots=True)
class Hours:
    """From `opens` to `closes` each day; `closes` before `opens` means through midnight."""

    opens: time
    closes: time

    def wait(self, now: datetime) -> datetime | None:
        """When they open next, or None while they are open."""
        clock = now.astimezone(BEIJING).time()
        if self.opens <= self.closes:
            is_open = self.opens <= clock < self.closes
        else:
            is_open = clock >= self.opens or clock < self.closes
        return None if is_open else next_time(self.opens, now)


#: Kept after a wait for quota even where the campaign sets no hours: nobody is woken at midnight.
CIVIL_HOURS: Final = Hours(time(8), time(21))


def next_time(clock: time, now: datetime) -> datetime:
    """The next moment at which clocks in Beijing show `clock`."""
    today = now.astimezone(BEIJING)
    moment = datetime.combine(today.date(), clock, tzinfo=BEIJING)
    return moment if moment > today else moment + timedelta(days=1)


def quota_back(now: datetime) -> datetime:
    """When the daily quota is expected back: a little past midnight.

    Tencent doesn't document the hour (reference §2.2), so the quota is read again then.
    """
    return next_time(_QUOTA_BACK, now)
