"""Requests travel within their deadline, and what is known of a broken one is never guessed."""

import gzip
import logging
import queue
import resource
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loopback import OK, Loopback, answering, http

from wxpush.channels.http.courier import Courier, ThreadCourier
from wxpush.channels.http.curl import CurlCourier
from wxpush.channels.http.flight import Flight, FlightOverError
from wxpush.channels.http.lookup import Lookup
from wxpush.channels.http.redact import redact
from wxpush.channels.http.reply import Reply, parse_body
from wxpush.channels.http.retry_after import parse_retry_after
from wxpush.channels.http.transport import Transport
from wxpush.channels.http.wire import Request
from wxpush.model import Arrival

TOKEN = "92_Canary-token_never-to-be-seen"


class Pumped:
    """A courier that is waited for call by call, as the threads' transport can be by itself."""

    def __init__(self, courier: Courier) -> None:
        self.courier = courier

    def free(self) -> int:
        return self.courier.free()

    def call(self, request: Request, timeout: float | None = None) -> Reply:
        return self.calls(request, timeout=timeout)[0]

    def calls(self, *requests: Request, timeout: float | None = None) -> list[Reply]:
        for ticket, request in enumerate(requests):
            self.courier.start(ticket, request, request.body or b"", timeout)
        replies: dict[int, Reply] = {}
        end = time.monotonic() + 30
        while len(replies) < len(requests):
            assert time.monotonic() < end
            replies |= dict(self.courier.arrived(1.0))
        return [replies[ticket] for ticket in range(len(requests))]

    def close(self) -> None:
        self.courier.close()


Make = Callable[..., Pumped]
MakeThreads = Callable[..., Transport]


