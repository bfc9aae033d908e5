"""The sandbox tells what became of a message, as often, as late and as badly as it is asked to."""

import json
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from urllib.parse import parse_qsl, urlsplit

import pytest
from sandbox_caller import openid

from tests.pushes import AES_KEY
from wxpush.channels.wechat.callback import Callback
from wxpush.config import Secret
from wxpush.errors import InputError, ProblemsError
from wxpush.model import Receipt
from wxpush.sandbox import Scenario
from wxpush.sandbox.scenario import from_mapping

QUICK = {"enabled": True, "delay_ms": "0-20"}


class Listener:
    """A server URL that keeps what it gets; `replies` are used up first to last, and then it is `success`."""

    def __init__(self):
        self.got = []
        self.replies = []
        self.mute = Event()
        listener = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.got.append((self.path, body))
                reply = listener.replies.pop(0) if listener.replies else (200, b"success")
                if reply is None:
                    listener.mute.wait(10)
                    self.close_connection = True
                    return
                self.send_response(reply[0])
                self.send_header("Content-Length", str(len(reply[1])))
                self.end_headers()
                self.wfile.write(reply[1])

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/wechat"


@pytest.fixture
def listener():
    listener = Listener()
    thread = Thread(target=listener.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield listener
    listener.mute.set()
    listener.server.shutdown()
    thread.join()
    listener.server.server_close()


def over(sandbox):
    """Every event, when none is left."""
    deadline = time.monotonic() + 10
    while sandbox.events_left:
        assert time.monotonic() < deadline, "events are left"
        time.sleep(0.01)
    return sandbox.pushed()


def bodies_of(sandbox):
    """Where events of this sandbox arrive within the process."""
    got = []
    sandbox.on_events(got.extend)
    return got


def test_without_being_asked_nothing_is_told(start):
    sandbox = start().sandbox
    assert (sandbox.events_left, sandbox.pushed()) == (0, [])
    with pytest.raises(ValueError, match="no events"):
        sandbox.on_events(print)


def test_an_accepted_message_has_its_event(start):
    caller = start({"events": QUICK})
    got = bodies_of(caller.sandbox)
    msgid = caller.send()["msgid"]
    (pushed,) = over(caller.sandbox)
    assert (pushed.msgid, pushed.status, pushed.answered) == (msgid, "success", True)
    assert f"<MsgID>{msgid}</MsgID>".encode() in got[0]
    assert b"<![CDATA[TEMPLATESENDJOBFINISH]]>" in got[0]


def test_a_refused_message_has_none(start):
    caller = start({"events": QUICK, "followers": {"states": {openid(1): "refused"}}})
    assert caller.send(openid(1))["errcode"] == 43101
    assert over(caller.sandbox) == []


def test_who_refuses_later_is_accepted_and_not_shown(start):
    caller = start({"events": QUICK, "followers": {"states": {openid(1): "refuses_later"}}})
    assert caller.send(openid(1))["errcode"] == 0
    (pushed,) = over(caller.sandbox)
    assert (pushed.openid, pushed.status) == (openid(1), "failed:user block")
    assert caller.sandbox.shown() == []


def test_shares_of_statuses(start):
    statuses = {"failed:user block": "20%", "failed: system failed": "30%"}
    caller = start({"events": {**QUICK, "statuses": statuses}})
    for number in range(200):
        caller.send(openid(number))
    counted = Counter(one.status for one in over(caller.sandbox))
    assert counted.total() == 200
    assert 20 <= counted["failed:user block"] <= 60
    assert 35 <= counted["failed: system failed"] <= 85
    assert len(caller.sandbox.shown()) == counted["success"]


def test_doubles_losses_and_messages_without_a_number(start):
    caller = start({"events": {**QUICK, "duplicate": "100%", "msgid_zero": "50%", "loss": "20%"}})
    for number in range(100):
        caller.send(openid(number))
    pushed = over(caller.sandbox)
    told = Counter(one.openid for one in pushed)
    assert set(told.values()) == {2}
    assert 65 <= len(told) <= 92
    assert 0.3 < sum(not one.msgid for one in pushed) / len(pushed) < 0.7


def told_order(start, disorder):
    caller = start({"events": {"enabled": True, "delay_ms": "0-200", "disorder": disorder}})
    for number in range(50):
        caller.send(openid(number))
    return [one.openid for one in over(caller.sandbox)]


def test_order_and_disorder(start):
    in_order = [openid(number) for number in range(50)]
    assert told_order(start, disorder=False) == in_order
    mixed = told_order(start, disorder=True)
    assert mixed != in_order
    assert sorted(mixed) == sorted(in_order)


def test_a_held_message_has_its_event_when_it_has_passed(start, clock):
    caller = start({"events": QUICK, "review": {"chance": "100%", "after_s": 600}})
    assert caller.send()["errcode"] == 40252
    assert over(caller.sandbox) == []
    clock.advance(601)
    deadline = time.monotonic() + 5
    while not caller.sandbox.pushed():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert [one.status for one in caller.sandbox.pushed()] == ["success"]


def test_people_who_come_and_go(start):
    sandbox = start({"events": {**QUICK, "disorder": False}}).sandbox
    sandbox.unfollow(openid(1))
    sandbox.unfollow(openid(1))
    sandbox.follow(openid(1))
    assert [(one.openid, one.status) for one in over(sandbox)] == [
        (openid(1), "unsubscribe"),
        (openid(1), "subscribe"),
    ]


@pytest.mark.parametrize("form", ["xml", "json"])
@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
def test_pushes_are_what_a_callback_takes(start, clock, listener, mode, form):
    events = {**QUICK, "url": listener.url, "mode": mode, "format": form, "aes_key": AES_KEY}
    caller = start({"events": events})
    msgid = caller.send()["msgid"]
    (pushed,) = over(caller.sandbox)
    assert (pushed.answered, pushed.tries) == (True, 1)
    ((path, body),) = listener.got
    keys = [] if mode == "plain" else [Secret(AES_KEY)]
    callback = Callback(Secret("sandbox"), caller.sandbox.appid, keys)
    receipt = callback.open(urlsplit(path).query, body, clock())
    assert isinstance(receipt, Receipt)
    assert (receipt.msgid, receipt.status) == (msgid, "success")
    assert (b"TEMPLATESENDJOBFINISH" in body) == (mode != "safe")


def test_a_push_without_an_answer_goes_out_three_times_as_it_was(start, listener):
    listener.replies = [None, (503, b""), (500, b"")]
    caller = start({"events": {**QUICK, "url": listener.url, "timeout_s": 0.2}})
    caller.send()
    (pushed,) = over(caller.sandbox)
    assert (pushed.answered, pushed.tries) == (False, 3)
    assert len(listener.got) == 3
    assert len(set(listener.got)) == 1


def test_a_later_try_may_be_taken(start, listener):
    listener.replies = [(503, b""), (200, b"")]
    caller = start({"events": {**QUICK, "url": listener.url}})
    caller.send()
    (pushed,) = over(caller.sandbox)
    assert (pushed.answered, pushed.tries) == (True, 2)


def test_a_url_with_a_query_keeps_it(start, listener):
    caller = start({"events": {**QUICK, "url": f"{listener.url}?shop=1"}})
    caller.send()
    over(caller.sandbox)
    query = dict(parse_qsl(urlsplit(listener.got[0][0]).query))
    assert query.keys() == {"shop", "signature", "timestamp", "nonce"}


def test_a_url_that_is_down_holds_no_call_up(start):
    caller = start({"events": {**QUICK, "url": "http://127.0.0.1:9/"}})
    begun = time.monotonic()
    for number in range(20):
        assert caller.send(openid(number))["errcode"] == 0
    assert time.monotonic() - begun < 2
    caller.sandbox.stop()
    assert time.monotonic() - begun < 4


@pytest.mark.parametrize(
    "events",
    [
        {"mode": "safe"},
        {"mode": "safe", "aes_key": "short"},
        {"statuses": {"a": "60%", "b": "60%"}},
        {"url": "ftp://x"},
        {"format": "yaml"},
    ],
)
def test_what_cannot_be_is_refused(events):
    with pytest.raises(ProblemsError):
        from_mapping({"version": 1, "events": events})


def test_a_url_of_the_command_line_is_looked_at():
    assert Scenario().with_events("http://127.0.0.1:1/x").events.url == "http://127.0.0.1:1/x"
    with pytest.raises(InputError, match="--events"):
        Scenario().with_events("nowhere")


def test_json_is_one_object(start):
    caller = start({"events": {**QUICK, "format": "json"}})
    got = bodies_of(caller.sandbox)
    caller.send()
    over(caller.sandbox)
    assert json.loads(got[0])["Status"] == "success"
