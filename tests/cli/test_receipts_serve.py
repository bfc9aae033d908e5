"""`wxpush receipts serve` as WeChat and its operator meet it."""

import json
import os
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from tests.cli.command import Desk
from tests.cli.receiving import ENVIRONMENT, PLAIN, Receiver, Shop, stored
from tests.pushes import AES_KEY, TOKEN, Console, Request, fields, openid, signed, xml

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
SUCCESS = (200, b"success")
REFUSED = (403, b"")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def receiver(desk: Desk) -> Iterator[Receiver]:
    with Receiver(desk) as receiver:
        yield receiver


def test_a_receipt_is_stored_when_it_is_answered(desk: Desk, receiver: Receiver) -> None:
    assert receiver.push(PLAIN.receipt(1)) == SUCCESS
    (receipt,) = stored(desk)
    assert (receipt.msgid, receipt.to, receipt.status) == (3_500_000_000_000_000_001, openid(1), "success")
    assert abs(receipt.received - time.time()) < 60


def test_a_repetition_is_answered_alike_and_stored_once(desk: Desk, receiver: Receiver) -> None:
    first = PLAIN.receipt(1)
    signed_anew = PLAIN.push(first.body)
    assert [receiver.push(request) for request in (first, first, signed_anew)] == [SUCCESS] * 3
    assert len(stored(desk)) == 1


def test_every_refusal_is_answered_alike(desk: Desk, receiver: Receiver) -> None:
    good = PLAIN.receipt(1)
    bad = [
        Request("", good.body),
        Request(good.query.replace("signature=", "signature=0"), good.body),
        PLAIN.push(good.body, at=time.time() - 400),
        Console(token="another").receipt(2),
        PLAIN.push(b"<xml>"),
        PLAIN.push(b"x" * 70_000),
        PLAIN.push(b""),
    ]
    answers = {receiver.push(request) for request in bad}
    answers |= {receiver.call(method, good.query, good.body) for method in ("GET", "PUT", "DELETE")}
    answers |= {receiver.call("POST", good.query, good.body, path="/other")}
    assert answers == {REFUSED}
    assert stored(desk) == []
    assert "11 refused" in receiver.end().err


def test_a_push_about_nobody_is_refused_and_one_without_its_number_kept(
    desk: Desk, receiver: Receiver
) -> None:
    """WeChat repeats what it gets no `success` for: nothing that tells of a person is lost by us."""
    assert receiver.push(PLAIN.push(xml(fields(1, FromUserName="bad")))) == REFUSED
    assert receiver.push(PLAIN.push(xml(fields(2, MsgID="abc")))) == SUCCESS
    assert receiver.push(PLAIN.push(xml(fields(3, MsgID=-1)))) == SUCCESS
    assert [(receipt.msgid, receipt.to) for receipt in stored(desk)] == [(0, openid(2)), (0, openid(3))]


def test_the_console_finds_the_url_ours(receiver: Receiver) -> None:
    stamp = str(int(time.time()))
    asked = {"timestamp": stamp, "nonce": "1", "echostr": "5837397520199232851"}
    assert receiver.call("GET", urlencode(asked | {"signature": signed(TOKEN, stamp, "1")})) == (
        200,
        b"5837397520199232851",
    )
    assert receiver.call("GET", urlencode(asked | {"signature": signed("other", stamp, "1")})) == REFUSED


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda one: one.name)
def test_a_signal_ends_it_with_0_and_its_counts(desk: Desk, number: signal.Signals) -> None:
    with Receiver(desk, "--json") as receiver:
        for one in range(3):
            assert receiver.push(PLAIN.receipt(one)) == SUCCESS
        receiver.push(PLAIN.push(xml(fields(9, Event="subscribe"))))
        receiver.push(PLAIN.push(xml(fields(9, MsgType="text"))))
        receiver.push(PLAIN.push(b"no"))
        receiver.running.signal(number)
        done = receiver.running.done()
    assert done.code == 0
    told = json.loads(done.out)
    assert {key: told[key] for key in ("receipts", "people", "others", "refused")} == {
        "receipts": 3,
        "people": 1,
        "others": 1,
        "refused": {"content": 1},
    }
    assert not any(secret in done.out + done.err for secret in (TOKEN, openid(1), "35000000"))


