"""The receiver by itself, with whatever keeps the events: groups, refusals, and what it tells."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from queue import Queue
from urllib.parse import urlsplit

import pytest

from tests.pushes import APPID, TOKEN, Console, Request, fields, openid, xml
from wxpush.channels.wechat.callback import Callback
from wxpush.channels.wechat.events import Following
from wxpush.config import Secret
from wxpush.errors import StorageError
from wxpush.model import Receipt
from wxpush.web.receiver import Address, Counts, serve

Kept = Sequence[Receipt | Following]
PLAIN = Console()


@contextmanager
def receiving(
    keep: Callable[[Kept], object],
    tell: Callable[[Counts], object] = print,
    wall: Callable[[], float] = time.time,
) -> Iterator[str]:
    """A receiver in a thread; its URL. It asks for the time once for each push that has arrived."""
    urls: Queue[str] = Queue()
    stop = threading.Event()
    with ThreadPoolExecutor(1) as executor, ThreadPoolExecutor(1) as runner:
        running = runner.submit(
            serve,
            Callback(Secret(TOKEN), APPID),
            keep,
            executor,
            Address("127.0.0.1", 0, "/wechat"),
            wall=wall,
            on_ready=urls.put,
            tell=tell,
            stop=stop,
            every=0.1,
        )
        try:
            yield urls.get(timeout=10)
        finally:
            stop.set()
            running.result(20)


def push(url: str, request: Request) -> tuple[int, bytes]:
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        connection.request("POST", f"{parts.path}?{request.query}", request.body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_what_comes_while_a_group_is_kept_goes_with_the_next() -> None:
    groups: list[list[str]] = []
    begun, go_on = threading.Event(), threading.Event()
    arrived = threading.Semaphore(0)

    def wall() -> float:
        arrived.release()
        return time.time()

    def keep(events: Kept) -> None:
        begun.set()
        assert go_on.wait(30)
        groups.append([event.to for event in events if isinstance(event, Receipt)])

    with receiving(keep, wall=wall) as url, ThreadPoolExecutor(10) as pool:
        answers = [pool.submit(push, url, PLAIN.receipt(0))]
        assert begun.wait(10)
        answers += [pool.submit(push, url, PLAIN.receipt(number)) for number in range(1, 10)]
        try:
            assert all(arrived.acquire(timeout=10) for _answer in answers)
            assert not any(answer.done() for answer in answers)
        finally:
            go_on.set()
        assert {answer.result(10) for answer in answers} == {(200, b"success")}
    assert groups[0] == [openid(0)]
    assert sorted(one for group in groups for one in group) == [openid(number) for number in range(10)]
    assert len(groups) == 2


def test_a_group_that_was_refused_is_nobodys_success() -> None:
    refusing = threading.Event()
    refusing.set()
    kept: list[Receipt | Following] = []

    def keep(events: Kept) -> None:
        if refusing.is_set():
            raise StorageError("full")
        kept.extend(events)

    with receiving(keep) as url:
        request = PLAIN.receipt(1)
        assert push(url, request) == (503, b"")
        refusing.clear()
        assert push(url, request) == (200, b"success")
    assert len(kept) == 1


def test_who_comes_is_no_reason_to_bother_wechat() -> None:
    def keep(_events: Kept) -> None:
        raise StorageError("full")

    with receiving(keep) as url:
        assert push(url, PLAIN.push(xml(fields(1, Event="subscribe")))) == (200, b"success")


def test_a_fault_of_ours_is_no_success_and_is_counted() -> None:
    told: Queue[Counts] = Queue()

    def keep(_events: Kept) -> None:
        raise RuntimeError("broken")

    with receiving(keep, told.put) as url:
        assert push(url, PLAIN.receipt(1)) == (500, b"")
        assert told.get(timeout=10).faults == 1


def test_it_tells_now_and_then_what_came_and_nothing_otherwise() -> None:
    told: Queue[int] = Queue()
    with receiving(lambda _events: None, lambda counts: told.put(counts.total)) as url:
        push(url, PLAIN.receipt(1))
        assert told.get(timeout=10) == 1
        push(url, PLAIN.push(b"no"))
        assert told.get(timeout=10) == 2
    assert told.empty()


def test_the_counts_know_when_nothing_is_wechats() -> None:
    counts = Counts()
    assert not counts.nothing_but_refused
    counts.refused["signature"] += 3
    assert counts.nothing_but_refused
    counts.others += 1
    assert not counts.nothing_but_refused
    assert counts.to_json()["refused"] == {"signature": 3}


def test_what_is_on_its_way_at_the_end_is_finished() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def keep(_events: Kept) -> None:
        begun.set()
        assert go_on.wait(30)

    def go_on_when_closed(url: str) -> None:
        """Not before the end has begun: nobody can connect any more."""
        try:
            wait_until_refused(url)
        finally:
            go_on.set()

    with ThreadPoolExecutor(2) as pool:
        with receiving(keep) as url:
            answer = pool.submit(push, url, PLAIN.receipt(1))
            assert begun.wait(10)
            closed = pool.submit(go_on_when_closed, url)
        closed.result(10)
        assert answer.result(10) == (200, b"success")


def wait_until_refused(url: str) -> None:
    parts = urlsplit(url)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection((parts.hostname or "", parts.port or 0), timeout=5).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.02)
    raise AssertionError("it still listens")


def raw(url: str, request: bytes) -> bytes:
    """All that is answered to these bytes."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


