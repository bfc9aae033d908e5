"""Why rows of a list were left out in one pass, and what is different in a later one."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from wxpush.delivery.screen import Reason

_REASONS: Final = (None, *Reason)


@dataclass(slots=True)
class Verdicts:
    """Why rows of a list are left out, in a byte a row."""

    _codes: bytearray = field(default_factory=bytearray)

    def set(self, row: int, reason: Reason | None) -> None:
        """Note why `row` is left out, or that it isn't."""
        if row >= len(self._codes):
            if reason is None:
                return
            self._codes.extend(bytes(row + 1 - len(self._codes)))
        self._codes[row] = _REASONS.index(reason)

    def get(self, row: int) -> Reason | None:
        """Why `row` is left out."""
        return _REASONS[self._codes[row]] if row < len(self._codes) else None


class Recount:
    """Counts by how much a later pass over a list leaves out others than the one that `verdicts` are of."""

    def __init__(self, verdicts: Verdicts | None) -> None:
        """Without verdicts nothing is counted."""
        self._verdicts = verdicts
        self.moved: Counter[str] = Counter()

    def judge(self, row: int, reason: Reason | None) -> None:
        """Note that a row turned out so, whatever the pass before had said of it."""
        if self._verdicts is None or (before := self._verdicts.get(row)) is reason:
            return
        if before is not None:
            self.moved[before.value] -= 1
        if reason is not None:
            self.moved[reason.value] += 1
        self._verdicts.set(row, reason)

    def skips_after(self, before: Mapping[str, int]) -> dict[str, int]:
        """Skips by reason: for rows that turned up again as they are now, for the others as they were."""
        counts = Counter(before)
        counts.update(self.moved)
        return {reason: count for reason, count in counts.items() if count}
