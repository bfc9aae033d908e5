"""What is asked of a sending, and the surroundings that it happens in."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from wxpush.clock import Clock
from wxpush.config.directories import Directories
from wxpush.delivery.hours import BEIJING


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Environment, directories and clock: everything that isn't on the command line."""

    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    home: Path | None = None
    clock: Clock = field(default_factory=Clock)

    @property
    def directories(self) -> Directories:
        """Where this user's state lives."""
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


@dataclass(frozen=True, slots=True)
class SendRequest:
    """The options of `send`. `rate` is messages a second; None leaves it to the campaign."""

    campaign: Path
    recipients: Path
    list_name: str
    """The list as the operator named it; `-` for standard input."""
    list_format: str | None = None
    run: str | None = None
    account: str | None = None
    rate: float | None = None
    workers: int | None = None
    limit: int | None = None
    preflight: bool = True
    skip_invalid: bool = False
    keep_first: bool = False
    resend_in_doubt: bool = False
    accept_changes: bool = False
    approved: str | None = None
    """The approval code that campaign, template and list must have."""
    dry_run: bool = False
    sandbox: str | None = None
    """The scenario (a name or a file) of a sandbox started for this command."""
    failures: Path | None = None
    skips: Path | None = None
    """Where a file of the rows that were left out is wanted."""
