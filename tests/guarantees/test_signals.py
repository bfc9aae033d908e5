"""Ctrl-C, SIGTERM and SIGHUP at random moments: a clean stop within seconds, and the rest later."""

import random
import signal
import time
from pathlib import Path

import pytest

from tests.cli.command import SEND
from tests.guarantees.drill import balance, drilling
from tests.guarantees.plugin import Measured, Scale

TIMEOUT_S = 3.0
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
OPTIONS = ("--rate", "400/s", "--workers", "16")


@pytest.mark.guarantee("T9")
def test_t09_a_signal_stops_it_cleanly_at_any_moment(
    tmp_path: Path, scale: Scale, measured: Measured, chance: random.Random
) -> None:
    times, rows = scale((4, 600), (50, 7_000))
    slowest = 0.0
    with drilling(tmp_path, faults={"send": {"latency_ms": "50-150"}}) as drill:
        drill.prepare(rows, timeout=f"{TIMEOUT_S}s")
        sent_at = 0.0

        def strike() -> None:
            nonlocal sent_at
            sent_at = time.monotonic()
            running.signal(chance.choice(SIGNALS))

        for _ in range(times):
            drill.at_send(chance.randint(1, rows // times - 30), "received", strike)
            with drill.start(*OPTIONS) as running:
                done = running.done()
            slowest = max(slowest, time.monotonic() - sent_at)
            assert (done.code, done.json["state"], done.json["in_doubt"]) == (130, "interrupted", 0)
            balance(drill, done.json)
        last = drill.send(*OPTIONS)
        found = balance(drill, last.json)
        assert (last.code, last.json["accepted"], found.doubles) == (0, rows, 0)
        assert slowest < TIMEOUT_S + 2
        measured(f"{times} signals: over within {slowest:.1f} s, 0 in doubt, exactly the rest sent")


@pytest.mark.guarantee("T9")
def test_t09_with_calls_that_hang_it_ends_at_their_deadline(
    tmp_path: Path, scale: Scale, measured: Measured, chance: random.Random
) -> None:
    """A fifth of the calls is silent; what met silence before the signal is in doubt until the next start."""
    times, rows = scale((2, 200), (10, 1_000))
    slowest, doubtful = 0.0, 0
    faults = {"send": {"latency_ms": "5-20", "silence_after": {"chance": "20%"}}}
    with drilling(tmp_path, faults=faults) as drill:
        drill.prepare(rows, timeout=f"{TIMEOUT_S}s")
        sent_at = 0.0

        def strike() -> None:
            nonlocal sent_at
            sent_at = time.monotonic()
            running.signal(chance.choice(SIGNALS))

        for _ in range(times):
            drill.at_send(chance.randint(1, 60), "received", strike)
            with drill.start(*OPTIONS) as running:
                done = running.done()
            slowest = max(slowest, time.monotonic() - sent_at)
            silent = {call.openid for call in drill.sandbox.calls(SEND) if call.fault == "silence_after"}
            assert (done.code, done.json["state"]) == (130, "interrupted")
            found = balance(drill, done.json)
            assert found.in_doubt <= len(silent)
            doubtful = max(doubtful, found.in_doubt)
        drill.sandbox.set_faults({})
        last = drill.send(*OPTIONS)
        found = balance(drill, last.json)
        assert (last.code, last.json["accepted"], found.doubles) == (0, rows, 0)
        assert slowest < TIMEOUT_S + 2
        measured(
            f"a fifth of the calls silent: over within {slowest:.1f} s (deadline {TIMEOUT_S:.0f} s), "
            f"up to {doubtful} in doubt until the next start"
        )


@pytest.mark.guarantee("T9")
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_t09_a_second_signal_stops_it_at_once(
    tmp_path: Path, measured: Measured, second: signal.Signals
) -> None:
    """What was on its way then is settled by the next start, with the same ids."""
    with drilling(tmp_path, faults={"send": {"latency_ms": "2500"}}) as drill:
        drill.prepare(60, timeout="10s")
        moments: list[float] = []

        def strike() -> None:
            moments.append(time.monotonic())
            running.signal(signal.SIGINT)
            running.signal(second)

        drill.at_send(10, "decided", strike)
        with drill.start(*OPTIONS) as running:
            done = running.done()
        took = time.monotonic() - moments[0]
        assert done.code == 130
        assert took < 2
        drill.sandbox.set_faults({})
        last = drill.send(*OPTIONS)
        found = balance(drill, last.json)
        assert (last.code, last.json["accepted"], found.doubles) == (0, 60, 0)
        measured(f"second signal: over within {took:.1f} s")
