"""Which keys of a list were seen, in 8 bytes a row."""

from array import array
from bisect import bisect_left
from enum import Enum

_BUCKETS = 4096
_KEY_SHIFT = 16
_PAYLOAD_MASK = 0xFFFF


class Seen(Enum):
    """What adding a key found."""

    NEW = "new"
    ALIKE = "alike"
    """The key was there, with the same payload."""
    DIFFERENT = "different"
    """The key was there, with another payload."""


class Fingerprints:
    """A set of (key, payload) hashes: 60 bits of the key's, 16 of the payload's.

    Two keys that collide (4 in 10 million for a list of a million rows) have different payloads and
    so come out as DIFFERENT: a problem that is shown, never a person left out in silence. Two payloads of
    one key that differ come out as ALIKE once in 65,536.
    """

    def __init__(self) -> None:
        self._buckets = [array("Q") for _ in range(_BUCKETS)]

    def add(self, key_hash: int, payload_hash: int) -> Seen:
        """Remember a key by its 64-bit hash; the first payload stays the one that is compared with."""
        bucket = self._buckets[key_hash % _BUCKETS]
        key_part = key_hash >> _KEY_SHIFT << _KEY_SHIFT
        place = bisect_left(bucket, key_part)
        if place < len(bucket) and bucket[place] >> _KEY_SHIFT == key_hash >> _KEY_SHIFT:
            same = bucket[place] & _PAYLOAD_MASK == payload_hash & _PAYLOAD_MASK
            return Seen.ALIKE if same else Seen.DIFFERENT
        bucket.insert(place, key_part | payload_hash & _PAYLOAD_MASK)
        return Seen.NEW
