"""Files of pushes that another system wrote down: XML documents and JSON lines, one after another."""

import re
from collections.abc import Iterator, Mapping, Sequence
from io import BufferedIOBase
from typing import Any, Final, NamedTuple

from wxpush.channels.wechat.crypto import Cipher, UndecipheredError
from wxpush.channels.wechat.events import BadEventError, Event, as_receipt, names_oddly, parse, read
from wxpush.fastjson import loads
from wxpush.i18n import _
from wxpush.model import Receipt

_CHUNK: Final = 64 * 1024
_MOST_ENTRY: Final = 1024 * 1024
_BEGIN: Final = b"<xml"
_END: Final = b"</xml>"
_END_OR_NEXT: Final = re.compile(rb"</xml>|\n(?:[^\n<{]*<xml|\{)")
"""The end of a document, or the line on which another entry begins."""
_OWN: Final = frozenset({"msgid", "to", "status", "at"})


class Entry(NamedTuple):
    """One push as it was written down, with its first line's number; `fault` says why it is none."""

    line: int
    body: bytes
    fault: str = ""


class LacksFieldError(Exception):
    """A line that hasn't the field that the pushes are in: of another kind."""


def entries(stream: BufferedIOBase) -> Iterator[Entry]:
    """Every push of a file, in constant memory; what stands before an XML document on its line is skipped.

    NUL bytes, which a crash leaves in a log, are passed over; a file of nothing else has a fault.
    """
    return _Splitter(stream).entries()


class _Splitter:
    """A window on the file that moves on from push to push."""

    def __init__(self, stream: BufferedIOBase) -> None:
        self._stream = stream
        self._window, self._line, self._ended = b"", 1, False
        self._has_nul = self._has_more = False

    def entries(self) -> Iterator[Entry]:
        while self._skip_blanks():
            self._has_more = True
            if self._window.startswith(b"{"):
                yield self._json_line()
            elif self._window.startswith(_BEGIN):
                yield self._document()
            elif (entry := self._other()) is not None:
                yield entry
        if self._has_nul and not self._has_more:
            yield Entry(1, b"", _("nothing but NUL bytes"))

    def _skip_blanks(self) -> bool:
        """To the next thing that is there; whether there is one."""
        while True:
            rest = self._window.lstrip(b"\xef\xbb\xbf \t\r\n\0")
            self._has_nul |= b"\0" in self._take(len(self._window) - len(rest))
            if rest:
                return True
            if not self._more():
                return False

    def _json_line(self) -> Entry:
        line, size = self._line, self._find(b"\n")
        if size is None:
            return Entry(line, self._take(self._line_end()), _("longer than 1 MiB"))
        return Entry(line, self._take(size))

    def _document(self) -> Entry:
        line, found = self._line, self._end_or_next()
        if found is not None and found[0] == _END:
            return Entry(line, self._take(found.end()))
        size = len(self._window) if found is None else found.start()
        return Entry(line, self._take(size), _("an XML document without an end"))

    def _end_or_next(self) -> re.Match[bytes] | None:
        """None where the file ends before, or that is further off than an entry is long."""
        begin = 0
        while (found := _END_OR_NEXT.search(self._window, begin)) is None:
            # What the window cuts in two begins on its last line, or in its last letters.
            begin = max(0, min(self._window.rfind(b"\n"), len(self._window) - len(_END)))
            if len(self._window) > _MOST_ENTRY or not self._more():
                return None
        return found

    def _other(self) -> Entry | None:
        """What is neither; None where a document follows on the line, and for a prolog."""
        line, size = self._line, self._line_end()
        begin = self._window.find(_BEGIN, 0, size)
        if begin >= 0:
            self._take(begin)
            return None
        text = self._take(size)
        return None if text.startswith(b"<?xml") else Entry(line, text, _("neither XML nor a JSON object"))

    def _line_end(self) -> int:
        size = self._find(b"\n")
        return len(self._window) if size is None else size

    def _find(self, mark: bytes) -> int | None:
        """Where `mark` is, or the file ends; None where that is further off than an entry is long."""
        begin = 0
        while (found := self._window.find(mark, begin)) < 0:
            if len(self._window) > _MOST_ENTRY:
                return None
            begin = max(0, len(self._window) - len(mark) + 1)
            if not self._more():
                return len(self._window)
        return found

    def _more(self) -> bool:
        if not self._ended:
            chunk = self._stream.read1(_CHUNK)  # what is there: a Ctrl-C between two reads must be seen
            self._ended = not chunk
            self._window += chunk
        return not self._ended

    def _take(self, size: int) -> bytes:
        taken, self._window = self._window[:size], self._window[size:]
        self._line += taken.count(b"\n")
        return taken


def event_of(body: bytes, field: str | None, ciphers: Sequence[Cipher], received: float) -> Event:
    """The event in an entry; `field` names where in a JSON object the push is, with dots for inner ones.

    Raises BadEventError, LacksFieldError.
    """
    if not body.startswith(b"{"):
        return _read(_opened(parse(body), ciphers), received)
    fields = _object(body)
    if field is not None:
        fields = _within(fields, field)
    elif fields.keys() >= _OWN:
        return as_receipt(fields, received)
    if not {"MsgType", "Encrypt"} & fields.keys():
        raise BadEventError(_("no push of WeChat's (name the field that it is in with --field)"))
    return _read(_opened(fields, ciphers), received)


def _read(fields: Mapping[str, Any], received: float) -> Event:
    event = read(fields, received)
    if isinstance(event, Receipt) and names_oddly(fields):
        raise BadEventError(_("a msgid that is no number of WeChat's"))
    return event


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise BadEventError(_("broken JSON")) from None
    if not isinstance(value, dict):
        raise BadEventError(_("no JSON object"))
    return value


def _within(fields: Mapping[str, Any], field: str) -> dict[str, Any]:
    value: Any = fields
    for name in field.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, str) and value.strip():
        return parse(value.encode("utf-8", "replace"))
    if not isinstance(value, dict):
        raise LacksFieldError
    return value


def _opened(fields: dict[str, Any], ciphers: Sequence[Cipher]) -> dict[str, Any]:
    """What is within an encrypted push; in compatible mode it says the same as the outside."""
    encrypted = fields.get("Encrypt")
    if not isinstance(encrypted, str) or "MsgType" in fields:
        return fields
    for cipher in ciphers:
        try:
            return parse(cipher.decrypt(encrypted))
        except UndecipheredError:
            continue
    if ciphers:
        raise BadEventError(_("encrypted with another key"))
    raise BadEventError(_("encrypted, and the account has no EncodingAESKey"))
