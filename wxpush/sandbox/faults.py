"""What can go wrong on the way: faults with their place, and seeded dice that say which call they meet."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from wxpush.i18n import _
from wxpush.sandbox.settings import Span

_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class Fault:
    """Which calls of an endpoint a fault meets, and its particulars.

    It meets every call; or each `every`-th; or each with `chance`; always leaving the first `after` calls
    alone and ending after `times` (0: never). `accepted` says whether WeChat acts on the call all the same;
    left out, the kind's own habit (see `EndpointFaults`).
    """

    chance: float | None = None
    every: int = 0
    after: int = 0
    times: int = 0
    accepted: bool | None = None
    seconds: float = 1
    """`drip`: between two bytes. `late`: until WeChat looks at the call."""
    size: int = 64 * 1024 * 1024
    """`huge_body`, `gzip_bomb`: bytes of the (unpacked) body."""
    status: int = 302
    """`redirect`: the HTTP status."""
    location: str = "http://127.0.0.1:9/"
    """`redirect`: where to."""
    retry_after: str = ""
    """`too_many`, `unavailable`: the Retry-After header as it stands; none where empty."""

    def __post_init__(self) -> None:
        if self.chance is not None and not 0 <= self.chance <= 1:
            raise ValueError(_("`chance` is a share from 0 to 100%."))
        if self.chance is not None and self.every:
            raise ValueError(_("`chance` and `every` exclude each other."))
        if min(self.every, self.after, self.times, self.size, self.seconds) < 0:
            raise ValueError(_("the numbers of a fault can't be negative."))
        if self.status not in _REDIRECTS:
            raise ValueError(_("`status` of a redirect is 301, 302, 303, 307 or 308."))


@dataclass(frozen=True, slots=True)
class EndpointFaults:
    """All that can happen to the calls of one endpoint; one call meets at most one, the first of this order.

    Only `latency_ms` and `token_replaced` come on top of others. Those before `broken_json` are not
    accepted unless `accepted: true`; those from there on are accepted unless `accepted: false`.
    """

    latency_ms: Span = field(default_factory=Span)
    """The answer waits; what the call does is done at once."""
    token_replaced: Fault | None = None
    """Another system gets itself a new token just before this call is looked at."""
    cut_before: Fault | None = None
    silence_before: Fault | None = None
    bad_gateway: Fault | None = None
    """502 with a page of HTML."""
    unavailable: Fault | None = None
    """503."""
    too_many: Fault | None = None
    """429."""
    redirect: Fault | None = None
    system_error: Fault | None = None
    """-1."""
    minute_limit: Fault | None = None
    """45011."""
    daily_limit: Fault | None = None
    """45009."""
    token_refused: Fault | None = None
    """40001 although the token is good."""
    too_frequent: Fault | None = None
    """43117."""
    duplicate: Fault | None = None
    """40241 although there was no earlier message."""
    wrong_template: Fault | None = None
    """40037 although the template is there, as reported in bursts."""
    broken_json: Fault | None = None
    """Half an answer, sent as if it were the whole."""
    truncated: Fault | None = None
    """The connection ends within the body that was announced."""
    cut_after: Fault | None = None
    silence_after: Fault | None = None
    drip: Fault | None = None
    """One byte at a time, from the status line on."""
    huge_body: Fault | None = None
    gzip_bomb: Fault | None = None
    late: Fault | None = None
    """Looked at only after `seconds`, even when the caller has gone by then."""


AT_ONCE = frozenset({"latency_ms", "token_replaced"})
KINDS = tuple(part.name for part in fields(EndpointFaults) if part.name not in AT_ONCE)
_ACCEPTED_BY_HABIT = frozenset(KINDS[KINDS.index("broken_json") :])


@dataclass(frozen=True, slots=True)
class Faults:
    """The faults of each endpoint; `token` is both token calls, `quota` also clear_quota, `lists` the lists
    of followers and of tags."""

    send: EndpointFaults = EndpointFaults()
    token: EndpointFaults = EndpointFaults()
    templates: EndpointFaults = EndpointFaults()
    users: EndpointFaults = EndpointFaults()
    lists: EndpointFaults = EndpointFaults()
    quota: EndpointFaults = EndpointFaults()
    rid: EndpointFaults = EndpointFaults()
    rejected: EndpointFaults = EndpointFaults()


@dataclass(frozen=True, slots=True)
class Throw:
    """What one call meets: at most one fault by its kind's name, the wait in seconds, a lost token."""

    kind: str = ""
    fault: Fault = Fault()
    latency_s: float = 0
    token_replaced: bool = False

    @property
    def accepted(self) -> bool:
        """Whether WeChat acts on the call."""
        if not self.kind or self.fault.accepted is None:
            return not self.kind or self.kind in _ACCEPTED_BY_HABIT
        return self.fault.accepted


_NOTHING = Throw()


class Dice:
    """Says for the n-th call of an endpoint what it meets: the same seed gives the same sequence.

    Each kind has a sequence of its own, so that one more fault in a scenario doesn't move the others.
    """

    def __init__(self, faults: EndpointFaults, seed: str) -> None:
        self._latency = faults.latency_ms
        self._waits = random.Random(f"{seed}:latency")
        replaced = faults.token_replaced
        self._replaced = _Counter(replaced, f"{seed}:token_replaced") if replaced else None
        named: list[tuple[str, Fault | None]] = [(kind, getattr(faults, kind)) for kind in KINDS]
        self._counters = [(kind, _Counter(fault, f"{seed}:{kind}")) for kind, fault in named if fault]
        self._quiet = not self._counters and self._replaced is None and self._latency.high <= 0

    def throw(self) -> Throw:
        """What the next call meets."""
        if self._quiet:
            return _NOTHING
        met = [(kind, counter.fault) for kind, counter in self._counters if counter.next()]
        kind, fault = met[0] if met else ("", _NOTHING.fault)
        replaced = self._replaced is not None and self._replaced.next()
        return Throw(kind, fault, self._wait(), replaced)

    def _wait(self) -> float:
        low, high = self._latency.low, self._latency.high
        return (low if low == high else self._waits.uniform(low, high)) / 1000


class _Counter:
    """Whether one fault meets the next call."""

    def __init__(self, fault: Fault, seed: str) -> None:
        self.fault = fault
        self._chance = random.Random(seed)
        self._calls = 0
        self._met = 0

    def next(self) -> bool:
        self._calls += 1
        fault, number = self.fault, self._calls - self.fault.after
        if number <= 0 or (fault.times and self._met >= fault.times):
            return False
        if fault.chance is not None:
            meets = self._chance.random() < fault.chance
        else:
            meets = number % (fault.every or 1) == 0
        self._met += meets
        return meets


def dice_of(faults: Faults, seed: int) -> Mapping[str, Dice]:
    """Fresh dice for each endpoint's name."""
    by_name: dict[str, Any] = {part.name: getattr(faults, part.name) for part in fields(Faults)}
    return {name: Dice(own, f"{seed}:{name}") for name, own in by_name.items()}
