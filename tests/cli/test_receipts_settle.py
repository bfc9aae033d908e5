"""A message in doubt that its receipt settles, on every way that a receipt comes in."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.command import Desk, counts
from tests.cli.receiving import PLAIN, Receiver
from tests.pushes import as_json, fields, xml
from wxpush.sandbox import Sandbox


@pytest.fixture
def desk(tmp_path: Path, open_wechat: Callable[..., Sandbox]) -> Desk:
    """Three of eight messages are in doubt, although all were shown."""
    sandbox = open_wechat(dedupe={"answer": "40241", "burnt_by_failure": True})
    desk = Desk(tmp_path, sandbox)
    desk.prepare(8, retry="{attempts: 4, base: 1ms, cap: 1ms}")
    sandbox.set_faults(
        {"send": {"latency_ms": 8, "system_error": {"every": 3, "times": 3, "accepted": True}}}
    )
    assert counts(desk.send("--workers", "1").json) == {"accepted": 5, "in_doubt": 3}
    sandbox.set_faults({})
    return desk


def events(desk: Desk) -> list[dict[str, object]]:
    assert desk.sandbox is not None
    return [
        fields(MsgID=one.msgid, FromUserName=one.openid, CreateTime=int(one.time) + 1)
        for one in desk.sandbox.shown()
    ]


def test_an_import_settles_it_and_says_so(desk: Desk) -> None:
    desk.write("events.log", "".join(as_json(event).decode() + "\n" for event in events(desk)))
    done = desk.run("receipts", "import", "events.log")
    assert "order-shipped: 3 messages that were in doubt or held have their receipts." in done.talk
    shown = desk.run("runs", "show", "--json").json
    assert (counts(shown), shown["delivered"]) == ({"accepted": 8}, 8)
    again = desk.run("receipts", "import", "events.log", "--json").json
    assert (again["new"], again["settled"]) == (0, [])


def test_a_receiver_settles_it_and_says_so(desk: Desk) -> None:
    assert desk.sandbox is not None
    with Receiver(desk, env={"WXPUSH_APPID": desk.sandbox.appid}) as receiver:
        for event in events(desk):
            assert receiver.push(PLAIN.push(xml(event))) == (200, b"success")
        done = receiver.end()
    assert done.code == 0
    assert "order-shipped: 3 messages that were in doubt or held have their receipts." in done.err
    assert counts(desk.run("runs", "show", "--json").json) == {"accepted": 8}
