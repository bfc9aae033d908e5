"""The channel as the engine sees it, against a WeChat on loopback."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from loopback import Loopback, answering

from wxpush.channels.http.courier import MakeCourier, ThreadCourier
from wxpush.channels.http.curl import CurlCourier
from wxpush.channels.wechat.client import SEND_PATH, WeChatChannel, WeChatClient, make_keeper
from wxpush.config import Account, Directories, OutsideToken, Secret
from wxpush.delivery.ports import Channel
from wxpush.errors import StoppedError
from wxpush.model import Answered, Arrival, Event, Quota, QuotaRead, Trouble, VerdictKind
from wxpush.sandbox import Account as SandboxAccount
from wxpush.sandbox import AllowList, Sandbox, Scenario, Template, TokenSettings

STABLE = "/cgi-bin/stable_token"
TEMPLATE = "ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY"


def openid(number: int) -> str:
    return f"o{number:027d}"


def payload(number: int = 0) -> str:
    data = {"thing1": {"value": f"长白山人参 {number} & 蜂蜜"}}
    message = {"touser": openid(number), "template_id": TEMPLATE, "data": data}
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


class Desk:
    """A channel with its account's state, and what came of each ticket."""

    def __init__(
        self, account: Account, home: Path, make: MakeCourier, *, workers: int = 4, timeout: float = 5.0
    ) -> None:
        self.account = account
        self.directories = Directories(home)
        self.keeper = make_keeper(account, self.directories)
        self.channel = WeChatChannel(
            account, self.keeper, workers=workers, timeout=timeout, make_courier=make
        )
        self.seen: list[Event] = []

    def wait_for(self, done: Callable[[], object], seconds: float = 10.0) -> None:
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end, f"still waiting; seen: {self.seen}"
            self.seen += self.channel.replies(0.2)

    def ready(self) -> None:
        self.wait_for(lambda: self.channel.free() > 0)

    def send(self, ticket: int, number: int = 0, client_msg_id: str = "") -> Answered:
        self.ready()
        self.channel.submit(ticket, payload(number), client_msg_id or f"id-{ticket}")
        self.wait_for(lambda: self.answer(ticket))
        found = self.answer(ticket)
        assert found is not None
        return found

    def answer(self, ticket: int) -> Answered | None:
        return next((one for one in self.seen if isinstance(one, Answered) and one.ticket == ticket), None)

    def trouble(self) -> list[Trouble]:
        return [event for event in self.seen if isinstance(event, Trouble)]

    def client(self) -> WeChatClient:
        return WeChatClient(self.account, self.keeper, sleep=lambda _seconds: None)


@pytest.fixture
def wechat() -> Iterator[Sandbox]:
    with Sandbox(Scenario(any_template=True)) as sandbox:
        yield sandbox


Open = Callable[..., Desk]


@pytest.fixture(params=[ThreadCourier, CurlCourier], ids=["requests", "curl"])
def desk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Open]:
    opened: list[Desk] = []

    def make(place: Sandbox | Loopback, **options: object) -> Desk:
        changes = {name: options.pop(name) for name in ("secret", "token") if name in options}
        if isinstance(place, Sandbox):
            account = Account("shop", place.appid, Secret(place.secret), "stable", place.url)
        else:
            source = OutsideToken(command="echo 92_outside")
            account = Account("shop", "wx0123456789abcdef", None, source, place.url)
        opened.append(Desk(replace(account, **changes), tmp_path / "home", request.param, **options))
        return opened[-1]

    yield make
    for one in opened:
        one.channel.close()


def test_the_channel_is_what_the_engine_asks_for(wechat: Sandbox, desk: Open) -> None:
    channel: Channel = desk(wechat).channel
    assert channel.free() == 0


def test_a_message_is_accepted_with_its_64_bit_msgid(wechat: Sandbox, desk: Open) -> None:
    found = desk(wechat).send(7)
    assert (found.verdict.kind, found.verdict.arrival) == (VerdictKind.ACCEPTED, Arrival.ANSWERED)
    assert found.verdict.msgid is not None
    assert found.verdict.msgid > 2**53
    assert 0 < found.seconds < 5


def test_the_body_is_raw_utf8_with_the_client_msg_id(wechat: Sandbox, desk: Open) -> None:
    with Loopback(answering()) as server:
        desk(server).send(1, client_msg_id='odd"id')
    body = server.requests[0].partition(b"\r\n\r\n")[2]
    assert body.decode().startswith(payload()[:-1])
    assert "长白山人参".encode() in body
    assert json.loads(body)["client_msg_id"] == 'odd"id'


