"""The summary of a run after a command: how the run stands as a whole, and what the command itself did."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from wxpush.app.codes import failure_groups, stopped_by
from wxpush.app.results import Summary
from wxpush.errors import StorageError
from wxpush.model import State

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from wxpush.app.aftermath import Aftermath
    from wxpush.app.delivering import Delivered
    from wxpush.app.results import DeliveryFigures
    from wxpush.app.tally import Tally
    from wxpush.delivery.run import RunCard, RunFolder


def summed_up(
    card: RunCard,
    aftermath: Aftermath,
    tally: Tally,
    *,
    state: str,
    delivered: Delivered | None,
    token_fetches: int,
    now: datetime,
    failures_file: Path | None,
    delivery: DeliveryFigures | None,
    gone_pending: int = 0,
) -> Summary:
    """`state` is how the command ended, `delivered` what it sent, if it sent.

    A run isn't finished by a command that left something pending, those `gone_pending` from the list aside.
    """
    counts = tally.counts
    ending, progress = (delivered.ending, delivered.progress) if delivered else (None, None)
    elapsed = delivered.elapsed if delivered else 0.0
    is_limited = state == "finished" and counts[State.PENDING] > gone_pending
    return Summary(
        run=card.name,
        account=card.account,
        state="limited" if is_limited else state,
        total=tally.total,
        accepted=counts[State.ACCEPTED],
        failed=counts[State.FAILED],
        skipped=counts[State.SKIPPED],
        held=counts[State.HELD],
        in_doubt=counts[State.IN_DOUBT],
        pending=counts[State.PENDING],
        failures=failure_groups(aftermath.causes),
        skips=tally.skips,
        attempts=progress.attempts if progress else 0,
        token_fetches=token_fetches,
        elapsed_s=elapsed,
        sending_s=progress.seconds if progress else 0.0,
        rate_per_s=progress.rate if progress else 0.0,
        stopped_by=stopped_by(ending, now) if ending else None,
        failures_file=failures_file,
        gone_pending=gone_pending,
        unsettled=ending.unsettled if ending else 0,
        delivery=delivery,
    )


def remember(summary: Summary, folder: RunFolder, card: RunCard, updated: float) -> None:
    """Keep the numbers on the run's card; a disk that refuses costs the card, never the numbers."""
    with suppress(StorageError):
        folder.write_card(replace(card, updated=updated, call=summary.to_keep()))
