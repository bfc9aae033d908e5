"""What follows from a verdict: pure functions of what is known, with chance passed in."""

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import Final

from wxpush.model import Arrival, CodeClass, State, Verdict, VerdictKind

#: WeChat keeps client_msg_id for 10 minutes; two of them are left for a slow call and a skewed clock.
DEDUPE_WINDOW_S: Final = 480.0
#: 40241 speaks of messages within 60 seconds.
DUPLICATE_WAIT_S: Final = 61.0
DUPLICATE_TRIES: Final = 2
#: A code on this many of the first answers is the account's or the template's, not the people's.
SAME_FAULT: Final = 18
FIRST_ANSWERS: Final = 20


#: Refusals that may have arisen since an unclear attempt that was accepted. A wrong message is wrong at every
#: attempt, and people don't unfollow in the seconds between two of them; in minutes they may.
_MAY_HAVE_ARISEN: Final = frozenset({CodeClass.UNKNOWN, CodeClass.ACCOUNT, CodeClass.THROTTLE})
_SECONDS_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class RetryRules:
    """How often and how late to try again; seconds. `attempts` counts definite transient refusals."""

    attempts: int = 4
    base: float = 0.5
    cap: float = 30.0


@dataclass(frozen=True, slots=True)
class History:
    """What earlier attempts of one message met, the answer that is being judged included in `attempts`.

    `age` is seconds since the claim, `refusals` counts definite transient refusals (`refused`: any definite
    one that looked at the message), `repeats` how often a 40241 was answered with a fresh id, `deferred`
    whether the message can't be put last (again). `orphan`: it was claimed by a process that was killed, and
    what its last attempt there met, if there was one, is lost.
    """

    attempts: int = 1
    refusals: int = 0
    repeats: int = 0
    unanswered: bool = False
    busy: bool = False
    orphan: bool = False
    refused: bool = False
    deferred: bool = False
    age: float = 0.0

    @property
    def ambiguous(self) -> bool:
        """Whether an earlier attempt may have been accepted."""
        return self.unanswered or self.busy or self.orphan


class Next(Enum):
    """What to do with a message."""

    DONE = "done"
    AGAIN = "again"
    LAST = "last"
    """Again, when everybody else has had his turn."""
    PUT_BACK = "put_back"
    """Not this message's matter: pending, as if it had not been tried."""


@dataclass(frozen=True, slots=True)
class Step:
    """The decision. `state` is set for DONE; `delay` in seconds and `epoch_up` for AGAIN."""

    next: Next
    state: State | None = None
    delay: float = 0.0
    epoch_up: bool = False


def decide(verdict: Verdict, history: History, rules: RetryRules, jitter: float) -> Step:
    """What to do with a message after `verdict`; `jitter` is chance, from 0 up to 1.

    A message whose earlier attempt got no answer is never given a fresh id, and only called failed for a
    reason that held at that attempt, too: its content or its recipient (design, rules 3 to 5).
    """
    match verdict.kind:
        case VerdictKind.ACCEPTED:
            return _done(State.ACCEPTED)
        case VerdictKind.HOLD:
            return _done(State.HELD)
        case VerdictKind.DUPLICATE:
            return _after_duplicate(history, jitter)
        case VerdictKind.FAIL:
            doubtful = history.ambiguous and _may_have_arisen(verdict.cls, history.age)
            return _done(State.IN_DOUBT if doubtful else State.FAILED)
        case VerdictKind.STOP | VerdictKind.SLOW_DOWN if verdict.arrival is Arrival.ANSWERED:
            return Step(Next.PUT_BACK)
        case _:
            return _again(verdict, history, rules, jitter)


def _may_have_arisen(cls: CodeClass, age: float) -> bool:
    """Whether a refusal may be younger than the first attempt."""
    return cls in _MAY_HAVE_ARISEN or (cls is CodeClass.RECIPIENT and age > _SECONDS_S)


def _done(state: State) -> Step:
    return Step(Next.DONE, state)


def _after_duplicate(history: History, jitter: float) -> Step:
    if history.busy or history.orphan or (history.unanswered and history.refused):
        # A refusal, seen or lost with a killed process, may have used the id up without a message.
        return _done(State.IN_DOUBT)
    if history.unanswered:
        return _done(State.ACCEPTED)
    if history.repeats >= DUPLICATE_TRIES:
        return _done(State.FAILED)
    return Step(Next.AGAIN, delay=DUPLICATE_WAIT_S * (1 + jitter / 10), epoch_up=True)


def _again(verdict: Verdict, history: History, rules: RetryRules, jitter: float) -> Step:
    if verdict.token_refused or verdict.arrival is Arrival.NEVER_LEFT:
        return Step(Next.PUT_BACK)
    delay = max(backoff(history.attempts, rules, jitter), verdict.wait or 0.0)
    if verdict.arrival in (Arrival.SILENT, Arrival.BUSY):
        in_time = history.age + delay < DEDUPE_WINDOW_S
        return Step(Next.AGAIN, delay=delay) if in_time else _done(State.IN_DOUBT)
    given_up = _done(State.IN_DOUBT if history.ambiguous else State.FAILED)
    if verdict.recipient_last:
        return given_up if history.deferred else Step(Next.LAST)
    if history.refusals >= rules.attempts:
        return given_up
    return Step(Next.AGAIN, delay=delay)


def backoff(attempt: int, rules: RetryRules, jitter: float) -> float:
    """Full jitter: seconds before the attempt after the `attempt`th, anywhere from 0 to a growing bound."""
    return jitter * min(rules.cap, rules.base * 2.0 ** min(attempt - 1, 30))


class FirstAnswers:
    """Watches the first answers for a fault that is everybody's (design, rule 7).

    `expected` are codes that prove nothing: those that the messages were chosen for.
    """

    def __init__(self, expected: frozenset[str] = frozenset()) -> None:
        self._expected = expected
        self._seen = 0
        self._codes: Counter[str] = Counter()

    def common_fault(self, verdict: Verdict, *, failed: bool) -> bool:
        """Take in an answer that ended a message; true when one failure came up too often to be theirs."""
        if self._seen >= FIRST_ANSWERS or verdict.recipient_last:
            return False
        self.accepted(1)
        failed = failed and verdict.code not in self._expected
        if failed:
            self._codes[verdict.code] += 1
        return failed and self._codes[verdict.code] >= SAME_FAULT

    def accepted(self, count: int) -> None:
        """Take in `count` messages that were accepted."""
        self._seen += count


@dataclass(frozen=True, slots=True)
class StopRules:
    """When to stop rather than burn the list; None where the operator wants no such stop.

    `failure_rate` is a share from 0 to 1 of at least `after` finished messages, `outage` seconds.
    """

    failure_rate: float | None = 0.10
    after: int = 200
    outage: float | None = 600.0


@dataclass(slots=True)
class ErrorBudget:
    """Counts this process's finished messages and the failures that aren't the recipients' own."""

    rules: StopRules
    finished: int = 0
    failures: int = 0

    def spent(self, cls: CodeClass, *, failed: bool) -> bool:
        """Take in a finished message; true when the budget is used up."""
        self.accepted(1)
        if failed and cls is not CodeClass.RECIPIENT:
            self.failures += 1
        return (
            self.rules.failure_rate is not None
            and self.finished >= self.rules.after
            and self.failures > self.rules.failure_rate * self.finished
        )

    def accepted(self, count: int) -> None:
        """Take in `count` messages that were accepted: they never use the budget up."""
        self.finished += count
