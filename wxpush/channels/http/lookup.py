"""Name lookups beside the sending: the system's own can hang for half a minute and can't be broken off."""

import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

#: Addresses are looked up again after this long, in the background.
_FRESH_SECONDS: Final = 60.0

LookUp = Callable[[str, int], Sequence[tuple[Any, ...]]]
"""As `socket.getaddrinfo`."""


def is_address(host: str) -> bool:
    """Whether `host` needs no lookup."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def system_look_up(host: str, port: int) -> Sequence[tuple[Any, ...]]:
    """The system's addresses for a stream to `host`."""
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


class Lookup:
    """The addresses of one host, kept fresh by one thread at a time.

    While a renewal runs, or hangs, the addresses before it serve; one that fails forgets them, so that a
    host whose name is gone isn't sent to for ever.
    """

    def __init__(
        self,
        host: str,
        port: int,
        changed: Callable[[], None],
        look_up: LookUp = system_look_up,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`changed` is told, from another thread, when a lookup has ended."""
        self.host, self.port = host, port
        self._changed, self._look_up, self._clock = changed, look_up, clock
        self._lock = threading.Lock()
        self._running = False
        self._addresses: tuple[str, ...] = ()
        self._failed = False
        self._due = 0.0

    def addresses(self) -> tuple[str, ...] | None:
        """The addresses; empty when the name isn't known, None while nobody can tell yet."""
        with self._lock:
            if not self._running and self._clock() >= self._due:
                self._running, self._failed = True, False
                threading.Thread(target=self._run, name="wxpush-lookup", daemon=True).start()
            if self._addresses:
                return self._addresses
            if self._failed:
                self._due = 0.0  # the next call asks again
                return ()
            return None

    def _run(self) -> None:
        try:
            found = tuple(dict.fromkeys(str(entry[4][0]) for entry in self._look_up(self.host, self.port)))
        except (OSError, UnicodeError):
            found = ()
        with self._lock:
            self._addresses, self._failed, self._running = found, not found, False
            self._due = self._clock() + _FRESH_SECONDS
        self._changed()
