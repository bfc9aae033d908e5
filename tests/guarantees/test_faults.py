"""A bad network and a WeChat that fails: nobody twice, nobody lost, and no storm of ours on top."""

import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import KNOWN_TEMPLATE, SEND, STATES, openid
from tests.guarantees.drill import Drill, Times, balance, drilling
from tests.guarantees.plugin import Measured, Scale

THIRTY_PER_CENT: dict[str, Any] = {
    "send": {
        "latency_ms": "0-10",
        "silence_after": {"chance": "8%"},
        "cut_after": {"chance": "5%"},
        "cut_before": {"chance": "5%"},
        "bad_gateway": {"chance": "4%"},
        "broken_json": {"chance": "3%"},
        "system_error": {"chance": "5%"},
    }
}


@pytest.mark.guarantee("T19")
@pytest.mark.parametrize("answer", ["msgid", "40241"])
def test_t19_thirty_per_cent_of_faults(tmp_path: Path, scale: Scale, measured: Measured, answer: str) -> None:
    rows = scale(600, 20_000)
    with drilling(tmp_path, faults=THIRTY_PER_CENT, dedupe={"answer": answer}, seed=19) as drill:
        drill.prepare(rows, timeout="1s", retry="{attempts: 4, base: 200ms, cap: 2s}")
        last = drill.send("--rate", "1000/s", "--workers", "64", timeout=550)
        found = balance(drill, last.json)
        amplified = last.json["attempts"] / rows
        measured(
            f"{rows:,} rows, repeats answered {answer}: {found.doubles} double, {len(found.lost)} lost, "
            f"{found.in_doubt} in doubt, {amplified:.2f} attempts a message"
        )
        assert (found.doubles, found.lost, found.contradictions) == (0, [], [])
        assert last.json["state"] == "finished"
        assert amplified <= 1.6
        assert found.in_doubt <= (0 if answer == "msgid" else rows // 20)


def wait_for_sends(drill: Drill, number: int, patience: float = 60) -> None:
    """Until WeChat has had so many calls."""
    end = time.monotonic() + patience
    while drill.desk.sends() < number:
        assert time.monotonic() < end, f"only {drill.desk.sends()} calls"
        time.sleep(0.02)


@pytest.mark.guarantee("T20")
@pytest.mark.parametrize("kind", ["refused", "silent"])
def test_t20_an_outage_is_waited_out_with_few_calls(
    tmp_path: Path, scale: Scale, measured: Measured, kind: str
) -> None:
    """Five minutes; the short version goes by clocks that run forty times as fast."""
    speed = scale(40.0, 1.0 if kind == "refused" else 10.0)
    rate, outage = 30.0, 300.0
    with drilling(tmp_path, times=Times(speed=speed), faults={"send": {"latency_ms": "0-5"}}) as drill:
        drill.prepare(3_000, timeout="5s" if speed == 1 else "10s", rate=f"{rate:.0f}/s")
        with drill.start() as running:
            wait_for_sends(drill, 150)
            began, sent = drill.times(), drill.desk.sends()
            if kind == "refused":
                drill.sandbox.go_down()
            else:
                drill.sandbox.set_faults({"send": {"silence_before": {}}})
            time.sleep(outage / speed)
            before = drill.desk.sends()
            if kind == "refused":
                drill.sandbox.come_back()
            else:
                drill.sandbox.set_faults({})
            back = drill.times()
            wait_for_sends(drill, before + 30)
            recovered = drill.times() - back
            lived_through = running.process.poll() is None
            drill.at_send(1, act=lambda: running.signal(2))
            done = running.done()
        found = balance(drill, done.json)
        assert lived_through
        reached = drill.desk.sends()
        attempts = done.json["attempts"] - reached if kind == "refused" else before - sent
        knocked = attempts / (rate * (back - began))
        measured(
            f"{kind}: {attempts} calls in {back - began:.0f} s of outage ({knocked:.2%} of the rate), "
            f"30 more sent {recovered:.0f} s after its end, {done.json['failed']} failed"
        )
        assert recovered < 60
        assert done.json["failed"] == 0
        assert found.doubles == 0
        # Until the breaker opens, what was under way counts too: as many as there are workers, and five.
        assert attempts <= rate * outage * 0.01 + 21


@pytest.mark.guarantee("T23")
def test_t23_a_spent_quota_stops_it_within_two_seconds(tmp_path: Path, measured: Measured) -> None:
    with drilling(tmp_path, faults={"send": {"latency_ms": "10-30"}}) as drill:
        drill.prepare(500)
        spent: list[float] = []

        def spend() -> None:
            spent.append(time.monotonic())
            drill.sandbox.set_faults({"send": {"daily_limit": {}}})

        drill.at_send(100, "received", spend)
        done = drill.send("--rate", "200/s")
        took = time.monotonic() - spent[0]
        assert (done.code, done.json["state"], done.json["stopped_by"]["code"]) == (3, "stopped", "45009")
        assert "00:00" in done.err or "+08:00" in done.err
        assert took < 2
        found = balance(drill, done.json)
        assert (done.json["failed"], found.in_doubt) == (0, 0)
        drill.sandbox.set_faults({})
        last = drill.send("--rate", "2000/s")
        assert (last.code, last.json["accepted"], balance(drill, last.json).doubles) == (0, 500, 0)
        measured(f"45009: exit 3 after {took:.1f} s, the rest sent later")


@pytest.mark.guarantee("T23")
def test_t23_peoples_own_errors_cause_no_retry_and_no_pause(
    tmp_path: Path, scale: Scale, measured: Measured
) -> None:
    """43004, 40003 and 47003, five per cent of each."""
    rows = scale(600, 6_000)
    content = KNOWN_TEMPLATE["content"] + "订单状态:{{const5.DATA}}\n"
    known = {**KNOWN_TEMPLATE, "content": content, "allowed": {"const5": ["已发货"]}}
    with drilling(tmp_path, templates=[known]) as drill:
        drill.prepare(rows, stop_when="{failure_rate: 20%, after: 200}", data=DATA_WITH_STATUS)
        template = drill.desk.folder / "template.yaml"
        template.write_text(template.read_text("utf-8") + "  订单状态:{{const5.DATA}}\n", "utf-8")
        for number in range(1, rows + 1):
            if number % 20 == 1:
                drill.sandbox.unfollow(openid(number))
            elif number % 20 == 2:
                drill.sandbox.set_state(openid(number), "foreign")
        done = drill.send("--rate", "400/s", timeout=300)
        times = sorted(call.time for call in drill.sandbox.calls(SEND))
        pause = max(later - earlier for earlier, later in pairwise(times))
        codes = {one["code"]: one["count"] for one in done.json["failures"]}
        assert done.json["state"] == "finished"
        assert codes == {"43004": rows // 20, "40003": rows // 20, "47003": rows // 20}
        assert done.json["attempts"] == drill.desk.sends() == rows
        assert done.json["total"] == sum(done.json[state] for state in STATES)
        assert pause < 3  # an open breaker waits five seconds
        measured(
            f"{rows // 20 * 3:,} own errors of three kinds in {rows:,} rows: {rows:,} attempts, no pause"
        )


DATA_WITH_STATUS = """
  thing1: "{{ product }}"
  character_string2: "{{ order_no }}"
  amount4: "{{ amount }}元"
  const5: "{{ '已取消' if order_no[-2:] in ['03', '23', '43', '63', '83'] else '已发货' }}\""""
