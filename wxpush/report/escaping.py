"""Text of others for a page: nothing in it becomes markup, and what would hide or reorder is written out."""

import re
import unicodedata
from html import escape
from typing import Final

_TYPED: Final = re.compile("`([^`]+)`")
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def seen(text: str) -> str:
    """`text` in one line, with every control, format, private or unassigned character as `\\uXXXX`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_written(char) if unicodedata.category(char) in _UNSEEN else char for char in text)


def shown(text: str) -> str:
    """The same, escaped for HTML: in an element or in a quoted attribute."""
    return escape(seen(text))


def prose(text: str) -> str:
    """The same for a text of ours, in which backticks hold what is typed."""
    return _TYPED.sub(r"<code>\1</code>", shown(text))


def _written(char: str) -> str:
    number = ord(char)
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
