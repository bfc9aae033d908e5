"""A JSONL list: one object a line, numbers as they are spelled, null as lacking."""

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from wxpush.campaign.recipients.csvrows import OWN_PREFIX, OWN_STATE, changed
from wxpush.campaign.recipients.encoding import TextFile
from wxpush.campaign.recipients.faults import bad_row
from wxpush.campaign.recipients.watched import open_text
from wxpush.i18n import _
from wxpush.model import BadRow, Recipient

MAX_LINE = 64 * 1024
MAX_DEPTH = 16
_BLANK = " \t\r\n"
_ESCAPES = re.compile(r"\\u(?:[dD][89a-fA-F]|0000)")
_UNFIT = re.compile("[\0\ud800-\udfff]")


class RowFaultError(ValueError):
    """What is wrong with a row, in words, and the column (from 1) at which its text breaks; 0 for none."""

    def __init__(self, message: str, column: int = 0) -> None:
        super().__init__(message)
        self.column = column


class JsonRows:
    """One pass over the lines of a JSONL list; `blanks` counts the empty ones."""

    def __init__(self, file: TextFile, name: str, *, with_ours: bool = False) -> None:
        self._file = file
        self._name = name
        self._with_ours = with_ours
        self.blanks = 0

    def __iter__(self) -> Iterator[Recipient | BadRow]:
        """Every row; a line that is no object is a BadRow."""
        row = number = 0
        try:
            with open_text(self._file.path, self._file.digest, self._file.encoding) as stream:
                for number, line in enumerate(stream, 1):
                    if not line.strip():
                        self.blanks += 1
                        continue
                    yield self._row(line, row, number)
                    row += 1
        except (UnicodeError, OSError) as error:
            raise changed(self._name, number + 1, error) from None

    def _row(self, line: str, row: int, number: int) -> Recipient | BadRow:
        try:
            return Recipient(row, number, parse_row(line, with_ours=self._with_ours))
        except RowFaultError as fault:
            return bad_row(self._name, row, number, "WX312", fault.args[0], column=fault.column)


def parse_row(line: str, *, with_ours: bool = False) -> dict[str, Any]:
    """The values of one line: texts, and groups and lists of texts. Raises ValueError that says why not."""
    if len(line) > MAX_LINE:
        raise RowFaultError(_("the line is longer than {limit} KiB.").format(limit=MAX_LINE // 1024))
    values, end = decode_row(line, len(line) - len(line.lstrip(_BLANK)), with_ours=with_ours)
    if line[end:].strip(_BLANK):
        message = _("not JSON: {reason} at character {column}.")
        raise RowFaultError(message.format(reason="Extra data", column=end + 1), end + 1)
    return values


def decode_row(text: str, start: int, *, with_ours: bool = False) -> tuple[dict[str, Any], int]:
    """The values of the object that begins at `start`, and where it ends. Raises ValueError, too."""
    try:
        value, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        message = _("not JSON: {reason} at character {column}.")
        raise RowFaultError(message.format(reason=error.msg, column=error.colno), error.colno) from None
    except RecursionError:
        raise RowFaultError(_("the values are nested too deep.")) from None
    if not isinstance(value, dict):
        raise RowFaultError(_('an object is expected as a row: {{"openid": "…"}}.').format())
    for inner in value.values():
        if not isinstance(inner, str):
            _look_into(inner, 1)
    if _ESCAPES.search(text, start, end):
        _refuse_unfit(value)
    if OWN_STATE in value and not with_ours:
        value = {key: inner for key, inner in value.items() if not key.startswith(OWN_PREFIX)}
    return value, end


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _value in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise RowFaultError(_('the key "{key}" appears twice.').format(key=twice))
    for key, value in pairs:
        if value is None:
            del found[key]
        elif value is True or value is False:
            found[key] = "true" if value else "false"
    return found


def _constant(name: str) -> NoReturn:
    raise RowFaultError(_("{value} is no JSON value.").format(value=name))


_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_float=str, parse_int=str, parse_constant=_constant, strict=True
)


def _look_into(value: Any, depth: int) -> None:
    """Bound the depth, and turn what stands in lists into text."""
    if depth > MAX_DEPTH:
        raise RowFaultError(_("the values are nested too deep."))
    if isinstance(value, list):
        for place, inner in enumerate(value):
            if inner is None:
                raise RowFaultError(_("null stands in a list; leave it out."))
            if isinstance(inner, bool):
                value[place] = "true" if inner else "false"
            else:
                _look_into(inner, depth + 1)
    elif isinstance(value, dict):
        for inner in value.values():
            _look_into(inner, depth + 1)


def _refuse_unfit(value: Any) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _refuse_unfit(key)
            _refuse_unfit(inner)
    elif isinstance(value, list):
        for inner in value:
            _refuse_unfit(inner)
    elif _UNFIT.search(value):
        raise RowFaultError(_("a value holds a NUL or half a character (\\ud800)."))
