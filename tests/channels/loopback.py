"""Small servers on loopback whose every byte a test decides."""

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

Behaviour = Callable[[socket.socket, bytes], bool | None]
"""Answers one request on its connection; True keeps the connection for the next one."""

OK = {"errcode": 0, "errmsg": "ok", "msgid": 3717005636572528642}


@dataclass
class Loopback:
    """Listens on loopback, reads each request whole, and lets `behave` do the rest."""

    behave: Behaviour
    tls: ssl.SSLContext | None = None
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    heard: threading.Event = field(default_factory=threading.Event)
    """Set with the first request."""

    def __enter__(self) -> "Loopback":
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def open(self) -> list[socket.socket]:
        """The connections so far."""
        return [connection for connection in self._open if connection.fileno() >= 0]

    def pause(self, seconds: float) -> bool:
        """Wait, but no longer than the server lives; True when it is closing."""
        return self._closing.wait(seconds)

    def _accept(self) -> None:
        while True:
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ssl.SSLError):
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            with connection:
                while (request := read_request(connection)) is not None:
                    self.requests.append(request)
                    self.heard.set()
                    if not self.behave(connection, request):
                        return


def read_request(connection: socket.socket) -> bytes | None:
    """One whole request; None when the client has gone."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return None
        data += part
    head, _blank, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def http(body: bytes | dict, status: str = "200 OK", *headers: str) -> bytes:
    """An answer as bytes."""
    if isinstance(body, dict):
        body = json.dumps(body, ensure_ascii=False).encode()
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def answering(body: bytes | dict = OK, status: str = "200 OK", *headers: str) -> Behaviour:
    """Answer every request alike and keep the connection."""

    def behave(connection: socket.socket, _request: bytes) -> bool:
        connection.sendall(http(body, status, *headers))
        return True

    return behave
