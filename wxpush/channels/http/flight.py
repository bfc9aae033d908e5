"""A flight: one call under way, how far it got, and the one moment at which it ends."""

import contextlib
import heapq
import itertools
import socket
import threading
from collections.abc import Callable
from enum import Enum, auto

from wxpush.model import Arrival

_SWEEP_FROM = 256


class FlightOverError(Exception):
    """The call has ended by its deadline: nothing of it may be sent any more."""


class _Phase(Enum):
    WAITING = auto()
    CONNECTING = auto()
    SENDING = auto()
    OVER = auto()


class Flight:
    """Follows one call from its start to its end, which comes once: by an answer, a failure or the deadline.

    What the deadline may say of the message hangs on the phase alone: before the first byte of the request
    the call never left, and it never will, since `leaving` raises once the flight is over.
    """

    def __init__(self, deadline: float, expired: Callable[[Arrival], None]) -> None:
        """`deadline` is a reading of the watchdog's clock; `expired` hears of an end by the deadline."""
        self.deadline = deadline
        self._expired = expired
        self._lock = threading.Lock()
        self._phase = _Phase.WAITING
        self._handle: socket.socket | None = None
        self._adopted: list[socket.socket] = []
        self.left = False
        """Whether a byte of the request was about to be sent."""
        self.boarded = False
        """Whether a thread works on it."""

    def board(self) -> bool:
        """Take it up; False when it is over already."""
        with self._lock:
            if self._phase is _Phase.OVER:
                return False
            self._phase = _Phase.CONNECTING
            self.boarded = True
            return True

    def connecting(self, handle: socket.socket) -> None:
        """A connection is being made, and `handle` can break it off. Raises FlightOverError."""
        with self._lock:
            self._refuse_over()
            self._handle = handle

    def leaving(self, handle: socket.socket | None) -> None:
        """The next thing is a byte of the request. Raises FlightOverError, and then none may be sent."""
        with self._lock:
            self._refuse_over()
            self._handle = handle
            self._phase = _Phase.SENDING
            self.left = True

    def adopt(self, handle: socket.socket) -> bool:
        """Keep a handle whose connection was closed while its answer is still read; False when over."""
        with self._lock:
            if self._phase is _Phase.OVER:
                return False
            self._adopted.append(handle)
            return True

    def finish(self) -> bool:
        """End it by an answer or a failure; False when the deadline was faster."""
        with self._lock:
            first = self._phase is not _Phase.OVER
            self._phase = _Phase.OVER
            self._handle = None
            adopted, self._adopted = self._adopted, []
        for handle in adopted:
            handle.close()
        return first

    @property
    def is_over(self) -> bool:
        """Whether its end has come."""
        return self._phase is _Phase.OVER

    def expire(self) -> None:
        """End it by the deadline: whatever waits on its socket wakes up."""
        with self._lock:
            if self._phase is _Phase.OVER:
                return
            arrival = Arrival.SILENT if self._phase is _Phase.SENDING else Arrival.NEVER_LEFT
            self._phase = _Phase.OVER
            for handle in filter(None, (self._handle, *self._adopted)):
                with contextlib.suppress(OSError):
                    handle.shutdown(socket.SHUT_RDWR)
            self._handle = None
        self._expired(arrival)

    def _refuse_over(self) -> None:
        if self._phase is _Phase.OVER:
            raise FlightOverError


class Watchdog:
    """Ends flights at their deadlines, from one thread that starts with the first of them."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._flights: list[tuple[float, int, Flight]] = []
        self._order = itertools.count()
        self._sweep_at = _SWEEP_FROM
        self._thread: threading.Thread | None = None
        self._closed = False

    def watch(self, flight: Flight) -> None:
        """See that `flight` is over at its deadline."""
        with self._changed:
            if len(self._flights) > self._sweep_at:
                self._sweep()
            heapq.heappush(self._flights, (flight.deadline, next(self._order), flight))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="wxpush-watchdog", daemon=True)
                self._thread.start()
            elif self._flights[0][2] is flight:
                self._changed.notify()

    def _sweep(self) -> None:
        """Let go of flights that are over: at a high rate thousands end before the deadline of the first."""
        self._flights = [entry for entry in self._flights if not entry[2].is_over]
        heapq.heapify(self._flights)
        self._sweep_at = 2 * len(self._flights) + _SWEEP_FROM

    def close(self) -> None:
        """End every flight now, and the thread."""
        with self._changed:
            self._closed = True
            flights, self._flights = self._flights, []
            self._changed.notify()
        for _deadline, _order, flight in flights:
            flight.expire()

    def _run(self) -> None:
        while (flight := self._next()) is not None:
            flight.expire()

    def _next(self) -> Flight | None:
        """The next flight whose deadline has come; None once closed."""
        with self._changed:
            while not self._closed:
                left = self._flights[0][0] - self._clock() if self._flights else None
                if left is not None and left <= 0:
                    return heapq.heappop(self._flights)[2]
                self._changed.wait(left)
            return None
