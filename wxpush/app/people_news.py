"""What events say of people, brought to the suppression list: who follows again, and who refuses messages."""

from collections import deque
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Final, NamedTuple

from wxpush.delivery.identity import hash64
from wxpush.delivery.suppressions import Entry, Suppressions, is_empty
from wxpush.errors import StateError
from wxpush.model import USER_BLOCK

SUBSCRIBE: Final = "subscribe"
UNSUBSCRIBE: Final = "unsubscribe"
MOST_WAITING: Final = 100_000
"""How much news is kept while the list can't be written."""


class News(NamedTuple):
    """What an event says of a person: `what` is subscribe, unsubscribe or failed:user block; `at` Unix time.

    Events may come late, twice and in any order.
    """

    openid: str
    what: str
    at: int


class PeopleNews:
    """Hears of people from any thread, and writes it down when `settle` is called, on one thread."""

    def __init__(self, folder: Path, suppress: float | None) -> None:
        """`folder` has the list; who refuses comes onto it for `suppress` seconds, or with None doesn't."""
        self._folder, self._suppress = folder, suppress
        self._lock = Lock()
        self._waiting = deque[News](maxlen=MOST_WAITING)
        self._list: Suppressions | None = None

    def hear(self, news: Sequence[News]) -> None:
        """Keep it for the next `settle`; quick. Of more than MOST_WAITING the oldest is forgotten."""
        with self._lock:
            self._waiting.extend(news)

    def settle(self) -> None:
        """Bring the list up to date. Raises StateError, and then still waits with all of it."""
        with self._lock:
            waiting, self._waiting = self._waiting, deque(maxlen=MOST_WAITING)
        try:
            self._settle(sorted(waiting, key=lambda one: one.at))
        except StateError:
            with self._lock:
                self._waiting = deque([*waiting, *self._waiting], MOST_WAITING)
            raise

    def close(self) -> None:
        """Let go of the list; on the thread of `settle`."""
        if self._list is not None:
            self._list.close()

    def _settle(self, news: Sequence[News]) -> None:
        refusing = {one.openid: one.at for one in news if one.what == USER_BLOCK} if self._suppress else {}
        coming = {one.openid: one.at for one in news if one.what == SUBSCRIBE}
        if refusing or (coming and not is_empty(self._folder)):
            self._list = self._list or Suppressions(self._folder)
            self._write(self._list, refusing, coming)

    def _write(self, opened: Suppressions, refusing: dict[str, int], coming: dict[str, int]) -> None:
        seconds = self._suppress or 0.0
        known = opened.now()
        blocks = (Entry(openid, "", at, at + seconds, "user block") for openid, at in refusing.items())
        opened.add(
            entry
            for entry in blocks
            if known.counts(entry) and known.until(hash64(entry.openid)) < entry.since + seconds
        )
        known = opened.now()
        opened.welcome(
            {
                openid: at
                for openid, at in coming.items()
                if at >= refusing.get(openid, at) and known.comes_off(hash64(openid), at)
            }
        )
        opened.tidy()
