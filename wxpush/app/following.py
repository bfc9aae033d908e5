"""Finds out before a sending who of those that would get a message doesn't follow the account."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from wxpush.app.results import Survey
from wxpush.app.screening import Screening
from wxpush.app.selection import Decision, Screened, Selection, ToSend
from wxpush.app.verdicts import Recount
from wxpush.channels.wechat.following import asked
from wxpush.delivery.hashed import Hashed
from wxpush.delivery.identity import hash64
from wxpush.errors import StoppedError
from wxpush.i18n import _
from wxpush.model import Message

_FOREIGN: Final = "40003"
_REFUSED: Final = frozenset({"48001", "45009", "40013"})

Ask = Callable[[Sequence[str]], Mapping[str, bool]]


class FollowerCheck:
    """One pass over the list that asks about everybody in it who would be sent to; call `run` once."""

    def __init__(
        self, selection: Selection, screening: Screening, survey: Survey | None, *, limit: int | None
    ) -> None:
        """`limit`: nobody is asked about any more when so many follow."""
        self._selection, self._screening, self._survey = selection, screening, survey
        self._recount = Recount(survey.verdicts if survey else None)
        self._limit = limit
        self._decisions: Iterator[Decision] = iter(())
        self._exhausted = False
        self._waiting: dict[str, list[Message]] = {}
        """Whose answer is on its way, with the messages that wait for it."""
        self._asked = Hashed()
        self._found = 0
        self.gone: list[str] = []
        """Who doesn't follow."""
        self.back: list[str] = []
        """Who follows although the suppression list says otherwise."""

    def run(self, ask: Ask, tell: Callable[[int], None], *, skip_foreign: bool) -> Survey | None:
        """The survey as it is now. `tell` hears how many people were asked about.

        Raises StoppedError where WeChat doesn't answer, or for an openid of another account.
        """
        self._screening.asks_unfollowed = True
        self._decisions, count = iter(self._selection), 0
        try:
            while not self._exhausted and not self._enough():
                for people, answer in asked(self._people(), ask):
                    self._take(people, answer, skip_foreign=skip_foreign)
                    count += len(people)
                    tell(count)
        except StoppedError as error:
            raise _explained(error) from None
        finally:
            self._screening.asks_unfollowed = False
        return self._recounted()

    def _people(self) -> Iterator[str]:
        """Everybody who is to be asked about, once, as long as there aren't enough."""
        while not self._enough():
            decision = next(self._decisions, None)
            if decision is None:
                self._exhausted = True
                return
            if isinstance(decision, Screened):
                self._recount.judge(decision.message.row, decision.reason)
            elif isinstance(decision, ToSend):
                message = decision.message
                if message.to in self._waiting:
                    self._waiting[message.to].append(message)
                elif self._asked.get(hash64(message.to)):
                    self._let_go(message)
                else:
                    self._waiting[message.to] = [message]
                    yield message.to

    def _enough(self) -> bool:
        return self._limit is not None and self._found + len(self._waiting) >= self._limit

    def _take(self, people: Sequence[str], answer: Mapping[str, bool], *, skip_foreign: bool) -> None:
        for openid in people:
            messages, follows = self._waiting.pop(openid), answer.get(openid)
            if follows is None and not skip_foreign:
                raise _foreign(openid, messages[0].line)
            self._asked.put(hash64(openid), 1)
            if follows is False:
                self.gone.append(openid)
                reason = self._screening.note_gone(openid)
                for message in messages:
                    self._recount.judge(message.row, reason)
                continue
            if follows and self._screening.suppressed.is_unfollowed(hash64(openid)):
                self.back.append(openid)
                self._screening.note_back(openid)
            for message in messages:
                self._let_go(message)

    def _let_go(self, message: Message) -> None:
        self._found += 1
        self._recount.judge(message.row, None)

    def _recounted(self) -> Survey | None:
        survey = self._survey
        if survey is None:
            return None
        left_out = self._recount.moved.total()
        return replace(
            survey, skips=self._recount.skips_after(survey.skips), to_send=survey.to_send - left_out
        )


def _foreign(openid: str, line: int) -> StoppedError:
    message = _("line {line}: {openid} is not an openid of this account; nothing was sent.")
    hint = _("Is it the list of this account? Remove the row, or pass --skip-invalid to send to the others.")
    return StoppedError(message.format(line=line, openid=openid), hint, code=_FOREIGN)


def _explained(error: StoppedError) -> StoppedError:
    """What the campaign asked for can be left out, where the account can't do it."""
    if error.code not in _REFUSED:
        return error
    hint = _("Or take check_followers out of the campaign: people who don't follow then fail with 43004.")
    return StoppedError(str(error), f"{error.hint} {hint}".strip(), code=error.code)
