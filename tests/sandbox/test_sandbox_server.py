"""The server: starting and stopping, outages, odd HTTP, the shown file, and what it doesn't keep."""

import contextlib
import http.client
import json
import socket
import stat
import sys
import threading
from urllib.request import urlopen

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox_caller import OPENID, SEND, Caller, openid

from wxpush.errors import InputError, StorageError
from wxpush.sandbox import Sandbox, Scenario, environment, serve
from wxpush.sandbox.wire import MAX_BODY, MAX_HEAD, BadRequestError, take


def exchange(sandbox, data):
    """What comes back for raw bytes, until the server hangs up."""
    with socket.create_connection(("127.0.0.1", int(sandbox.url.rpartition(":")[2])), timeout=5) as end:
        end.sendall(data)
        return b"".join(iter(lambda: end.recv(65536), b""))


def test_it_listens_on_loopback_only(start):
    sandbox = start().sandbox
    assert sandbox.url.startswith("http://127.0.0.1:")


def test_a_taken_port_is_said_plainly(start):
    port = int(start().sandbox.url.rpartition(":")[2])
    with pytest.raises(InputError, match=f"port {port}"):
        Sandbox(port=port).start()


def test_the_environment_points_at_it(start):
    sandbox = start().sandbox
    assert environment(sandbox) == {
        "WXPUSH_API_BASE": sandbox.url,
        "WXPUSH_APPID": sandbox.appid,
        "WXPUSH_SECRET": sandbox.secret,
    }


def test_start_and_stop_can_be_repeated_and_keep_state_and_port(calm):
    sandbox = Sandbox(calm)
    sandbox.start()
    sandbox.start()
    caller = Caller(sandbox)
    caller.send(client_msg_id="M1")
    url = sandbox.url
    caller.close()
    sandbox.stop()
    sandbox.stop()
    sandbox.start()
    assert sandbox.url == url
    caller.send(client_msg_id="M1")
    caller.close()
    sandbox.stop()
    assert len(sandbox.shown()) == 1


def test_no_thread_is_left_behind(calm):
    before = threading.active_count()
    with Sandbox(calm) as sandbox:
        caller = Caller(sandbox)
        caller.send()
    caller.close()
    assert threading.active_count() == before


def test_down_it_refuses_and_resets_and_comes_back_on_the_same_port(start):
    caller = start()
    caller.send()
    caller.sandbox.go_down()
    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected, BrokenPipeError)):
        caller.raw("GET", "/")
    with pytest.raises(ConnectionRefusedError):
        caller.raw("GET", "/")
    caller.sandbox.go_down()
    caller.sandbox.come_back()
    caller.sandbox.come_back()
    assert caller.send(client_msg_id="M1")["errcode"] == 0


def test_a_hook_may_start_an_outage(start):
    caller = start()
    caller.authorised(SEND)
    caller.sandbox.on_send(lambda _call: caller.sandbox.go_down(), "decided")
    with contextlib.suppress(ConnectionError):  # the answer and the reset race each other
        assert caller.send()["errcode"] == 0
    caller.close()
    with pytest.raises(ConnectionError):
        caller.send()
    assert len(caller.sandbox.shown()) == 1


def test_going_down_needs_a_running_sandbox():
    with pytest.raises(RuntimeError, match="not running"):
        Sandbox().go_down()


def test_silent_calls_end_when_it_stops(calm):
    sandbox = Sandbox(calm)
    sandbox.start()
    sandbox.set_faults({"send": {"silence_after": {}}})
    caller = Caller(sandbox, timeout=20)
    caller.token = caller.stable()["access_token"]
    failures = []

    def call():
        try:
            caller.send_raw()
        except OSError as error:
            failures.append(error)

    received = threading.Event()
    sandbox.on_send(lambda _call: received.set(), "decided")
    thread = threading.Thread(target=call)
    thread.start()
    assert received.wait(5)
    sandbox.stop()
    thread.join(5)
    assert len(failures) == 1


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"hello\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 505),
        (b"GET http://elsewhere/ HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nbroken\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nA : b\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999999999\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY + 1), 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        (b"GET / HTTP/1.1\r\nA: " + b"a" * MAX_HEAD + b"\r\n\r\n", 431),
        (b"a" * (MAX_HEAD + 1), 431),
    ],
)
def test_odd_http_is_refused_and_hung_up(start, data, status):
    sandbox = start().sandbox
    assert exchange(sandbox, data).startswith(b"HTTP/1.1 %d " % status)
    with urlopen(f"{sandbox.url}/x", timeout=5) as answer:
        assert answer.status == 200


