"""Every message of a run, one after another, in memory that doesn't grow with their number."""

from collections.abc import Iterator

from wxpush.app.aftermath import messages_of
from wxpush.app.request import Surroundings
from wxpush.delivery.records import Claim, Invalid, Record
from wxpush.delivery.run import RunFolder
from wxpush.model import State
from wxpush.report.messages import MessageRow


def listing(folder: RunFolder, around: Surroundings) -> Iterator[MessageRow]:
    """Every message that the ledger knows, and the wrong rows of the latest list."""

    def time(wall: float) -> str:
        return around.at(wall).isoformat(timespec="seconds")

    for source in messages_of(folder):
        match source:
            case Record():
                yield MessageRow(
                    source.mark.state.value, source.code, source.msgid, source.attempts, time(source.at),
                    source.key, source.to, source.line,
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
