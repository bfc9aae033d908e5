"""What a run's ledger says when the sending is over: counts, causes, and the files of what went wrong."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wxpush.app.codes import Cause
from wxpush.channels.wechat.errcodes import info
from wxpush.delivery import ledger
from wxpush.delivery.identity import hash64
from wxpush.delivery.records import Invalid, Mark, Record
from wxpush.delivery.run import RunCard, RunFolder
from wxpush.delivery.standing import ByKey, ByRow, Standing
from wxpush.model import CodeClass, State
from wxpush.report.failures import FailureRow, write_csv, write_jsonl

_TOLD = frozenset({Mark.FAILED, Mark.HELD, Mark.IN_DOUBT})


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
    standing: Standing


def look_back(folder: RunFolder, card: RunCard | None) -> Aftermath:
    """Read the whole ledger, also while a process is writing it. Raises DamagedStateError."""
    standing = standing_for(card)
    for place, record in ledger.records(folder.ledger):
        standing.note(place, record)
    for claim in ledger.open_claims(folder.ledger):
        standing.note_claim(claim)
    states: Counter[str] = Counter()
    for mark, count in standing.counts().items():
        states[mark.state.value] += count
    causes: Counter[Cause] = Counter()
    told = states[State.FAILED] + states[State.HELD] + states[State.IN_DOUBT]
    for row in _failing(folder, standing) if told else ():
        causes[row.mark.state.value, row.code, row.cls] += 1
    for wrong in ledger.invalid_rows(folder.ledger):
        causes[State.FAILED.value, wrong.code, CodeClass.MESSAGE] += 1
        states[State.FAILED] += 1
    recorded = sum(count for (state, _code, _cls), count in causes.items() if state == State.IN_DOUBT)
    if unsettled := states[State.IN_DOUBT] - recorded:
        causes[State.IN_DOUBT.value, "timeout", CodeClass.TRANSIENT] += unsettled
    return Aftermath(states, causes, standing)


def write_failures(folder: RunFolder, aftermath: Aftermath, wanted: Path) -> Path | None:
    """Write the spreadsheet and the exact record of what failed, is held or in doubt; None if nothing did."""

    def rows() -> Iterator[FailureRow]:
        return failure_rows(folder, aftermath.standing)

    write_jsonl(rows(), folder.failures)
    return write_csv(rows, wanted, fallback=folder.path)


def failure_rows(folder: RunFolder, standing: Standing) -> Iterator[FailureRow]:
    """Every message that failed, is held or in doubt, in the order in which that was learnt."""
    for record in _failing(folder, standing):
        yield _row_of(record)
    for claim in ledger.open_claims(folder.ledger):
        known = info("timeout")
        yield FailureRow(
            State.IN_DOUBT.value,
            claim.message.line,
            "timeout",
            str(known.meaning),
            str(known.advice),
            claim.attempts,
            claim.made.wall,
            _values(claim.message.fields),
        )
    for wrong in ledger.invalid_rows(folder.ledger):
        yield _row_of_wrong(wrong)


def _failing(folder: RunFolder, standing: Standing) -> Iterator[Record]:
    for place, record in ledger.records(folder.ledger):
        if record.mark in _TOLD and standing.is_latest(place, record):
            yield record


def _row_of(record: Record) -> FailureRow:
    known = info(record.code)
    meaning = str(known.meaning)
    if record.detail and record.detail not in meaning:
        meaning = f"{meaning} ({record.detail})"
    return FailureRow(
        record.mark.state.value,
        record.line,
        record.code,
        meaning,
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


def failures_of(folder: RunFolder) -> Iterator[FailureRow]:
    """Every message of a run that failed, is held or in doubt, also while it is being sent."""
    standing = standing_for(folder.card())
    for place, record in ledger.records(folder.ledger):
        standing.note(place, record)
    for claim in ledger.open_claims(folder.ledger):
        standing.note_claim(claim)
    return failure_rows(folder, standing)
