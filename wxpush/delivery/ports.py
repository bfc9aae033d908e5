"""What the engine needs of the world: a channel to send through, and somebody to tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from wxpush.delivery.flight import Flight
    from wxpush.delivery.records import Claim, Record
    from wxpush.model import Answered, Event, State


class Channel(Protocol):
    """Sends payloads; owns all concurrency. Every method but `close` returns quickly."""

    def free(self) -> int:
        """How many submissions would start on their way at once: 0 while no token or no worker is free."""

    def submit(self, ticket: int, payload: str, client_msg_id: str) -> None:
        """Start sending; exactly one `Answered` with this ticket follows, at most the deadline later."""

    def replies(self, timeout: float) -> list[Event]:
        """What has happened since the last call; waits up to `timeout` seconds for the first event.

        Returns early, and empty, when `wake` is called or when `free` has become positive.
        """

    def wake(self) -> None:
        """Let a waiting `replies` return; safe from a signal handler and from other threads."""

    def read_quota(self) -> None:
        """Start reading the daily quota; one `QuotaRead` follows."""

    def close(self) -> None:
        """Let go of connections and threads; calls under way are abandoned."""


class Why(Enum):
    """Why nothing is being sent just now."""

    HOURS = "hours"
    QUOTA = "quota"
    THROTTLE = "throttle"
    OUTAGE = "outage"
    TOKEN = "token"  # the reason, not a secret
    RETRY = "retry"
    RECEIPTS = "receipts"


CLOSED: Final = frozenset({Why.HOURS, Why.QUOTA, Why.RECEIPTS})
"""Waits that are no part of the sending: nothing is tried meanwhile."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A wait worth telling of, with the moment at which it goes on where that is known."""

    why: Why
    until: datetime | None = None
    detail: str = ""


class Notice(Enum):
    """Something that the operator should know, though it goes on."""

    QUOTA_UNREADABLE = "quota_unreadable"
    SLOWED_DOWN = "slowed_down"
    MANY_HELD = "many_held"
    STOPPING = "stopping"
    TOKEN_TROUBLE = "token_trouble"  # the reason, not a secret


@dataclass(slots=True)
class Progress:
    """This process's counts so far. `retrying` and `flying` are messages that aren't decided yet.

    `seconds` is how long it has been sending: the waits of CLOSED, in which nothing was to be sent, aside.
    """

    attempts: int = 0
    accepted: int = 0
    failed: int = 0
    held: int = 0
    in_doubt: int = 0
    retrying: int = 0
    flying: int = 0
    seconds: float = 0.0

    @property
    def finished(self) -> int:
        """Messages with an outcome."""
        return self.accepted + self.failed + self.held + self.in_doubt

    @property
    def rate(self) -> float:
        """Messages with an outcome in a second of sending: the one rate that everybody is told."""
        return self.finished / self.seconds if self.seconds > 0 else 0.0


class Listener(Protocol):
    """Is told how the sending goes. Called from the engine's loop: it must be quick."""

    def progress(self, progress: Progress) -> None:
        """The counts have changed; at most ten times a second, and once at the end."""

    def waiting(self, waiting: Waiting | None) -> None:
        """Nothing can be sent for a while, or (None) it goes on."""

    def notice(self, notice: Notice, detail: str) -> None:
        """Something to say aloud."""


class Witness(Protocol):
    """Is told of every call, for statistics and logs. Called from the engine's loop: quick, raising nothing.

    `at` is Unix time in seconds.
    """

    def accepted(self, flights: Sequence[Flight], answers: Sequence[Answered], at: float) -> None:
        """Calls whose message was accepted; `answers[n]` is that to `flights[n]`."""

    def judged(self, flight: Flight, answer: Answered, state: State | None, at: float) -> None:
        """A call that was answered otherwise, or not; `state` is how the message ends, None if it goes on."""

    def committed(self, records: Sequence[Record], claims: Sequence[Claim]) -> None:
        """What the ledger holds from now on."""


class Observer(Witness, Listener, Protocol):
    """Is told of everything."""
