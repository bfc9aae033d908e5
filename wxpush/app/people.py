"""A set of people, held by the hashes of their openids: 8 bytes a person."""

import hashlib
from array import array
from bisect import bisect_left
from typing import Final

from wxpush.delivery.identity import hash64

_BUCKETS: Final = 4096


class People:
    """Who is in it can be asked, who they are can't be told any more.

    Among a million people somebody else is taken for one of them once in 18 million million times.
    """

    def __init__(self) -> None:
        self._buckets = [array("Q") for _ in range(_BUCKETS)]

    def __len__(self) -> int:
        return sum(map(len, self._buckets))

    def __contains__(self, openid: object) -> bool:
        hashed = hash64(str(openid))
        bucket = self._buckets[hashed % _BUCKETS]
        place = bisect_left(bucket, hashed)
        return place < len(bucket) and bucket[place] == hashed

    def add(self, openid: str) -> bool:
        """Take somebody in; False when he was there."""
        hashed = hash64(openid)
        bucket = self._buckets[hashed % _BUCKETS]
        place = bisect_left(bucket, hashed)
        if place < len(bucket) and bucket[place] == hashed:
            return False
        bucket.insert(place, hashed)
        return True

    def digest(self) -> str:
        """SHA-256 in hex, the same for the same people whatever their order."""
        digest = hashlib.sha256()
        for bucket in self._buckets:
            digest.update(bucket.tobytes())
            digest.update(b"|")
        return digest.hexdigest()
