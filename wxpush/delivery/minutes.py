"""What a sending was like, minute by minute: its calls, how long they took, and what was waited for.

Kept beside the ledger as lines of JSON, each what one process saw in a part of one minute. These are
statistics: nothing is decided by them, a crash costs the last seconds, and a line that can't be read is
passed over.
"""

import json
import os
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from wxpush.clock import Clock
from wxpush.delivery.flight import Flight
from wxpush.delivery.ports import Notice, Progress, Waiting, Why
from wxpush.delivery.records import Claim, Record
from wxpush.errors import StateError
from wxpush.model import Answered, State
from wxpush.private import held, open_private, read_private

#: Upper bounds of the classes of latency, in seconds; the last class is above them all.
BOUNDS: Final = (
    0.001, 0.002, 0.003, 0.005, 0.007, 0.01, 0.015, 0.02, 0.03, 0.05, 0.07, 0.1,
    0.15, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0,
)  # fmt: skip
MINUTE: Final = 60
_WRITE_EVERY_S: Final = 10.0
_WRITE_IDLE_S: Final = 60.0
_LONGEST_WAIT_S: Final = 86_400.0
_LIMIT: Final = 256 * 1024 * 1024
_MOST: Final = 2**53
_class_of = partial(bisect_left, BOUNDS)


@dataclass(slots=True)
class Minute:
    """One minute from `start` (Unix time) on. `again` are calls for a message that had had one before.

    `sending` are the milliseconds of it that were spent sending (Progress.seconds), of all processes, and
    `finished` the messages that had their outcome in that time: of both a crash costs the same.
    `codes` counts the answers other than plain acceptance, `waits` milliseconds by reason, `notices` what was
    said aloud, `latency` calls by class of BOUNDS.
    """

    start: int
    calls: int = 0
    accepted: int = 0
    again: int = 0
    sending: int = 0
    finished: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    waits: Counter[str] = field(default_factory=Counter)
    notices: Counter[str] = field(default_factory=Counter)
    latency: Counter[int] = field(default_factory=Counter)

    def add(self, other: "Minute") -> None:
        """Take in what somebody else saw, or saw of another minute."""
        self.calls += other.calls
        self.accepted += other.accepted
        self.again += other.again
        self.sending += other.sending
        self.finished += other.finished
        for mine, its in zip(self._counters(), other._counters(), strict=True):
            mine.update(its)

    def _counters(self) -> tuple[Counter[Any], ...]:
        return self.codes, self.waits, self.notices, self.latency

    def line(self) -> str:
        """It as a line of the file."""
        values = {
            "m": self.start // MINUTE,
            "n": self.calls,
            "a": self.accepted,
            "r": self.again,
            "s": self.sending,
            "f": self.finished,
            "c": self.codes,
            "w": self.waits,
            "x": self.notices,
            "l": self.latency,
        }
        return json.dumps({name: value for name, value in values.items() if value}, separators=(",", ":"))


