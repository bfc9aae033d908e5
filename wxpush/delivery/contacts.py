"""When each person was written to: how often on each of the last seven days, in one number."""

from bisect import bisect_left
from typing import Final

from wxpush.delivery.hashed import BUCKETS, Hashed

DAYS: Final = 7
_BITS: Final = 6
MOST: Final = (1 << _BITS) - 1
"""More messages than these on one day are counted as these."""
_WIDTH: Final = DAYS * _BITS
_ALL: Final = (1 << _WIDTH) - 1


def noted(week: int, day: int) -> int:
    """The number after one more message on `day` (as `screen.day_of` counts); 0 is nobody written to.

    The latest day is its high part; of the seven counts below, the lowest is that day's.
    """
    latest, counts = week >> _WIDTH, week & _ALL
    if day >= latest:
        counts = counts << (day - latest) * _BITS & _ALL if day - latest < DAYS else 0
        latest, place = day, 0
    else:
        place = (latest - day) * _BITS
        if place >= _WIDTH:
            return week
    if counts >> place & MOST < MOST:
        counts += 1 << place
    return latest << _WIDTH | counts


def counted(week: int, day: int) -> tuple[int, int]:
    """How many messages there were on `day`, and on it and the six days before.

    What was noted for a later day, as by a clock that went wrong, counts as of `day`.
    """
    if not week:
        return 0, 0
    passed = (week >> _WIDTH) - day
    counts = week & _ALL
    if passed < 0:
        counts = counts << -passed * _BITS & _ALL if passed > -DAYS else 0
    today = counts & MOST
    total = today
    counts >>= _BITS
    while counts:
        total += counts & MOST
        counts >>= _BITS
    return today, total


class Contacts(Hashed):
    """These numbers by the hash of the person."""

    def note(self, key: int, day: int) -> None:
        """Count one more message to a person; a start does so for millions."""
        bucket, values = self._keys[key % BUCKETS], self._values[key % BUCKETS]
        place = bisect_left(bucket, key)
        if place < len(bucket) and bucket[place] == key:
            values[place] = noted(values[place], day)
        else:
            bucket.insert(place, key)
            values.insert(place, day << _WIDTH | 1)  # as `noted` has it for a first one
            self._count += 1
