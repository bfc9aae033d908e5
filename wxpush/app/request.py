"""What is asked of a sending."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from wxpush.app.sieve import Sieve
from wxpush.app.sources.spool import QUERY, STDIN

if TYPE_CHECKING:
    from wxpush.app.observing import LogRequest


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