def test_without_a_token_nothing_is_free_and_its_arrival_is_announced(wechat: Sandbox, desk: Open) -> None:
    one = desk(wechat)
    assert one.channel.free() == 0
    assert one.channel.replies(10.0) == []
    assert one.channel.free() == 4


def test_many_messages_are_answered_once_each(wechat: Sandbox, desk: Open) -> None:
    one = desk(wechat, workers=8)
    waiting = list(range(200))
    while waiting:
        one.ready()
        for _free in range(one.channel.free()):
            if waiting:
                ticket = waiting.pop()
                one.channel.submit(ticket, payload(ticket), f"id-{ticket}")
        one.seen += one.channel.replies(0.0)
    one.wait_for(lambda: len(one.seen) >= 200)
    assert sorted(event.ticket for event in one.seen if isinstance(event, Answered)) == list(range(200))
    assert len({shown.openid for shown in wechat.shown()}) == 200
    assert wechat.requests_by_path == {STABLE: 1, SEND_PATH: 200}


def test_no_more_calls_run_at_once_than_there_are_workers(desk: Open) -> None:
    go = threading.Event()

    def behave(connection: object, request: bytes) -> bool | None:
        go.wait(10)
        return answering()(connection, request)

    with Loopback(behave) as server:
        one = desk(server, workers=2)
        one.ready()
        one.channel.submit(1, payload(1), "id-1")
        one.channel.submit(2, payload(2), "id-2")
        assert one.channel.free() == 0
        go.set()
        one.wait_for(lambda: len(one.seen) == 2)
        assert one.channel.free() == 2


def test_a_recipients_fault_is_his_own(wechat: Sandbox, desk: Open) -> None:
    wechat.unfollow(openid(3))
    one = desk(wechat)
    assert one.send(1, number=3).verdict.code == "43004"
    assert one.send(2, number=4).verdict.kind is VerdictKind.ACCEPTED


def test_a_replaced_token_is_renewed_once_and_the_message_can_go_again(wechat: Sandbox, desk: Open) -> None:
    one = desk(wechat)
    one.send(1, number=1)
    wechat.replace_token()
    one.ready()
    for ticket in (2, 3, 4):
        one.channel.submit(ticket, payload(ticket), f"id-{ticket}")
    one.wait_for(lambda: all(one.answer(ticket) for ticket in (2, 3, 4)))
    refused = [one.answer(ticket) for ticket in (2, 3, 4)]
    assert [(found.verdict.kind, found.verdict.token_refused) for found in refused if found] == [
        (VerdictKind.AGAIN, True)
    ] * 3
    assert one.send(5, number=2, client_msg_id="id-2").verdict.kind is VerdictKind.ACCEPTED
    assert wechat.requests_by_path[STABLE] == 2
    assert one.channel.token_fetches == 2
    assert one.trouble() == []


def test_a_wrong_secret_is_trouble_that_stops(wechat: Sandbox, desk: Open) -> None:
    one = desk(wechat, secret=Secret("f" * 32))
    one.channel.free()
    one.wait_for(one.trouble)
    assert one.trouble()[0].verdict.kind is VerdictKind.STOP
    assert one.channel.free() == 0
    assert "f" * 32 not in repr(one.seen)


def test_a_fault_from_before_the_sending_is_told_to_it_too(wechat: Sandbox, desk: Open) -> None:
    one = desk(wechat, secret=Secret("f" * 32))
    with pytest.raises(StoppedError):
        one.client().quota()
    late = WeChatChannel(one.account, one.keeper, workers=1, timeout=5.0)
    told = late.replies(5.0)
    late.close()
    assert [event.verdict.kind for event in told if isinstance(event, Trouble)] == [VerdictKind.STOP]


@pytest.mark.parametrize("calls", ["token", "every"])
def test_an_address_outside_the_allow_list_stops_and_is_shown(desk: Open, calls: str) -> None:
    with Sandbox(Scenario(allow_list=AllowList(calls, ("10.0.0.1",), "203.0.113.7"))) as sandbox:
        one = desk(sandbox)
        one.channel.free()
        one.wait_for(one.trouble)
    found = one.trouble()[0]
    assert found.verdict.code == "40164"
    assert "203.0.113.7" in f"{found.message} {found.hint}"


def test_an_unreachable_wechat_is_passing_trouble(wechat: Sandbox, desk: Open) -> None:
    wechat.go_down()
    one = desk(wechat)
    one.channel.free()
    one.wait_for(one.trouble)
    assert one.trouble()[0].verdict.kind is VerdictKind.AGAIN
    wechat.come_back()
    assert one.send(1).verdict.kind is VerdictKind.ACCEPTED


