"""Held messages that didn't pass WeChat's review: asked for, and told to the ledger."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from wxpush.app.proven import other_runs
from wxpush.app.surroundings import Surroundings
from wxpush.app.suspects import ON_ITS_WAY_S
from wxpush.channels.wechat.client import WeChatClient, make_keeper
from wxpush.channels.wechat.rejected import REJECTED_PATH, Rejected, rejected_messages
from wxpush.config import load_account
from wxpush.delivery import ledger as ledgers
from wxpush.delivery import trials
from wxpush.delivery.fates import Fate, Unowned
from wxpush.delivery.identity import hash64
from wxpush.delivery.ledger import Ledger, Place
from wxpush.delivery.proofs import Suspect, proofs
from wxpush.delivery.records import Claim, Mark, Record
from wxpush.delivery.run import RunCard, RunFolder, refuse_other_account
from wxpush.model import CodeClass

#: A record bears the time of WeChat's answer, the list that of the sending.
_APART_S: Final = 120
_AT_ONCE: Final = 10_000
_UNANSWERED: Final = frozenset({Mark.SILENT, Mark.BUSY, Mark.IN_DOUBT})
#: What a record of a rejected message says beside the code that it was held with.
REJECTED: Final = "rejected after review"


def fail_rejected(book: Ledger, folder: RunFolder, card: RunCard, around: Surroundings) -> int:
    """Let held messages of the run fail that WeChat has rejected; returns how many. Durable on return.

    Told apart by person, template and time; where it isn't clear which of several it was, of any run of the
    account or a test, they stay held. Asks WeChat only where something is held. Raises InputError,
    StoppedError, StateError where a run of the account can't be read, StorageError.
    """
    own, held = str(folder.path), _held(folder)
    if not held:
        return 0
    rejected = _ask(card, around)  # before the ledgers: what the list tells of has been claimed by then
    wanted = {hash64(one.to) for one in held.values()}
    suspects = [one for one in _suspects(held, folder, card, around) if one.who in wanted]
    listed = [Unowned(one.id, hash64(one.openid), Fate(REJECTED, one.at)) for one in rejected]
    proven = proofs(suspects, listed)
    found = [one for one in held.values() if (own, _name(one.key, one.epoch)) in proven]
    for begin in range(0, len(found), _AT_ONCE):
        book.commit([_failed(one) for one in found[begin : begin + _AT_ONCE]])
    return len(found)


def _held(folder: RunFolder) -> dict[str, Record]:
    """By key, the messages that are in review for all the ledger knows."""
    held: dict[str, Record] = {}
    for _place, record in ledgers.records(folder.ledger):
        if record.mark is Mark.HELD:
            held[record.key] = record
        else:
            held.pop(record.key, None)
    return held


def _suspects(
    held: Mapping[str, Record], folder: RunFolder, card: RunCard, around: Surroundings
) -> Iterator[Suspect]:
    """Whatever of the account may be on the list with the time of these."""
    times = [one.at for one in held.values()]
    others = other_runs((min(times) - _APART_S, max(times) + _APART_S), folder, card, around)
    for one in (folder, *(other for other, _card in others)):
        listable = _Listable(str(one.path))
        listable.note_claims(ledgers.review(one.ledger, listable.note_at))
        yield from listable
    tests = around.directories.trials_path(card.origin, card.appid)
    listable = _Listable(str(tests))
    listable.note_claims(trials.review(tests, listable.note))
    yield from listable


class _Listable:
    """Those of one book that WeChat may have taken into review: it said so, or didn't answer.

    Also what has failed by the list, which is still on it.
    """

    def __init__(self, book: str) -> None:
        self._book = book
        self._suspects: dict[str, Suspect] = {}

    def __iter__(self) -> Iterator[Suspect]:
        return iter(self._suspects.values())

    def note(self, record: Record) -> None:
        """Take in what comes next."""
        name = _name(record.key, record.epoch)
        if record.mark is Mark.ACCEPTED:
            self._suspects.pop(name, None)
        elif record.mark is Mark.HELD:
            self._add(name, record.to, record.at, _APART_S)
        elif record.mark in _UNANSWERED:
            self._add(name, record.to, record.at, ON_ITS_WAY_S)

    def note_at(self, _place: Place, record: Record) -> None:
        """The same in a ledger."""
        self.note(record)

    def note_claims(self, claims: Iterable[Claim]) -> None:
        """Take in what is open, last of all."""
        for claim in claims:
            message = claim.message
            name = _name(message.key, message.epoch)
            self._add(name, message.to, int(claim.made.wall), ON_ITS_WAY_S)

    def _add(self, name: str, to: str, at: int, apart: int) -> None:
        known = self._suspects.get(name)
        earliest, latest = at - apart, at + apart
        if known is not None:
            earliest, latest = min(earliest, known.earliest), max(latest, known.latest)
        self._suspects[name] = Suspect((self._book, name), hash64(to), earliest, latest)


def _name(key: str, epoch: int) -> str:
    return f"{key}\x1f{epoch}"


def _ask(card: RunCard, around: Surroundings) -> list[Rejected]:
    account = load_account(None if card.account == "default" else card.account, around.environ)
    refuse_other_account(card, account.origin, account.appid)
    client = WeChatClient(account, make_keeper(account, around.directories, around.clock))
    try:
        return list(
            rejected_messages(lambda body: client.call("other", REJECTED_PATH, body), card.template_id)
        )
    finally:
        client.close()


def _failed(record: Record) -> Record:
    """WeChat's last word; what is mended reads differently, and so may be sent."""
    return record._replace(mark=Mark.FAILED, cls=CodeClass.MESSAGE, detail=REJECTED)
