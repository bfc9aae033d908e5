"""Why lines of a run's list were left out, a byte a line, kept beside the ledger for whoever asks later.

It names nobody: without the list it says nothing. Nothing is decided by it; of a call that was killed it
knows nothing, and where nobody was left out there is no file.
"""

import json
import zlib
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Final

from wxpush.private import read_private, remove, write_private

_SCHEMA: Final = 1
_LIMIT: Final = 256 * 1024 * 1024
_MOST_LINES: Final = 2**31


class LeftOut:
    """The latest decision about each line of the list with the digest `of`; `at` is Unix time."""

    def __init__(self, of: str, at: float = 0.0) -> None:
        self.of, self.at = of, at
        self._reasons: list[str] = []
        self._codes: dict[str, int] = {}
        self._lines = bytearray()

    @classmethod
    def read(cls, path: Path) -> "LeftOut | None":
        """What is kept in `path`; None where there is nothing, or nothing to be understood.

        Raises UnsafeStateError.
        """
        content = read_private(path, _LIMIT)
        if content is None:
            return None
        try:
            values = json.loads(content)
            found = cls(str(values["of"]), float(values["at"]))
            found._reasons = [str(reason) for reason in values["reasons"]]
            found._lines = bytearray(zlib.decompressobj().decompress(b64decode(values["lines"]), _MOST_LINES))
            known = values["schema"] == _SCHEMA and max(found._lines, default=0) <= len(found._reasons)
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
        self._lines[line] = code

    def forget(self, line: int) -> None:
        """Note that a line wasn't."""
        if line < len(self._lines):
            self._lines[line] = 0

    def reason(self, line: int) -> str:
        """Why a line was left out; empty where it wasn't."""
        code = self._lines[line] if 0 <= line < len(self._lines) else 0
        return self._reasons[code - 1] if code else ""

    def write(self, path: Path, at: float) -> None:
        """Keep it in `path`, as it was decided at that moment. Raises StateError."""
        if not any(self._lines):
            if path.exists():
                remove(path)
            return
        packed = b64encode(zlib.compress(bytes(self._lines), 1)).decode()
        values = {"schema": _SCHEMA, "of": self.of, "at": at, "reasons": self._reasons, "lines": packed}
        write_private(path, json.dumps(values).encode())
