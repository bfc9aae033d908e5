"""What the ledger writes: claims and records, in blocks of JSON text."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from wxpush.clock import Moment
from wxpush.errors import DamagedStateError
from wxpush.fastjson import dumps, loads
from wxpush.i18n import _
from wxpush.model import Arrival, CodeClass, Message, State, Verdict, VerdictKind

_HASH = re.compile(r"[0-9a-f]{16}")
_MOST = 2**40
#: How many values a record has that keeps no code, and with whom it was for.
_CORE = (9, 10)
#: What a record leaves out that keeps no code, or no payload; and how many more it has with whom it was for.
_NOTHING_KEPT = ("0", "unknown", "", "", "")
_WITH_TO = (1, 4, 6)


class Mark(StrEnum):
    """What a record says of its message; one letter on disk."""

    ACCEPTED = "A"
    FAILED = "F"
    HELD = "H"
    IN_DOUBT = "D"
    RELEASED = "R"
    """Pending again, with the record's epoch: surely not delivered, or the operator wants it sent again."""
    BUSY = "B"
    """The claim goes on; so far every attempt was answered with -1."""
    SILENT = "S"
    """The claim goes on; an attempt got no readable answer."""

    @property
    def state(self) -> State:
        """The state that a message with this mark is in."""
        return _STATES[self]


_STATES = {
    Mark.ACCEPTED: State.ACCEPTED,
    Mark.FAILED: State.FAILED,
    Mark.HELD: State.HELD,
    Mark.IN_DOUBT: State.IN_DOUBT,
    Mark.RELEASED: State.PENDING,
    Mark.BUSY: State.IN_DOUBT,
    Mark.SILENT: State.IN_DOUBT,
}

#: Marks that end a claim.
FINAL = frozenset({Mark.ACCEPTED, Mark.FAILED, Mark.HELD, Mark.IN_DOUBT, Mark.RELEASED})
#: Marks whose record keeps payload and row, so that it can be listed or sent again.
KEEPS_PAYLOAD = frozenset({Mark.FAILED, Mark.HELD, Mark.IN_DOUBT})


class Claim(NamedTuple):
    """The promise, on disk before the POST, that this message may be on its way.

    `made` is the moment of the claim, from which WeChat's dedupe window is reckoned; `unanswered` and
    `busy` tell what earlier attempts met.
    """

    message: Message
    made: Moment
    attempts: int = 0
    unanswered: bool = False
    busy: bool = False


class Record(NamedTuple):
    """What became of one message, or of one attempt; `at` is Unix time, whole seconds.

    `to` is whom it was for; a ledger of wxpush 0.1 knows that only where it is the key itself, and names
    the key instead. `payload_hash` is 64 bits of the payload as 16 hex digits. `payload` and `fields` are
    empty where the mark keeps none.
    """

    key: str
    to: str
    row: int
    line: int
    mark: Mark
    epoch: int
    payload_hash: str
    code: str
    cls: CodeClass
    msgid: int | None
    attempts: int
    at: int
    detail: str = ""
    payload: str = ""
    fields: str = ""

    def verdict(self) -> Verdict:
        """How it failed; only of a failure."""
        return Verdict(VerdictKind.FAIL, self.code, self.cls, Arrival.ANSWERED, detail=self.detail)

    def message(self) -> Message:
        """The message as it was rendered; only of a record that keeps its payload."""
        return Message(self.key, self.to, self.payload, self.row, self.line, self.fields, self.epoch)


Touch = tuple[str, str, int]
"""Of an accepted message its key, whom it was for, and when it was accepted."""


@dataclass(frozen=True, slots=True)
class Invalid:
    """A row of this call's list that could not be sent because it is wrong; `at` is Unix time."""

    row: int
    line: int
    code: str
    detail: str
    fields: str
    at: float


def dump_claims(claims: Sequence[Claim]) -> str:
    """A block of claims that were made at one moment."""
    made = claims[0].made
    rows = [_packed_message(claim.message) for claim in claims]
    return dumps({"t": made.wall, "b": made.boot, "i": made.boot_id, "c": rows})


def load_claims(text: str) -> list[Claim]:
    """The claims of a block; raises DamagedStateError."""
    with _damage_told():
        block = loads(text)
        made = Moment(float(block["t"]), float(block["b"]), str(block["i"]))
        return [Claim(_message(*packed), made) for packed in block["c"]]


def dump_records(records: Sequence[Record]) -> str:
    """A block of records; what an accepted message doesn't need is left out."""
    return dumps([_packed(record) for record in records])


def load_records(text: str) -> list[Record]:
    """The records of a block; raises DamagedStateError."""
    with _damage_told():
        # Without such an escape there is no half of a surrogate pair anywhere.
        sound = "\\ud" not in text and "\\uD" not in text
        records = [
            _accepted(packed) if sound and len(packed) in _CORE else _unpacked(*packed)
            for packed in loads(text)
        ]
    if not records:
        raise _unreadable()
    return records


