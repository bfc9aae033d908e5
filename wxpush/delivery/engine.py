"""The loop that takes messages to their outcomes: one thread, no lock, bounded memory.

Each turn it takes replies, claims a handful of messages ahead of their slots, submits what has a slot,
and sleeps in `channel.replies` until the next thing is due. All waiting is there, so a signal that wakes
the channel ends any wait at once.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from wxpush.clock import Clock, Moment
from wxpush.delivery.flight import Flight
from wxpush.delivery.gate import Gate
from wxpush.delivery.hand import Hand
from wxpush.delivery.policy import ErrorBudget, FirstAnswers, Next, RetryRules, Step, StopRules, decide
from wxpush.delivery.ports import CLOSED, Channel, Listener, Notice, Progress, Waiting, Why, Witness
from wxpush.delivery.records import Claim, Mark, Record
from wxpush.delivery.retries import RetryBudget
from wxpush.errors import StorageError
from wxpush.model import (
    Answered,
    Arrival,
    CodeClass,
    Event,
    Message,
    QuotaRead,
    State,
    Trouble,
    Verdict,
    VerdictKind,
)

_CLAIM_AHEAD_S: Final = 0.2
_MOST_CLAIMED: Final = 100
_COMMIT_EVERY_S: Final = 0.2
_COMMIT_AT: Final = 100
_PROGRESS_EVERY_S: Final = 0.1
_LONGEST_NAP_S: Final = 0.5
_DRAIN_GRACE_S: Final = 2.0
_QUOTA_SPENT: Final = "45009"

_MARKS: Final = {
    State.ACCEPTED: Mark.ACCEPTED,
    State.FAILED: Mark.FAILED,
    State.HELD: Mark.HELD,
    State.IN_DOUBT: Mark.IN_DOUBT,
}
_TOO_OLD: Final = Verdict(VerdictKind.AGAIN, "timeout", CodeClass.TRANSIENT, Arrival.SILENT)
_NOT_SENT: Final = Verdict(VerdictKind.AGAIN, "", CodeClass.TRANSIENT, Arrival.NEVER_LEFT)


class RunLedger(Protocol):
    """The engine's ledger: commits are durable when they return."""

    def commit(self, records: Sequence[Record], claims: Sequence[Claim] = ()) -> None:
        """Write records and claims in one step; raises StorageError."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a run is sent; times in seconds. `rate` bounds how many may be claimed ahead."""

    rate: float
    workers: int = 16
    timeout: float = 10.0
    retry: RetryRules = field(default_factory=RetryRules)
    stop: StopRules = field(default_factory=StopRules)
    wait_for_quota: bool = False
    resend_in_doubt: bool = False
    expected_codes: frozenset[str] = frozenset()
    """Codes that the first-answers rule must not stop for: the messages were chosen by them."""

    @property
    def most_in_doubt(self) -> int:
        """How many messages a crash may leave in doubt (design, rule 6)."""
        return 2 * self.workers + min(200, int(self.rate / 2))

    @property
    def claimed_ahead(self) -> int:
        """How many messages are claimed at a time."""
        return max(1, min(_MOST_CLAIMED, int(self.rate * _CLAIM_AHEAD_S)))


@dataclass(frozen=True, slots=True)
class Ending:
    """How a sending ended: `finished`, `stopped` or `interrupted`.

    `code` is what stopped it (WeChat's code or ours); `detail` and `hint` are for people, and empty
    where the code's own meaning says it all. `unsettled` messages have a claim that the next start settles.
    """

    state: str
    code: str = ""
    detail: str = ""
    hint: str = ""
    unsettled: int = 0


