"""The statistics of a run's minutes: what is counted, how it is kept, and what a damaged file costs."""

import math
import os
from collections import Counter
from datetime import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.delivery import world as w
from tests.delivery.world import MORNING, World, messages
from wxpush.delivery.engine import Settings
from wxpush.delivery.gate import GateRules
from wxpush.delivery.hours import DayHours
from wxpush.delivery.minutes import BOUNDS, Meter, Minute, percentile, recorded
from wxpush.delivery.ports import Why
from wxpush.errors import UnsafeStateError
from wxpush.model import Verdict


@pytest.fixture
def file(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return tmp_path / "stats.jsonl"


def sent(file: Path, number: int, answer: w.Answer = lambda _post: w.OK, **settings: float) -> World:
    """A world in which so many messages were sent, and the statistics written."""
    meters: list[Meter] = []

    def observer(clock: w.Clock) -> Meter:
        meters.append(Meter(file, clock))
        return meters[0]

    world = World(answer, Settings(rate=settings.get("rate", 10.0)), observer=observer)
    world.run(messages(number))
    meters[0].write()
    return world


def test_every_call_is_counted_in_its_minute(file: Path) -> None:
    sent(file, 1500)
    found = recorded(file)
    assert [start - int(MORNING) for start in found] == [0, 60, 120]
    assert sum(minute.calls for minute in found.values()) == 1500
    assert sum(minute.accepted for minute in found.values()) == 1500
    assert found[int(MORNING)].calls == pytest.approx(600, abs=3)
    assert sum((minute.latency for minute in found.values()), Counter()) == {BOUNDS.index(0.05): 1500}


def test_repeated_calls_and_what_they_met_are_told_apart(file: Path) -> None:
    def answer(post: w.Post) -> Verdict:
        number = int(post.key[1:])
        if number % 10 == 1:
            return w.UNFOLLOWED
        return w.BUSY if number % 10 == 2 and post.nth == 1 else w.OK

    sent(file, 100, answer)
    whole = Minute(0)
    for minute in recorded(file).values():
        whole.add(minute)
    assert (whole.calls, whole.accepted, whole.again) == (110, 90, 10)
    assert whole.codes == {"43004": 10, "-1": 10}


def test_what_was_waited_is_put_down_to_the_minutes_that_it_took(file: Path) -> None:
    meters: list[Meter] = []

    def observer(clock: w.Clock) -> Meter:
        meters.append(Meter(file, clock))
        return meters[0]

    # It is ten in the morning: they open in three minutes.
    rules = GateRules(10.0, hours=DayHours(time(10, 3), time(21)))
    world = World(settings=Settings(rate=10.0), rules=rules, observer=observer)
    world.run(messages(20))
    meters[0].write()
    found = recorded(file)
    waits = {start - int(MORNING): dict(minute.waits) for start, minute in found.items() if minute.waits}
    assert list(waits) == [0, 60, 120]
    assert all(list(one) == [Why.HOURS.value] for one in waits.values())
    assert sum(one["hours"] for one in waits.values()) == pytest.approx(180_000, abs=1_000)
    # What was waited is no part of the sending, of which everybody is told the same.
    progress = world.engine.progress
    assert sum(minute.finished for minute in found.values()) == progress.finished == 20
    assert sum(minute.sending for minute in found.values()) == pytest.approx(progress.seconds * 1000, abs=5)
    assert 1.9 <= progress.seconds < 5
    assert progress.rate == 20 / progress.seconds


def test_it_is_written_while_it_goes_and_several_processes_add_up(file: Path) -> None:
    sizes: list[int] = []

    def answer(_post: w.Post) -> Verdict:
        sizes.append(file.stat().st_size if file.exists() else 0)
        return w.OK

    sent(file, 600, answer)
    assert len(set(sizes)) >= 5, "about every ten seconds of a minute"
    sent(file, 600)
    assert sum(minute.calls for minute in recorded(file).values()) == 1200


@pytest.mark.parametrize(
    "line",
    [
        b'{"m":29923320,"n":5', b"{}", b"[]", b"null", b"\xff\xfe", b'{"m":-1}', b'{"m":1,"n":"x"}',
        b"[" * 9999, b'{"m":1,"n":1e999}', b'{"m":1,"w":{"sleep":5}}',
        b'{"m":1,"l":{"99":5}}', b'{"m":1,"c":[1]}',
        b'{"m":1,"x":{"unheard_of":1}}', b"\x00" * 100, b'{"m":true}',
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_read_costs_only_itself(file: Path, line: bytes) -> None:
    sent(file, 10)
    with file.open("ab") as stream:
        stream.write(line)  # cut off, as by a crash: without an end
    sent(file, 10)
    assert sum(minute.calls for minute in recorded(file).values()) == 20


def test_half_a_line_costs_only_itself_though_nothing_was_sent_at_first(file: Path) -> None:
    sent(file, 10)
    with file.open("ab") as stream:
        stream.write(b'{"m":29923320,"n":5')
    meters: list[Meter] = []

    def observer(clock: w.Clock) -> Meter:
        meters.append(Meter(file, clock))
        meters[0].write()
        return meters[0]

    World(observer=observer).run(messages(10))
    meters[0].write()
    assert sum(minute.calls for minute in recorded(file).values()) == 20


def test_without_a_file_there_are_no_statistics(file: Path) -> None:
    assert recorded(file) == {}


@pytest.mark.skipif(os.name == "nt", reason="modes and links of POSIX")
def test_a_file_of_others_is_neither_read_nor_written(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("mine\n")
    file.symlink_to(other)
    sent(file, 10)  # the sending goes on without it
    assert other.read_text() == "mine\n"
    with pytest.raises(UnsafeStateError):
        recorded(file)


@given(st.lists(st.floats(0.0001, 30), min_size=1, max_size=200), st.sampled_from([0.5, 0.9, 0.99]))
def test_percentiles_are_right_to_their_class(seconds: list[float], share: float) -> None:
    latency = Counter(
        next((n for n, most in enumerate(BOUNDS) if one <= most), len(BOUNDS)) for one in seconds
    )
    exact = sorted(seconds)[math.ceil(len(seconds) * share) - 1]
    number = next((n for n, most in enumerate(BOUNDS) if exact <= most), len(BOUNDS))
    found = percentile(latency, share)
    low = BOUNDS[number - 1] if number else 0.0
    high = BOUNDS[number] if number < len(BOUNDS) else float("inf")
    assert low <= found <= high
