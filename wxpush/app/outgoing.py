"""The stream of messages that the engine draws from, and the count of everything that isn't sent."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from wxpush.app.codes import first_words
from wxpush.app.selection import Known, Passed, Selection, ToSend, Wrong
from wxpush.campaign.check import fields_text
from wxpush.delivery.clock import Clock
from wxpush.delivery.ledger import Ledger
from wxpush.delivery.records import Invalid
from wxpush.model import Message

_BREATHE_EVERY: Final = 500


class Outgoing:
    """Yields the messages of a selection, up to `limit`; wrong rows go to the ledger as such.

    While many rows in a row need nothing, it yields None now and then, so that the engine can look after
    what is on its way.
    """

    def __init__(self, selection: Selection, ledger: Ledger, clock: Clock, limit: int | None) -> None:
        self._selection, self._ledger, self._clock = selection, ledger, clock
        self._limit = limit
        self.rows = 0
        self.is_through = False
        """Whether the whole list has been gone through."""
        self.skips: Counter[str] = Counter()
        self.changed: list[int] = []

    def __iter__(self) -> Iterator[Message | None]:
        sent = quiet = 0
        if self._limit == 0:
            return
        for decision in self._selection:
            self.rows += 1
            quiet += 1
            match decision:
                case ToSend(message):
                    sent, quiet = sent + 1, 0
                    yield message
                    if sent == self._limit:
                        return
                case Passed(reason):
                    self.skips[reason] += 1
                case Known(_, line, True):
                    self.changed.append(line)
                case Wrong(_, _, is_known) if not is_known:
                    self._ledger.note_invalid(self._invalid(decision))
                case _:
                    pass
            if quiet >= _BREATHE_EVERY:
                quiet = 0
                yield None
        self.is_through = True

    def count_rest(self) -> None:
        """Count the rows that were not reached, so that the numbers add up."""
        self.rows += self._selection.count_rest()

    def _invalid(self, wrong: Wrong) -> Invalid:
        bad = wrong.bad
        rendering = bad.problems and bad.problems[0].code.startswith("WX4")
        return Invalid(
            bad.row,
            bad.line,
            "render" if rendering else "invalid",
            first_words(problem.message for problem in bad.problems),
            fields_text(bad.values),
            self._clock.wall(),
        )
