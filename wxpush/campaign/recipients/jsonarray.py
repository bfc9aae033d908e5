"""A JSON list: one array of objects, read as a stream; a row may stand on one line or on many."""

import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from typing import Final, TextIO

from wxpush.campaign.recipients.csvrows import changed
from wxpush.campaign.recipients.encoding import TextFile
from wxpush.campaign.recipients.faults import bad_row, list_error
from wxpush.campaign.recipients.jsonrows import MAX_LINE, RowFaultError, decode_row, parse_row
from wxpush.campaign.recipients.watched import open_text
from wxpush.errors import ProblemsError
from wxpush.i18n import _
from wxpush.model import BadRow, Recipient

_CHUNK: Final = MAX_LINE
_BLANK: Final = re.compile(r"[ \t\r\n]*")
_STRING: Final = r'"(?:[^"\\]|\\.)*+"'
#: What opens, closes, or may hold a bracket that does neither.
_MARKS: Final = re.compile(_STRING + r"|[\[\]{}]", re.DOTALL)
#: A row that is no object: told of, and passed over.
_PLAIN: Final = re.compile(_STRING + r'|[^\s,\[\]{}"]+', re.DOTALL)


class JsonArrayRows:
    """One pass over the objects of a JSON array, each with the line on which it begins.

    The text is held in a window that has room for the longest row, and for no two of them.
    """

    def __init__(self, file: TextFile, name: str, *, with_ours: bool = False) -> None:
        self._file = file
        self._name = name
        self._with_ours = with_ours
        self.blanks = 0
        """None: between the rows of an array there is nothing to pass over."""

    def __iter__(self) -> Iterator[Recipient | BadRow]:
        """Every row; raises ProblemsError where the rest can't be told apart any more."""
        window = _Window()
        try:
            with open_text(self._file.path, self._file.digest, self._file.encoding) as stream:
                window.of(stream)
                yield from self._rows(window)
        except (UnicodeError, OSError) as error:
            raise changed(self._name, window.line, error) from None

    def _rows(self, window: "_Window") -> Iterator[Recipient | BadRow]:
        if window.next() != "[":
            raise self._broken(window, _('an array of objects is expected: [{{"openid": "…"}}, …].').format())
        window.pass_over(1)
        if window.next() != "]":
            yield self._row(window, 0)
        for row in count(1):
            sign = window.next()
            if sign != ",":
                break
            window.pass_over(1)
            window.next()
            yield self._row(window, row)
        if sign != "]":
            raise self._broken(window, _("a comma or ] is expected after a row."))
        window.pass_over(1)
        if window.next():
            raise self._broken(window, _("there is something after the array's end."))

    def _row(self, window: "_Window", row: int) -> Recipient | BadRow:
        window.fill()
        line = window.line
        with suppress(RowFaultError):
            values, end = decode_row(window.text, window.at, with_ours=self._with_ours)
            if end - window.at <= MAX_LINE:
                window.pass_over(end - window.at)
                return Recipient(row, line, values)
        return self._odd(window, row, line)

    def _odd(self, window: "_Window", row: int, line: int) -> Recipient | BadRow:
        """A row that is no good, if it can be told where it ends."""
        text = self._text(window)
        window.pass_over(len(text))
        try:
            return Recipient(row, line, parse_row(text, with_ours=self._with_ours))
        except RowFaultError as fault:
            return bad_row(self._name, row, line, "WX312", fault.args[0])

    def _text(self, window: "_Window") -> str:
        length = _length(window.text, window.at)
        if length is None and window.is_full:
            message = _("the row is longer than {limit} KiB.").format(limit=MAX_LINE // 1024)
            raise list_error(self._name, window.line, "WX309", message, _("Is a bracket or a quote open?"))
        if length is None:
            raise self._broken(window, _("the row doesn't end: a bracket or a quote is open."))
        if not length:
            raise self._broken(window, _("a row is expected here."))
        return window.text[window.at : window.at + length]

    def _broken(self, window: "_Window", message: str) -> ProblemsError:
        hint = _("Is it really a JSON array? One object a line is JSONL: --list-format jsonl")
        return list_error(self._name, window.line, "WX317", message, hint)


class _Window:
    """A stretch of the text: `at` is the place in it, `line` the line of that place."""

    def __init__(self) -> None:
        self.text, self.at, self.line = "", 0, 1
        self._stream: TextIO | None = None

    def of(self, stream: TextIO) -> None:
        """Look at `stream` from here on."""
        self._stream = stream

    @property
    def is_full(self) -> bool:
        """Whether there is room for a whole row, so that one without an end is too long."""
        return len(self.text) - self.at > MAX_LINE

    def fill(self) -> None:
        """See that the longest row fits, as far as the text goes."""
        while self._stream is not None and not self.is_full:
            more = self._stream.read(_CHUNK)
            if not more:
                self._stream = None
            self.text, self.at = self.text[self.at :] + more, 0

    def next(self) -> str:
        """Go to the next character that isn't blank, and give it; empty at the end."""
        while True:
            blank = _BLANK.match(self.text, self.at)
            self.pass_over(0 if blank is None else blank.end() - self.at)
            if self.at < len(self.text):
                return self.text[self.at]
            if self._stream is None:
                return ""
            self.fill()

    def pass_over(self, count: int) -> None:
        """Go on by so many characters."""
        self.line += self.text.count("\n", self.at, self.at + count)
        self.at += count


def _length(text: str, start: int) -> int | None:
    """How long the element is that begins at `start`; 0 for none, None for one whose end isn't there."""
    if text[start : start + 1] not in ("{", "["):
        plain = _PLAIN.match(text, start)
        if plain is None:
            return None if text[start : start + 1] == '"' else 0
        return plain.end() - start
    depth = 0
    for mark in _MARKS.finditer(text, start, start + MAX_LINE + 1):
        sign = text[mark.start()]
        if sign in "{[":
            depth += 1
        elif sign in "}]":
            depth -= 1
            if not depth:
                return mark.end() - start
    return None
