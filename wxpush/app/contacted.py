"""Whom an account wrote to in the last seven days, from the ledgers of all its runs."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wxpush.app.known_runs import all_runs
from wxpush.app.proven import ledger_changed
from wxpush.delivery.contacts import DAYS, Contacts
from wxpush.delivery.identity import hash64
from wxpush.delivery.ledger import Place, review
from wxpush.delivery.records import Mark, Record
from wxpush.delivery.run import RunCard, RunFolder, runs_in
from wxpush.delivery.screen import day_of
from wxpush.errors import WxpushError
from wxpush.i18n import _

if TYPE_CHECKING:
    from wxpush.app.place import Scene
    from wxpush.app.surroundings import Surroundings

_A_DAY: Final = 86_400
_TELL_EVERY: Final = 10_000


def contacted(
    scene: "Scene", around: "Surroundings", tell: Callable[[int], None]
) -> tuple[Contacts, list[str]]:
    """How often each person was written to, and what to say aloud of it; `tell` hears how many messages.

    Messages that were accepted, are held, in doubt or on their way just now count, each once. Runs of
    which nothing was written in the last seven days are passed over.
    """
    people, notes, told = Contacts(), list[str](), count(1)
    first = day_of(around.clock.wall()) - DAYS + 1
    for folder, fault in _runs(scene, around):
        try:
            if fault is not None:
                raise fault
            if _last_written(folder) >= (first - 1) * _A_DAY:
                _read(folder, people, first, lambda: tell(next(told) * _TELL_EVERY))
        except WxpushError as error:
            text = _("limits: the messages of a run that can't be read aren't counted: {reason}")
            notes.append(text.format(reason=error))
    return people, notes


def _runs(scene: "Scene", around: "Surroundings") -> Iterator[tuple[RunFolder, WxpushError | None]]:
    """The runs of the account, wherever they were sent from; with one whose card can't be read its fault."""
    seen: set[Path] = set()
    found: list[tuple[RunFolder, RunCard | WxpushError | None]] = []
    for folder in runs_in(scene.state):
        try:
            found.append((folder, folder.card()))
        except WxpushError as error:
            found.append((folder, error))
    found += [(RunFolder(path), card) for path, card in all_runs(around, Path.cwd()).cards.items()]
    for folder, card in found:
        path = folder.path.resolve()
        if path in seen or card is None:
            continue
        seen.add(path)
        if isinstance(card, WxpushError):
            yield folder, card
        elif (card.origin, card.appid) == (scene.origin, scene.account.appid):
            yield folder, None


def _last_written(folder: RunFolder) -> float:
    """When anything was written to the run: its card is silent about a call that was cut off."""
    card = folder.card()
    return max(ledger_changed(folder), card.updated if card else 0.0)


def _read(folder: RunFolder, people: Contacts, first: int, tell: Callable[[], None]) -> None:
    """Count the messages of one run from the day `first` on; `tell` hears of each 10,000 records."""
    undecided: dict[str, Record] = {}
    records = 0

    def note(to: str, at: float) -> None:
        if (day := day_of(at)) >= first:
            people.note(hash64(to), day)

    def visit(_place: Place, record: Record) -> None:
        nonlocal records
        records += 1
        if not records % _TELL_EVERY:
            tell()
        if record.mark is Mark.ACCEPTED:
            if undecided:
                undecided.pop(record.key, None)
            note(record.to, record.at)
        elif record.mark in (Mark.IN_DOUBT, Mark.HELD):
            undecided[record.key] = record._replace(payload="", fields="")
        elif undecided:
            undecided.pop(record.key, None)

    claims = review(folder.ledger, visit)
    for record in undecided.values():
        note(record.to, record.at)
    for claim in claims:
        note(claim.message.to, claim.made.wall)
