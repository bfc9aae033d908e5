"""Long and large: a night's sending with restarts and expiring tokens, and a million rows."""

import random
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import pytest

from tests.cli.command import openid
from tests.guarantees.drill import KILLED, Drill, Times, drilling
from tests.guarantees.plugin import Measured, Scale
from tests.guarantees.watch import Peak, open_files, resident
from wxpush.delivery import ledger
from wxpush.delivery.records import Mark

TOKEN = "/cgi-bin/stable_token"
HOURS = 8.0
STARTED = 25
"""So many looks, five a second, until a process counts as started."""
NOW_AND_THEN = {
    "send": {
        "system_error": {"chance": "0.5%"},
        "cut_after": {"chance": "0.3%"},
        "bad_gateway": {"chance": "0.2%"},
    }
}


@pytest.mark.guarantee("T37")
def test_t37_a_night_with_restarts_and_expiring_tokens(
    tmp_path: Path, scale: Scale, measured: Measured, chance: random.Random
) -> None:
    """Eight hours by clocks that run fast; one call in a hundred fails in some way."""
    rows, restarts, speed = scale((3_000, 2, 100.0), (500_000, 20, 48.0))
    rate = scale(15.0, rows / (HOURS * 3600))
    tokens = {"lifetime_s": scale(200, 7200), "overlap_s": scale(20, 300)}
    with drilling(
        tmp_path, times=Times(speed=speed), faults=NOW_AND_THEN, tokens=tokens, remember_calls=10, seed=37
    ) as drill:
        retry = "{attempts: 4, base: 5s, cap: 30s}"
        drill.prepare(rows, timeout="60s", retry=retry, rate=f"{rate * 3600:.0f}/h")
        began = drill.times()
        lives: list[Life] = []
        for _ in range(restarts):
            drill.at_send(rows // (restarts + 1) - 5, "decided")
            with drill.start("--workers", "16") as running:
                lives.append(Life())
                while running.process.poll() is None:
                    time.sleep(0.2)
                    lives[-1].look(running.process.pid)
                assert running.process.returncode in KILLED
        with drill.start("--workers", "16") as running:
            last = running.done(timeout=900)
        passed = (drill.times() - began) / 3600
        shown = drill.desk.shown()
        asked = drill.sandbox.requests_by_path[TOKEN]
        unshown = [openid(n) for n in range(1, rows + 1) if not shown[openid(n)]]
        doubles = sum(shown.values()) - len(shown)
        memory = [*chain(*(life.memory for life in lives))]
        files = [*chain(*(life.files for life in lives))]
        measured(
            f"{rows:,} rows in {passed:.1f} h (clocks x {speed:.0f}), {asked} tokens, {restarts} kills: "
            f"{doubles} double, {len(unshown)} lost; memory {spread(memory)} MB, files {spread(files)}"
        )
        assert (last.json["accepted"], last.json["in_doubt"], doubles) == (rows, 0, 0)
        assert unshown == []
        assert asked >= scale(2, 5)
        if scale.long:
            assert passed >= HOURS * 0.95
            assert median(growth(life.memory) for life in lives) <= 1.05
            assert median(growth(life.files) for life in lives) <= 1.05


@dataclass
class Life:
    """What one process held while it was sending: MB of memory, open files."""

    memory: list[float] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    looks: int = 0

    def look(self, pid: int) -> None:
        """Note it, once the process has started and opened what it works with."""
        self.looks += 1
        held = open_files(pid)
        if self.looks > STARTED and held:
            self.memory.append(resident(pid))
            self.files.append(held)


def spread(figures: Iterable[float]) -> str:
    """From the smallest to the largest."""
    ordered = sorted(figures)
    return f"{ordered[0]:.0f} to {ordered[-1]:.0f}" if ordered else "not seen"


def median(figures: Iterable[float]) -> float:
    """The middle one: what leaks does so in every process, what a busy machine delays in a few."""
    ordered = sorted(figures)
    return ordered[len(ordered) // 2]


def growth(figures: Sequence[float]) -> float:
    """The median of the later half over that of the earlier one."""
    middle = len(figures) // 2
    return median(figures[middle:]) / median(figures[:middle])


@pytest.mark.guarantee("T2")
def test_t02_a_million_rows(tmp_path: Path, scale: Scale, measured: Measured) -> None:
    rows = scale(5_000, 1_000_000)
    log = tmp_path / "shown.jsonl"
    with drilling(tmp_path / "drill", shown=log, remember_shown=False, remember_calls=10) as drill:
        drill.prepare(rows)
        began = time.monotonic()
        with drill.start("--rate", "10000/s", "--workers", "16") as running:
            peak = Peak(running.process.pid)
            done = running.done(timeout=3000)
            memory = peak.stop()
        took = time.monotonic() - began
        assert (done.code, done.json["accepted"]) == (0, rows), done.err
        size = sum(file.stat().st_size for file in drill.ledger.iterdir()) / 1e6
        again, seconds = seconds_of(drill)
        assert (again["attempts"], again["accepted"]) == (0, rows)
        accepted = Counter(
            record.key for _place, record in ledger.records(drill.ledger) if record.mark is Mark.ACCEPTED
        )
        with log.open("rb") as stream:
            lines = sum(1 for _line in stream)
        measured(
            f"{rows:,} rows in {took:.0f} s, {memory:.0f} MB, ledger {size:.0f} MB, "
            f"found finished {seconds:.1f} s after the start"
        )
        assert len(accepted) == lines == rows
        assert memory < 300
        assert size < 350
        assert seconds < 10


def seconds_of(drill: Drill) -> tuple[dict[str, int], float]:
    """Another call of the same, and how long it took."""
    began = time.monotonic()
    done = drill.send("--rate", "10000/s", "--workers", "16")
    return done.json, time.monotonic() - began
