"""Every message of a run, one after another, in memory that doesn't grow with their number."""

from collections.abc import Callable, Iterator
from functools import lru_cache

from wxpush.app.aftermath import UNDECIDED, messages_of
from wxpush.app.delivered import delivery_of
from wxpush.app.surroundings import Surroundings
from wxpush.delivery.records import Claim, Invalid, Mark, Record
from wxpush.delivery.run import RunFolder
from wxpush.model import Receipt, State
from wxpush.report.messages import MessageRow


def listing(folder: RunFolder, around: Surroundings) -> Iterator[MessageRow]:
    """Every message that the ledger knows, and the wrong rows of the latest list."""

    @lru_cache(maxsize=1024)  # many messages share a second
    def time(wall: float) -> str:
        return around.at(wall).isoformat(timespec="seconds")

    told, live = _receipts(folder, around), folder.live_pid() is not None
    for source in messages_of(folder):
        match source:
            case Record():
                receipt = told(source)
                yield MessageRow(
                    (State.PENDING if live and source.mark in UNDECIDED else source.mark.state).value,
                    source.code, source.msgid, source.attempts, time(source.at),
                    source.key, source.to, source.line,
                    receipt and receipt.status, receipt and time(receipt.at),
                )  # fmt: skip
            case Claim(message, made, attempts):
                yield MessageRow(
                    State.IN_DOUBT.value, "timeout", None, attempts, time(made.wall),
                    message.key, message.to, message.line,
                )  # fmt: skip
            case Invalid():
                yield MessageRow(
                    State.FAILED.value, source.code, None, 0, time(source.at), "", "", source.line
                )


def _receipts(folder: RunFolder, around: Surroundings) -> Callable[[Record], Receipt | None]:
    """What gives the receipt of an accepted record; they must be asked for in the order of the ledger."""
    card = folder.card()
    found = delivery_of(folder, card, around) if card is not None else None
    joined = iter(found or ())

    def receipt_of(record: Record) -> Receipt | None:
        if found is None or record.mark is not Mark.ACCEPTED:
            return None
        return next((receipt for other, receipt in joined if other.key == record.key), None)

    return receipt_of
