"""A list's file while it is read: whoever writes into it meanwhile ends the reading.

Read on, it would join the first half of a row to the second half of another one.
"""

import hashlib
import io
import os
from pathlib import Path
from typing import Any, Final

_LARGE: Final = 1 << 16


class WrittenToError(OSError):
    """The file isn't any more what it was when it was opened."""


def open_binary(path: Path, digest: str) -> io.BufferedReader:
    """Open `path`, whose bytes have the SHA-256 `digest`; reading raises WrittenToError once they haven't."""
    return io.BufferedReader(_Watched(path, digest), _LARGE)


def open_text(path: Path, digest: str, encoding: str, newline: str | None = None) -> io.TextIOWrapper:
    """The same as text."""
    return io.TextIOWrapper(open_binary(path, digest), encoding=encoding, newline=newline)


class _Watched(io.FileIO):
    """Looks at the file's times after each read; where they have moved, at its bytes: a touch is no harm."""

    def __init__(self, path: Path, digest: str) -> None:
        super().__init__(path)
        self._digest = digest
        self._seen = self._times()

    def readinto(self, buffer: Any) -> int | None:
        """Read as a file does."""
        count = super().readinto(buffer)
        now = self._times()
        if now != self._seen:
            if self._own_digest() != self._digest:
                raise WrittenToError
            self._seen = now
        return count

    def _times(self) -> tuple[int, int, int]:
        found = os.fstat(self.fileno())
        return found.st_size, found.st_mtime_ns, found.st_ctime_ns

    def _own_digest(self) -> str:
        place, digest = self.tell(), hashlib.sha256()
        self.seek(0)
        while part := os.read(self.fileno(), _LARGE):
            digest.update(part)
        self.seek(place)
        return digest.hexdigest()
