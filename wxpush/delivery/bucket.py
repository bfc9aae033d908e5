"""A token bucket that says when the next slot is."""

import math


class Bucket:
    """Gives out slots at `rate` a second, at most `burst` at once.

    It starts empty and fills by the clock that the caller passes in (any monotonic seconds), so that a
    resumed run never begins with a burst. Over any stretch of t seconds it gives at most
    `rate * t + burst` slots. It doesn't sleep and has no lock: one loop owns it.
    """

    def __init__(self, rate: float, burst: float | None = None, *, now: float) -> None:
        """`burst` defaults to a tenth of a second's worth, at least one slot."""
        self._burst = burst
        self._rate = rate
        self._level = 0.0
        self._at = now

    @property
    def rate(self) -> float:
        """Slots a second in force."""
        return self._rate

    @property
    def burst(self) -> float:
        """The most slots that can be saved up."""
        return self._burst if self._burst is not None else default_burst(self._rate)

    def set_rate(self, rate: float, now: float) -> None:
        """Give `rate` slots a second from `now` on; what was saved up stays within the new burst."""
        self._fill(now)
        self._rate = rate
        self._level = min(self._level, self.burst)

    def take(self, now: float, most: int = 1) -> int:
        """Take up to `most` slots, as many as there are; returns how many."""
        self._fill(now)
        slots = min(most, int(self._level))
        self._level -= slots
        return slots

    def wait(self, now: float) -> float:
        """Seconds until the next slot; 0 when there is one."""
        self._fill(now)
        # A float's worth of patience, so that a caller who sleeps just this long does find the slot.
        return 0.0 if self._level >= 1.0 else (1.0 - self._level) / self._rate + 1e-9

    def within(self, seconds: float, now: float) -> int:
        """How many slots there will be from `now` until `seconds` later, if none is taken before."""
        self._fill(now)
        return math.floor(self._level + seconds * self._rate)

    def empty(self, now: float) -> None:
        """Forget what was saved up: a pause must not end in a burst."""
        self._at = now
        self._level = 0.0

    def _fill(self, now: float) -> None:
        if now > self._at:
            self._level = min(self.burst, self._level + (now - self._at) * self._rate)
            self._at = now


def default_burst(rate: float) -> float:
    """A tenth of a second's worth, at least one slot (contract: `burst`)."""
    return max(1.0, rate / 10)
