"""What a fault makes of an answer: another answer, a bad one, or none."""

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, reduce
from itertools import chain, repeat

from wxpush.sandbox.faults import Fault
from wxpush.sandbox.wire import Cut, Delivery, Drip, Silence, Stream, Whole, response

CODES: Mapping[str, int] = {
    "system_error": -1,
    "minute_limit": 45011,
    "daily_limit": 45009,
    "token_refused": 40001,
    "too_frequent": 43117,
    "duplicate": 40241,
    "wrong_template": 40037,
}
"""Faults that are business errors, with their errcode."""

_CHUNK = 64 * 1024
_BLOCK = 1024 * 1024
_GZIP_START = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
_HTML = "Content-Type: text/html\r\n"
_PAGE = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1>"
    b"</center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)


@dataclass(frozen=True, slots=True)
class Spoilt:
    """The material: the fault, the body that would have been sent, the time."""

    fault: Fault
    body: bytes
    now: float

    def answer(self, status: int, body: bytes, headers: str) -> Whole:
        """A whole answer with `Retry-After` where the fault has one."""
        asked = self.fault.retry_after
        return Whole(response(status, body, self.now, headers=headers + _header("Retry-After", asked)))


def spoil(kind: str, fault: Fault, body: bytes, now: float) -> Delivery:
    """How the answer `body` travels under the fault `kind`; whole where the fault doesn't touch that."""
    spoiler = _SPOILERS.get(kind)
    return Whole(response(200, body, now)) if spoiler is None else spoiler(Spoilt(fault, body, now))


def _header(name: str, value: str) -> str:
    plain = "".join(character for character in value if character.isprintable())
    return f"{name}: {plain}\r\n" if plain else ""


def _redirect(spoilt: Spoilt) -> Delivery:
    return spoilt.answer(spoilt.fault.status, b"", _header("Location", spoilt.fault.location))


def _broken_json(spoilt: Spoilt) -> Delivery:
    return Whole(response(200, spoilt.body[: len(spoilt.body) // 2], spoilt.now))


def _truncated(spoilt: Spoilt) -> Delivery:
    half = spoilt.body[: len(spoilt.body) // 2]
    return Cut(response(200, half, spoilt.now, length=len(spoilt.body)))


def _huge_body(spoilt: Spoilt) -> Delivery:
    size = spoilt.fault.size
    return Stream(response(200, b"", spoilt.now, length=size), _spaces(size))


def _gzip_bomb(spoilt: Spoilt) -> Delivery:
    count = max(1, spoilt.fault.size // _BLOCK)
    block, trailer = _packed_block(), _gzip_end(count)
    headers = "Content-Type: application/json\r\nContent-Encoding: gzip\r\n"
    length = len(_GZIP_START) + len(block) * count + len(trailer)
    head = response(200, b"", spoilt.now, headers=headers, length=length)
    return Stream(head, chain((_GZIP_START,), repeat(block, count), (trailer,)))


@cache
def _packed_block() -> bytes:
    """A mebibyte of spaces, packed so that it can be repeated within one gzip stream."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(b" " * _BLOCK) + packer.flush(zlib.Z_FULL_FLUSH)


@cache
def _gzip_end(count: int) -> bytes:
    """The last, empty block, then checksum and length of `count` blocks."""
    checksum = reduce(lambda total, block: zlib.crc32(block, total), repeat(b" " * _BLOCK, count), 0)
    return b"\x03\x00" + struct.pack("<II", checksum, count * _BLOCK & 0xFFFFFFFF)


def _spaces(size: int) -> Iterator[bytes]:
    chunk = b" " * _CHUNK
    yield from repeat(chunk, size // _CHUNK)
    if size % _CHUNK:
        yield chunk[: size % _CHUNK]


_SPOILERS: Mapping[str, Callable[[Spoilt], Delivery]] = {
    "cut_before": lambda _spoilt: Cut(),
    "cut_after": lambda _spoilt: Cut(),
    "silence_before": lambda _spoilt: Silence(),
    "silence_after": lambda _spoilt: Silence(),
    "bad_gateway": lambda spoilt: spoilt.answer(502, _PAGE, _HTML),
    "unavailable": lambda spoilt: spoilt.answer(503, b"", _HTML),
    "too_many": lambda spoilt: spoilt.answer(429, b"", _HTML),
    "redirect": _redirect,
    "broken_json": _broken_json,
    "truncated": _truncated,
    "drip": lambda spoilt: Drip(response(200, spoilt.body, spoilt.now), spoilt.fault.seconds),
    "huge_body": _huge_body,
    "gzip_bomb": _gzip_bomb,
}
