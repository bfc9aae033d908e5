"""What is asked of a sending, and the surroundings that it happens in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from wxpush.app.sources.spool import QUERY, STDIN
from wxpush.clock import Clock
from wxpush.config.directories import Directories
from wxpush.delivery.hours import BEIJING

if TYPE_CHECKING:
    from wxpush.app.observing import LogRequest


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


def is_list(name: str) -> bool:
    """Whether what is to be left out is a file; a folder may well bear the name of the run that it is of."""
    return Path(name).exists() and not Path(name).is_dir()


@dataclass(frozen=True, slots=True)
class Sieve:
    """What narrows a list and adds to its rows, as the operator wrote it.

    `exclude` are lists or runs, which are looked up in the surroundings.
    """

    where: str | None = None
    exclude: tuple[str, ...] = ()
    join: Path | None = None
    on: str | None = None
    around: Surroundings = field(default_factory=Surroundings)

    @property
    def files(self) -> list[Path]:
        """The files that are read for it."""
        files = [Path(name) for name in self.exclude if is_list(name)]
        return files if self.join is None else [*files, self.join]

    def words(self) -> list[str]:
        """The options that say so, as they were typed."""
        words = [] if self.where is None else ["--where", self.where]
        for name in self.exclude:
            words += ["--exclude", name]
        if self.join is not None:
            words += ["--join", str(self.join)]
        return words + (["--on", self.on] if self.on is not None else [])

    def from_anywhere(self) -> Sieve:
        """The same with paths that hold in every folder."""
        lists = (str(Path(name).absolute()) if is_list(name) else name for name in self.exclude)
        return replace(self, exclude=tuple(lists), join=self.join and self.join.absolute())


@dataclass(frozen=True, slots=True)
class SendRequest:
    """The options of `send`. `rate` is messages a second; None leaves it to the campaign."""

    campaign: Path
    recipients: Path
    list_name: str
    """The list as the operator named it; `-` for standard input, `--sql` for a query."""
    list_format: str | None = None
    query: tuple[str, ...] = ()
    """The options of a query, to be typed again."""
    sieve: Sieve = field(default_factory=Sieve)
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
    at: datetime | None = None
    """When to begin; None for now."""
    until: datetime | None = None
    """From when on no message goes any more."""
    dry_run: bool = False
    wait_receipts: float | None = None
    """How many seconds to wait at the end for the receipts of all accepted messages."""
    sandbox: str | None = None
    """The scenario (a name or a file) of a sandbox started for this command."""
    failures: Path | None = None
    skips: Path | None = None
    """Where a file of the rows that were left out is wanted."""
    log: LogRequest | None = None
    """The log that is wanted."""

    @property
    def is_file(self) -> bool:
        """Whether the list is a file of the operator's, which others may lie beside."""
        return self.list_name not in (STDIN, QUERY)

    @property
    def options(self) -> tuple[str, ...]:
        """What else names the list and who of it is meant, to be typed again in any folder."""
        return (*self.query, *self.sieve.from_anywhere().words())