class Meter:
    """Keeps the minutes of one process (an Observer). What can't be written is given up, not the sending."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path, self._clock = path, clock
        self._minutes: dict[int, Minute] = {}
        self._why: Why | None = None
        self._sent_for, self._finished = 0.0, 0
        self._since = self._written = clock.wall()
        self._lead = "\n"  # a process that was killed may have left half a line

    def accepted(self, flights: Sequence[Flight], answers: Sequence[Answered], at: float) -> None:
        """Calls whose message was accepted."""
        minute, count = self._at(at), len(answers)
        minute.calls += count
        minute.accepted += count
        minute.again += len([flight for flight in flights if flight.attempts > 1])
        minute.latency.update(map(_class_of, [answer.seconds for answer in answers]))

    def judged(self, flight: Flight, answer: Answered, state: State | None, at: float) -> None:
        """A call that met something else."""
        minute = self._at(at)
        minute.calls += 1
        minute.accepted += state is State.ACCEPTED
        minute.again += flight.attempts > 1
        minute.codes[answer.verdict.code] += 1
        minute.latency[_class_of(answer.seconds)] += 1

    def committed(self, records: Sequence[Record], claims: Sequence[Claim]) -> None:
        """The ledger keeps these itself."""

    def progress(self, progress: Progress) -> None:
        """Put down for how long it has been sending; write now and then."""
        now = self._clock.wall()
        for minute, milliseconds in self._minutes_of(now - (progress.seconds - self._sent_for), now):
            minute.sending += milliseconds
        if progress.finished > self._finished:
            self._at(now).finished += progress.finished - self._finished
        self._sent_for, self._finished = progress.seconds, progress.finished
        if abs(now - self._written) >= (_WRITE_IDLE_S if self._why else _WRITE_EVERY_S):
            self.write()

    def waiting(self, waiting: Waiting | None) -> None:
        """Nothing is sent for a while, or it goes on."""
        self._spend(self._clock.wall())
        self._why = None if waiting is None else waiting.why

    def notice(self, notice: Notice, detail: str) -> None:
        """Something was said aloud."""
        del detail
        self._at(self._clock.wall()).notices[notice.value] += 1

    def write(self) -> None:
        """Add to the file what isn't there yet."""
        now = self._clock.wall()
        self._spend(now)
        self._written = now
        text = "".join(minute.line() + "\n" for minute in self._minutes.values())
        self._minutes.clear()
        with suppress(OSError, StateError):
            _append(self._path, (self._lead + text).encode() if text else b"")
            self._lead = "" if text else self._lead

    def _at(self, wall: float) -> Minute:
        start = int(wall) // MINUTE * MINUTE
        found = self._minutes.get(start)
        if found is None:
            found = self._minutes[start] = Minute(start)
        return found

    def _spend(self, now: float) -> None:
        """Put what was waited down to the minutes that it took."""
        since, self._since = max(self._since, now - _LONGEST_WAIT_S), now
        if self._why is not None:
            for minute, milliseconds in self._minutes_of(since, now):
                minute.waits[self._why.value] += milliseconds

    def _minutes_of(self, since: float, until: float) -> Iterator[tuple[Minute, int]]:
        """The minutes from `since` to `until`, each with its share of the time in milliseconds."""
        while since < until:
            minute = self._at(since)
            end = min(until, float(minute.start + MINUTE))
            yield minute, round(end * 1000) - round(since * 1000)
            since = end


def recorded(path: Path) -> dict[int, Minute]:
    """The minutes of the file `path` by their start; empty where there is none. Raises UnsafeStateError."""
    found: dict[int, Minute] = {}
    for minute in _lines(read_private(path, _LIMIT) or b""):
        if minute.start in found:
            found[minute.start].add(minute)
        else:
            found[minute.start] = minute
    return dict(sorted(found.items()))


def percentile(latency: Counter[int], share: float) -> float:
    """The latency in seconds that `share` of the calls stayed below, as near as the classes tell."""
    left = latency.total() * share
    for number in sorted(latency):
        if latency[number] >= left:
            below = BOUNDS[number - 1] if number else 0.0
            above = BOUNDS[number] if number < len(BOUNDS) else BOUNDS[-1] * 1.5
            return below + (above - below) * left / latency[number]
        left -= latency[number]
    return 0.0


def _append(path: Path, content: bytes) -> None:
    with held(path.parent) as folder:
        handle = open_private(path, folder, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(handle, content)
        finally:
            os.close(handle)


def _lines(content: bytes) -> Iterator[Minute]:
    for line in content.splitlines():
        with suppress(ValueError, TypeError, KeyError, RecursionError, OverflowError, AttributeError):
            yield _minute(json.loads(line))


def _minute(values: dict[str, Any]) -> Minute:
    minute = Minute(_count(values["m"]) * MINUTE)
    minute.calls, minute.accepted = _count(values.get("n", 0)), _count(values.get("a", 0))
    minute.again, minute.finished = _count(values.get("r", 0)), _count(values.get("f", 0))
    minute.sending = _count(values.get("s", 0))
    minute.codes.update({str(code): _count(number) for code, number in values.get("c", {}).items()})
    minute.waits.update({Why(why).value: _count(spent) for why, spent in values.get("w", {}).items()})
    minute.notices.update({Notice(name).value: _count(n) for name, n in values.get("x", {}).items()})
    minute.latency.update({_class(number): _count(n) for number, n in values.get("l", {}).items()})
    return minute


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < _MOST:
        raise ValueError
    return value


def _class(text: str) -> int:
    number = int(text)
    if not 0 <= number <= len(BOUNDS):
        raise ValueError
    return number
