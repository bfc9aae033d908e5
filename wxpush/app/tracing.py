"""`trace`: everything that is known of one message or person, over all runs, in the order of time."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from wxpush.app.delivered import delivery_of, is_key_alone, receipts_folder
from wxpush.app.doubtful import RECEIPT, SETTLED
from wxpush.app.known_runs import KnownRuns
from wxpush.app.suppressing import FOLDER as SUPPRESSIONS
from wxpush.app.surroundings import Surroundings
from wxpush.app.traced import SKIPPED, SUPPRESSED, Event, Trace
from wxpush.app.traced_rows import MOST, Rows, rows_of, values_of
from wxpush.channels.wechat.addresses import USUAL_OPENID
from wxpush.clock import BEIJING
from wxpush.config import Account, load_accounts
from wxpush.delivery import ledger
from wxpush.delivery.leftout import LeftOut
from wxpush.delivery.receipts import receipts
from wxpush.delivery.records import Claim, Invalid, Mark, Record
from wxpush.delivery.run import RunCard, RunFolder
from wxpush.delivery.screen import Reason
from wxpush.delivery.suppressions import OPERATOR, Entry, held_at, is_empty
from wxpush.errors import StateError, WxpushError
from wxpush.i18n import _
from wxpush.model import Receipt

#: A part of a key that is shorter fits too many.
_LEAST_PART: Final = 4
#: What JSON writes as it is.
_UNESCAPED: Final = re.compile(r'[^"\\\x00-\x1f\x7f\ud800-\udfff]+')
_KINDS: Final = {
    Mark.ACCEPTED: "accepted",
    Mark.FAILED: "failed",
    Mark.HELD: "held",
    Mark.IN_DOUBT: "in_doubt",
    Mark.RELEASED: "released",
    Mark.BUSY: "busy",
    Mark.SILENT: "unanswered",
}
_ACCEPTED: Final = frozenset({"accepted", "settled_delivered", "settled_by_receipt"})
_SETTLED: Final = {Mark.ACCEPTED: "settled_delivered", Mark.RELEASED: "settled_resend"}


@dataclass(frozen=True, slots=True)
class _Told:
    """What a run tells of what is looked for."""

    folder: RunFolder
    card: RunCard
    events: Sequence[Event]


@dataclass(slots=True)
class _Log:
    """Whose an account's receipts are, and the runs that they can be of; where its suppression list is."""

    account: str
    appid: str
    suppressions: Path
    told: list[_Told] = field(default_factory=list)


def trace(what: str, known: KnownRuns, around: Surroundings, *, anywhere: bool = True) -> Trace:
    """Look for an openid, a msgid, a key or a part of one, or any value of a row, in all runs of `known`.

    With `anywhere` also in the receipts of accounts that have no run.
    """
    found = Trace(remarks=[str(fault) for fault in known.faults])
    wanted = _Wanted(what.strip())
    logs: dict[Path, _Log] = {}
    # Ledgers tell whole seconds: of the same one, the run that was begun first comes first.
    for path, card in sorted(known.cards.items(), key=lambda item: item[1].created):
        people = around.directories.account_path(card.origin, card.appid) / SUPPRESSIONS
        log = logs.setdefault(receipts_folder(card, around), _Log(card.account, card.appid, people))
        folder = RunFolder(path)
        try:
            events = _trace_run(wanted, folder, card, found, around)
        except WxpushError as error:
            found.remarks.append(str(error))
        else:
            found.events += events
            log.told.append(_Told(folder, card, events))
    for account in _accounts(around, found) if anywhere else ():
        place = around.directories.receipts_path(account.origin, account.appid)
        people = around.directories.account_path(account.origin, account.appid) / SUPPRESSIONS
        logs.setdefault(place, _Log(account.name, account.appid, people))
    for path, log in logs.items():
        try:
            found.events += _receipts(wanted, path, log, around)
            found.events += _suppressed(wanted, log, around)
        except WxpushError as error:
            found.remarks.append(str(error))
    found.events = _with_causes(sorted(found.events, key=lambda event: event.at))
    # A msgid is of one message, in one run.
    if found.listless and not any(event.msgid == wanted.msgid for event in found.events):
        found.remarks.append(
            _(
                "Lists that have changed or are not at hand, as those of a query, were not looked through "
                "(only messages that weren't accepted keep their columns): {runs}"
            ).format(runs=", ".join(found.listless))
        )
    return found


def _suppressed(wanted: "_Wanted", log: _Log, around: Surroundings) -> list[Event]:
    """Who of the people that it is about is on the account's suppression list now."""
    if is_empty(log.suppressions):
        return []
    people = {wanted.what, *(event.to for told in log.told for event in told.events if event.to)}
    return [
        Event(
            entry.since,
            SUPPRESSED,
            "",
            log.account,
            log.appid,
            to=entry.openid,
            code="" if entry.source == OPERATOR else entry.source,
            detail=entry.reason,
            until=entry.until,
        )
        for entry in held_at(log.suppressions, people, around.clock.wall()).values()
    ]


