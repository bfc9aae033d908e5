"""Accepted and delivered apart, wherever a run is told of: the figures, where its account has receipts."""

from contextlib import suppress
from pathlib import Path

from wxpush.app.request import Surroundings
from wxpush.app.results import DeliveryFigures
from wxpush.delivery.receipts import any_receipts
from wxpush.delivery.run import RunCard, RunFolder
from wxpush.errors import StateError


def figures_of(
    folder: RunFolder, card: RunCard, around: Surroundings, *, log: Path | None = None
) -> DeliveryFigures | None:
    """The numbers of `delivery_of`; where the account has no receipts it only looks for them.

    Raises DamagedStateError.
    """
    log = log or around.directories.receipts_path(card.origin, card.appid)
    if not any_receipts(log):
        return None
    from wxpush.app.delivered import delivery_of

    found = delivery_of(folder, card, around, log=log)
    return None if found is None else found.figures()


def figures_if_readable(
    folder: RunFolder, card: RunCard, around: Surroundings, *, log: Path | None = None
) -> DeliveryFigures | None:
    """The same for a summary, which is told whatever became of the receipts."""
    with suppress(StateError):
        return figures_of(folder, card, around, log=log)
    return None
