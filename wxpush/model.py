"""The words of the design as frozen data: what is handed from room to room."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple

USER_BLOCK: Final = "failed:user block"
"""The status in the receipt of a person who refuses this account's messages."""


class State(StrEnum):
    """How a message stands. The first five are outcomes; `pending` is everything that is still to do."""

    ACCEPTED = "accepted"
    FAILED = "failed"
    SKIPPED = "skipped"
    HELD = "held"
    IN_DOUBT = "in_doubt"
    PENDING = "pending"


class CodeClass(StrEnum):
    """Whose fault a code is, and so whether trying again can help."""

    TRANSIENT = "transient"
    THROTTLE = "throttle"
    ACCOUNT = "account"
    MESSAGE = "message"
    RECIPIENT = "recipient"
    UNKNOWN = "unknown"


class VerdictKind(StrEnum):
    """What a reply means for the message."""

    ACCEPTED = "accepted"
    AGAIN = "again"
    SLOW_DOWN = "slow_down"
    FAIL = "fail"
    HOLD = "hold"
    STOP = "stop"
    DUPLICATE = "duplicate"
    """The API says that it has this message already; policy decides whose it was (design, rule 5)."""


class Arrival(StrEnum):
    """What is known of a request's way to the API."""

    NEVER_LEFT = "never_left"
    """No byte of it was sent: no connection, no name, no TLS."""
    SILENT = "silent"
    """Sent, but no readable answer: time-out, reset, 5xx, broken JSON. It may have been accepted."""
    BUSY = "busy"
    """Answered `-1 system error`, which leaves open whether it was accepted."""
    ANSWERED = "answered"
    """A definite answer."""


class Verdict(NamedTuple):
    """What one reply means: `kind` for the message, `arrival` for what may have happened.

    `code` is WeChat's errcode as text or one of ours; `detail` is the API's own text, untrusted;
    `wait` is the time in seconds that the server asked for, if it did.
    """

    kind: VerdictKind
    code: str
    cls: CodeClass
    arrival: Arrival
    msgid: int | None = None
    detail: str = ""
    wait: float | None = None
    token_refused: bool = False
    """The access_token was refused, the message itself was not looked at."""
    recipient_last: bool = False
    """This person can't be reached for a while (43117); everybody else goes first."""


class Message(NamedTuple):
    """One rendered payload for one person.

    `payload` is the JSON text of the request body without its client_msg_id; `row` is the position in
    the list (0-based, blank rows not counted), `line` the place that a person can find: the file's line,
    or the row of a sheet; `fields` is the JSON text of the row's own columns. `epoch` counts the fresh
    ids that the message was given after a definite refusal (design, rule 3). `failed_as` is how it failed
    before, of a message that is sent again for that: given back untried, it has failed so still.
    """

    key: str
    to: str
    payload: str
    row: int
    line: int
    fields: str
    epoch: int = 0
    failed_as: Verdict | None = None


class Receipt(NamedTuple):
    """What the channel told of a message's delivery, after it had accepted it.

    `msgid` is 0 where the channel didn't say which message it was; `status` is `success` or why it failed,
    in the channel's words, in lower case and without needless blanks. `at` is when it happened and
    `received` when it was told, in Unix time.
    """

    msgid: int
    to: str
    status: str
    at: int
    received: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a message stands after its last attempt; goes unchanged to ledger, progress and report."""

    key: str
    state: State
    code: str = ""
    cls: CodeClass = CodeClass.UNKNOWN
    msgid: int | None = None
    attempts: int = 0
    detail: str = ""
    at: float = 0.0
    """Unix time in seconds."""


class Severity(StrEnum):
    """Whether a problem keeps a sending from starting."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in a file: place, stable code (`WX101`), what is wrong and how to mend it.

    `line` and `column` count from 1; 0 where the place has none. `detail` are lines that show more of it,
    such as a diff. `cell` is the list's column that a row's problem belongs to, "" for none or several: its
    place in the line is found when the problem is told (RecipientList.placed).
    """

    file: str
    line: int
    column: int
    code: str
    message: str
    hint: str = ""
    severity: Severity = Severity.ERROR
    detail: tuple[str, ...] = ()
    cell: str = ""

    @property
    def place(self) -> str:
        """`file:line:column` as editors and terminals understand it."""
        parts = [self.file]
        if self.line:
            parts.append(str(self.line))
            if self.column:
                parts.append(str(self.column))
        return ":".join(parts)

    @property
    def is_in_file(self) -> bool:
        """Whether the place is in a file, and not in an option of the command line (`--where`) or nowhere."""
        return bool(self.file) and not self.file.startswith("--")

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" + (f" {self.hint}" if self.hint else "")


class Recipient(NamedTuple):
    """One row of the list: `values` by column as the expressions see them.

    `row` is its position (0-based, blank rows not counted), `line` the file's line or the sheet's row.
    `own` are the list's own values where those of another list were added, else None.
    """

    row: int
    line: int
    values: dict[str, Any]
    own: dict[str, Any] | None = None


class Unmatched(NamedTuple):
    """One row of the list for which the list that is joined to it has none."""

    row: int
    line: int
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that can't be read as a recipient (ragged, NUL, broken JSON), with its problems."""

    row: int
    line: int
    problems: tuple[Problem, ...]
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Quota:
    """The account's daily quota of template/send, in messages, as the API reports it."""

    limit: int
    used: int
    remain: int


class Answered(NamedTuple):
    """The verdict on the message that was submitted as `ticket`; `seconds` is how long the call took."""

    ticket: int
    verdict: Verdict
    seconds: float


@dataclass(frozen=True, slots=True)
class QuotaRead:
    """The daily quota as read just now; None where the account can't tell, with the reason in `detail`."""

    quota: Quota | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """The channel can't work for a reason that is no message's: no token to be had, or no network for it.

    A verdict of kind STOP ends the run; AGAIN counts as an unreachable API. `message` and `hint` are
    for people, in the language in force (the IP that WeChat saw, the setting to mend).
    """

    verdict: Verdict
    message: str
    hint: str = ""


Event = Answered | QuotaRead | Trouble


@dataclass(frozen=True, slots=True)
class Finding:
    """What a channel's rules have against one part of a message.

    `where` names the part (`data.thing1`, `to`, `url`), `rule` the rule that a campaign's `checks:` can
    turn to a warning or off (a keyword type such as `thing`, or `openid`). `advice` is a rule that only
    warns of what nothing forbids, unless the campaign makes it an error. `cell` is the list's column that
    it is about, where the rule knows.
    """

    where: str
    rule: str
    code: str
    message: str
    hint: str = ""
    severity: Severity = Severity.ERROR
    advice: bool = False
    cell: str = ""
