"""A file that takes another's place once it is whole; what a kill leaves of one goes the next time."""

import glob
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TextIO

from wxpush.errors import InputError
from wxpush.i18n import _
from wxpush.lock import try_to_hold

ENDING: Final = ".wxpush-part"
_MOST_OF_NAME: Final = 40


@contextmanager
def draft_of(path: Path, encoding: str = "utf-8") -> Iterator[TextIO]:
    """A new file for this user only, which takes the place of `path` when the context ends well.

    Raises InputError where it can't be written.
    """
    _sweep(path)
    try:
        handle, draft = _made(path)
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        with os.fdopen(handle, "w", encoding=encoding, newline="") as file:
            yield file
        draft.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from None
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()


def _made(path: Path) -> tuple[int, Path]:
    """Locked as long as it is written: who sweeps takes it for one that a kill left, else."""
    while True:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=_beginning(path), suffix=ENDING)
        is_ours = True
        with suppress(OSError):  # where files can't be locked, none is swept
            is_ours = try_to_hold(handle)
        if is_ours and Path(name).exists():
            return handle, Path(name)
        os.close(handle)


def _sweep(path: Path) -> None:
    for left in path.parent.glob(f"{glob.escape(_beginning(path))}*{ENDING}"):
        with suppress(OSError):
            handle = os.open(left, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
            try:
                if try_to_hold(handle):
                    left.unlink()
            finally:
                os.close(handle)


def _beginning(path: Path) -> str:
    return f".{path.name[:_MOST_OF_NAME]}."


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(_("{path} can't be written: {reason}.").format(path=path, reason=error.strerror))
