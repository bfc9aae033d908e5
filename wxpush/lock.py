"""A lock file: held by one process at a time, and let go with the process that held it."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from wxpush.errors import LockedError, StorageError
from wxpush.i18n import _
from wxpush.private import held, open_private

_PAUSE: Final = 0.05


@contextmanager
def locked(path: Path, patience: float, busy: Callable[[], LockedError]) -> Iterator[None]:
    """Hold the lock `path`, a private file of its own that is made on demand and stays.

    Raises what `busy` gives where another holds it for longer than `patience` seconds; UnsafeStateError,
    StorageError.
    """
    try:
        handle = _opened(path)
    except OSError as error:
        raise StorageError(
            _("{path} can't be locked: {reason}.").format(path=path, reason=error.strerror),
            _("See how much space is left and whose the folder is; then the same command continues."),
        ) from None
    try:
        _wait_for(handle, patience, busy)
        yield
    finally:
        os.close(handle)


def _opened(path: Path) -> int:
    with held(path.parent) as folder:
        return open_private(path, folder, os.O_RDWR | os.O_CREAT)


def _wait_for(handle: int, patience: float, busy: Callable[[], LockedError]) -> None:
    end = time.monotonic() + patience
    while not try_to_hold(handle):
        if time.monotonic() >= end:
            raise busy() from None
        time.sleep(_PAUSE)


if sys.platform == "win32":
    import msvcrt

    def try_to_hold(handle: int) -> bool:
        """Lock an open file, unless another holds it; let go when it is closed. Raises OSError."""
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def try_to_hold(handle: int) -> bool:
        """Lock an open file, unless another holds it; let go when it is closed. Raises OSError."""
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
