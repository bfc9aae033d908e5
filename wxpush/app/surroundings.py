"""The surroundings that a command runs in: everything that isn't on the command line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from wxpush.clock import BEIJING, Clock

if TYPE_CHECKING:
    from wxpush.config import Directories


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Environment, directories and clock."""

    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    home: Path | None = None
    clock: Clock = field(default_factory=Clock)

    @property
    def directories(self) -> Directories:
        """Where this user's state lives."""
        from wxpush.config import Directories

        return Directories.choose(self.environ, self.home)

    def today(self) -> date:
        """The day in Beijing."""
        return self.now().date()

    def now(self) -> datetime:
        """The moment in Beijing time."""
        return self.at(self.clock.wall())

    def at(self, wall: float) -> datetime:
        """A Unix time in Beijing time."""
        return datetime.fromtimestamp(wall, UTC).astimezone(BEIJING)
