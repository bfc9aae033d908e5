"""What WeChat pushes is read as it is meant; whatever else comes is refused in words of ours."""

import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pushes import ATTACKS, DOCUMENTED, as_json, fields, openid, xml
from wxpush.channels.wechat.events import BadEventError, Event, Following, parse, read
from wxpush.model import Receipt

NOW = 1_795_700_000.0


def event(body: bytes) -> Event:
    return read(parse(body), NOW)


def given_fields(**changes: object) -> dict[str, Any]:
    return fields(7, **({"CreateTime": 1_795_699_990} | changes))


def test_the_event_of_the_documentation() -> None:
    assert event(DOCUMENTED) == Receipt(200163836, "oia2TjuEGTNoeX76QEjQNrcURxG8", "success", 1395658920, NOW)


@pytest.mark.parametrize("written", [xml, as_json], ids=["xml", "json"])
def test_both_forms_say_the_same(written: Any) -> None:
    receipt = Receipt(3_500_000_000_000_000_007, openid(7), "success", 1_795_699_990, NOW)
    assert event(written(given_fields())) == receipt


@pytest.mark.parametrize(
    ("told", "read_as"),
    [
        ("success", "success"),
        ("failed:user block", "failed:user block"),
        ("failed: system failed", "failed:system failed"),
        ("Failed : System  Failed ", "failed:system failed"),
        ("failed:freq limit", "failed:freq limit"),
        ("failed: something new", "failed:something new"),
    ],
)
def test_a_status_is_told_in_one_spelling(told: str, read_as: str) -> None:
    found = event(xml(given_fields(Status=told)))
    assert isinstance(found, Receipt)
    assert found.status == read_as


@pytest.mark.parametrize(
    "changes",
    [
        {"MsgID": None},
        {"MsgID": 0},
        {"MsgID": ""},
        {"MsgID": "none"},
        {"MsgID": -5},
        {"MsgID": True},
        {"MsgID": 3.5e18},
        {"MsgID": 2**63},
        {"MsgID": [1]},
    ],
)
def test_a_message_that_is_not_named_has_the_number_0(changes: dict[str, object]) -> None:
    found = event(as_json(given_fields(**changes)))
    assert isinstance(found, Receipt)
    assert found.msgid == 0


def test_the_other_spelling_of_the_number_is_read_too() -> None:
    found = event(xml(given_fields(MsgID=None, MsgId=77)))
    assert isinstance(found, Receipt)
    assert found.msgid == 77


def test_who_comes_and_goes() -> None:
    for kind, subscribed in (("subscribe", True), ("unsubscribe", False)):
        body = xml(given_fields(Event=kind, EventKey="", Status=None, MsgID=None))
        assert event(body) == Following(openid(7), subscribed, 1_795_699_990)


@pytest.mark.parametrize(
    "changes",
    [{"MsgType": "text", "Content": "退订"}, {"Event": "CLICK"}, {"MsgType": None}, {"Event": None}],
)
def test_other_pushes_are_not_for_us(changes: dict[str, object]) -> None:
    assert event(xml(given_fields(**changes))) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"FromUserName": None},
        {"FromUserName": ""},
        {"FromUserName": "o" * 65},
        {"FromUserName": "bad"},
        {"FromUserName": "o\u202e1"},
        {"FromUserName": "../../etc"},
        {"CreateTime": None},
        {"CreateTime": 0},
        {"CreateTime": 1_388_534_399},
        {"CreateTime": int(NOW) + 86_401},
        {"CreateTime": 1_795_699_990_000},
        {"CreateTime": "9" * 5000},
        {"CreateTime": "١٧٩٥٦٩٩٩٩٠"},
        {"CreateTime": 1.5},
        {"Status": None},
        {"Status": " "},
        {"Status": 5},
        {"Status": "x" * 129},
        {"Status": "success\x1b[2J"},
    ],
)
def test_an_event_that_cannot_be_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(BadEventError):
        event(as_json(given_fields(**changes)))


@pytest.mark.parametrize("body", ATTACKS.values(), ids=ATTACKS)
def test_hostile_documents_are_refused_at_once(body: bytes) -> None:
    begun = time.monotonic()
    with pytest.raises(BadEventError):
        parse(body)
    assert time.monotonic() - begun < 2


def test_depth_within_a_document_is_no_crash() -> None:
    depth = b"<a>" * 8_000 + b"</a>" * 8_000
    body = DOCUMENTED.replace(b"</xml>", depth + b"</xml>")
    assert isinstance(event(body), Receipt)


@given(st.binary(max_size=300))
def test_any_bytes_are_an_event_or_refused(body: bytes) -> None:
    with suppress(BadEventError):
        event(body)


@given(
    st.dictionaries(
        st.sampled_from(["MsgType", "Event", "FromUserName", "CreateTime", "Status", "MsgID"]),
        st.one_of(
            st.sampled_from(["event", "TEMPLATESENDJOBFINISH", "subscribe", openid(1), "success"]),
            st.integers(),
            st.text(max_size=20),
            st.none(),
            st.lists(st.integers(), max_size=2),
        ),
    )
)
def test_any_fields_are_an_event_or_refused(values: dict[str, Any]) -> None:
    try:
        found = event(json.dumps(values).encode("utf-8", "surrogatepass"))
    except BadEventError:
        return
    assert found is None or isinstance(found, Receipt | Following)
