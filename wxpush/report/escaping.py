"""Text of others for a page: nothing in it becomes markup, and what would hide or reorder is written out."""

import unicodedata
from html import escape
from typing import Final

_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def seen(text: str) -> str:
    """`text` with every control, format, private or unassigned character as `\\uXXXX`: one line, as it is read."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_written(char) if unicodedata.category(char) in _UNSEEN else char for char in text)


def shown(text: str) -> str:
    """The same, escaped for HTML: in an element or in a quoted attribute."""
    return escape(seen(text))


def _written(char: str) -> str:
    number = ord(char)
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
