"""`wxpush runs`, `runs show` and `report`: what was sent and how it stands."""

import csv
import io
import json
import os
import subprocess
import sys

import pytest

from tests.cli.command import STATES, Desk, adds_up, counts, openid, people

RUN_KEYS = {
    "run",
    "account",
    "appid",
    "campaign",
    "list",
    "template_id",
    "approved",
    "state",
    "created",
    "updated",
}
REPORT_KEYS = {"begun", "ended", "active_s", "rate_per_s", "attempts", "repeated"}
REPORT_KEYS |= {"latency_ms", "waits", "slow", "minutes"}
RUN_KEYS |= {"total", *STATES, "failures", "skips", "live_pid"}


@pytest.fixture
def sent(desk: Desk) -> Desk:
    """Five people of whom two don't follow, and a row that is there twice."""
    desk.campaign()
    desk.list([*people(5), *people(1)])
    assert desk.sandbox is not None
    desk.sandbox.unfollow(openid(2))
    desk.sandbox.unfollow(openid(4))
    desk.send()
    return desk


def test_before_the_first_run_there_is_nothing_to_list(desk: Desk) -> None:
    assert desk.run("runs", "--json").json == {"schema": 1, "runs": []}
    assert desk.run("runs").code == 0
    assert desk.run("runs", "show").code == 2
    assert desk.run("report").code == 2


def test_runs_show_tells_how_the_run_stands(sent: Desk) -> None:
    shown = sent.run("runs", "show", "order-shipped", "--json").json
    assert set(shown) == {"schema", *RUN_KEYS}
    assert counts(shown) == {"accepted": 3, "failed": 2, "skipped": 1}
    assert adds_up(shown)
    assert (shown["state"], shown["total"], shown["live_pid"]) == ("finished", 6, None)
    assert shown["skips"] == [{"reason": "duplicate", "count": 1}]
    assert shown["created"].endswith("+08:00")


def test_the_list_of_runs_says_the_same(sent: Desk) -> None:
    (listed,) = sent.run("runs", "--json").json["runs"]
    shown = sent.run("runs", "show", "--json").json
    del shown["schema"]
    assert listed == shown


def test_the_latest_run_comes_first(desk: Desk) -> None:
    desk.prepare(1)
    desk.send()
    desk.send("--run", "later")
    assert [run["run"] for run in desk.run("runs", "--json").json["runs"]] == ["later", "order-shipped"]
    table = desk.run("runs").out
    assert table.index("later") < table.index("order-shipped")


def test_the_table_names_everybody_who_got_nothing(sent: Desk) -> None:
    done = sent.run("report")
    assert done.code == 0
    assert "43004" in done.out
    assert "line 3" in done.out
    assert "line 5" in done.out


def test_the_json_report_has_a_row_for_everybody_who_got_nothing(sent: Desk) -> None:
    report = sent.run("report", "--format", "json").json
    assert report == sent.run("report", "--json").json
    assert set(report) == {"schema", "rows", *RUN_KEYS, *REPORT_KEYS}
    shown = sent.run("runs", "show", "--json").json
    assert {key: report[key] for key in shown} == shown
    assert [(row["openid"], row["wxpush_line"], row["wxpush_code"]) for row in report["rows"]] == [
        (openid(2), 3, "43004"),
        (openid(4), 5, "43004"),
    ]
    assert {row["wxpush_state"] for row in report["rows"]} == {"failed"}
    assert {row["wxpush_attempts"] for row in report["rows"]} == {1}


def test_the_report_on_failures_is_the_failures_file(sent: Desk) -> None:
    printed = list(csv.DictReader(io.StringIO(sent.run("report", "--format", "failures").out)))
    text = (sent.folder / "users.failures.csv").read_text("utf-8-sig")
    assert printed == list(csv.DictReader(io.StringIO(text)))
    assert {row["openid"] for row in printed} == {openid(2), openid(4)}
    columns = "wxpush_state wxpush_line wxpush_code wxpush_meaning wxpush_hint wxpush_attempts wxpush_time"
    assert list(printed[0])[-7:] == columns.split()


def test_the_exact_values_lie_in_the_runs_state(sent: Desk) -> None:
    (file,) = sent.home.rglob("failures.jsonl")
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert {row["openid"] for row in rows} == {openid(2), openid(4)}


def test_what_scripts_read_is_the_same_in_both_languages(sent: Desk) -> None:
    english = sent.run("report", "--json").json
    assert sent.run("--lang", "zh", "report", "--json").json == english
    assert sent.run("--lang", "zh", "runs", "--json").json == sent.run("runs", "--json").json


def test_a_failures_file_that_somebody_made_is_left_alone(desk: Desk) -> None:
    desk.prepare(2)
    desk.write("users.failures.csv", "my own notes\n")
    assert desk.sandbox is not None
    desk.sandbox.unfollow(openid(2))
    done = desk.send()
    assert done.json["failures_file"] == "users.failures-2.csv"
    assert (desk.folder / "users.failures.csv").read_text("utf-8") == "my own notes\n"


@pytest.mark.skipif(os.name == "nt", reason="a terminal is made with a pty")
def test_a_terminal_gets_no_control_characters_from_a_csv_report(desk: Desk) -> None:
    desk.campaign(checks="{thing: off}")
    desk.list([{**person, "name": "李\x1b]0;晓\u202e雯"} for person in people(2)])
    assert desk.sandbox is not None
    desk.sandbox.unfollow(openid(2))
    desk.send()
    assert "\x1b]0;晓\u202e雯" in desk.run("report", "--format", "failures").out
    master, terminal = os.openpty()
    command = [sys.executable, "-m", "wxpush", "report", "--format", "failures"]
    subprocess.run(command, cwd=desk.folder, env=desk.environment(), stdout=terminal, check=True)
    os.close(terminal)
    shown = os.read(master, 65536).decode()
    os.close(master)
    assert "李\\u001b]0;晓\\u202e雯" in shown
    assert "\x1b" not in shown


def test_json_and_another_format_contradict_each_other(sent: Desk) -> None:
    for name in ("csv", "failures", "html", "md", "table"):
        done = sent.run("report", "--json", "--format", name)
        assert (done.code, done.out) == (2, "")
        assert f"--json and --format {name} contradict each other" in done.err
    assert sent.run("report", "--json", "--format", "json").code == 0


def test_a_report_as_a_table_has_one_beginning(sent: Desk) -> None:
    shown = sent.run("report").out
    assert [shown.count(word) for word in ("Begun", "First outcome", "Last outcome")] == [1, 1, 1]
