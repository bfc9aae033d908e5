"""A message in doubt: what is known of it, and what the operator's decision makes of it in the ledger."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from wxpush.channels.wechat.errcodes import info
from wxpush.clock import age
from wxpush.delivery.identity import hash64
from wxpush.delivery.policy import DEDUPE_WINDOW_S
from wxpush.delivery.records import Claim, Mark, Record
from wxpush.i18n import _
from wxpush.model import CodeClass, Message
from wxpush.report.failures import OWN_PREFIX

if TYPE_CHECKING:
    from wxpush.app.surroundings import Surroundings

#: The code of a record that an operator's decision has made.
SETTLED: Final = "settled"
#: The code of a record that a receipt has made; its time is the receipt's.
RECEIPT: Final = "receipt"
#: How messages may stand that a receipt settles; of the released ones, those that somebody decided about.
SETTLED_BY_RECEIPT: Final = frozenset({Mark.IN_DOUBT, Mark.HELD, Mark.SILENT, Mark.BUSY, Mark.RELEASED})


class Decision(StrEnum):
    """What the operator knows or wants of a message in doubt."""

    DELIVERED = "delivered"
    """The person got it: accepted, and never sent again."""
    RESEND = "resend"
    """Pending with the next epoch: the next `send` sends it under a fresh id, and some may get two."""


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A message that WeChat may have got without that its answer was recorded.

    `code` is what its last attempt met, `since` the moment at which it was given up; of a message whose
    sender was cut off `code` is empty, and `since` the moment of its claim. `in_window` while that claim is
    so young that the next start finds out by itself.
    """

    message: Message
    payload_hash: str
    attempts: int
    code: str
    since: datetime
    in_window: bool = False

    @classmethod
    def of_record(cls, record: Record, around: "Surroundings") -> "Doubtful":
        """A message whose claim has ended."""
        return cls(record.message(), record.payload_hash, record.attempts, record.code, around.at(record.at))

    @classmethod
    def of_claim(cls, claim: Claim, around: "Surroundings") -> "Doubtful":
        """A message whose claim a process left open."""
        return cls(
            claim.message,
            f"{hash64(claim.message.payload):016x}",
            claim.attempts,
            "",
            around.at(claim.made.wall),
            in_window=in_window(claim, around),
        )

    @property
    def key(self) -> str:
        """What makes the message unique within its run."""
        return self.message.key

    @property
    def line(self) -> int:
        """Where in its list it stood."""
        return self.message.line

    @property
    def to(self) -> str:
        """Whom it was for."""
        return str(_object(self.message.payload).get("touser", ""))

    @property
    def texts(self) -> Sequence[str]:
        """The values of its keywords, as the person was to read them."""
        data = _object(self.message.payload).get("data", {})
        return [str(part.get("value", "")) for part in data.values()]

    @property
    def columns(self) -> Mapping[str, Any]:
        """The row's own columns."""
        return {
            name: value
            for name, value in _object(self.message.fields).items()
            if not name.startswith(OWN_PREFIX)
        }

    @property
    def cause(self) -> str:
        """What its last attempt met, in the language in force; empty where its sender was cut off."""
        if not self.code:
            return ""
        return _("{cause} ({detail})").format(cause=info(self.code).meaning, detail=self.code)

    def settled(self, decision: Decision, at: float) -> Record:
        """The record that carries out `decision`; `at` is Unix time."""
        again = decision is Decision.RESEND
        return Record(
            key=self.key,
            to=self.message.to,
            row=self.message.row,
            line=self.line,
            mark=Mark.RELEASED if again else Mark.ACCEPTED,
            epoch=self.message.epoch + again,
            payload_hash=self.payload_hash,
            code=SETTLED,
            cls=CodeClass.UNKNOWN,
            msgid=None,
            attempts=self.attempts,
            at=int(at),
        )


def in_window(claim: Claim, around: "Surroundings") -> bool:
    """Whether WeChat surely still knows the claim's id, so that the next start may ask it again."""
    return age(claim.made, around.clock.moment()) < DEDUPE_WINDOW_S


def _object(text: str) -> dict[str, Any]:
    value = json.loads(text) if text else {}
    return value if isinstance(value, dict) else {}
