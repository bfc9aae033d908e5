"""`--log`: every event of a sending as JSON lines, by message, without a secret, and rotated."""

import json
import os
import re
import shutil
import stat
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Desk, at_call, openid, people
from wxpush.clock import BEIJING
from wxpush.delivery.ports import Notice, Why
from wxpush.errors import UnsafeStateError
from wxpush.model import Arrival
from wxpush.report.eventlog import LogFile

ROOT = Path(__file__).parent.parent.parent


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("ascii").splitlines()]


def test_every_message_has_its_story_under_its_own_trace_id(desk: Desk) -> None:
    desk.prepare(5)
    assert desk.sandbox is not None
    desk.sandbox.unfollow(openid(2))
    assert desk.send("--log", "send.log").code == 1
    lines = lines_of(desk.folder / "send.log")
    assert (lines[0]["event"], lines[-1]["event"]) == ("run_started", "run_ended")
    assert (lines[-1]["state"], lines[-1]["accepted"], lines[-1]["failed"]) == ("finished", 4, 1)
    stories: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in lines:
        if "trace_id" in line:
            assert len(line["trace_id"]) == 32
            stories[line["trace_id"]].append(line)
    assert len(stories) == 5
    for story in stories.values():
        assert [line["event"] for line in story] == ["claimed", "attempt", "outcome"]
        claimed, attempt, outcome = story
        assert len({line["openid"] for line in story}) == 1
        assert claimed["client_msg_id"] == attempt["client_msg_id"]
        assert attempt["latency_ms"] > 0
        assert attempt["code"] == outcome["code"]
    states = Counter(story[-1]["state"] for story in stories.values())
    assert states == {"accepted": 4, "failed": 1}


def test_a_message_keeps_its_trace_id_when_it_is_sent_again(desk: Desk) -> None:
    desk.prepare(2)
    assert desk.sandbox is not None
    desk.sandbox.unfollow(openid(2))
    desk.send("--log", "send.log")
    desk.sandbox.follow(openid(2))
    desk.retry("--code", "43004", "--log", "send.log")
    lines = [line for line in lines_of(desk.folder / "send.log") if line.get("openid") == openid(2)]
    assert len({line["trace_id"] for line in lines}) == 1
    assert [line["state"] for line in lines if line["event"] == "outcome"] == ["failed", "accepted"]
    assert len({line["client_msg_id"] for line in lines if line["event"] == "attempt"}) == 2


def test_every_event_says_when_and_of_which_run(desk: Desk) -> None:
    desk.prepare(2)
    desk.send("--log", "send.log")
    for line in lines_of(desk.folder / "send.log"):
        assert line["time"].endswith("+08:00")
        assert (line["run"], line["account"]) == ("order-shipped", "default")
        assert line["appid"]


def test_nothing_secret_is_in_it_and_nobody_else_can_read_it(desk: Desk) -> None:
    desk.prepare(3)
    assert desk.sandbox is not None
    desk.send("--log", "send.log")
    path = desk.folder / "send.log"
    text = path.read_text("ascii")
    assert desk.sandbox.secret not in text
    tokens = [json.loads(file.read_text())["token"] for file in desk.home.rglob("token.json")]
    assert tokens
    assert not any(token in text for token in tokens)
    if os.name != "nt":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_disk_that_refuses_ends_the_log_and_not_the_sending(desk: Desk) -> None:
    desk.prepare(60)
    assert desk.sandbox is not None
    logs = desk.folder / "logs"
    logs.mkdir()
    desk.sandbox.on_send(at_call(20, lambda: shutil.rmtree(logs)), "decided")
    done = desk.run(
        "send", "campaign.yaml", "users.csv", "--yes", "--rate", "2000/s", "--log", "logs/send.log",
        "--log-max", "1KB",
    )  # fmt: skip
    assert (done.code, "all 60 accepted" in done.out) == (0, True)
    assert "The log ends early: logs/send.log can't be written" in done.talk


def test_a_log_to_a_device_is_refused_before_anything_is_sent(desk: Desk) -> None:
    desk.prepare(3)
    assert desk.send("--log", os.devnull).code == 4
    assert desk.sends() == 0


