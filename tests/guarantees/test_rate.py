"""The rate, as WeChat sees it: never above what is allowed, over resumes, retries and slow-downs."""

import random
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.command import SEND
from tests.guarantees.drill import Drill, balance, drilling
from tests.guarantees.plugin import Measured, Scale
from tests.guarantees.watch import Peak


def most_within(times: Sequence[float], seconds: float) -> int:
    """The most calls that came in any stretch of so many seconds."""
    ordered = sorted(times)
    return max(bisect_left(ordered, at + seconds, lo) - lo for lo, at in enumerate(ordered))


def call_times(drill: Drill) -> list[float]:
    return [call.time for call in drill.sandbox.calls(SEND)]


def test_the_busiest_stretch_is_found() -> None:
    assert most_within([0.0, 0.5, 0.9, 1.0, 1.4, 5.0], 1.0) == 4
    assert most_within([0.0, 2.0], 1.0) == 1


@pytest.mark.guarantee("T38")
def test_t38_the_rate_holds_over_resumes_retries_and_slow_downs(
    tmp_path: Path, scale: Scale, measured: Measured, chance: random.Random
) -> None:
    """One in fourteen calls is answered -1, one in a hundred not at all; kills on the way.

    Then a minute limit, after which half the rate is allowed.
    """
    rate, burst = 50.0, 5
    kills, rows = scale((2, 330), (8, 4_000))
    faults = {
        "send": {
            "latency_ms": "30-50",
            "system_error": {"chance": "7%"},
            "silence_after": {"chance": "1%"},
        }
    }
    with drilling(tmp_path, faults=faults) as drill:
        drill.prepare(rows, timeout="1s", rate=f"{rate:.0f}/s", burst=str(burst))
        drill.kill_often(kills, chance, "--workers", "16", most=rows // kills - 60)
        limited = drill.times()
        if scale.long:
            drill.sandbox.set_faults(
                {"send": {"latency_ms": "30-50", "minute_limit": {"times": 1, "after": 100}}}
            )
        last = drill.send("--workers", "16", timeout=400)
        found = balance(drill, last.json)
        assert (found.doubles, found.lost, last.json["accepted"]) == (0, [], rows)
        times = call_times(drill)
        in_ten, in_one = most_within(times, 10.0), most_within(times, 1.0)
        allowed_ten, allowed_one = 10.1 * rate, rate + burst + max(1, 0.02 * rate)
        measured(
            f"{rate:.0f}/s, {len(times):,} calls over {kills} kills: at most {in_one} in one second "
            f"(allowed {allowed_one:.0f}), {in_ten} in ten (allowed {allowed_ten:.0f})"
        )
        assert in_one <= allowed_one
        assert in_ten <= allowed_ten
        if scale.long:
            refused = next(call.time for call in drill.sandbox.calls(SEND) if call.code == 45011)
            after = [at for at in times if at > refused + 3]
            assert min(after) - refused >= 55
            assert sum(refused < at <= refused + 3 for at in times) <= 16  # what was under way
            first_ten = [at for at in after if at < min(after) + 10]
            assert len(first_ten) <= 0.55 * rate * 10 + burst
            assert limited < refused


@pytest.mark.guarantee("T1")
def test_t01_a_long_run_at_a_steady_rate(tmp_path: Path, scale: Scale, measured: Measured) -> None:
    rows = scale(2_000, 100_000)
    faults = {"send": {"latency_ms": "5-15"}}
    with drilling(tmp_path, faults=faults, remember_calls=200_000) as drill:
        drill.prepare(rows)
        with drill.start("--rate", "500/s", "--workers", "16") as running:
            memory = Peak(running.process.pid)
            done = running.done(timeout=500)
            peak = memory.stop()
        found = balance(drill, done.json)
        times = sorted(call_times(drill))
        rate = (len(times) - 1) / (times[-1] - times[0])
        measured(f"{rows:,} rows at 500/s: {rate:.1f}/s, each once, {peak:.0f} MB")
        assert (done.code, found.doubles, found.lost) == (0, 0, [])
        assert len(found.shown) == rows
        assert abs(rate - 500) <= 15
        assert peak < 200
