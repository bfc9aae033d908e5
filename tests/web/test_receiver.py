"""The receiver by itself, with whatever keeps the events: groups, refusals, and what it tells."""

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
def receiving(keep: Callable[[Kept], object], tell: Callable[[Counts], object] = print) -> Iterator[str]:
    """A receiver in a thread; its URL."""
    urls: Queue[str] = Queue()
    stop = threading.Event()
    with ThreadPoolExecutor(1) as executor, ThreadPoolExecutor(1) as runner:
        running = runner.submit(
            serve,
            Callback(Secret(TOKEN), APPID),
            keep,
            executor,
            Address("127.0.0.1", 0, "/wechat"),
            wall=time.time,
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

    def keep(events: Kept) -> None:
        begun.set()
        assert go_on.wait(10)
        groups.append([event.to for event in events if isinstance(event, Receipt)])

    with receiving(keep) as url, ThreadPoolExecutor(10) as pool:
        answers = [pool.submit(push, url, PLAIN.receipt(0))]
        assert begun.wait(10)
        answers += [pool.submit(push, url, PLAIN.receipt(number)) for number in range(1, 10)]
        # Not before all ten have arrived; none can be answered until then.
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            assert not any(answer.done() for answer in answers)
            time.sleep(0.05)
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
        assert go_on.wait(10)

    with ThreadPoolExecutor(2) as pool:
        with receiving(keep) as url:
            answer = pool.submit(push, url, PLAIN.receipt(1))
            assert begun.wait(10)
            pool.submit(lambda: (time.sleep(0.5), go_on.set()))
        assert answer.result(10) == (200, b"success")


@pytest.mark.parametrize("path", ["/wechat/", "/WECHAT", "/", "//wechat", "/wechat%3F"])
def test_only_its_own_path_is_answered(path: str) -> None:
    with receiving(lambda _events: None) as url:
        request = PLAIN.receipt(1)
        parts = urlsplit(url)
        assert push(f"http://{parts.netloc}{path}", request) == (403, b"")
        assert push(url, request) == (200, b"success")
