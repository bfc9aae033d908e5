"""What became of a run's accepted messages: its records and the account's receipts, joined."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from wxpush.app.doubtful import RECEIPT, SETTLED
from wxpush.app.proven import ledger_changed, of_no_other, other_runs
from wxpush.app.results import DeliveryFigures
from wxpush.app.surroundings import Surroundings
from wxpush.app.suspects import RunSuspects
from wxpush.channels.wechat.addresses import USUAL_OPENID
from wxpush.delivery import ledger, trials
from wxpush.delivery.fates import Fate, Fates
from wxpush.delivery.identity import hash64
from wxpush.delivery.nearest import LATE_S, Takers
from wxpush.delivery.receipts import any_receipts, receipts
from wxpush.delivery.records import Mark, Record
from wxpush.delivery.run import RunCard, RunFolder
from wxpush.errors import InputError, StateError, StorageError, WxpushError
from wxpush.model import USER_BLOCK, Receipt

_FAILED: Final = "failed:"
_LONGEST_S: Final = 24 * 3600


def receipts_folder(card: RunCard, around: Surroundings) -> Path:
    """Where the receipts of the run's account are, if it has any."""
    return around.directories.receipts_path(card.origin, card.appid)


def is_key_alone(key: str, to: str) -> bool:
    """Whether a ledger of wxpush 0.1 gives the key for the openid: only the msgid says whose a receipt is."""
    return to == key and not USUAL_OPENID.fullmatch(to)


def delivery_of(
    folder: RunFolder,
    card: RunCard,
    around: Surroundings,
    *,
    log: Path | None = None,
    read_to: int | None = None,
) -> "Delivery | None":
    """How the run's accepted messages ended; None where its account has no receipts.

    Reads receipts and ledger without a lock, also while they are written; `log` is where the receipts are,
    by default those of the account that the run's card names; of a run that goes on, `read_to` is the last
    block that counts. Raises DamagedStateError.
    """
    log = log or receipts_folder(card, around)
    if not any_receipts(log):
        return None
    return joined(folder, card, around, lambda: Fates(receipts(log)), read_to=read_to)


def joined(
    folder: RunFolder,
    card: RunCard,
    around: Surroundings,
    read: Callable[[], Fates],
    *,
    read_to: int | None = None,
) -> "Delivery":
    """The same with the receipts that `read` gives, anew at each call. Raises DamagedStateError."""
    fates = read()
    others = _others(folder, card, around) if fates.nameless else []
    tests = _tests(card, around) if fates.nameless else []
    delivery = Delivery(folder, fates, others, tests=tests, read_to=read_to)
    if delivery.without_msgid and delivery.unconfirmed:
        by_key = _by_key(folder, card, around, read)
        return Delivery(folder, read(), others, by_key, tests, read_to) if by_key else delivery
    return delivery


def _tests(card: RunCard, around: Surroundings) -> list[Record]:
    """The account's test messages that were accepted: a receipt without a msgid can be of one of them."""
    found: list[Record] = []
    with suppress(StateError):  # their faults are told where something is settled
        trials.review(around.directories.trials_path(card.origin, card.appid), found.append)
    return [record for record in found if record.mark is Mark.ACCEPTED]


def _others(folder: RunFolder, card: RunCard, around: Surroundings) -> list[RunFolder]:
    """The account's other runs that a receipt without a msgid can be of; none where one can't be read."""
    end = max(card.updated, ledger_changed(folder)) + LATE_S
    with suppress(InputError, StateError):
        return [found for found, _card in other_runs((card.created, end), folder, card, around)]
    return []


def _by_key(
    folder: RunFolder, card: RunCard, around: Surroundings, read: Callable[[], Fates]
) -> dict[str, Fate]:
    """What became of messages that were accepted without an answer that says their msgid.

    Nothing where a run of the account can't be read: their receipts could be its.
    """
    fates = read()
    own = RunSuspects(folder, card, fates)
    keys = own.accepted()
    if not keys:
        return {}
    try:
        found = of_no_other(own, keys, folder, card, around, fates)
    except StorageError:
        raise
    except WxpushError:
        return {}
    return {key: receipt.fate for key, receipt in found.items() if receipt.msgid}


