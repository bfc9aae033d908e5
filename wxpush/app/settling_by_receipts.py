"""What is in doubt or held, settled by the receipts of its account: a receipt proves that WeChat took it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wxpush.app.delivered import receipts_folder
from wxpush.app.doubtful import RECEIPT
from wxpush.app.known_runs import all_runs
from wxpush.app.proven import ledger_changed, of_no_other
from wxpush.app.stocktaking import edited_failures, take_stock
from wxpush.app.surroundings import Surroundings
from wxpush.app.suspects import RunSuspects
from wxpush.config import Account
from wxpush.delivery import ledger as ledgers
from wxpush.delivery.fates import Fates, Unowned
from wxpush.delivery.identity import hash64
from wxpush.delivery.ledger import Ledger, Place, RecordVisitor
from wxpush.delivery.receipts import any_receipts, receipts
from wxpush.delivery.records import Claim, Mark, Record
from wxpush.delivery.run import RunCard, RunFolder, refuse_older_ledger
from wxpush.errors import LockedError, WxpushError
from wxpush.i18n import _, ngettext
from wxpush.model import CodeClass

_AT_ONCE: Final = 10_000
_MINUTE_S: Final = 60


@dataclass(frozen=True, slots=True)
class Settled:
    """How many messages receipts have settled: all are accepted, `undelivered` of them weren't delivered."""

    delivered: int = 0
    undelivered: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.delivered + self.undelivered


NOTHING: Final = Settled()


def told(settled: Settled) -> list[str]:
    """What was settled, in the language in force."""
    if not settled.total:
        return []
    text = ngettext(
        "{count} message that was in doubt or held has its receipt: it was accepted.",
        "{count} messages that were in doubt or held have their receipts: they were accepted.",
        settled.total,
    )
    return [text.format(count=f"{settled.total:,}")]


def settle(
    book: Ledger,
    folder: RunFolder,
    card: RunCard,
    around: Surroundings,
    *,
    log: Path | None = None,
    fates: Fates | None = None,
    follow: RecordVisitor | None = None,
) -> Settled:
    """Settle what the account's receipts prove of the run whose open ledger `book` is; durable on return.

    What is in doubt, held, claimed by a process that is gone, or to be sent again by somebody's decision
    becomes accepted where a receipt can be no other message's, of any run of the account. `log` is where the
    receipts are, `fates` what was read of it; `follow` is shown the new records.
    Raises StateError where a ledger of the account can't be read, StorageError.
    """
    return _written(book, _proven(folder, card, around, log, fates), follow)


def settle_and_tell(
    book: Ledger,
    folder: RunFolder,
    card: RunCard,
    around: Surroundings,
    log: Path,
    *,
    follow: RecordVisitor | None = None,
) -> list[str]:
    """The same before or after a sending: what was settled, or why nothing could be.

    Raises StorageError where what is proven can't be written; another run that can't be read is no reason
    not to send.
    """
    try:
        found = _proven(folder, card, around, log, None)
    except WxpushError as error:
        return [_("The receipts settled nothing: {reason}").format(reason=error)]
    return told(_written(book, found, follow))


@dataclass(frozen=True, slots=True)
class KnownSettled:
    """The runs of an account in which something was settled; `all_seen` unless another process held one."""

    runs: Sequence[tuple[RunCard, Settled]] = ()
    all_seen: bool = True


def settle_known_runs(
    account: Account, around: Surroundings, is_over: Callable[[], bool] = lambda: False
) -> KnownSettled:
    """Settle what new receipts of `account` prove, in every run of it that no process holds.

    Reads the receipts only where something is in doubt, held or left by a killed process, and takes the lock
    of a run only where something is proven; ends between two runs once `is_over`. Raises StateError where
    a ledger can't be read, StorageError.
    """
    done: list[tuple[RunCard, Settled]] = []
    fates: Fates | None = None
    all_seen = True
    for path, card in all_runs(around, Path.cwd()).cards.items():
        if is_over():
            return KnownSettled(done, all_seen=False)
        is_theirs = (card.origin, card.appid) == (account.origin, account.appid)
        folder = RunFolder(path)
        if not is_theirs or not _may_wait(folder, card):
            continue
        if fates is None:
            log = receipts_folder(card, around)
            if not any_receipts(log):
                break
            fates = Fates(receipts(log))
        if not _proven(folder, card, around, None, fates):
            continue
        try:
            settled = _settle_unheld(folder, around, fates)
        except LockedError:
            all_seen = False
            continue
        if settled.total:
            done.append((card, settled))
    return KnownSettled(done, all_seen)


