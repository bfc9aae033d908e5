"""Accepted and delivered apart, wherever a run is told of: the figures, where its account has receipts."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from wxpush.app import known_runs
from wxpush.app.results import DeliveryFigures, RunView
from wxpush.app.surroundings import Surroundings
from wxpush.delivery.receipts import any_receipts
from wxpush.delivery.run import RunCard, RunFolder
from wxpush.errors import StateError

_FRESH_S: Final = 2 * 24 * 3600


def view(folder: RunFolder, around: Surroundings, *, whole: bool) -> RunView:
    """How a run stands, as `known_runs.view` has it, and what receipts say of it.

    They are counted afresh, of a run in a list (not `whole`) only where it is at most two days old.
    Raises InputError, DamagedStateError.
    """
    found = known_runs.view(folder, around, whole=whole)
    card = folder.card()
    if card is None or not (whole or around.clock.wall() - max(card.updated, card.created) < _FRESH_S):
        return found
    return replace(found, delivery=figures_of(folder, card, around, read_to=found.read_to))


def figures_of(
    folder: RunFolder,
    card: RunCard,
    around: Surroundings,
    *,
    log: Path | None = None,
    read_to: int | None = None,
) -> DeliveryFigures | None:
    """The numbers of `delivery_of`; where the account has no receipts it only looks for them.

    Raises DamagedStateError.
    """
    log = log or around.directories.receipts_path(card.origin, card.appid)
    if not any_receipts(log):
        return None
    from wxpush.app.delivered import delivery_of

    found = delivery_of(folder, card, around, log=log, read_to=read_to)
    return None if found is None else found.figures()


def figures_if_readable(
    folder: RunFolder, card: RunCard, around: Surroundings, *, log: Path | None = None
) -> DeliveryFigures | None:
    """The same for a summary, which is told whatever became of the receipts."""
    with suppress(StateError):
        return figures_of(folder, card, around, log=log)
    return None
