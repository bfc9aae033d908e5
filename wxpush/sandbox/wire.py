"""Just enough HTTP/1.1 for a sandbox: a bounded parser, and connections that can answer badly on purpose."""

import asyncio
import os
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import cast

from wxpush.sandbox.ask import Ask

MAX_HEAD = 16 * 1024
MAX_BODY = 1024 * 1024
_RESET = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
"""SO_LINGER on, no time: closing resets the connection."""
_JSON = "Content-Type: application/json; encoding=utf-8\r\n"


class BadRequestError(Exception):
    """The bytes are no request that this server takes; `status` says why."""

    def __init__(self, status: int) -> None:
        super().__init__(HTTPStatus(status).phrase)
        self.status = status


@dataclass(frozen=True, slots=True)
class Whole:
    """A complete answer; `payload` is head and body."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Cut:
    """`payload` is sent as far as it goes and the connection ends; without any, it is reset."""

    payload: bytes = b""


@dataclass(frozen=True, slots=True)
class Silence:
    """No byte, and no end."""


@dataclass(frozen=True, slots=True)
class Drip:
    """One byte, a pause in seconds, the next byte."""

    payload: bytes
    pause_s: float


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer too large to be held in memory: the head, then chunk after chunk as the caller takes them."""

    head: bytes
    chunks: Iterator[bytes]


Delivery = Whole | Cut | Silence | Drip | Stream


def response(
    status: int, body: bytes, now: float, *, headers: str = _JSON, length: int | None = None
) -> bytes:
    """Head and body; each header ends in CRLF; `length` is what Content-Length claims where it lies."""
    announced = len(body) if length is None else length
    first = f"HTTP/1.1 {status} {_phrase(status)}\r\n"
    head = f"{first}{headers}Content-Length: {announced}\r\n{_date(int(now))}\r\n"
    return head.encode("latin-1", "replace") + body


def take(buffer: bytearray) -> tuple[Ask, bool] | None:
    """The first request of `buffer`, which loses it, and whether the connection stays open after it.

    None while the request is incomplete. Raises BadRequestError.
    """
    end = buffer.find(b"\r\n\r\n")
    if end < 0 or end > MAX_HEAD:
        if len(buffer) > MAX_HEAD:
            raise BadRequestError(431)
        return None
    first, *lines = bytes(buffer[:end]).decode("latin-1").split("\r\n")
    headers = _headers(lines)
    length = _length(headers)
    start = end + 4
    if len(buffer) < start + length:
        return None
    body = bytes(buffer[start : start + length])
    method, target, version = _request_line(first)
    del buffer[: start + length]
    path, _mark, query = target.partition("?")
    keep = version == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
    return Ask(method, path, query, body), keep


def _request_line(line: str) -> tuple[str, str, str]:
    parts = line.split(" ")
    if len(parts) != 3 or not parts[1].startswith("/"):
        raise BadRequestError(400)
    if parts[2] not in ("HTTP/1.1", "HTTP/1.0"):
        raise BadRequestError(505)
    return parts[0], parts[1], parts[2]


def _headers(lines: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.lower()
        if not colon or not name or name != name.strip() or (name == "content-length" and name in headers):
            raise BadRequestError(400)
        headers[name] = value.strip()
    return headers


def _length(headers: dict[str, str]) -> int:
    if "transfer-encoding" in headers:
        raise BadRequestError(411)
    text = headers.get("content-length", "0")
    if not (text.isascii() and text.isdigit()):
        raise BadRequestError(400)
    if len(text) > 10 or int(text) > MAX_BODY:
        raise BadRequestError(413)
    return int(text)


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return f"Date: {formatdate(second, usegmt=True)}\r\n"


@lru_cache(maxsize=64)
def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase


Serve = Callable[[Ask, "Connection"], None]


class Connection(asyncio.Protocol):
    """One caller's connection: one request at a time is handed to `serve`, which must `deliver` once."""

    def __init__(self, serve: Serve, others: "set[Connection]", clock: Callable[[], float]) -> None:
        self._serve = serve
        self._others = others
        self._clock = clock
        self._buffer = bytearray()
        self._busy = False
        self._keep = True
        self._stream: Iterator[bytes] = iter(())
        self._full = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._others.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._others.discard(self)
        self._stream = iter(())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._busy:
            self._next()
        elif len(self._buffer) > MAX_HEAD + MAX_BODY:
            self._transport.pause_reading()

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._pour()

    def deliver(self, delivery: Delivery) -> None:
        """Answer the request under way; nothing happens when the caller has gone."""
        if self._transport.is_closing():
            return
        if isinstance(delivery, Whole):
            self._finish(delivery.payload)
        elif isinstance(delivery, Cut):
            self._cut(delivery.payload)
        elif isinstance(delivery, Drip):
            self._drip(delivery, 0)
        elif isinstance(delivery, Stream):
            self._transport.write(delivery.head)
            self._stream = delivery.chunks
            self._pour()

    def abort(self) -> None:
        """End the connection by a reset."""
        end = self._transport.get_extra_info("socket")
        if end is not None and not self._transport.is_closing():
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()

    def _next(self) -> None:
        try:
            taken = take(self._buffer)
        except BadRequestError as error:
            self._transport.write(response(error.status, b"", self._clock(), headers="Connection: close\r\n"))
            self._transport.close()
            return
        if taken is not None:
            self._busy = True
            ask, self._keep = taken
            self._serve(ask, self)

    def _finish(self, payload: bytes) -> None:
        self._transport.write(payload)
        self._done()

    def _done(self) -> None:
        self._busy = False
        if not self._keep:
            self._transport.close()
        else:
            self._transport.resume_reading()
            if self._buffer:
                # Not at once: a long row of requests in one packet would nest calls as deep.
                asyncio.get_running_loop().call_soon(self._continue)

    def _continue(self) -> None:
        if not self._busy and not self._transport.is_closing():
            self._next()

    def _cut(self, payload: bytes) -> None:
        if payload:
            self._transport.write(payload)
            self._transport.close()
        else:
            self.abort()

    def _drip(self, drip: Drip, sent: int) -> None:
        if self._transport.is_closing():
            return
        self._transport.write(drip.payload[sent : sent + 1])
        if sent + 1 < len(drip.payload):
            asyncio.get_running_loop().call_later(drip.pause_s, self._drip, drip, sent + 1)
        else:
            self._done()

    def _pour(self) -> None:
        if not self._busy or self._transport.is_closing():
            return
        while not self._full:
            chunk = next(self._stream, None)
            if chunk is None:
                self._done()
                return
            self._transport.write(chunk)
