"""Tokens that are revoked, clocks that jump and processes that die while they renew: no storm, no loop."""

import json
import random
import time
from pathlib import Path

import pytest

from tests.cli.command import SEND, Desk, openid, people
from tests.guarantees.drill import Drill, drilling
from tests.guarantees.plugin import Measured, Scale

TOKEN = "/cgi-bin/stable_token"


def refreshes(drill: Drill) -> int:
    """How many token calls WeChat has had."""
    return drill.sandbox.requests_by_path.get(TOKEN, 0)


def wait_for(drill: Drill, sends: int, patience: float = 120) -> None:
    """Until WeChat has had so many messages."""
    end = time.monotonic() + patience
    while drill.desk.sends() < sends:
        assert time.monotonic() < end, f"only {drill.desk.sends()} of {sends} calls"
        time.sleep(0.02)


@pytest.mark.guarantee("T15")
def test_t15_a_revoked_token_is_renewed_once_for_all_processes(
    tmp_path: Path, scale: Scale, measured: Measured
) -> None:
    processes, revocations, rows = scale((6, 3, 60), (32, 10, 200))
    tokens = {"force_per_day": 0}  # whoever forces is refused
    with drilling(tmp_path, tokens=tokens, faults={"send": {"latency_ms": "20-60"}}) as drill:
        desk = drill.desk
        for number in range(processes):
            desk.campaign(f"campaign-{number}.yaml", name=f"storm-{number}")
            desk.list(people(rows, 1 + number * rows), f"users-{number}.csv")
        drill.sandbox.replace_token()
        running = [
            desk.start("send", f"campaign-{n}.yaml", f"users-{n}.csv", "--yes", "--json",
                       "--rate", scale("15/s", "6/s"), "--workers", "8")
            for n in range(processes)
        ]  # fmt: skip
        whole = processes * rows
        for revocation in range(revocations):
            wait_for(drill, int(whole * (0.2 + 0.7 * revocation / revocations)))
            drill.sandbox.replace_token()
        results = [one.done(300) for one in running]
        asked = refreshes(drill)
        assert [done.code for done in results] == [0] * processes, results[0].err
        assert drill.desk.shown() == {openid(number): 1 for number in range(1, whole + 1)}
        assert asked <= revocations + 1  # and the first token of all
        assert sum(done.json["token_fetches"] for done in results) == asked
        measured(
            f"{processes} processes x 8 workers, {revocations} revocations: {asked - 1} refreshes and the "
            f"first token, none forced, {whole:,} messages once each"
        )


@pytest.mark.guarantee("T17")
@pytest.mark.parametrize("jump", [7_200, -7_200, 86_400, -86_400], ids=["+2 h", "-2 h", "+1 day", "-1 day"])
def test_t17_a_clock_that_jumps_costs_two_refreshes_at_most(
    tmp_path: Path, measured: Measured, jump: int
) -> None:
    with drilling(tmp_path, faults={"send": {"latency_ms": "10-20"}}) as drill:
        drill.prepare(300)
        done = drill.send("--rate", "150/s", jumps=[[1.0, jump]])
        assert (done.code, done.json["accepted"]) == (0, 300)
        refused = [call for call in drill.sandbox.calls(SEND) if call.code in (40001, 42001)]
        assert len(refused) <= 1
        assert refreshes(drill) <= 2
        assert set(drill.desk.shown().values()) == {1}
        measured("+-2 h and +-1 day in mid-run: at most 2 refreshes and one refused call")


@pytest.mark.guarantee("T17")
def test_t17_an_expired_token_is_not_used(tmp_path: Path) -> None:
    """The token of yesterday's call, found today."""
    with drilling(tmp_path) as drill:
        drill.prepare(40)
        drill.send("--limit", "10")
        drill.times.ahead = 86_400
        done = drill.send()
        assert (done.code, done.json["accepted"], refreshes(drill)) == (0, 40, 2)
        assert all(call.code == 0 for call in drill.sandbox.calls(SEND))


@pytest.mark.guarantee("T18")
def test_t18_a_killed_renewer_holds_nobody_up(
    tmp_path: Path, scale: Scale, measured: Measured, chance: random.Random
) -> None:
    kills = scale(4, 50)
    with drilling(tmp_path, faults={"token": {"latency_ms": "30-60"}}) as drill:
        baseline = min(seconds(drill.desk, "token", "refresh") for _ in range(3))
        slowest = 0.0
        for _ in range(kills):
            before = refreshes(drill)
            with drill.desk.start("token", "refresh") as running:
                wait_for_refresh(drill, before + 1)
                # From here the answer is on its way, then the file is written: somewhere there it dies.
                _wait_until(time.monotonic() + chance.uniform(0, 0.09))
                running.process.kill()
                running.process.wait()
            for file in drill.desk.home.rglob("token.json"):
                assert json.loads(file.read_text("utf-8"))["token"]
            slowest = max(slowest, seconds(drill.desk, "token", "refresh") - baseline)
        assert slowest < 1.0
        measured(f"{kills} kills: the next renewal took {slowest:.2f} s at most, the file was always whole")


def wait_for_refresh(drill: Drill, number: int) -> None:
    end = time.monotonic() + 30
    while refreshes(drill) < number:
        assert time.monotonic() < end
        time.sleep(0.005)


def _wait_until(moment: float) -> None:
    while time.monotonic() < moment:
        pass


def seconds(desk: Desk, *arguments: str) -> float:
    """How long a command took that must succeed."""
    began = time.monotonic()
    done = desk.run(*arguments)
    assert done.code == 0, done.err
    return time.monotonic() - began
