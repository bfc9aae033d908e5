"""How fast WeChat lets us go: the rate is cut when it complains, and grows back."""

from collections import deque
from typing import Final

_RECOVERY: Final = 0.05
_RECOVERY_S: Final = 10.0
_FLOOR: Final = 0.05
_MINUTE_LIMIT: Final = 0.5
_CROWDED: Final = 0.7
_CROWD_SHARE: Final = 0.10
_SAMPLES: Final = 50
_CUTS_APART_S: Final = 5.0


class _Crowd:
    """Whether answers of one kind are more than a tenth of the last 50."""

    def __init__(self) -> None:
        self._last: deque[bool] = deque(maxlen=_SAMPLES)

    def grows(self, *, one_more: bool) -> bool:
        """Take in an answer; true when it is of that kind and they are too many."""
        self._last.append(one_more)
        return one_more and len(self._last) == _SAMPLES and sum(self._last) > _CROWD_SHARE * _SAMPLES

    def forget(self) -> None:
        """The same answers must not count twice."""
        self._last.clear()


class Pace:
    """The share of the wanted rate in force: additive increase, multiplicative decrease.

    A minute limit (45011) halves it; more than a tenth of -1 among the last 50 answers takes 30 % off,
    and so does more than a tenth that WeChat takes into review (40252), either at most once in five
    seconds; every ten seconds without any of them give back 5 % of the whole.
    """

    def __init__(self, now: float) -> None:
        self._share = 1.0
        self._changed_at = now
        self._busy, self._held = _Crowd(), _Crowd()
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

    def answered(self, now: float, *, busy: bool, held: bool = False) -> bool:
        """Take in an answer; true when so many were -1, or held, that the rate was cut."""
        grown = [
            crowd for crowd, one in ((self._busy, busy), (self._held, held)) if crowd.grows(one_more=one)
        ]
        if not grown or now - self._last_cut < _CUTS_APART_S:
            return False
        self._cut(now, _CROWDED)
        for crowd in grown:
            crowd.forget()
        return True

    def _cut(self, now: float, factor: float) -> None:
        self._share = max(_FLOOR, self.share(now) * factor)
        self._changed_at = self._last_cut = now