def load_touches(text: str) -> "list[Touch | Record]":
    """The same, where of almost every message no more is asked than whom it reached and when."""
    with _damage_told():
        if "\\ud" in text or "\\uD" in text:
            return [_unpacked(*packed) for packed in loads(text)]
        return [
            (one[1], one[9] if len(one) == _CORE[1] else one[1], one[8])
            # In one expression, since a start reads millions of them.
            if len(one) in _CORE
            and one[0] == "A"
            and type(one[1]) is str
            and type(one[8]) is int
            and 0 <= one[8] <= _MOST
            and type(one[-1]) is (int if len(one) == _CORE[0] else str)
            else _unpacked(*one)
            for one in loads(text)
        ]


def dump_invalid(rows: Sequence[Invalid]) -> str:
    """A block of wrong rows."""
    return dumps([(r.row, r.line, r.code, r.detail, r.fields, r.at) for r in rows])


def load_invalid(text: str) -> list[Invalid]:
    """The wrong rows of a block; raises DamagedStateError."""
    with _damage_told():
        return [
            Invalid(int(row), int(line), str(code), str(detail), str(fields), float(at))
            for row, line, code, detail, fields, at in loads(text)
        ]


def _packed_message(m: Message) -> tuple[Any, ...]:
    return (m.key, m.row, m.line, m.epoch, m.payload, m.fields, *_packed_to(m.key, m.to))


def _message(key: Any, row: Any, line: Any, epoch: Any, payload: Any, fields: Any, to: Any = None) -> Message:
    to = key if to is None else to
    _refuse_other_types(texts=(key, to, payload, fields), numbers=(row, line, epoch))
    return Message(key, to, payload, row, line, fields, epoch)


def _packed_to(key: str, to: str) -> tuple[str, ...]:
    """Whom it is for, last of all; most keys say it already."""
    return () if to == key else (to,)


def _packed(r: Record) -> tuple[Any, ...]:
    core = (r.mark.value, r.key, r.row, r.line, r.epoch, r.payload_hash, r.msgid, r.attempts, r.at)
    to = _packed_to(r.key, r.to)
    if r.mark is Mark.ACCEPTED and r.code == "0":
        return (*core, *to)
    if r.mark in KEEPS_PAYLOAD:
        return (*core, r.code, r.cls.value, r.detail, r.payload, r.fields, *to)
    return (*core, r.code, r.cls.value, r.detail, *to)


def _accepted(packed: Sequence[Any]) -> Record:
    """The record of almost every message, checked as `_unpacked` does.

    In one expression, since a start reads a million of them.
    """
    mark, key, row, line, epoch, payload_hash, msgid, attempts, at, *for_whom = packed
    to = for_whom[0] if for_whom else key
    if not (
        mark == "A"
        and type(key) is str
        and type(to) is str
        and (type(msgid) is int or msgid is None)
        and type(row) is int
        and type(line) is int
        and type(epoch) is int
        and type(attempts) is int
        and type(at) is int
        and 0 <= row <= _MOST
        and 0 <= line <= _MOST
        and 0 <= epoch <= _MOST
        and 0 <= attempts <= _MOST
        and 0 <= at <= _MOST
        and _HASH.fullmatch(payload_hash)
    ):
        return _unpacked(*packed)
    return Record(
        key, to, row, line, Mark.ACCEPTED, epoch, payload_hash, "0", CodeClass.UNKNOWN, msgid, attempts, at
    )


def _unpacked(*packed: Any) -> Record:
    mark, key, row, line, epoch, payload_hash, msgid, attempts, at, *rest = packed
    to = rest.pop() if len(rest) in _WITH_TO else key
    rest += _NOTHING_KEPT[len(rest) :]
    code, cls, detail, payload, fields = rest
    _refuse_other_types((key, to, code, detail, payload, fields), (row, line, epoch, attempts, at))
    if msgid is not None and type(msgid) is not int:
        raise TypeError
    if _HASH.fullmatch(payload_hash) is None:
        raise ValueError
    return Record(
        key, to, row, line, Mark(mark), epoch, payload_hash, code, CodeClass(cls), msgid, attempts, at,
        detail, payload, fields,
    )  # fmt: skip


def _refuse_other_types(texts: tuple[Any, ...], numbers: tuple[Any, ...]) -> None:
    """Raises TypeError or ValueError for what we never write; a row number may size an array."""
    for text in texts:
        if type(text) is not str:
            raise TypeError
        text.encode()  # half a surrogate pair has no place in a key or a payload
    if not all(type(number) is int and 0 <= number <= _MOST for number in numbers):
        raise TypeError


@contextmanager
def _damage_told() -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
        raise _unreadable() from None


def _unreadable() -> DamagedStateError:
    return DamagedStateError(
        _("The ledger holds a block that can't be read."), _("Restore the run's folder from a backup.")
    )
