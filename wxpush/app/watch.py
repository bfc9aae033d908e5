"""Keeps the suppression list of an account up to date while one of its runs is sent."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from wxpush.app.suppressing import NOT_FOLLOWING, TROUBLE, put_on, welcome
from wxpush.delivery.identity import hash64
from wxpush.delivery.ledger import Place, RecordVisitor, both
from wxpush.delivery.records import Mark, Record
from wxpush.delivery.suppressions import Entry, Suppressed
from wxpush.errors import StateError
from wxpush.i18n import _


class Watch:
    """Sees a run's records go by: who can't be written to any more, and who got a message after all.

    What was sent was sent: a list that can't be written is told of, and changes nothing else.
    """

    def __init__(self, folder: Path, auto: float | None) -> None:
        """`auto`: for how many seconds people in trouble are put on the list; None for never."""
        self._folder, self._auto = folder, auto
        self._troubled: dict[str, tuple[str, float]] = {}
        self._welcome: list[str] = []
        self._automatic: Suppressed | None = None

    def look_for(self, known: Suppressed) -> None:
        """From now on see who of those that are on the list gets a message."""
        self._automatic = known if known.any_automatic else None

    def beside_earlier(self, visit: RecordVisitor) -> RecordVisitor:
        """`visit`, and the watch shown the same, for records of processes before this one."""
        return visit if self._auto is None else both(visit, self._note_earlier)

    def beside(self, visit: RecordVisitor | None) -> RecordVisitor | None:
        """The same for records of this process; None where nobody looks."""
        if self._auto is None and self._automatic is None:
            return visit
        return self._note if visit is None else both(visit, self._note)

    def settle(self, now: float) -> list[str]:
        """Bring the list up to date with what was seen so far; returns what to say of it."""
        troubled, welcomed = self._troubled, self._welcome
        self._troubled, self._welcome = {}, []
        return self._write(self._entries(troubled, now), welcomed, now)

    def settle_followers(self, gone: Sequence[str], back: Sequence[str], now: float) -> list[str]:
        """The same with who doesn't follow, and who follows although the list says otherwise."""
        entries = []
        if self._auto is not None:
            entries = [Entry(openid, "", now, now + self._auto, NOT_FOLLOWING) for openid in gone]
        return self._write(entries, back, now)

    def _note_earlier(self, _place: Place, record: Record) -> None:
        if record.mark is Mark.ACCEPTED:
            if self._troubled:
                self._troubled.pop(record.to, None)
        elif record.mark is Mark.FAILED and record.code in TROUBLE:
            self._troubled[record.to] = record.code, record.at

    def _note(self, place: Place, record: Record) -> None:
        self._note_earlier(place, record)
        known = self._automatic
        if known is not None and record.mark is Mark.ACCEPTED and known.is_automatic(hash64(record.to)):
            self._welcome.append(record.to)

    def _entries(self, troubled: Mapping[str, tuple[str, float]], now: float) -> list[Entry]:
        if self._auto is None:
            return []
        return [
            Entry(openid, "", at, at + self._auto, code)
            for openid, (code, at) in troubled.items()
            if at + self._auto > now
        ]

    def _write(self, entries: Sequence[Entry], welcomed: Sequence[str], now: float) -> list[str]:
        try:
            if entries:
                put_on(self._folder, entries)
            if welcomed:
                welcome(self._folder, welcomed, now)
        except StateError as error:
            return [_("The suppression list is not up to date: {reason}").format(reason=error)]
        return []
