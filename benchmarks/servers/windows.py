"""How many events fall into the busiest stretch of time."""

from bisect import bisect_left
from collections.abc import Sequence


def most_within(times: Sequence[float], seconds: float) -> int:
    """The most of these moments, in ascending order, in any stretch of so many seconds; its end excluded."""
    return max((bisect_left(times, at + seconds, lo) - lo for lo, at in enumerate(times)), default=0)
