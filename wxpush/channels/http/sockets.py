"""libcurl's sockets and timers in one loop, and the pools of connections that are still fit for use.

Source: curl_multi_socket_action(3).
"""

import selectors
import socket
import time
from contextlib import suppress
from functools import partial
from typing import Any, Final

import pycurl

_READ: Final = selectors.EVENT_READ


class Pool:
    """A libcurl multi handle: its connections, and the timer that it has set."""

    __slots__ = ("due", "flying", "multi", "wanted")

    def __init__(self, sockets: "Sockets", most: int) -> None:
        """`most` is how many idle connections are kept."""
        self.due: float | None = None
        self.flying = 0
        """Calls under way on it; counted by its user."""
        self.wanted: dict[int, int] = {}
        """What it wants to hear of each socket."""
        self.multi = pycurl.CurlMulti()
        self.multi.setopt(pycurl.M_MAXCONNECTS, most)
        self.multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)
        self.multi.setopt(pycurl.M_SOCKETFUNCTION, partial(sockets.watch, self))

    def _set_timer(self, milliseconds: int) -> None:
        self.due = None if milliseconds < 0 else time.monotonic() + milliseconds / 1000

    def tick(self) -> bool:
        """Let libcurl do what is due by its timer; whether something was."""
        if self.due is None or self.due > time.monotonic():
            return False
        self.due = None
        self.multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        return True


class Sockets:
    """Waits for all sockets at once, and can be woken from elsewhere.

    A socket stays registered between two calls, since its connection is kept. What it says in between is
    that the server has closed it: libcurl would look at that only once a second, and send the next message
    into nowhere. So the whole pool is put out of use, and the next call opens a new one.
    """

    def __init__(self, most: int) -> None:
        """`most` is how many idle connections a pool keeps."""
        self.woken = False
        self._most = most
        self._selector = selectors.DefaultSelector()
        # epoll and kqueue let go of closed sockets by themselves, and they have a number of their own.
        self._forgets = hasattr(self._selector, "fileno")
        self._watched: dict[int, int] = {}
        """What each socket is registered for."""
        self._owners: dict[int, Pool] = {}
        self._ear, self._bell = socket.socketpair()
        self._ear.setblocking(False)
        self._bell.setblocking(False)
        self._selector.register(self._ear, _READ)
        self.pool = Pool(self, most)
        """The one for new calls."""
        self.pools = [self.pool]
        """This one, and older ones whose calls are still under way."""

    def tick(self) -> bool:
        """Let libcurl do what is due by its timers; whether something was."""
        return sum(pool.tick() for pool in self.pools) > 0

    def listen(self, patience: float) -> None:
        """Wait up to `patience` seconds for a socket or a timer, and let libcurl do what they ask for."""
        for pool in self.pools:
            if pool.due is not None:
                patience = min(patience, pool.due - time.monotonic())
        for key, events in self._selector.select(max(0.0, patience)):
            number = key.fd
            for pool in self.pools:
                if number in pool.wanted:
                    pool.multi.socket_action(number, events)
                    break
            else:
                self._unasked(number)
        self.tick()

    def wake(self) -> None:
        """End a wait in `listen`."""
        with suppress(OSError):  # it is full of bells, or closed
            self._bell.send(b"\0")

    def begin(self, number: int, _purpose: int) -> int:
        """libcurl has a new socket (SOCKOPTFUNCTION): one of that number that was watched is closed."""
        self._unwatch(number)
        if self._forgets:
            self._owners[number] = self.pool
            self._register(number, _READ)
        return int(pycurl.SOCKOPT_OK)

    def watch(self, pool: Pool, what: int, number: int, _multi: Any = None, _data: Any = None) -> None:
        """libcurl's wish (SOCKETFUNCTION), in the selector's numbers: 1 to read, 2 to write, 3 both."""
        if what == pycurl.POLL_REMOVE:
            pool.wanted.pop(number, None)
            if not self._forgets:
                self._unwatch(number)
            return
        pool.wanted[number] = what
        self._owners[number] = pool
        if self._watched.get(number) != what:
            self._register(number, what)

    def retire(self) -> None:
        """Close the pools out of use whose calls are over."""
        for pool in [pool for pool in self.pools if pool is not self.pool and not pool.flying]:
            self.pools.remove(pool)
            pool.multi.close()

    def close(self) -> None:
        """Let go of everything."""
        for pool in self.pools:
            pool.multi.close()
        self._selector.close()
        self._ear.close()
        self._bell.close()

    def _unasked(self, number: int) -> None:
        if number == self._ear.fileno():
            self.woken = True
            with suppress(BlockingIOError):
                while len(self._ear.recv(4096)) == 4096:
                    pass
            return
        owner = self._owners.get(number)
        self._unwatch(number)
        if owner is self.pool:
            self.pool = Pool(self, self._most)
            self.pools.append(self.pool)
        self.retire()

    def _register(self, number: int, what: int) -> None:
        if number in self._watched:
            self._selector.modify(number, what)
        else:
            self._selector.register(number, what)
        self._watched[number] = what

    def _unwatch(self, number: int) -> None:
        if self._watched.pop(number, None) is not None:
            self._selector.unregister(number)
            self._owners.pop(number, None)
