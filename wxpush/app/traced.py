"""What is known of a message or person: the events, and what could not be looked at."""

from dataclasses import dataclass, field
from typing import Any, Final

from wxpush.app.doubtful import RECEIPT, SETTLED
from wxpush.app.surroundings import Surroundings
from wxpush.channels.wechat.errcodes import info_of

SKIPPED: Final = "skipped"
SUPPRESSED: Final = "suppressed"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a message; `at` is Unix time, `line` the place in the run's list (0: none).

    `kind` is a state, `claimed`, `released`, `busy`, `unanswered`, `settled_delivered`, `settled_resend`,
    `settled_by_receipt`, `receipt`, `wrong_row` or `listed`: it is in the list, and nothing is known of it.
    Of one that was `skipped`, `code` is the reason, and `detail` says more of that in the language in force;
    `at` is 0 where nobody knows when. `suppressed`: the person is on the suppression list now, from `at` to
    `until` (None: for ever), `code` says what found it out (empty: the operator), `detail` why.
    """

    at: float
    kind: str
    run: str
    account: str
    appid: str
    key: str = ""
    to: str = ""
    line: int = 0
    code: str = ""
    msgid: int | None = None
    attempts: int = 0
    detail: str = ""
    until: float | None = None

    def to_json(self, around: Surroundings) -> dict[str, Any]:
        """It in the JSON of `trace`; the meaning in English."""
        known = info_of(self.code, self.kind).meaning.en if self._has_meaning else None
        return {
            "time": around.at(self.at).isoformat(timespec="seconds") if self.at else None,
            "event": self.kind,
            "run": self.run or None,
            "account": self.account,
            "appid": self.appid,
            "line": self.line or None,
            "key": self.key or None,
            "openid": self.to or None,
            "code": self.code or None,
            "meaning": known,
            "msgid": self.msgid,
            "attempts": self.attempts or None,
            "detail": self.detail or None,
            "until": around.at(self.until).isoformat(timespec="seconds") if self.until is not None else None,
        }

    @property
    def meaning(self) -> str:
        """What its code means, in the language in force; empty where it says nothing new."""
        return str(info_of(self.code, self.kind).meaning) if self._has_meaning else ""

    @property
    def _has_meaning(self) -> bool:
        return self.kind not in (SKIPPED, SUPPRESSED) and self.code not in ("", "0", SETTLED, RECEIPT)


@dataclass(slots=True)
class Trace:
    """What was found, and what could not be looked at, in the language in force."""

    events: list[Event] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    listless: list[str] = field(default_factory=list)
    """Runs that know nothing of it, and whose list could not be looked through."""

    def to_json(self, what: str, around: Surroundings) -> dict[str, Any]:
        """The object that `--json` prints."""
        events = [event.to_json(around) for event in self.events]
        return {"schema": 1, "what": what, "events": events, "remarks": self.remarks}