class Delivery:
    """The run's accepted messages by what their receipts say; iterate as often as needed.

    Accepted = delivered + undelivered + unconfirmed, of which no receipt came. Iterating gives each accepted
    record with its receipt, in the order of the ledger; of a receipt that came in several copies it isn't
    kept when it was told: `received` is its own time.
    """

    def __init__(
        self,
        folder: RunFolder,
        fates: Fates,
        others: Sequence[RunFolder] = (),
        by_key: Mapping[str, Fate] | None = None,
        tests: Sequence[Record] = (),
        read_to: int | None = None,
    ) -> None:
        """`others` are runs whose messages receipts without a msgid can be of, too, and so are `tests`.

        `by_key` tells of messages whose msgid nobody knows; blocks of the ledger past `read_to` don't count.
        """
        self._read_to = read_to
        self._folder, self._fates, self._by_key = folder, fates, by_key or {}
        self._takers = Takers()
        self.delivered = 0
        self.unconfirmed = 0
        self.without_msgid = 0
        """Accepted messages whose msgid no answer told."""
        self._undelivered: Counter[str] = Counter()
        self._seconds: Counter[int] = Counter()
        if fates.nameless:
            self._note_takers(accepted(folder, read_to), self._by_key)
            for other in others:
                with suppress(StateError):  # its faults are told where it is looked at itself
                    self._note_takers(accepted(other), {}, others=True)
            self._note_takers(tests, {}, others=True)
            self._takers.assign(fates.nameless.of, fates.time_of)
        for record, fate in self._joined():
            self._count(record, fate)

    def __iter__(self) -> Iterator[tuple[Record, Receipt | None]]:
        for record, fate in self._joined():
            yield record, fate and Receipt(record.msgid or 0, record.to, fate.status, fate.at, float(fate.at))

    @property
    def accepted(self) -> int:
        """All of them."""
        return self.delivered + self.undelivered + self.unconfirmed

    @property
    def undelivered(self) -> int:
        """Messages that WeChat accepted and then couldn't deliver."""
        return self._undelivered.total()

    @property
    def reasons(self) -> Mapping[str, int]:
        """The undelivered ones by status, most first: `user block`, `system failed`, or as it came."""
        return dict(sorted(self._undelivered.items(), key=lambda item: (-item[1], item[0])))

    @property
    def rate(self) -> float | None:
        """The share of delivered ones among those of which a receipt came; None where none did."""
        known = self.delivered + self.undelivered
        return self.delivered / known if known else None

    @property
    def median_s(self) -> int | None:
        """Seconds from WeChat's answer to the delivery, which half of the delivered took at most.

        Both times are whole seconds: 0 means less than one or two. None where nothing was delivered.
        """
        return self._within(0.5)

    @property
    def p99_s(self) -> int | None:
        """The same for 99 of 100; above a day it is a day."""
        return self._within(0.99)

    @property
    def seconds(self) -> Mapping[int, int]:
        """How many were delivered after so many seconds."""
        return self._seconds

    def refused(self) -> Iterator[tuple[str, int]]:
        """Openid and time of everybody whose phone refused the message (`failed:user block`)."""
        for record, fate in self._joined():
            if fate is not None and fate.status == USER_BLOCK:
                yield record.to, fate.at

    def figures(self) -> DeliveryFigures:
        """The numbers alone."""
        return DeliveryFigures(
            self.delivered, self.reasons, self.unconfirmed, self.rate, self.median_s, self.p99_s
        )

    def _joined(self) -> Iterator[tuple[Record, Fate | None]]:
        fates, nameless = self._fates, bool(self._fates.nameless)
        hand_out = self._takers.handing_out()
        for record in accepted(self._folder, self._read_to):
            fate = named(record, fates) if record.msgid else self._by_key.get(record.key)
            if fate is None and nameless:
                packed = hand_out(hash64(record.to), record.at)
                fate = None if packed is None else fates.unpacked(packed)
            yield record, fate

    def _note_takers(
        self, records: Iterable[Record], known: Collection[str], *, others: bool = False
    ) -> None:
        """Note the accepted messages that receipts without a msgid can be of."""
        fates = self._fates
        for record in records:
            who = hash64(record.to)
            if who not in fates.nameless:
                continue
            if record.msgid and named(record, fates) is not None:
                fates.drop_double(record.msgid, who)
            elif record.msgid or record.key not in known:
                self._takers.note(who, record.at, others=others)

    def _count(self, record: Record, fate: Fate | None) -> None:
        self.without_msgid += not record.msgid
        if fate is None:
            self.unconfirmed += 1
        elif not fate.is_delivered:
            self._undelivered[fate.status.removeprefix(_FAILED)] += 1
        else:
            self.delivered += 1
            if record.code not in (SETTLED, RECEIPT):  # whose times say nothing of the answer
                self._seconds[min(max(fate.at - record.at, 0), _LONGEST_S)] += 1

    def _within(self, share: float) -> int | None:
        wanted, passed = share * self._seconds.total(), 0
        for seconds in sorted(self._seconds):
            passed += self._seconds[seconds]
            if passed >= wanted:
                return seconds
        return None


def named(record: Record, fates: Fates) -> Fate | None:
    """What the receipt says that names the message's msgid and its person."""
    if not record.msgid or not fates.names_any:
        return None
    return fates.fate(record.msgid, None if is_key_alone(record.key, record.to) else hash64(record.to))


def accepted(folder: RunFolder, read_to: int | None = None) -> Iterator[Record]:
    """What was accepted is so for good: no record of the same message follows. Up to that block."""
    for place, record in ledger.records(folder.ledger):
        if read_to is not None and place.block > read_to:
            return
        if record.mark is Mark.ACCEPTED:
            yield record
