"""How a run went in time: its outcomes by second and by minute, without the long pauses."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from wxpush.app.doubtful import RECEIPT, SETTLED
from wxpush.delivery.ledger import Place
from wxpush.delivery.minutes import MINUTE, Minute, percentile
from wxpush.delivery.ports import CLOSED, Why
from wxpush.delivery.records import Mark, Record
from wxpush.model import State

_OUTCOMES: Final = {
    Mark.ACCEPTED: State.ACCEPTED,
    Mark.FAILED: State.FAILED,
    Mark.HELD: State.HELD,
    Mark.IN_DOUBT: State.IN_DOUBT,
}
#: So long nothing happens, and a new stretch begins.
_PAUSE_S: Final = 30 * MINUTE
_MOST_SECONDS: Final = 1_800
_MOST_BARS: Final = 120
_MOST_STRETCHES: Final = 12
_STEPS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 86_400)
_SLOW: Final = 0.8
_MOST_SLOW: Final = 5
_LEAST_MINUTES: Final = 4
_WAITED_MS: Final = 2_000
_MANY: Final = 0.05
_MUCH_LONGER: Final = 1.5


@dataclass(frozen=True, slots=True)
class Bar:
    """Outcomes by state in the `step` seconds from `start` (Unix time) on."""

    start: int
    counts: Mapping[State, int]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Stretch:
    """Time in which something happened again and again: from `start` up to `end`, in Unix time."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Slow:
    """Minutes in which less was sent than usual, from `start` up to `end`, and what is known of the reason.

    `sent` and `usual` are outcomes a minute. `waits` are milliseconds by reason, `codes` answers; `latency`
    is the median of its calls in seconds where it was much longer than that of the run, else 0.
    `is_silent`: no process told anything of it.
    """

    start: int
    end: int
    sent: float
    usual: float
    waits: Mapping[str, int] = field(default_factory=dict)
    codes: Mapping[str, int] = field(default_factory=dict)
    slowed_down: bool = False
    latency: float = 0.0
    is_silent: bool = False


