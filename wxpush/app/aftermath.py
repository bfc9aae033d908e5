"""What a run's ledger says when the sending is over: counts, causes, and the files of what went wrong."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

from wxpush.app.codes import Cause
from wxpush.channels.wechat.errcodes import info, info_of, worded
from wxpush.delivery import ledger
from wxpush.delivery.identity import hash64
from wxpush.delivery.ledger import RecordVisitor, both
from wxpush.delivery.records import Claim, Invalid, Mark, Record
from wxpush.delivery.run import RunCard, RunFolder
from wxpush.delivery.standing import ByKey, ByRow, Standing
from wxpush.model import CodeClass, State
from wxpush.report.failures import FailureRow, write_csv, write_jsonl

_TOLD: Final = frozenset({Mark.FAILED, Mark.HELD, Mark.IN_DOUBT})
_TOLD_STATES: Final = (State.FAILED, State.HELD, State.IN_DOUBT)
#: Marks of a claim that goes on: while a process works on it, nothing is decided yet.
UNDECIDED: Final = frozenset({Mark.BUSY, Mark.SILENT})
_MOST_SORTED: Final = 50_000

#: What a row of the failures file is made from.
_Source = Record | Claim | Invalid


def standing_for(card: RunCard | None, *, unchanged: bool = True) -> Standing:
    """By position where all records are of one list, else by key."""
    by_row = card is not None and card.is_of_one_basis and unchanged
    return ByRow() if by_row else ByKey(hash64)


@dataclass(frozen=True, slots=True)
class Aftermath:
    """How the messages of a run stand, and why those that weren't accepted weren't.

    `states` counts messages by state; rows that are wrong in the latest list count as failed.
    """

    states: Counter[str]
    causes: Counter[Cause]
    rows: "FailureRows"


def look_back(
    folder: RunFolder,
    card: RunCard | None,
    *,
    live: bool = False,
    noted: Standing | None = None,
    visit: RecordVisitor | None = None,
) -> Aftermath:
    """Read the ledger, unless all of it is `noted` already, with no claim left. Raises DamagedStateError.

    In a `live` run, what is claimed is on its way, and so pending; in one that has ended it is in doubt.
    `visit` is shown every record that is read.
    """
    standing, claims = (noted, []) if noted is not None else _noted(folder, card, live=live, visit=visit)
    states: Counter[str] = Counter()
    for mark, count in standing.counts().items():
        state = State.PENDING if live and mark in UNDECIDED else mark.state
        states[state.value] += count
    causes: Counter[Cause] = Counter()
    rows = FailureRows(folder, standing, claims, any_recorded=any(states[state] for state in _TOLD_STATES))
    for source in rows.sources():
        if isinstance(source, Record):
            causes[source.mark.state.value, source.code, source.cls] += 1
        elif isinstance(source, Invalid):
            causes[State.FAILED.value, source.code, CodeClass.MESSAGE] += 1
            states[State.FAILED] += 1
    recorded = sum(count for (state, _code, _cls), count in causes.items() if state == State.IN_DOUBT)
    if unsettled := states[State.IN_DOUBT] - recorded:
        causes[State.IN_DOUBT.value, "timeout", CodeClass.TRANSIENT] += unsettled
    return Aftermath(states, causes, rows)


def write_failures(
    folder: RunFolder, aftermath: Aftermath, wanted: Path, *, keep: Path | None = None
) -> Path | None:
    """Write the spreadsheet and the exact record of what failed, is held or in doubt; None if nothing did.

    A spreadsheet that is the file `keep` is left as it is.
    """
    write_jsonl(iter(aftermath.rows), folder.failures)
    if keep is not None and wanted.exists() and wanted.samefile(keep):
        return wanted
    return write_csv(lambda: aftermath.rows, wanted, fallback=folder.path)


def failures_of(folder: RunFolder) -> Iterator[FailureRow]:
    """Every message of a run that failed, is held or in doubt, also while it is being sent."""
    live = folder.live_pid() is not None
    return iter(FailureRows(folder, *_noted(folder, folder.card(), live=live)))


def messages_of(folder: RunFolder) -> Iterator[Record | Claim | Invalid]:
    """The latest that is known of every message of a run, in the order in which it was learnt; then the
    claims that nothing has ended, and the wrong rows. None of them keeps its payload.
    """
    live = folder.live_pid() is not None
    standing, claims = _noted(folder, folder.card(), live=live)
    for place, record in ledger.records(folder.ledger):
        if standing.is_latest(place, record):
            yield record._replace(payload="", fields="")
    yield from claims
    yield from ledger.invalid_rows(folder.ledger)


class FailureRows:
    """Every message that failed, is held or in doubt, as the list has them; iterate as often as needed.

    More than 50,000 come in the order in which that was learnt, so that they needn't be held in memory.
    """

    def __init__(
        self, folder: RunFolder, standing: Standing, claims: list[Claim], *, any_recorded: bool = True
    ) -> None:
        """`claims` are those in doubt; without `any_recorded` the ledger has no other message to tell of."""
        self._folder, self._standing, self.claims = folder, standing, claims
        self._any_recorded = any_recorded
        self._kept: list[_Source] | None = None

    def __iter__(self) -> Iterator[FailureRow]:
        return map(_row, self.sources())

    def sources(self) -> Iterator[_Source]:
        """What the rows are made from."""
        if self._kept is not None:
            return iter(self._kept)
        sources = self._read()
        first = list(islice(sources, _MOST_SORTED + 1))
        if len(first) > _MOST_SORTED:
            return chain(first, sources)
        first.sort(key=_position)
        self._kept = first
        return iter(first)

    def _read(self) -> Iterator[_Source]:
        for place, record in ledger.records(self._folder.ledger) if self._any_recorded else ():
            if record.mark in _TOLD and self._standing.is_latest(place, record):
                yield record._replace(payload="")
        yield from self.claims
        yield from ledger.invalid_rows(self._folder.ledger)


def _noted(
    folder: RunFolder, card: RunCard | None, *, live: bool, visit: RecordVisitor | None = None
) -> tuple[Standing, list[Claim]]:
    """How each message stands, and the claims that are in doubt.

    Claims of a live process are its own business: what was before them counts.
    """
    standing = standing_for(card)
    claims = ledger.review(folder.ledger, standing.note if visit is None else both(standing.note, visit))
    if live:
        return standing, []
    for claim in claims:
        standing.note_claim(claim)
    return standing, claims


def _position(source: _Source) -> tuple[int, int]:
    found = source.message if isinstance(source, Claim) else source
    return found.line, found.row


def _row(source: _Source) -> FailureRow:
    match source:
        case Record():
            return _row_of(source)
        case Claim():
            return _row_of_claim(source)
        case Invalid():
            return _row_of_wrong(source)


def _row_of_claim(claim: Claim) -> FailureRow:
    known = info("timeout")
    return FailureRow(
        State.IN_DOUBT.value,
        claim.message.line,
        "timeout",
        str(known.meaning),
        str(known.advice),
        claim.attempts,
        claim.made.wall,
        _values(claim.message.fields),
    )


def _row_of(record: Record) -> FailureRow:
    state = record.mark.state.value
    known = info_of(record.code, state)
    return FailureRow(
        state,
        record.line,
        record.code,
        worded(known, record.detail),
        str(known.advice),
        record.attempts,
        float(record.at),
        _values(record.fields),
    )


def _row_of_wrong(wrong: Invalid) -> FailureRow:
    known = info(wrong.code)
    return FailureRow(
        State.FAILED.value,
        wrong.line,
        wrong.code,
        wrong.detail,
        str(known.advice),
        0,
        wrong.at,
        _values(wrong.fields),
    )


def _values(fields: str) -> dict[str, Any]:
    values = json.loads(fields) if fields else {}
    return values if isinstance(values, dict) else {}
