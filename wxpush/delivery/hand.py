"""The messages that the engine has in hand, by what they wait for."""

import heapq
import itertools
from collections import deque
from collections.abc import Iterator
from typing import Final

from wxpush.delivery.flight import Flight
from wxpush.model import Message

#: More than this many messages waiting for another try, and no new one is begun.
_MOST: Final = 2_000
#: So many may be put last; they wait for the end of the list, however long it is.
_MOST_LAST: Final = 20_000


class Hand:
    """Queues of flights. Only `staged`, `flying` and the ambiguous ones in `later` have claims.

    `front` goes before the list, `staged` is claimed and waits for a slot, `flying` waits for its answer.
    """

    def __init__(self) -> None:
        self.front: deque[Flight] = deque()
        self.staged: deque[Flight] = deque()
        self.flying: dict[int, Flight] = {}
        self._later: list[tuple[float, int, Flight]] = []
        self._last: deque[Flight] = deque()
        self._numbers = itertools.count()
        self._messages: Iterator[Message | None] = iter(())
        self._list_done = False
        self._ambiguous_later = 0

    @property
    def last_are_many(self) -> bool:
        """Whether no more messages can be put last."""
        return len(self._last) >= _MOST_LAST

    def fill_from(self, messages: Iterator[Message | None]) -> None:
        """Take new messages from here."""
        self._messages = messages

    @property
    def claimed(self) -> int:
        """Messages with a claim that no record has ended."""
        return len(self.staged) + len(self.flying) + self._ambiguous_later

    @property
    def retrying(self) -> int:
        """Messages that wait for another try."""
        return len(self._later) + len(self._last) + len(self.front)

    @property
    def wants_claim(self) -> bool:
        """Whether there may be a message to claim now."""
        return bool(self.front) or self._list_has_turn() or self._last_turn()

    def empty(self) -> bool:
        """Whether nothing is left to do."""
        return self._list_done and not (self.front or self.staged or self.flying or self._later or self._last)

    def only_retries(self) -> bool:
        """Whether everything left waits for the time of its next try."""
        return bool(self._later) and self._list_done and not (self.front or self.staged or self.flying)

    def next_unclaimed(self, number: int) -> list[Flight]:
        """Up to `number` messages to claim: those given back first, then the list, then the last ones."""
        flights: list[Flight] = []
        while len(flights) < number:
            if self.front:
                flights.append(self.front.popleft())
            elif self._list_has_turn():
                message = next(self._messages, _END)
                if message is None:
                    break
                if isinstance(message, Message):
                    flights.append(Flight(message))
                else:
                    self._list_done = True
            elif self._last_turn():
                flights.append(self._last.popleft())
            else:
                break
        return flights

    def fly(self, flight: Flight) -> int:
        """Note that a flight is on its way; returns its ticket."""
        ticket = next(self._numbers)
        self.flying[ticket] = flight
        return ticket

    def landed(self, ticket: int) -> Flight:
        """The flight that was answered."""
        return self.flying.pop(ticket)

    def later_at(self, due: float, flight: Flight) -> None:
        """Let a flight wait until `due` (monotonic seconds)."""
        self._ambiguous_later += flight.ambiguous
        heapq.heappush(self._later, (due, next(self._numbers), flight))

    def put_last(self, flight: Flight) -> None:
        """Let a flight wait until everybody else has had his turn."""
        flight.deferred = True
        self._last.append(flight)

    def wake_due(self, now: float, most: int) -> int:
        """Move up to `most` that are due: a claimed flight to the slots, another to the claims.

        Those that have been due longest go first; returns how many were moved.
        """
        woken = 0
        claimed: list[Flight] = []
        while woken < most and self._later and self._later[0][0] <= now:
            woken += 1
            flight = heapq.heappop(self._later)[2]
            self._ambiguous_later -= flight.ambiguous
            if flight.ambiguous:
                claimed.append(flight)
            else:
                self.front.append(flight)
        self.staged.extendleft(reversed(claimed))
        return woken

    def next_due(self) -> float:
        """When the next flight is due; infinite when none waits."""
        return self._later[0][0] if self._later else float("inf")

    def unstage(self) -> list[Flight]:
        """Take out what was claimed and never sent; what may have been sent stays for its next try."""
        fresh = [flight for flight in self.staged if not flight.ambiguous]
        self.staged = deque(flight for flight in self.staged if flight.ambiguous)
        return fresh

    def _list_has_turn(self) -> bool:
        return not self._list_done and len(self._later) + len(self.front) < _MOST

    def _last_turn(self) -> bool:
        """Whether it is the turn of those who were put last."""
        others = self.front or self.flying or self._later or self._list_has_turn()
        return bool(self._last) and not others


_END: Final = object()
