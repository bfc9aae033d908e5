"""`wxpush report`: the same run as a table, a page, Markdown, JSON and CSV, on a terminal and in a file."""

import csv
import io
import json
import re
from collections import Counter
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from tests.cli.command import Desk, openid, people
from wxpush.app.delivered import receipts_folder
from wxpush.app.surroundings import Surroundings
from wxpush.delivery.receipts import ReceiptLog
from wxpush.delivery.run import RunFolder, runs_in
from wxpush.model import Receipt
from wxpush.private import ensure_private_dir


@pytest.fixture
def sent(desk: Desk) -> Desk:
    """Five people of whom two don't follow, a row that is there twice, and one that isn't wanted."""
    rows = [*people(6), *people(1)]
    rows[5]["amount"] = "1.00"
    desk.campaign(when="amount != '1.00'")
    desk.list(rows)
    assert desk.sandbox is not None
    desk.sandbox.unfollow(openid(2))
    desk.sandbox.unfollow(openid(4))
    desk.send()
    return desk


def the_run(desk: Desk) -> RunFolder:
    (folder,) = runs_in(desk.home)
    return folder


def receive(desk: Desk, statuses: dict[str, str]) -> None:
    """Keep a receipt, two seconds after the acceptance, for each of these people."""
    card = the_run(desk).card()
    assert card is not None
    log = receipts_folder(card, Surroundings({}, desk.home))
    ensure_private_dir(log.parent)
    with closing(ReceiptLog(log)) as opened:
        opened.append(
            [
                Receipt(
                    int(row["msgid"]),
                    row["openid"],
                    statuses[row["openid"]],
                    at := _unix(row["time"]) + 2,
                    at,
                )
                for row in messages(desk)
                if row["openid"] in statuses
            ]
        )


def _unix(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp())


def messages(desk: Desk) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(desk.run("report", "--format", "csv").out)))


def test_the_csv_has_every_message_by_what_it_can_be_found_again(sent: Desk) -> None:
    rows = {row["openid"]: row for row in messages(sent)}
    assert set(rows) == {openid(number) for number in range(1, 6)}
    assert Counter(row["state"] for row in rows.values()) == {"accepted": 3, "failed": 2}
    assert rows[openid(2)] | {"time": ""} == {
        "state": "failed", "code": "43004", "msgid": "", "attempts": "1", "time": "", "key": openid(2),
        "openid": openid(2), "line": "3", "delivery": "", "delivery_time": "",
    }  # fmt: skip
    assert sent.sandbox is not None
    told = {message.openid: str(message.msgid) for message in sent.sandbox.shown()}
    assert {who: row["msgid"] for who, row in rows.items() if row["state"] == "accepted"} == told
    assert all(row["time"].endswith("+08:00") for row in rows.values())


def test_a_message_that_was_sent_again_is_there_once(sent: Desk) -> None:
    assert sent.sandbox is not None
    sent.sandbox.follow(openid(2))
    sent.retry("--code", "43004")
    rows = messages(sent)
    assert Counter(row["state"] for row in rows) == {"accepted": 4, "failed": 1}
    assert len(rows) == 5


def test_wrong_rows_are_in_the_csv_without_a_key(desk: Desk) -> None:
    rows = people(2)
    rows[1]["amount"] = "很多"
    desk.campaign()
    desk.list(rows)
    desk.send("--skip-invalid")
    (wrong,) = [row for row in messages(desk) if row["code"] != "0"]
    assert (wrong["state"], wrong["code"], wrong["key"], wrong["line"]) == ("failed", "invalid", "", "3")


def test_no_cell_is_a_formula(desk: Desk) -> None:
    desk.campaign(key='"={{ order_no }}"')
    desk.list(people(1))
    desk.send()
    (row,) = messages(desk)
    assert row["key"] == "'=SO2026112300001"


