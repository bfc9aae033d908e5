"""How every message of a run stands, held in a few bytes a row while a list is gone through."""

from array import array
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from typing import Final, Protocol

from wxpush.delivery.ledger import Place
from wxpush.delivery.records import Claim, Mark, Record

_BUCKETS: Final = 4096
_MARKS: Final = tuple(Mark)
_MARK_BITS: Final = 4
_INDEX_BITS: Final = 20
_SEEN: Final = 1 << 63
_LOW16: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class Entry:
    """What the ledger knows of one key: its latest record's mark and place.

    `payload16` is the low 16 bits of the payload's hash, None where the payload can't have changed;
    `met` whether `find` was asked for the key before in this pass.
    """

    mark: Mark
    place: Place
    payload16: int | None
    met: bool = False


class Standing(Protocol):
    """The latest record of every key. Keys are looked up by list position or by their 64-bit hash."""

    def note(self, place: Place, record: Record) -> None:
        """Take in a record; the later one counts."""

    def note_claim(self, claim: Claim) -> None:
        """Take in a claim that no record has ended: it is in doubt until it is settled."""

    def is_empty(self) -> bool:
        """Whether nothing is known of any message."""

    def begin(self) -> None:
        """Begin a pass over the list: nothing of it has been met."""

    def knows(self, row: int, key_hash: int) -> bool:
        """Whether anything is known of a row of the list; leaves no trace."""

    def find(self, row: int, key_hash: int) -> Entry | None:
        """What is known of a row of the list; remembers that the list has it."""

    def is_latest(self, place: Place, record: Record) -> bool:
        """Whether nothing later is known of the record's key."""

    def counts(self) -> Counter[Mark]:
        """Keys by the mark of their latest record."""

    def orphans(self) -> Counter[Mark]:
        """The same for the keys that `find` was never asked for: they are no longer in the list."""


class ByRow:
    """Standing by position: for a run that has known one list, and knows it unchanged. 8 bytes a row."""

    def __init__(self) -> None:
        self._latest = array("Q")

    def note(self, place: Place, record: Record) -> None:
        """Take in a record."""
        self._put(record.row, _packed(place, record.mark))

    def note_claim(self, claim: Claim) -> None:
        """Take in an open claim."""
        self._put(claim.message.row, _packed(_NOWHERE, Mark.SILENT))

    def is_empty(self) -> bool:
        """Whether nothing is known of any message."""
        return not self._latest

    def begin(self) -> None:
        """Each row is met once by itself."""

    def knows(self, row: int, key_hash: int) -> bool:
        """Whether anything is known of a row; the hash isn't needed."""
        return self.find(row, key_hash) is not None

    def find(self, row: int, key_hash: int) -> Entry | None:
        """What is known of a row; the hash isn't needed."""
        del key_hash
        entry = self._latest[row] if row < len(self._latest) else 0
        return _entry(entry, None) if entry else None

    def is_latest(self, place: Place, record: Record) -> bool:
        """Whether nothing later is known of the record's row."""
        known = record.row < len(self._latest)  # a live run may have gone on since it was noted
        return known and self._latest[record.row] == _packed(place, record.mark)

    def counts(self) -> Counter[Mark]:
        """Rows by mark."""
        return Counter(_mark(entry) for entry in self._latest if entry)

    def orphans(self) -> Counter[Mark]:
        """None: the list is the one that every record was made from."""
        return Counter()

    def _put(self, row: int, entry: int) -> None:
        if row >= len(self._latest):
            self._latest.extend([0] * (row + 1 - len(self._latest)))
        self._latest[row] = entry


class ByKey:
    """Standing by key: for a run whose list or campaign has changed. 16 bytes a recorded key."""

    def __init__(self, hash_key: "HashKey") -> None:
        self._hash = hash_key
        self._keys = [array("Q") for _ in range(_BUCKETS)]
        self._latest = [array("Q") for _ in range(_BUCKETS)]

    def note(self, place: Place, record: Record) -> None:
        """Take in a record."""
        self._put(record.key, int(record.payload_hash[-4:], 16), _packed(place, record.mark))

    def note_claim(self, claim: Claim) -> None:
        """Take in an open claim."""
        payload16 = self._hash(claim.message.payload) & _LOW16
        self._put(claim.message.key, payload16, _packed(_NOWHERE, Mark.SILENT))

    def is_empty(self) -> bool:
        """Whether nothing is known of any message."""
        return not any(self._latest)

    def begin(self) -> None:
        """Forget which keys the pass before has met."""
        for bucket in self._latest:
            for place, entry in enumerate(bucket):
                bucket[place] = entry & ~_SEEN

    def knows(self, row: int, key_hash: int) -> bool:
        """Whether anything is known of a key; the row isn't needed."""
        del row
        return self._look_up(key_hash)[2]

    def find(self, row: int, key_hash: int) -> Entry | None:
        """What is known of a key; the row isn't needed."""
        del row
        bucket, place, found = self._look_up(key_hash)
        if not found:
            return None
        entry = self._latest[bucket][place]
        self._latest[bucket][place] = entry | _SEEN
        return _entry(entry, self._keys[bucket][place] & _LOW16, met=bool(entry & _SEEN))

    def is_latest(self, place: Place, record: Record) -> bool:
        """Whether nothing later is known of the record's key."""
        bucket, position, found = self._look_up(self._hash(record.key))
        return found and self._latest[bucket][position] & ~_SEEN == _packed(place, record.mark)

    def counts(self) -> Counter[Mark]:
        """Keys by mark."""
        return Counter(_mark(entry) for bucket in self._latest for entry in bucket)

    def orphans(self) -> Counter[Mark]:
        """Keys by mark that `find` was never asked for."""
        return Counter(_mark(entry) for bucket in self._latest for entry in bucket if not entry & _SEEN)

    def _put(self, key: str, payload16: int, entry: int) -> None:
        key_hash = self._hash(key)
        bucket, place, found = self._look_up(key_hash)
        key_and_payload = key_hash & ~_LOW16 | payload16
        if found:
            self._keys[bucket][place] = key_and_payload
            self._latest[bucket][place] = entry
        else:
            self._keys[bucket].insert(place, key_and_payload)
            self._latest[bucket].insert(place, entry)

    def _look_up(self, key_hash: int) -> tuple[int, int, bool]:
        number = key_hash % _BUCKETS
        bucket = self._keys[number]
        place = bisect_left(bucket, key_hash & ~_LOW16)
        return number, place, place < len(bucket) and bucket[place] & ~_LOW16 == key_hash & ~_LOW16


class HashKey(Protocol):
    """A 64-bit hash of a text (identity.hash64)."""

    def __call__(self, text: str, /) -> int: ...


_NOWHERE: Final = Place(0, 0)


def _packed(place: Place, mark: Mark) -> int:
    return place.block << (_INDEX_BITS + _MARK_BITS) | place.index << _MARK_BITS | (_MARKS.index(mark) + 1)


def _mark(entry: int) -> Mark:
    return _MARKS[(entry & ((1 << _MARK_BITS) - 1)) - 1]


def _entry(entry: int, payload16: int | None, *, met: bool = False) -> Entry:
    position = (entry & ~_SEEN) >> _MARK_BITS
    place = Place(position >> _INDEX_BITS, position & ((1 << _INDEX_BITS) - 1))
    return Entry(_mark(entry), place, payload16, met)
