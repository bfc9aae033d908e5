"""The seal of a block: a hash of its key and its text in front of the text."""

from typing import Final

from wxpush.delivery.identity import hash64
from wxpush.errors import DamagedStateError
from wxpush.i18n import _

_LENGTH: Final = 16


def sealed(key: str, text: str) -> str:
    """SQLite checks the shape of its pages, not what they hold: one bit of a key, and he gets it twice."""
    return f"{hash64(key + text):0{_LENGTH}x}{text}"


def unsealed(key: str, value: str) -> str:
    """The text of a block; raises DamagedStateError where it isn't what was written."""
    text = value[_LENGTH:]
    if value[:_LENGTH] != f"{hash64(key + text):0{_LENGTH}x}":
        raise DamagedStateError(
            _("The ledger holds a block that can't be read."), _("Restore the run's folder from a backup.")
        )
    return text
