"""How many calls the account has left: by path and Beijing day, by minute, and resets by month."""

from collections import deque
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Final

from wxpush.sandbox.settings import QuotaSettings

BEIJING: Final = timezone(timedelta(hours=8))
_BEIJING_S = 8 * 3600
SEND: Final = "/cgi-bin/message/template/send"
FOLLOWERS: Final = "/cgi-bin/user/get"
CLASSIC_TOKEN: Final = "/cgi-bin/token"
STABLE_TOKEN: Final = "/cgi-bin/stable_token"

DAILY, MINUTE = 45009, 45011
"""Answers of `Quotas.spend`."""

_STABLE_DAILY, _STABLE_MINUTE = 500_000, 10_000
_OTHERS_DAILY = 5_000_000


class Quotas:
    """Counts calls; a call that is refused for the quota doesn't count.

    The day starts at midnight in Beijing, as is generally assumed; WeChat promises no hour.
    """

    def __init__(self, settings: QuotaSettings) -> None:
        self._settings = settings
        self._day = 0
        self._used: dict[str, int] = {}
        self._minutes: dict[str, deque[float]] = {}
        self._month = (0, 0)
        self._clears = 0

    def spend(self, path: str, now: float) -> int:
        """Count one call; 0, or the errcode of the limit that it meets."""
        self._turn_day(now)
        if self._minute_full(path, now):
            return MINUTE
        used = self._used.get(path, 0)
        if used >= self._limit(path):
            return DAILY
        self._used[path] = used + 1
        return 0

    def report(self, path: str, now: float) -> tuple[int, int, int]:
        """Limit, used and left of the day."""
        self._turn_day(now)
        limit, used = self._limit(path), self._used.get(path, 0)
        return limit, used, max(0, limit - used)

    def minute_limit(self, path: str) -> int:
        """Calls a minute; 0 where there is no limit."""
        return {SEND: self._settings.minute, STABLE_TOKEN: _STABLE_MINUTE}.get(path, 0)

    def clear(self, now: float) -> bool:
        """Set the day's counters to nothing; False when the month's resets are spent."""
        today = datetime.fromtimestamp(now, BEIJING)
        month = (today.year, today.month)
        if month != self._month:
            self._month, self._clears = month, 0
        if self._clears >= self._settings.clears_monthly:
            return False
        self._clears += 1
        self._used.clear()
        return True

    def set(self, *, daily: int | None, minute: int | None, used: int | None, now: float) -> None:
        """Change limits of template/send, or what is used of its day."""
        self._turn_day(now)
        settings = self._settings
        self._settings = replace(
            settings,
            daily=settings.daily if daily is None else daily,
            minute=settings.minute if minute is None else minute,
        )
        if used is not None:
            self._used[SEND] = used

    def _limit(self, path: str) -> int:
        limits = {
            SEND: self._settings.daily,
            CLASSIC_TOKEN: self._settings.tokens_daily,
            STABLE_TOKEN: _STABLE_DAILY,
            FOLLOWERS: self._settings.lists_daily,
        }
        return limits.get(path, _OTHERS_DAILY)

    def _minute_full(self, path: str, now: float) -> bool:
        limit = self.minute_limit(path)
        if not limit:
            return False
        calls = self._minutes.setdefault(path, deque())
        start = now - now % 60 if self._settings.minute_window == "fixed" else now - 60
        while calls and (calls[0] < start or calls[0] <= now - 60):
            calls.popleft()
        if len(calls) >= limit:
            return True
        calls.append(now)
        return False

    def _turn_day(self, now: float) -> None:
        day = int(now + _BEIJING_S) // 86_400
        if day != self._day:
            self._day = day
            self._used.clear()
