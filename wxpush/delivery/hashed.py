"""Numbers by the 64-bit hash of whom they are about: 16 bytes each."""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

BUCKETS: Final = 4096
_MASK: Final = BUCKETS - 1


class Hashed:
    """A map from 64-bit hashes to whole numbers from 1 to 2**64 - 1; what isn't in it is 0."""

    def __init__(self) -> None:
        self._keys = [array("Q") for _ in range(BUCKETS)]
        self._values = [array("Q") for _ in range(BUCKETS)]
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def get(self, key: int) -> int:
        """The number of `key`, 0 where there is none."""
        bucket = self._keys[key & _MASK]
        place = bisect_left(bucket, key)
        if place < len(bucket) and bucket[place] == key:
            return self._values[key & _MASK][place]
        return 0

    def put(self, key: int, value: int) -> None:
        """Set the number of `key`; 0 takes it out."""
        bucket, values = self._keys[key & _MASK], self._values[key & _MASK]
        place = bisect_left(bucket, key)
        if place < len(bucket) and bucket[place] == key:
            if value:
                values[place] = value
            else:
                del bucket[place], values[place]
                self._count -= 1
        elif value:
            bucket.insert(place, key)
            values.insert(place, value)
            self._count += 1

    def __iter__(self) -> Iterator[int]:
        """All hashes, in no order."""
        for keys in self._keys:
            yield from keys

    def values(self) -> Iterator[int]:
        """All numbers, in no order."""
        for values in self._values:
            yield from values
