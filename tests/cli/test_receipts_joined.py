"""Accepted and delivered apart, on the command line: summary, `runs`, waiting, settling, after a kill too."""

import csv
import io
import json
import os
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Desk, counts, openid, send_arguments
from tests.guarantees.drill import Times, balance, drilling
from wxpush.config import Directories
from wxpush.delivery.policy import DEDUPE_WINDOW_S
from wxpush.delivery.receipts import ReceiptLog
from wxpush.model import Receipt
from wxpush.sandbox import Sandbox

posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")


def take_in(desk: Desk, receipts: Iterable[Receipt]) -> None:
    """Put receipts into the log of the desk's account, as `receipts serve` does."""
    assert desk.sandbox is not None
    folder = Directories(desk.home).receipts_path(desk.sandbox.url, desk.sandbox.appid)
    with closing(ReceiptLog(folder)) as log:
        log.append(list(receipts))


def receipts_of(desk: Desk, status: Callable[[int], str] = lambda _number: "success") -> list[Receipt]:
    """What WeChat has to tell of everything that people were shown."""
    assert desk.sandbox is not None
    return [
        Receipt(one.msgid, one.openid, status(number), int(one.time) + 2, one.time)
        for number, one in enumerate(desk.sandbox.shown(), 1)
    ]


@pytest.fixture
def desk(tmp_path: Path, open_wechat: Callable[..., Sandbox]) -> Desk:
    return Desk(tmp_path, open_wechat())


def test_without_receipts_nothing_is_told_of_them(desk: Desk) -> None:
    desk.prepare(3)
    sent = desk.send()
    assert not {"delivered", "delivery", "unconfirmed"} & sent.json.keys()
    assert "delivered" not in desk.run("runs", "show").talk
    refused = desk.run("runs", "show", "--undelivered", "nobody.csv")
    assert (refused.code, "no receipts" in refused.err) == (2, True)


def test_accepted_and_delivered_are_told_apart(desk: Desk) -> None:
    desk.prepare(10)
    desk.send()
    statuses = {1: "failed:user block", 2: "failed:user block", 3: "failed:system failed", 4: "failed:odd"}
    take_in(desk, receipts_of(desk, lambda number: statuses.get(number, "success"))[:9])
    expected = {
        "delivered": 5,
        "undelivered": [
            {"status": "user block", "count": 2}, {"status": "odd", "count": 1},
            {"status": "system failed", "count": 1},
        ],
        "unconfirmed": 1,
    }  # fmt: skip
    again, shown = desk.send().json, desk.run("runs", "show", "--json").json
    (listed,) = desk.run("runs", "--json").json["runs"]
    for told in (again, shown, listed):
        assert {name: told[name] for name in expected} == expected
        assert told["accepted"] == 10
        assert told["delivery"]["rate"] == round(5 / 9, 4)
        assert 0 <= told["delivery"]["median_s"] <= told["delivery"]["p99_s"] <= 3
    text = desk.run("runs", "show").talk
    assert "accepted 10 — delivered 5, refused by the user 2, odd 1, failed in WeChat's system 1," in text
    assert "unconfirmed 1; delivery rate 55.6% of 9 with a receipt; median " in " ".join(text.split())
    assert "delivery rate 55.6% of 9 with a receipt" in " ".join(desk.send("--json").talk.split())
    assert "delivered" in desk.run("runs").out
    chinese = desk.run("--lang", "zh", "runs", "show").talk
    assert "已受理 10 — 送达 5，用户拒收 2，" in chinese
    assert "送达率 55.6%（以有回执的 9 条计）" in chinese


