"""The stream of messages that the engine draws from, and the count of everything that isn't sent."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from wxpush.app.codes import first_words
from wxpush.app.results import Survey
from wxpush.app.screening import Screening
from wxpush.app.selection import Decision, Known, Passed, Screened, Selection, ToSend, Wrong
from wxpush.app.verdicts import Recount, Verdicts
from wxpush.campaign.check import fields_text
from wxpush.campaign.expiry import Expiry
from wxpush.clock import Clock
from wxpush.delivery.ledger import Ledger
from wxpush.delivery.leftout import LeftOut
from wxpush.delivery.records import Invalid
from wxpush.delivery.screen import Reason
from wxpush.errors import ProblemsError
from wxpush.fastjson import loads
from wxpush.model import Message
from wxpush.report.skips import SkipLog

_BREATHE_EVERY: Final = 500
_LOOK_EVERY_S: Final = 5.0

TellSkip = Callable[[int, str, Message | None], None]
LookAgain = Callable[[], Screening | None]


class Outgoing:
    """Yields the messages of a selection, up to `limit`; wrong rows go to the ledger as such.

    While many rows in a row need nothing, it yields None now and then, so that the engine can look after
    what is on its way.
    """

    def __init__(
        self,
        selection: Selection,
        ledger: Ledger,
        clock: Clock,
        limit: int | None,
        checked: Survey | None = None,
        log: SkipLog | None = None,
        look_again: LookAgain | None = None,
        left_out: LeftOut | None = None,
        tell: TellSkip | None = None,
    ) -> None:
        """`checked` is what a check of the same list has found, where there was one; `log` notes skips with
        their rows, `left_out` their reasons, `tell` hears of each.

        `look_again` is asked every few seconds for a screening that knows more than the one so far.
        """
        self._log, self._left_out, self._tell = log, left_out, tell
        self._look_again, self._looked_at = look_again, clock.monotonic()
        self._selection, self._ledger, self._clock = selection, ledger, clock
        self._limit = limit
        self._checked = checked
        self._recount = Recount(checked.verdicts) if checked and checked.verdicts is not None else None
        self.rows = 0
        self._skips: Counter[str] = Counter()
        self.changed: list[int] = []
        self.fault: ProblemsError | None = None
        """Why the rest of the list can't be read, found only on the way (--no-preflight)."""

    @property
    def skips(self) -> dict[str, int]:
        """Skips by reason: of rows that were reached as it came, of the others as the check has it."""
        if self._checked is None:
            return dict(self._skips)
        return self._recount.skips_after(self._checked.skips) if self._recount else dict(self._checked.skips)

    def __iter__(self) -> Iterator[Message | None]:
        try:
            yield from self._messages()
        except ProblemsError as error:
            self.fault = error

    def _messages(self) -> Iterator[Message | None]:
        sent = quiet = 0
        for decision in self._selection:
            self.rows += 1
            if self._look_again is not None and self._clock.monotonic() >= self._looked_at + _LOOK_EVERY_S:
                self._renew(self._look_again)
            if isinstance(decision, ToSend):
                sent, quiet = sent + 1, 0
                if self._recount is not None:
                    self._recount.judge(decision.message.row, None)
                if self._left_out is not None:
                    self._left_out.forget(decision.message.line)
                yield decision.message
                if sent == self._limit:
                    return
                continue
            self._count(decision)
            quiet += 1
            if quiet >= _BREATHE_EVERY:
                quiet = 0
                yield None

    def _renew(self, look_again: LookAgain) -> None:
        """Let who was suppressed meanwhile get nothing from the next row on."""
        self._looked_at = self._clock.monotonic()
        if (fresh := look_again()) is not None:
            self._selection.screen_with(fresh)
            if self._recount is None and self._checked is not None:
                self._recount = Recount(Verdicts())

    def still_wanted(self, message: Message, expiry: Expiry) -> bool:
        """Whether a message that was let go, and then had to wait, isn't too late by now."""
        if not expiry.is_past(message.fields, self._clock.wall()):
            return True
        if message.failed_as is None:
            self._screened(message, Reason.EXPIRED)
        return False

    def count_rest(self) -> None:
        """Count the rows that were not reached, so that the numbers add up."""
        if self.fault is not None:
            return  # the rest can't be read
        try:
            for decision in self._selection.leftovers():
                self.rows += 1
                if decision is not None:
                    self._count(decision)
        except ProblemsError as error:
            self.fault = error

    def _count(self, decision: Decision) -> None:
        match decision:
            case Passed(reason, line, values):
                self._skips[reason] += 1
                if self._left_out is not None:
                    self._left_out.note(line, reason)
                if self._tell is not None:
                    self._tell(line, reason, None)
                if self._log is not None:
                    self._log.note(line, reason, values)
            case Screened(reason, message):
                self._screened(message, reason)
            case Known(_, line, True):
                self.changed.append(line)
            case Wrong(_, _, is_known) if not is_known:
                self._ledger.note_invalid(self._invalid(decision))
            case _:
                pass

    def _screened(self, message: Message, reason: Reason) -> None:
        self._skips[reason.value] += 1
        if self._recount is not None:
            self._recount.judge(message.row, reason)
        if self._left_out is not None:
            self._left_out.note(message.line, reason.value)
        if self._tell is not None:
            self._tell(message.line, reason.value, message)
        if self._log is not None:
            self._log.note(message.line, reason.value, loads(message.fields))

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