def test_encrypted_pushes_with_a_key_of_the_config(desk: Desk) -> None:
    keys = "{token_env: MY_TOKEN, aes_key_env: MY_KEY, previous_aes_key_env: MY_FORMER_KEY}"
    config = desk.write(
        "config.yaml",
        f"accounts: {{shop: {{appid: wx0123456789abcdef, secret_env: X, callback: {keys}}}}}\n",
    )
    former = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
    env: dict[str, str | None] = {
        "WXPUSH_CONFIG": str(config),
        "WXPUSH_APPID": None,
        "WXPUSH_CALLBACK_TOKEN": None,
        "MY_TOKEN": TOKEN,
        "MY_KEY": AES_KEY,
        "MY_FORMER_KEY": former,
    }
    with Receiver(desk, "--account", "shop", env=env) as receiver:
        assert receiver.push(Console(mode="safe").receipt(1)) == SUCCESS
        assert receiver.push(Console(mode="compatible", aes_key=former).receipt(2)) == SUCCESS
        assert receiver.push(PLAIN.receipt(3)) == REFUSED
    assert {receipt.to for receipt in stored(desk)} == {openid(1), openid(2)}
    desk.variables |= env | {"MY_KEY": None}
    done = desk.run("receipts", "serve", "--account", "shop")
    assert (done.code, "MY_KEY" in done.err) == (2, True)


def test_a_second_receiver_is_refused_and_told_who_has_it(desk: Desk, receiver: Receiver) -> None:
    done = desk.run("receipts", "serve", "--listen", "127.0.0.1:0", env=ENVIRONMENT)
    assert (done.code, str(receiver.pid) in done.err) == (4, True)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--listen", "8080"], "HOST:PORT"),
        (["--listen", "127.0.0.1:99999"], "HOST:PORT"),
        (["--listen", "192.0.2.1:8080"], "192.0.2.1:8080"),
        (["--path", "wechat"], "begins with /"),
        (["--forward", "shop.example.com"], "--forward"),
        (["--forward", "https://me:secret@shop.example.com"], "--forward"),
    ],
)
def test_wrong_options_are_told(desk: Desk, options: list[str], told: str) -> None:
    done = desk.run("receipts", "serve", *options, env=ENVIRONMENT)
    assert (done.code, told in done.err, "secret" in done.err) == (2, True, False)


@pytest.mark.parametrize("lacking", ["aiohttp", "cryptography", "defusedxml"])
def test_without_the_libraries_it_says_how_to_install_them(desk: Desk, lacking: str) -> None:
    program = f"import sys; sys.modules['{lacking}'] = None\nfrom wxpush.cli import main; main()"
    for words in (["receipts", "serve"], ["receipts", "import", "events.jsonl"]):
        ended = subprocess.run(
            [sys.executable, "-c", program, *words],
            env=desk.environment(**ENVIRONMENT),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ended.returncode, 'pip install "wxpush[receipts]"' in ended.stderr) == (2, True)


def test_without_a_token_it_says_what_to_set(desk: Desk) -> None:
    done = desk.run("receipts", "serve", env=ENVIRONMENT | {"WXPUSH_CALLBACK_TOKEN": None})
    assert (done.code, "WXPUSH_CALLBACK_TOKEN" in done.err) == (2, True)
    for wrong in ("ab", "with blank", "a" * 33):
        done = desk.run("receipts", "serve", env=ENVIRONMENT | {"WXPUSH_CALLBACK_TOKEN": wrong})
        assert (done.code, wrong in done.err) == (2, False)
    done = desk.run("receipts", "serve", env=ENVIRONMENT | {"WXPUSH_CALLBACK_AES_KEY": "tooshort"})
    assert (done.code, "tooshort" in done.err, "43" in done.err) == (2, False, True)