def _settle_unheld(folder: RunFolder, around: Surroundings, fates: Fates) -> Settled:
    accepted = 0

    def count(_place: Place, record: Record) -> None:
        nonlocal accepted
        accepted += record.mark is Mark.ACCEPTED

    with folder.locked():
        card = folder.card()
        if card is None:
            return NOTHING
        with closing(Ledger(folder.ledger, card.id, count, may_be_new=False)) as book:
            refuse_older_ledger(card, accepted, folder.ledger)
            settled = settle(book, folder, card, around, fates=fates)
        if settled.total:
            state, keep = str(card.call.get("state", "interrupted")), edited_failures(folder, card)
            take_stock(folder, card, around, state=state, keep=keep)
        return settled


_Proof = tuple[Record, bool]
"""The record that a receipt makes, and whether the message was delivered."""


def _proven(
    folder: RunFolder, card: RunCard, around: Surroundings, log: Path | None, fates: Fates | None
) -> list[_Proof]:
    """What receipts prove of a run; read without a lock. Raises StateError, StorageError."""
    log = log or receipts_folder(card, around)
    if fates is None:
        if not any_receipts(log):
            return []
        # The receipts before the ledgers: what a receipt tells of has been claimed by then.
        fates = Fates(receipts(log))
    own = RunSuspects(folder, card, fates)
    waiting = own.unsettled()
    if not waiting:
        return []
    proven = of_no_other(own, waiting, folder, card, around, fates)
    return [
        (_record(before, receipt), receipt.fate.is_delivered)
        for before, receipt in _found(own, folder, proven)
    ]


def _written(book: Ledger, proofs: Sequence[_Proof], follow: RecordVisitor | None) -> Settled:
    if follow is not None:
        book.follow(follow)
    for begin in range(0, len(proofs), _AT_ONCE):
        book.commit([record for record, _is_delivered in proofs[begin : begin + _AT_ONCE]])
    if follow is not None:
        book.unfollow()
    delivered = sum(is_delivered for _record, is_delivered in proofs)
    return Settled(delivered, len(proofs) - delivered)


def _may_wait(folder: RunFolder, card: RunCard) -> bool:
    """Whether something of a run may be open, as its card and its claims tell.

    A ledger that was changed a minute after its card tells more than the card: its writer was killed.
    """
    call = card.call
    if not call or call.get("in_doubt") or call.get("held"):
        return True
    return ledger_changed(folder) > card.updated + _MINUTE_S or ledgers.any_claims(folder.ledger)


def _found(
    own: RunSuspects, folder: RunFolder, proven: dict[str, Unowned]
) -> Iterator[tuple[Record | Claim, Unowned]]:
    """What is known so far of each message that is proven and not settled yet, with its receipt."""
    waiting = {key: place for key, place in own.unsettled().items() if key in proven}
    places = {place for place in waiting.values() if place is not None}
    for key, place in waiting.items():
        if place is None:
            yield own.claims[key], proven[key]
    for place, record in ledgers.records(folder.ledger) if places else ():
        if place in places:
            yield record, proven[record.key]


def _record(before: Record | Claim, receipt: Unowned) -> Record:
    """The record that a receipt makes."""
    if isinstance(before, Record):
        known = before._replace(detail="", payload="", fields="")
    else:
        message = before.message
        known = Record(
            key=message.key,
            to=message.to,
            row=message.row,
            line=message.line,
            mark=Mark.IN_DOUBT,
            epoch=message.epoch,
            payload_hash=f"{hash64(message.payload):016x}",
            code="",
            cls=CodeClass.UNKNOWN,
            msgid=None,
            attempts=before.attempts,
            at=0,
        )
    msgid, at = receipt.msgid or None, receipt.fate.at
    return known._replace(mark=Mark.ACCEPTED, code=RECEIPT, cls=CodeClass.UNKNOWN, msgid=msgid, at=at)