class Engine:
    """Sends the messages of one run. Built for one call of `run`."""

    def __init__(
        self,
        channel: Channel,
        ledger: RunLedger,
        ids: Callable[[str, int], str],
        gate: Gate,
        settings: Settings,
        listener: Listener,
        *,
        clock: Clock,
        chance: random.Random,
        still_wanted: Callable[[Message], bool] | None = None,
        witnesses: Sequence[Witness] = (),
    ) -> None:
        """`ids` makes the client_msg_id of a key and an epoch.

        `still_wanted` is asked about a message whose claim was given back unsent; one that isn't is dropped.
        """
        self._still_wanted = still_wanted
        self._channel, self._ledger, self._ids = channel, ledger, ids
        self._gate, self._settings, self._listener = gate, settings, listener
        self._clock, self._chance, self._witnesses = clock, chance, witnesses
        self._first_answers = FirstAnswers(settings.expected_codes)
        self._budget = ErrorBudget(settings.stop)
        self._retries = RetryBudget(settings.rate, clock.monotonic())
        self._hand = Hand()
        self._records: list[Record] = []
        self._settled: Counter[State] = Counter()
        self._committed_at = self._shown_at = clock.monotonic()
        self._call_s = 0.0
        self._told: Waiting | None = None
        self._sending_since: float | None = None
        self._ending: Ending | None = None
        self._hurried = False
        self.progress = Progress()

    def stop(self) -> None:
        """End the run in seconds: send no more, take the answers that are on their way. Signal-safe."""
        self._ending = self._ending or Ending("interrupted")
        self._channel.wake()

    def hurry(self) -> None:
        """End the run at once: what is on its way stays claimed and is settled by the next start."""
        self._hurried = True
        self.stop()

    def run(self, recovered: Iterable[Claim], messages: Iterator[Message | None]) -> Ending:
        """Send the `recovered` claims, then `messages` (None among them: nothing yet, ask again).

        Returns when nothing is left or the run has to stop. When the ledger can't be written, the
        ending's code is `storage`, and nothing was sent that the ledger doesn't know of.
        """
        self._hand.fill_from(messages)
        self._sending_since = self._clock.monotonic()
        try:
            for claim in recovered:
                self._take_over(Flight.recovered(claim))
            while self._ending is None and not self._hand.empty():
                self._turn()
            self._drain()
        except StorageError as error:
            self._ending = Ending("stopped", "storage", str(error), error.hint)
            self._salvage()
        except BaseException:
            # A fault of ours or of the list: what is on its way is still answered and recorded.
            self._ending = Ending("stopped")
            self._salvage()
            raise
        self._show()
        return replace(self._ending or Ending("finished"), unsettled=self._hand.claimed)

    def _turn(self) -> None:
        if self._gate.is_over():
            self._end(Ending("stopped", "until"))
            return
        waiting = self._gate.waiting() or self._token_wait()
        self._tell(waiting)
        if self._gate.wants_reading(len(self._hand.flying)):
            self._channel.read_quota()
        self._wake_due(self._clock.monotonic())
        if waiting is None:
            self._claim()
        else:
            self._unstage()
        free = 0
        if waiting is None or waiting.why is Why.HOURS:
            free = self._submit()  # in closed hours what was begun before: left alone it would end in doubt
        self._take(self._channel.replies(self._nap(waiting, free)))
        self._look_after()

    def _wake_due(self, now: float) -> None:
        self._retries.spend(self._hand.wake_due(now, self._retries.left(now)))

    def _look_after(self) -> None:
        """What is due by time: commits, the screen, the end of patience with an outage."""
        now = self._clock.monotonic()
        if self._records and (len(self._records) >= _COMMIT_AT or now >= self._commit_due()):
            self._commit()
        if now - self._shown_at >= _PROGRESS_EVERY_S:
            self._show()
        outage = self._settings.stop.outage
        if outage is not None and self._gate.unreachable_for() >= outage:
            self._end(Ending("stopped", "network"))

    # Claim and submit

    def _claim(self) -> None:
        """Put messages on the ledger just ahead of their slots (design, rules 1, 2 and 6)."""
        staged, lump = len(self._hand.staged), self._settings.claimed_ahead
        if staged > min(lump // 2, self._settings.workers):
            return
        free = self._channel.free()
        if not free or staged > free:
            return
        # What would wait for a worker isn't claimed: its window would pass before it is sent.
        ahead = min(self._gate.slots_within(_CLAIM_AHEAD_S), max(free, self._calls_ahead()))
        flights = self._hand.next_unclaimed(min(lump - staged, ahead - staged, self._room()))
        if self._still_wanted is not None:
            wanted = self._still_wanted
            flights = [one for one in flights if not one.given_back or wanted(one.message)]
        if not flights:
            return
        made = self._clock.moment()
        for flight in flights:
            flight.made = made
        self._commit([Claim(flight.message, made) for flight in flights])
        self._hand.staged.extend(flights)

    def _calls_ahead(self) -> int:
        """How many calls begin in the time for which messages are claimed, going by the last one."""
        if not self._call_s:
            return 0
        return int(self._settings.workers * _CLAIM_AHEAD_S / self._call_s)

    def _room(self) -> int:
        return self._settings.most_in_doubt - self._hand.claimed

    def _submit(self) -> int:
        """Send what has a slot; returns how many workers are free still."""
        hand, free = self._hand, self._channel.free()
        ready = self._next_ready(free) if hand.staged else []
        slots = self._gate.take(len(ready)) if ready else 0
        hand.staged.extendleft(reversed(ready[slots:]))
        for flight in ready[:slots]:
            flight.attempts += 1
            message = flight.message
            self._channel.submit(hand.fly(flight), message.payload, self._ids(message.key, message.epoch))
        self.progress.attempts += slots
        return free - slots

    def _next_ready(self, most: int) -> list[Flight]:
        """Take up to `most` claimed messages whose window is open; those whose window has passed end here."""
        staged, now = self._hand.staged, self._clock.moment()
        ready: list[Flight] = []
        while staged and len(ready) < most:
            flight = staged.popleft()
            if flight.outside_window(now):
                self._give_up_claim(flight)
            else:
                ready.append(flight)
        return ready

    def _give_up_claim(self, flight: Flight) -> None:
        """Its window has passed, as after a sleep of the machine: in doubt, unless it surely never left."""
        if flight.ambiguous:
            self._settle(flight, State.IN_DOUBT, _TOO_OLD, flight.made)
        else:
            self._give_back(flight)

    def _take_over(self, flight: Flight) -> None:
        """A claim of a process that is gone: again with the same id while WeChat knows it, else in doubt."""
        if not flight.outside_window(self._clock.moment()):
            self._hand.staged.append(flight)
            return
        self._settle(flight, State.IN_DOUBT, _TOO_OLD, flight.made)
        if self._settings.resend_in_doubt:
            self._settled[State.IN_DOUBT] -= 1
            again = Flight(flight.message)
            again.next_epoch()
            self._hand.front.append(again)

    def _unstage(self) -> None:
        """Give back claims whose slot isn't coming soon; those that may have been sent keep theirs."""
        for flight in reversed(self._hand.unstage()):
            self._give_back(flight)

    def _give_back(self, flight: Flight) -> None:
        self._release(flight, _NOT_SENT)
        flight.given_back = not flight.attempts
        self._hand.front.appendleft(flight)

    # Answers

    def _take(self, events: Sequence[Event]) -> None:
        accepted: list[Answered] = []
        for event in events:
            if isinstance(event, Answered) and event.verdict.kind is VerdictKind.ACCEPTED:
                accepted.append(event)
                continue
            # In the order in which they came: many rules look at what came before.
            self._accept(accepted)
            accepted = []
            if isinstance(event, Answered):
                self._call_s = event.seconds
                self._judge(self._hand.landed(event.ticket), event)
            else:
                self._hear(event)
        self._accept(accepted)

    def _accept(self, answers: list[Answered]) -> None:
        """Most answers, all at once: each costs as little as can be, whatever its message met before."""
        if not answers:
            return
        self._call_s = answers[-1].seconds
        accepted = [(self._hand.landed(answer.ticket), answer.verdict) for answer in answers]
        count, at = len(accepted), self._clock.wall()
        self._records += [flight.record(Mark.ACCEPTED, verdict, at) for flight, verdict in accepted]
        self._settled[State.ACCEPTED] += count
        for observer in (self._retries, self._gate, self._first_answers, self._budget):
            observer.accepted(count)
        for witness in self._witnesses:
            witness.accepted([flight for flight, _verdict in accepted], answers, at)

    def _hear(self, event: QuotaRead | Trouble) -> None:
        match event:
            case QuotaRead(quota, detail):
                if quota is None:
                    self._listener.notice(Notice.QUOTA_UNREADABLE, detail)
                if self._gate.take_quota(quota):
                    self._out_of_quota(Ending("stopped", "quota"))
            case Trouble(verdict, message, hint):
                if verdict.kind is VerdictKind.STOP:
                    self._end(Ending("stopped", verdict.code, message, hint))
                else:
                    self._gate.no_token()
                    self._listener.notice(Notice.TOKEN_TROUBLE, message)

    def _judge(self, flight: Flight, answer: Answered) -> None:
        verdict = answer.verdict
        news = flight.judged(verdict)
        self._retries.observe(verdict)
        history = flight.history(self._clock.moment(), deferred=self._hand.last_are_many)
        step = decide(verdict, history, self._settings.retry, self._chance.random())
        if self._gate.observe(verdict):
            held = verdict.kind is VerdictKind.HOLD
            self._listener.notice(Notice.MANY_HELD if held else Notice.SLOWED_DOWN, verdict.code)
        for witness in self._witnesses:
            witness.judged(flight, answer, step.state, self._clock.wall())
        if step.state is not None:
            self._settle(flight, step.state, verdict)
            self._watch(step.state, verdict)
        elif flight.ambiguous:
            self._keep_claim(flight, verdict, step, news=news)
        else:
            self._put_aside(flight, verdict, step)
        if verdict.kind is VerdictKind.STOP:
            ending = Ending("stopped", verdict.code, verdict.detail)
            (self._out_of_quota if verdict.code == _QUOTA_SPENT else self._end)(ending)

    def _settle(self, flight: Flight, state: State, verdict: Verdict, then: Moment | None = None) -> None:
        """Of what was given up long after it was sent, `then` is its claim: a receipt is from that time."""
        at = self._clock.wall() if then is None else then.wall
        self._records.append(flight.record(_MARKS[state], verdict, at))
        self._settled[state] += 1

    def _keep_claim(self, flight: Flight, verdict: Verdict, step: Step, *, news: bool) -> None:
        """It may have been accepted: the same claim and id again, later."""
        if news:
            mark = Mark.SILENT if flight.unanswered else Mark.BUSY
            self._records.append(flight.record(mark, verdict, self._clock.wall()))
        delay = step.delay
        if step.next is Next.LAST:
            flight.deferred, delay = True, self._settings.retry.cap
        self._hand.later_at(self._clock.monotonic() + delay, flight)

    def _put_aside(self, flight: Flight, verdict: Verdict, step: Step) -> None:
        """It surely wasn't delivered: give the claim back, and choose when it comes again."""
        if step.epoch_up:
            flight.next_epoch()
        self._release(flight, verdict)
        if step.next is Next.LAST:
            self._hand.put_last(flight)
        elif step.next is Next.AGAIN:
            self._hand.later_at(self._clock.monotonic() + step.delay, flight)
        else:
            self._hand.front.appendleft(flight)

    def _release(self, flight: Flight, verdict: Verdict) -> None:
        before = flight.message.failed_as
        mark, verdict = (Mark.RELEASED, verdict) if before is None else (Mark.FAILED, before)
        self._records.append(flight.record(mark, verdict, self._clock.wall()))
        flight.made = None

    def _watch(self, state: State, verdict: Verdict) -> None:
        """Stop rather than burn the list."""
        # A 40241 that leaves it in doubt says that WeChat has it: no sign that the rest would be burnt.
        doubtful = state is State.IN_DOUBT and verdict.kind is not VerdictKind.DUPLICATE
        failed = state is State.FAILED or doubtful
        if self._first_answers.common_fault(verdict, failed=state is State.FAILED):
            self._end(Ending("stopped", verdict.code, verdict.detail))
        elif self._budget.spent(verdict.cls, failed=failed):
            self._end(Ending("stopped", "budget"))

    def _out_of_quota(self, ending: Ending) -> None:
        if self._settings.wait_for_quota:
            self._gate.wait_for_quota()
        else:
            self._end(ending)

    def _end(self, ending: Ending) -> None:
        self._ending = self._ending or ending

    # The end of the run, and what is due on the way

    def _drain(self) -> None:
        self._unstage()
        if self._hand.flying and self._ending is not None and self._ending.state == "interrupted":
            self._listener.notice(Notice.STOPPING, "")
        self._wait_for_answers()
        self._commit()

    def _salvage(self) -> None:
        """Take the answers that are on their way, and write what can be written, once."""
        self._wait_for_answers(commit_at=None)
        with suppress(StorageError):
            self._commit()

    def _wait_for_answers(self, commit_at: int | None = _COMMIT_AT) -> None:
        deadline = self._clock.monotonic() + self._settings.timeout + _DRAIN_GRACE_S
        while self._hand.flying and not self._hurried and self._clock.monotonic() < deadline:
            self._take(self._channel.replies(_LONGEST_NAP_S))
            if commit_at is not None and len(self._records) >= commit_at:
                self._commit()

    def _commit(self, claims: Sequence[Claim] = ()) -> None:
        self._ledger.commit(self._records, claims)
        for witness in self._witnesses:
            witness.committed(self._records, claims)
        self._records = []
        self._committed_at = self._clock.monotonic()
        # Only now: what is shown must be on disk (design, rule 1).
        self.progress.accepted += self._settled[State.ACCEPTED]
        self.progress.failed += self._settled[State.FAILED]
        self.progress.held += self._settled[State.HELD]
        self.progress.in_doubt += self._settled[State.IN_DOUBT]
        self._settled.clear()

    def _commit_due(self) -> float:
        return self._committed_at + _COMMIT_EVERY_S

    def _nap(self, waiting: Waiting | None, free: int) -> float:
        now = self._clock.monotonic()
        nap = _LONGEST_NAP_S
        if self._records:
            nap = min(nap, self._commit_due() - now)
        if waiting is None and free > 0:
            if self._hand.staged or (self._hand.wants_claim and self._room() > 0):
                nap = min(nap, self._gate.until_slot())
            nap = min(nap, max(self._hand.next_due() - now, self._retries.until_next(now)))
        return max(0.0, nap)

    def _token_wait(self) -> Waiting | None:
        return None if self._hand.flying or self._channel.free() else Waiting(Why.TOKEN)

    def _tell(self, waiting: Waiting | None) -> None:
        if waiting is None and self._hand.only_retries():
            waiting = Waiting(Why.RETRY)
        if _differ(waiting, self._told):
            self._count_time()
            self._sending_since = None if waiting and waiting.why in CLOSED else self._clock.monotonic()
            self._told = waiting
            self._listener.waiting(waiting)

    def _count_time(self) -> None:
        """Put down the time for which it has been sending since it was put down last."""
        if self._sending_since is not None:
            now = self._clock.monotonic()
            self.progress.seconds += now - self._sending_since
            self._sending_since = now

    def _show(self) -> None:
        self.progress.retrying, self.progress.flying = self._hand.retrying, len(self._hand.flying)
        self._count_time()
        self._shown_at = self._clock.monotonic()
        self._listener.progress(self.progress)


def _differ(one: Waiting | None, other: Waiting | None) -> bool:
    """Whether two waits read differently: the same moment is computed anew each turn, a little off."""
    if one is None or other is None or one.why is not other.why:
        return one is not other
    if one.until is None or other.until is None:
        return one.until is not other.until
    return abs((one.until - other.until).total_seconds()) >= 1
