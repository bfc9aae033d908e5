"""A log of an account that any process may add to and any may read meanwhile: sealed blocks in a store.

n               how many blocks there are
j000000000042   a block, whose text is its owner's; never changed
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from wxpush.delivery import store
from wxpush.delivery.seal import sealed, unsealed

_LOCK_TIMEOUT: Final = 2.0
_COUNT: Final = "n"


class Journal:
    """Adds blocks to the log in `folder`. Raises DamagedStateError, UnsafeStateError, StorageError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._store = store.open_store(folder, lock_timeout=_LOCK_TIMEOUT)

    def append(self, text: str) -> None:
        """Add a block; durable when it returns. Raises StorageError, and then has written nothing."""
        with store.transaction(self._store, self._folder):
            number = int(self._store.get(_COUNT, "0")) + 1
            key = f"j{number:012d}"
            self._store.set(key, sealed(key, text))
            self._store.set(_COUNT, str(number))

    def after(self, number: int) -> Iterator[tuple[int, str]]:
        """The blocks that come after the `number`-th, from 1, each with its number.

        Raises DamagedStateError.
        """
        for later in range(number + 1, int(self._store.get(_COUNT, "0")) + 1):
            key = f"j{later:012d}"
            yield later, unsealed(key, self._store.get(key) or "")

    def close(self) -> None:
        """Let go of the files."""
        self._store.close()


def stamp(folder: Path) -> tuple[int, ...]:
    """What changes whenever a block is added, told without reading the log; empty where there is none."""
    found: list[int] = []
    for name in ("cache.db", "cache.db-wal"):
        with suppress(OSError):
            state = (folder / name).stat()
            found += [state.st_mtime_ns, state.st_size]
    return tuple(found)


def blocks(folder: Path) -> Iterator[str]:
    """Every block of the log in `folder`, in the order of writing; none where there is no log yet.

    Raises DamagedStateError.
    """
    if not store.exists(folder):
        return
    for key, value in store.rows(folder, kinds=("j",)):
        yield unsealed(key, value)


def look_over(folder: Path, enough: Callable[[], bool]) -> bool:
    """See that the log in `folder` is whole, by reading alone, also while another process adds to it.

    False where `enough` said so before the end. Raises DamagedStateError, UnsafeStateError, StorageError.
    """
    return store.look_over(folder, enough) and all(not enough() for _block in blocks(folder))
