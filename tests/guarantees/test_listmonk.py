"""T39: four ways in which listmonk, the best known open mass mailer, doubled or forgot people.

Its issues by number; each is a test here that exactly the rest is sent.
"""

import os
import random
import signal
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.cli.command import (
    DATA,
    TEMPLATE_FILE,
    Desk,
    Done,
    Running,
    adds_up,
    at_call,
    counts,
    openid,
    people,
    send_arguments,
)
from tests.cli.test_resume import disturbed
from tests.guarantees.plugin import Measured, Scale
from wxpush.clock import BEIJING
from wxpush.delivery import ledger as ledgers

posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
RETRY = "{attempts: 2, base: 10ms, cap: 50ms}"


def each_once(count: int) -> Mapping[str, int]:
    return {openid(number): 1 for number in range(1, count + 1)}


# listmonk #2313: paused by errors and resumed, it sent up to five copies

PAUSES: dict[str, Mapping[str, Any]] = {
    "budget": {"wrong_template": {"every": 3}},
    "45009": {"daily_limit": {"after": 30}},
    "network": {"cut_before": {"after": 30}},
}


@pytest.mark.guarantee("T39")
def test_t39_2313_what_is_paused_by_errors_goes_on_with_exactly_the_rest(
    desk: Desk, scale: Scale, measured: Measured
) -> None:
    rules = "{failure_rate: 10%, after: 20, outage: 1s}"
    desk.prepare(600, stop_when=rules, retry=RETRY, timeout="1s")
    pauses = [*PAUSES] * scale(1, 5)
    done = sent_until(desk, pauses)
    assert desk.sandbox is not None
    desk.sandbox.set_faults({})
    last = desk.send()
    decided = done.json["accepted"] + done.json["failed"]
    assert last.json["attempts"] == 600 - decided
    assert counts(last.json) == {"accepted": 600 - last.json["failed"], "failed": last.json["failed"]}
    again = desk.retry("--all")
    assert again.json["attempts"] == last.json["failed"] > 0
    assert (again.code, counts(again.json)) == (0, {"accepted": 600})
    assert desk.shown() == each_once(600)
    measured(f"#2313: {len(pauses)} pauses, nobody twice, exactly the rest")


def sent_until(desk: Desk, pauses: list[str]) -> Done:
    """Send until one thing after another stops it; nobody is ever shown two messages."""
    assert desk.sandbox is not None
    for code in pauses:
        desk.sandbox.set_faults({"send": PAUSES[code]})
        done = desk.send("--workers", "8")
        assert (done.code, done.json["state"], done.json["stopped_by"]["code"]) == (3, "stopped", code)
        assert adds_up(done.json)
        assert set(desk.shown().values()) == {1}
    return done


# listmonk #3022: the cursor moved when a batch was fetched, so a crash before the sending passed it over


@posix
@pytest.mark.guarantee("T39")
def test_t39_3022_who_was_fetched_and_not_yet_sent_is_sent_after_a_crash(
    desk: Desk, scale: Scale, measured: Measured
) -> None:
    chance = random.Random(20261126)
    desk.prepare(300)
    assert desk.sandbox is not None
    fetched = 0
    lives = scale(3, 20)
    for life in range(lives):
        # Before WeChat looks at it: this one and all that were claimed with it have not been sent.
        begun: list[Running] = []
        number = 1 if life == 0 else chance.randrange(1, 12)
        desk.sandbox.on_send(at_call(number, lambda begun=begun: begun[0].process.kill()), "received")
        begun.append(desk.start(*send_arguments("--workers", "16")))
        with begun[0] as running:
            running.process.wait(60)
        (database,) = desk.home.rglob("cache.db")
        fetched += len(ledgers.review(database.parent))
        assert set(desk.shown().values()) <= {1}
    assert fetched > lives, "nobody was fetched and not yet sent"
    done = desk.send()
    assert (done.code, counts(done.json)) == (0, {"accepted": 300})
    assert desk.shown() == each_once(300)
    measured(f"#3022: {lives} crashes with {fetched} claimed and unsent, nobody passed over")


# listmonk #2591: a change of its settings in mid-run touched what was under way


@pytest.mark.guarantee("T39")
def test_t39_2591_settings_changed_on_the_way_touch_nobodys_delivery(desk: Desk, measured: Measured) -> None:
    desk.prepare(300)

    def change(_running: Running) -> None:
        desk.campaign(rate="1/s", workers="1", retry="{attempts: 1}", timeout="1s", data=DATA + "!!!")
        desk.write("template.yaml", TEMPLATE_FILE.replace("商品名称", "商品"))

    with disturbed(desk, 100, change, "--workers", "8") as running:
        done = running.done()
    assert (done.code, counts(done.json)) == (0, {"accepted": 300})
    assert desk.shown() == each_once(300)
    assert desk.sandbox is not None
    assert {shown.data["amount4"] for shown in desk.sandbox.shown()} == {"68.00元"}
    desk.campaign(data=DATA.replace("{{ amount }}", "{{ amount }} 共"))
    assert (desk.send().code, desk.sends()) == (2, 300)
    measured("#2591: settings, text and template changed on the way: the run ends as it began")