@pytest.mark.parametrize("mode", [0o600, 0o644])
@pytest.mark.parametrize("content", ["openid,order_no\n", '{"time":"now","event":"sold","run":"x"}\n', "\n"])
def test_no_line_is_added_to_what_is_no_log(desk: Desk, content: str, mode: int) -> None:
    desk.prepare(2)
    assert desk.sandbox is not None
    path = desk.write("orders.csv", content)
    path.chmod(mode)
    for done in (desk.send("--log", "orders.csv"), desk.retry("--log", "orders.csv")):
        assert (done.code, path.read_text("utf-8")) == (2, content)
        assert "--log: orders.csv is there already, and is no log of wxpush." in done.talk
        assert "Give --log the name of a new file." in done.talk
        assert "chmod" not in done.talk
    assert "已经存在" in desk.send("--log", "orders.csv", env={"WXPUSH_LANG": "zh"}).talk
    assert desk.sends() == 0


def test_a_new_list_to_render_from_is_no_log(desk: Desk) -> None:
    path = desk.write("mended.csv", "")
    path.chmod(0o600)
    done = desk.retry("--recipients", "mended.csv", "--log", "mended.csv")
    assert (done.code, path.read_bytes()) == (2, b"")
    assert "--log: mended.csv is a file that this command reads" in done.talk


def test_a_log_goes_on_whichever_event_it_begins_with(desk: Desk) -> None:
    desk.prepare(1)
    path = desk.write("send.log", "")
    path.chmod(0o600)
    assert desk.send("--log", "send.log").code == 0
    first_run = path.read_text("ascii").splitlines()
    kinds = {json.loads(line)["event"] for line in first_run}
    assert {"run_started", "claimed", "attempt", "outcome", "run_ended"} <= kinds
    for number, line in enumerate(first_run):
        path.write_text(line + "\n", "ascii")
        assert desk.send("--log", "send.log", "--run", f"run-{number}").code == 0
        lines = lines_of(path)
        assert (lines[0], lines[-1]["run"]) == (json.loads(line), f"run-{number}")


def test_a_size_without_a_log_is_refused(desk: Desk) -> None:
    desk.prepare(1)
    for done in (desk.send("--log-max", "1MB"), desk.retry("--log-max", "1MB")):
        assert (done.code, "--log-max goes with --log." in done.talk) == (2, True)
    assert "--log-max 要与 --log 一起使用" in desk.send("--log-max", "1MB", env={"WXPUSH_LANG": "zh"}).talk
    assert desk.sends() == 0


def test_a_log_that_makes_no_sense_is_refused(desk: Desk) -> None:
    desk.prepare(1)
    assert desk.send("--log", "x.log", "--log-max", "much").code == 2
    assert desk.send("--log", "no/such/folder/x.log").code == 2
    done = desk.run("send", "campaign.yaml", "users.csv", "--dry-run", "--log", "x.log")
    assert (done.code, "--dry-run" in done.err) == (2, True)
    assert desk.sends() == 0


def test_a_full_file_makes_room_for_the_next_and_five_are_kept(desk: Desk) -> None:
    desk.prepare(60)
    for number in range(8):
        desk.send("--log", "send.log", "--log-max", "10KB", "--run", f"run-{number}")
    names = sorted(path.name for path in desk.folder.glob("send.log*"))
    assert names == ["send.log", *(f"send.log.{number}" for number in range(1, 6))]
    kept = [line for name in names for line in lines_of(desk.folder / name)]
    assert kept, "every line is whole"
    assert kept[0]["run"] == "run-7"