def test_each_failure_to_get_a_token_is_told(desk: Open) -> None:
    with Loopback(answering(b"<html>", "502 Bad Gateway")) as server:
        one = desk(server, token="stable", secret=Secret("s" * 32))
        one.wait_for(lambda: one.channel.free() or len(one.trouble()) >= 3, seconds=30)
        assert len(one.trouble()) == len(server.requests) == 3


def test_a_call_waits_for_a_token_no_longer_than_its_patience(wechat: Sandbox, desk: Open) -> None:
    wechat.go_down()
    one = desk(wechat)
    client = WeChatClient(one.account, one.keeper, patience=0.3)
    start = time.monotonic()
    with pytest.raises(StoppedError) as raised:
        client.quota()
    client.close()
    assert raised.value.code == "network"
    assert time.monotonic() - start < 3


def test_what_failed_before_the_sending_does_not_make_it_wait(wechat: Sandbox, desk: Open) -> None:
    """After some failures a keeper rests for seconds; a channel that begins then tries at once."""
    wechat.go_down()
    one = desk(wechat)
    one.wait_for(lambda: one.channel.free() or len(one.trouble()) >= 4, seconds=30)
    late = WeChatChannel(one.account, one.keeper, workers=1, timeout=5.0)
    start = time.monotonic()
    found: list[object] = []
    while not found and time.monotonic() - start < 5:
        late.free()
        found = [event for event in late.replies(0.1) if isinstance(event, Trouble)]
    late.close()
    assert found
    assert time.monotonic() - start < 0.5


def test_a_token_refused_again_and_again_stops(desk: Open, tmp_path: Path) -> None:
    counter = iter(range(100))

    def behave(connection: object, request: bytes) -> bool | None:
        if b"stable_token" in request:
            body = {"access_token": f"92_{next(counter)}", "expires_in": 7200}
        else:
            body = {"errcode": 40001, "errmsg": "invalid credential"}
        return answering(body)(connection, request)

    with Loopback(behave) as server:
        one = desk(server, token="stable", secret=Secret("s" * 32))
        for ticket in range(3):
            assert one.send(ticket).verdict.token_refused
        one.wait_for(one.trouble)
    assert one.trouble()[0].verdict.kind is VerdictKind.STOP
    assert len([request for request in server.requests if b"stable_token" in request]) == 3


@pytest.mark.parametrize(
    ("faults", "arrival"),
    [
        ({"send": {"silence_after": {"every": 1}}}, Arrival.SILENT),
        ({"send": {"cut_after": {"every": 1}}}, Arrival.SILENT),
        ({"send": {"cut_before": {"every": 1}}}, Arrival.SILENT),
        ({"send": {"bad_gateway": {"every": 1}}}, Arrival.SILENT),
        ({"send": {"broken_json": {"every": 1}}}, Arrival.SILENT),
        ({"send": {"system_error": {"every": 1}}}, Arrival.BUSY),
    ],
)
def test_what_leaves_a_message_open_is_said_so(
    wechat: Sandbox, desk: Open, faults: dict, arrival: Arrival
) -> None:
    one = desk(wechat, timeout=0.6)
    one.ready()
    wechat.set_faults(faults)
    found = one.send(1)
    assert (found.verdict.kind, found.verdict.arrival) == (VerdictKind.AGAIN, arrival)


def test_a_lost_connection_before_sending_leaves_the_message_where_it_was(
    wechat: Sandbox, desk: Open
) -> None:
    one = desk(wechat)
    one.ready()
    wechat.go_down()
    assert one.send(1).verdict.arrival is Arrival.NEVER_LEFT


def test_waking_ends_a_wait_from_another_thread(wechat: Sandbox, desk: Open) -> None:
    one = desk(wechat)
    one.ready()
    threading.Timer(0.05, one.channel.wake).start()
    start = time.monotonic()
    assert one.channel.replies(30.0) == []
    assert time.monotonic() - start < 5


def test_waking_a_channel_that_is_closed_does_no_harm(wechat: Sandbox, desk: Open) -> None:
    one = desk(wechat)
    one.channel.close()
    one.channel.wake()


def test_the_quota_is_read_beside_the_sending(wechat: Sandbox, desk: Open) -> None:
    one = desk(wechat)
    one.send(1)
    one.channel.read_quota()
    one.wait_for(lambda: any(isinstance(event, QuotaRead) for event in one.seen))
    assert QuotaRead(Quota(100_000, 1, 99_999)) in one.seen


