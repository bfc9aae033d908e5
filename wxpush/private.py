"""Folders and files for this user only: made private, written whole, refused when they are not."""

import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from wxpush.errors import StorageError, UnsafeStateError
from wxpush.i18n import _

_POSIX = os.name == "posix"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def ensure_private_dir(path: Path) -> Path:
    """Make `path` (mode 0700), or see that the one that stands there is safe to use.

    Raises UnsafeStateError for a link, a foreign owner or bits for group and others, StorageError when
    it can't be made.
    """
    try:
        make_dir(path)
    except FileExistsError:
        raise UnsafeStateError(_("{path} is not a folder.").format(path=path)) from None
    except OSError as error:
        raise StorageError(
            _("The folder {path} can't be made: {reason}.").format(path=path, reason=error.strerror),
            _("Choose another place with --home or WXPUSH_HOME."),
        ) from None
    _refuse_unsafe(path, os.lstat(path), stat.S_ISDIR)
    return path


def make_dir(path: Path) -> None:
    """Make `path` (mode 0700) and its parents where they don't exist. Raises OSError."""
    made = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in made:
        _sync_dir(folder.parent)  # else a power cut may take it away, with all that was flushed in it


def write_private(path: Path, content: bytes) -> None:
    """Replace `path` by `content` in one step, mode 0600, on disk when this returns.

    A crash leaves either the old file or the new one. Raises StorageError.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        _sync_dir(path.parent)
    except OSError as error:
        raise StorageError(
            _("{path} can't be written: {reason}.").format(path=path, reason=error.strerror),
            _("See how much space is left and whose the folder is; then the same command continues."),
        ) from None


def read_private(path: Path, limit: int = 64 * 1024) -> bytes | None:
    """The first `limit` bytes of `path`, or None where there is no such file.

    Raises UnsafeStateError for a link, anything but a regular file, a foreign owner or a mode that lets
    others in; never blocks on a FIFO.
    """
    flags = (
        os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    )
    try:
        handle = os.open(path, flags)
    except FileNotFoundError:
        return None
    except OSError as error:
        if path.is_symlink():
            raise UnsafeStateError(_("{path} is a symbolic link.").format(path=path), _remedy(path)) from None
        raise StorageError(
            _("{path} can't be read: {reason}.").format(path=path, reason=error.strerror)
        ) from None
    try:
        _refuse_unsafe(path, os.fstat(handle), stat.S_ISREG)
        return os.read(handle, limit)
    finally:
        os.close(handle)


def refuse_unsafe_file(path: Path) -> None:
    """See that an existing `path` is a private regular file; raises UnsafeStateError."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    _refuse_unsafe(path, found, stat.S_ISREG)


def _refuse_unsafe(path: Path, found: os.stat_result, right_kind: Callable[[int], bool]) -> None:
    if not right_kind(found.st_mode):
        raise UnsafeStateError(
            _("{path} is a link or not of the kind that wxpush made.").format(path=path), _remedy(path)
        )
    if not _POSIX:
        return  # Windows keeps a profile private by its access lists, not by mode bits.
    if found.st_uid != os.geteuid():
        raise UnsafeStateError(_("{path} belongs to another user.").format(path=path), _remedy(path))
    if stat.S_IMODE(found.st_mode) & _OTHERS:
        raise UnsafeStateError(
            _("{path} can be read or changed by other users.").format(path=path),
            _("Run: chmod go-rwx {path}").format(path=path),
        )
    if stat.S_ISREG(found.st_mode) and found.st_nlink > 1:
        raise UnsafeStateError(_("{path} has a second name (hard link).").format(path=path), _remedy(path))


def _remedy(path: Path) -> str:
    return _("Look at who put it there, and move it away: {path}").format(path=path)


def _sync_dir(path: Path) -> None:
    if not _POSIX:
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
