"""No token: what the operator is told, in both languages."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxpush import i18n
from wxpush.channels.http.reply import Reply
from wxpush.channels.wechat.errcodes import verdict
from wxpush.channels.wechat.token_trouble import seen_ip, token_trouble
from wxpush.model import Arrival

UNLISTED = "invalid ip 1.2.3.4 ipv6 ::ffff:1.2.3.4, not in whitelist rid: 62bac4fd-3b536b18-3819fb88"
CODES = (-1, 40001, 40002, 40013, 40125, 40164, 40243, 41002, 41004, 43002, 45009, 45011, 50004, 50007)
CODES += (89501, 89502, 89503, 89504, 89505, 89506, 89507)


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    before = i18n.language()
    i18n.set_language("en")
    yield
    i18n.set_language(before)


def told(code: int, errmsg: str = "text") -> tuple[str, str]:
    body = f'{{"errcode":{code},"errmsg":"{errmsg}"}}'.encode()
    return token_trouble(verdict("token", Reply(Arrival.ANSWERED, 200, body)))


@pytest.mark.parametrize(
    ("errmsg", "ip"),
    [
        (UNLISTED, "1.2.3.4"),
        ("invalid ip 123.45.67.89, not in whitelist", "123.45.67.89"),
        ("invalid ip 123.45.67.89 not in whitelist hint: [abcdef]", "123.45.67.89"),
        ("invalid ip:10.0.0.1. rid: 62bac4fd-3b536b18-3819fb88", "10.0.0.1"),
        ("invalid ip ::ffff:8.8.4.4, not in whitelist", "8.8.4.4"),
        ("invalid ip 2408:8000::1f ipv6 2408:8000::1f, not in whitelist", "2408:8000::1f"),
        ("invalid ip 2408:8000::1f ipv6 and 9.8.7.6", "9.8.7.6"),
        ("invalid ip 999.1.1.1, not in whitelist", None),
        ("invalid ip, not in whitelist rid: 62bac4fd-3b536b18-3819fb88", None),
        ("", None),
    ],
)
def test_the_ip_that_wechat_saw_is_read_from_its_text(errmsg: str, ip: str | None) -> None:
    assert seen_ip(errmsg) == ip


@given(st.text())
def test_no_text_breaks_the_search_for_an_ip(errmsg: str) -> None:
    found = seen_ip(errmsg)
    assert found is None or found


@given(st.ip_addresses(v=4))
def test_every_ipv4_is_found(address: object) -> None:
    expected = None if str(address) == "0.0.0.0" else str(address)
    assert seen_ip(f"invalid ip {address} ipv6 ::ffff:{address}, not in whitelist") == expected


@pytest.mark.parametrize("code", CODES)
def test_each_code_is_named_with_cause_and_remedy(code: int) -> None:
    message, hint = told(code)
    assert str(code) in message
    assert hint.endswith((".", "`."))
    assert "{" not in message + hint


def test_an_ip_outside_the_allow_list_is_named_in_message_and_remedy() -> None:
    message, hint = told(40164, UNLISTED)
    assert "1.2.3.4" in message
    assert "1.2.3.4" in hint
    message, hint = told(40164, "not in whitelist")
    assert "allow-list" in message
    assert "outgoing IP" in hint


@pytest.mark.parametrize("code", [40001, 40125])
def test_a_wrong_secret_warns_that_a_reset_breaks_others(code: int) -> None:
    message, hint = told(code)
    assert "AppSecret is wrong" in message
    assert "Do not reset" in hint


def test_a_code_that_nobody_knows_shows_wechats_own_text() -> None:
    message, hint = told(987654, "brand new refusal")
    assert message == "WeChat gives no access_token: brand new refusal (987654)."
    assert hint


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(Arrival.NEVER_LEFT, failure="network"), "can't be reached"),
        (Reply(Arrival.SILENT, failure="timeout"), "did not answer"),
        (Reply(Arrival.ANSWERED, 502, b"<html>"), "HTTP 502"),
        (Reply(Arrival.SILENT, failure="bad_reply"), "can't be read"),
    ],
)
def test_no_answer_is_told_without_a_word_of_messages(reply: Reply, said: str) -> None:
    message, hint = token_trouble(verdict("token", reply))
    assert said in message
    assert "proxy" in hint


def test_the_table_speaks_the_language_in_force() -> None:
    i18n.set_language("zh")
    assert "解冻" in told(40243)[1]
