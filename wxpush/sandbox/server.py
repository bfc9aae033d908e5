"""A listener on loopback with an event loop in a thread of its own; it can go down and come back."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final

from wxpush.errors import InputError
from wxpush.i18n import _
from wxpush.sandbox.ask import Ask
from wxpush.sandbox.wire import Connection, Serve

LOOPBACK: Final = "127.0.0.1"
"""The only address it ever listens on: it holds made-up secrets and asks nobody for a password."""
_BACKLOG = 1024
_PATIENCE_S = 10.0


class Server:
    """Serves HTTP on 127.0.0.1; `port` 0 takes a free one, which is kept from then on.

    `start` raises InputError where the port can't be had. `go_down` and `come_back` may be called from
    any thread; on the server's own (from a hook) the resets follow when the hook has returned.
    """

    def __init__(self, serve: Serve, port: int, clock: Callable[[], float]) -> None:
        self.port = port
        self._serve = serve
        self._clock = clock
        self._connections: set[Connection] = set()
        self._arriving: set[asyncio.Task[Any]] = set()
        self._listener: socket.socket | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen; nothing where it does already."""
        if self._thread is not None:
            return
        loop = asyncio.SelectorEventLoop()  # the one kind that can watch a listener, on Windows too
        self._loop = loop
        self._thread = threading.Thread(target=loop.run_forever, name="wxpush-sandbox", daemon=True)
        self._thread.start()
        try:
            self._run(self._listen())
        except OSError as error:
            self.stop()
            message = _("The sandbox can't listen on port {port}: {reason}.")
            hint = _("Leave --port out to have a free one chosen.")
            raise InputError(message.format(port=self.port, reason=error.strerror), hint) from None

    def stop(self) -> None:
        """End the listener, every connection and the thread; nothing where it isn't running."""
        if self._thread is None or self._loop is None:
            return
        self._run(self._hang_up())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._thread = self._loop = None

    def go_down(self) -> None:
        """Refuse connections from now on, and reset those that are open."""
        if threading.current_thread() is self._thread:
            self._close_listener()
        self._run(self._hang_up())

    def come_back(self) -> None:
        """Listen again, on the same port."""
        self._run(self._listen())

    def _run(self, task: Coroutine[Any, Any, None]) -> None:
        if self._loop is None:
            task.close()
            raise RuntimeError("the sandbox is not running")
        begun = asyncio.run_coroutine_threadsafe(task, self._loop)
        if threading.current_thread() is not self._thread:
            begun.result(_PATIENCE_S)

    async def _listen(self) -> None:
        if self._listener is None:
            self._listener = socket.create_server((LOOPBACK, self.port), backlog=_BACKLOG)
            self._listener.setblocking(False)
            self.port = self._listener.getsockname()[1]
            asyncio.get_running_loop().add_reader(self._listener, self._accept, self._listener)

    def _accept(self, listener: socket.socket) -> None:
        # By hand, because asyncio's own server, when it is closed, forgets a connection that it was just
        # about to take: that caller would wait for ever where he should be reset.
        with contextlib.suppress(OSError):  # gone already, or no file descriptor free at the moment
            end, _address = listener.accept()
            loop = asyncio.get_running_loop()
            task = loop.create_task(loop.connect_accepted_socket(self._connection, end))
            self._arriving.add(task)
            task.add_done_callback(self._arriving.discard)

    def _connection(self) -> Connection:
        return Connection(self._serve_unless_down, self._connections, self._clock)

    def _serve_unless_down(self, ask: Ask, connection: Connection) -> None:
        if self._listener is None:
            connection.abort()
        else:
            self._serve(ask, connection)

    def _close_listener(self) -> None:
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    async def _hang_up(self) -> None:
        self._close_listener()
        if self._arriving:
            await asyncio.wait(self._arriving)
        for connection in tuple(self._connections):
            connection.abort()
        await asyncio.sleep(0)  # the transports close their sockets in the next turn
