"""How the messages of an account ended, by its receipts: in memory, in 24 bytes a receipt."""

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from functools import reduce
from itertools import chain
from typing import Final, NamedTuple

from wxpush.delivery.identity import hash64
from wxpush.model import Receipt

DELIVERED: Final = "success"

_BUCKETS: Final = 4096
_SPREAD: Final = 0x9E3779B97F4A7C15
_STATUS_BITS: Final = 12
_MOST_STATUSES: Final = 2**_STATUS_BITS - 1
_TAKEN: Final = 1
_LATEST: Final = 2**40
_OTHER: Final = "failed:other"


class Fate(NamedTuple):
    """How one message ended: `success` or why it failed, and when, in Unix time, whole seconds."""

    status: str
    at: int

    @property
    def is_delivered(self) -> bool:
        """Whether the person was shown the message."""
        return self.status == DELIVERED


class Unowned(NamedTuple):
    """A receipt that was taken for no message; `msgid` is 0 where it named none, `who` is hash64(openid)."""

    msgid: int
    who: int
    fate: Fate


class Fates:
    """The receipts of an account, each message's once, however often and in whatever order they came.

    A message ends once; where its receipts contradict each other, the earliest counts by its own time, and
    of the same second success. The same msgid of another person is another message: a receipt is of the
    person it names. Those without a msgid are told apart by person, time and status. After 4,095 statuses
    that differ, any other one reads `failed:other`.
    """

    def __init__(self, receipts: Iterable[Receipt] = ()) -> None:
        self._statuses = [DELIVERED]
        self._numbers = {DELIVERED: 0}
        self._ids = [array("Q") for _ in range(_BUCKETS)]
        self._facts = [array("Q") for _ in range(_BUCKETS)]
        self._people = [array("Q") for _ in range(_BUCKETS)]
        self.nameless = Nameless()
        """Those that say no msgid."""
        self.names_any = False
        """Whether any receipt says a msgid; some systems pass none on."""
        self.count = 0
        """How many messages are known to have ended, those without a msgid included."""
        for receipt in receipts:
            self.add(receipt)

    def fate(self, msgid: int, who: int | None = None) -> Fate | None:
        """How the message `msgid` to `who`, hash64(openid), ended, None where no receipt of it tells.

        Without `who`, whomever the receipt names; of several the earliest.
        """
        number, begin, end = self._range(msgid)
        facts, people = self._facts[number], self._people[number]
        found = [facts[place] for place in range(begin, end) if who in (None, people[place])]
        return self.unpacked(reduce(self._first, found)) if found else None

    def take(self, msgid: int) -> None:
        """Note that the receipts of `msgid`, if there are any, are of a known message, or of none."""
        number, begin, end = self._range(msgid)
        for place in range(begin, end):
            self._facts[number][place] |= _TAKEN

    def unowned(self, wanted: Set[int]) -> Iterator[Unowned]:
        """The receipts of these people that were taken for no message, those without a msgid among them.

        One without a msgid that says what another one says of the same person and second is that one again,
        as another system took it in.
        """
        named: set[tuple[int, int]] = set()
        for ids, facts, people in zip(self._ids, self._facts, self._people, strict=True):
            for msgid, fact, who in zip(ids, facts, people, strict=True):
                if who in wanted:
                    named.add((who, fact & ~_TAKEN))
                    if not fact & _TAKEN:
                        yield Unowned(msgid, who, self.unpacked(fact))
        for who in wanted:
            for fact in self.nameless.of(who):
                if (who, fact) not in named:
                    yield Unowned(0, who, self.unpacked(fact))

    def statuses(self) -> Counter[str]:
        """How many messages ended with which status; `count` of them in all."""
        facts = chain.from_iterable(chain(self._facts, self.nameless.facts()))
        numbers = Counter(fact >> 1 & _MOST_STATUSES for fact in facts)
        return Counter({self._statuses[number]: count for number, count in numbers.items()})

    def span(self) -> tuple[int, int]:
        """When the first and the last message ended, as far as it is told; there must be one."""
        buckets = [bucket for bucket in (*self._facts, *self.nameless.facts()) if bucket]
        return self.unpacked(min(map(min, buckets))).at, self.unpacked(max(map(max, buckets))).at

    def people_left(self) -> set[int]:
        """Whose receipts, as hash64 of the openid, were not all taken for known messages."""
        buckets = zip(self._facts, self._people, strict=True)
        left = {
            who
            for facts, people in buckets
            for fact, who in zip(facts, people, strict=True)
            if not fact & _TAKEN
        }
        return left | self.nameless.people()

    def tells(self, who: int, fate: Fate) -> bool:
        """Whether a receipt without a msgid says this of a person."""
        return any(self.unpacked(fact) == fate for fact in self.nameless.of(who))

    def drop_double(self, msgid: int, who: int) -> None:
        """Forget the receipt of this person without a msgid that says what that of `msgid` says."""
        number, place, found = self._look_up(msgid, who)
        if found:
            self.nameless.discard(who, self._facts[number][place] & ~_TAKEN)

    def unpacked(self, fact: int) -> Fate:
        """A fate from the form in which it is kept."""
        status = fact >> 1 & ((1 << _STATUS_BITS) - 1)
        return Fate(self._statuses[status], self.time_of(fact))

    @staticmethod
    def time_of(fact: int) -> int:
        """When it ended, from the form in which it is kept."""
        return fact >> (_STATUS_BITS + 1)

    def add(self, receipt: Receipt) -> None:
        """Take in what one more receipt says."""
        msgid, to, status, at, _received = receipt
        fact = min(max(at, 0), _LATEST) << (_STATUS_BITS + 1) | self._number(status) << 1
        if not msgid:
            self.count += self.nameless.add(hash64(to), fact)
            return
        who = hash64(to)
        number, place, found = self._look_up(msgid, who)
        if found:
            self._facts[number][place] = self._first(self._facts[number][place], fact)
            return
        self.count += 1
        self.names_any = True
        self._ids[number].insert(place, msgid)
        self._facts[number].insert(place, fact)
        self._people[number].insert(place, who)

    def _look_up(self, msgid: int, who: int) -> tuple[int, int, bool]:
        number, begin, end = self._range(msgid)
        place = bisect_left(self._people[number], who, begin, end)
        return number, place, place < end and self._people[number][place] == who

    def _range(self, msgid: int) -> tuple[int, int, int]:
        """The bucket of a msgid, and where its receipts begin and end there: one for each person."""
        number = msgid * _SPREAD >> 52 & (_BUCKETS - 1)
        ids = self._ids[number]
        begin = end = bisect_left(ids, msgid)
        while end < len(ids) and ids[end] == msgid:
            end += 1
        return number, begin, end

    def _number(self, status: str) -> int:
        if status not in self._numbers and len(self._statuses) >= _MOST_STATUSES:
            status = _OTHER
        number = self._numbers.setdefault(status, len(self._statuses))
        if number == len(self._statuses):
            self._statuses.append(status)
        return number

    def _first(self, one: int, other: int) -> int:
        """Which of two that contradict each other counts, whichever came first."""
        a, b = self.unpacked(one), self.unpacked(other)
        return min((a.at, not a.is_delivered, a.status, one), (b.at, not b.is_delivered, b.status, other))[3]


