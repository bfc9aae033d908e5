"""The suppression list of an account at work: who comes onto it by himself, and who comes off it."""

from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from wxpush.config import Account, Directories
from wxpush.delivery.identity import hash64
from wxpush.delivery.suppressions import Entry, Suppressed, Suppressions, is_empty

FOLDER: Final = "suppressions"
#: Codes of people who unfollowed, or refuse the messages.
TROUBLE: Final = frozenset({"43004", "43101"})
NOT_FOLLOWING: Final = "not_following"


def folder_of(directories: Directories, account: Account) -> Path:
    """Where the list of an account lies; nothing is made."""
    return directories.account_path(account.origin, account.appid) / FOLDER


def welcome(folder: Path, openids: Iterable[str], at: float) -> None:
    """Take people off the list who follow, or got a message, at that moment.

    Whom the operator put on it stays on it, and so does who came onto it later. Raises StateError.
    """
    if not is_empty(folder):
        with closing(Suppressions(folder)) as opened:
            bring_up_to_date(opened, [], dict.fromkeys(openids, at))
            opened.tidy()


def note_trouble(folder: Path, openid: str, source: str, at: float, until: float | None) -> None:
    """Put somebody on the list for what was found out about him at that moment; `source` says what.

    Raises StateError.
    """
    put_on(folder, [Entry(openid, "", at, until, source)])


def put_on(folder: Path, entries: Iterable[Entry]) -> None:
    """Put people on the list, those aside whom it wouldn't suppress for longer. Raises StateError."""
    with closing(Suppressions(folder)) as opened:
        bring_up_to_date(opened, entries, {})
        opened.tidy()


def bring_up_to_date(opened: Suppressions, entries: Iterable[Entry], welcomed: Mapping[str, float]) -> None:
    """Put people on the list as `put_on` does, and then take off who was welcomed later, as `welcome` does.

    Raises StateError.
    """
    known = opened.now()
    opened.add([entry for entry in entries if _is_longer(entry, known)])
    known = opened.now()
    opened.welcome({openid: at for openid, at in welcomed.items() if known.comes_off(hash64(openid), at)})


def _is_longer(entry: Entry, known: Suppressed) -> bool:
    # An entry without effect would be written anew at each start.
    if not known.counts(entry):
        return False
    until = known.until(hash64(entry.openid))
    return not until or (entry.until is None and until != float("inf")) or (entry.until or 0.0) > until + 1
