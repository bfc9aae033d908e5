"""The messages of an account that WeChat may have accepted under a msgid that nobody knows."""

from collections.abc import Collection, Iterator, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from wxpush.app.doubtful import RECEIPT, SETTLED
from wxpush.delivery import ledger, trials
from wxpush.delivery.fates import Fates
from wxpush.delivery.identity import hash64
from wxpush.delivery.ledger import Place
from wxpush.delivery.nearest import EARLY_S, LATE_S
from wxpush.delivery.proofs import Suspect
from wxpush.delivery.records import Claim, Mark, Record
from wxpush.delivery.run import RunCard, RunFolder

#: A claim is sent under its id for eight minutes at most, its last call and WeChat's delivery take the rest.
#: What is in doubt is noted with the time of its claim or of any attempt.
ON_ITS_WAY_S: Final = 600
#: WeChat reviews a message for half an hour, and then delivers it by itself.
_ANSWER_S: Final = 60
_UNCLEAR: Final = frozenset({Mark.SILENT, Mark.BUSY, Mark.IN_DOUBT, Mark.HELD})


@dataclass(slots=True)
class _Unclear:
    """What is known of one message: the time its receipt can be of, its epochs, its latest record."""

    who: int
    earliest: int
    latest: int
    epochs: set[int] = field(default_factory=set)
    mark: Mark | None = None
    code: str = ""
    place: Place | None = None
    """Of its latest record; None while its claim is open."""

    @property
    def is_open(self) -> bool:
        """Whether it isn't decided yet, so that a receipt settles it."""
        if self.place is None or self.mark in (Mark.IN_DOUBT, Mark.HELD):
            return True
        return self.mark is Mark.RELEASED and self.code == SETTLED  # to be sent again, as somebody decided

    def may_be_told(self, earliest: int, latest: int) -> None:
        """Its receipt can be of this time, too."""
        self.earliest, self.latest = min(self.earliest, earliest), max(self.latest, latest)


class Suspects:
    """Those among what `_note` and `_note_claim` are told of, the receipts of whose known messages are taken.

    `name` is what their names begin with; what was settled by somebody is from after `begun`.
    """

    def __init__(self, name: str, begun: int, fates: Fates) -> None:
        self._name, self._begun, self._fates = name, begun, fates
        self._unclear: dict[str, _Unclear] = {}

    def __iter__(self) -> Iterator[Suspect]:
        for key, one in self._unclear.items():
            if one.epochs:
                yield Suspect((self._name, key), one.who, one.earliest, one.latest, len(one.epochs))

    def bystanders(self, wanted: Set[int]) -> Iterator[Suspect]:
        """Accepted messages to these people that only a receipt without a msgid can be of."""
        for record in self._records():
            if record.mark is not Mark.ACCEPTED or not record.msgid:
                continue
            who = hash64(record.to)
            if who in wanted and not self._fates.fate(record.msgid, who):
                name = self._name, f"{record.key}\x1f{record.msgid}"
                yield Suspect(name, who, record.at - EARLY_S, record.at + LATE_S)

    def _records(self) -> Iterator[Record]:
        """All that there are."""
        raise NotImplementedError

    def _note(self, record: Record) -> _Unclear | None:
        """Take in what comes next; returns what is known of its message where that is unclear."""
        if record.mark is Mark.ACCEPTED:
            self._note_accepted(record)
        known = self._unclear.get(record.key)  # which that may have made
        if record.mark in _UNCLEAR:
            known = self._seen(record.key, record.to, record.epoch, *_span(record))
        if known is not None:
            known.mark, known.code = record.mark, record.code
        return known

    def _note_accepted(self, record: Record) -> None:
        known = self._unclear.get(record.key)
        if record.msgid:
            self._fates.take(record.msgid)
            if known is not None:
                known.epochs.discard(record.epoch)
        elif record.code == RECEIPT:
            one = self._seen(record.key, record.to, record.epoch, record.at, record.at)
            one.earliest = one.latest = record.at
        elif record.code != SETTLED:
            self._seen(record.key, record.to, record.epoch, record.at - ON_ITS_WAY_S, record.at + LATE_S)
        elif known is None:
            self._seen(record.key, record.to, record.epoch, self._begun - EARLY_S, record.at + ON_ITS_WAY_S)

    def _note_claim(self, claim: Claim) -> None:
        message, made = claim.message, int(claim.made.wall)
        one = self._seen(message.key, message.to, message.epoch, made - EARLY_S, made + ON_ITS_WAY_S)
        one.place = None

    def _seen(self, key: str, to: str, epoch: int, earliest: int, latest: int) -> _Unclear:
        one = self._unclear.get(key)
        if one is None:
            one = self._unclear[key] = _Unclear(hash64(to), earliest, latest)
        one.may_be_told(earliest, latest)
        one.epochs.add(epoch)
        return one


class RunSuspects(Suspects):
    """One run's: read without a lock; takes the receipts of its known messages out of `fates`."""

    def __init__(self, folder: RunFolder, card: RunCard, fates: Fates) -> None:
        """Raises DamagedStateError."""
        super().__init__(str(folder.path), int(card.created), fates)
        self._folder = folder
        self.claims = {claim.message.key: claim for claim in ledger.review(folder.ledger, self._note_at)}
        """The claims that are open, by key."""
        for claim in self.claims.values():
            self._note_claim(claim)

    @property
    def run(self) -> str:
        """What its suspects' names begin with."""
        return self._name

    def unsettled(self) -> dict[str, Place | None]:
        """Those that a receipt settles, by key, with the place of their latest record; None: a claim."""
        return {key: one.place for key, one in self._unclear.items() if one.epochs and one.is_open}

    def accepted(self) -> set[str]:
        """The keys of those that are known to be accepted all the same."""
        return {
            key
            for key, one in self._unclear.items()
            if one.epochs and one.mark is Mark.ACCEPTED and one.code != RECEIPT
        }

    def span(self, keys: Collection[str]) -> tuple[int, int]:
        """The time that the receipts of these can be of; there must be one."""
        some = [self._unclear[key] for key in keys]
        return min(one.earliest for one in some), max(one.latest for one in some)

    def people(self, keys: Collection[str]) -> set[int]:
        """Whom these are for, as hash64 of the openid."""
        return {self._unclear[key].who for key in keys}

    def _records(self) -> Iterator[Record]:
        return (record for _place, record in ledger.records(self._folder.ledger))

    def _note_at(self, place: Place, record: Record) -> None:
        known = self._note(record)
        if known is not None:
            known.place = place


class TrialSuspects(Suspects):
    """Those among the account's test messages; takes the receipts of the others out of `fates`."""

    def __init__(self, folder: Path, fates: Fates) -> None:
        """Raises DamagedStateError."""
        super().__init__(str(folder), 0, fates)
        self._folder = folder
        for claim in trials.review(folder, self._note):
            self._note_claim(claim)

    def _records(self) -> Iterator[Record]:
        records: list[Record] = []
        trials.review(self._folder, records.append)
        return iter(records)


def _span(record: Record) -> tuple[int, int]:
    """The time that the receipt of an unclear message can be of."""
    if record.mark is Mark.HELD:
        return record.at - _ANSWER_S, record.at + LATE_S
    return record.at - ON_ITS_WAY_S - EARLY_S, record.at + ON_ITS_WAY_S
