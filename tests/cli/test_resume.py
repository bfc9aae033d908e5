"""Interrupted, killed, mended, copied: the same command goes on, and nobody gets a message twice."""

import csv
import io
import os
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.command import (
    DATA,
    Desk,
    Done,
    Running,
    adds_up,
    at_call,
    counts,
    openid,
    people,
    send_arguments,
)
from wxpush.sandbox import Sandbox

MANY = 1500
posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")


def disturbed(desk: Desk, number: int, act: Callable[[Running], object], *options: str) -> Running:
    """Start the usual send and do something to it at the `number`-th message, before its answer leaves."""
    assert desk.sandbox is not None
    begun: list[Running] = []
    desk.sandbox.on_send(at_call(number, lambda: act(begun[0])), "decided")
    begun.append(desk.start(*send_arguments(*options)))
    return begun[0]


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda one: one.name)
def test_an_interrupted_run_goes_on_with_the_same_command(desk: Desk, number: signal.Signals) -> None:
    count = MANY if number == signal.SIGINT else 600
    desk.prepare(count)
    with disturbed(desk, count // 2, lambda running: running.signal(number), "--workers", "8") as running:
        first = running.done()
    assert (first.code, first.json["state"]) == (130, "interrupted")
    assert adds_up(first.json)
    assert first.json["total"] == count
    assert first.json["accepted"] == desk.shown().total() < count
    second = desk.send()
    assert (second.code, second.json["state"], counts(second.json)) == (0, "finished", {"accepted": count})
    assert desk.shown() == {openid(number): 1 for number in range(1, count + 1)}
    third = desk.send()
    assert (third.code, third.json["attempts"]) == (0, 0)
    assert desk.shown().total() == count


def test_a_killed_run_goes_on_with_the_same_command(desk: Desk) -> None:
    desk.prepare(MANY)
    with disturbed(desk, MANY // 2, lambda running: running.process.kill()) as running:
        running.process.wait(60)
    assert MANY // 2 <= desk.shown().total() < MANY
    standing = desk.run("runs", "show", "--json").json
    assert standing["state"] == "interrupted"
    assert standing["live_pid"] is None
    assert adds_up(standing)
    second = desk.send()
    assert (second.code, second.json["state"], counts(second.json)) == (0, "finished", {"accepted": MANY})
    assert adds_up(second.json)
    assert desk.shown() == {openid(number): 1 for number in range(1, MANY + 1)}
    third = desk.send()
    assert (third.code, third.json["attempts"]) == (0, 0)
    assert desk.shown().total() == MANY


def test_what_was_cut_off_is_counted_once_in_the_progress(desk: Desk) -> None:
    desk.prepare(MANY)
    with disturbed(desk, MANY // 2, lambda running: running.process.kill()) as running:
        running.process.wait(60)
    for options in (("--limit", "300"), ()):
        done = desk.send(*options)
        told = re.findall(r"([\d,]+)/([\d,]+) ", done.err)
        finished, total = (int(number.replace(",", "")) for number in told[-1])
        assert finished == total == done.json["accepted"], done.err


def test_a_run_is_counted_alike_while_it_is_sent(desk: Desk) -> None:
    rows = people(300)
    for number, row in enumerate(rows):
        row["name"] = "2026-01-01 09:00" if number % 10 == 0 else "2099-01-01 09:00"
        row["amount"] = "1.00" if number % 10 == 1 else "68.00"
    desk.campaign(expires="{column: name, after: 7d}", when="amount != '1.00'")
    desk.list(rows)
    found: list[Done] = []

    def look(_running: Running) -> None:
        found.append(desk.run("report", "--json"))
        found.append(desk.run("report", "--format", "csv"))

    with disturbed(desk, 100, look, "--rate", "60/s") as running:
        done = running.done()
    report, listed = found[0].json, list(csv.DictReader(io.StringIO(found[1].out)))
    assert (report["state"], report["total"], report["skipped"]) == ("running", 300, 60)
    assert adds_up(report)
    assert report["skips"] == done.json["skips"]
    assert report["attempts"] >= report["accepted"] >= 50
    assert 0 < report["pending"] < 240
    assert {row["state"] for row in listed} == {"accepted"}


def test_one_rate_is_told_everywhere(desk: Desk) -> None:
    desk.prepare(200)
    rates = []
    for options in (("--limit", "100"), ()):
        done = desk.send(*options, "--rate", "50/s")
        assert float(re.findall(r"%, ([\d.]+)/s", done.err)[-1]) == done.json["rate_per_s"]
        rates.append(done.json["rate_per_s"])
    report = desk.run("report", "--json").json
    assert min(rates) - 0.1 <= report["rate_per_s"] <= max(rates) + 0.1
    assert report["active_s"] == pytest.approx(200 / report["rate_per_s"], abs=0.1)


@pytest.mark.parametrize("answer", ["msgid", "40241"])
def test_a_run_that_is_killed_again_and_again_ends_well(
    tmp_path: Path, open_wechat: Callable[..., Sandbox], answer: str
) -> None:
    desk = Desk(tmp_path, open_wechat(dedupe={"answer": answer}))
    desk.prepare(200)
    for _ in range(3):
        with disturbed(desk, 60, lambda running: running.process.kill()) as running:
            running.process.wait(60)
    last = desk.send()
    assert desk.shown() == {openid(number): 1 for number in range(1, 201)}
    # 40241 to what a dead process sent: its id may as well have been used up by a -1 that nobody recorded.
    doubtful = last.json["in_doubt"]
    assert doubtful <= (0 if answer == "msgid" else 3 * 64)
    assert (last.code, last.json["accepted"]) == (1 if doubtful else 0, 200 - doubtful)
    assert desk.run("runs", "settle", "--delivered", "--all", "--yes").code == 0
    assert counts(desk.send().json) == {"accepted": 200}
    assert desk.shown().total() == 200


def test_the_next_command_is_told_after_an_interruption(desk: Desk) -> None:
    desk.prepare(200)
    assert desk.sandbox is not None
    begun: list[Running] = []
    desk.sandbox.on_send(at_call(50, lambda: begun[0].signal(signal.SIGINT)), "decided")
    with desk.start("send", "campaign.yaml", "users.csv", "--yes", "--rate", "2000/s") as running:
        begun.append(running)
        done = running.done()
    assert done.code == 130
    assert "wxpush send campaign.yaml users.csv" in done.talk


def test_a_row_mended_after_wechat_refused_it_is_the_only_one_sent(desk: Desk) -> None:
    desk.campaign(checks="{thing: off}")
    long = {**people(1, 3)[0], "product": "景德镇手绘青花缠枝莲纹三才盖碗茶具礼盒套装十二件"}
    desk.list([*people(2), long, *people(2, 4)])
    first = desk.send()
    assert (first.code, counts(first.json)) == (1, {"accepted": 4, "failed": 1})
    assert [failure["code"] for failure in first.json["failures"]] == ["47003"]
    unmended = desk.send()
    assert (unmended.code, unmended.json["attempts"]) == (1, 0)
    desk.list(people(5))
    second = desk.send()
    assert (second.code, second.json["attempts"], counts(second.json)) == (0, 1, {"accepted": 5})
    assert desk.shown() == {openid(number): 1 for number in range(1, 6)}


def test_a_row_mended_after_skip_invalid_is_the_only_one_sent(desk: Desk) -> None:
    desk.campaign()
    bad = {**people(1, 2)[0], "product": ""}
    desk.list([*people(1), bad, *people(2, 3)])
    first = desk.send("--skip-invalid")
    assert (first.code, counts(first.json)) == (1, {"accepted": 3, "failed": 1})
    assert first.json["failures"][0]["code"] in {"render", "invalid"}
    unmended = desk.send("--skip-invalid")
    assert (unmended.code, unmended.json["attempts"], unmended.json["failed"]) == (1, 0, 1)
    desk.list(people(4))
    second = desk.send()
    assert (second.code, second.json["attempts"], counts(second.json)) == (0, 1, {"accepted": 4})
    assert desk.shown() == {openid(number): 1 for number in range(1, 5)}


def test_the_mended_failures_file_is_a_list_that_send_takes(desk: Desk) -> None:
    desk.campaign(key='"{{ order_no }}"')
    desk.list([*people(2), {**people(1, 3)[0], "product": "", "name": "=1+1"}])
    file = desk.send("--skip-invalid").json["failures_file"]
    assert file == "users.failures.csv"
    text = (desk.folder / file).read_text("utf-8-sig")
    assert "'=1+1" in text
    cells = text.replace(",SO2026112300003,,", ",SO2026112300003,纯棉四件套,")
    assert cells != text
    desk.write("mended.csv", cells)
    done = desk.run("send", "campaign.yaml", "mended.csv", "--yes", "--rate", "2000/s", "--json")
    assert (done.code, done.json["attempts"]) == (0, 1)
    assert desk.shown() == {openid(number): 1 for number in range(1, 4)}


def test_new_rows_are_sent_and_the_old_ones_are_not(desk: Desk) -> None:
    desk.prepare(5)
    desk.send()
    desk.list(people(8))
    done = desk.send()
    assert (done.code, done.json["attempts"], counts(done.json)) == (0, 3, {"accepted": 8})
    assert set(desk.shown().values()) == {1}


def test_rows_that_left_the_list_still_count(desk: Desk) -> None:
    desk.prepare(6)
    desk.send("--limit", "4")
    desk.list(people(4, 3))
    done = desk.send()
    assert done.json["total"] == 6
    assert adds_up(done.json)
    assert counts(done.json) == {"accepted": 6}


def test_an_accepted_row_that_now_reads_differently_is_counted_and_not_sent(desk: Desk) -> None:
    desk.prepare(3)
    desk.send()
    desk.list([{**people(1)[0], "amount": "70.00"}, *people(2, 2)])
    done = desk.run("send", "campaign.yaml", "users.csv", "--yes")
    assert (done.code, desk.sends()) == (0, 3)
    assert "2" in done.talk
    assert "differ" in done.talk or "changed" in done.talk


def test_the_sandbox_and_another_address_are_two_runs(
    desk: Desk, open_wechat: Callable[..., Sandbox]
) -> None:
    desk.prepare(3)
    desk.send()
    other = open_wechat()
    done = desk.send(env={"WXPUSH_API_BASE": other.url})
    assert (done.code, counts(done.json), done.json["attempts"]) == (0, {"accepted": 3}, 3)
    assert len(other.shown()) == 3
    assert len(desk.run("runs", "--json").json["runs"]) == 2


def test_another_account_is_another_run(desk: Desk, open_wechat: Callable[..., Sandbox]) -> None:
    desk.prepare(3)
    desk.send()
    other = open_wechat(account={"appid": "wx0000000000000002"})
    env = {"WXPUSH_API_BASE": other.url, "WXPUSH_APPID": other.appid}
    assert desk.send(env=env).json["attempts"] == 3


def test_a_copy_of_the_folder_goes_on_with_its_own_record(desk: Desk) -> None:
    desk.variables |= {"WXPUSH_HOME": None, "XDG_STATE_HOME": str(desk.folder.parent / "state")}
    desk.prepare(6)
    assert counts(desk.send("--limit", "2").json) == {"accepted": 2, "pending": 4}
    original, copy = desk.folder, desk.folder.parent / "elsewhere" / "copy"
    shutil.copytree(original, copy)
    desk.folder = copy
    done = desk.send()
    assert (done.code, done.json["attempts"], counts(done.json)) == (0, 4, {"accepted": 6})
    assert desk.shown() == {openid(number): 1 for number in range(1, 7)}
    desk.folder = original
    assert counts(desk.send("--limit", "1").json) == {"accepted": 3, "pending": 3}


def test_a_changed_text_is_refused_unless_it_is_accepted(desk: Desk) -> None:
    desk.prepare(4)
    desk.send("--limit", "2")
    desk.campaign(data=DATA.replace("{{ product", "新品 {{ product"))
    refused = desk.send()
    assert (refused.code, refused.json["state"], desk.sends()) == (2, "refused", 2)
    assert "--accept-changes" in refused.err
    done = desk.send("--accept-changes")
    assert (done.code, done.json["attempts"], counts(done.json)) == (0, 2, {"accepted": 4})
    assert set(desk.shown().values()) == {1}


@pytest.mark.parametrize(
    "change",
    [
        {"url": '"https://shop.example.com/new"'},
        {"when": "amount != '0'"},
        {"miniprogram": "{appid: wx0123456789abcdef, pagepath: pages/order}"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_each_part_of_a_message_counts_as_a_change(desk: Desk, change: dict[str, str]) -> None:
    desk.prepare(2)
    desk.send("--limit", "1")
    desk.campaign(**change)
    assert (desk.send().code, desk.sends()) == (2, 1)


def test_a_changed_template_counts_as_a_change(desk: Desk) -> None:
    desk.prepare(2)
    desk.send("--limit", "1")
    changed = (desk.folder / "template.yaml").read_text("utf-8").replace("商品名称", "商品")
    desk.write("template.yaml", changed)
    assert (desk.send().code, desk.sends()) == (2, 1)


@pytest.mark.parametrize("change", [{"key": '"{{ order_no }}"'}, {"to": "\"{{ row['openid'] }}\""}], ids=str)
def test_a_changed_key_or_to_is_always_refused(desk: Desk, change: dict[str, str]) -> None:
    desk.prepare(2)
    desk.send("--limit", "1")
    desk.campaign(**change)
    done = desk.send("--accept-changes")
    assert (done.code, desk.sends()) == (2, 1)
    assert "--run" in done.err


def test_rate_workers_and_retries_may_change_freely(desk: Desk) -> None:
    desk.prepare(4)
    desk.send("--limit", "2")
    desk.campaign(rate="500/s", workers="3", retry="{attempts: 2}", timeout="5s", tolerate="1%")
    done = desk.run("send", "campaign.yaml", "users.csv", "--yes", "--json")
    assert (done.code, counts(done.json)) == (0, {"accepted": 4})


@posix
def test_a_second_process_names_the_first_and_exits_4(desk: Desk) -> None:
    desk.prepare(50)
    seconds = []
    assert desk.sandbox is not None
    begun: list[Running] = []

    def look() -> None:
        # While this runs the sandbox answers nobody, so the first process is surely still at work.
        seconds.append(desk.send())
        seconds.append(desk.run("retry-failed", "--yes", "--json"))
        seconds.append(desk.run("runs", "show", "--json"))

    desk.sandbox.on_send(at_call(20, look), "decided")
    with desk.start(*send_arguments()) as running:
        begun.append(running)
        first = running.done()
    assert (first.code, counts(first.json)) == (0, {"accepted": 50})
    for second in seconds[:2]:
        assert (second.code, second.json["state"]) == (4, "refused")
        assert str(begun[0].process.pid) in second.err
    assert seconds[2].json["live_pid"] == begun[0].process.pid
    assert seconds[2].json["state"] == "running"
    assert adds_up(seconds[2].json)
    assert set(desk.shown().values()) == {1}


def damage_the_ledger(desk: Desk) -> None:
    (ledger,) = desk.home.rglob("cache.db")
    raw = bytearray(ledger.read_bytes())
    raw[0:16] = b"not a database.."
    ledger.write_bytes(raw)


def empty_the_ledger(desk: Desk) -> None:
    (ledger,) = desk.home.rglob("cache.db")
    ledger.write_bytes(b"")


def remove_the_ledger(desk: Desk) -> None:
    (ledger,) = desk.home.rglob("cache.db")
    shutil.rmtree(ledger.parent)


def damage_the_card(desk: Desk) -> None:
    (card,) = desk.home.rglob("run.json")
    card.write_text('{"schema": 1, "nam', "utf-8")


def open_the_ledger_to_others(desk: Desk) -> None:
    (ledger,) = desk.home.rglob("cache.db")
    ledger.chmod(0o666)


@posix
@pytest.mark.parametrize(
    "spoil",
    [
        damage_the_ledger,
        empty_the_ledger,
        remove_the_ledger,
        damage_the_card,
        open_the_ledger_to_others,
    ],
)
def test_a_state_that_cant_be_trusted_is_refused(desk: Desk, spoil: Callable[[Desk], None]) -> None:
    desk.prepare(4)
    desk.send("--limit", "2")
    spoil(desk)
    done = desk.send()
    assert (done.code, done.json["state"], desk.sends()) == (4, "refused", 2)
    assert done.err.strip()
    assert done.json["problems"][0]["message"]
