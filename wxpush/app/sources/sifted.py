"""What a sieve comes to: the condition and the people of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from wxpush.app.sources.excluding import Excluded
    from wxpush.campaign.render import Condition

WHERE: Final = "--where"


@dataclass(frozen=True, slots=True)
class Sifted:
    """The condition and the people of a sieve, as far as it has them."""

    where: Condition | None = None
    excluded: Excluded | None = None
    text: str = ""
    """The condition as it was written."""
    faulty: bool = False
    """Whether something is wrong with either."""

    @property
    def digests(self) -> list[str]:
        """What tells this choice of rows from another; empty without one."""
        people = [] if self.excluded is None else [self.excluded.people.digest()]
        return [self.text, *people] if self.text or people else []

    @property
    def used(self) -> frozenset[str]:
        """The columns that the condition reads."""
        if self.where is None:
            return frozenset()
        return self.where.expression.required | self.where.expression.optional

    @property
    def lines(self) -> Mapping[tuple[str, int], str]:
        """The condition as the line that its problems stand in."""
        return {(WHERE, 1): self.text} if self.text else {}