@pytest.mark.skipif(sys.platform != "linux", reason="needs prlimit")
def test_what_the_disk_refuses_is_not_called_a_success(desk: Desk, receiver: Receiver) -> None:
    assert receiver.push(PLAIN.receipt(1)) == SUCCESS
    resource.prlimit(receiver.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    request = PLAIN.receipt(2)
    assert receiver.push(request)[0] == 503
    resource.prlimit(receiver.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert receiver.push(request) == SUCCESS
    assert [receipt.to for receipt in stored(desk)] == [openid(1), openid(2)]
    assert "that the disk refused" in receiver.end().err


def test_a_disk_that_is_busy_is_answered_before_wechat_gives_up(desk: Desk, receiver: Receiver) -> None:
    assert receiver.push(PLAIN.receipt(1)) == SUCCESS
    (database,) = desk.home.glob("accounts/*/receipts/cache.db")
    begun = time.monotonic()
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert receiver.push(PLAIN.receipt(2))[0] == 503
        assert time.monotonic() - begun < 5
    assert receiver.push(PLAIN.receipt(2)) == SUCCESS


def test_requests_are_passed_on_as_they_came_and_answered_as_the_shop_does(desk: Desk, shop: Shop) -> None:
    message = PLAIN.push(xml(fields(5, MsgType="text", Content="你好")))
    with Receiver(desk, "--forward", shop.url) as receiver:
        assert receiver.push(message) == (200, b"<xml>reply</xml>")
        shop.answer = (418, "text/plain", b"no tea")
        assert receiver.push(PLAIN.receipt(1)) == (418, b"no tea")
        assert receiver.push(Console(token="another").receipt(2)) == REFUSED
        assert receiver.push(Console(mode="safe").receipt(3)) == (418, b"no tea")  # a key that only it has
        query = PLAIN.push(b"").query
        assert receiver.call("GET", f"{query}&echostr=58") == (200, b"58")
        assert receiver.call("PUT", query) == REFUSED
    assert [receipt.to for receipt in stored(desk)] == [openid(1)]
    assert len(shop.got) == 3
    method, path, headers, body = shop.got[0]
    assert (method, path, body) == ("POST", f"/api/wechat?shop=1&{message.query}", message.body)
    assert headers["Content-Type"] == "text/xml"


def test_an_answer_that_does_not_come_is_success_for_what_is_stored_alone(desk: Desk, shop: Shop) -> None:
    shop.silent.set()
    with Receiver(desk, "--forward", shop.url) as receiver:
        assert receiver.push(PLAIN.receipt(1)) == SUCCESS
        assert receiver.push(PLAIN.push(xml(fields(5, MsgType="text"))))[0] == 504
    assert len(stored(desk)) == 1


def test_a_shop_that_is_down_costs_no_receipt(desk: Desk) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
    with Receiver(desk, "--forward", url) as receiver:
        assert receiver.push(PLAIN.receipt(1)) == SUCCESS
        assert receiver.push(PLAIN.push(xml(fields(5, MsgType="text"))))[0] == 504
        assert "2 without an answer" in receiver.end().err
    assert len(stored(desk)) == 1


def connected(receiver: Receiver) -> socket.socket:
    parts = urlsplit(receiver.url)
    return socket.create_connection((parts.hostname or "", parts.port), timeout=30)


def test_who_sends_a_head_slowly_is_hung_up_on(receiver: Receiver) -> None:
    with connected(receiver) as slow:
        slow.sendall(b"POST /wechat HTTP/1.1\r\nHost: x\r\n")
        assert receiver.push(PLAIN.receipt(1)) == SUCCESS
        begun = time.monotonic()
        with pytest.raises(OSError):  # noqa: PT012 - reset, or ended, which is raised here
            if not slow.recv(100):
                raise ConnectionResetError
        assert time.monotonic() - begun < 10


def test_who_sends_a_body_slowly_is_refused(receiver: Receiver) -> None:
    with connected(receiver) as slow:
        slow.sendall(b"POST /wechat HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n<xml>")
        assert slow.recv(100).startswith(b"HTTP/1.1 403 ")


def test_a_body_without_end_is_refused_at_64_kib(receiver: Receiver) -> None:
    with connected(receiver) as endless:
        endless.sendall(b"POST /wechat HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        deadline = time.monotonic() + 10
        with suppress(OSError):
            while time.monotonic() < deadline:
                endless.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        assert time.monotonic() < deadline
    assert receiver.push(PLAIN.receipt(1)) == SUCCESS


def test_more_connections_than_it_takes_are_hung_up(receiver: Receiver) -> None:
    held = [connected(receiver) for _ in range(600)]
    try:
        ended = 0
        for one in held[512:]:
            one.settimeout(5)
            try:
                ended += not one.recv(1)
            except ConnectionResetError:
                ended += 1
        assert ended == 88
    finally:
        for one in held:
            one.close()
    assert receiver.push(PLAIN.receipt(1)) == SUCCESS


@pytest.mark.parametrize(
    "data",
    [
        b"hello\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /wechat HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /wechat HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"POST /wechat HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 70_000 + b"\r\n\r\n",
        b"\0" * 1000,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
    ],
)
def test_odd_http_harms_nothing_and_is_not_logged(receiver: Receiver, data: bytes) -> None:
    with connected(receiver) as odd:
        odd.sendall(data)
        odd.shutdown(socket.SHUT_WR)
        answer = odd.recv(10_000)
    assert not answer.startswith(b"HTTP/1.1 200")
    assert receiver.push(PLAIN.receipt(1)) == SUCCESS
    done = receiver.end()
    assert done.code == 0
    assert len(done.err.splitlines()) <= 2
