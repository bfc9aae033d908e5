"""The callback URL believes WeChat alone, and nothing twice in two versions."""

from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pushes import AES_KEY, APPID, TOKEN, Console, Request, as_json, fields, openid, signed, xml
from wxpush.channels.wechat.callback import ANOTHER_KEY, Callback, RefusedError, Seen
from wxpush.channels.wechat.crypto import Cipher
from wxpush.channels.wechat.events import Event
from wxpush.config import Secret
from wxpush.model import Receipt

NOW = 1_795_700_000.0
OTHER_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
PLAIN, COMPATIBLE, SAFE = (Console(mode=mode) for mode in ("plain", "compatible", "safe"))
BODY = xml(fields(1, CreateTime=int(NOW)))
RECEIPT = Receipt(3_500_000_000_000_000_001, openid(1), "success", int(NOW), NOW)


def callback(*keys: str, allow_plain: bool = False) -> Callback:
    return Callback(Secret(TOKEN), APPID, [Secret(key) for key in keys], allow_plain=allow_plain)


def opened(url: Callback, request: Request, now: float = NOW) -> Event:
    return url.open(request.query, request.body, now)


def reason(url: Callback, request: Request, now: float = NOW) -> str:
    with pytest.raises(RefusedError) as refused:
        url.open(request.query, request.body, now)
    return refused.value.reason


@pytest.mark.parametrize("console", [PLAIN, COMPATIBLE, SAFE], ids=lambda one: one.mode)
@pytest.mark.parametrize("body", [BODY, as_json(fields(1, CreateTime=int(NOW)))], ids=["xml", "json"])
def test_every_mode_is_read(console: Console, body: bytes) -> None:
    url = callback() if console.mode == "plain" else callback(AES_KEY)
    assert opened(url, console.push(body, NOW)) == RECEIPT


def test_compatible_mode_needs_no_key() -> None:
    assert opened(callback(), COMPATIBLE.push(BODY, NOW)) == RECEIPT


def test_in_compatible_mode_only_what_is_encrypted_is_believed() -> None:
    request = COMPATIBLE.push(BODY, NOW)
    forged = request.body.replace(b"<![CDATA[success]]>", b"<![CDATA[failed:user block]]>")
    assert forged != request.body
    assert opened(callback(AES_KEY), Request(request.query, forged)) == RECEIPT


def test_with_a_key_what_is_not_encrypted_is_refused_unless_allowed() -> None:
    assert reason(callback(AES_KEY), PLAIN.push(BODY, NOW)) == "plain"
    assert opened(callback(AES_KEY, allow_plain=True), PLAIN.push(BODY, NOW)) == RECEIPT


def test_the_former_key_is_good_during_a_change() -> None:
    assert opened(callback(OTHER_KEY, AES_KEY), SAFE.push(BODY, NOW)) == RECEIPT
    assert reason(callback(OTHER_KEY), SAFE.push(BODY, NOW)) == ANOTHER_KEY
    assert reason(callback(), SAFE.push(BODY, NOW)) == ANOTHER_KEY


def test_another_account_is_refused() -> None:
    other = Console(mode="safe", appid="wx0000000000000000")
    assert reason(callback(AES_KEY), other.push(BODY, NOW)) == ANOTHER_KEY


@pytest.mark.parametrize("console", [PLAIN, SAFE], ids=lambda one: one.mode)
def test_a_repetition_is_opened_again(console: Console) -> None:
    url, request = callback(*([] if console.mode == "plain" else [AES_KEY])), console.push(BODY, NOW)
    assert opened(url, request) == opened(url, request, NOW + 5)._replace(received=NOW)  # type: ignore[union-attr]


def test_a_signature_is_good_for_one_body() -> None:
    url, request = callback(), PLAIN.push(BODY, NOW)
    assert opened(url, request) == RECEIPT
    other = xml(fields(1, CreateTime=int(NOW), Status="failed:user block"))
    assert reason(url, Request(request.query, other)) == "replay"
    assert opened(url, PLAIN.push(other, NOW)) != RECEIPT


def test_a_body_that_could_not_be_read_uses_no_signature_up() -> None:
    url, request = callback(), PLAIN.push(BODY, NOW)
    assert reason(url, Request(request.query, b"<xml>")) == "content"
    assert opened(url, request) == RECEIPT


@pytest.mark.parametrize("skew", [-301, 301, 3600, -(10**9)])
def test_what_is_not_of_now_is_refused(skew: int) -> None:
    assert reason(callback(), PLAIN.push(BODY, NOW + skew)) == "time"
    assert reason(callback(AES_KEY), SAFE.push(BODY, NOW + skew)) == "time"


@pytest.mark.parametrize("skew", [-300, 0, 300])
def test_five_minutes_of_skew_are_borne(skew: int) -> None:
    assert opened(callback(), PLAIN.push(BODY, NOW + skew)) == RECEIPT


