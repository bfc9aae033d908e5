"""A report in words: what the page, the Markdown and the terminal have in common.

Texts are in the language in force, and as they came: whoever shows them makes them safe for his place.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """A share of the whole. `name` is the state (`accepted`, `failed` …), by which it gets its colour."""

    name: str
    label: str
    count: int
    share: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and its value; `note` says more of it."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why messages weren't accepted. `name` is their state."""

    name: str
    label: str
    count: str
    share: float
    code: str
    meaning: str
    advice: str


@dataclass(frozen=True, slots=True)
class SlowTime:
    """A time at which little was sent, how much of the usual (0 to 1), and why."""

    when: str
    rate: str
    share: float
    why: str


@dataclass(frozen=True, slots=True)
class Slot:
    """One bar: its counts by state in the order of the parts, `tip` in words; `label` at its foot."""

    counts: Sequence[int]
    tip: str
    label: str = ""
    is_pause: bool = False
    """Nothing happened for long, and the time isn't shown."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Outcomes over time. `names` and `labels` are those of the counts of each slot."""

    title: str
    names: Sequence[str]
    labels: Sequence[str]
    slots: Sequence[Slot]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Class:
    """One class of a distribution: how many, `tip` in words, `label` at its upper bound."""

    count: int
    tip: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Distribution:
    """How often what was measured, with the figures that sum it up. `name` gives it its colour."""

    name: str
    title: str
    classes: Sequence[Class]
    facts: Sequence[Fact]


@dataclass(frozen=True, slots=True)
class Paper:
    """The whole report of one run."""

    run: str
    state: str
    state_label: str
    headline: str
    subtitle: str
    total: str
    parts: Sequence[Part]
    facts: Sequence[Fact]
    timeline: Timeline | None
    distributions: Sequence[Distribution]
    causes: Sequence[Cause]
    skips: Sequence[Fact]
    slow: Sequence[SlowTime]
    remarks: Sequence[str]
    details: Sequence[Fact]
    made: str
