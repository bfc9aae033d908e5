"""Whom an account wrote to in the last days, from the ledgers of all its runs."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wxpush.app.known_runs import all_runs
from wxpush.app.proven import ledger_changed
from wxpush.delivery.contacts import Contacts
from wxpush.delivery.identity import hash64
from wxpush.delivery.ledger import review_touches
from wxpush.delivery.records import Mark, Record, Touch
from wxpush.delivery.run import RunCard, RunFolder, runs_in
from wxpush.delivery.screen import A_DAY, day_of, start_of
from wxpush.errors import WxpushError
from wxpush.i18n import _

if TYPE_CHECKING:
    from wxpush.app.place import Scene
    from wxpush.app.surroundings import Surroundings

#: The time of a file can be of another clock than that of its records.
_CLOCKS_S: Final = 3_600
_TELL_EVERY: Final = 10_000


def contacted(
    scene: "Scene", around: "Surroundings", days: int, tell: Callable[[int], None]
) -> tuple[Contacts, list[str]]:
    """How often each person was written to, and what to say aloud of it; `tell` hears how many messages.

    Messages that were accepted, are held, in doubt or on their way just now count, each once. Runs of
    which nothing was written in the last so many `days` are passed over.
    """
    people, notes, seen = Contacts(), list[str](), 0
    first = day_of(around.clock.wall()) - days + 1

    def count(messages: int) -> None:
        nonlocal seen
        seen += messages
        if seen // _TELL_EVERY > (seen - messages) // _TELL_EVERY:
            tell(seen)

    for folder, fault in _runs(scene, around):
        try:
            if fault is not None:
                raise fault
            if _last_written(folder) >= start_of(first) - _CLOCKS_S:
                _read(folder, people, first, count)
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


def _read(folder: RunFolder, people: Contacts, first: int, tell: Callable[[int], None]) -> None:
    """Count the messages of one run from the day `first` on; `tell` hears how many of each block."""
    undecided: dict[str, Record] = {}
    begin = start_of(first)

    def note(to: str, at: float) -> None:
        if at >= begin:
            people.note(hash64(to), day_of(at))

    def visit(touches: Sequence[Touch | Record]) -> None:
        tell(len(touches))
        for one in touches:
            if isinstance(one, Record):
                _decide(one, undecided, note)
                continue
            key, to, at = one
            if undecided:
                undecided.pop(key, None)
            if at >= begin:
                people.note(hash64(to), first + (at - begin) // A_DAY)

    claims = review_touches(folder.ledger, visit)
    for record in undecided.values():
        note(record.to, record.at)
    for claim in claims:
        note(claim.message.to, claim.made.wall)


def _decide(record: Record, undecided: dict[str, Record], note: Callable[[str, float], None]) -> None:
    undecided.pop(record.key, None)
    if record.mark is Mark.ACCEPTED:
        note(record.to, record.at)
    elif record.mark in (Mark.IN_DOUBT, Mark.HELD):
        undecided[record.key] = record._replace(payload="", fields="")
