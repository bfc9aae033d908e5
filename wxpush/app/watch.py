"""Keeps the suppression list of an account up to date while one of its runs is sent."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Event as Flag
from threading import Lock, Thread
from typing import Final

from wxpush.app.suppressing import NOT_FOLLOWING, TROUBLE, bring_up_to_date
from wxpush.delivery.identity import hash64
from wxpush.delivery.ledger import Place, RecordVisitor, both
from wxpush.delivery.records import Mark, Record
from wxpush.delivery.suppressions import Entry, Suppressed, Suppressions
from wxpush.errors import StateError
from wxpush.i18n import _

#: Another run of the account learns of it this much later. Of a run that is killed, the next start brings in
#: who was in trouble; who came off by a message in that second comes off by his next one.
EVERY_S: Final = 1.0
#: How long the end of a run waits for a list that another process holds.
_PATIENCE_S: Final = 3.0


class Watch:
    """Sees a run's records go by: who can't be written to any more, and who got a message after all.

    What was sent was sent: a list that can't be written is told of, and changes nothing else.
    """

    def __init__(self, folder: Path, auto: float | None) -> None:
        """`auto`: for how many seconds people in trouble are put on the list; None for never."""
        self._folder, self._auto = folder, auto
        self._lock = Lock()
        self._troubled: dict[str, tuple[str, float]] = {}
        self._welcome: dict[str, float] = {}
        self._put_on: set[str] = set()
        self._writing: Thread | None = None
        self._automatic: Suppressed | None = None

    def look_for(self, known: Suppressed) -> None:
        """From now on see who of those that are on the list gets a message."""
        self._automatic = known if known.any_automatic else None

    def beside_earlier(self, visit: RecordVisitor) -> RecordVisitor:
        """`visit`, and the watch shown the same, for records of processes before this one."""
        return visit if self._auto is None else both(visit, self._note_earlier)

    def beside(self, visit: RecordVisitor | None) -> RecordVisitor | None:
        """The same for records of this process; None where nobody looks."""
        if not self._looks:
            return visit
        return self._note if visit is None else both(visit, self._note)

    @contextmanager
    def keeping_up(self, wall: Callable[[], float]) -> Iterator[None]:
        """Bring the list up to date every second while the context lasts, on a thread: no message waits.

        What can't be written then is left for `settle`; nobody waits for a list that another process holds.
        """
        if not self._looks:
            yield
            return
        over = Flag()
        thread = Thread(target=self._keep_up, args=(over, wall), name="wxpush-suppressing", daemon=True)
        thread.start()
        self._writing = thread
        try:
            yield
        finally:
            over.set()
            thread.join(_PATIENCE_S)

    def settle(self, now: float) -> list[str]:
        """Bring the list up to date with what was seen so far; returns what to say of it."""
        if self._writing is not None and self._writing.is_alive():
            return [_("The suppression list is not up to date: {reason}").format(reason=_held())]
        try:
            if self._anything:
                with closing(Suppressions(self._folder)) as opened:
                    self._write(opened, now)
        except StateError as error:
            return [_("The suppression list is not up to date: {reason}").format(reason=error)]
        return []

    def settle_followers(self, gone: Sequence[str], back: Sequence[str], now: float) -> list[str]:
        """The same with who doesn't follow, and who follows although the list says otherwise."""
        with self._lock:
            if self._auto is not None:  # in whole seconds, as the moments of records are
                self._troubled |= dict.fromkeys(gone, (NOT_FOLLOWING, math.floor(now)))
            self._welcome |= dict.fromkeys(back, now)
        return self.settle(now)

    @property
    def _looks(self) -> bool:
        return self._auto is not None or self._automatic is not None

    @property
    def _anything(self) -> bool:
        return bool(self._troubled or self._welcome)

    def _note_earlier(self, _place: Place, record: Record) -> None:
        if record.mark is Mark.ACCEPTED:
            if self._troubled or self._put_on:
                self._note_success(record)
        elif record.mark is Mark.FAILED and record.code in TROUBLE:
            with self._lock:
                self._troubled[record.to] = record.code, record.at
                self._welcome.pop(record.to, None)

    def _note_success(self, record: Record) -> None:
        with self._lock:
            self._troubled.pop(record.to, None)
            if record.to in self._put_on:
                self._welcome[record.to] = record.at

    def _note(self, place: Place, record: Record) -> None:
        self._note_earlier(place, record)
        known = self._automatic
        if known is not None and record.mark is Mark.ACCEPTED and known.is_automatic(hash64(record.to)):
            with self._lock:
                self._welcome[record.to] = record.at

    def _keep_up(self, over: Flag, wall: Callable[[], float]) -> None:
        opened: Suppressions | None = None
        try:
            while not over.wait(EVERY_S):
                with suppress(StateError):  # the next look tries again, and at last `settle`, which tells
                    if self._anything:
                        opened = opened or Suppressions(self._folder)
                        self._write(opened, wall())
        finally:
            if opened is not None:
                opened.close()

    def _write(self, opened: Suppressions, now: float) -> None:
        """Bring the list up to date; what can't be written goes on waiting. Raises StateError."""
        with self._lock:
            troubled, welcomed = self._troubled, self._welcome
            self._put_on |= troubled.keys()  # before they are taken: `_note_earlier` looks without the lock
            self._troubled, self._welcome = {}, {}
        try:
            bring_up_to_date(opened, self._entries(troubled, now), welcomed)
        except BaseException:
            with self._lock:
                self._troubled = troubled | self._troubled
                self._welcome = welcomed | self._welcome
            raise

    def _entries(self, troubled: Mapping[str, tuple[str, float]], now: float) -> list[Entry]:
        if self._auto is None:
            return []
        return [
            Entry(openid, "", at, at + self._auto, code)
            for openid, (code, at) in troubled.items()
            if at + self._auto > now
        ]


def _held() -> str:
    return _("another process holds it. The next start of this run brings it up to date.")