class Course:
    """Notes every record of a ledger that tells of an outcome, in memory that doesn't grow with the list.

    `sent` counts the outcomes of sending; a message that failed and then succeeded had two. `attempts` are
    those that led to them, `repeated` the outcomes that took several.
    """

    def __init__(self) -> None:
        self.minutes: dict[int, Counter[State]] = {}
        self.attempts = self.repeated = self.sent = 0
        self.first = self.last = 0
        self._seconds: dict[int, Counter[State]] | None = {}

    def note(self, _place: Place, record: Record) -> None:
        """Take in a record."""
        state = _OUTCOMES.get(record.mark)
        if state is None:
            return
        at = record.at
        if at > self.last:
            self.last = at
        if at < self.first or not self.first:
            self.first = at
        if record.code not in (SETTLED, RECEIPT):  # nothing was sent for it then
            self.sent += 1
            self.attempts += record.attempts
            self.repeated += record.attempts > 1
        minute = at - at % MINUTE
        if minute not in self.minutes:
            self.minutes[minute] = Counter()
        self.minutes[minute][state] += 1
        if self._seconds is not None:
            self._seconds.setdefault(at, Counter())[state] += 1
            if len(self._seconds) > _MOST_SECONDS:
                self._seconds = None

    def stretches(self, of_stats: Mapping[int, Minute]) -> list[Stretch]:
        """The times at which something happened; where there are too many pauses, none is left out."""
        busy = {start for start, minute in of_stats.items() if _is_busy(minute)}
        # Minutes of a run that waits aloud belong to the pause, unless calls lie close around them.
        found: list[Stretch] = []
        for start in sorted(busy | self.minutes.keys()):
            if found and start - found[-1].end < _PAUSE_S:
                found[-1] = Stretch(found[-1].start, start + MINUTE)
            else:
                found.append(Stretch(start, start + MINUTE))
        if len(found) > _MOST_STRETCHES:
            return [Stretch(found[0].start, found[-1].end)]
        return [self._trimmed(stretch) for stretch in found]

    def _trimmed(self, stretch: Stretch) -> Stretch:
        """A stretch to the second, where seconds are known, with what was tried in vain at its end."""
        if self._seconds is None:
            return stretch
        within = [at for at in self._seconds if stretch.start <= at < stretch.end]
        if not within:
            return stretch
        end = max(within) + 1
        return Stretch(min(within), stretch.end if stretch.end - end >= MINUTE else end)

    def step(self, stretches: Sequence[Stretch]) -> int:
        """How many seconds a bar stands for, so that all bars find room."""
        taken = sum(stretch.end - stretch.start for stretch in stretches)
        least = 1 if self._seconds is not None else MINUTE
        fitting = (step for step in _STEPS if step >= least and taken / step <= _MOST_BARS)
        return next(fitting, max(_STEPS[-1], taken // _MOST_BARS // _STEPS[-1] * _STEPS[-1]))

    def bars(self, stretch: Stretch, step: int) -> Iterator[Bar]:
        """A bar for every `step` seconds of a stretch."""
        source = self.minutes if self._seconds is None or step >= MINUTE else self._seconds
        begin = stretch.start - stretch.start % step
        slots: dict[int, Counter[State]] = {}
        for at, counts in source.items():
            if begin <= at < stretch.end:
                slots.setdefault(at - (at - begin) % step, Counter()).update(counts)
        for start in range(begin, stretch.end, step):
            yield Bar(start, slots.get(start, Counter()))


def slow_minutes(course: Course, of_stats: Mapping[int, Minute], stretches: Sequence[Stretch]) -> list[Slow]:
    """The times at which least was sent, those that cost most first chosen, in their order."""
    within = [start for stretch in stretches for start in _whole_minutes(stretch, course)]
    counts = {start: course.minutes.get(start, Counter()).total() for start in within}
    if len(counts) < _LEAST_MINUTES:
        return []
    usual = median(sorted(counts.values())[len(counts) // 2 :])  # of the better half: most may be slow
    # Where hardly anything was sent before the trouble, the best minute says what is usual.
    usual = usual or max(minute.total() for minute in course.minutes.values())
    slow = [start for start in within if counts[start] < usual * _SLOW]
    groups = _joined(slow)
    groups.sort(key=lambda group: sum(usual - counts[start] for start in group), reverse=True)
    overall = _latency(of_stats.values())
    chosen = sorted(groups[:_MOST_SLOW])
    return [_explained(group, counts, usual, of_stats, overall) for group in chosen]


def _is_busy(minute: Minute) -> bool:
    """Whether sending was tried; also where WeChat, or the way to it, let nothing through."""
    return bool(minute.calls) or any(spent and Why(why) not in CLOSED for why, spent in minute.waits.items())


def _whole_minutes(stretch: Stretch, course: Course) -> Iterator[int]:
    """The minutes of a stretch but for the first and the last, which are rarely whole.

    One at the end in which all was tried in vain is among them.
    """
    first, last = (at - at % MINUTE for at in (stretch.start, stretch.end - 1))
    yield from range(first + MINUTE, last, MINUTE)
    if first < last and last not in course.minutes:
        yield last


def _joined(starts: Sequence[int]) -> list[list[int]]:
    groups: list[list[int]] = []
    for start in starts:
        if groups and start - groups[-1][-1] == MINUTE:
            groups[-1].append(start)
        else:
            groups.append([start])
    return groups


def _explained(
    group: Sequence[int],
    counts: Mapping[int, int],
    usual: float,
    of_stats: Mapping[int, Minute],
    overall: float,
) -> Slow:
    start, end = group[0], group[-1] + MINUTE
    sent = sum(counts[one] for one in group) / len(group)
    seen = Minute(start)
    for one in group:
        if one in of_stats:
            seen.add(of_stats[one])
    codes = {code: count for code, count in seen.codes.most_common() if count >= seen.calls * _MANY}
    latency = percentile(seen.latency, 0.5)
    return Slow(
        start,
        end,
        sent,
        usual,
        waits={why: spent for why, spent in seen.waits.most_common() if spent >= _WAITED_MS},
        codes=codes,
        slowed_down=bool(seen.notices),
        latency=latency if overall and latency > overall * _MUCH_LONGER else 0.0,
        is_silent=not any(one in of_stats for one in group),
    )


def _latency(minutes: Iterable[Minute]) -> float:
    whole: Counter[int] = Counter()
    for minute in minutes:
        whole.update(minute.latency)
    return percentile(whole, 0.5)
