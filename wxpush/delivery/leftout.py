"""Why and when lines of a run's list were left out, kept beside the ledger for whoever asks later.

In five bytes a line, much fewer on disk.

It names nobody: without the list it says nothing. Nothing is decided by it; of a call that was killed it
knows nothing, and where nobody was left out there is no file.
"""

import json
import sys
import zlib
from array import array
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Final

from wxpush.clock import SYSTEM, Clock
from wxpush.private import read_private, remove, write_private

_SCHEMA: Final = 1
_LIMIT: Final = 256 * 1024 * 1024
_MOST_LINES: Final = 100_000_000
_MOST_REASONS: Final = 255


class LeftOut:
    """The latest decision about each line of the list with the digest `of`; `at` is Unix time."""

    def __init__(self, of: str, at: float = 0.0, clock: Clock = SYSTEM) -> None:
        self.of, self.at, self._clock = of, at, clock
        self._reasons: list[str] = []
        self._codes: dict[str, int] = {}
        self._lines = bytearray()
        self._moments = array("I")

    @classmethod
    def read(cls, path: Path, clock: Clock = SYSTEM) -> "LeftOut | None":
        """What is kept in `path`; None where there is nothing, or nothing to be understood.

        Raises UnsafeStateError.
        """
        content = read_private(path, _LIMIT)
        if content is None:
            return None
        try:
            values = json.loads(content)
            found = cls(str(values["of"]), float(values["at"]), clock)
            found._reasons = [str(reason) for reason in values["reasons"]]
            found._lines = bytearray(_unpacked(values["lines"], _MOST_LINES))
            if "moments" in values:  # which older files lack
                found._moments = _numbers(_unpacked(values["moments"], 4 * len(found._lines)))
            reasons = len(found._reasons)
            known = values["schema"] == _SCHEMA and max(found._lines, default=0) <= reasons < _MOST_REASONS
        except (ValueError, TypeError, KeyError, RecursionError, zlib.error):
            return None
        found._codes = {reason: code for code, reason in enumerate(found._reasons, 1)}
        return found if known else None

    def note(self, line: int, reason: str) -> None:
        """Note that a line was left out."""
        code = self._codes.get(reason)
        if code is None:
            self._reasons.append(reason)
            code = self._codes[reason] = len(self._reasons)
        if line >= len(self._lines):
            self._lines.extend(bytes(line + 1 - len(self._lines)))
        if line >= len(self._moments):
            self._moments.extend([0] * (line + 1 - len(self._moments)))
        self._lines[line], self._moments[line] = code, int(self._clock.wall())

    def forget(self, line: int) -> None:
        """Note that a line wasn't."""
        if line < len(self._lines):
            self._lines[line] = 0

    def reason(self, line: int) -> str:
        """Why a line was left out; empty where it wasn't."""
        code = self._lines[line] if 0 <= line < len(self._lines) else 0
        return self._reasons[code - 1] if code else ""

    def moment(self, line: int) -> int:
        """The second in which that was decided; 0 where it isn't known."""
        return self._moments[line] if 0 <= line < len(self._moments) else 0

    def write(self, path: Path, at: float) -> None:
        """Keep it in `path`, as it was decided at that moment. Raises StateError."""
        if not any(self._lines):
            if path.exists():
                remove(path)
            return
        values = {
            "schema": _SCHEMA,
            "of": self.of,
            "at": at,
            "reasons": self._reasons,
            "lines": _packed(bytes(self._lines)),
            "moments": _packed(_bytes(self._moments)),
        }
        write_private(path, json.dumps(values).encode())


def _packed(content: bytes) -> str:
    return b64encode(zlib.compress(content, 1)).decode()


def _unpacked(text: str, most: int) -> bytes:
    """What was packed. Raises ValueError where it is more than `most` bytes, zlib.error."""
    if not most:
        return b""
    unpacking = zlib.decompressobj()
    unpacked = unpacking.decompress(b64decode(text), most)
    if unpacking.unconsumed_tail:
        raise ValueError("more than there can be")
    return unpacked


def _bytes(numbers: "array[int]") -> bytes:
    """Little-endian, whatever the machine is."""
    numbers = numbers[:]
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def _numbers(content: bytes) -> "array[int]":
    numbers = array("I")
    numbers.frombytes(content)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
