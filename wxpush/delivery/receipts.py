"""The receipts of an account: what WeChat told, after it had accepted a message, of its delivery."""

import shlex
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

from wxpush.delivery import store
from wxpush.delivery.journal import Journal, blocks, damage_told
from wxpush.errors import DamagedStateError
from wxpush.fastjson import dumps, loads
from wxpush.i18n import _
from wxpush.model import Receipt

_MOST: Final = 2**64


class ReceiptLog:
    """Keeps receipts as they come; doubles too, which readers pass over."""

    def __init__(self, folder: Path) -> None:
        """Open or make the log in `folder`. Raises DamagedStateError, UnsafeStateError, StorageError."""
        with _damage_told(folder):
            self._journal = Journal(folder)

    def append(self, receipts: Sequence[Receipt]) -> None:
        """Keep receipts; durable when it returns. Raises StorageError, and then has kept none of them."""
        if receipts:
            self._journal.append(dumps([tuple(receipt) for receipt in receipts]))

    def close(self) -> None:
        """Let go of the files."""
        self._journal.close()


def any_receipts(folder: Path) -> bool:
    """Whether there is a log in `folder`."""
    return store.exists(folder)


def receipts(folder: Path) -> Iterator[Receipt]:
    """Every receipt of the log in `folder`, as they came; also while another process adds to it.

    Raises DamagedStateError.
    """
    with _damage_told(folder):
        for text in blocks(folder):
            try:
                yield from [_receipt(*packed) for packed in loads(text)]
            except (ValueError, TypeError, KeyError, OverflowError):
                raise DamagedStateError("a block of another kind") from None  # its owner finds the words


def _damage_told(folder: Path) -> AbstractContextManager[None]:
    return damage_told(
        _("The receipts in {path} can't be read.").format(path=folder),
        _(
            "Restore the folder from a backup; or move it away ({command}), and import the receipts again "
            "(wxpush receipts import FILE): until then their messages count as unconfirmed."
        ).format(command=shlex.join(["mv", str(folder), f"{folder}.damaged"])),
    )


def _receipt(msgid: Any, to: Any, status: Any, at: Any, received: Any) -> Receipt:
    if type(msgid) is not int or not 0 <= msgid < _MOST or type(at) is not int:
        raise TypeError
    if type(to) is not str or type(status) is not str:
        raise TypeError
    return Receipt(msgid, to, status, at, float(received))
