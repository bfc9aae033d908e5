"""Whether a message may go now; if not, why and until when."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from wxpush.clock import Clock
from wxpush.delivery.breaker import Breaker
from wxpush.delivery.bucket import Bucket
from wxpush.delivery.hours import CIVIL_HOURS, Hours, Stretch, quota_back
from wxpush.delivery.pace import Pace
from wxpush.delivery.ports import Waiting, Why
from wxpush.model import Arrival, Quota, Verdict, VerdictKind

_READ_QUOTA_EVERY: Final = 2_000
_ASK_AGAIN: Final = timedelta(minutes=30)
_A_MINUTE: Final = 60.0
_LEAST_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class GateRules:
    """Rate and burst in messages a second, `keep_quota` as a share of the daily quota.

    From `until` on no message goes any more.
    """

    rate: float
    burst: float | None = None
    hours: Hours | None = None
    keep_quota: float = 0.10
    until: datetime | None = None


class Gate:
    """Everything that paces a run as a whole: bucket, slow-down, breaker, hours and quota."""

    def __init__(self, rules: GateRules, clock: Clock, quota: Quota | None) -> None:
        """`quota` is what was read before the start, None where it can't be read."""
        self._rules, self._clock = rules, clock
        now = clock.monotonic()
        self._bucket = Bucket(rules.rate, rules.burst, now=now)
        self._pace, self._breaker = Pace(now, rules.rate), Breaker()
        self._hours = rules.hours
        self._open: Stretch | None = None
        """The hours that were looked up last, since that takes long."""
        self._throttled_until = 0.0
        self._quota_until: datetime | None = None
        self._allowance: int | None = None
        self._reading = False
        # Sent, but perhaps not in what the reading of the quota says.
        self._uncounted = 0
        self._until_reading = _READ_QUOTA_EVERY
        self.take_quota(quota)

    @property
    def allowance(self) -> int | None:
        """How many more messages the quota leaves to this run; None where it can't be read."""
        return self._allowance

    def waiting(self) -> Waiting | None:
        """Why nothing may go now, None when it may."""
        now, today = self._clock.monotonic(), self._now()
        if self._quota_until is not None:
            return Waiting(Why.QUOTA, self._quota_until)
        opens = self._opens(today)
        if opens is not None:
            return Waiting(Why.HOURS, opens)
        if self._allowance is not None and self._allowance <= 0:
            return Waiting(Why.QUOTA)
        if now < self._throttled_until:
            return Waiting(Why.THROTTLE, today + timedelta(seconds=self._throttled_until - now))
        if self._breaker.allows(now) == 0:
            return Waiting(Why.OUTAGE, today + timedelta(seconds=max(0.0, self._breaker.next_probe() - now)))
        return None

    def is_over(self) -> bool:
        """Whether the time is up for this sending."""
        return is_over(self._now(), self._rules.until)

    def slots_within(self, seconds: float) -> int:
        """How many messages may go in the next `seconds`, as far as can be seen now."""
        now = self._clock.monotonic()
        slots = self._bucket.within(seconds, now)
        probes = self._breaker.allows(now)
        limits = [limit for limit in (probes, self._allowance) if limit is not None]
        return max(0, min([slots, *limits]))

    def take(self, most: int = 1) -> int:
        """Take slots for up to `most` POSTs, as many as there are now; returns how many."""
        now = self._clock.monotonic()
        probes = self._breaker.allows(now)
        slots = self._bucket.take(now, most if probes is None else min(most, probes))
        self._breaker.probing(slots)
        self._until_reading -= slots
        if self._allowance is not None:
            self._allowance -= slots
        self._uncounted += slots
        return slots

    def until_slot(self) -> float:
        """Seconds until the bucket has a slot."""
        return self._bucket.wait(self._clock.monotonic())

    def observe(self, verdict: Verdict) -> bool:
        """Take in what a call met; true when the rate was cut for busyness or for many held."""
        now = self._clock.monotonic()
        unreadable = verdict.arrival in (Arrival.NEVER_LEFT, Arrival.SILENT)
        self._breaker.observe(now, answered=not unreadable)
        cut = self._pace.answered(
            now, busy=verdict.arrival is Arrival.BUSY, held=verdict.kind is VerdictKind.HOLD
        )
        if verdict.kind is VerdictKind.SLOW_DOWN:
            self._throttle(now, verdict.wait)
        return self._follow_pace(now) and cut

    def accepted(self, count: int) -> None:
        """Take in `count` calls whose message was accepted."""
        now = self._clock.monotonic()
        self._breaker.answered(now, count)
        self._pace.accepted(count)
        self._follow_pace(now)

    def unreachable_for(self) -> float:
        """Seconds for which no call has been answered; 0 while calls are."""
        return self._breaker.unreachable_for(self._clock.monotonic())

    def no_token(self) -> None:
        """Take in that a token couldn't be fetched for want of a network."""
        self._breaker.observe(self._clock.monotonic(), answered=False)

    def wants_reading(self, flying: int) -> bool:
        """Whether the quota should be read now; said once, then a `take_quota` is expected.

        WeChat may not have counted the messages that are still `flying`: a reading that ends the run waits
        for their answers, any other one leaves them out of what it allows.
        """
        if self._quota_until is not None and self._now() >= self._quota_until:
            self._until_reading = 0
        spent = self._allowance is not None and self._allowance <= 0 and self._quota_until is None
        if self._reading or not ((spent and flying == 0) or self._until_reading <= 0):
            return False
        self._reading, self._uncounted = True, flying
        return True

    def take_quota(self, quota: Quota | None) -> bool:
        """Take in a reading of the quota; true when nothing is left to this run."""
        self._reading, self._until_reading = False, _READ_QUOTA_EVERY
        left = None if quota is None else left_to_run(quota, self._rules.keep_quota)
        self._allowance = None if left is None else left - self._uncounted
        spent = left is not None and left <= 0
        if not spent:
            self._quota_until = None
        elif self._quota_until is not None:
            self._quota_until = self._now() + _ASK_AGAIN
        return spent

    def wait_for_quota(self) -> None:
        """Let nothing go until the quota is expected back; from then on only in civil hours."""
        self._hours = self._hours or CIVIL_HOURS
        self._quota_until = self._quota_until or quota_back(self._now())

    def _opens(self, now: datetime) -> datetime | None:
        if self._hours is None or (self._open is not None and self._open.has(now)):
            return None
        self._open = self._hours.stretch(now)
        return None if self._open.has(now) else self._open.opens

    def _throttle(self, now: float, asked: float | None) -> None:
        """45011 says: retry next minute. The minute's bounds are WeChat's, so a whole one is waited."""
        goes_on = max(self._throttled_until, now + (_A_MINUTE if asked is None else max(asked, _LEAST_S)))
        if now >= self._throttled_until:
            self._pace.too_fast(now, goes_on)
        self._throttled_until = goes_on
        self._bucket.empty(goes_on)

    def _follow_pace(self, now: float) -> bool:
        rate = self._rules.rate * self._pace.share(now)
        if rate == self._bucket.rate:
            return False
        self._bucket.set_rate(rate, now)
        return True

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.wall(), UTC)


def left_to_run(quota: Quota, keep: float) -> int:
    """What `quota` leaves to a run that keeps the share `keep` of the limit for others."""
    return quota.remain - int(quota.limit * keep)


def is_over(now: datetime, until: datetime | None) -> bool:
    """Whether a sending that goes on `until` then must have ended by `now`."""
    return until is not None and now >= until