@pytest.mark.parametrize(
    "request_",
    [
        b"POST /wechat?signature=SECRET HTTP/9.x\r\n\r\n",
        b"POST /wechat?signature=SECRET\r\n\r\n",
        b"P(ST /wechat?signature=SECRET HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /wechat?signature=SECRET HTTP/1.1\r\nHost: x\r\nno header SECRET\r\n\r\n",
        b"POST /wechat?signature=SECRET HTTP/1.1\r\nHost: x\r\nContent-Length: SECRET\r\n\r\n",
        b"POST /wechat?" + b"SECRET" * 10_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02SECRET\r\n\r\n",
    ],
    ids=["version", "no version", "method", "header", "length", "long", "TLS"],
)
def test_what_is_no_http_is_refused_like_anything_else(request_: bytes) -> None:
    told: Queue[Counts] = Queue()
    with receiving(lambda _events: None, told.put) as url:
        answer = raw(url, request_)
        counts = told.get(timeout=10)
    head, _blank, body = answer.partition(b"\r\n\r\n")
    assert (head.split()[1], body, b"SECRET" in answer) == (b"403", b"", False)
    assert (counts.refused.total(), counts.total) == (1, 1)


def test_no_answer_says_what_answers() -> None:
    good, refused = PLAIN.receipt(1), Request("", b"")
    with receiving(lambda _events: None) as url:
        for pushed, status in ((good, 200), (refused, 403)):
            head = f"POST /wechat?{pushed.query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            length = f"Content-Length: {len(pushed.body)}\r\n\r\n"
            answer = raw(url, (head + length).encode() + pushed.body)
            assert answer.startswith(f"HTTP/1.1 {status} ".encode())
            assert not any(word in answer.lower() for word in (b"server", b"python", b"aiohttp"))
        answer = raw(url, b"nonsense\r\n\r\n")
        assert b" 403 " in answer
        assert not any(word in answer.lower() for word in (b"server", b"python", b"aiohttp"))


@pytest.mark.parametrize("path", ["/wechat/", "/WECHAT", "/", "//wechat", "/wechat%3F"])
def test_only_its_own_path_is_answered(path: str) -> None:
    with receiving(lambda _events: None) as url:
        request = PLAIN.receipt(1)
        parts = urlsplit(url)
        assert push(f"http://{parts.netloc}{path}", request) == (403, b"")
        assert push(url, request) == (200, b"success")
