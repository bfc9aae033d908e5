"""Which runs the receipts of an import are of, by the join that the figures of a run go by."""

from collections.abc import Callable, Set
from contextlib import suppress
from pathlib import Path

from wxpush.app.delivered import accepted, joined, named
from wxpush.app.known_runs import all_runs
from wxpush.app.proven import last_change
from wxpush.app.surroundings import Surroundings
from wxpush.config import Account
from wxpush.delivery.fates import Fate, Fates
from wxpush.delivery.identity import hash64
from wxpush.delivery.nearest import EARLY_S, LATE_S
from wxpush.delivery.receipts import receipts
from wxpush.delivery.run import RunCard, RunFolder
from wxpush.errors import StateError


def count_by_run(imported: Fates, log: Path, account: Account, around: Surroundings) -> dict[str, int]:
    """How many messages of which run of the account the receipts are of, the latest run first.

    `log` is where they are kept with all others by now. A run that can't be read has none. Raises
    DamagedStateError.
    """
    runs = {
        path: card
        for path, card in all_runs(around, Path.cwd()).cards.items()
        if (card.origin, card.appid) == (account.origin, account.appid)
    }
    counts = dict.fromkeys((card.name for card in runs.values()), 0)
    for path, card in runs.items():
        counts[card.name] += _named(path, imported)
    people = imported.people_left() if sum(counts.values()) < imported.count else set()
    told = {(one.who, one.fate) for one in imported.unowned(people)} if people else set()
    if told:
        read, span = _reader(log, people), imported.span()
        for path, card in runs.items():
            if _is_of_then(path, card, span):
                counts[card.name] += _unnamed(path, card, around, imported, told, read)
    return {run: count for run, count in counts.items() if count}


def _is_of_then(path: Path, card: RunCard, span: tuple[int, int]) -> bool:
    """Whether receipts of this time that don't name the run's messages can be of it."""
    earliest, latest = span
    return card.created <= latest + EARLY_S and last_change(RunFolder(path), card) >= earliest - LATE_S


def _named(path: Path, imported: Fates) -> int:
    """How many messages of a run the receipts name; they are taken out of `imported`."""
    count = 0
    with suppress(StateError):  # its faults are told where it is looked at itself
        for record in accepted(RunFolder(path)):
            if record.msgid and named(record, imported) is not None:
                imported.take(record.msgid)
                count += 1
    return count


def _unnamed(
    path: Path,
    card: RunCard,
    around: Surroundings,
    imported: Fates,
    told: Set[tuple[int, Fate]],
    read: Callable[[], Fates],
) -> int:
    """How many messages of a run have a receipt by person and time, or as the only one it can be of."""
    count = 0
    with suppress(StateError):
        for record, receipt in joined(RunFolder(path), card, around, read):
            if receipt is not None and named(record, imported) is None:
                count += (hash64(record.to), Fate(receipt.status, receipt.at)) in told
    return count


def _reader(log: Path, people: Set[int]) -> Callable[[], Fates]:
    """What reads the receipts of these people from the log."""
    return lambda: Fates(one for one in receipts(log) if hash64(one.to) in people)
