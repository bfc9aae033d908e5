"""A world of its own for the engine: a clock that jumps, a channel of a few lines, a ledger in memory."""

import heapq
import itertools
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from wxpush.app.observing import Chorus
from wxpush.clock import Clock
from wxpush.delivery.engine import Ending, Engine, Settings
from wxpush.delivery.gate import Gate, GateRules
from wxpush.delivery.identity import MessageIds, RunId
from wxpush.delivery.ports import Notice, Observer, Progress, Waiting
from wxpush.delivery.records import FINAL, Claim, Mark, Record
from wxpush.errors import StorageError
from wxpush.model import (
    Answered,
    Arrival,
    CodeClass,
    Event,
    Message,
    Quota,
    QuotaRead,
    Verdict,
    VerdictKind,
)

RUN = RunId("https://api.weixin.qq.com", "wx0123456789abcdef", "orders")
#: 2026-11-23 10:00 in Beijing.
MORNING = 1_795_399_200.0

OK = Verdict(VerdictKind.ACCEPTED, "0", CodeClass.TRANSIENT, Arrival.ANSWERED, msgid=3717005636572528642)
UNFOLLOWED = Verdict(VerdictKind.FAIL, "43004", CodeClass.RECIPIENT, Arrival.ANSWERED)
BAD_VALUE = Verdict(VerdictKind.FAIL, "47003", CodeClass.MESSAGE, Arrival.ANSWERED)
BUSY = Verdict(VerdictKind.AGAIN, "-1", CodeClass.TRANSIENT, Arrival.BUSY)
SILENT = Verdict(VerdictKind.AGAIN, "timeout", CodeClass.TRANSIENT, Arrival.SILENT)
REFUSED_CONNECTION = Verdict(VerdictKind.AGAIN, "network", CodeClass.TRANSIENT, Arrival.NEVER_LEFT)
DUPLICATE = Verdict(VerdictKind.DUPLICATE, "40241", CodeClass.UNKNOWN, Arrival.ANSWERED)
HELD = Verdict(VerdictKind.HOLD, "40252", CodeClass.UNKNOWN, Arrival.ANSWERED)
MINUTE_LIMIT = Verdict(VerdictKind.SLOW_DOWN, "45011", CodeClass.THROTTLE, Arrival.ANSWERED)
QUOTA_SPENT = Verdict(VerdictKind.STOP, "45009", CodeClass.THROTTLE, Arrival.ANSWERED)
FORBIDDEN = Verdict(VerdictKind.STOP, "48004", CodeClass.ACCOUNT, Arrival.ANSWERED)
TOO_OFTEN = Verdict(VerdictKind.AGAIN, "43117", CodeClass.THROTTLE, Arrival.ANSWERED, recipient_last=True)
TOKEN_REFUSED = Verdict(VerdictKind.AGAIN, "40001", CodeClass.ACCOUNT, Arrival.ANSWERED, token_refused=True)

Answer = Callable[["Post"], Verdict]


@dataclass(frozen=True)
class Post:
    """One submission: whom it was for, its id, when, and the how manieth of its key."""

    key: str
    client_msg_id: str
    at: float
    nth: int


