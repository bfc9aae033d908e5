"""A local WeChat that answers each message after the same delay, and remembers when each one came.

A program: it writes its port as a line of JSON, another line when the first message comes, and, when its
standard input is closed, what it saw.
"""

import argparse
import asyncio
import gc
import json
import re
import sys
import time
from array import array
from typing import Any, Final

from benchmarks.servers.windows import most_within

TOKEN: Final = "T_abcdefghijklmnopqrstuvwxyz0123456789"
SEND: Final = b"/cgi-bin/message/template/send"
_TOKENS: Final = (b"/cgi-bin/stable_token", b"/cgi-bin/token")
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)[ \t]*(?:\r\n|\Z)", re.IGNORECASE)
_BACKLOG: Final = 1024


def take_request(received: bytes) -> tuple[bytes, bytes] | None:
    """The path of the first whole request and the bytes behind it; None while it isn't whole."""
    end_of_head = received.find(b"\r\n\r\n")
    if end_of_head < 0:
        return None
    head = received[:end_of_head]
    length = _LENGTH.search(head)
    end = end_of_head + 4 + (int(length[1]) if length else 0)
    if len(received) < end:
        return None
    return head.split(b" ", 2)[1].partition(b"?")[0], received[end:]


def answer(content: dict[str, Any]) -> bytes:
    """A response as WeChat words it."""
    text = json.dumps(content, separators=(",", ":")).encode()
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/json; encoding=utf-8\r\nContent-Length: "
    return b"%s%d\r\n\r\n%s" % (head.encode(), len(text), text)


class Memory:
    """When each message came."""

    def __init__(self) -> None:
        self._times = array("d")

    def note(self) -> int:
        """Note a message; its number, from 1."""
        now = time.monotonic()
        if not self._times:
            say({"first": now})
        self._times.append(now)
        return len(self._times)

    def report(self) -> dict[str, Any]:
        """What was seen; the moments are of the machine's monotonic clock."""
        times = self._times
        return {
            "posts": len(times),
            "seconds": times[-1] - times[0] if times else 0.0,
            "most_in_1_s": most_within(times, 1.0),
            "most_in_10_s": most_within(times, 10.0),
            "cpu_s": time.process_time(),
        }


class Exchange(asyncio.Protocol):
    """One connection, kept alive."""

    def __init__(self, memory: Memory, delay: float) -> None:
        self._memory = memory
        self._delay = delay
        self._received = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where to answer."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer what is whole."""
        self._received += data
        while (found := take_request(self._received)) is not None:
            path, self._received = found
            self._answer(path)

    def _answer(self, path: bytes) -> None:
        if path == SEND:
            number = self._memory.note()
            self._later(answer({"errcode": 0, "errmsg": "ok", "msgid": number}))
        elif path in _TOKENS:
            self._write(answer({"access_token": TOKEN, "expires_in": 7200}))
        else:
            self._write(answer({"errcode": 48001, "errmsg": "api unauthorized"}))

    def _later(self, response: bytes) -> None:
        if self._delay:
            asyncio.get_running_loop().call_later(self._delay, self._write, response)
        else:
            self._write(response)

    def _write(self, response: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(response)


async def serve(port: int, delay: float) -> None:
    """Serve until standard input is closed, then report."""
    memory, loop, over = Memory(), asyncio.get_running_loop(), asyncio.Event()
    server = await loop.create_server(lambda: Exchange(memory, delay), "127.0.0.1", port, backlog=_BACKLOG)
    loop.add_reader(sys.stdin, over.set)
    gc.freeze()
    say({"port": server.sockets[0].getsockname()[1]})
    await over.wait()
    server.close()
    say(memory.report())


def say(line: dict[str, Any]) -> None:
    """Tell the one who started it."""
    print(json.dumps(line), flush=True)


def main() -> None:
    """Parse and serve."""
    parser = argparse.ArgumentParser(description="A local WeChat with latency.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before a message is answered")
    options = parser.parse_args()
    asyncio.run(serve(options.port, options.delay))


if __name__ == "__main__":
    main()