@posix
@pytest.mark.guarantee("T39")
def test_t39_2591_settings_changed_between_calls_touch_nobodys_delivery(
    desk: Desk, scale: Scale, measured: Measured
) -> None:
    chance = random.Random(20261126)
    calls = scale(3, 15)
    desk.prepare(100 * calls)
    for call in range(calls - 1):
        rate, workers = chance.choice([300, 900, 2000]), chance.choice([1, 4, 32])
        attempts = chance.choice([1, 4])
        desk.campaign(rate=f"{rate}/s", workers=f"{workers}", retry=f"{{attempts: {attempts}}}", burst="5")
        number = signal.SIGKILL if call % 2 else signal.SIGINT
        options = ("--rate", f"{rate}/s")
        with disturbed(desk, 80, lambda running, number=number: running.signal(number), *options) as running:
            running.done()
        assert set(desk.shown().values()) == {1}
    done = desk.send()
    assert (done.code, counts(done.json)) == (0, {"accepted": 100 * calls})
    assert desk.shown() == each_once(100 * calls)
    measured(f"{calls} calls, each with another rate and other workers")


@pytest.mark.guarantee("T39")
def test_t39_2591_a_list_written_over_on_the_way_joins_no_two_people(desk: Desk, measured: Measured) -> None:
    """In place, as `cp` does it: read on, a row would begin in one version and end in the other."""
    desk.prepare(3000)
    later = [{**row, "name": "欧阳建国", "order_no": row["order_no"] + "B"} for row in people(2000, 500)]

    def write_over(_running: Running) -> None:
        desk.list(later)

    with disturbed(desk, 300, write_over) as running:
        done = running.done()
    assert (done.code, done.json["state"], done.json["stopped_by"]["code"]) == (3, "stopped", "invalid")
    assert "changed while it was being read" in done.err
    before = desk.shown()
    assert before == each_once(len(before))
    rest = desk.send()
    assert rest.code == 0
    assert rest.json["attempts"] == len({row["openid"] for row in later} - before.keys())
    assert desk.shown() == {**before, **{row["openid"]: 1 for row in later}}
    assert desk.sandbox is not None
    orders = {shown.openid: shown.data["character_string2"] for shown in desk.sandbox.shown()}
    assert all(order.removesuffix("B")[-5:] == person[-5:] for person, order in orders.items())
    measured("a list written over: stopped, the new one's rest sent")


# listmonk #2278: a shutdown in the sleep of its throttle waited for the sleep's end


def closed_hours() -> str:
    """A send window that isn't now."""
    now = datetime.now(BEIJING)
    begin, end = now + timedelta(hours=2), now + timedelta(hours=3)
    return f'"{begin:%H:%M}-{end:%H:%M}"'


#: What brings it about at WeChat and in the campaign, and what is said of it.
SLEEPS: dict[str, tuple[Mapping[str, Any], Callable[[], Mapping[str, str]], str]] = {
    "minute limit": ({"minute_limit": {"after": 40}}, dict, "rate limit"),
    "breaker": ({"cut_before": {"after": 40}}, dict, "can't be reached"),
    "quota": ({"daily_limit": {"after": 40}}, lambda: {"on_quota": "wait"}, "quota is used up"),
    "hours": ({}, lambda: {"send_window": closed_hours()}, "outside the send window"),
}


@posix
@pytest.mark.guarantee("T39")
@pytest.mark.parametrize("sleep", SLEEPS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda one: one.name)
def test_t39_2278_a_shutdown_ends_any_sleep_and_the_rest_is_sent(
    desk: Desk, sleep: str, number: signal.Signals, measured: Measured
) -> None:
    faults, keys, said = SLEEPS[sleep]
    desk.prepare(120, timeout="1s", retry=RETRY, **keys())
    assert desk.sandbox is not None
    desk.sandbox.set_faults({"send": faults})
    with desk.start(*send_arguments("--workers", "4")) as running:
        assert running.process.stderr is not None
        while said not in (line := running.process.stderr.readline()):
            assert line, "it ended without a sleep"
        before = time.monotonic()
        running.signal(number)
        done = running.done()
        seconds = time.monotonic() - before
    assert (done.code, done.json["state"]) == (130, "interrupted")
    assert seconds < 1 + 2, "the deadline of a call, and two seconds"
    assert adds_up(done.json)
    accepted = done.json["accepted"]
    if sleep != "breaker":  # there, connections were cut with the request on its way
        assert counts(done.json) == ({"accepted": 40, "pending": 80} if accepted else {"pending": 120})
    desk.sandbox.set_faults({})
    desk.campaign(timeout="1s", retry=RETRY)
    rest = desk.send()
    assert (rest.code, counts(rest.json)) == (0, {"accepted": 120})
    assert rest.json["attempts"] == 120 - accepted
    assert desk.shown() == each_once(120)
    measured("#2278: each of 4 sleeps ends at each of 3 signals within 3 s, exactly the rest is sent")
