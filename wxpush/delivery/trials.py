"""The test messages of an account, which belong to no run: receipts of theirs come, too.

A log (journal.py) of blocks: what was promised before it was sent, and what became of it. Texts aren't kept.
"""

import shlex
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from wxpush.delivery.journal import Journal, blocks, damage_told
from wxpush.delivery.records import FINAL, Claim, Record, dump_claims, dump_records, load_claims, load_records
from wxpush.errors import DamagedStateError
from wxpush.fastjson import dumps, loads
from wxpush.i18n import _
from wxpush.model import Message


class TrialLog:
    """Keeps what became of the messages of one trial, as a ledger does of a run's."""

    def __init__(self, folder: Path, name: str) -> None:
        """Open or make the log in `folder`; `name` tells the trial from all others.

        Raises DamagedStateError, UnsafeStateError, StorageError.
        """
        self._name = name
        with _damage_told(folder):
            self._journal = Journal(folder)

    def commit(self, records: Sequence[Record], claims: Sequence[Claim] = ()) -> None:
        """Keep outcomes, and then claims; durable when it returns. Raises StorageError."""
        if records or claims:
            ended = dump_records([_bare(record) for record in records]) if records else ""
            begun = dump_claims([_unwritten(claim) for claim in claims]) if claims else ""
            self._journal.append(dumps({"trial": self._name, "r": ended, "c": begun}))

    def close(self) -> None:
        """Let go of the files."""
        self._journal.close()


def review(folder: Path, visit: Callable[[Record], object]) -> list[Claim]:
    """Show `visit` every record, and return the claims that none of them has ended.

    The keys tell all trials' messages apart. Also while another process adds to the log. Raises
    DamagedStateError.
    """
    claims: dict[str, Claim] = {}
    with _damage_told(folder):
        for text in blocks(folder):
            ended, begun = _opened(text)
            for record in ended:
                if record.mark in FINAL:
                    claims.pop(record.key, None)
                visit(record)
            claims |= {claim.message.key: claim for claim in begun}
    return list(claims.values())


def _key(name: str, key: str) -> str:
    return f"{name}\x1f{key}"


def _bare(record: Record) -> Record:
    return record._replace(detail="", payload="", fields="")


def _unwritten(claim: Claim) -> Claim:
    return claim._replace(message=claim.message._replace(payload="", fields=""))


def _opened(text: str) -> tuple[list[Record], list[Claim]]:
    try:
        block: dict[str, Any] = loads(text)
        name = str(block["trial"])
        records = load_records(block["r"]) if block["r"] else []
        claims = load_claims(block["c"]) if block["c"] else []
    except (ValueError, TypeError, KeyError, DamagedStateError):
        raise DamagedStateError("a block of another kind") from None  # its owner finds the words
    return (
        [record._replace(key=_key(name, record.key)) for record in records],
        [claim._replace(message=_named(name, claim.message)) for claim in claims],
    )


def _damage_told(folder: Path) -> AbstractContextManager[None]:
    return damage_told(
        _("The test messages noted in {path} can't be read.").format(path=folder),
        _(
            "Restore the folder from a backup, or move it away ({command}): a receipt of a test message may "
            "then be taken for another message's."
        ).format(command=shlex.join(["mv", str(folder), f"{folder}.damaged"])),
    )


def _named(name: str, message: Message) -> Message:
    return message._replace(key=_key(name, message.key))
