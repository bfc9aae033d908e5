"""The run's record on disk of what happened to each message: claims before the POST, records after it.

Kept in a diskcache (see store.py) as numbered blocks, each one value, sealed with a hash of itself:

    meta            whose ledger this is, and whether its blocks are sealed
    c000000000007   claims that were made at one moment, with their payloads; deleted when all are over
    o000000000123   records, in the order in which they were learnt; never changed, never deleted
    i000000000001   wrong rows of the latest call's list; replaced by the next call

One transaction writes new records, deletes the claims that are over and writes new claims.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from wxpush.delivery import store
from wxpush.delivery.identity import RunId
from wxpush.delivery.records import (
    FINAL,
    Claim,
    Invalid,
    Mark,
    Record,
    Touch,
    dump_claims,
    dump_invalid,
    dump_records,
    load_claims,
    load_invalid,
    load_records,
    load_touches,
)
from wxpush.delivery.seal import sealed, unsealed
from wxpush.errors import DamagedStateError
from wxpush.i18n import _

_SCHEMA: Final = 2
#: The schema of wxpush 0.1, whose blocks have no seal; its runs go on as they began.
_UNSEALED: Final = 1
_LOCK_TIMEOUT: Final = 2.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the ledger a record stands: its block, from 1, and its position in it, from 0."""

    block: int
    index: int


RecordVisitor = Callable[[Place, Record], None]


def both(one: RecordVisitor, other: RecordVisitor) -> RecordVisitor:
    """Two visitors as one."""

    def visit(place: Place, record: Record) -> None:
        one(place, record)
        other(place, record)

    return visit


@dataclass(slots=True)
class _Contents:
    """What one reading of a ledger leaves in memory."""

    last: dict[str, int] = field(default_factory=lambda: {"c": 0, "o": 0, "i": 0})
    open: dict[str, tuple[int, Claim]] = field(default_factory=dict)
    """By key: the number of the block that holds the claim, and the claim."""


