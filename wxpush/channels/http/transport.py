"""How requests travel: a few threads of `requests`, and one deadline for all of a call."""

import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from wxpush.channels.http.flight import Flight, Watchdog
from wxpush.channels.http.reply import Reply
from wxpush.channels.http.wire import IDLE_SECONDS, Request, Wire
from wxpush.model import Arrival

Done = Callable[[Reply], None]


class Carrier(Protocol):
    """One thread's way to the API: makes one exchange at a time, as `Wire` does."""

    def exchange(self, request: Request, flight: Flight, timeout: float) -> Reply:
        """Send and read; asks `flight.leaving` before the first byte and never raises for the network."""

    def close(self) -> None:
        """Let go of the connections."""


class _Job:
    """A request with its flight and the one who waits for the reply."""

    __slots__ = ("done", "flight", "lost", "request", "returned", "started")

    def __init__(self, request: Request, done: Done, started: float) -> None:
        self.request = request
        self.done = done
        self.started = started
        self.flight: Flight
        self.returned = False
        """Its thread is through with it."""
        self.lost = False
        """Its thread hangs in a connect that can't be broken off, and was replaced."""


class Transport:
    """Up to `workers` calls at once, each over within `timeout` seconds, name lookup included.

    Threads start when they are needed. A thread that hangs past a deadline where nothing can wake it (in
    the system's name lookup) is replaced, as long as no more than `workers` hang.
    """

    def __init__(
        self,
        workers: int,
        timeout: float,
        *,
        proxy: str | None = None,
        ca_file: Path | None = None,
        on_free: Callable[[], None] = lambda: None,
        idle: float = IDLE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        make_wire: Callable[[], Carrier] | None = None,
    ) -> None:
        """`on_free` is told of a worker that becomes free without a reply at that moment; a connection that
        was not used for `idle` seconds is closed.

        `make_wire` gives each thread its connections, in place of those that go through `proxy` and
        trust `ca_file`.
        """
        self._workers = workers
        self._timeout = timeout
        self._make_wire = make_wire or (lambda: Wire(proxy, ca_file))
        self._on_free = on_free
        self._idle = idle
        self._clock = clock
        self._lock = threading.Lock()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._threads = 0
        self._lost = 0
        self._under_way = 0
        self._closed = False
        self._crash: Exception | None = None
        self._watchdog = Watchdog(clock)

    def free(self) -> int:
        """How many calls would start on their way at once; raises what a thread died of, if one did."""
        if self._crash is not None:
            raise self._crash
        return max(0, self._workers - self._under_way)

    def start(self, request: Request, done: Done, timeout: float | None = None) -> None:
        """Start a call; `done` hears its reply, once, from another thread, at most the timeout later."""
        now = self._clock()
        job = _Job(request, done, now)
        job.flight = Flight(now + (timeout or self._timeout), lambda arrival: self._expired(job, arrival))
        with self._lock:
            self._under_way += 1
            self._staff()
        self._watchdog.watch(job.flight)
        self._jobs.put(job)

    def call(self, request: Request, timeout: float | None = None) -> Reply:
        """Make a call and wait for its reply."""
        box: queue.SimpleQueue[Reply] = queue.SimpleQueue()
        self.start(request, box.put, timeout)
        return box.get()

    def close(self) -> None:
        """End the calls under way, as at their deadlines, and let the threads go."""
        with self._lock:
            self._closed = True
            threads = self._threads
        self._watchdog.close()
        for _thread in range(threads):
            self._jobs.put(None)

    def _staff(self) -> None:
        """Start a thread if calls are waiting for one; under the lock."""
        if not self._closed and self._threads < min(self._workers, self._under_way):
            self._threads += 1
            threading.Thread(target=self._work, name="wxpush-http", daemon=True).start()

    def _work(self) -> None:
        wire = self._make_wire()
        try:
            while (job := self._next(wire)) is not None:
                if job.flight.board() and not self._carry_out(wire, job):
                    return
        except Exception as error:
            self._crash = error  # a fault of ours, which the owner hears of from `free`
            self._on_free()
        finally:
            wire.close()

    def _next(self, wire: Carrier) -> _Job | None:
        try:
            return self._jobs.get(timeout=self._idle)
        except queue.Empty:
            wire.close()
            return self._jobs.get()

    def _carry_out(self, wire: Carrier, job: _Job) -> bool:
        """Make the call; False when this thread has been replaced meanwhile."""
        left = max(0.001, job.flight.deadline - self._clock())
        reply = wire.exchange(job.request, job.flight, left)
        in_time = job.flight.finish()
        with self._lock:
            job.returned = True
            if job.lost:
                self._lost -= 1
                return False
            self._under_way -= 1
        if in_time:
            job.done(self._timed(job, reply))
        else:
            self._on_free()
        return True

    def _expired(self, job: _Job, arrival: Arrival) -> None:
        """The deadline came first. The thread comes back by itself where its socket could be shut down."""
        with self._lock:
            if not job.flight.boarded:
                self._under_way -= 1
            elif arrival is Arrival.NEVER_LEFT and not job.returned and self._lost < self._workers:
                job.lost = True
                self._lost += 1
                self._threads -= 1
                self._under_way -= 1
                self._staff()
        if arrival is Arrival.SILENT:
            reply = Reply(arrival, failure="timeout")
        else:
            reply = Reply(arrival, failure="network", detail="no connection in time")
        job.done(self._timed(job, reply))

    def _timed(self, job: _Job, reply: Reply) -> Reply:
        return reply._replace(seconds=self._clock() - job.started)
