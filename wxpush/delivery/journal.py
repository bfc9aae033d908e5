"""A log of an account that any process may add to and any may read meanwhile: sealed blocks in a store.

n               the number of the latest block
f               the number of the first block, where blocks before it were put together; a gap lies before it
j000000000042   a block, whose text is its owner's; never changed
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from wxpush.delivery import store
from wxpush.delivery.seal import sealed, unsealed
from wxpush.errors import DamagedStateError
from wxpush.i18n import _

_LOCK_TIMEOUT: Final = 2.0
_COUNT: Final = "n"
_FIRST: Final = "f"

Blocks = Callable[[], Iterator[str]]
"""The texts of all blocks in their order, to be read as often as needed."""
Shorten = Callable[[Blocks], Iterator[str]]


class Journal:
    """Adds blocks to the log in `folder`. Raises DamagedStateError, UnsafeStateError, StorageError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._store = store.open_store(folder, lock_timeout=_LOCK_TIMEOUT)

    def append(self, text: str) -> None:
        """Add a block; durable when it returns. Raises StorageError, and then has written nothing."""
        with store.transaction(self._store, self._folder):
            self._add(self._number(_COUNT, 0) + 1, text)

    def put_together(self, shorten: Shorten) -> None:
        """Put the blocks that `shorten` makes of all there are in their place, in one durable step.

        Raises DamagedStateError, StorageError, and then has changed nothing.
        """
        with store.transaction(self._store, self._folder):
            latest = self._number(_COUNT, 0)
            keys = [_key(number) for number in range(self._number(_FIRST, 1), latest + 1)]
            number = latest + 1
            for text in shorten(lambda: (unsealed(key, self._store.get(key) or "") for key in keys)):
                number += 1
                self._add(number, text)
            self._store.set(_FIRST, str(latest + 2))
            self._store.set(_COUNT, str(number))
            for key in keys:
                self._store.delete(key)

    def _number(self, key: str, default: int) -> int:
        return _checked(self._folder, store.value_of(self._store, self._folder, key) or str(default))

    def _add(self, number: int, text: str) -> None:
        key = _key(number)
        self._store.set(key, sealed(key, text))
        self._store.set(_COUNT, str(number))

    def close(self) -> None:
        """Let go of the files."""
        self._store.close()


@contextmanager
def damage_told(message: str, hint: str) -> Iterator[None]:
    """What is wrong with a log, said by its owner: who reads of a ledger looks in the wrong place."""
    try:
        yield
    except DamagedStateError:
        raise DamagedStateError(message, hint) from None


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
    for _number, text in later(folder, 0):
        yield text


def later(folder: Path, number: int) -> Iterator[tuple[int, str]]:
    """The blocks that come after the `number`-th, from 1, each with its number.

    Where a number is left out, all blocks before it were put together to those that follow. Raises
    DamagedStateError.
    """
    if store.exists(folder):
        for key, value in store.rows(folder, kinds=("j",), after=_key(number)):
            yield int(key[1:]), unsealed(key, value)


@contextmanager
def at_one_moment(folder: Path) -> Iterator[Blocks]:
    """All blocks as they are now, to be read several times. Raises DamagedStateError."""
    if not store.exists(folder):
        yield lambda: iter(())
        return
    with store.reading(folder) as read:
        yield lambda: (unsealed(key, value) for key, value in read(("j",)))


def look_over(folder: Path, enough: Callable[[], bool]) -> bool:
    """See that the log in `folder` is whole, by reading alone, also while another process adds to it.

    False where `enough` said so before the end. Raises DamagedStateError, UnsafeStateError, StorageError.
    """
    if not store.look_over(folder, enough):
        return False
    with store.reading(folder) as read:
        named = {key: _checked(folder, value) for key, value in read((_COUNT, _FIRST))}
        expected = named.get(_FIRST, 1)
        for key, value in read(("j",)):
            if enough():
                return False
            unsealed(key, value)
            if key != _key(expected):
                raise _lost_entries(folder)
            expected += 1
    if expected != named.get(_COUNT, 0) + 1:
        raise _lost_entries(folder)
    return True


def _lost_entries(folder: Path) -> DamagedStateError:
    return DamagedStateError(_("{path} has lost entries.").format(path=folder))


def _checked(folder: Path, number: str) -> int:
    """A number as it is kept. Raises DamagedStateError."""
    if not (number.isascii() and number.isdecimal()):
        raise DamagedStateError(_("{path} is damaged.").format(path=folder))
    return int(number)


def _key(number: int) -> str:
    return f"j{number:012d}"
