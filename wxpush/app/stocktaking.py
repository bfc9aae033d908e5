"""How a run stands after a command that went through no list: its summary, its failures file, its card."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wxpush.app.aftermath import Aftermath, look_back, tally, write_failures
from wxpush.app.codes import failure_groups, stopped_by
from wxpush.app.known_runs import from_here
from wxpush.app.receipted import figures_if_readable
from wxpush.app.request import Surroundings
from wxpush.app.results import Summary
from wxpush.delivery.run import RunCard, RunFolder
from wxpush.errors import StorageError
from wxpush.model import State

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
    counted = tally(card, aftermath.states)
    counts = counted.counts
    ending, progress = (delivered.ending, delivered.progress) if delivered else (None, None)
    elapsed = delivered.elapsed if delivered else 0.0
    failures_file = None
    with suppress(StorageError):
        failures_file = write_failures(folder, aftermath, _wanted_file(folder, card), keep=keep)
    summary = Summary(
        run=card.name,
        account=card.account,
        state=_state(state, counts[State.PENDING]),
        total=counted.total,
        accepted=counts[State.ACCEPTED],
        failed=counts[State.FAILED],
        skipped=counts[State.SKIPPED],
        held=counts[State.HELD],
        in_doubt=counts[State.IN_DOUBT],
        pending=counts[State.PENDING],
        failures=failure_groups(aftermath.causes),
        skips=counted.skips,
        attempts=progress.attempts if progress else 0,
        token_fetches=token_fetches,
        elapsed_s=elapsed,
        rate_per_s=progress.finished / elapsed if progress and elapsed else 0.0,
        stopped_by=stopped_by(ending, around.now()) if ending else None,
        failures_file=failures_file and Path(from_here(failures_file)),
        unsettled=ending.unsettled if ending else 0,
        notes=notes,
        delivery=figures_if_readable(folder, card, around),
    )
    with suppress(StorageError):
        updated = around.clock.wall() if changed else card.updated
        folder.write_card(replace(card, updated=updated, call=summary.to_keep()))
    return summary


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


def _state(state: str, pending: int) -> str:
    """A run whose list was never sent to its end isn't finished by such a command."""
    return "limited" if state == "finished" and pending else state
