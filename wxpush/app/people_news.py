"""What events say of people, brought to the suppression list: who follows again, and who refuses messages."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from wxpush.delivery.identity import hash64
from wxpush.delivery.suppressions import Entry, Suppressions, is_empty

SUBSCRIBE: Final = "subscribe"
UNSUBSCRIBE: Final = "unsubscribe"
USER_BLOCK: Final = "failed:user block"


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
        self._waiting: list[News] = []
        self._list: Suppressions | None = None

    def hear(self, news: Sequence[News]) -> None:
        """Keep it for the next `settle`; quick."""
        self._waiting.extend(news)

    def settle(self) -> None:
        """Bring the list up to date. Raises StateError, and then has forgotten nothing."""
        count = len(self._waiting)
        news = sorted(self._waiting[:count], key=lambda one: one.at)
        refusing = {one.openid: one.at for one in news if one.what == USER_BLOCK} if self._suppress else {}
        coming = {one.openid: one.at for one in news if one.what == SUBSCRIBE}
        if refusing or (coming and not is_empty(self._folder)):
            self._list = self._list or Suppressions(self._folder)
            self._write(self._list, refusing, coming)
        del self._waiting[:count]

    def close(self) -> None:
        """Let go of the list; on the thread of `settle`."""
        if self._list is not None:
            self._list.close()

    def _write(self, opened: Suppressions, refusing: dict[str, int], coming: dict[str, int]) -> None:
        seconds = self._suppress or 0.0
        opened.add(
            Entry(openid, "", at, at + seconds, "user block")
            for openid, at in refusing.items()
            if opened.now().until(hash64(openid)) < at + seconds
        )
        known = opened.now()
        for openid, at in coming.items():
            if at >= refusing.get(openid, at) and known.is_automatic(hash64(openid)):
                opened.remove([openid], at, automatic=True)
