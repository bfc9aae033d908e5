"""The suppression list of an account: who gets nothing for a while or for ever, why, and since when.

A log (journal.py) of blocks: people put on it, people taken off it. Any process may add to it; what
holds is what comes out when all blocks are gone through in their order:

- whatever the operator says replaces what was there;
- what he takes back from a file counts again although the person was taken off meanwhile, but never
  replaces what he said himself;
- what a sending or an event found out by itself never replaces what the operator said, and doesn't count
  where the person was taken off the list after it happened;
- who follows or gets a message comes off by it only where that happened after what put him on: events come
  late, too.

Where most of the log no longer counts, its blocks are put together to fewer that come to the same.
"""

import math
import shlex
import struct
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from wxpush.delivery import store
from wxpush.delivery.hashed import Hashed
from wxpush.delivery.identity import hash64
from wxpush.delivery.journal import Blocks, Journal, at_one_moment, damage_told, later
from wxpush.errors import DamagedStateError, StorageError
from wxpush.fastjson import dumps, loads
from wxpush.i18n import _

LONGEST_REASON: Final = 500
OPERATOR: Final = "operator"
"""The source of entries that only the operator takes off again."""
SOURCES: Final = frozenset({OPERATOR, "43004", "43101", "not_following", "user block"})
"""Everything that puts people on a list."""
UNFOLLOWED: Final = frozenset({"43004", "not_following"})
"""The sources that say no more than that the person doesn't follow."""

#: Control characters, separators of lines, and what no file can hold.
_LINE_ENDERS: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
_BLOCK: Final = 10_000
#: So many changes, or blocks, are gone through in no time.
_MANY: Final = 10_000
_MANY_BLOCKS: Final = 1_000
_FOR_EVER: Final = (1 << 33) - 1
_KIND_BITS: Final = 2
_ORDINAL_BITS: Final = 28
_OPERATORS, _UNFOLLOWEDS, _OTHERS = range(3)


class Entry(NamedTuple):
    """Somebody on the list: from `since` to `until` in Unix time, None for ever.

    `source` is who put him there: `operator`, or the code or status that told of it.
    """

    openid: str
    reason: str
    since: float
    until: float | None
    source: str

    def holds(self, now: float) -> bool:
        """Whether he gets nothing at `now`."""
        return self.until is None or self.until > now


class Removal(NamedTuple):
    """Somebody taken off the list at a moment.

    `automatic`: only what the operator didn't say himself, and what was found out by then.
    """

    openid: str
    at: float
    automatic: bool


class Return(NamedTuple):
    """The operator takes back, at a moment, that somebody was ever taken off: what was found out counts."""

    openid: str
    at: float


Change = Entry | Removal | Return
_Block = Callable[[list[Any]], dict[str, Any]]


class Suppressed:
    """What the list comes to, fed with changes in their order.

    In 16 bytes a person, and as much again for whom the operator didn't put there.
    """

    def __init__(self, changes: Iterable[Change] = ()) -> None:
        self._people = Hashed()
        self._since = Hashed()
        self.removed: dict[int, float] = {}
        """By hash, when somebody was taken off for the last time."""
        self.changes = self._ordinal = 0
        for change in changes:
            self.take(change)

    def __len__(self) -> int:
        return len(self._people)

    def take(self, change: Change) -> None:
        """Take in what comes next."""
        self.changes += 1
        key = hash64(change.openid)
        if isinstance(change, Return):
            self.removed.pop(key, None)
            return
        if isinstance(change, Entry):
            self._ordinal += 1
            if self.counts(change):
                self._people.put(key, _packed(change, self._ordinal))
                self._since.put(key, 0 if change.source == OPERATOR else _bits(change.since))
            return
        self.removed[key] = max(change.at, self.removed.get(key, 0.0))
        if not change.automatic or self.comes_off(key, change.at):
            self.drop(key)

    def counts(self, entry: Entry) -> bool:
        """Whether this entry, if it came next, would hold instead of what holds."""
        if entry.source == OPERATOR:
            return True
        key = hash64(entry.openid)
        if self.removed.get(key, -math.inf) >= entry.since:
            return False
        known = self._people.get(key)
        return not known or _kind(known) != _OPERATORS or _until(known) <= entry.since

    def until(self, key: int) -> float:
        """Until when the person with this hash gets nothing; 0 for one who isn't on the list."""
        known = self._people.get(key)
        return _until(known) if known else 0.0

    def is_operators(self, key: int, now: float) -> bool:
        """Whether the operator himself put this person on the list, and that still holds."""
        known = self._people.get(key)
        return bool(known) and _kind(known) == _OPERATORS and _until(known) > now

    def is_automatic(self, key: int) -> bool:
        """Whether a success from now on takes this person off the list."""
        known = self._people.get(key)
        return bool(known) and _kind(known) != _OPERATORS

    def comes_off(self, key: int, at: float) -> bool:
        """Whether a success at that moment takes this person off the list."""
        return self.is_automatic(key) and _moment(self._since.get(key)) <= at

    def is_unfollowed(self, key: int) -> bool:
        """Whether the person is on the list for nothing but that he didn't follow."""
        known = self._people.get(key)
        return bool(known) and _kind(known) == _UNFOLLOWEDS

    def drop(self, key: int) -> None:
        """Take somebody off; only here."""
        self._people.put(key, 0)
        self._since.put(key, 0)

    def is_latest(self, key: int, ordinal: int) -> bool:
        """Whether the entry that came as the `ordinal`-th, from 1, is what holds."""
        known = self._people.get(key)
        return bool(known) and known & ((1 << _ORDINAL_BITS) - 1) == ordinal & ((1 << _ORDINAL_BITS) - 1)

    @property
    def any_automatic(self) -> bool:
        """Whether a success could take anybody off."""
        return any(_kind(known) != _OPERATORS for known in self._people.values())


