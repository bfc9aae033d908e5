"""Group commit: whatever arrives while one commit is under way goes with the next."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Final, Generic, TypeVar

from wxpush.errors import StorageError
from wxpush.i18n import _

_MOST_WAITING: Final = 10_000
_T = TypeVar("_T")


class Committer(Generic[_T]):
    """Hands what it gets to `keep`, group by group, on the one thread of `executor`."""

    def __init__(self, keep: Callable[[Sequence[_T]], object], executor: Executor) -> None:
        self._keep, self._executor = keep, executor
        self._waiting: list[tuple[_T, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def keep(self, item: _T) -> None:
        """Returns when `item` is kept. Raises StateError, and then it may not be."""
        if len(self._waiting) >= _MOST_WAITING:
            raise StorageError(_("The disk is too slow for what comes in."))
        kept = asyncio.get_running_loop().create_future()
        self._waiting.append((item, kept))
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        await kept

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                group, self._waiting = self._waiting, []
                failure: Exception | None = None
                try:
                    await loop.run_in_executor(self._executor, self._keep, [item for item, _kept in group])
                except Exception as error:  # told to everyone who waits, and raised there
                    failure = error
                _tell([kept for _item, kept in group], failure)
        finally:
            self._task = None


def _tell(waiting: Sequence["asyncio.Future[None]"], failure: Exception | None) -> None:
    for kept in waiting:
        if kept.done():
            continue  # who waited is gone
        if failure is None:
            kept.set_result(None)
        else:
            kept.set_exception(failure)