class Ledger:
    """The one writer of a run's ledger; the run's lock must be held.

    Every method that writes is durable when it returns, or raises StorageError and has written nothing.
    """

    def __init__(
        self,
        folder: Path,
        run: RunId,
        visit: RecordVisitor = lambda _place, _record: None,
        *,
        may_be_new: bool = True,
    ) -> None:
        """Open or make the ledger of `run`; `visit` is shown every record that is there already.

        A run that is known to have begun must have its ledger: made anew, it would send to everybody again.

        Raises DamagedStateError, UnsafeStateError, StorageError.
        """
        self._follower: RecordVisitor | None = None
        self._store = store.open_store(folder, lock_timeout=_LOCK_TIMEOUT)
        self._folder = folder
        self._invalid: list[Invalid] = []
        try:
            self._own(run, may_be_new=may_be_new)
            contents = _read(folder, visit)
        except BaseException:
            self.close()
            raise
        self._last = contents.last
        self._open_claims = {key: block for key, (block, _claim) in contents.open.items()}
        self._claims_left: dict[int, int] = {}
        for block in self._open_claims.values():
            self._claims_left[block] = self._claims_left.get(block, 0) + 1
        self._recovered = _oldest_first(contents)

    def commit(self, records: Sequence[Record], claims: Sequence[Claim] = ()) -> None:
        """Write what was learnt and claim what comes next, in one durable step. Raises StorageError."""
        self._refuse_second_claims(records, claims)
        over = [record.key for record in records if record.mark in FINAL and record.key in self._open_claims]
        if not records and not claims and not self._invalid:
            return
        with store.transaction(self._store, self._folder):
            if records:
                self._write("o", dump_records(records))
            if claims:
                self._write("c", dump_claims(claims))
            if self._invalid:
                self._write("i", dump_invalid(self._invalid))
            for block in self._blocks_over(over):
                self._store.delete(f"c{block:012d}")
        self._last["o"] += bool(records)
        if self._follower is not None:
            for index, record in enumerate(records):
                self._follower(Place(self._last["o"], index), record)
        self._last["i"] += bool(self._invalid)
        self._invalid.clear()
        self._forget(over)
        if claims:
            self._last["c"] += 1
            self._remember(self._last["c"], claims)

    def follow(self, visit: RecordVisitor) -> None:
        """Show `visit` every record that is written from now on, once it is durable."""
        self._follower = visit

    def unfollow(self) -> None:
        """Show it to nobody any more."""
        self._follower = None

    @property
    def recovered(self) -> list[Claim]:
        """The claims that were open when the ledger was opened, the oldest first, but those ended since."""
        return [claim for claim in self._recovered if claim.message.key in self._open_claims]

    @property
    def claimed(self) -> int:
        """Claims that no record has ended."""
        return len(self._open_claims)

    def _refuse_second_claims(self, records: Sequence[Record], claims: Sequence[Claim]) -> None:
        """Two claims of one key at once would be two messages; whoever asks for that has lost count."""
        ended = {record.key for record in records if record.mark in FINAL}
        keys = [claim.message.key for claim in claims]
        if len(set(keys)) < len(keys) or any(key in self._open_claims and key not in ended for key in keys):
            raise ValueError("a key is claimed twice")

    def record_at(self, place: Place) -> Record:
        """The record that stands at `place`."""
        key = f"o{place.block:012d}"
        return load_records(self._text(key))[place.index]

    def last(self, fits: Callable[[Record], bool]) -> Record | None:
        """The latest record that fits; None where none does."""
        for block in range(self._last["o"], 0, -1):
            key = f"o{block:012d}"
            found = load_records(self._text(key))
            for record in reversed(found):
                if fits(record):
                    return record
        return None

    def note_invalid(self, row: Invalid) -> None:
        """Keep a wrong row of this call's list; written with the next commit."""
        self._invalid.append(row)

    def forget_invalid(self) -> None:
        """Drop the wrong rows of the calls before this one. Raises StorageError."""
        if not self._last["i"]:
            return
        with store.transaction(self._store, self._folder):
            for number in range(1, self._last["i"] + 1):
                self._store.delete(f"i{number:012d}")
        self._last["i"] = 0

    def close(self) -> None:
        """Let go of the files."""
        self._store.close()

    def _text(self, key: str) -> str:
        value = store.value_of(self._store, self._folder, key) or ""
        return _opened(key, value, with_seals=self._sealed)

    def _own(self, run: RunId, *, may_be_new: bool) -> None:
        found = store.value_of(self._store, self._folder, "meta")
        self._sealed = found != _meta(run, _UNSEALED)
        if found is None and not len(self._store):
            if not may_be_new:
                raise _lost_ledger(self._folder)
            with store.transaction(self._store, self._folder):
                self._store.set("meta", _meta(run, _SCHEMA))
        elif self._sealed and found != _meta(run, _SCHEMA):
            raise _of_another_run(self._folder)

    def _write(self, kind: str, text: str) -> None:
        key = f"{kind}{self._last[kind] + 1:012d}"
        self._store.set(key, sealed(key, text) if self._sealed else text)

    def _blocks_over(self, keys: Iterable[str]) -> list[int]:
        left: dict[int, int] = {}
        for key in keys:
            block = self._open_claims[key]
            left[block] = left.get(block, self._claims_left[block]) - 1
        return [block for block, number in left.items() if number == 0]

    def _forget(self, keys: Iterable[str]) -> None:
        for key in keys:
            block = self._open_claims.pop(key)
            self._claims_left[block] -= 1
            if not self._claims_left[block]:
                del self._claims_left[block]

    def _remember(self, block: int, claims: Sequence[Claim]) -> None:
        self._claims_left[block] = len(claims)
        for claim in claims:
            self._open_claims[claim.message.key] = block


def records(folder: Path) -> Iterator[tuple[Place, Record]]:
    """Every record of the ledger in `folder`, in the order of writing; also while it is being written.

    Raises DamagedStateError where a block is missing or can't be read.
    """
    for kind, number, text in _blocks(folder):
        if kind == "o":
            for index, record in enumerate(load_records(text)):
                yield Place(number, index), record


def records_near(folder: Path, text: str) -> Iterator[tuple[Place, Record]]:
    """The same, but only of blocks whose JSON holds `text`, as it is written there; of all where it is empty.

    So one message among a million is found in a tenth of the time.
    """
    for kind, number, block in _blocks(folder):
        if kind == "o" and text in block:
            for index, record in enumerate(load_records(block)):
                yield Place(number, index), record


def any_claims(folder: Path) -> bool:
    """Whether a claim is open; without reading the records. Raises DamagedStateError."""
    return next(store.rows(folder, kinds=("c",)), None) is not None


def review(folder: Path, visit: RecordVisitor = lambda _place, _record: None) -> list[Claim]:
    """Show `visit` every record, as `records` does, and return the claims that none of them has ended.

    Oldest first, with what is known of their attempts.
    """
    return _oldest_first(_read(folder, visit))


