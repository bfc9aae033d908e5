"""How fast WeChat lets us go: the rate is cut when it complains, and grows back."""

from collections import deque
from typing import Final

_RECOVERY: Final = 0.05
_RECOVERY_S: Final = 10.0
_FLOOR: Final = 0.05
_MINUTE_LIMIT: Final = 0.5
_BUSY: Final = 0.7
_BUSY_SHARE: Final = 0.10
_BUSY_SAMPLES: Final = 50
_BUSY_APART_S: Final = 5.0


class Pace:
    """The share of the wanted rate in force: additive increase, multiplicative decrease.

    A minute limit (45011) halves it; more than a tenth of -1 among the last 50 answers takes 30 % off,
    at most once in five seconds; every ten seconds without either give back 5 % of the whole.
    """

    def __init__(self, now: float) -> None:
        self._share = 1.0
        self._changed_at = now
        self._busy: deque[bool] = deque(maxlen=_BUSY_SAMPLES)
        self._last_cut = float("-inf")

    def share(self, now: float) -> float:
        """The share in force at `now`."""
        steps = int((now - self._changed_at) / _RECOVERY_S)
        if steps > 0:
            self._share = min(1.0, self._share + steps * _RECOVERY)
            self._changed_at += steps * _RECOVERY_S
        return self._share

    def too_fast(self, now: float, goes_on: float) -> None:
        """WeChat said that its limit per minute is reached; nothing is sent before `goes_on`."""
        self._cut(now, _MINUTE_LIMIT)
        self._changed_at = goes_on

    def answered(self, now: float, *, busy: bool) -> bool:
        """Take in an answer; true when so many were -1 that the rate was cut."""
        self._busy.append(busy)
        crowded = len(self._busy) == _BUSY_SAMPLES and sum(self._busy) > _BUSY_SHARE * _BUSY_SAMPLES
        if not (busy and crowded and now - self._last_cut >= _BUSY_APART_S):
            return False
        self._cut(now, _BUSY)
        self._busy.clear()  # the same answers must not cut twice
        return True

    def _cut(self, now: float, factor: float) -> None:
        self._share = max(_FLOOR, self.share(now) * factor)
        self._changed_at = self._last_cut = now
