"""Held messages that didn't pass WeChat's review: asked for, and told to the ledger."""

from typing import Final

from wxpush.app.request import Surroundings
from wxpush.channels.wechat.client import WeChatClient, make_keeper
from wxpush.channels.wechat.rejected import REJECTED_PATH, Rejected, rejected_messages
from wxpush.config import load_account
from wxpush.delivery import ledger as ledgers
from wxpush.delivery.fates import Fate, Unowned
from wxpush.delivery.identity import hash64
from wxpush.delivery.ledger import Ledger
from wxpush.delivery.proofs import Suspect, proofs
from wxpush.delivery.records import Mark, Record
from wxpush.delivery.run import RunCard, RunFolder, refuse_other_account
from wxpush.model import CodeClass

#: A record bears the time of WeChat's answer, the list that of the sending.
_APART_S: Final = 120
_AT_ONCE: Final = 10_000
#: What a record of a rejected message says beside the code that it was held with.
REJECTED: Final = "rejected after review"


def fail_rejected(book: Ledger, folder: RunFolder, card: RunCard, around: Surroundings) -> int:
    """Let held messages of the run fail that WeChat has rejected; returns how many. Durable on return.

    Told apart by person, template and time; where it isn't clear which of several it was, they stay held.
    Asks WeChat only where something is held. Raises InputError, StoppedError, StorageError.
    """
    held = _held(folder)
    if not held:
        return 0
    rejected = _ask(card, around)
    suspects = [
        Suspect(("", key), hash64(one.to), one.at - _APART_S, one.at + _APART_S) for key, one in held.items()
    ]
    listed = [Unowned(one.id, hash64(one.openid), Fate(REJECTED, one.at)) for one in rejected]
    found = [held[key] for _run, key in proofs(suspects, listed)]
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