def review_touches(folder: Path, visit: Callable[[Sequence[Touch | Record]], None]) -> list[Claim]:
    """The same in a third of the time, for whoever asks only whom messages reached; block by block."""
    contents = _Contents()
    for kind, number, text in _blocks(folder):
        if kind == "c":
            _open(contents, number, text)
        elif kind == "o":
            touches = load_touches(text)
            visit(touches)
            for one in touches if contents.open else ():
                if isinstance(one, Record):
                    _follow(contents, one)
                else:
                    contents.open.pop(one[0], None)
    return _oldest_first(contents)


def open_claims(folder: Path) -> list[Claim]:
    """The claims that no record has ended; of a ledger without claims, the records aren't read for that."""
    return review(folder) if any_claims(folder) else []


def invalid_rows(folder: Path) -> Iterator[Invalid]:
    """The wrong rows of the latest call's list."""
    with_seals = True
    for key, value in store.rows(folder, kinds=("meta", "i")):
        if key == "meta":
            with_seals = not value.startswith(_meta_start(_UNSEALED))
        else:
            yield from load_invalid(_opened(key, value, with_seals=with_seals))


def look_over(folder: Path, run: RunId, enough: Callable[[], bool]) -> bool:
    """See that the ledger of `run`, which has begun, is whole: no block lacking, none without its seal.

    By reading alone, also while the run goes on; False where `enough` said so before the end. Raises
    DamagedStateError, UnsafeStateError, StorageError.
    """
    if not store.exists(folder):
        raise _lost_ledger(folder)
    if not store.look_over(folder, enough):
        return False
    meta = next(store.rows(folder, kinds=("meta",)), None)
    if meta is None:
        raise _lost_ledger(folder)
    if meta[1] not in (_meta(run, _UNSEALED), _meta(run, _SCHEMA)):
        raise _of_another_run(folder)
    return all(not enough() for _block in _blocks(folder))


def _lost_ledger(folder: Path) -> DamagedStateError:
    return DamagedStateError(
        _("The run in {path} has lost its ledger.").format(path=folder.parent),
        _("Restore the folder from a backup: only the ledger knows who got the message."),
    )


def _of_another_run(folder: Path) -> DamagedStateError:
    return DamagedStateError(
        _("The ledger in {path} belongs to another run or to a newer wxpush.").format(path=folder)
    )


def _oldest_first(contents: _Contents) -> list[Claim]:
    return sorted((claim for _block, claim in contents.open.values()), key=lambda claim: claim.made.wall)


def _read(folder: Path, visit: RecordVisitor) -> _Contents:
    contents = _Contents()
    for kind, number, text in _blocks(folder):
        contents.last[kind] = number
        if kind == "c":
            _open(contents, number, text)
        elif kind == "o":
            for index, record in enumerate(load_records(text)):
                visit(Place(number, index), record)
                _follow(contents, record)
    return contents


def _open(contents: _Contents, number: int, text: str) -> None:
    for claim in load_claims(text):
        # A process that was killed may have sent it; a record that follows may know better.
        contents.open[claim.message.key] = number, claim._replace(unanswered=True)


def _follow(contents: _Contents, record: Record) -> None:
    """Bring the claim of `record`, if one is open, up to date."""
    if record.key not in contents.open:
        return
    if record.mark in FINAL:
        del contents.open[record.key]
        return
    block, claim = contents.open[record.key]
    silent = record.mark is Mark.SILENT
    contents.open[record.key] = (
        block,
        claim._replace(attempts=record.attempts, unanswered=silent, busy=not silent),
    )


def _blocks(folder: Path) -> Iterator[tuple[str, int, str]]:
    """Kind, number and text of every block; raises DamagedStateError where records are missing."""
    expected, with_seals = 1, True
    for key, value in store.rows(folder):
        if key == "meta":
            with_seals = not value.startswith(_meta_start(_UNSEALED))
            continue
        kind, number = key[:1], key[1:]
        if kind not in ("c", "o", "i") or not number.isdecimal():
            raise DamagedStateError(
                _("The ledger in {path} has an entry that wxpush never writes.").format(path=folder)
            )
        if kind == "o":
            if int(number) != expected:
                raise DamagedStateError(_("The ledger in {path} has lost records.").format(path=folder))
            expected += 1
        yield kind, int(number), _opened(key, value, with_seals=with_seals)


def _meta(run: RunId, schema: int) -> str:
    return f'{_meta_start(schema)} "run": {json.dumps(run.digest)}}}'


def _meta_start(schema: int) -> str:
    return f'{{"schema": {schema},'


def _opened(key: str, value: str, *, with_seals: bool) -> str:
    return unsealed(key, value) if with_seals else value
