"""`send --at` and `--until`: what is asked when, what is waited for, and where it stops."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Desk, Running, at_call, counts, people
from tests.cli.terminal import Terminal
from wxpush.clock import BEIJING
from wxpush.sandbox import Sandbox

ENTRY = Path(__file__).parents[1] / "guarantees" / "entry.py"
#: Long enough for a slow machine to begin to wait.
SOON = 8
PLAIN = ("send", "campaign.yaml", "users.csv", "--yes")


def ahead(seconds: float) -> str:
    """So many seconds from now, as it is typed."""
    return f"{datetime.now(BEIJING) + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S}"


@contextmanager
def begun(desk: Desk, *arguments: str, **clocks: Any) -> Iterator[Running]:
    """A command by clocks of its own, see entry.py."""
    process = subprocess.Popen(
        [sys.executable, str(ENTRY), json.dumps(clocks), *arguments],
        cwd=desk.folder,
        env=desk.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    with Running(process) as running:
        yield running


def heard(running: Running, words: str) -> None:
    """Read what it says until `words` have come."""
    assert running.process.stderr is not None
    for line in running.process.stderr:
        if words in line:
            return
    raise AssertionError(f"{words!r} was not said")


def test_it_waits_for_its_moment_and_goes_on_by_itself(desk: Desk) -> None:
    desk.prepare(5)
    began = time.time()
    with begun(desk, *PLAIN, "--json", "--at", ahead(600), speed=300.0, since=began) as running:
        done = running.done()
    assert (done.code, counts(done.json)) == (0, {"accepted": 5})
    said = [line.split(" ", 1)[1] for line in done.err.splitlines() if line[2:3] == ":"]
    assert said[0].startswith("Begins at ")
    assert "left; Ctrl-C: nothing is sent" in said[0]
    assert "Going on." in said
    assert desk.sandbox is not None
    assert min(message.time for message in desk.sandbox.shown()) >= began + 1.9


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda one: one.name)
def test_a_signal_ends_the_wait_at_once_and_nothing_is_sent(desk: Desk, number: signal.Signals) -> None:
    desk.prepare(5)
    with desk.start(*PLAIN, "--json", "--at", ahead(3000)) as running:
        heard(running, "Begins at")
        began = time.monotonic()
        running.signal(number)
        done = running.done()
        assert time.monotonic() - began < 5
    assert (done.code, done.json["state"]) == (130, "interrupted")
    assert desk.sends() == 0
    assert counts(desk.send().json) == {"accepted": 5}


def test_a_list_that_changes_during_the_wait_is_refused(desk: Desk) -> None:
    desk.prepare(5)
    with desk.start(*PLAIN, "--at", ahead(SOON)) as running:
        heard(running, "Begins at")
        desk.list(people(6))
        done = running.done()
    assert done.code == 2
    assert "has changed since it was checked; nothing was sent" in done.err
    assert desk.sends() == 0


def test_the_quota_is_read_when_the_sending_begins(desk: Desk) -> None:
    assert desk.sandbox is not None
    desk.prepare(5)
    with desk.start(*PLAIN, "--json", "--at", ahead(SOON)) as running:
        heard(running, "Begins at")
        desk.sandbox.set_quota(daily=100, used=90)
        done = running.done()
    assert (done.code, done.json["stopped_by"]["code"]) == (3, "quota")
    assert desk.sends() == 0


def test_an_account_that_is_unfit_by_then_is_told_as_before_the_wait(
    tmp_path: Path, open_wechat: Callable[..., Sandbox]
) -> None:
    here = "198.51.100.7"
    wechat = open_wechat(allow_list={"calls": "token", "addresses": [here], "seen_as": here})
    desk = Desk(tmp_path, wechat)
    desk.prepare(5)
    with desk.start(*PLAIN, "--json", "--at", ahead(SOON)) as running:
        heard(running, "Begins at")
        wechat.deny_address(here)
        wechat.replace_token()
        done = running.done()
    assert (done.code, done.json["stopped_by"]["code"]) == (3, "40164")
    assert counts(done.json) == {"pending": 5}
    assert desk.sends() == 0


def test_who_slept_far_past_it_sends_nothing(desk: Desk) -> None:
    desk.prepare(5)
    with begun(desk, *PLAIN, "--at", ahead(60), jumps=[[1, 7300]]) as running:
        done = running.done()
    assert done.code == 2
    assert "long after" in done.err
    assert desk.sends() == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--at", "2020-01-01 10:00"), "--at: 2020-01-01 10:00 +08:00 is past. Leave --at out to send"),
        (("--at", "soon"), "--at: “soon” is no moment. Write 10:00,"),
        (("--until", "2020-01-01 10:00"), "nothing could be sent"),
        (("--until", "25:00"), "--until: “25:00” is no moment."),
        (("--at", "10:00", "--to", "me"), "--to sends at once"),
        (("--until", "10:00", "--to", "me"), "--to sends at once"),
    ],
)
def test_what_makes_no_sense_is_refused(desk: Desk, options: tuple[str, ...], words: str) -> None:
    desk.prepare(2)
    done = desk.run(*PLAIN, *options)
    assert done.code == 2
    assert words in done.talk
    assert desk.sends() == 0


def test_moments_outside_the_send_window_are_refused(desk: Desk) -> None:
    now = datetime.now(BEIJING)
    opens = now + timedelta(days=2)
    window = f'"{opens:%a} 08:00-21:00"'
    desk.prepare(2, send_window=window)
    done = desk.run(*PLAIN, "--at", f"{now + timedelta(days=1):%Y-%m-%d} 12:00")
    assert done.code == 2
    assert f"the send_window is closed; it opens at {opens:%Y-%m-%d} 08:00 +08:00" in done.talk
    done = desk.run(*PLAIN, "--until", f"{opens:%Y-%m-%d} 07:00")
    assert done.code == 2
    assert "nothing could be sent; the send_window opens at" in done.talk
    done = desk.run("send", "campaign.yaml", "users.csv", "--dry-run", "--at", f"{opens:%Y-%m-%d} 12:00")
    assert f"Begins {opens:%a} {opens:%Y-%m-%d} 12:00:00 +08:00" in done.talk


def test_the_run_bears_the_day_on_which_it_is_sent(desk: Desk) -> None:
    day = f"{datetime.now(BEIJING) + timedelta(days=3):%Y-%m-%d}"
    desk.prepare(2, name="orders-{{ today }}")
    options = ("send", "campaign.yaml", "users.csv", "--dry-run", "--json")
    assert desk.run(*options, "--at", f"{day} 10:00").json["run"] == f"orders-{day}"


def test_it_stops_when_it_should_and_the_same_command_goes_on(desk: Desk) -> None:
    desk.prepare(2000)
    options = (*PLAIN, "--rate", "200/s", "--until", ahead(SOON))
    done = desk.run(*options)
    assert done.code == 3
    assert "Cause the moment of --until has come" in done.talk
    assert "by then about" in done.talk
    assert "of 2,000, about" in done.talk
    sent = desk.sends()
    assert 0 < sent < 2000
    # What comes only once is left out of what to type next.
    assert f"Next: wxpush {' '.join(PLAIN)} --rate 200/s sends the rest at once, without an end" in done.talk
    done = desk.send()
    assert counts(done.json) == {"accepted": 2000}
    assert set(desk.shown().values()) == {1}
    assert desk.sends() == 2000


@pytest.mark.parametrize("hours", [(), ("--at", "00:00")])
def test_after_a_time_of_day_the_rest_does_not_go_on_until_tomorrow(
    desk: Desk, hours: tuple[str, ...]
) -> None:
    """The same command would send through the night; with both ends of a day it waits for the next one."""
    desk.prepare(3000)
    moment = datetime.now(BEIJING).replace(second=0, microsecond=0) + timedelta(minutes=2)
    early = moment - timedelta(seconds=SOON) - datetime.now(BEIJING)
    if hours:
        hours = ("--at", f"{moment - timedelta(minutes=1):%H:%M}")
    typed = (*PLAIN, "--rate", "100/s", *hours, "--until", f"{moment:%H:%M}")
    with begun(desk, *typed, ahead=early.total_seconds()) as running:
        done = running.done()
    assert (done.code, 0 < desk.sends() < 3000) == (3, True)
    assert "the same command goes on" not in done.talk
    if hours:
        assert f"Next: wxpush {' '.join(typed)} sends the rest tomorrow, within the same hours" in done.talk
    else:
        assert f"Next: wxpush {' '.join(PLAIN)} --rate 100/s sends the rest at once, without" in done.talk


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_an_end_that_is_yet_to_come_stays_in_what_to_type_next(desk: Desk) -> None:
    assert desk.sandbox is not None
    desk.prepare(500)
    moment = ahead(86_400)
    with desk.start(*PLAIN, "--rate", "100/s", "--until", moment) as running:
        desk.sandbox.on_send(at_call(5, lambda: running.signal(signal.SIGTERM)))
        done = running.done()
    assert done.code == 130
    assert f"--rate 100/s --until '{moment}' sends the rest" in done.talk


def test_what_a_wait_would_lose_is_told_before_it(desk: Desk) -> None:
    """A killed process left claims that WeChat knows for ten minutes only."""
    assert desk.sandbox is not None
    desk.prepare(500)
    with desk.start(*PLAIN, "--rate", "100/s") as running:
        desk.sandbox.on_send(at_call(5, running.process.kill))
        running.process.wait(timeout=30)
    with desk.start(*PLAIN, "--at", ahead(3000)) as running:
        heard(running, "to be in doubt during the wait; leave --at out to settle")
        running.process.terminate()
        assert running.done().code == 130
    assert counts(desk.send().json) == {"accepted": 500}
    assert set(desk.shown().values()) == {1}


def test_the_end_is_in_the_json(desk: Desk) -> None:
    desk.prepare(1000)
    done = desk.run(*PLAIN, "--rate", "50/s", "--json", "--until", ahead(SOON))
    assert (done.code, done.json["state"]) == (3, "stopped")
    assert done.json["stopped_by"]["code"] == "until"
    assert done.json["pending"] == 1000 - done.json["accepted"] > 0


def test_a_closed_window_is_waited_for_until_the_end_that_was_set(desk: Desk) -> None:
    day = datetime.now(BEIJING) + timedelta(days=3)
    desk.prepare(5, send_window=f"{day:%a} 10:00-11:00")
    opens = f"{day:%Y-%m-%d} 10:00:00"
    with begun(desk, *PLAIN, "--json", "--until", f"{day:%Y-%m-%d} 10:30", jumps=[]) as running:
        heard(running, f"Waiting: outside the send window, goes on at {day:%a} {opens} +08:00")
        running.process.terminate()
        assert running.done().code == 130


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX terminal")
def test_a_terminal_shows_how_long_it_is(desk: Desk) -> None:
    desk.prepare(3)
    with Terminal(desk, "send", "campaign.yaml", "users.csv", "--at", ahead(SOON), width=40) as terminal:
        terminal.answer("y", asked="? [y/N] ")
        line = terminal.until("\x1b[K").removesuffix("\x1b[K").rsplit("\r", 1)[-1]
        assert line.endswith(" left; Ctrl-C: nothing is sent")
        assert len(line) < 40
        done = terminal.done()
    assert done.code == 0
    assert "Finished: all 3 accepted." in done.out
