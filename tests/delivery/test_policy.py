"""What follows from a verdict: one row for every kind of answer and history, and what must hold for all."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.delivery import world as w
from wxpush.delivery.policy import (
    DEDUPE_WINDOW_S,
    ErrorBudget,
    FirstAnswers,
    History,
    Next,
    RetryRules,
    Step,
    StopRules,
    backoff,
    decide,
)
from wxpush.model import Arrival, CodeClass, State, Verdict, VerdictKind

RULES = RetryRules(attempts=4, base=0.5, cap=30.0)
FIRST = History()
SILENT_BEFORE = History(attempts=2, unanswered=True, age=30.0)
BUSY_BEFORE = History(attempts=2, busy=True, age=30.0)
BOTH_BEFORE = History(attempts=3, unanswered=True, busy=True, age=30.0)
ORPHAN = History(orphan=True, age=30.0)
REFUSED = Verdict(VerdictKind.AGAIN, "45047", CodeClass.THROTTLE, Arrival.ANSWERED)
UNHEARD_OF = Verdict(VerdictKind.FAIL, "99999", CodeClass.UNKNOWN, Arrival.ANSWERED)
GATEWAY = Verdict(VerdictKind.SLOW_DOWN, "bad_reply", CodeClass.THROTTLE, Arrival.SILENT, wait=5.0)
ASKED_TO_WAIT = w.SILENT._replace(wait=45.0)

ACCEPTED, FAILED = Step(Next.DONE, State.ACCEPTED), Step(Next.DONE, State.FAILED)
HELD, IN_DOUBT = Step(Next.DONE, State.HELD), Step(Next.DONE, State.IN_DOUBT)
PUT_BACK, LAST = Step(Next.PUT_BACK), Step(Next.LAST)


def again(delay: float, *, epoch_up: bool = False) -> Step:
    return Step(Next.AGAIN, None, delay, epoch_up)


#: With jitter 1, the longest delays.
TABLE = [
    (w.OK, FIRST, ACCEPTED),
    (w.OK, SILENT_BEFORE, ACCEPTED),
    (w.OK, BUSY_BEFORE, ACCEPTED),
    (w.HELD, FIRST, HELD),
    (w.HELD, SILENT_BEFORE, HELD),
    (w.HELD, BUSY_BEFORE, HELD),
    (w.UNFOLLOWED, FIRST, FAILED),
    (w.UNFOLLOWED, SILENT_BEFORE, FAILED),
    (w.UNFOLLOWED, BOTH_BEFORE, FAILED),
    (w.BAD_VALUE, FIRST, FAILED),
    (w.BAD_VALUE, SILENT_BEFORE, FAILED),
    (w.BAD_VALUE, BUSY_BEFORE, FAILED),
    (w.DUPLICATE, FIRST, again(61 * 1.1, epoch_up=True)),
    (w.DUPLICATE, replace(FIRST, repeats=1), again(61 * 1.1, epoch_up=True)),
    (w.DUPLICATE, replace(FIRST, repeats=2), FAILED),
    (w.DUPLICATE, SILENT_BEFORE, ACCEPTED),
    (w.DUPLICATE, BOTH_BEFORE, IN_DOUBT),
    (w.DUPLICATE, BUSY_BEFORE, IN_DOUBT),
    (w.DUPLICATE, ORPHAN, IN_DOUBT),
    (w.DUPLICATE, replace(ORPHAN, busy=True), IN_DOUBT),
    (w.DUPLICATE, replace(ORPHAN, unanswered=True), IN_DOUBT),
    (w.DUPLICATE, replace(SILENT_BEFORE, refusals=1, refused=True), IN_DOUBT),
    (w.OK, ORPHAN, ACCEPTED),
    (w.UNFOLLOWED, ORPHAN, FAILED),
    (w.UNFOLLOWED, replace(ORPHAN, age=61.0), IN_DOUBT),
    (w.UNFOLLOWED, replace(SILENT_BEFORE, age=61.0), IN_DOUBT),
    (w.UNFOLLOWED, replace(FIRST, age=61.0), FAILED),
    (UNHEARD_OF, BUSY_BEFORE, IN_DOUBT),
    (UNHEARD_OF, FIRST, FAILED),
    (REFUSED, replace(ORPHAN, refusals=4), IN_DOUBT),
    (w.SILENT, replace(FIRST, unanswered=True), again(0.5)),
    (w.SILENT, SILENT_BEFORE, again(1.0)),
    (w.SILENT, replace(SILENT_BEFORE, age=479.5), IN_DOUBT),
    (w.SILENT, replace(SILENT_BEFORE, age=math.inf), IN_DOUBT),
    (ASKED_TO_WAIT, SILENT_BEFORE, again(45.0)),
    (ASKED_TO_WAIT, replace(SILENT_BEFORE, age=440), IN_DOUBT),
    (GATEWAY, SILENT_BEFORE, again(5.0)),
    (w.BUSY, replace(FIRST, busy=True), again(0.5)),
    (w.BUSY, replace(BUSY_BEFORE, attempts=9), again(30.0)),
    (w.BUSY, replace(BUSY_BEFORE, age=479.5), IN_DOUBT),
    (w.REFUSED_CONNECTION, FIRST, PUT_BACK),
    (w.REFUSED_CONNECTION, SILENT_BEFORE, PUT_BACK),
    (w.TOKEN_REFUSED, FIRST, PUT_BACK),
    (w.TOKEN_REFUSED, replace(FIRST, attempts=99, refusals=99), PUT_BACK),
    (w.MINUTE_LIMIT, FIRST, PUT_BACK),
    (w.MINUTE_LIMIT, SILENT_BEFORE, PUT_BACK),
    (w.QUOTA_SPENT, FIRST, PUT_BACK),
    (w.FORBIDDEN, FIRST, PUT_BACK),
    (w.FORBIDDEN, BUSY_BEFORE, PUT_BACK),
    (w.TOO_OFTEN, FIRST, LAST),
    (w.TOO_OFTEN, replace(FIRST, attempts=2, deferred=True), FAILED),
    (w.TOO_OFTEN, SILENT_BEFORE, LAST),
    (REFUSED, replace(FIRST, refusals=1), again(0.5)),
    (REFUSED, replace(FIRST, attempts=3, refusals=3), again(2.0)),
    (REFUSED, replace(FIRST, attempts=4, refusals=4), FAILED),
    (REFUSED, replace(SILENT_BEFORE, attempts=5, refusals=4), IN_DOUBT),
    (REFUSED, replace(BUSY_BEFORE, attempts=5, refusals=4), IN_DOUBT),
    (w.TOO_OFTEN, replace(SILENT_BEFORE, deferred=True), IN_DOUBT),
]


@pytest.mark.parametrize(("verdict", "history", "step"), TABLE)
def test_what_follows_from_an_answer(verdict: Verdict, history: History, step: Step) -> None:
    found = decide(verdict, history, RULES, 1.0)
    assert replace(found, delay=0.0) == replace(step, delay=0.0)
    assert found.delay == pytest.approx(step.delay)


def test_the_table_has_every_kind_of_verdict() -> None:
    assert {verdict.kind for verdict, _history, _step in TABLE} == set(VerdictKind)
    assert {verdict.arrival for verdict, _history, _step in TABLE} == set(Arrival)


HISTORIES = st.builds(
    History,
    attempts=st.integers(1, 50),
    refusals=st.integers(0, 9),
    repeats=st.integers(0, 4),
    unanswered=st.booleans(),
    busy=st.booleans(),
    orphan=st.booleans(),
    refused=st.booleans(),
    deferred=st.booleans(),
    age=st.floats(0, 1000) | st.just(math.inf),
)
VERDICTS = st.builds(
    Verdict,
    st.sampled_from(list(VerdictKind)),
    st.sampled_from(["0", "-1", "43004", "43117", "45011", "47003", "timeout"]),
    st.sampled_from(list(CodeClass)),
    st.sampled_from(list(Arrival)),
    wait=st.none() | st.floats(0, 500),
    token_refused=st.booleans(),
    recipient_last=st.booleans(),
)
RETRY = st.builds(RetryRules, st.integers(1, 9), st.floats(0.01, 10), st.floats(0.01, 300))
JITTER = st.floats(0, 1, exclude_max=True)


@given(VERDICTS, HISTORIES, RETRY, JITTER)
def test_a_decision_is_whole(verdict: Verdict, history: History, rules: RetryRules, jitter: float) -> None:
    step = decide(verdict, history, rules, jitter)
    assert (step.state is not None) == (step.next is Next.DONE)
    assert step.state not in (State.PENDING, State.SKIPPED)
    assert step.delay >= 0
    assert step.next is Next.AGAIN or (step.delay == 0 and not step.epoch_up)
    assert decide(verdict, history, rules, jitter) == step


@settings(max_examples=500)
@given(VERDICTS, HISTORIES.map(lambda history: replace(history, unanswered=True)), RETRY, JITTER)
def test_after_silence_only_a_fault_that_held_then_too_is_a_failure(
    verdict: Verdict, history: History, rules: RetryRules, jitter: float
) -> None:
    """It may have been accepted; called failed, `retry-failed` would send it again under a fresh id."""
    step = decide(verdict, history, rules, jitter)
    if step.state is State.FAILED:
        assert verdict.kind is VerdictKind.FAIL
        assert verdict.cls in {CodeClass.MESSAGE, CodeClass.RECIPIENT, CodeClass.TRANSIENT}


@given(VERDICTS, HISTORIES, RETRY, JITTER)
def test_a_message_that_may_have_been_accepted_never_gets_a_fresh_id(
    verdict: Verdict, history: History, rules: RetryRules, jitter: float
) -> None:
    step = decide(verdict, history, rules, jitter)
    if step.epoch_up:
        assert not history.ambiguous
        assert verdict.kind is VerdictKind.DUPLICATE


@given(VERDICTS, HISTORIES, RETRY, JITTER)
def test_an_answer_that_leaves_it_open_is_repeated_only_inside_the_window(
    verdict: Verdict, history: History, rules: RetryRules, jitter: float
) -> None:
    kinds = {"kind": VerdictKind.AGAIN, "token_refused": False, "recipient_last": False}
    open_one = verdict._replace(arrival=Arrival.BUSY if history.busy else Arrival.SILENT, **kinds)
    step = decide(open_one, history, rules, jitter)
    if step.next is Next.AGAIN:
        assert history.age + step.delay < DEDUPE_WINDOW_S
        assert step.delay >= (verdict.wait or 0)
    else:
        assert step.state is State.IN_DOUBT


@given(HISTORIES, RETRY, JITTER)
def test_a_repeat_is_accepted_where_all_attempts_are_known_and_silent(
    history: History, rules: RetryRules, jitter: float
) -> None:
    step = decide(w.DUPLICATE, history, rules, jitter)
    all_silent = history.unanswered and not (history.busy or history.orphan or history.refused)
    assert (step.state is State.ACCEPTED) == all_silent
    if history.busy or history.orphan:
        assert step.state is State.IN_DOUBT
    if step.next is Next.AGAIN:
        assert step.delay >= 60
        assert history.repeats < 2


@given(VERDICTS, HISTORIES, RETRY, JITTER)
def test_what_is_not_the_messages_matter_never_ends_it(
    verdict: Verdict, history: History, rules: RetryRules, jitter: float
) -> None:
    stop = verdict._replace(kind=VerdictKind.STOP, arrival=Arrival.ANSWERED)
    lost = verdict._replace(kind=VerdictKind.AGAIN, arrival=Arrival.NEVER_LEFT)
    token = verdict._replace(kind=VerdictKind.AGAIN, token_refused=True)
    assert {decide(each, history, rules, jitter) for each in (stop, lost, token)} == {PUT_BACK}


@given(st.integers(1, 10_000), RETRY, JITTER)
def test_a_backoff_is_within_its_bounds(attempt: int, rules: RetryRules, jitter: float) -> None:
    delay = backoff(attempt, rules, jitter)
    assert 0 <= delay <= rules.cap
    assert delay <= rules.base * 2 ** min(attempt - 1, 60)
    assert backoff(attempt, rules, 0.0) == 0.0
    assert backoff(attempt, rules, jitter) <= backoff(attempt + 1, rules, jitter)


def test_backoffs_double_up_to_the_cap() -> None:
    assert [backoff(attempt, RULES, 1.0) for attempt in range(1, 9)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


# The stops that spare the list


def answered(fault: Verdict, failures: int, of: int) -> bool:
    first = FirstAnswers()
    verdicts = [fault] * failures + [w.OK] * (of - failures)
    told = [first.common_fault(each, failed=each is fault) for each in verdicts]
    return any(told)


def test_one_code_on_eighteen_of_the_first_twenty_is_everybodys() -> None:
    assert answered(w.UNFOLLOWED, 18, 20)
    assert not answered(w.UNFOLLOWED, 17, 20)


def test_different_codes_are_different_faults() -> None:
    first = FirstAnswers()
    told = [first.common_fault(each, failed=True) for each in [w.UNFOLLOWED, w.BAD_VALUE] * 10]
    assert not any(told)


def test_only_the_first_twenty_answers_are_watched() -> None:
    first = FirstAnswers()
    later = [w.OK] * 3 + [w.UNFOLLOWED] * 200
    told = [first.common_fault(each, failed=each is w.UNFOLLOWED) for each in later]
    assert not any(told)


@pytest.mark.parametrize(
    ("rules", "failures", "of", "spent"),
    [
        (StopRules(0.10, 200), 20, 200, False),
        (StopRules(0.10, 200), 21, 200, True),
        (StopRules(0.10, 200), 199, 199, False),
        (StopRules(0.10, 1), 1, 1, True),
        (StopRules(0.0, 200), 1, 200, True),
        (StopRules(0.0, 200), 0, 200, False),
        (StopRules(1.0, 1), 50, 50, False),
        (StopRules(None, 1), 500, 500, False),
    ],
)
def test_the_budget_is_a_share_of_what_is_finished(
    rules: StopRules, failures: int, of: int, spent: bool
) -> None:
    budget = ErrorBudget(rules)
    told = [budget.spent(CodeClass.MESSAGE, failed=number >= of - failures) for number in range(of)]
    assert told[-1] is spent


@given(st.lists(st.tuples(st.sampled_from(list(CodeClass)), st.booleans())))
def test_recipients_own_failures_spend_nothing(finished: list[tuple[CodeClass, bool]]) -> None:
    budget = ErrorBudget(StopRules(0.0, 1))
    for cls, failed in finished:
        budget.spent(cls, failed=failed)
    own = sum(1 for cls, failed in finished if failed and cls is CodeClass.RECIPIENT)
    assert budget.failures == sum(1 for _cls, failed in finished if failed) - own
    assert budget.finished == len(finished)