def test_a_quota_that_cannot_be_read_comes_with_the_reason(desk: Open) -> None:
    with Loopback(answering({"errcode": 76022, "errmsg": "no permission"})) as server:
        one = desk(server)
        one.channel.read_quota()
        one.wait_for(lambda: one.seen)
    assert isinstance(one.seen[0], QuotaRead)
    assert one.seen[0].quota is None
    assert "76022" in one.seen[0].detail


@pytest.mark.parametrize(
    "answer", [{"errcode": 0}, {"quota": {}}, {"quota": {"daily_limit": "5", "used": 1}}]
)
def test_an_odd_answer_about_the_quota_is_no_quota(desk: Open, answer: dict) -> None:
    with Loopback(answering(answer)) as server, pytest.raises(StoppedError) as caught:
        desk(server).client().quota()
    assert caught.value.code == "bad_reply"


def test_the_templates_of_the_account_are_listed(desk: Open) -> None:
    template = Template(TEMPLATE, "订单发货通知", "商品名称:{{thing1.DATA}}")
    with Sandbox(Scenario(templates=(template,))) as sandbox:
        found = desk(sandbox).client().private_templates()
    assert [(one["template_id"], one["title"]) for one in found] == [(TEMPLATE, "订单发货通知")]


def test_a_control_call_goes_again_with_a_new_token(wechat: Sandbox, desk: Open) -> None:
    one = desk(wechat)
    client = one.client()
    client.quota()
    wechat.replace_token()
    assert client.quota().limit == 100_000
    assert wechat.requests_by_path[STABLE] == 2


def test_a_control_call_tries_again_on_passing_trouble(desk: Open) -> None:
    answers = iter([{"errcode": -1}, {"errcode": -1}, {"quota": {"daily_limit": 9, "used": 2, "remain": 7}}])
    with Loopback(lambda connection, request: answering(next(answers))(connection, request)) as server:
        assert desk(server).client().quota() == Quota(9, 2, 7)


def test_a_control_call_gives_up_with_code_and_remedy(desk: Open) -> None:
    with Loopback(answering({"errcode": 48001, "errmsg": "api unauthorized rid: 1-2-3"})) as server:
        with pytest.raises(StoppedError, match="48001") as caught:
            desk(server).client().private_templates()
        assert len(server.requests) == 1
    assert caught.value.code == "48001"
    assert caught.value.hint


def test_a_silent_control_call_ends(desk: Open) -> None:
    with Sandbox(Scenario(account=SandboxAccount(token_refused=40243))) as sandbox:
        with pytest.raises(StoppedError) as caught:
            desk(sandbox).client().quota()
        assert caught.value.code == "40243"


def test_nothing_shows_a_token_or_a_secret(
    desk: Open, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []
    tokens: set[str] = set()
    scenario = Scenario(any_template=True, tokens=TokenSettings(lifetime_s=7200))
    with Sandbox(scenario) as sandbox:
        for kind in ("stable", "classic"):
            one = desk(sandbox, token=kind, timeout=0.5)
            one.send(1)
            sandbox.replace_token()
            one.send(2)
            sandbox.set_faults({"send": {"silence_after": {"every": 1}}})
            one.send(3)
            sandbox.set_faults({})
            tokens |= {call.token for call in sandbox.calls(SEND_PATH) if call.token}
            sandbox.go_down()
            one.send(4)
            with pytest.raises(StoppedError) as caught:
                one.client().quota()
            shown += [repr(caught.value), repr(one.seen), repr(one.account), repr(one.keeper.show())]
            sandbox.come_back()
            one.keeper.clear()
        secret = sandbox.secret
    shown += [record.getMessage() + str(record.exc_info) for record in caplog.records]
    shown += capfd.readouterr()
    text = "\n".join(shown)
    assert len(tokens) >= 3
    assert "stable_token" in text, "the libraries do log"
    assert [word for word in (secret, *tokens) if word in text] == []


def test_a_message_without_a_token_stays_where_it_was(wechat: Sandbox, desk: Open) -> None:
    one = desk(wechat)
    one.channel.submit(1, payload(), "id-1")
    one.wait_for(lambda: one.answer(1))
    found = one.answer(1)
    assert found is not None
    assert (found.verdict.kind, found.verdict.arrival) == (VerdictKind.AGAIN, Arrival.NEVER_LEFT)


def test_closing_leaves_the_keeper_to_others(wechat: Sandbox, desk: Open) -> None:
    one = desk(wechat)
    one.send(1)
    one.channel.close()
    assert one.keeper.wait(5)
