"""The record of what every user was shown: the ground truth that tests compare a run's own account with."""

import heapq
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from wxpush.errors import StorageError
from wxpush.i18n import _


@dataclass(frozen=True, slots=True)
class Shown:
    """One message on one user's screen; `time` is Unix time in seconds, `data` what is legible of it."""

    time: float
    openid: str
    msgid: int
    client_msg_id: str
    template_id: str
    data: Mapping[str, str]
    url: str = ""
    reviewed: bool = False
    """It was held back (40252) and delivered when the review was over."""

    def as_json(self) -> str:
        """One line of the shown file."""
        return json.dumps(asdict(self), ensure_ascii=False)


class ShownLog:
    """Appends each message to a file (JSON lines, mode 0600, on its way before the call is answered).

    `path` None writes no file; without `remember` nothing is kept in memory. Raises StorageError where the
    file can't be opened.
    """

    def __init__(self, path: Path | None, *, remember: bool) -> None:
        self._remember = remember
        self._kept: list[Shown] = []
        self._waiting: list[tuple[float, int, Shown]] = []
        self._handle = None if path is None else _opened(path)

    def add(self, shown: Shown) -> None:
        """The user sees it now."""
        if self._remember:
            self._kept.append(shown)
        if self._handle is not None:
            os.write(self._handle, f"{shown.as_json()}\n".encode("utf-8", "replace"))

    def add_later(self, shown: Shown) -> None:
        """It waits until `shown.time`, when `due` gives it out."""
        heapq.heappush(self._waiting, (shown.time, shown.msgid, shown))

    def due(self, now: float) -> Iterator[Shown]:
        """What waited until now, each once."""
        while self._waiting and self._waiting[0][0] <= now:
            yield heapq.heappop(self._waiting)[2]

    def kept(self) -> list[Shown]:
        """All that was shown and remembered, in that order."""
        return list(self._kept)

    def close(self) -> None:
        """Let go of the file."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o600)
    except OSError as error:
        message = _("{path} can't be written: {reason}.")
        raise StorageError(message.format(path=path, reason=error.strerror)) from None
