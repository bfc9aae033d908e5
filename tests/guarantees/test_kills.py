"""The sender is killed, again and again: nobody is lost, nobody is shown a message twice."""

import random
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.command import SEND, openid
from tests.guarantees.drill import KILLED, Drill, balance, drilling, listed_rows
from tests.guarantees.plugin import Measured, Scale
from tests.guarantees.points import POINTS

FAST = ("--rate", "4000/s", "--workers", "16")
CALM = {"send": {"latency_ms": "0-3"}}
#: The card is written at the begin of a sending and at its end.
COMINGS = {"card written": 2, "card in place": 2}
UNSTEADY = {"send": {"latency_ms": "0-3", "system_error": {"every": 5}}}


@pytest.mark.guarantee("T3")
def test_t03_random_kills_lose_and_double_nobody(
    tmp_path: Path, scale: Scale, measured: Measured, chance: random.Random
) -> None:
    kills, rows = scale((8, 800), (200, 20_000))
    with drilling(tmp_path, faults=CALM) as drill:
        drill.prepare(rows)
        done = drill.kill_often(kills, chance, *FAST, most=rows // kills - 5)
        last = drill.send(*FAST)
        assert (last.code, last.json["accepted"]) == (0, rows), last.err
        found = balance(drill, last.json)
        measured(
            f"{kills} kills in {rows:,} rows: {len(found.lost)} lost, {found.doubles} double, "
            f"ledger sound {done.sound} of {kills}"
        )
        assert (found.lost, found.doubles, found.contradictions) == ([], 0, [])
        assert done.sound == kills


@pytest.mark.guarantee("T5")
def test_t05_without_dedupe_a_kill_doubles_at_most_u(
    tmp_path: Path, scale: Scale, measured: Measured, chance: random.Random
) -> None:
    """At a rate at which a life sends more than U, and with some doubled, so that the bound could break."""
    kills = scale(4, 60)
    rate, workers = 40, 2
    with drilling(tmp_path, faults=CALM, dedupe={"window_s": 0}) as drill:
        drill.prepare(60 * kills)
        options = ("--rate", f"{rate}/s", "--workers", str(workers))
        u, before, each = drill.most_in_doubt(rate, workers), 0, []
        for _ in range(kills):
            drill.kill_often(1, chance, *options, most=55)
            shown = drill.desk.shown()
            each.append(shown.total() - len(shown) - before)
            before = shown.total() - len(shown)
        last = drill.send(*FAST)
        found = balance(drill, last.json)
        each.append(found.doubles - before)
        measured(
            f"no dedupe, {kills} kills: {found.doubles} double, at most {max(each)} a kill (U = {u}), 0 lost"
        )
        assert found.lost == []
        assert 0 < max(each) <= u


@pytest.mark.guarantee("T5")
def test_t05_outside_the_window_a_kill_leaves_at_most_u_in_doubt(
    tmp_path: Path, scale: Scale, measured: Measured, chance: random.Random
) -> None:
    kills, rows = scale((5, 500), (100, 10_000))
    with drilling(tmp_path, faults=CALM, dedupe={"window_s": 0}) as drill:
        drill.prepare(rows)
        u = drill.most_in_doubt(400, 8)
        each: list[int] = []
        before = 0

        def pass_the_window() -> None:
            drill.times.ahead += 660
            nonlocal before
            doubtful = drill.desk.run("runs", "show", "--json").json["in_doubt"]
            each.append(doubtful - before)
            before = doubtful

        drill.kill_often(
            kills, chance, "--rate", "400/s", "--workers", "8", most=rows // kills - 5, each=pass_the_window
        )
        last = drill.send(*FAST)
        found = balance(drill, last.json)
        measured(
            f"outside the window, {kills} kills: {found.doubles} double, {len(found.lost)} lost, at most "
            f"{max(each)} in doubt a kill (U = {u}), all {found.in_doubt} listed"
        )
        assert (found.doubles, found.lost, found.contradictions) == (0, [], [])
        assert max(each) <= u
        assert sum(row["wxpush_state"] == "in_doubt" for row in listed_rows(drill)) == found.in_doubt


def strike(drill: Drill, point: str, kills: int, chance: random.Random) -> int:
    """Kill so many sends at `point`; returns how many died there."""
    struck = 0
    for _ in range(kills):
        if point.startswith("token"):
            for token in drill.desk.home.rglob("token.json"):
                token.unlink()
        if point == "orphan taken over":
            die(drill, "claims committed", 1)
        number = 1 if POINTS[point].once else chance.randint(1, COMINGS.get(point, 3))
        struck += die(drill, point, number)
    return struck


def die(drill: Drill, point: str, number: int) -> bool:
    """Send a few and be killed at `point`, if it comes so often."""
    with drill.start("--rate", "100/s", "--workers", "8", "--limit", "30", die=[point, number]) as running:
        return running.process.wait(60) in KILLED


def strike_at(points: Sequence[str], kills: int, folder: Path, chance: random.Random) -> int:
    """Strikes at each of `points` in one run; then the rest is sent, and nothing may be wrong."""
    with drilling(folder, faults=UNSTEADY) as drill:
        drill.prepare(35 * kills * len(points) + 100)
        for number in range(1, drill.rows, 9):
            drill.sandbox.unfollow(openid(number))
        struck = sum(strike(drill, point, kills, chance) for point in points)
        last = drill.send(*FAST)
        found = balance(drill, last.json)
        assert (found.lost, found.doubles, found.contradictions) == ([], 0, [])
        assert found.in_doubt == 0
        assert set(last.json["failures"][0].values()) >= {"43004", "recipient"}
        return struck


@pytest.mark.guarantee("T5")
def test_t05_outside_the_window_u_is_reached_and_not_exceeded(
    tmp_path: Path, scale: Scale, measured: Measured, chance: random.Random
) -> None:
    """Every second call is silent, so that claims pile up to U = 24 before each kill."""
    kills = scale(2, 15)
    rate, workers = 16, 8
    faults = {"send": {"silence_after": {"every": 2}}}
    with drilling(tmp_path, faults=faults, dedupe={"window_s": 0}) as drill:
        drill.prepare(100 * kills, timeout="500ms", retry="{attempts: 4, base: 30s, cap: 60s}")
        u = drill.most_in_doubt(rate, workers)
        each: list[int] = []
        for _ in range(kills):
            before = sum(each)
            with drill.start("--rate", f"{rate}/s", "--workers", str(workers)) as running:
                end = time.monotonic() + 30
                while len(drill.sandbox.calls(SEND)) < 44 * (len(each) + 1) and time.monotonic() < end:
                    time.sleep(0.05)
                running.process.kill()
                running.process.wait()
            drill.times.ahead += 660
            each.append(drill.desk.run("runs", "show", "--json").json["in_doubt"] - before)
        measured(f"with claims piling up: {max(each)} in doubt a kill (U = {u})")
        assert u / 2 < max(each) <= u


@pytest.mark.guarantee("T4")
def test_t04_a_kill_at_every_named_point_loses_and_doubles_nobody(
    tmp_path: Path, scale: Scale, chance: random.Random
) -> None:
    points = list(POINTS)
    assert strike_at(points, 1, tmp_path, chance) == len(points)


@pytest.mark.guarantee("T4")
@pytest.mark.long
@pytest.mark.parametrize("point", POINTS)
def test_t04_twenty_kills_at_a_named_point_lose_and_double_nobody(
    tmp_path: Path, measured: Measured, chance: random.Random, point: str
) -> None:
    assert strike_at([point], 20, tmp_path, chance) == 20
    measured(f"{len(POINTS)} points, 20 kills each: 0 lost, 0 double")