@pytest.mark.skipif(os.name == "nt", reason="links and modes of POSIX")
def test_a_link_and_a_file_that_others_read_are_refused(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("mine")
    target.chmod(0o600)
    (tmp_path / "link").symlink_to(target)
    with pytest.raises(UnsafeStateError):
        LogFile(tmp_path / "link", 1000)
    (tmp_path / "open").write_text("")
    (tmp_path / "open").chmod(0o644)
    with pytest.raises(UnsafeStateError):
        LogFile(tmp_path / "open", 1000)
    assert target.read_text() == "mine"


def test_two_processes_that_fill_one_file_lose_no_line(tmp_path: Path) -> None:
    one, other = LogFile(tmp_path / "log", 400), LogFile(tmp_path / "log", 400)
    for number in range(20):
        (one if number % 2 else other).write(f'{{"n":{100 + number}}}{" " * 30}\n'.encode())
    one.close()
    other.close()
    numbers = {
        json.loads(line)["n"] for path in tmp_path.glob("log*") for line in path.read_text().splitlines()
    }
    assert numbers == set(range(100, 120))


def test_what_is_in_a_key_cannot_break_a_line(desk: Desk) -> None:
    desk.campaign(key='"{{ name }}"')
    desk.list([people(1)[0] | {"name": '李"晓\\雯'}])
    desk.send("--log", "send.log")
    keys = {line["key"] for line in lines_of(desk.folder / "send.log") if "key" in line}
    assert keys == {'李"晓\\雯'}


@pytest.mark.parametrize("page", ["log.md", "log.zh-CN.md"])
def test_every_event_and_field_is_documented(desk: Desk, page: str) -> None:
    desk.prepare(4)
    assert desk.sandbox is not None
    desk.sandbox.unfollow(openid(2))
    desk.sandbox.set_faults({"send": {"system_error": {"every": 3, "times": 1, "accepted": False}}})
    desk.send("--log", "send.log", "--workers", "1")
    told = set(re.findall(r"`(\w+)`", (ROOT / "docs" / page).read_text("utf-8")))
    lines = lines_of(desk.folder / "send.log")
    assert {line["event"] for line in lines} - told == set()
    assert {field for line in lines for field in line} - told == set()
    assert {why.value for why in Why} | {notice.value for notice in Notice} <= told
    assert {arrival.value for arrival in Arrival} <= told


def test_rows_that_are_left_out_are_told_with_their_reason(desk: Desk) -> None:
    rows = people(4)
    rows[2]["amount"] = "1.00"
    desk.campaign(when="amount != '1.00'", key='"{{ order_no }}"')
    desk.list([*rows, rows[0]])
    desk.run("suppress", "add", openid(2))
    for _again in range(2):
        (desk.folder / "send.log").unlink(missing_ok=True)
        assert desk.send("--log", "send.log").code == 0
        told = {
            line["line"]: line for line in lines_of(desk.folder / "send.log") if line["event"] == "skipped"
        }
        assert {line: one["reason"] for line, one in told.items()} == {
            3: "suppressed", 4: "condition", 6: "duplicate",
        }  # fmt: skip
        assert (told[3]["openid"], told[3]["key"]) == (openid(2), rows[1]["order_no"])
        assert len(told[3]["trace_id"]) == 32
        assert not {"openid", "key", "trace_id"} & told[4].keys()


def test_whom_a_retry_leaves_out_is_told_too(desk: Desk) -> None:
    desk.prepare(3)
    assert desk.sandbox is not None
    desk.sandbox.unfollow(openid(2))
    desk.sandbox.unfollow(openid(3))
    desk.send()
    desk.run("suppress", "add", openid(2))
    desk.retry("--all", "--log", "retry.log")
    told = [line for line in lines_of(desk.folder / "retry.log") if line["event"] == "skipped"]
    assert [(line["openid"], line["reason"]) for line in told] == [(openid(2), "suppressed")]


def test_the_wait_for_the_beginning_is_told(desk: Desk) -> None:
    desk.prepare(2)
    moment = datetime.now(BEIJING) + timedelta(seconds=4)
    assert desk.send("--log", "send.log", "--at", f"{moment:%Y-%m-%d %H:%M:%S}").code == 0
    wait, over, started, *_rest = lines_of(desk.folder / "send.log")
    assert (wait["event"], wait["why"]) == ("waiting", "at")
    assert wait["until"] == f"{moment:%Y-%m-%dT%H:%M:%S}+08:00"
    assert (over["event"], started["event"]) == ("resumed", "run_started")
    assert over["time"] >= wait["until"]
