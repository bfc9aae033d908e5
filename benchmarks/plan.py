"""How much is measured, in full and for a try-out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

RATE: Final = "100000/s"
"""The rate of wxpush where it is to go as fast as it can: the highest that a campaign may ask for."""
WORKERS: Final = 16
WAITING_WORKERS: Final = 64
LATENCY_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Plan:
    """The sizes of all parts."""

    rows: int = 50_000
    rival_rows: int = 20_000
    """Messages of the senders that take ten times as long."""
    rounds: int = 3
    wire_s: int = 5
    waiting_rows: int = 20_000
    waiting_rounds: int = 2
    sizes: tuple[int, int, int] = (10_000, 100_000, 1_000_000)
    first_posts: int = 5
    steady: Mapping[int, float] = field(default_factory=lambda: {10: 30.0, 30: 20.0, 100: 10.0, 500: 10.0})
    """Messages a second, and for how many seconds."""
    starts: int = 21

    def with_rows(self, rows: int) -> "Plan":
        """The same with lists of `rows`."""
        return replace(self, rows=rows, rival_rows=min(rows, self.rival_rows), waiting_rows=rows)

    def with_rounds(self, rounds: int) -> "Plan":
        """The same with so many rounds of everything that takes turns for minutes."""
        return replace(self, rounds=rounds, waiting_rounds=rounds)


QUICK: Final = Plan(
    rows=2_000,
    rival_rows=2_000,
    rounds=1,
    wire_s=1,
    waiting_rows=2_000,
    waiting_rounds=1,
    sizes=(1_000, 4_000, 20_000),
    first_posts=1,
    steady={10: 3.0, 30: 3.0, 100: 3.0, 500: 3.0},
    starts=5,
)
"""Enough to see that everything works, in a minute or two; its figures say little."""