@pytest.fixture(params=[ThreadCourier, CurlCourier], ids=["requests", "curl"])
def transport(request: pytest.FixtureRequest) -> Iterator[Make]:
    made: list[Pumped] = []

    def make(workers: int = 2, timeout: float = 5.0, **options: object) -> Pumped:
        made.append(Pumped(request.param(workers, timeout, **options)))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def threads() -> Iterator[MakeThreads]:
    made: list[Transport] = []

    def make(workers: int = 2, timeout: float = 5.0, **options: object) -> Transport:
        made.append(Transport(workers, timeout, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def post(url: str, body: bytes = b'{"touser":"o"}') -> Request:
    return Request("POST", f"{url}/cgi-bin/message/template/send?access_token={TOKEN}", body)


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    start = time.monotonic()
    return call(), time.monotonic() - start


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_an_answer_comes_back_with_status_body_and_time(transport: Make) -> None:
    with Loopback(answering()) as server:
        reply = transport().call(post(server.url))
    assert (reply.arrival, reply.status, reply.failure) == (Arrival.ANSWERED, 200, "")
    assert parse_body(reply) == OK
    assert 0 < reply.seconds < 5


def test_the_body_travels_as_it_was_given(transport: Make) -> None:
    body = '{"data":{"thing1":{"value":"长白山人参 & 蜂蜜"}}}'.encode()
    with Loopback(answering()) as server:
        transport().call(post(server.url, body))
    head, _blank, sent = server.requests[0].partition(b"\r\n\r\n")
    assert sent == body
    assert b"accept-encoding: identity" in head.lower()


def test_connections_are_kept_for_the_next_call(transport: Make) -> None:
    with Loopback(answering()) as server:
        one = transport(workers=1)
        for _call in range(5):
            one.call(post(server.url))
    assert (server.connections, len(server.requests)) == (1, 5)


def test_an_idle_connection_is_not_used_again(transport: Make) -> None:
    with Loopback(answering()) as server:
        one = transport(workers=1, idle=1.0)
        one.call(post(server.url))
        for seconds in (1.2, 2.4, 4.8):  # libcurl counts whole seconds
            one.courier.arrived(seconds)
            one.call(post(server.url))
            if server.connections == 2:
                break
        assert server.connections == 2


def test_an_idle_connection_is_closed(threads: MakeThreads) -> None:
    gone: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def behave(connection: socket.socket, _request: bytes) -> bool:
        connection.sendall(http(OK))
        gone.put(connection.recv(1))
        return False

    with Loopback(behave) as server:
        threads(idle=0.1).call(post(server.url))
        assert gone.get(timeout=5) == b""


def test_a_refused_connection_never_left(transport: Make) -> None:
    reply = transport().call(post(f"http://127.0.0.1:{closed_port()}"))
    assert (reply.arrival, reply.failure, reply.detail) == (
        Arrival.NEVER_LEFT, "network", "Connection refused",
    )  # fmt: skip


def test_an_unknown_host_never_left(transport: Make) -> None:
    reply = transport().call(post("http://api.weixin.invalid"))
    assert (reply.arrival, reply.failure) == (Arrival.NEVER_LEFT, "network")


def test_silence_is_silent_at_the_deadline(transport: Make) -> None:
    with Loopback(lambda _connection, _request: server.pause(60)) as server:
        reply, seconds = timed(lambda: transport(timeout=0.4).call(post(server.url)))
    assert (reply.arrival, reply.failure) == (Arrival.SILENT, "timeout")
    assert 0.35 < seconds < 1.4


def drip(data: bytes, every: float = 0.15) -> Callable[[socket.socket, bytes], bool]:
    def behave(connection: socket.socket, _request: bytes) -> bool:
        for byte in data:
            connection.sendall(bytes([byte]))
            time.sleep(every)  # the server's slowness is what is tested
        return False

    return behave


def ends_at_the_deadline(transport: Make, server: Loopback) -> None:
    """The call is over in time, and so is the thread that made it, although the server goes on."""
    one = transport(workers=1, timeout=0.6)
    reply, seconds = timed(lambda: one.call(post(server.url)))
    assert (reply.arrival, reply.failure) == (Arrival.SILENT, "timeout")
    assert seconds < 1.6
    if not one.free():
        assert one.courier.arrived(1.0) == []
    assert one.free() == 1


@pytest.mark.parametrize("closing", ["", "Connection: close\r\n"])
def test_a_dripping_answer_ends_at_the_deadline(transport: Make, closing: str) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n{closing}\r\n"

    def behave(connection: socket.socket, request: bytes) -> bool:
        connection.sendall(head.encode())
        return drip(b"x" * 100)(connection, request)

    with Loopback(behave) as server:
        ends_at_the_deadline(transport, server)


def test_a_dripping_header_ends_at_the_deadline(transport: Make) -> None:
    with Loopback(drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n" + b"X-Slow: 1\r\n" * 9)) as server:
        ends_at_the_deadline(transport, server)


def test_a_server_that_never_finishes_the_handshake_never_got_the_message(transport: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"https://127.0.0.1:{server.getsockname()[1]}"
        reply, seconds = timed(lambda: transport(timeout=0.5).call(post(url)))
    assert (reply.arrival, reply.failure) == (Arrival.NEVER_LEFT, "network")
    assert seconds < 1.5


def test_a_host_that_lets_connections_hang_never_got_the_message(transport: Make) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        waiting = [socket.socket() for _place in range(3)]
        for one in waiting:  # the queue of connections to accept is full now, and more are not answered
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        calls = transport(workers=1, timeout=0.4)
        url = f"http://127.0.0.1:{full.getsockname()[1]}"
        for _call in range(3):
            reply, seconds = timed(lambda: calls.call(post(url)))
            assert (reply.arrival, reply.failure) == (Arrival.NEVER_LEFT, "network")
            assert seconds < 1.4
        for one in waiting:
            one.close()


class Stuck:
    """A way to the API that hangs in the name lookup until `go`, where no socket can be shut down."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.hanging: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.sent: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def exchange(self, _request: Request, flight: Flight, _timeout: float) -> Reply:
        self.hanging.put(None)
        self.go.wait(30)
        try:
            flight.leaving(None)
        except FlightOverError:
            self.sent.put(False)
        else:
            self.sent.put(True)
        return Reply(Arrival.SILENT, failure="network")

    def close(self) -> None:
        self.go.set()


def test_a_call_that_hangs_in_a_lookup_is_given_up_and_can_never_be_sent_later(
    threads: MakeThreads,
) -> None:
    stuck = Stuck()
    one = threads(workers=2, timeout=0.1, make_wire=lambda: stuck)
    for _call in range(2):
        assert one.call(post("http://slow.dns")).arrival is Arrival.NEVER_LEFT
        assert one.free() == 2
    for _call in range(2):
        assert one.call(post("http://slow.dns")).arrival is Arrival.NEVER_LEFT
    assert one.free() == 0, "no more than `workers` threads are given up"
    assert stuck.hanging.qsize() == 4
    stuck.go.set()
    assert [stuck.sent.get(timeout=5) for _thread in range(4)] == [False] * 4
    while one.free() < 2:
        stuck.go.wait(0.01)


class Names:
    """A name service whose answers a test decides, or holds back."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []
        self.go = threading.Event()
        self.go.set()

    def __call__(self, host: str, port: int) -> list[tuple[Any, ...]]:
        self.asked.append((host, port))
        self.go.wait(30)
        if not self.answers:
            raise socket.gaierror(-2, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (self.answers.pop(0), port))]


def test_libcurl_is_told_the_addresses_and_a_name_is_asked_for_once() -> None:
    names = Names("127.0.0.1")
    with Loopback(answering()) as server:
        one = Pumped(CurlCourier(2, 5.0, look_up=names))
        replies = one.calls(*[post(f"http://api.example.test:{server.port}")] * 5)
        one.close()
    assert [reply.arrival for reply in replies] == [Arrival.ANSWERED] * 5
    assert [host for host, _port in names.asked] == ["api.example.test"]
    assert b"Host: api.example.test" in server.requests[0]


def test_a_lookup_that_hangs_ends_at_the_deadline_and_nothing_is_sent_when_it_comes_back() -> None:
    names = Names("127.0.0.1")
    names.go.clear()
    with Loopback(answering()) as server:
        one = Pumped(CurlCourier(2, 0.3, look_up=names))
        url = f"http://api.example.test:{server.port}"
        replies, seconds = timed(lambda: one.calls(post(url), post(url)))
        assert [(reply.arrival, reply.failure) for reply in replies] == [(Arrival.NEVER_LEFT, "network")] * 2
        assert seconds < 1.5
        assert one.free() == 2
        names.go.set()
        assert one.call(post(url), 5.0).arrival is Arrival.ANSWERED
        one.close()
    assert len(names.asked) == 1, "one lookup at a time, however many calls wait"
    assert len(server.requests) == 1


def test_a_call_to_a_name_that_nobody_knows_is_not_left_to_libcurl() -> None:
    names = Names()
    one = Pumped(CurlCourier(2, 2.0, look_up=names))
    with Loopback(answering()) as server:
        for _call in range(4):
            reply = one.call(post(f"http://localhost:{server.port}"))
            assert (reply.arrival, reply.detail) == (Arrival.NEVER_LEFT, "the host name is not known")
        assert server.requests == []
    one.close()


def test_connections_that_were_closed_while_nobody_looked_are_not_used() -> None:
    with Loopback(answering()) as server:
        one = CurlCourier(8, 5.0)
        for _round in range(5):
            assert {reply.arrival for reply in Pumped(one).calls(*[post(server.url)] * 8)} == {
                Arrival.ANSWERED
            }
            for connection in server.open():
                connection.shutdown(socket.SHUT_RDWR)
            # As the engine does it: it looks who is free, and only then sends.
            while one.free() < 8:
                pass
        one.close()


def test_an_answer_that_came_while_it_was_asked_who_is_free_is_not_waited_for() -> None:
    with Loopback(answering()) as server:
        one = CurlCourier(1, 5.0)
        one.start(0, post(server.url), b"{}")
        end = time.monotonic() + 0.3
        while time.monotonic() < end:
            one.free()
        replies, seconds = timed(lambda: one.arrived(4.0))
        assert [ticket for ticket, _reply in replies] == [0]
        assert seconds < 1
        one.close()


def test_where_libcurl_is_lacking_the_threads_are_taken(tmp_path: Path) -> None:
    (tmp_path / "pycurl.py").write_text("raise ImportError('no such library')\n")
    program = "from wxpush.channels.http.courier import best_courier; print(best_courier().__name__)"
    named = {
        path: subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for path in (str(tmp_path), "")
    }
    assert named == {str(tmp_path): "ThreadCourier", "": "CurlCourier"}


def test_a_name_that_is_gone_ends_the_calls_and_is_asked_for_again() -> None:
    now = [0.0]
    names = Names("127.0.0.1")
    found: queue.SimpleQueue[None] = queue.SimpleQueue()
    lookup = Lookup("api.example.test", 80, lambda: found.put(None), names, lambda: now[0])
    assert lookup.addresses() is None
    found.get(timeout=5)
    assert lookup.addresses() == ("127.0.0.1",)
    now[0] = 61.0
    assert lookup.addresses() == ("127.0.0.1",), "the old one serves while it is asked for anew"
    found.get(timeout=5)
    assert lookup.addresses() == ()
    assert lookup.addresses() is None
    found.get(timeout=5)
    assert len(names.asked) == 3


def test_a_fault_of_ours_in_a_thread_reaches_the_owner(threads: MakeThreads) -> None:
    class Faulty(Stuck):
        def exchange(self, _request: Request, _flight: Flight, _timeout: float) -> Reply:
            raise ZeroDivisionError

    told: queue.SimpleQueue[None] = queue.SimpleQueue()
    one = threads(workers=1, timeout=0.3, make_wire=Faulty, on_free=lambda: told.put(None))
    one.start(post("http://127.0.0.1"), lambda _reply: None)
    told.get(timeout=5)
    with pytest.raises(ZeroDivisionError):
        one.free()


def test_workers_come_back_after_deadlines(threads: MakeThreads) -> None:
    freed: queue.SimpleQueue[None] = queue.SimpleQueue()
    with Loopback(lambda _connection, _request: server.pause(60)) as server:
        one = threads(workers=1, timeout=0.2, on_free=lambda: freed.put(None))
        assert one.call(post(server.url)).arrival is Arrival.SILENT
        freed.get(timeout=5)
        assert one.free() == 1
    with Loopback(answering()) as server:
        assert one.call(post(server.url), 5.0).arrival is Arrival.ANSWERED


def test_a_call_that_waits_for_a_worker_past_its_deadline_is_never_sent(transport: Make) -> None:
    with Loopback(lambda _connection, _request: server.pause(60)) as server:
        one = transport(workers=1)
        one.courier.start(0, post(server.url), b"{}", 1.0)
        second = one.call(post(server.url, b'{"second":1}'), 0.3)
    assert second.arrival is Arrival.NEVER_LEFT
    assert len(server.requests) == 1


def test_a_huge_body_is_given_up_early(transport: Make) -> None:
    def behave(connection: socket.socket, _request: bytes) -> bool:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with Loopback(behave) as server:
        reply, seconds = timed(lambda: transport().call(post(server.url)))
    assert (reply.arrival, reply.failure) == (Arrival.SILENT, "bad_reply")
    assert seconds < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 * 1024


def test_a_gzip_bomb_is_not_unpacked(transport: Make) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    with Loopback(answering(bomb, "200 OK", "Content-Encoding: gzip")) as server:
        reply = transport().call(post(server.url))
    assert reply.body == bomb, "as it came, not unpacked"
    assert parse_body(reply) is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_never_followed(transport: Make, status: int) -> None:
    with Loopback(answering()) as elsewhere:
        location = f"Location: {elsewhere.url}/steal"
        with Loopback(answering(b"", f"{status} Moved", location)) as server:
            reply = transport().call(post(server.url))
    assert (reply.arrival, reply.status) == (Arrival.ANSWERED, status)
    assert elsewhere.requests == []


def test_proxies_and_cookies_of_elsewhere_are_ignored(
    transport: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        Loopback(answering()) as proxy,
        Loopback(answering(OK, "200 OK", "Set-Cookie: session=1")) as server,
    ):
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        one = transport(workers=1)
        one.call(post(server.url))
        one.call(post(server.url))
    assert proxy.requests == []
    assert b"cookie" not in server.requests[1].lower()


def test_a_configured_proxy_is_used(transport: Make) -> None:
    with Loopback(answering()) as proxy:
        reply = transport(proxy=proxy.url).call(post("http://api.weixin.invalid"))
    assert reply.arrival is Arrival.ANSWERED
    assert proxy.requests[0].startswith(b"POST http://api.weixin.invalid/")


def test_a_proxy_that_refuses_the_tunnel_means_that_nothing_left(transport: Make) -> None:
    with Loopback(answering(b"", "407 Proxy Authentication Required")) as proxy:
        reply = transport(proxy=proxy.url).call(post("https://api.weixin.invalid"))
    assert (reply.arrival, reply.failure) == (Arrival.NEVER_LEFT, "network")
    assert b"access_token" not in proxy.requests[0]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for localhost that nobody trusts, in one file."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", folder / "key.pem",
         "-out", folder / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    return folder / "cert.pem"


def tls_server(certificate: Path) -> Loopback:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    return Loopback(answering(), tls=context)


def test_an_untrusted_certificate_stops_the_message_whatever_the_environment_says(
    transport: Make, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    monkeypatch.setenv("CURL_CA_BUNDLE", str(certificate))
    with tls_server(certificate) as server:
        reply = transport().call(post(f"https://localhost:{server.port}"))
    assert (reply.arrival, reply.failure) == (Arrival.NEVER_LEFT, "network")
    assert reply.detail.startswith("certificate refused")
    assert server.requests == []


def test_a_certificate_of_another_host_is_refused(transport: Make, certificate: Path) -> None:
    with tls_server(certificate) as server:
        reply = transport(ca_file=certificate).call(post(f"https://127.0.0.1:{server.port}"))
    assert reply.arrival is Arrival.NEVER_LEFT
    assert server.requests == []


def test_an_authority_of_ones_own_is_trusted_when_configured(transport: Make, certificate: Path) -> None:
    with tls_server(certificate) as server:
        one = transport(workers=1, ca_file=certificate)
        replies = [one.call(post(f"https://localhost:{server.port}")) for _call in range(3)]
    assert [reply.arrival for reply in replies] == [Arrival.ANSWERED] * 3


def test_silence_over_tls_ends_at_the_deadline(transport: Make, certificate: Path) -> None:
    with tls_server(certificate) as server:
        server.behave = lambda _connection, _request: server.pause(60)
        one = transport(timeout=0.8, ca_file=certificate)
        reply, seconds = timed(lambda: one.call(post(f"https://localhost:{server.port}")))
    assert (reply.arrival, reply.failure) == (Arrival.SILENT, "timeout")
    assert seconds < 1.8


def reset(connection: socket.socket, _request: bytes) -> bool:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


@pytest.mark.parametrize(
    ("behave", "failure"),
    [
        (reset, "network"),
        (lambda _connection, _request: False, "network"),
        (lambda connection, _request: connection.sendall(b"garbage\r\n\r\n"), "bad_reply"),
        (lambda connection, _request: connection.sendall(http(OK)[:-5]), "bad_reply"),
    ],
    ids=["reset", "closed", "garbage", "cut body"],
)
def test_a_request_without_a_whole_answer_is_silent(
    transport: Make, behave: Callable[[socket.socket, bytes], bool], failure: str
) -> None:
    with Loopback(behave) as server:
        reply = transport().call(post(server.url))
    assert (reply.arrival, reply.failure) == (Arrival.SILENT, failure)


def test_a_kept_connection_that_is_reset_after_sending_is_silent_and_not_sent_again(transport: Make) -> None:
    def behave(connection: socket.socket, request: bytes) -> bool:
        if b"first" in request:
            connection.sendall(http(OK))
            return True
        return reset(connection, request)

    with Loopback(behave) as server:
        one = transport(workers=1)
        one.call(post(server.url, b'{"first":1}'))
        reply = one.call(post(server.url, b'{"second":1}'))
    assert (reply.arrival, reply.failure) == (Arrival.SILENT, "network")
    assert [b"second" in request for request in server.requests] == [False, True]


def test_a_kept_connection_that_was_closed_meanwhile_is_replaced(transport: Make) -> None:
    with Loopback(lambda connection, _request: connection.sendall(http(OK))) as server:
        one = transport(workers=1)
        for _call in range(3):
            assert one.call(post(server.url)).arrival is Arrival.ANSWERED
            one.courier.arrived(0.2)  # else it is a race whether the next one sees that it is closed


def test_closing_ends_the_calls_under_way(threads: MakeThreads) -> None:
    replies: queue.SimpleQueue[Reply] = queue.SimpleQueue()
    arrived: queue.SimpleQueue[None] = queue.SimpleQueue()

    def behave(_connection: socket.socket, _request: bytes) -> bool:
        arrived.put(None)
        return server.pause(60)

    with Loopback(behave) as server:
        one = threads(timeout=60.0)
        one.start(post(server.url), replies.put)
        arrived.get(timeout=5)
        one.close()
        assert replies.get(timeout=2).arrival is Arrival.SILENT


def test_no_log_line_and_no_reply_shows_the_token(
    transport: Make, caplog: pytest.LogCaptureFixture, certificate: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    broken_head = b"HTTP/1.1 200 OK\r\nbroken header line\r\nContent-Length: 2\r\n\r\n{}"
    behaviours = [answering(), answering(b"", "307 Moved", "Location: /x"), reset,
                  lambda connection, _request: connection.sendall(broken_head)]  # fmt: skip
    shown = []
    for behave in behaviours:
        with Loopback(behave) as server:
            shown.append(repr(transport().call(post(server.url))))
    for url in (f"http://127.0.0.1:{closed_port()}", "http://api.weixin.invalid", "http://[bad"):
        shown.append(repr(transport().call(post(url))))
    shown.append(repr(post("http://127.0.0.1")))
    shown += [f"{record.getMessage()} {record.exc_text} {record.exc_info}" for record in caplog.records]
    if isinstance(transport().courier, ThreadCourier):
        assert any("127.0.0.1" in line for line in shown), "the libraries do log"
    assert TOKEN not in "\n".join(shown)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None), ("0", 0.0), ("5", 5.0), (" 2.5 ", 2.5), ("999999999", 120.0), ("-1", None),
        ("NaN", None), ("inf", None), ("soon", None), ("", None), ("١", None),
        ("Mon, 23 Nov 2026 10:00:30 GMT", 30.0), ("Mon, 23 Nov 2026 09:00:00 GMT", 0.0),
        ("Wed, 23 Nov 2033 10:00:00 GMT", 120.0), ("Mon, 99 Nov 2026 10:00:00 GMT", None),
    ],
)  # fmt: skip
def test_retry_after_is_read_with_care(text: str | None, seconds: float | None) -> None:
    now = 1_795_428_000.0  # Mon, 23 Nov 2026 10:00:00 GMT
    assert parse_retry_after(text, lambda: now) == seconds


@given(st.text())
def test_any_retry_after_asks_for_two_minutes_at_most(text: str) -> None:
    seconds = parse_retry_after(text)
    assert seconds is None or 0 <= seconds <= 120


def test_a_retry_after_comes_with_the_reply(transport: Make) -> None:
    with Loopback(answering(b"busy", "503 Service Unavailable", "Retry-After: 7")) as server:
        reply = transport().call(post(server.url))
    assert (reply.status, reply.retry_after) == (503, 7.0)


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("GET /token?appid=wx1&secret=abc HTTP/1.1", "GET /token?appid=wx1&secret=*** HTTP/1.1"),
        ("/send?access_token=92_abc-D (Caused by x)", "/send?access_token=*** (Caused by x)"),
        ('{"access_token":"92_abc","expires_in":7200}', '{"access_token":"***","expires_in":7200}'),
        ("{'secret': 'abc', 'appid': 'wx1'}", "{'secret': '***', 'appid': 'wx1'}"),
        ("nothing to hide", "nothing to hide"),
    ],
)  # fmt: skip
def test_tokens_and_secrets_are_taken_out_of_texts(text: str, redacted: str) -> None:
    assert redact(text) == redacted


