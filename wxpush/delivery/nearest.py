"""Which message of a person a receipt is of that names none: the nearest one before it."""

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

#: A receipt's time and that of the record are of two clocks, and of whole seconds.
EARLY_S: Final = 5
LATE_S: Final = 24 * 3600

_BUCKETS: Final = 4096


class Takers:
    """Accepted messages that no receipt names, by person and time: 24 bytes each.

    `note` them all, then `assign` the receipts, then let them be handed out.
    """

    def __init__(self) -> None:
        self._people = [array("Q") for _ in range(_BUCKETS)]
        self._times = [array("Q") for _ in range(_BUCKETS)]
        self._got = [array("Q") for _ in range(_BUCKETS)]

    def note(self, who: int, at: int, *, others: bool = False) -> None:
        """A message for the person with this hash64, accepted at `at`; `others`: of another run."""
        at = at << 1 | others
        people, times = self._people[who % _BUCKETS], self._times[who % _BUCKETS]
        place = bisect_right(people, who)
        while place and people[place - 1] == who and times[place - 1] > at:
            place -= 1
        people.insert(place, who)
        times.insert(place, at)

    def assign(self, receipts_of: Callable[[int], Sequence[int]], time_of: Callable[[int], int]) -> None:
        """Give each person's receipts, as they are kept and above 0, to his messages."""
        for people, times, got in zip(self._people, self._times, self._got, strict=True):
            got.extend([0] * (len(people) - len(got)))
            first = 0
            while first < len(people):
                end = bisect_right(people, people[first], lo=first)
                for receipt in receipts_of(people[first]):
                    _give(receipt, time_of(receipt), times, got, first, end)
                first = end

    def handing_out(self) -> Callable[[int, int], int | None]:
        """What gives each message its receipt, by person and time, when asked in the order of the ledger.

        Messages to one person in one second can't be told apart, so each asks once.
        """
        asked: Counter[tuple[int, int]] = Counter()

        def hand_out(who: int, at: int) -> int | None:
            at <<= 1
            number = who % _BUCKETS
            people, times = self._people[number], self._times[number]
            place = bisect_left(people, who)
            while place < len(people) and people[place] == who and times[place] < at:
                place += 1
            here = place
            while here < len(people) and people[here] == who and times[here] == at:
                here += 1
            if here - place > 1:
                asked[who, at] += 1
                place += asked[who, at] - 1
            return self._got[number][place] or None if place < here else None

        return hand_out


def _give(receipt: int, at: int, times: Sequence[int], got: "array[int]", first: int, end: int) -> None:
    """To the latest message before it that has none, else to the first one that is hardly later."""
    after = bisect_right(times, at << 1 | 1, first, end)
    for place in [*range(after - 1, first - 1, -1), *range(after, end)]:
        if not got[place] and -EARLY_S <= at - (times[place] >> 1) <= LATE_S:
            got[place] = receipt
            return
