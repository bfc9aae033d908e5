"""The suppression list of an account at work: who comes onto it by himself, and who comes off it."""

from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from wxpush.config import Account, Directories
from wxpush.delivery.identity import hash64
from wxpush.delivery.ledger import Place
from wxpush.delivery.records import Mark, Record
from wxpush.delivery.suppressions import Entry, Suppressed, Suppressions, is_empty, suppressed
from wxpush.errors import StateError
from wxpush.i18n import _

FOLDER: Final = "suppressions"
#: Codes of people who unfollowed, or refuse the messages.
TROUBLE: Final = frozenset({"43004", "43101"})
NOT_FOLLOWING: Final = "not_following"


def folder_of(directories: Directories, account: Account) -> Path:
    """Where the list of an account lies; nothing is made."""
    return directories.account_path(account.origin, account.appid) / FOLDER


def known_suppressed(folder: Path) -> Suppressed:
    """What the list in `folder` comes to; empty where there is none. Raises DamagedStateError."""
    return Suppressed() if is_empty(folder) else suppressed(folder)


def welcome(folder: Path, openids: Iterable[str], at: float) -> int:
    """Take people off the list who follow, or got a message, at that moment; returns how many came off.

    Whom the operator put on it stays on it, and so does who came onto it later. Raises StateError.
    """
    if is_empty(folder):
        return 0
    with closing(Suppressions(folder)) as opened:
        known = opened.now()
        off = [openid for openid in dict.fromkeys(openids) if known.comes_off(hash64(openid), at)]
        opened.remove(off, at, automatic=True)
    return len(off)


def note_trouble(folder: Path, openid: str, source: str, at: float, until: float | None) -> None:
    """Put somebody on the list for what was found out about him at that moment; `source` says what.

    Raises StateError.
    """
    put_on(folder, [Entry(openid, "", at, until, source)])


def put_on(folder: Path, entries: Iterable[Entry]) -> int:
    """Put people on the list, those aside whom it wouldn't suppress for longer; returns how many were put.

    Raises StateError.
    """
    with closing(Suppressions(folder)) as opened:
        known = opened.now()
        new = [entry for entry in entries if _is_longer(entry, known)]
        opened.add(new)
    return len(new)


def _is_longer(entry: Entry, known: Suppressed) -> bool:
    # An entry without effect would be written anew at each start.
    if not known.counts(entry):
        return False
    until = known.until(hash64(entry.openid))
    return not until or (entry.until is None and until != float("inf")) or (entry.until or 0.0) > until + 1


def not_up_to_date(error: StateError) -> str:
    """What to say of a list that can't be written; what was sent was sent."""
    return _("The suppression list is not up to date: {reason}").format(reason=error)


class Watch:
    """Sees a run's records go by: who can't be written to any more, and who got a message after all."""

    def __init__(self, folder: Path, auto: float | None) -> None:
        """`auto`: for how many seconds people in trouble are put on the list; None for never."""
        self._folder, self._auto = folder, auto
        self._troubled: dict[str, tuple[str, float]] = {}
        self._welcome: list[str] = []
        self._automatic: Suppressed | None = None

    def note_earlier(self, _place: Place, record: Record) -> None:
        """Take in a record of a process before this one."""
        if record.mark is Mark.ACCEPTED:
            if self._troubled:
                self._troubled.pop(record.to, None)
        elif record.mark is Mark.FAILED and record.code in TROUBLE:
            self._troubled[record.to] = record.code, record.at

    def note(self, place: Place, record: Record) -> None:
        """Take in a record of this process."""
        self.note_earlier(place, record)
        known = self._automatic
        if known is not None and record.mark is Mark.ACCEPTED and known.is_automatic(hash64(record.to)):
            self._welcome.append(record.to)

    def look_for(self, known: Suppressed) -> None:
        """From now on see who of those that are on the list gets a message."""
        self._automatic = known if known.any_automatic else None

    @property
    def sees_anything(self) -> bool:
        """Whether records have anything to tell it."""
        return self._auto is not None or self._automatic is not None

    def settle(self, now: float) -> None:
        """Bring the list up to date with what was seen so far. Raises StateError."""
        troubled, welcomed = self._troubled, self._welcome
        self._troubled, self._welcome = {}, []
        if entries := self._entries(troubled, now):
            put_on(self._folder, entries)
        if welcomed:
            welcome(self._folder, welcomed, now)

    def _entries(self, troubled: Mapping[str, tuple[str, float]], now: float) -> list[Entry]:
        if self._auto is None:
            return []
        return [
            Entry(openid, "", at, at + self._auto, code)
            for openid, (code, at) in troubled.items()
            if at + self._auto > now
        ]
