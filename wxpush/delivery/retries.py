"""A budget of retries: second attempts get a share of the rate, so that trouble isn't multiplied."""

from collections import deque
from typing import Final

from wxpush.model import Arrival, Verdict

_ANSWERS: Final = 50
_FEWEST: Final = 20
_MANY_FAILURES: Final = 0.40
_SHARE: Final = 0.5
_SHARE_IN_TROUBLE: Final = 0.1
_AT_LEAST: Final = 1.0
_LASTS_S: Final = 10.0
#: Less than this is the rounding of sums, and whoever waits for it would spin.
_A_MOMENT_S: Final = 0.01


class RetryBudget:
    """How many messages may be tried again now, for the whole run; times are monotonic seconds.

    Every second earns half of the run's rate while fewer than 40 % of the last 50 answers were failures
    (none at all, or -1), else a tenth, and one retry more whatever happens. Ten seconds' worth is kept at
    most, so that a calm hour doesn't pay for a storm. Nobody is given up for want of budget: he waits. The
    tenth is of the rate, not of the first attempts, since these cease when too many messages are in doubt,
    and just those must be asked for again before their ids are forgotten.
    """

    def __init__(self, rate: float, now: float) -> None:
        """`rate` is the run's, in messages a second."""
        self._rate = rate
        self._failed: deque[bool] = deque(maxlen=_ANSWERS)
        self._earned = _AT_LEAST * _LASTS_S
        self._counted_at = now

    @property
    def per_second(self) -> float:
        """What a second earns now."""
        return self._rate * (_SHARE_IN_TROUBLE if self.in_trouble else _SHARE) + _AT_LEAST

    @property
    def in_trouble(self) -> bool:
        """Whether so many answers are failures that retries would make it worse."""
        return len(self._failed) >= _FEWEST and sum(self._failed) >= _MANY_FAILURES * len(self._failed)

    def observe(self, verdict: Verdict) -> None:
        """Take in what an attempt met."""
        self._failed.append(verdict.arrival is not Arrival.ANSWERED)

    def accepted(self, count: int) -> None:
        """Take in `count` attempts that were accepted."""
        self._failed.extend([False] * count)

    def left(self, now: float) -> int:
        """How many retries may go now."""
        passed = max(0.0, now - self._counted_at)
        self._counted_at = now
        self._earned = min(_LASTS_S * self.per_second, self._earned + passed * self.per_second)
        return int(self._earned)

    def spend(self, retries: int) -> None:
        """Note that so many go."""
        self._earned -= retries

    def until_next(self, now: float) -> float:
        """Seconds until one more may go; 0 while one may."""
        return 0.0 if self.left(now) else max(_A_MOMENT_S, (1.0 - self._earned) / self.per_second)
