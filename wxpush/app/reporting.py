"""`report`: everything that is known of a run, from its ledger and the statistics of its minutes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from wxpush.app.course import Bar, Course, Slow, Stretch, slow_minutes
from wxpush.app.delivered import Delivery, delivery_of
from wxpush.app.known_runs import view
from wxpush.app.results import RunView
from wxpush.app.surroundings import Surroundings
from wxpush.delivery.minutes import BOUNDS, MINUTE, Minute, percentile, recorded
from wxpush.delivery.run import RunFolder
from wxpush.model import State

_SHARES = (("p50", 0.5), ("p90", 0.9), ("p99", 0.99))


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a report tells, whatever its format.

    `stretches` are the times of activity, each with its bars of `step` seconds; `stats` the minutes' own
    statistics, empty for a run of an earlier wxpush, `latency` all its calls by class.
    """

    view: RunView
    course: Course
    stretches: Sequence[Stretch]
    step: int
    bars: Sequence[Sequence[Bar]]
    stats: Mapping[int, Minute]
    latency: Counter[int]
    waits: Counter[str]
    slow: Sequence[Slow]
    delivery: Delivery | None
    """What the account's receipts say; None where it has none."""
    made: datetime
    begun: datetime | None
    ended: datetime | None

    @property
    def calls(self) -> int:
        """Attempts of all processes; the statistics of one that still sends come a few seconds late."""
        return max(sum(minute.calls for minute in self.stats.values()), self.course.attempts)

    @property
    def rate(self) -> float:
        """Outcomes in a second of sending, of all calls; without statistics, as its outcomes tell."""
        spent = sum(minute.sending for minute in self.stats.values()) / 1000
        if spent:
            return sum(minute.finished for minute in self.stats.values()) / spent
        spent = sum(stretch.end - stretch.start for stretch in self.stretches)
        return self.course.sent / spent if spent else 0.0

    @property
    def sending(self) -> float:
        """Seconds spent sending, the last ones of a process that was killed or still sends estimated."""
        return self.course.sent / self.rate if self.rate else 0.0

    @property
    def peak(self) -> Bar | None:
        """The bar with most outcomes."""
        return max((bar for bars in self.bars for bar in bars), key=lambda bar: bar.total, default=None)

    def percentiles(self) -> dict[str, float]:
        """The latency of calls in seconds: half, nine tenths and almost all of them were faster."""
        return {name: percentile(self.latency, share) for name, share in _SHARES} if self.latency else {}

    def to_json(self, around: Surroundings) -> dict[str, Any]:
        """The object of `--format json` but for its rows: that of `runs show` and more."""
        return {
            **self.view.to_json(),
            "begun": self.begun and self.begun.isoformat(timespec="seconds"),
            "ended": self.ended and self.ended.isoformat(timespec="seconds"),
            "active_s": round(self.sending, 1),
            "rate_per_s": round(self.rate, 2),
            "attempts": self.calls,
            "repeated": self.course.repeated,
            "latency_ms": self._latency_json(),
            "waits": [{"why": why, "seconds": round(ms / 1000, 1)} for why, ms in self.waits.most_common()],
            "slow": [_slow_json(slow, around) for slow in self.slow],
            "minutes": self._minutes_json(around),
        }

    def _latency_json(self) -> dict[str, Any] | None:
        if not self.latency:
            return None
        classes = [
            {"up_to": None if number == len(BOUNDS) else BOUNDS[number] * 1000, "calls": self.latency[number]}
            for number in sorted(self.latency)
        ]
        return {**_milliseconds(self.percentiles()), "classes": classes}

    def _minutes_json(self, around: Surroundings) -> list[dict[str, Any]]:
        starts = sorted(self.course.minutes.keys() | self.stats.keys())
        return [self._minute_json(start, around) for start in starts]

    def _minute_json(self, start: int, around: Surroundings) -> dict[str, Any]:
        counts, minute = self.course.minutes.get(start, Counter()), self.stats.get(start)
        told: dict[str, Any] = {"start": around.at(start).isoformat(timespec="seconds")}
        told |= {state.value: counts[state] for state in _ENDS}
        if minute is not None:
            told |= {"attempts": minute.calls, "again": minute.again, "codes": dict(minute.codes)}
            told["waits_s"] = {why: round(ms / 1000, 1) for why, ms in minute.waits.items()}
            told["latency_ms"] = _milliseconds(
                {name: percentile(minute.latency, share) for name, share in _SHARES} if minute.calls else {}
            )
        return told


_ENDS = (State.ACCEPTED, State.FAILED, State.HELD, State.IN_DOUBT)


def report_on(folder: RunFolder, around: Surroundings) -> RunReport:
    """Read a run's ledger and statistics. Raises DamagedStateError, UnsafeStateError."""
    course = Course()
    found = view(folder, around, whole=True, visit=course.note)
    stats = recorded(folder.minutes)
    stretches = course.stretches(stats)
    delivery = _delivery(folder, around, found.read_to)
    step = course.step(stretches)
    latency: Counter[int] = Counter()
    waits: Counter[str] = Counter()
    for minute in stats.values():
        latency.update(minute.latency)
        waits.update(minute.waits)
    return RunReport(
        view=found if delivery is None else replace(found, delivery=delivery.figures()),
        course=course,
        stretches=stretches,
        step=step,
        bars=[list(course.bars(stretch, step)) for stretch in stretches],
        stats=stats,
        latency=latency,
        waits=waits,
        slow=slow_minutes(course, stats, stretches),
        delivery=delivery,
        made=around.now(),
        begun=around.at(course.first) if course.first else None,
        ended=around.at(course.last) if course.last else None,
    )


def _delivery(folder: RunFolder, around: Surroundings, read_to: int | None) -> Delivery | None:
    card = folder.card()
    return delivery_of(folder, card, around, read_to=read_to) if card is not None else None


def _milliseconds(seconds: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value * 1000, 1) for name, value in seconds.items()}


def _slow_json(slow: Slow, around: Surroundings) -> dict[str, Any]:
    return {
        "from": around.at(slow.start).isoformat(timespec="seconds"),
        "minutes": (slow.end - slow.start) // MINUTE,
        "sent_per_min": round(slow.sent, 1),
        "usual_per_min": round(slow.usual, 1),
        "waits_s": {why: round(ms / 1000, 1) for why, ms in slow.waits.items()},
        "codes": dict(slow.codes),
        "slowed_down": slow.slowed_down,
        "latency_ms": round(slow.latency * 1000, 1) or None,
    }
