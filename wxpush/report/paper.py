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
    """One bar: its counts by state in the order of the timeline's names, `tip` in words; `label` at its foot.

    `is_pause`: nothing happened for long, and the time isn't shown; `is_wait`: it was waited for a reason.
    """

    counts: Sequence[int]
    tip: str
    label: str = ""
    is_pause: bool = False
    is_wait: bool = False


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
    """One class of a distribution: how many, `tip` in words, and its label."""

    count: int
    tip: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Distribution:
    """How often what was measured, with the figures that sum it up. `name` gives it its colour.

    A label stands at the upper bound of its class, or below its middle where it names it whole.
    """

    name: str
    title: str
    classes: Sequence[Class]
    facts: Sequence[Fact]
    labels_name_classes: bool = False


@dataclass(frozen=True, slots=True)
class Paper:
    """The whole report of one run. `delivery` divides what was accepted, where there are receipts."""

    run: str
    state: str
    state_label: str
    headline: str
    subtitle: str
    total: str
    parts: Sequence[Part]
    delivery: Sequence[Part]
    facts: Sequence[Fact]
    timeline: Timeline | None
    distributions: Sequence[Distribution]
    causes: Sequence[Cause]
    skips: Sequence[Fact]
    slow: Sequence[SlowTime]
    remarks: Sequence[str]
    details: Sequence[Fact]
    made: str
