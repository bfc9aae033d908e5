"""Whether what is kept of runs and accounts is whole: looked over by reading alone, in a bounded time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from wxpush.app.known_runs import all_runs
from wxpush.app.suppressing import FOLDER as SUPPRESSIONS
from wxpush.app.surroundings import Surroundings
from wxpush.channels.wechat import token_store
from wxpush.config.directories import ACCOUNTS, RECEIPTS, TRIALS
from wxpush.delivery import journal, ledger, store
from wxpush.delivery.run import RunCard, refuse_older_ledger
from wxpush.errors import DamagedStateError, WxpushError
from wxpush.i18n import _
from wxpush.model import State

Enough = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with something that is kept, where, and what to do about it.

    `is_harmless`: it is made anew by itself.
    """

    text: str
    remedy: str
    is_harmless: bool = False


@dataclass(slots=True)
class Soundness:
    """What was found: how many are whole, and of how many the time didn't suffice to say so."""

    whole: int = 0
    unseen: int = 0
    faults: list[Fault] = field(default_factory=list)

    def look(self, told: str, remedy: str, over: Callable[[], bool]) -> None:
        """Take in what `over` finds of one that `told` names; `remedy` is for one that is damaged."""
        try:
            whole = over()
        except DamagedStateError as error:
            self.faults.append(Fault(_told(told, error), remedy or error.hint))
        except WxpushError as error:
            self.faults.append(Fault(_told(told, error), error.hint))
        else:
            self.whole += whole
            self.unseen += not whole


def of_runs(around: Surroundings, here: Path, enough: Enough) -> Soundness:
    """The ledgers of all runs that this user has, the latest first."""
    known, found = all_runs(around, here), Soundness()
    found.faults += [Fault(str(error), error.hint) for error in known.faults]
    for folder in known.folders:
        card = known.cards[folder.path]
        told = _("run {name} in {path}").format(name=card.name, path=folder.path)
        remedy = _("Restore the folder from a backup: only the ledger knows who got the message.")
        found.look(told, remedy, _of_ledger(folder.ledger, card, enough))
    return found


def of_accounts(state: Path, enough: Enough) -> Soundness:
    """What is kept of each account: its token, its suppression list, its receipts, its test messages."""
    found = Soundness()
    for folder in _accounts(state):
        if (folder / token_store.FILE).exists():
            _look_at_token(folder, found)
        for name, told, remedy in _logs():
            if store.exists(folder / name):
                found.look(told.format(path=folder / name), remedy, _of_journal(folder / name, enough))
    return found


def _of_ledger(folder: Path, card: RunCard, enough: Enough) -> Callable[[], bool]:
    def look() -> bool:
        return ledger.look_over(folder, card.id, enough) and _has_all(folder, card, enough)

    return look


def _has_all(folder: Path, card: RunCard, enough: Enough) -> bool:
    """See that nothing is gone from the ledger's end, where it is sound by itself: the card has the count."""
    accepted = 0
    for _place, record in ledger.records(folder):
        if enough():
            return False
        accepted += record.mark.state is State.ACCEPTED
    refuse_older_ledger(card, accepted, folder)
    return True


def _of_journal(folder: Path, enough: Enough) -> Callable[[], bool]:
    return lambda: journal.look_over(folder, enough)


def _look_at_token(folder: Path, found: Soundness) -> None:
    told = _("cached token in {path}").format(path=folder / token_store.FILE)
    try:
        whole = token_store.look_over(folder)
    except WxpushError as error:
        found.faults.append(Fault(_told(told, error), error.hint))
        return
    found.whole += whole
    if not whole:
        text = _("{what}: it isn't what wxpush wrote.").format(what=told)
        remedy = _("Nothing is lost: the next command that needs a token gets another one.")
        found.faults.append(Fault(text, remedy, is_harmless=True))


def _logs() -> Iterator[tuple[str, str, str]]:
    """The logs of an account: folder, what it is, and what to do where it is damaged."""
    yield (
        SUPPRESSIONS,
        _("suppression list in {path}"),
        _("Restore the folder from a backup, or move it away and import the list again."),
    )
    yield (
        RECEIPTS,
        _("receipts in {path}"),
        _("Move the folder away; import the receipts again where you have them."),
    )
    yield (
        TRIALS,
        _("test messages noted in {path}"),
        _("Restore the folder from a backup, or move it away."),
    )


def _accounts(state: Path) -> list[Path]:
    try:
        return sorted(path for path in (state / ACCOUNTS).iterdir() if path.is_dir())
    except OSError:
        return []


def _told(what: str, error: WxpushError) -> str:
    return _("{what}: {reason}").format(what=what, reason=" ".join(str(error).split()))
