"""A message in doubt that its receipt settles, on every way that a receipt comes in."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.command import Desk, counts
from tests.cli.receiving import PLAIN, Receiver
from tests.pushes import APPID, as_json, fields, xml
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


# People


def imported(
    tmp_path: Path, *told: dict[str, object], options: tuple[str, ...] = ()
) -> list[dict[str, object]]:
    """The suppression list after an import."""
    desk = Desk(tmp_path)
    desk.write("events.log", "".join(as_json(event).decode() + "\n" for event in told))
    account: dict[str, str | None] = {"WXPUSH_APPID": APPID}
    assert desk.run("receipts", "import", "events.log", *options, env=account).code == 0
    listed = desk.run("suppress", "list", "--json", env=account).json
    entries: list[dict[str, object]] = listed["suppressed"]
    return entries


def blocked(at: int) -> dict[str, object]:
    return fields(1, Status="failed:user block", CreateTime=at)


def subscribed(at: int) -> dict[str, object]:
    return fields(1, Event="subscribe", CreateTime=at, MsgID=None, Status=None)


NOW = int(time.time())


def test_who_refuses_comes_onto_the_list_where_that_is_wanted(tmp_path: Path) -> None:
    assert imported(tmp_path / "unasked", blocked(NOW)) == []
    (entry,) = imported(tmp_path / "asked", blocked(NOW), options=("--suppress", "30d"))
    assert (entry["openid"], entry["source"]) == (fields(1)["FromUserName"], "user block")


def test_who_comes_back_is_taken_off_it_in_whatever_order_that_is_told(tmp_path: Path) -> None:
    wanted = ("--suppress", "30d")
    for name, told in {
        "in order": (blocked(NOW - 60), subscribed(NOW)),
        "not in order": (subscribed(NOW), blocked(NOW - 60)),
    }.items():
        assert imported(tmp_path / name, *told, options=wanted) == []
    assert imported(tmp_path / "again", subscribed(NOW - 60), blocked(NOW), options=wanted)
