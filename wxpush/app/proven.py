"""Receipts whose message the ledgers of an account leave no doubt about, though they don't know its msgid."""

from collections.abc import Collection, Iterator
from pathlib import Path

from wxpush.app.known_runs import all_runs
from wxpush.app.surroundings import Surroundings
from wxpush.app.suspects import RunSuspects, TrialSuspects
from wxpush.delivery import store
from wxpush.delivery.fates import Fates, Unowned
from wxpush.delivery.nearest import LATE_S
from wxpush.delivery.proofs import proofs
from wxpush.delivery.run import RunCard, RunFolder


def of_no_other(
    own: RunSuspects,
    keys: Collection[str],
    folder: RunFolder,
    card: RunCard,
    around: Surroundings,
    fates: Fates,
) -> dict[str, Unowned]:
    """Of the messages `keys` of one run, the receipts that can be of no other message of the account.

    `fates` must have been read before the ledgers. Raises the first fault of a run that can't be read.
    """
    others = other_runs(own.span(keys), folder, card, around)
    tests = TrialSuspects(around.directories.trials_path(card.origin, card.appid), fates)
    books = [own, *(RunSuspects(*other, fates) for other in others), tests]
    # A person for whom nothing of ours is open takes no part.
    wanted = own.people(keys)
    suspects = [suspect for book in books for suspect in book if suspect.who in wanted]
    if fates.nameless:
        people = {who for who in wanted if who in fates.nameless}
        suspects += [one for book in books for one in book.bystanders(people)]
    found = proofs(suspects, fates.unowned(wanted))
    return {key: receipt for (run, key), receipt in found.items() if run == own.run and key in keys}


def other_runs(
    span: tuple[float, float], folder: RunFolder, card: RunCard, around: Surroundings
) -> Iterator[tuple[RunFolder, RunCard]]:
    """The account's other runs that receipts of this time can be of. Raises the first fault of any run."""
    earliest, latest = span
    known = all_runs(around, Path.cwd())
    if known.faults:
        raise known.faults[0]
    for path, other in known.cards.items():
        if (other.origin, other.appid) != (card.origin, card.appid) or path.samefile(folder.path):
            continue
        theirs = RunFolder(path)
        if other.created <= latest and last_change(theirs, other) >= earliest - LATE_S:
            yield theirs, other


def last_change(folder: RunFolder, card: RunCard) -> float:
    """When a run was last at work, at the latest; a call that was cut off has left no time."""
    if not card.call:
        return float("inf")
    return max(card.updated, ledger_changed(folder))


def ledger_changed(folder: RunFolder) -> float:
    """When the ledger was last written; 0 where there is none."""
    return store.last_written(folder.ledger)