def test_an_old_client_and_a_closing_one_are_hung_up(start):
    sandbox = start().sandbox
    for data in (b"GET /x HTTP/1.0\r\n\r\n", b"GET /x HTTP/1.1\r\nConnection: close\r\n\r\n"):
        assert b'"errcode":40066' in exchange(sandbox, data)


def test_requests_in_one_packet_are_answered_in_their_order(start):
    caller = start()
    token = caller.stable()["access_token"]
    one = b"POST %s?access_token=%s HTTP/1.1\r\nContent-Length: 0\r\n\r\n" % (SEND.encode(), token.encode())
    two = b"GET /x HTTP/1.1\r\nConnection: close\r\n\r\n"
    answer = exchange(caller.sandbox, one * 50 + two)
    assert answer.count(b'"errcode":44002') == 50
    assert b'"errcode":40066' in answer.rpartition(b'"errcode":44002')[2]


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_requests_are_found_however_they_are_split(bodies, chance):
    data = b"".join(
        b"POST /p?q=1 HTTP/1.1\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body) for body in bodies
    )
    buffer, found = bytearray(), []
    while data:
        size = chance.randint(1, len(data))
        buffer += data[:size]
        data = data[size:]
        while (taken := take(buffer)) is not None:
            found.append(taken[0])
    assert [ask.body for ask in found] == bodies
    assert {(ask.method, ask.path, ask.query) for ask in found} == {("POST", "/p", "q=1")}
    assert not buffer


@given(st.binary(max_size=300))
def test_any_bytes_are_a_request_or_none_or_bad(data):
    assert outcome(data + b"\r\n\r\n") in (None, "request", 400, 411, 413, 431, 505)


def outcome(data):
    """What the parser makes of `data`: None for too little, "request", or the status of its refusal."""
    try:
        return None if take(bytearray(data)) is None else "request"
    except BadRequestError as error:
        return error.status


def test_the_shown_file_has_a_line_for_each_message_before_its_answer(start, tmp_path):
    path = tmp_path / "shown.jsonl"
    caller = start({"remember_shown": False}, shown=path)
    for number in range(3):
        caller.send(openid(number), client_msg_id=f"M{number}")
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) == number + 1
    last = json.loads(lines[-1])
    assert (last["openid"], last["client_msg_id"], last["data"]["thing1"]) == (openid(2), "M2", "龙井茶礼盒")
    assert caller.sandbox.shown() == []
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_shown_file_is_continued_not_replaced(start, tmp_path):
    path = tmp_path / "shown.jsonl"
    for _ in range(2):
        start(shown=path).send()
    assert len(path.read_text(encoding="utf-8").splitlines()) == 2


def test_a_shown_file_that_cannot_be_written_is_said_plainly(tmp_path):
    with pytest.raises(StorageError, match="nowhere"):
        Sandbox(shown=tmp_path / "nowhere" / "shown.jsonl")


def test_a_lone_surrogate_breaks_nothing(start, tmp_path):
    caller = start(shown=tmp_path / "shown.jsonl")
    body = {"touser": OPENID, "template_id": "x", "data": {}}
    assert caller.post(SEND, json.dumps({**body, "url": "\ud800"}).encode())["errcode"] == 40037
    raw = json.dumps({**body, "template_id": "\ud800"}).encode()
    assert caller.post(SEND, raw)["errcode"] == 40037


def test_only_the_last_calls_are_kept_but_all_are_counted(start):
    caller = start({"remember_calls": 5})
    for number in range(20):
        caller.send(openid(number))
    assert [call.openid for call in caller.sandbox.calls()] == [openid(n) for n in range(15, 20)]
    assert caller.sandbox.requests_by_path == {"/cgi-bin/stable_token": 1, SEND: 20}


def test_serving_in_the_foreground_ends_at_its_stop():
    stop, asked = threading.Event(), []

    def ready(sandbox):
        with urlopen(f"{sandbox.url}/x", timeout=5) as answer:
            asked.append(answer.status)
        stop.set()

    serve(Scenario(), on_ready=ready, stop=stop)
    assert asked == [200]