@pytest.mark.parametrize(
    ("body", "parsed"),
    [
        (b'{"errcode":0,"msgid":3717005636572528642}', {"errcode": 0, "msgid": 3717005636572528642}),
        (b'\xef\xbb\xbf{"errcode":43004}', {"errcode": 43004}),
        (b'{"errcode":43004,"errmsg":"\xe5\xbc"}', {"errcode": 43004, "errmsg": "\ufffd"}),
        (b'{"errcode":0,"msgid":1e30}', {"errcode": 0}),
        (b'{"errcode":0,"msgid":99999999999999999999}', {"errcode": 0}),
        (b'{"errcode":0,"msgid":true}', {"errcode": 0}),
        (b'{"access_token":"92_x","expires_in":7200}', {"access_token": "92_x", "expires_in": 7200}),
        (b'{"errcode":"0"}', None), (b'{"errcode":true}', None), (b'{"errcode":0.0}', None),
        (b'{"errcode":null}', None), (b"[]", None), (b"", None), (b"<html>502</html>", None),
        (b'{"errcode":0', None), (b"[" * 100_000, None), (b'{"errcode":' + b"9" * 5000 + b"}", None),
    ],
)  # fmt: skip
def test_a_body_is_believed_only_as_far_as_it_is_sound(body: bytes, parsed: dict | None) -> None:
    assert parse_body(Reply(Arrival.ANSWERED, 200, body)) == parsed


@given(st.binary())
def test_no_body_breaks_the_parser(body: bytes) -> None:
    parsed = parse_body(Reply(Arrival.ANSWERED, 200, body))
    assert parsed is None or isinstance(parsed, dict)