class Reading:
    """The list in `folder`, read on from where it was read to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read = self.blocks = 0
        self._suppressed = Suppressed()

    def now(self) -> Suppressed:
        """What the list comes to, with all that any process has written by now. Raises DamagedStateError.

        The same object as before where nothing was put together meanwhile.
        """
        with _damage_told(self._folder):
            for number, text in later(self._folder, self._read):
                if number > self._read + 1:
                    self._suppressed, self.blocks = Suppressed(), 0
                for change in _changes(text):
                    self._suppressed.take(change)
                self._read, self.blocks = number, self.blocks + 1
        return self._suppressed


class Suppressions:
    """The list of an account, open for writing. Raises DamagedStateError, UnsafeStateError, StorageError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with _damage_told(folder):
            self._journal = Journal(folder)
        self._reading = Reading(folder)

    def now(self) -> Suppressed:
        """What the list comes to, with all that other processes have written by now."""
        return self._reading.now()

    def add(self, entries: Iterable[Entry]) -> None:
        """Put people on the list; each 10,000 of them are durable at once. Raises StorageError."""
        self._append(entries, _added)

    def take_back(self, entries: Iterable[Entry], at: float) -> None:
        """Put people on the list as they once were, also who was taken off since. Raises StorageError."""
        self._append(entries, lambda some: {"back": at, **_added(some)})

    def remove(self, openids: Iterable[str], at: float, *, automatic: bool = False) -> None:
        """Take people off the list. Raises StorageError."""
        self._append(openids, lambda some: {"at": at, "automatic": automatic, "remove": some})

    def welcome(self, people: Mapping[str, float]) -> None:
        """Take people off the list who follow, or got a message, each at his moment. Raises StorageError."""
        self._append(people.items(), _welcomed)

    def tidy(self) -> None:
        """Put the log together where most of it no longer counts; what the list comes to stays the same.

        Where the disk refuses, the log stays as it is. Raises DamagedStateError.
        """
        if _is_worth_it(self.now(), self._reading.blocks):
            with suppress(StorageError), _damage_told(self._folder):
                self._journal.put_together(shortened)

    def close(self) -> None:
        """Let go of the files."""
        self._journal.close()

    def _append(self, items: Iterable[Any], block: _Block) -> None:
        for some in _in_blocks(items):
            self._journal.append(dumps(block(some)))


def one_line(reason: str) -> str:
    """A reason as it is kept: short, and without anything that would end its line."""
    kept = reason[:LONGEST_REASON]
    return "".join(" " if unicodedata.category(char) in _LINE_ENDERS else char for char in kept)


def suppressed(folder: Path) -> Suppressed:
    """What the list in `folder` comes to. Raises DamagedStateError."""
    return Reading(folder).now()


def is_empty(folder: Path) -> bool:
    """Whether there never was a list in `folder`."""
    return not store.exists(folder)


def entries(folder: Path) -> Iterator[Entry]:
    """Everybody on the list in `folder`, in the order in which they came onto it.

    Raises DamagedStateError.
    """
    with _damage_told(folder), at_one_moment(folder) as blocks:
        yield from _latest(lambda: _all_changes(blocks))


def _latest(changes: Callable[[], Iterator[Change]]) -> Iterator[Entry]:
    """The entries that hold of all changes, which are gone through twice."""
    known, ordinal = Suppressed(changes()), 0
    for change in changes():
        if isinstance(change, Entry):
            ordinal += 1
            if known.is_latest(hash64(change.openid), ordinal):
                yield change