def test_receipts_are_told_in_every_format(sent: Desk) -> None:
    receive(sent, {openid(1): "success", openid(3): "failed:user block"})
    rows = {row["openid"]: row for row in messages(sent)}
    assert (rows[openid(1)]["delivery"], rows[openid(3)]["delivery"]) == ("success", "failed:user block")
    assert rows[openid(5)]["delivery"] == ""
    assert _unix(rows[openid(1)]["delivery_time"]) == _unix(rows[openid(1)]["time"]) + 2
    report = sent.run("report", "--json").json
    assert (report["delivered"], report["unconfirmed"]) == (1, 1)
    for form in ("table", "html", "md"):
        told = sent.run("report", "--format", form).out
        assert "delivered" in told
        assert "refused by the user" in told
        assert "Delivery rate" in told
        assert "50%" in told
        assert "of 2 with a receipt" in told
    for form in ("html", "md"):  # of those with a receipt it is half
        assert sent.run("report", "--format", form).out.count("33.3% of accepted") == 3


def test_a_meaning_is_not_told_twice(sent: Desk) -> None:
    """WeChat's own text is in its rows: with a rid, which leads to the call, and in other letters."""
    text = sent.run("report").out
    assert "43004  require subscribe\n" in text
    rows = sent.run("report", "--json").json["rows"]
    assert all("rid" in row["wxpush_meaning"] for row in rows)


def test_the_json_has_the_course_of_the_run_minute_by_minute(sent: Desk) -> None:
    report = sent.run("report", "--json").json
    assert sum(minute["accepted"] for minute in report["minutes"]) == 3
    assert sum(minute["failed"] for minute in report["minutes"]) == 2
    assert sum(minute["attempts"] for minute in report["minutes"]) == report["attempts"] == 5
    assert sum((Counter(minute["codes"]) for minute in report["minutes"]), Counter()) == {"43004": 2}
    latency = report["latency_ms"]
    assert 0 < latency["p50"] <= latency["p90"] <= latency["p99"]
    assert sum(one["calls"] for one in latency["classes"]) == 5
    assert report["begun"].endswith("+08:00")


def test_the_page_says_what_the_run_was(sent: Desk) -> None:
    english = sent.run("report", "--format", "html").out
    for text in ("3 of 7 accepted", "require subscribe", "43004", "the same message twice", "is false"):
        assert text in english
    chinese = sent.run("--lang", "zh", "report", "--format", "html").out
    assert '<html lang="zh-CN">' in chinese
    assert "共 7 条，已受理 3 条" in chinese
    assert len(english.encode()) < 200_000


def test_markdown_has_the_causes_as_a_table(sent: Desk) -> None:
    told = sent.run("report", "--format", "md").out
    assert re.search(r"^\| failed \| 43004 \| 2 \| require subscribe \| ", told, re.MULTILINE)
    assert re.search(r"^\| accepted \| 3 \| 42\.9% \|$", told, re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("r.html", "<!DOCTYPE html>"),
        ("r.md", "<!-- wxpush report -->"),
        ("r.json", '{\n  "schema": 1'),
        ("r.csv", "\ufeffstate,code,msgid"),
        ("r.HTM", "<!DOCTYPE html>"),
    ],
)
def test_a_files_ending_says_the_format(sent: Desk, name: str, start: str) -> None:
    done = sent.run("report", "--output", name)
    assert (done.code, done.out, done.err) == (0, "", f"Written: {name}\n")
    assert (sent.folder / name).read_text("utf-8").startswith(start)
    # A report takes the place of an earlier one.
    assert sent.run("report", "--output", name).code == 0
    assert [path.name for path in sent.folder.glob(".r.*")] == []


@pytest.mark.parametrize(
    ("form", "name", "start"),
    [
        ("table", "r.txt", "Run "),
        ("json", "report", '{\n  "schema": 1'),
        ("failures", "r.csv", "\ufeffopenid"),
    ],
)
def test_a_format_that_is_named_needs_no_ending(sent: Desk, form: str, name: str, start: str) -> None:
    done = sent.run("report", "--format", form, "--output", name)
    assert (done.code, done.err) == (0, f"Written: {name}\n")
    assert (sent.folder / name).read_text("utf-8").startswith(start)


