"""How a run stands after a command that went through no list: its summary, its failures file, its card."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wxpush.app.aftermath import Aftermath, look_back, write_failures
from wxpush.app.known_runs import from_here
from wxpush.app.receipted import figures_if_readable
from wxpush.app.results import Summary
from wxpush.app.summing import remember, summed_up
from wxpush.app.surroundings import Surroundings
from wxpush.app.tally import tally_by_card
from wxpush.delivery.run import RunCard, RunFolder
from wxpush.errors import StorageError

if TYPE_CHECKING:
    from wxpush.app.delivering import Delivered

#: The card is written so long after the failures file at most.
_WRITING_S: Final = 2.0


def look_back_by_key(folder: RunFolder, card: RunCard) -> Aftermath:
    """Read the whole ledger; rows of a list that was given for a retry bear other numbers."""
    return look_back(folder, replace(card, lists=("", "")))


def take_stock(
    folder: RunFolder,
    card: RunCard,
    around: Surroundings,
    *,
    state: str,
    delivered: Delivered | None = None,
    token_fetches: int = 0,
    keep: Path | None = None,
    changed: bool = True,
    notes: Sequence[str] = (),
) -> Summary:
    """Count the run, write its failures file anew and remember the numbers on its card.

    `state` is how it ended; `delivered` is what this command sent, if it sent; `changed` whether it did
    anything at all. A failures file that is `keep` stays as it is: the operator wrote into it. A disk that
    refuses costs the files, never the numbers.
    """
    aftermath = look_back_by_key(folder, card)
    failures_file = None
    with suppress(StorageError):
        failures_file = write_failures(folder, aftermath, _wanted_file(folder, card), keep=keep)
    summary = summed_up(
        card,
        aftermath,
        tally_by_card(card, aftermath.states),
        state=state,
        delivered=delivered,
        token_fetches=token_fetches,
        now=around.now(),
        failures_file=failures_file and Path(from_here(failures_file)),
        delivery=figures_if_readable(folder, card, around),
    )
    remember(summary, folder, card, around.clock.wall() if changed else card.updated)
    return replace(summary, notes=notes)


def edited_failures(folder: RunFolder, card: RunCard) -> Path | None:
    """The failures file where somebody has written into it since: nobody's work is overwritten."""
    file = _wanted_file(folder, card)
    with suppress(OSError):
        if file.stat().st_mtime > card.updated + _WRITING_S:
            return file
    return None


def _wanted_file(folder: RunFolder, card: RunCard) -> Path:
    """Where the failures file was last, else beside the list."""
    known, listed = card.call.get("failures_file"), Path(card.list)
    if known and Path(known).is_absolute():
        return Path(known)
    if not listed.is_absolute():
        return folder.path / "stdin.failures.csv"
    return listed.with_name(Path(known).name if known else f"{listed.stem}.failures.csv")
