"""How fast WeChat lets us go: the rate is cut when it complains, and grows back."""

from collections import deque
from typing import Final

_RECOVERY: Final = 0.05
_RECOVERY_S: Final = 10.0
_FLOOR: Final = 0.05
_MINUTE_LIMIT: Final = 0.5
_CROWDED: Final = 0.7
_CROWD_SHARE: Final = 0.10
_FEWEST: Final = 50
_SAMPLES_S: Final = 5.0
_CUTS_APART_S: Final = 5.0


class _Crowd:
    """Whether answers of one kind are more than a tenth of the last `samples`."""

    def __init__(self, samples: int) -> None:
        self._samples = samples
        self._last: deque[bool] = deque()
        self._many = 0

    def grows(self, *, one_more: bool) -> bool:
        """Take in an answer; true when it is of that kind and they are too many."""
        self._last.append(one_more)
        self._many += one_more
        if len(self._last) > self._samples:
            self._many -= self._last.popleft()
        return one_more and len(self._last) >= _FEWEST and self._many > _CROWD_SHARE * self._samples

    def others(self, count: int) -> None:
        """Take in `count` answers of another kind."""
        self._last.extend([False] * count)
        while len(self._last) > self._samples:
            self._many -= self._last.popleft()

    def forget(self) -> None:
        """The same answers must not count twice."""
        self._last.clear()
        self._many = 0


class Pace:
    """The share of the wanted rate in force: additive increase, multiplicative decrease.

    A minute limit (45011) halves it; more than a tenth of -1 among the last answers takes 30 % off, and so
    does more than a tenth that WeChat takes into review (40252), either at most once in five seconds; every
    ten seconds without any of them give back 5 % of the whole. The last answers are 50, or those of five
    seconds where these are more: of a thousand answers a second, some fifty in a row always hold a tenth.
    """

    def __init__(self, now: float, rate: float) -> None:
        """`rate` is the wanted one, in messages a second."""
        self._cut_to, self._grows_from = 1.0, now
        samples = max(_FEWEST, int(rate * _SAMPLES_S))
        self._busy, self._held = _Crowd(samples), _Crowd(samples)
        self._last_cut = float("-inf")

    def share(self, now: float) -> float:
        """The share in force at `now`."""
        steps = (now - self._grows_from) // _RECOVERY_S
        share = self._cut_to + steps * _RECOVERY if steps > 0 else self._cut_to
        return share if share < 1.0 else 1.0  # asked for with every message, so without calls

    def too_fast(self, now: float, goes_on: float) -> None:
        """WeChat said that its limit per minute is reached; nothing is sent before `goes_on`."""
        self._cut(now, _MINUTE_LIMIT)
        self._grows_from = goes_on

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

    def accepted(self, count: int) -> None:
        """Take in `count` answers that are neither."""
        self._busy.others(count)
        self._held.others(count)

    def _cut(self, now: float, factor: float) -> None:
        self._cut_to = max(_FLOOR, self.share(now) * factor)
        self._grows_from = self._last_cut = now
