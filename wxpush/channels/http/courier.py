"""Couriers: they carry messages, several at once, and bring the replies to the one thread that waits."""

import queue
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

from wxpush.channels.http.reply import Reply
from wxpush.channels.http.transport import Carrier, Transport
from wxpush.channels.http.wire import IDLE_SECONDS, Request

_LINGER_S: Final = 0.001


class Courier(Protocol):
    """Carries requests, as many at once as it has workers. One thread uses it; only `wake` is for others."""

    def free(self) -> int:
        """How many requests would start on their way at once."""

    def start(self, ticket: int, request: Request, body: bytes, timeout: float | None = None) -> None:
        """Start sending `request` with `body`; `arrived` has its reply, `timeout` seconds later at most."""

    def arrived(self, timeout: float) -> list[tuple[int, Reply]]:
        """Replies by ticket; waits up to `timeout` seconds for the first.

        Returns early, and empty, when `wake` is called or when a worker has become free without a reply.
        """

    def wake(self) -> None:
        """Let a waiting `arrived` return; safe from a signal handler and from other threads."""

    def close(self) -> None:
        """Let go of the connections; calls under way are abandoned."""


class MakeCourier(Protocol):
    """Makes a courier; times in seconds."""

    def __call__(
        self, workers: int, timeout: float, *, proxy: str | None, ca_file: Path | None
    ) -> Courier: ...


def best_courier() -> MakeCourier:
    """libcurl's where it is installed (`wxpush[fast]`), else the threads'."""
    try:
        from wxpush.channels.http.curl import CurlCourier
    except (ImportError, AttributeError):  # no pycurl, or one that lacks an option
        return ThreadCourier
    return CurlCourier


class ThreadCourier:
    """A courier whose workers are threads of `requests`."""

    def __init__(
        self,
        workers: int,
        timeout: float,
        *,
        proxy: str | None = None,
        ca_file: Path | None = None,
        idle: float = IDLE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        make_wire: Callable[[], Carrier] | None = None,
    ) -> None:
        """As of `Transport`."""
        self._inbox: queue.SimpleQueue[tuple[int, Reply] | None] = queue.SimpleQueue()
        self._heard_at = 0.0
        self._transport = Transport(
            workers,
            timeout,
            proxy=proxy,
            ca_file=ca_file,
            on_free=self.wake,
            idle=idle,
            clock=clock,
            make_wire=make_wire,
        )

    def free(self) -> int:
        """How many requests would start at once; raises what a thread died of, if one did."""
        return self._transport.free()

    def start(self, ticket: int, request: Request, body: bytes, timeout: float | None = None) -> None:
        """Start sending."""
        inbox = self._inbox
        self._transport.start(replace(request, body=body), lambda reply: inbox.put((ticket, reply)), timeout)

    def arrived(self, timeout: float) -> list[tuple[int, Reply]]:
        """Replies by ticket."""
        replies: list[tuple[int, Reply]] = []
        try:
            found = self._inbox.get(timeout=timeout) if timeout > 0 else self._inbox.get_nowait()
            if self._crowded(time.monotonic()):
                # The threads need the interpreter more than a turn of the loop for each of their replies.
                time.sleep(_LINGER_S)
                self._heard_at = time.monotonic()
            while True:
                if found is not None:
                    replies.append(found)
                found = self._inbox.get_nowait()
        except queue.Empty:
            return replies

    def _crowded(self, now: float) -> bool:
        """Whether replies come one upon the other."""
        before, self._heard_at = self._heard_at, now
        return now - before < _LINGER_S

    def wake(self) -> None:
        """Let a waiting `arrived` return."""
        self._inbox.put(None)

    def close(self) -> None:
        """Let go of connections and threads."""
        self._transport.close()
