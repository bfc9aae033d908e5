"""Where in a line of a list the values begin, for problems that are told with their place.

Found afterwards, and only for those lines: most rows have no problem, and are read without it.
"""

import re
from json import JSONDecoder
from typing import Final

_QUOTED: Final = re.compile(r'"(?:[^"]|"")*+"')
_BLANK: Final = re.compile(r"[ \t\r\n]*")
#: What may stand around a row of an array in its line, without being part of another one.
_BEFORE: Final = re.compile(r"[\s\[\],}]*(?=\{)")
_AFTER: Final = re.compile(r"[\s,\]]*\Z")
_DECODER: Final = JSONDecoder(strict=False)


def csv_starts(line: str, delimiter: str) -> list[int]:
    """The columns (from 1) at which the cells of a row begin, as far as they begin in its first line."""
    line = line.rstrip("\r\n")
    starts, at = [], 0
    while True:
        starts.append(at + 1)
        quoted = _QUOTED.match(line, at)
        if quoted is None and line.startswith('"', at):
            return starts  # it goes on in the next line
        end = line.find(delimiter, at if quoted is None else quoted.end())
        if end < 0:
            return starts
        at = end + 1


def json_starts(line: str) -> dict[str, int]:
    """The columns (from 1) at which an object's values begin, by their keys.

    Of an object over several lines, those in this one; none where the line has more than one object.
    """
    before = _BEFORE.match(line)
    if before is None:
        return {}
    starts: dict[str, int] = {}
    try:
        end = _object(line, before.end(), starts)
    except (ValueError, RecursionError):
        return starts
    return starts if _AFTER.match(line, end) else {}


def _object(line: str, at: int, starts: dict[str, int]) -> int:
    """Note where the values begin, and say where the object ends. Raises ValueError where it goes on."""
    at = _past_blanks(line, at + 1)
    while not line.startswith("}", at):
        key, at = _DECODER.raw_decode(line, at)
        at = _past_blanks(line, _past(line, at, ":"))
        starts[str(key)] = at + 1
        _value, at = _DECODER.raw_decode(line, at)
        at = _past_blanks(line, at)
        if not line.startswith("}", at):
            at = _past_blanks(line, _past(line, at, ","))
    return at + 1


def _past_blanks(line: str, at: int) -> int:
    blank = _BLANK.match(line, at)
    return at if blank is None else blank.end()


def _past(line: str, at: int, sign: str) -> int:
    at = _past_blanks(line, at)
    if not line.startswith(sign, at):
        raise ValueError(sign)
    return at + 1
