"""Rows of one key: alike, so that one is enough, or at odds with each other."""

from typing import Final

from wxpush.campaign.check import Ready
from wxpush.delivery.fingerprints import Fingerprints, Seen
from wxpush.i18n import _
from wxpush.model import Message, Problem

_BITS64: Final = 2**64 - 1


class Repeats:
    """The keys of a list that were met so far, in 8 bytes a row."""

    def __init__(self) -> None:
        self._keys = Fingerprints()

    def meet(self, message: Message) -> Seen:
        """Take in a message; the first one of a key is what later ones are compared with."""
        # Python's own hashes are good for one process, and cost next to nothing.
        return self._keys.add(hash(message.key) & _BITS64, hash(message.payload) & _BITS64)


def conflict(ready: Ready, list_name: str, cell: str) -> Problem:
    """What is wrong with a row whose key (in the column `cell`) an earlier row has with other content."""
    message = ready.message
    return Problem(
        list_name,
        message.line,
        0,
        "WX330",
        _('another row with the key "{key}" has a different content.').format(key=message.key),
        _("Set `key:` in the campaign so that both are sent, or send the first with `send --keep-first`."),
        cell=cell,
    )
