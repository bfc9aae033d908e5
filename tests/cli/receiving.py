"""`wxpush receipts serve` as a process, and those who call it."""

import http.client
import re
import signal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit

from tests.cli.command import Desk, Done, Running
from tests.pushes import APPID, TOKEN, Console, Request
from wxpush.delivery.receipts import receipts
from wxpush.model import Receipt

LISTENING = re.compile(r"on (http://\S+)\. Ctrl-C")
ENVIRONMENT: dict[str, str | None] = {
    "WXPUSH_APPID": APPID,
    "WXPUSH_SECRET": None,
    "WXPUSH_CALLBACK_TOKEN": TOKEN,
}


PLAIN = Console()


class Receiver:
    """A receiver that listens; ended or killed with the context."""

    def __init__(self, desk: Desk, *options: str | Path, env: dict[str, str | None] | None = None) -> None:
        self.desk = desk
        self.running: Running = desk.start(
            "receipts", "serve", "--listen", "127.0.0.1:0", *options, env=ENVIRONMENT | (env or {})
        )
        self.url = self._first_url()

    def __enter__(self) -> "Receiver":
        return self

    def __exit__(self, *_: object) -> None:
        self.running.__exit__()

    @property
    def pid(self) -> int:
        return self.running.process.pid

    def call(
        self, method: str, query: str, body: bytes = b"", path: str | None = None, timeout: float = 10
    ) -> tuple[int, bytes]:
        """Status and body of one call."""
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
        try:
            target = f"{parts.path if path is None else path}?{query}"
            connection.request(method, target, body, {"Content-Type": "text/xml"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def push(self, request: Request) -> tuple[int, bytes]:
        """Push as WeChat does."""
        return self.call("POST", request.query, request.body)

    def end(self) -> Done:
        """SIGTERM, and what it said."""
        self.running.signal(signal.SIGTERM)
        return self.running.done()

    def _first_url(self) -> str:
        stream = self.running.process.stderr
        assert stream is not None
        while line := stream.readline():
            if found := LISTENING.search(line):
                return found[1]
        raise AssertionError("it ended before it listened")


def stored(desk: Desk) -> list[Receipt]:
    """What the log of the one account has."""
    folders = list((desk.home / "accounts").glob("*/receipts"))
    return [receipt for folder in folders for receipt in receipts(folder)]


class Shop:
    """The shop's own system: says what it is told to, and keeps what it got."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str, dict[str, str], bytes]] = []
        self.answer: tuple[int, str, bytes] = (200, "text/xml", b"<xml>reply</xml>")
        self.silent = Event()
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                shop.got.append((self.command, self.path, dict(self.headers), body))
                if shop.silent.is_set():
                    return
                status, kind, content = shop.answer
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/api/wechat?shop=1"
