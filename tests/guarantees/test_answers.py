"""Answers that never end, are too large or ask for a rest: no call lasts, swells or waits without bound."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import SEND, TEMPLATE_ID, openid
from tests.delivery.world import OK, World, message
from tests.guarantees.drill import drilling
from tests.guarantees.plugin import Measured, Scale
from tests.sandbox.sandbox_caller import Caller
from wxpush.channels.wechat.errcodes import verdict
from wxpush.channels.wechat.transport import Transport
from wxpush.channels.wechat.wire import Request
from wxpush.model import Verdict
from wxpush.sandbox import Sandbox, Scenario

CALLER = Path(__file__).with_name("caller.py")
GIGABYTE = 1024**3


def address(sandbox: Sandbox) -> str:
    """Where to send, with a good token."""
    caller = Caller(sandbox)
    token = caller.stable()["access_token"]
    caller.close()
    return f"{sandbox.url}{SEND}?access_token={token}"


def to_somebody() -> str:
    """A message that this WeChat accepts."""
    data = {"thing1": {"value": "云南小粒咖啡豆"}}
    return json.dumps({"touser": openid(1), "template_id": TEMPLATE_ID, "data": data})


@pytest.mark.guarantee("T21")
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("drip", {"seconds": 1}),
        ("silence_before", {}),
        ("huge_body", {"size": GIGABYTE}),
        ("gzip_bomb", {"size": GIGABYTE}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_t21_no_answer_outlasts_its_deadline_or_fills_the_memory(
    scale: Scale, measured: Measured, kind: str, options: dict[str, Any]
) -> None:
    deadline, calls = scale(1.0, 10.0), scale(4, 16)
    with Sandbox(Scenario(any_template=True)) as sandbox:
        sandbox.set_faults({"send": {kind: {"after": calls, **options}}})
        command = [sys.executable, str(CALLER), address(sandbox), to_somebody(), str(deadline), str(calls)]
        began = time.monotonic()
        ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        took = time.monotonic() - began
        told = json.loads(ended.stdout)
        met = [call.fault for call in sandbox.calls(SEND)]
    assert [json.loads(body)["errcode"] for body in told["calm"]] == [0] * calls
    assert met == [""] * calls + [kind] * calls
    slowest = max(told["seconds"])
    measured(
        f"{kind}: {calls} calls, slowest {slowest:.1f} s of {deadline:.0f} s, "
        f"memory +{told['grown']:.1f} MB, answer kept {max(told['sizes'])} bytes"
    )
    assert slowest <= deadline + 1
    assert took < deadline + 10
    assert told["grown"] < 20
    assert max(told["sizes"]) <= 2 * 1024 * 1024
    if kind in ("drip", "silence_before"):
        assert set(told["arrivals"]) == {"silent"}
        assert slowest >= deadline


@pytest.mark.guarantee("T21")
def test_t21_a_run_that_meets_all_four_ends_and_shows_each_once(tmp_path: Path) -> None:
    """Each kind twice, of different calls; what was accepted behind a bad answer is not sent again."""
    kinds = {
        "silence_before": {"every": 5, "times": 2},
        "drip": {"every": 3, "times": 2, "seconds": 1},
        "huge_body": {"every": 2, "times": 2, "size": GIGABYTE},
        "gzip_bomb": {"times": 2, "size": GIGABYTE},
    }
    with drilling(tmp_path, faults={"send": kinds}) as drill:
        drill.prepare(12, timeout="1s", retry="{attempts: 4, base: 50ms, cap: 200ms}")
        done = drill.send("--rate", "500/s", "--workers", "12")
        assert (done.code, done.json["accepted"]) == (0, 12), done.json
        assert drill.desk.shown() == {openid(number): 1 for number in range(1, 13)}
        assert {call.fault for call in drill.sandbox.calls(SEND)} == {"", *kinds}


KINDS: dict[str, tuple[Callable[[], str], float | None]] = {
    "0": (lambda: "0", 0.0),
    "5": (lambda: "5", 5.0),
    "1e9": (lambda: "1000000000", 120.0),
    "-1": (lambda: "-1", None),
    "NaN": (lambda: "NaN", None),
    "date": (lambda: formatdate(time.time() + 30, usegmt=True), 30.0),
    "garbage": (lambda: "in a while, 1e9", None),
}
"""The header, and the seconds it asks for as we read it; None where it asks for nothing."""


def asked_by(header: str, fault: str) -> Verdict:
    """The judgement of a real answer with this header."""
    with Sandbox(Scenario(any_template=True)) as sandbox:
        sandbox.set_faults({"send": {fault: {"retry_after": header}}})
        transport = Transport(1, 5.0)
        try:
            reply = transport.call(Request("POST", address(sandbox), to_somebody().encode()))
        finally:
            transport.close()
    assert reply.status == {"too_many": 429, "unavailable": 503}[fault]
    return verdict("send", reply)


def waited_after(judged: Verdict) -> float:
    """Seconds between the attempt that met this and the next, by the engine's clock."""
    world = World(lambda post: judged if post.nth == 1 else OK, latency=0.01)
    ending = world.run(iter([message("o" * 28)]))
    assert ending.state == "finished"
    first, second = world.channel.posts
    return second.at - first.at


@pytest.mark.guarantee("T22")
@pytest.mark.parametrize("fault", ["too_many", "unavailable"])
def test_t22_a_wait_that_is_asked_for_is_kept_and_never_beyond_two_minutes(
    measured: Measured, fault: str
) -> None:
    waits = {}
    # "Too fast" is never followed by less than five seconds of rest, whatever the answer asks for.
    least = 5.0 if fault == "too_many" else 1.0
    for kind, (header, asked) in KINDS.items():
        judged = asked_by(header(), fault)
        assert judged.wait == (None if asked is None else pytest.approx(asked, abs=2.0)), kind
        assert judged.wait is None or 0 <= judged.wait <= 120, kind
        waits[kind] = waited_after(judged)
        assert waits[kind] >= (judged.wait or 0), kind
        # A slot of the slowed rate and the way there and back come on top.
        assert waits[kind] <= 120 + 1, kind
        if asked is not None:
            assert waits[kind] <= max(asked, least) + 1, kind
    assert len(waits) == 7
    told = ", ".join(f"{kind}: {wait:.1f} s" for kind, wait in waits.items())
    measured(f"{'429' if fault == 'too_many' else '503'}: 7 of 7 within 0 to 120 s ({told})")


@pytest.mark.guarantee("T22")
def test_t22_the_command_waits_as_long_as_it_is_asked(tmp_path: Path) -> None:
    """In real time: the one message goes again after the second that the answer asked for."""
    faults = {"send": {"unavailable": {"times": 1, "retry_after": "1"}}}
    with drilling(tmp_path, faults=faults) as drill:
        drill.prepare(1)
        done = drill.send()
        assert (done.code, done.json["accepted"], done.json["attempts"]) == (0, 1, 2)
        first, second = (call.time for call in drill.sandbox.calls(SEND))
        assert 1.0 <= second - first <= 3.0
