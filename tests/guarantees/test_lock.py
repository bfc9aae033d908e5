"""T12: one process a run. The second is told whose turn it is; a dead one's lock holds nobody up."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cli.command import Desk, Running, adds_up, counts, openid, send_arguments
from tests.guarantees.plugin import Measured, Scale
from wxpush.delivery.run import RunFolder
from wxpush.errors import LockedError

posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")


@contextmanager
def at_work(desk: Desk, *options: str) -> Iterator[Running]:
    """A process that has sent its first message, and goes on; killed at the end."""
    assert desk.sandbox is not None
    begun = threading.Event()
    desk.sandbox.on_send(lambda _call: begun.set(), "decided")
    with desk.start(*send_arguments("--rate", "2/s", *options)) as running:
        assert begun.wait(30)
        yield running


def folder_of(desk: Desk) -> RunFolder:
    (card,) = desk.home.rglob("run.json")
    return RunFolder(card.parent)


def loading(desk: Desk) -> float:
    """Seconds until the interpreter is up and has the modules that any sending needs."""
    before = time.monotonic()
    command = [sys.executable, "-c", "import wxpush.cli.send, wxpush.app.sending"]
    subprocess.run(command, cwd=desk.folder, env=desk.environment(), check=True)
    return time.monotonic() - before


@posix
@pytest.mark.guarantee("T12")
def test_t12_a_second_runner_is_refused_at_once_and_told_the_firsts_pid(
    desk: Desk, scale: Scale, measured: Measured
) -> None:
    desk.prepare(1000)
    starts, slowest = scale(8, 100), 0.0
    with at_work(desk) as running:
        bare = [loading(desk)]
        for number in range(starts):
            before = time.monotonic()
            done = desk.send() if number % 2 else desk.retry()
            seconds = time.monotonic() - before
            bare.append(loading(desk))
            # Taken before and after, since on a busy machine it varies.
            slowest = max(slowest, seconds - max(bare[-2:]))
            assert (done.code, done.json["state"]) == (4, "refused")
            assert adds_up(done.json)
            assert str(running.process.pid) in done.err
            assert str(running.process.pid) in done.json["problems"][0]["message"]
        assert running.process.poll() is None
        running.signal(signal.SIGINT)
        first = running.done()
    assert first.code == 130
    assert first.json["in_doubt"] == 0
    assert desk.sends() == first.json["attempts"]
    assert slowest < 1
    measured(f"{starts} of {starts} refused with the pid, slowest {slowest:.2f} s after loading")


@posix
@pytest.mark.guarantee("T12")
def test_t12_waiting_for_another_runner_is_bounded(desk: Desk, scale: Scale) -> None:
    desk.prepare(1000)
    with at_work(desk) as running:
        folder = folder_of(desk)
        for _ in range(scale(3, 30)):
            before = time.monotonic()
            with pytest.raises(LockedError, match=str(running.process.pid)), folder.locked():
                pytest.fail("two processes work on one run")
            assert time.monotonic() - before < 1


@posix
@pytest.mark.guarantee("T12")
def test_t12_a_dead_ones_lock_is_taken_over_at_once(desk: Desk, scale: Scale, measured: Measured) -> None:
    desk.prepare(60)
    kills, slowest = scale(2, 20), 0.0
    for _ in range(kills):
        with at_work(desk, "--limit", "20") as running:
            running.process.kill()
            running.process.wait(60)
            folder = folder_of(desk)
            before = time.monotonic()
            with folder.locked():
                slowest = max(slowest, time.monotonic() - before)
    assert slowest < 0.2
    done = desk.send()
    assert (done.code, counts(done.json)) == (0, {"accepted": 60})
    assert desk.shown() == {openid(number): 1 for number in range(1, 61)}
    measured(f"{kills} of {kills} dead ones' locks taken over within {slowest:.2f} s")


@pytest.mark.guarantee("T12")
def test_t12_of_several_that_start_at_once_one_works(desk: Desk, scale: Scale, measured: Measured) -> None:
    rounds = scale(1, 10)
    desk.prepare(100)
    for number in range(1, rounds + 1):
        run = ("--run", f"race-{number}")
        racers = [desk.start(*send_arguments(*run)) for _ in range(4)]
        ended = [racer.done() for racer in racers]
        assert {done.code for done in ended} <= {0, 4}
        assert sum(done.json["attempts"] for done in ended) == 100
        assert desk.shown() == {openid(person): number for person in range(1, 101)}
    measured(f"{rounds} races of four: each message once")
