"""`wxpush sandbox`: started, pointed at by the environment that it prints, ended by a signal."""

import json
import os
import re
import signal
from pathlib import Path

import pytest

from tests.cli.command import Desk, Running, counts, openid, people

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
EXPORT = re.compile(r"export (WXPUSH_[A-Z_]+)=(.+)")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A folder without a WeChat."""
    return Desk(tmp_path)


def printed_environment(running: Running) -> dict[str, str | None]:
    """Read standard output until all four variables have come."""
    found: dict[str, str | None] = {}
    assert running.process.stdout is not None
    while len(found) < 4:
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
