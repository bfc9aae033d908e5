"""What a reply means: a row for every code at every endpoint, and for every way a call can break."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxpush.channels.http.reply import Reply
from wxpush.channels.wechat.errcodes import info, info_of, verdict, worded
from wxpush.model import Arrival, CodeClass, VerdictKind

K, C, A = VerdictKind, CodeClass, Arrival
MSGID = 3717005636572528642
ENDPOINTS = ("send", "token", "quota", "other")


def answer(code: int | None, *, status: int = 200, wait: float | None = None, **fields: Any) -> Reply:
    body = (
        fields
        if code is None
        else {"errcode": code, "errmsg": "text rid: 62bac4fd-3b536b18-3819fb88"} | fields
    )
    raw = json.dumps(body, ensure_ascii=False).encode()
    return Reply(A.ANSWERED, status, raw, retry_after=wait)


def page(status: int, body: bytes = b"<html>Bad Gateway</html>", wait: float | None = None) -> Reply:
    return Reply(A.ANSWERED, status, body, retry_after=wait)


def codes(text: str) -> list[int]:
    return [int(code) for code in text.split()]


REFUSED_TOKEN = dict.fromkeys((40001, 40014, 41001, 42001), (K.AGAIN, C.ACCOUNT))
RECIPIENT = dict.fromkeys(
    (-41000, 40003, 43004, 43006, 43019, 43101, 46004, 48002, 49003, 50005), (K.FAIL, C.RECIPIENT)
)
MESSAGE = dict.fromkeys(
    codes(
        "40013 40033 40036 40037 40039 40048 40066 40068 40165 40166 40249 44002 45002 45012 45013 45014 "
        "45051 45082 47001 47002 47003 87014"
    ),
    (K.FAIL, C.MESSAGE),
)
ACCOUNT = dict.fromkeys(
    codes(
        "40002 40125 40164 40243 41002 41004 43002 43003 43107 45035 45103 45109 45501 46101 48001 48004 "
        "48017 50001 50002 50004 50007 61003 61004 61007 89501 89503 89506 89507"
    ),
    (K.STOP, C.ACCOUNT),
)
SENDING = (
    {
        0: (K.ACCEPTED, C.UNKNOWN),
        -1: (K.AGAIN, C.TRANSIENT),
        61450: (K.AGAIN, C.TRANSIENT),
        40241: (K.DUPLICATE, C.UNKNOWN),
        40252: (K.HOLD, C.UNKNOWN),
        43108: (K.AGAIN, C.THROTTLE),
        43117: (K.AGAIN, C.THROTTLE),
        43116: (K.STOP, C.MESSAGE),
        48011: (K.STOP, C.MESSAGE),
        45009: (K.STOP, C.THROTTLE),
        45040: (K.STOP, C.THROTTLE),
        45104: (K.STOP, C.THROTTLE),
        45011: (K.SLOW_DOWN, C.THROTTLE),
        45015: (K.FAIL, C.UNKNOWN),
        987654: (K.FAIL, C.UNKNOWN),
    }
    | REFUSED_TOKEN
    | RECIPIENT
    | MESSAGE
    | ACCOUNT
)


@pytest.mark.parametrize(("code", "expected"), SENDING.items())
def test_a_code_of_a_sending_has_one_meaning(code: int, expected: tuple[VerdictKind, CodeClass]) -> None:
    found = verdict("send", answer(code))
    assert (found.kind, found.cls, found.code) == (*expected, str(code))
    assert found.arrival is (A.BUSY if code in (-1, 61450) else A.ANSWERED)
    assert found.token_refused is (code in REFUSED_TOKEN)
    assert found.recipient_last is (code in (43108, 43117))


FETCHING = {
    -1: K.AGAIN,
    61450: K.AGAIN,
    45011: K.AGAIN,
    987654: K.STOP,
    43117: K.STOP,
} | dict.fromkeys(
    codes(
        "40001 40002 40013 40125 40164 40243 41002 41004 42001 43002 45009 50004 50007 89501 89502 89503 "
        "89504 89505 89506 89507"
    ),
    K.STOP,
)


@pytest.mark.parametrize(("code", "kind"), FETCHING.items())
def test_a_code_of_the_token_call_comes_right_by_itself_or_stops(code: int, kind: VerdictKind) -> None:
    found = verdict("token", answer(code))
    assert found.kind is kind
    assert not found.token_refused
    assert not found.recipient_last


@pytest.mark.parametrize("endpoint", ["quota", "other"])
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (-1, K.AGAIN),
        (40001, K.AGAIN),
        (45009, K.STOP),
        (45011, K.SLOW_DOWN),
        (48001, K.STOP),
        (40164, K.STOP),
        (40013, K.STOP),
        (40241, K.FAIL),
        (43116, K.FAIL),
        (76021, K.FAIL),
        (987654, K.FAIL),
    ],
)
def test_a_code_of_another_call(endpoint: str, code: int, kind: VerdictKind) -> None:
    found = verdict(endpoint, answer(code))
    assert found.kind is kind
    assert found.token_refused is (code == 40001)
    assert found.msgid is None


def test_an_accepted_message_keeps_its_msgid_to_the_last_digit() -> None:
    assert verdict("send", answer(0, msgid=MSGID)).msgid == MSGID


@pytest.mark.parametrize("msgid", [None, "200228332", 1.5, True, 1 << 64])
def test_an_odd_msgid_makes_the_message_no_less_accepted(msgid: object) -> None:
    found = verdict("send", answer(0, msgid=msgid))
    assert (found.kind, found.msgid) == (K.ACCEPTED, None)


def test_a_held_message_keeps_its_msgid_too() -> None:
    assert verdict("send", answer(40252, msgid=MSGID)).msgid == MSGID


@pytest.mark.parametrize(
    "reply",
    [
        answer(None, msgid=MSGID),
        answer(None),
        page(200, b'{"errcode":"0","errmsg":"ok"}'),
        page(200, b'{"errcode":true}'),
        page(200, b'{"errcode":null,"msgid":1}'),
        page(200, b'{"errcode":0,"errm'),
        page(200, b"[]"),
        page(200, b""),
        page(200, b"[" * 100_000),
        page(404),
        page(502),
        page(503),
        page(500, b'{"errcode":0,"errmsg":"ok","msgid":1}'),
        page(502, b'{"errcode":43004}'),
        page(302, b'{"errcode":0}'),
        page(0, b'{"errcode":0}'),
        page(100, b""),
    ],
)
def test_an_unreadable_answer_to_a_sending_leaves_it_open(reply: Reply) -> None:
    found = verdict("send", reply)
    assert (found.kind, found.code, found.cls, found.arrival) == (K.AGAIN, "bad_reply", C.TRANSIENT, A.SILENT)
    assert found.msgid is None


def test_a_4xx_with_a_code_is_wechats_own_answer() -> None:
    assert verdict("send", answer(43004, status=403)).kind is K.FAIL


@pytest.mark.parametrize("arrival", [A.NEVER_LEFT, A.SILENT])
@pytest.mark.parametrize("failure", ["network", "timeout"])
def test_a_broken_call_says_whether_it_left(failure: str, arrival: Arrival) -> None:
    found = verdict("send", Reply(arrival, failure=failure))
    assert (found.kind, found.code, found.cls, found.arrival) == (K.AGAIN, failure, C.TRANSIENT, arrival)


@pytest.mark.parametrize("arrival", list(Arrival))
def test_an_answer_broken_on_its_way_may_have_been_an_acceptance(arrival: Arrival) -> None:
    assert verdict("send", Reply(arrival, failure="bad_reply")).arrival is A.SILENT


def test_a_break_of_which_too_much_is_claimed_is_taken_for_silence() -> None:
    assert verdict("send", Reply(A.ANSWERED, failure="timeout")).arrival is A.SILENT


@pytest.mark.parametrize("endpoint", ["send", "quota", "other"])
def test_429_slows_down_and_says_how_long(endpoint: str) -> None:
    found = verdict(endpoint, page(429, b"Too Many Requests", wait=7.5))
    assert (found.kind, found.cls, found.arrival, found.wait) == (K.SLOW_DOWN, C.THROTTLE, A.SILENT, 7.5)


@pytest.mark.parametrize(
    ("code", "kind", "arrival"),
    [
        (0, K.ACCEPTED, A.ANSWERED),
        (-1, K.SLOW_DOWN, A.BUSY),
        (987654, K.SLOW_DOWN, A.ANSWERED),
        (45009, K.STOP, A.ANSWERED),
        (45011, K.SLOW_DOWN, A.ANSWERED),
        (43004, K.FAIL, A.ANSWERED),
        (40001, K.AGAIN, A.ANSWERED),
    ],
)
def test_429_with_a_code_slows_down_where_the_code_leaves_it_open(
    code: int, kind: VerdictKind, arrival: Arrival
) -> None:
    found = verdict("send", answer(code, status=429, wait=3.0))
    assert (found.kind, found.arrival, found.wait) == (kind, arrival, 3.0)


@pytest.mark.parametrize("reply", [page(429), answer(-1, status=429), answer(987654, status=429)])
def test_429_on_the_token_call_is_tried_again(reply: Reply) -> None:
    found = verdict("token", reply)
    assert (found.kind, found.cls) == (K.AGAIN, C.THROTTLE)


def test_a_busy_gateway_says_when_to_come_back() -> None:
    assert verdict("send", page(503, wait=12.0)).wait == 12.0


@pytest.mark.parametrize("errcode", [None, 0])
def test_a_token_makes_the_token_call_good(errcode: int | None) -> None:
    found = verdict("token", answer(errcode, access_token="92_AbCdEf", expires_in=7200))
    assert (found.kind, found.arrival) == (K.ACCEPTED, A.ANSWERED)


@pytest.mark.parametrize("fields", [{}, {"access_token": ""}, {"access_token": 5}, {"access_token": None}])
def test_no_token_is_no_good_answer(fields: dict[str, object]) -> None:
    for code in (None, 0):
        found = verdict("token", answer(code, **fields))
        assert (found.kind, found.code) == (K.AGAIN, "bad_reply")


def test_a_quota_must_be_in_the_quota_answer() -> None:
    quota = {"daily_limit": 100000, "used": 1, "remain": 99999}
    assert verdict("quota", answer(0, quota=quota)).kind is K.ACCEPTED
    assert verdict("quota", answer(0)).code == "bad_reply"


def test_other_calls_may_leave_out_the_errcode() -> None:
    assert verdict("other", answer(None, template_list=[])).kind is K.ACCEPTED
    assert verdict("other", answer(0)).kind is K.ACCEPTED


def test_the_apis_own_text_is_kept_within_bounds() -> None:
    assert verdict("send", answer(47003, errmsg="argument invalid!")).detail == "argument invalid!"
    assert len(verdict("send", answer(47003, errmsg="无" * 10_000)).detail) == 500
    assert verdict("send", answer(47003, errmsg=["x"])).detail == ""
    half = Reply(Arrival.ANSWERED, 200, b'{"errcode":47003,"errmsg":"\\ud83d x"}')
    assert verdict("send", half).detail == "? x", "half a character"
    assert verdict("send", page(502)).detail == "HTTP 502"
    assert verdict("send", answer(0, errmsg="ok")).detail == ""


replies = st.builds(
    Reply,
    arrival=st.sampled_from(Arrival),
    status=st.integers(0, 599),
    body=st.one_of(
        st.binary(),
        st.dictionaries(
            st.sampled_from(["errcode", "errmsg", "msgid", "access_token", "quota"]),
            st.one_of(
                st.none(), st.booleans(), st.integers(), st.text(), st.floats(), st.lists(st.integers())
            ),
        ).map(lambda body: json.dumps(body).encode()),
    ),
    failure=st.sampled_from(["", "network", "timeout", "bad_reply"]),
    retry_after=st.one_of(st.none(), st.floats(0, 120)),
)


@given(st.sampled_from(ENDPOINTS), replies)
def test_any_reply_has_a_verdict_and_only_a_good_one_accepts(endpoint: str, reply: Reply) -> None:
    found = verdict(endpoint, reply)
    assert found.wait == reply.retry_after
    if found.kind is K.ACCEPTED:
        assert reply.failure == ""
        assert json.loads(reply.body).get("errcode", 0) == 0
    if reply.failure and reply.arrival is not A.NEVER_LEFT:
        assert found.arrival is A.SILENT


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        ("", "user refuse to accept the msg"),
        ("User refuse to accept the msg.", "user refuse to accept the msg"),
        ("refuse to accept", "user refuse to accept the msg"),
        ("too late rid: 1-2", "user refuse to accept the msg (too late rid: 1-2)"),
    ],
)
def test_wechats_own_text_is_added_where_it_says_something_else(detail: str, told: str) -> None:
    assert worded(info("43101"), detail) == told


def test_a_held_message_that_has_failed_was_rejected() -> None:
    assert info_of("40252", "failed") is not info("40252")
    assert info_of("40252", "held") == info("40252")
    assert info_of("43004", "failed") == info("43004")