def _with_causes(events: list[Event]) -> list[Event]:
    """The same events in order; a skip for too many messages names the one before it, where that is known."""
    latest: dict[tuple[str, str], Event] = {}
    told = []
    for event in events:
        if event.kind in _ACCEPTED and event.to:
            latest[event.appid, event.to] = event
        before = latest.get((event.appid, event.to))
        if event.kind == SKIPPED and event.code == Reason.FREQUENCY and event.at and before is not None:
            event = replace(event, detail=_had(before))
        told.append(event)
    return told


def _had(event: Event) -> str:
    """Which message somebody had."""
    moment = f"{datetime.fromtimestamp(event.at, BEIJING):%Y-%m-%d %H:%M:%S} +08:00"
    if event.msgid:
        return _('at {moment} of the run "{run}", msgid {msgid}').format(
            moment=moment, run=event.run, msgid=event.msgid
        )
    return _('at {moment} of the run "{run}"').format(moment=moment, run=event.run)


def _accounts(around: Surroundings, found: Trace) -> Sequence[Account]:
    """Those that the operator has set up; what is wrong with them is told to `found`."""
    try:
        return load_accounts(around.environ)
    except WxpushError as error:
        found.remarks.append(str(error))
        return []


class _Wanted:
    """What is looked for, and where it fits."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.msgid = int(what) if what.isascii() and what.isdecimal() and len(what) <= 20 else -1

    def fits(self, record: Record) -> bool:
        """Whether a record is of the message, or of the person."""
        return (
            record.to == self.what
            or self.is_in_key(record.key)
            or record.msgid == self.msgid
            or self.is_in_row(record.fields)
        )

    def is_in_key(self, key: str) -> bool:
        """Whether it is the key or a good part of it."""
        return key == self.what or (len(self.what) >= _LEAST_PART and self.what in key)

    def is_in_row(self, fields: str) -> bool:
        """Whether a row, as JSON text, has it as a value."""
        return bool(fields) and self.what in values_of(json.loads(fields))

    @property
    def in_json(self) -> str:
        """What a block of a ledger holds if it is in there; empty where that can't be said."""
        return self.what if _UNESCAPED.fullmatch(self.what) else ""


def _trace_run(
    wanted: _Wanted, folder: RunFolder, card: RunCard, found: Trace, around: Surroundings
) -> list[Event]:
    """All that a run tells; what is missing is told to `found`."""
    rows, is_there = rows_of(wanted.what, folder, card, found.remarks)
    by_row, values = len(card.lists) <= 1, rows.values
    near = "" if rows.lines else wanted.in_json

    def fits(record: Record) -> bool:
        listed = record.row in rows.lines if by_row else record.to in values
        return (bool(rows.lines) and listed) or wanted.fits(record)

    keys: set[str] = set()
    for _place, record in ledger.records_near(folder.ledger, near):
        if record.key not in keys and fits(record):
            keys.add(record.key)
            if len(keys) >= MOST:
                found.remarks.append(_too_many(card))
                break
    claims = [
        claim
        for claim in ledger.open_claims(folder.ledger)
        if claim.message.key in keys
        or claim.message.to == wanted.what
        or wanted.is_in_key(claim.message.key)
        or wanted.is_in_row(claim.message.fields)
    ]
    wrong = [row for row in ledger.invalid_rows(folder.ledger) if wanted.is_in_row(row.fields)]
    events = [*_events(folder, card, keys), *_open(claims, card), *_wrong(wrong, card)]
    events += _left_out(rows, folder, card, around)
    told = {event.line for event in events}
    events += [
        Event(card.created, "listed", card.name, card.account, card.appid, line=line)
        for line in rows.lines.values()
        if line not in told
    ]
    if not is_there and not events:
        found.listless.append(card.name)
    return events


def _events(folder: RunFolder, card: RunCard, keys: set[str]) -> Iterator[Event]:
    """All that the ledger tells of these messages."""
    if not keys:
        return
    (one, *others) = keys
    near = _Wanted(one).in_json if not others else ""
    for _place, record in ledger.records_near(folder.ledger, near):
        if record.key in keys:
            yield Event(
                float(record.at), _kind(record), card.name, card.account, card.appid, record.key, record.to,
                record.line, record.code, record.msgid, record.attempts, record.detail,
            )  # fmt: skip


def _kind(record: Record) -> str:
    if record.code == SETTLED:
        return _SETTLED.get(record.mark, _KINDS[record.mark])
    return "settled_by_receipt" if record.code == RECEIPT else _KINDS[record.mark]


def _open(claims: Iterable[Claim], card: RunCard) -> Iterator[Event]:
    for claim in claims:
        message = claim.message
        yield Event(
            claim.made.wall, "claimed", card.name, card.account, card.appid, message.key, message.to,
            message.line, attempts=claim.attempts,
        )  # fmt: skip


def _wrong(rows: Iterable[Invalid], card: RunCard) -> Iterator[Event]:
    for row in rows:
        yield Event(
            row.at, "wrong_row", card.name, card.account, card.appid, line=row.line, code=row.code,
            detail=row.detail,
        )  # fmt: skip