def test_a_minus_is_standard_output(sent: Desk) -> None:
    for options in ((), ("--format", "md"), ("--format", "csv"), ("--json",)):
        written, shown = (sent.run("report", *options, *to).out for to in (("--output", "-"), ()))
        assert written.splitlines()[:8] == shown.splitlines()[:8]  # the moment of the report comes last
    assert not (sent.folder / "-").exists()


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (("--format", "html"), "x.csv"),
        (("--format", "table"), "x.html"),
        (("--format", "failures"), "x.json"),
        (("--json",), "x.md"),
    ],
)
def test_an_ending_that_contradicts_the_format_is_refused(
    sent: Desk, options: tuple[str, ...], name: str
) -> None:
    done = sent.run("report", *options, "--output", name)
    assert (done.code, (sent.folder / name).exists()) == (2, False)
    assert f"--output: {name} ends like another format than {options[-1].lstrip('-')}." in done.talk
    assert "后缀与格式" in sent.run("--lang", "zh", "report", *options, "--output", name).talk


@pytest.mark.parametrize("name", ["x.txt", "x"])
def test_an_ending_that_says_no_format_is_refused(sent: Desk, name: str) -> None:
    done = sent.run("report", "--output", name)
    assert (done.code, (sent.folder / name).exists()) == (2, False)
    assert f"--output: the ending of {name} says no format." in done.talk
    assert "Use one of .json, .csv, .html, .htm, .md, or name the format with --format." in done.talk
    assert "看不出格式" in sent.run("--lang", "zh", "report", "--output", name).talk


def test_no_file_is_replaced_but_an_earlier_report(sent: Desk) -> None:
    for name in ("users.csv", "campaign.yaml", "template.yaml"):
        before = (sent.folder / name).read_bytes()
        for form in ("table", "html", "md", "json", "csv", "failures"):
            done = sent.run("report", "--format", form, "-o", name)
            assert (done.code, (sent.folder / name).read_bytes()) == (2, before), form
    assert sent.run("report", "-o", "no/such/folder.html").code == 2


def test_a_run_without_statistics_says_so_and_shows_what_the_ledger_has(sent: Desk) -> None:
    the_run(sent).minutes.unlink()
    report = sent.run("report", "--json").json
    assert (report["latency_ms"], report["attempts"]) == (None, 5)
    assert sum(minute["accepted"] for minute in report["minutes"]) == 3
    for form in ("table", "html", "md"):
        told = sent.run("report", "--format", form)
        assert "kept no statistics" in " ".join(told.out.split())
        assert "3 of 7" in told.out or form == "table"


def test_a_run_that_has_sent_nothing_has_a_report_all_the_same(desk: Desk) -> None:
    desk.campaign(when="false")
    desk.list(people(2))
    desk.send()
    for form in ("table", "html", "md", "json", "csv", "failures"):
        assert desk.run("report", "--format", form).code == 0
    assert "Nothing was sent yet." in desk.run("report").out


def test_the_statistics_of_all_processes_are_added(sent: Desk) -> None:
    assert sent.sandbox is not None
    sent.sandbox.follow(openid(2))
    sent.retry("--code", "43004")
    lines = the_run(sent).minutes.read_text().split()
    assert sum(json.loads(line)["n"] for line in lines) == 7
    assert sent.run("report", "--json").json["attempts"] == 7


def test_a_rehearsal_begins_its_statistics_anew(desk: Desk) -> None:
    desk.prepare(3)
    for _time in range(2):
        assert desk.run("send", "campaign.yaml", "users.csv", "--sandbox", "--rate", "2000/s").code == 0
    (file,) = Path(desk.home / "sandbox").rglob("stats.jsonl")
    assert sum(json.loads(line)["n"] for line in file.read_text().split()) == 3
