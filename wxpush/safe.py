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
    return "".join(_escaped(char) if is_unsafe(char) else char for char in text)


def is_unsafe(char: str) -> bool:
    """Whether a character can't be shown as it is."""
    return unicodedata.category(char) in _UNSAFE


def safe_json(text: str) -> str:
    """The JSON `text` with the same characters escaped as JSON has it, so that it means the same.

    Line breaks stay, since only the layout holds any.
    """
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(
        _json_escaped(char) if char != "\n" and unicodedata.category(char) in _UNSAFE else char
        for char in text
    )


def _json_escaped(char: str) -> str:
    number = ord(char)
    if number <= 0xFFFF:
        return f"\\u{number:04x}"
    high, low = divmod(number - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"


def _escaped(char: str) -> str:
    number = ord(char)
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
