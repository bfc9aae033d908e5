"""A message on its way: what was claimed, and what its attempts have met."""

from dataclasses import dataclass

from wxpush.clock import Moment, age
from wxpush.delivery.identity import hash64
from wxpush.delivery.policy import DEDUPE_WINDOW_S, History
from wxpush.delivery.records import KEEPS_PAYLOAD, Claim, Mark, Record
from wxpush.model import Arrival, Message, Verdict, VerdictKind


@dataclass(slots=True)
class Flight:
    """A message that the engine has in hand; `made` is the moment of its claim while it has one.

    `orphan`: a process that is gone claimed it, and what it met there last nobody knows.
    """

    message: Message
    made: Moment | None = None
    attempts: int = 0
    refusals: int = 0
    repeats: int = 0
    unanswered: bool = False
    busy: bool = False
    orphan: bool = False
    refused: bool = False
    deferred: bool = False
    given_back: bool = False
    """Its claim was given back before it was ever sent; there may be days until the next one."""

    @classmethod
    def recovered(cls, claim: Claim) -> "Flight":
        """The flight of a claim that a process before this one left open."""
        return cls(
            claim.message,
            claim.made,
            claim.attempts,
            unanswered=claim.unanswered,
            busy=claim.busy,
            orphan=True,
        )

    @property
    def ambiguous(self) -> bool:
        """Whether an attempt may have been accepted; then the claim must stay as it is."""
        return self.unanswered or self.busy or self.orphan

    def outside_window(self, now: Moment) -> bool:
        """Whether the claim is too old for WeChat to recognise its id with certainty."""
        return self.made is not None and age(self.made, now) >= DEDUPE_WINDOW_S

    def history(self, now: Moment, *, deferred: bool = False) -> History:
        """What policy wants to know of it; `deferred` where it can't be put last any more."""
        passed = age(self.made, now) if self.made is not None else 0.0
        return History(
            attempts=self.attempts,
            refusals=self.refusals,
            repeats=self.repeats,
            unanswered=self.unanswered,
            busy=self.busy,
            orphan=self.orphan,
            refused=self.refused,
            deferred=self.deferred or deferred,
            age=passed,
        )

    def judged(self, verdict: Verdict) -> bool:
        """Take in what an attempt met; true when that is news for the ledger while the claim stays open."""
        before = self.unanswered, self.busy
        self.unanswered = self.unanswered or verdict.arrival is Arrival.SILENT
        self.busy = self.busy or verdict.arrival is Arrival.BUSY
        definite = verdict.arrival is Arrival.ANSWERED and not verdict.token_refused
        if definite and verdict.kind is VerdictKind.AGAIN:
            self.refused = True
            self.refusals += not verdict.recipient_last
        return before != (self.unanswered, self.busy)

    def next_epoch(self) -> None:
        """Let the next claim have a fresh id: the one so far was refused as somebody else's repeat."""
        self.message = self.message._replace(epoch=self.message.epoch + 1)
        self.repeats += 1

    def record(self, mark: Mark, verdict: Verdict, at: float) -> Record:
        """What the ledger is to remember."""
        message = self.message
        keep = mark in KEEPS_PAYLOAD
        return Record(
            key=message.key,
            to=message.to,
            row=message.row,
            line=message.line,
            mark=mark,
            epoch=message.epoch,
            payload_hash=f"{hash64(message.payload):016x}",
            code=verdict.code,
            cls=verdict.cls,
            msgid=verdict.msgid,
            attempts=self.attempts,
            at=int(at),
            detail=verdict.detail[:500],
            payload=message.payload if keep else "",
            fields=message.fields if keep else "",
        )
