"""Text of others made safe to show: nothing in it can move a cursor, hide, reorder or forge a line."""

import unicodedata

# Line and paragraph separators (Zl, Zp) are here because some terminals and editors break lines at them.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def safe(text: str) -> str:
    """`text` with every control, format, private, unassigned or lone surrogate character as `\\uXXXX`.

    Tabs and line breaks too: one text stays one line. Characters past U+FFFF become `\\UXXXXXXXX`.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(char) if unicodedata.category(char) in _UNSAFE else char for char in text)


def _escaped(char: str) -> str:
    number = ord(char)
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