def test_who_was_accepted_and_not_delivered_becomes_a_list(desk: Desk) -> None:
    desk.prepare(4, key='"{{ openid }}:{{ order_no }}"')
    desk.send()
    take_in(desk, receipts_of(desk, lambda number: "failed:user block" if number % 2 else "success"))
    done = desk.run("runs", "show", "--undelivered", "refused.csv", "--json")
    assert done.json["undelivered_file"] == "refused.csv"
    with (desk.folder / "refused.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 2
    for row in rows:
        assert (row["wxpush_state"], row["wxpush_code"]) == ("undelivered", "failed:user block")
        assert row["key"].startswith(f"{row['openid']}:SO")
    take_in(desk, [])
    assert not (desk.folder / "users.failures.csv").exists()


def test_where_everybody_got_it_no_list_is_written(desk: Desk) -> None:
    desk.prepare(2)
    desk.send()
    take_in(desk, receipts_of(desk))
    done = desk.run("runs", "show", "--undelivered", "refused.csv", "--json")
    assert (done.json["undelivered_file"], (desk.folder / "refused.csv").exists()) == (None, False)


# Waiting


def begin_waiting(desk: Desk, time: str = "2m") -> Any:
    arguments = ["send", "campaign.yaml", "users.csv", "--yes", "--rate", "2000/s", "--json"]
    return desk.start(*arguments, "--wait-receipts", time)


def heard(running: Any, words: str) -> str:
    """Read what it says until it says `words`."""
    said = ""
    for line in running.process.stderr:
        said += line
        if words in line:
            return said
    raise AssertionError(said)


def test_a_sending_waits_for_its_receipts(desk: Desk) -> None:
    desk.prepare(20)
    with begin_waiting(desk) as running:
        assert "0 of 20 are there" in heard(running, "Waiting: receipts")
        take_in(desk, receipts_of(desk)[:10])
        take_in(desk, receipts_of(desk)[10:])
        done = running.done()
    assert (done.code, done.json["delivered"], done.json["unconfirmed"]) == (0, 20, 0)


def test_the_last_acceptance_is_not_the_end_of_the_wait(desk: Desk) -> None:
    desk.prepare(3)
    desk.send("--wait-receipts", "2500ms")
    at = max(row["time"] for row in csv.DictReader(io.StringIO(desk.run("report", "--format", "csv").out)))
    again = desk.send()
    assert again.json["attempts"] == 0
    assert f"accepted on {at[:10]} {at[11:19]}" in again.talk


def test_it_waits_no_longer_than_was_asked(desk: Desk) -> None:
    desk.prepare(3)
    done = desk.send("--wait-receipts", "500ms")
    assert (done.code, counts(done.json)) == (0, {"accepted": 3})
    assert "No receipt came" in done.talk


@pytest.mark.parametrize("time", ["soon", "0s", "2w", "m"])
def test_a_time_that_is_none_is_refused(desk: Desk, time: str) -> None:
    desk.prepare(1)
    done = desk.send("--wait-receipts", time)
    assert (done.code, "--wait-receipts" in done.err, desk.sends()) == (2, True, 0)


@posix
def test_ctrl_c_ends_the_wait_and_nothing_else(desk: Desk) -> None:
    desk.prepare(5)
    with begin_waiting(desk) as running:
        heard(running, "Waiting: receipts")
        take_in(desk, receipts_of(desk)[:2])
        running.signal(signal.SIGINT)
        done = running.done(30)
    assert (done.code, done.json["state"], done.json["delivered"]) == (0, "finished", 2)


# Settling


def test_a_message_in_doubt_is_settled_by_its_receipt(
    tmp_path: Path, open_wechat: Callable[..., Sandbox]
) -> None:
    sandbox = open_wechat(dedupe={"answer": "40241", "burnt_by_failure": True})
    desk = Desk(tmp_path, sandbox)
    desk.prepare(8, retry="{attempts: 4, base: 1ms, cap: 1ms}")
    sandbox.set_faults(
        {"send": {"latency_ms": 8, "system_error": {"every": 3, "times": 3, "accepted": True}}}
    )
    sent = desk.send("--workers", "1")
    sandbox.set_faults({})
    assert counts(sent.json) == {"accepted": 5, "in_doubt": 3}
    nothing = desk.run("runs", "settle", "--receipts", "--json")
    assert (nothing.code, nothing.json["state"]) == (2, "refused")
    take_in(desk, receipts_of(desk))
    done = desk.run("runs", "settle", "--receipts", "--json")
    assert (done.code, done.json["delivered"], counts(done.json)) == (0, 3, {"accepted": 8})
    before = desk.sends()
    again = desk.send("--in-doubt", "resend")
    assert (again.code, desk.sends(), again.json["delivered"]) == (0, before, 8)
    assert set(desk.shown().values()) == {1}
    mixed = desk.run("runs", "settle", "--receipts", "--resend", "--all", "--json")
    assert (mixed.code, "decisions of your own" in mixed.err) == (2, True)


def test_the_review_is_asked_for_what_it_rejected(
    tmp_path: Path, open_wechat: Callable[..., Sandbox]
) -> None:
    sandbox = open_wechat(review={"chance": "100%", "passes": 0, "after_s": 0})
    desk = Desk(tmp_path, sandbox)
    desk.prepare(3)
    assert counts(desk.send().json) == {"held": 3}
    done = desk.run("runs", "settle", "--review", "--json")
    assert (done.code, done.json["rejected"], counts(done.json)) == (0, 3, {"failed": 3})
    assert [row["wxpush_code"] for row in desk.run("report", "--json").json["rows"]] == ["40252"] * 3
    assert desk.retry().json["attempts"] == 0
    (group,) = desk.run("runs", "show", "--json").json["failures"]
    (row, *_others) = desk.run("report", "--json").json["rows"]
    with (desk.folder / "users.failures.csv").open(encoding="utf-8-sig", newline="") as stream:
        (listed, *_more) = csv.DictReader(stream)
    assert group["meaning"] == row["wxpush_meaning"] == listed["wxpush_meaning"]
    assert group["meaning"] == "rejected after review; WeChat does not deliver it"
    for text in (desk.run("runs", "show").talk, listed["wxpush_hint"], desk.run("report").out):
        assert "Change the text" in " ".join(text.split())
        assert "delivers it by itself" not in text
    told = desk.run("trace", row["openid"], "--json").json["events"]
    assert [one["meaning"] for one in told] == [
        "content held for platform review, delivered automatically if it passes", group["meaning"],
    ]  # fmt: skip
    chinese = desk.run("--lang", "zh", "report").out
    assert "审核未通过" in chinese
    assert "rejected after review" not in chinese


def test_what_review_says_is_explained_with_what_can_become_of_it(desk: Desk) -> None:
    text = " ".join(desk.run("explain", "40252").out.split())
    assert "Do not send it again" in text
    assert "If the review rejects it:" in text.split("Do not send it again")[1]
    assert "Change the text" in text
    told = desk.run("explain", "40252", "--json").json
    assert (told["class"], told["if_rejected"]["class"]) == ("unknown", "message")
    assert told["if_rejected"]["meaning"].startswith("rejected")
    assert "if_rejected" not in desk.run("explain", "43004", "--json").json


@posix
@pytest.mark.parametrize("option", ["leave", "resend"])
@pytest.mark.parametrize("aged", [False, True], ids=["in the window", "after it"])
def test_after_a_kill_nobody_whose_receipt_came_is_sent_it_again(
    tmp_path: Path, option: str, aged: bool
) -> None:
    """The worst dedupe: a WeChat that knows no id any more shows everything that is sent again."""
    times = Times()
    with drilling(tmp_path, times=times, dedupe={"window_s": 0}) as drill:
        drill.prepare(30, workers="4", rate="200/s")
        drill.at_send(12, "decided")
        with drill.start() as running:
            running.process.wait(60)
        shown_then = drill.desk.shown()
        assert 0 < len(shown_then) < 30
        take_in(drill.desk, receipts_of(drill.desk))
        if aged:
            times.ahead += DEDUPE_WINDOW_S + 120
        done = drill.send("--in-doubt", option)
        # Of those who were claimed and shown nothing, nobody can tell after the window, unless they go again.
        found = balance(drill, done.json)
        assert found.doubles == 0
        assert found.lost == []
        assert set(shown_then) <= {person for person, state in found.states.items() if state == "accepted"}
        if option == "resend" or not aged:
            assert counts(done.json) == {"accepted": 30}
        assert done.json["delivered"] >= len(shown_then)


def test_json_of_a_run_names_each_part_once(desk: Desk) -> None:
    desk.prepare(1)
    desk.send()
    take_in(desk, [Receipt(0, openid(1), "success", 1, 1.0), *receipts_of(desk)])
    text = desk.run("runs", "show", "--json").out
    assert json.loads(text)["delivered"] == 1
    assert text.count('"delivered"') == 1


def test_a_run_that_goes_on_is_told_of_by_one_reading(
    tmp_path: Path, open_wechat: Callable[..., Sandbox]
) -> None:
    """The commands read while messages come in: both numbers are the same, and the last change is late."""
    desk = Desk(tmp_path, open_wechat())
    desk.prepare(3_000)
    take_in(desk, [Receipt(5, openid(9_999), "success", 1_795_600_000, 1_795_600_001.0)])
    with desk.start(*send_arguments("--rate", "300/s")) as running:
        deadline = time.monotonic() + 30
        while desk.sends() < 300:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        views = [desk.run("runs", "show", "--json").json for _ in range(3)]
        views += [desk.run("report", "--json").json, desk.run("runs", "--json").json["runs"][0]]
        running.process.kill()
        running.process.wait(20)
    for view in views:
        assert view["state"] == "running"
        assert view["accepted"] == view["delivered"] + view["unconfirmed"] > 0
    changed = [datetime.fromisoformat(view["updated"]) for view in views]
    begun = datetime.fromisoformat(views[0]["created"])
    assert changed == sorted(changed)
    assert changed[-1] > begun
    (killed,) = desk.run("runs", "--json").json["runs"]
    assert datetime.fromisoformat(killed["updated"]) >= changed[-1]


def test_where_nothing_was_accepted_nothing_is_told_of_deliveries(desk: Desk) -> None:
    desk.prepare(1)
    assert desk.sandbox is not None
    desk.sandbox.unfollow(openid(1))
    take_in(desk, [Receipt(5, openid(9), "success", 1_795_600_000, 1_795_600_001.0)])
    told = desk.run("send", "campaign.yaml", "users.csv", "--yes").talk + desk.run("runs", "show").talk
    assert "—" not in told
    assert desk.run("runs", "show", "--json").json["delivered"] == 0