def changed(request: Request, name: str, value: str | None) -> Request:
    pairs = dict(part.split("=", 1) for part in request.query.split("&"))
    pairs = {key: text for key, text in pairs.items() if key != name}
    more = {} if value is None else {name: quote(value)}
    return Request("&".join(f"{key}={text}" for key, text in (pairs | more).items()), request.body)


@pytest.mark.parametrize("console", [PLAIN, SAFE], ids=lambda one: one.mode)
@pytest.mark.parametrize("name", ["signature", "timestamp", "nonce"])
@pytest.mark.parametrize(
    "value", [None, "", "0", "é\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"), "1" * 40]
)
def test_a_changed_parameter_is_refused(console: Console, name: str, value: str | None) -> None:
    request = changed(console.push(BODY, NOW), name, value)
    if console.mode == "safe" and (name, value) == ("signature", None):
        return  # the other signature covers all
    url = callback() if console.mode == "plain" else callback(AES_KEY)
    assert reason(url, request) == "signature"


def test_encrypted_text_needs_its_own_signature() -> None:
    request = SAFE.push(BODY, NOW)
    for value in (None, "", "0" * 40):
        assert reason(callback(AES_KEY), changed(request, "msg_signature", value)) == "signature"
    another = Cipher(AES_KEY, APPID).encrypt(BODY, bytes(16))
    forged = xml({"ToUserName": "gh_1", "Encrypt": another})
    assert reason(callback(AES_KEY), Request(request.query, forged)) == "signature"


@pytest.mark.parametrize(
    "query",
    ["", "&".join(f"a{n}=1" for n in range(40)), "a=" + "x" * 5000, "nonce=1&nonce=2", "a=%ff", ";;;", "=&="],
)
def test_odd_queries_are_refused(query: str) -> None:
    assert reason(callback(), Request(query, BODY)) in ("form", "signature")


def test_a_parameter_twice_is_refused_although_it_is_signed() -> None:
    request = PLAIN.push(BODY, NOW)
    assert reason(callback(), Request(request.query + "&nonce=1", request.body)) == "form"


def test_size() -> None:
    assert reason(callback(), PLAIN.push(b"", NOW)) == "size"
    assert reason(callback(), PLAIN.push(BODY + b" " * 65_536, NOW)) == "size"


def echo(url: Callback, now: float = NOW, **asked: str) -> str:
    return url.echo(urlencode(asked), now)


def test_the_question_whether_the_url_is_ours() -> None:
    asked = {"timestamp": str(int(NOW)), "nonce": "486452656", "echostr": "5837397520199232851"}
    right = signed(TOKEN, asked["timestamp"], asked["nonce"])
    assert echo(callback(), **asked, signature=right) == "5837397520199232851"
    assert echo(callback(AES_KEY), **asked, signature=right) == "5837397520199232851"
    for wrong in ("", right.upper(), right[:-1], "0" * 40):
        with pytest.raises(RefusedError):
            echo(callback(), **asked, signature=wrong)
    with pytest.raises(RefusedError):
        echo(callback(), NOW + 301, **asked, signature=right)
    for odd in ("", "x" * 1025):
        with pytest.raises(RefusedError):
            echo(callback(), **{**asked, "echostr": odd}, signature=right)


def test_an_encrypted_question() -> None:
    secret = Cipher(AES_KEY, APPID).encrypt(b"12345", bytes(16))
    asked = {"timestamp": str(int(NOW)), "nonce": "7", "echostr": secret}
    right = signed(TOKEN, asked["timestamp"], asked["nonce"], secret)
    assert echo(callback(AES_KEY), **asked, msg_signature=right) == "12345"
    with pytest.raises(RefusedError):
        echo(callback(AES_KEY), **asked, msg_signature=signed(TOKEN, asked["timestamp"], asked["nonce"]))
    with pytest.raises(RefusedError):
        echo(callback(OTHER_KEY), **asked, msg_signature=right)


@given(st.text(max_size=100), st.binary(max_size=100))
def test_whatever_comes_is_opened_or_refused(query: str, body: bytes) -> None:
    for url in (callback(), callback(AES_KEY)):
        with pytest.raises(RefusedError):
            url.open(query, body, NOW)
        with pytest.raises(RefusedError):
            url.echo(query, NOW)


def test_what_was_seen_is_kept_for_its_time_and_no_longer_than_twice() -> None:
    seen = Seen(ttl=600, most=1000)
    seen.note(b"a", b"1", 0)
    seen.note(b"b", b"2", 600)
    assert seen.get(b"a") == b"1"
    seen.note(b"c", b"3", 601)
    assert (seen.get(b"a"), seen.get(b"b")) == (b"1", b"2")
    seen.note(b"d", b"4", 1300)
    assert (seen.get(b"a"), seen.get(b"b"), seen.get(b"c")) == (None, None, b"3")


def test_what_was_seen_is_bounded() -> None:
    seen = Seen(ttl=600, most=100)
    for number in range(10_000):
        seen.note(str(number).encode(), b"", 0)
        assert len(seen) <= 200
    assert seen.get(b"9999") is not None