class Time:
    """A clock that only the channel moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.wall_offset = MORNING - 1000.0

    def clock(self) -> Clock:
        return Clock(
            monotonic=lambda: self.now,
            wall=lambda: self.now + self.wall_offset,
            boot=lambda: self.now,
            boot_id=lambda: "boot-1",
        )


@dataclass
class ScriptedChannel:
    """Answers every post by `answer` after `latency` seconds of the jumping clock."""

    time: Time
    answer: Answer
    latency: float = 0.05
    workers: int = 16
    quota: Quota | None = None
    #: Where it is set, the quota counts a message when it is answered, as WeChat may.
    daily: int | None = None
    posts: list[Post] = field(default_factory=list)
    before_submit: Callable[[str], None] = lambda _key: None

    def __post_init__(self) -> None:
        self._due: list[tuple[float, int, Event]] = []
        self._number = itertools.count()
        self._times: Counter[str] = Counter()
        self._flying = 0
        self._woken = False

    def free(self) -> int:
        return self.workers - self._flying

    def submit(self, ticket: int, payload: str, client_msg_id: str) -> None:
        key = json.loads(payload)["touser"]
        self.before_submit(key)
        self._times[key] += 1
        post = Post(key, client_msg_id, self.time.now, self._times[key])
        self.posts.append(post)
        self._flying += 1
        self._push(self.latency, Answered(ticket, self.answer(post), self.latency))

    def replies(self, timeout: float) -> list[Event]:
        until = self.time.now + timeout
        if self._due and self._due[0][0] <= until:
            until = max(self.time.now, self._due[0][0])
        if not self._woken:
            self.time.now = until
        self._woken = False
        events = []
        while self._due and self._due[0][0] <= self.time.now:
            events.append(heapq.heappop(self._due)[2])
        self._flying -= sum(isinstance(event, Answered) for event in events)
        return events

    def wake(self) -> None:
        self._woken = True

    def read_quota(self) -> None:
        if self.daily is not None:
            used = len(self.posts) - self._flying
            self.quota = Quota(self.daily, used, self.daily - used)
        self._push(0.01, QuotaRead(self.quota))

    def close(self) -> None:
        pass

    def _push(self, after: float, event: Event) -> None:
        heapq.heappush(self._due, (self.time.now + after, next(self._number), event))


class MemoryLedger:
    """Keeps what the engine commits, and checks what it must never do."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.claims: dict[str, Claim] = {}
        self.most_claimed = 0
        self.commits = 0
        self.fail_after: int | None = None

    def commit(self, records: Sequence[Record], claims: Sequence[Claim] = ()) -> None:
        if self.fail_after is not None and self.commits >= self.fail_after:
            raise StorageError("no space left on device")
        self.commits += 1
        for record in records:
            self.records.append(record)
            if record.mark in FINAL:
                assert record.key in self.claims, "a record without a claim"
                del self.claims[record.key]
        for claim in claims:
            assert claim.message.key not in self.claims, "claimed twice"
            self.claims[claim.message.key] = claim
        self.most_claimed = max(self.most_claimed, len(self.claims))

    def final(self) -> dict[str, Record]:
        return {record.key: record for record in self.records if record.mark in FINAL}

    def marks(self) -> Counter[Mark]:
        return Counter(record.mark for record in self.final().values())


class Notes:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.waits: list[Waiting | None] = []
        self.notices: list[Notice] = []

    def progress(self, progress: Progress) -> None:
        pass

    def waiting(self, waiting: Waiting | None) -> None:
        self.waits.append(waiting)

    def notice(self, notice: Notice, detail: str) -> None:
        del detail
        self.notices.append(notice)


def message(key: str, row: int = 0, text: str = "已发货") -> Message:
    payload = json.dumps({"touser": key, "data": {"thing1": {"value": text}}}, ensure_ascii=False)
    return Message(key, key, payload, row, row + 2, json.dumps({"openid": key}))


def messages(number: int) -> Iterator[Message]:
    return (message(f"o{row:027d}", row) for row in range(number))


@dataclass
class World:
    """An engine with everything around it."""

    answer: Answer = lambda _post: OK
    settings: Settings = field(default_factory=lambda: Settings(rate=30.0))
    rules: GateRules | None = None
    quota: Quota | None = None
    latency: float = 0.05
    #: Makes who else is told of everything, from the world's clock.
    observer: Callable[[Clock], Observer] | None = None
    still_wanted: Callable[[Message], bool] | None = None

    def __post_init__(self) -> None:
        self.time = Time()
        self.ledger = MemoryLedger()
        self.notes = Notes()
        self.channel = ScriptedChannel(
            self.time, self.answer, self.latency, self.settings.workers, self.quota
        )
        self.channel.before_submit = self._must_be_claimed
        clock = self.time.clock()
        observers = [] if self.observer is None else [self.observer(clock)]
        self.gate = Gate(self.rules or GateRules(self.settings.rate), clock, self.quota)
        self.engine = Engine(
            self.channel,
            self.ledger,
            MessageIds(RUN).client_msg_id,
            self.gate,
            self.settings,
            Chorus([self.notes, *observers]),
            clock=clock,
            chance=random.Random(7),
            still_wanted=self.still_wanted,
            witnesses=observers,
        )

    def run(self, source: Iterator[Message | None], recovered: Sequence[Claim] = ()) -> Ending:
        for claim in recovered:
            self.ledger.claims[claim.message.key] = claim
        return self.engine.run(recovered, source)

    def _must_be_claimed(self, key: str) -> None:
        assert key in self.ledger.claims, "posted without a claim on the ledger"
