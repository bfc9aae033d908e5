"""`wxpush sandbox`: started, pointed at by the environment that it prints, ended by a signal."""

import json
import os
import re
import signal
import time
from pathlib import Path

import pytest

from tests.cli.command import Desk, Running, counts, openid, people
from tests.cli.receiving import Receiver, stored
from wxpush.delivery.receipts import receipts as receipts_in

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
EXPORT = re.compile(r"export (WXPUSH_[A-Z_]+)=(.+)")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A folder without a WeChat."""
    return Desk(tmp_path)


def printed_environment(running: Running, count: int = 4) -> dict[str, str | None]:
    """Read standard output until all variables have come."""
    found: dict[str, str | None] = {}
    assert running.process.stdout is not None
    while len(found) < count:
        line = running.process.stdout.readline()
        assert line, "it ended before it listened"
        match = EXPORT.fullmatch(line.strip())
        if match:
            found[match[1]] = match[2]
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda one: one.name)
def test_a_campaign_is_sent_to_it_and_a_signal_ends_it_with_0(desk: Desk, number: signal.Signals) -> None:
    desk.prepare(5)
    desk.write("templates/order.yaml", (desk.folder / "template.yaml").read_bytes())
    options = ("--port", "0", "--templates", "templates", "--shown", "shown.jsonl")
    with desk.start("sandbox", *options) as running:
        env = printed_environment(running)
        assert set(env) == {"WXPUSH_API_BASE", "WXPUSH_APPID", "WXPUSH_SECRET", "WXPUSH_HOME"}
        desk.variables |= env
        assert counts(desk.send().json) == {"accepted": 5}
        assert desk.send().json["attempts"] == 0
        running.signal(number)
        ended = running.done()
    assert ended.code == 0
    lines = (desk.folder / "shown.jsonl").read_text("utf-8").splitlines()
    assert sorted(json.loads(line)["openid"] for line in lines) == [openid(number) for number in range(1, 6)]


def test_a_scenario_file_decides_how_it_behaves(desk: Desk) -> None:
    desk.prepare(2)
    desk.write(
        "unfollowed.yaml",
        f"version: 1\nany_template: true\nfollowers: {{states: {{{openid(2)}: unfollowed}}}}\n",
    )
    with desk.start("sandbox", "--port", "0", "--scenario", "unfollowed.yaml") as running:
        desk.variables |= printed_environment(running)
        done = desk.send()
    assert (done.code, [one["code"] for one in done.json["failures"]]) == (1, ["43004"])


def test_mistakes_of_a_scenario_are_told_with_their_lines(desk: Desk) -> None:
    desk.write("bad.yaml", "version: 1\nseed: many\nquotas: {}\n")
    done = desk.run("sandbox", "--port", "0", "--scenario", "bad.yaml")
    assert done.code == 2
    assert re.search(r"^bad\.yaml:2:\d+: ", done.err, re.MULTILINE)
    assert re.search(r"^bad\.yaml:3:\d+: ", done.err, re.MULTILINE)


def test_a_port_that_is_taken_is_told(desk: Desk) -> None:
    with desk.start("sandbox", "--port", "0") as running:
        base = printed_environment(running)["WXPUSH_API_BASE"]
        assert base is not None
        done = desk.run("sandbox", "--port", base.rpartition(":")[2])
    assert done.code == 2
    assert base.rpartition(":")[2] in done.err


def test_a_scenario_can_be_named_for_one_sending(desk: Desk) -> None:
    desk.campaign()
    desk.list(people(3))
    desk.write("all-gone.yaml", "version: 1\nfollowers: {shares: {unfollowed: 100%}}\n")
    done = desk.run(
        "send", "campaign.yaml", "users.csv", "--sandbox", "--scenario", "all-gone.yaml", "--json"
    )
    assert (done.code, counts(done.json)) == (1, {"failed": 3})
    assert done.json["failures_file"] == "users.sandbox.failures.csv"


def test_it_pushes_receipts_to_a_receiver_that_runs(desk: Desk) -> None:
    desk.prepare(20)
    with Receiver(
        desk, env={"WXPUSH_APPID": "wx0000000000000001", "WXPUSH_CALLBACK_TOKEN": "sandbox"}
    ) as receiver:
        desk.write("quick.yaml", "version: 1\nany_template: true\nevents: {delay_ms: 0-50, duplicate: 50%}\n")
        options = ("--port", "0", "--scenario", "quick.yaml", "--events", receiver.url)
        with desk.start("sandbox", *options) as running:
            variables = printed_environment(running, 5)
            assert variables.pop("WXPUSH_CALLBACK_TOKEN") == "sandbox"
            desk.variables |= variables | {"WXPUSH_HOME": str(desk.home)}
            assert counts(desk.send().json) == {"accepted": 20}
            deadline = time.monotonic() + 20
            while len(receipts := stored(desk)) < 20:
                assert time.monotonic() < deadline
                time.sleep(0.05)
    assert {(receipt.to, receipt.status) for receipt in receipts} == {
        (openid(number), "success") for number in range(1, 21)
    }


def test_a_rehearsal_keeps_the_receipts_that_its_scenario_asks_for(desk: Desk) -> None:
    desk.prepare(5)
    desk.write("quick.yaml", "version: 1\nevents: {enabled: true, delay_ms: 0}\n")
    done = desk.send("--sandbox", "--scenario", "quick.yaml")
    assert counts(done.json) == {"accepted": 5}
    (folder,) = desk.home.glob("sandbox/accounts/*/receipts")
    kept = {receipt.to for receipt in receipts_in(folder)}
    assert kept <= {openid(number) for number in range(1, 6)}
    assert len(kept) >= 3  # the last may be on their way when the command ends