def held_at(folder: Path, openids: Collection[str], at: float) -> dict[str, Entry]:
    """What held of these people at a moment, by openid. Raises DamagedStateError."""
    known, found = Suppressed(), dict[str, Entry]()
    with _damage_told(folder), at_one_moment(folder) as blocks:
        for change in _all_changes(blocks):
            made = change.since if isinstance(change, Entry) else change.at
            if change.openid not in openids or made > at:
                continue
            if isinstance(change, Entry) and known.counts(change):
                found[change.openid] = change
            known.take(change)
    return {openid: entry for openid, entry in found.items() if known.until(hash64(openid)) > at}


def _removals(changes: Callable[[], Iterator[Change]]) -> Iterator[tuple[str, float]]:
    """Who was ever taken off, and when for the last time: what happened before doesn't count any more."""
    left = Suppressed(changes()).removed
    for change in changes():
        if isinstance(change, Removal) and left.get(hash64(change.openid)) == change.at:
            del left[hash64(change.openid)]
            yield change.openid, change.at


def shortened(blocks: Blocks) -> Iterator[str]:
    """Blocks that come to the same as all of `blocks`.

    The removals go first: whoever is on the list by himself came onto it after he was taken off.
    """

    def changes() -> Iterator[Change]:
        return _all_changes(blocks)

    for people in _in_blocks(_removals(changes)):
        yield dumps(_welcomed(people))
    for held in _in_blocks(_latest(changes)):
        yield dumps(_added(held))


def _is_worth_it(known: Suppressed, blocks: int) -> bool:
    kept = len(known) + len(known.removed)
    most_is_over = known.changes >= max(_MANY, 4 * kept)
    many_small_blocks = blocks >= max(_MANY_BLOCKS, kept // 100)
    return most_is_over or many_small_blocks


def _in_blocks(items: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(items)
    while some := list(islice(rest, _BLOCK)):
        yield some


def _added(entries: list[Any]) -> dict[str, Any]:
    return {"add": [tuple(entry) for entry in entries]}


def _welcomed(people: list[Any]) -> dict[str, Any]:
    return {"welcome": people}


def _all_changes(blocks: Blocks) -> Iterator[Change]:
    for text in blocks():
        yield from _changes(text)


def _changes(text: str) -> Sequence[Change]:
    try:
        block = loads(text)
        if "add" in block:
            added = [_entry(*packed) for packed in block["add"]]
            if "back" not in block:
                return added
            at = float(block["back"])
            return [*(Return(entry.openid, at) for entry in added), *added]
        if "welcome" in block:
            return [Removal(_text(openid), float(at), automatic=True) for openid, at in block["welcome"]]
        at, automatic = float(block["at"]), bool(block["automatic"])
        return [Removal(_text(openid), at, automatic) for openid in block["remove"]]
    except (ValueError, TypeError, KeyError, OverflowError):
        raise DamagedStateError("a block of another kind") from None  # its owner finds the words


def _damage_told(folder: Path) -> AbstractContextManager[None]:
    return damage_told(
        _("The suppression list in {path} can't be read.").format(path=folder),
        _(
            "Nothing was sent. Restore the folder from a backup; or move it away ({command}), and import the "
            "list again (wxpush suppress import FILE), since everybody is off it then."
        ).format(command=shlex.join(["mv", str(folder), f"{folder}.damaged"])),
    )


def _entry(openid: Any, reason: Any, since: Any, until: Any, source: Any) -> Entry:
    until = None if until is None else float(until)
    return Entry(_text(openid), _text(reason), float(since), until, _text(source))


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError
    return value


def _packed(entry: Entry, ordinal: int) -> int:
    until = _FOR_EVER if entry.until is None else max(0, min(math.ceil(entry.until), _FOR_EVER - 1))
    kind = _OPERATORS if entry.source == OPERATOR else _OTHERS
    kind = _UNFOLLOWEDS if entry.source in UNFOLLOWED else kind
    low = ordinal & ((1 << _ORDINAL_BITS) - 1)
    return until + 1 << _KIND_BITS + _ORDINAL_BITS | kind << _ORDINAL_BITS | low


def _bits(moment: float) -> int:
    """A moment as the number that a table by hash can keep."""
    return int.from_bytes(struct.pack(">d", moment), "big")


def _moment(bits: int) -> float:
    moment: float
    (moment,) = struct.unpack(">d", bits.to_bytes(8, "big"))
    return moment


def _kind(packed: int) -> int:
    return packed >> _ORDINAL_BITS & ((1 << _KIND_BITS) - 1)


def _until(packed: int) -> float:
    until = (packed >> _KIND_BITS + _ORDINAL_BITS) - 1
    return math.inf if until == _FOR_EVER else float(until)