class Nameless:
    """Receipts that name no message, by person and time; 16 bytes each."""

    def __init__(self) -> None:
        self._people = [array("Q") for _ in range(_BUCKETS)]
        self._facts = [array("Q") for _ in range(_BUCKETS)]
        self._some = False

    def __bool__(self) -> bool:
        return self._some

    def add(self, who: int, fact: int) -> bool:
        """Take one in; false where it is known."""
        people, facts, place, found = self._look_up(who, fact)
        if found:
            return False
        people.insert(place, who)
        facts.insert(place, fact)
        self._some = True
        return True

    def discard(self, who: int, fact: int) -> None:
        """Forget one, if it is known."""
        people, facts, place, found = self._look_up(who, fact)
        if found:
            people.pop(place)
            facts.pop(place)

    def __contains__(self, who: int) -> bool:
        people = self._people[who % _BUCKETS]
        place = bisect_left(people, who)
        return place < len(people) and people[place] == who

    def facts(self) -> Iterator[Sequence[int]]:
        """All of them, in no order, as they are kept."""
        return iter(self._facts)

    def people(self) -> set[int]:
        """Everybody of whom there is one."""
        return {who for people in self._people for who in people}

    def of(self, who: int) -> list[int]:
        """Those of one person, the earliest first."""
        people, facts = self._people[who % _BUCKETS], self._facts[who % _BUCKETS]
        found = []
        for place in range(bisect_left(people, who), len(people)):
            if people[place] != who:
                break
            found.append(facts[place])
        return found

    def _look_up(self, who: int, fact: int) -> tuple["array[int]", "array[int]", int, bool]:
        people, facts = self._people[who % _BUCKETS], self._facts[who % _BUCKETS]
        place = bisect_left(people, who)
        while place < len(people) and people[place] == who and facts[place] < fact:
            place += 1
        found = place < len(people) and people[place] == who and facts[place] == fact
        return people, facts, place, found