def _left_out(rows: Rows, folder: RunFolder, card: RunCard, around: Surroundings) -> list[Event]:
    """Which of the rows were left out, and why, as the latest call that went through the list decided."""
    known = LeftOut.read(folder.left_out) if rows.lines else None
    if known is None or known.of != card.lists[-1]:
        return []
    events = []
    for line in rows.lines.values():
        if reason := known.reason(line):
            at, values = known.moment(line), rows.by_line[line]
            entry = None
            if reason == Reason.SUPPRESSED:
                entry = _suppressed_then(values, min(at + 1, known.at) if at else known.at, card, around)
            events.append(
                Event(
                    float(at),
                    SKIPPED,
                    card.name,
                    card.account,
                    card.appid,
                    to=entry.openid if entry is not None else _person_of(values),
                    line=line,
                    code=reason,
                    detail=_because(entry) if entry is not None else _chosen_by(reason, card),
                )
            )
    return events


def _person_of(values: frozenset[str]) -> str:
    """Whom a row is about, where it has one openid; empty where that can't be said."""
    people = [value for value in values if USUAL_OPENID.fullmatch(value)]
    return people[0] if len(people) == 1 else ""


def _suppressed_then(values: frozenset[str], at: float, card: RunCard, around: Surroundings) -> Entry | None:
    """Who of a row was on the suppression list at that moment."""
    folder = around.directories.account_path(card.origin, card.appid) / SUPPRESSIONS
    if is_empty(folder):
        return None
    return next(iter(held_at(folder, values, at).values()), None)


def _because(entry: Entry) -> str:
    """Since when, and why, somebody is on the suppression list."""
    since = f"{datetime.fromtimestamp(entry.since, BEIJING):%Y-%m-%d %H:%M:%S} +08:00"
    why = entry.reason
    if entry.source != OPERATOR:
        why = f"{entry.source} {entry.reason}".strip()
    if not why:
        return _("since {moment}").format(moment=since)
    return _("since {moment}, because: {reason}").format(moment=since, reason=why)


def _chosen_by(reason: str, card: RunCard) -> str:
    """The options that left a row out, as they were typed."""
    option = {"where": "--where", "excluded": "--exclude", "no_match": "--join"}.get(reason)
    pairs = zip(card.options, card.options[1:], strict=False)
    return ", ".join(f"{name} {value}" for name, value in pairs if name == option)


def _receipts(wanted: _Wanted, path: Path, log: _Log, around: Surroundings) -> list[Event]:
    """The receipts of an account that are about what is looked for, each once."""
    own = [event for told in log.told for event in told.events]
    by_msgid = {event.msgid: event for event in own if event.msgid}
    people = {event.to for event in own if event.to}

    def named(receipt: Receipt) -> Event | None:
        event = by_msgid.get(receipt.msgid)
        fits = event is not None and (event.to == receipt.to or is_key_alone(event.key, event.to))
        return event if fits else None

    found: dict[tuple[int, str, str, int], tuple[Receipt, bool]] = {}
    for receipt in receipts(path):
        asked = wanted.what == receipt.to or wanted.msgid == receipt.msgid > 0
        if asked or receipt.to in people or named(receipt):
            found.setdefault(receipt[:4], (receipt, asked or not receipt.msgid))
    unnamed = any(receipt.to in people and not named(receipt) for receipt, _told in found.values())
    joined = _joined(log, around) if unnamed else {}
    events = []
    for receipt, told in found.values():
        event = named(receipt) or joined.get((receipt.to, receipt.status, receipt.at))
        if event is not None and event.msgid and receipt.msgid not in (0, event.msgid):
            event = None  # another system's message to the same person
        if told or event is not None:
            events.append(_receipt(receipt, event, log))
    return events


def _joined(log: _Log, around: Surroundings) -> dict[tuple[str, str, int], Event]:
    """Whose receipts are those that say it by person and time alone: person, status, time; the acceptance."""
    found: dict[tuple[str, str, int], Event] = {}
    for told in log.told:
        accepted = {event.key: event for event in told.events if event.kind in _ACCEPTED}
        if not accepted:
            continue
        with suppress(StateError):  # what can't be read was told where the run was looked through
            for record, receipt in delivery_of(told.folder, told.card, around) or ():
                if receipt is not None and record.key in accepted:
                    found.setdefault((receipt.to, receipt.status, receipt.at), accepted[record.key])
    return found


def _receipt(receipt: Receipt, event: Event | None, log: _Log) -> Event:
    run, key, line = (event.run, event.key, event.line) if event is not None else ("", "", 0)
    account = event.account if event is not None else log.account
    return Event(
        float(receipt.at), "receipt", run, account, log.appid, key, receipt.to, line,
        msgid=receipt.msgid or None, detail=receipt.status,
    )  # fmt: skip


def _too_many(card: RunCard) -> str:
    return _('More than {count} messages of the run "{run}" fit; the others are left out.').format(
        count=MOST, run=card.name
    )
