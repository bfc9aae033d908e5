"""Folders and files for this user only: made private, written whole, refused when they are not.

The way to a folder is walked name by name without following a link, and the folder is held open while a
file in it is read, replaced or removed: swapping a folder for a link leads nothing elsewhere. Where the
system can't open a file by its folder's handle (Windows), paths are used instead.
"""

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from wxpush.errors import StorageError, UnsafeStateError
from wxpush.i18n import _

STATE_DIR: Final = ".wxpush"
"""The folder beside a campaign that keeps its runs."""
_POSIX: Final = os.name == "posix"
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_ROOT: Final = 0
# Without O_NONBLOCK a FIFO would be waited for.
_FILE: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_FOLDER: Final = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
# Passing through a folder needs no right to list it.
_ON_THE_WAY: Final = _FOLDER | getattr(os, "O_PATH", 0)


@contextmanager
def held(folder: Path, *, make: bool = False) -> Iterator[int | None]:
    """A handle on a private `folder`, made on demand (mode 0700, as all that is lacking on the way).

    None where the system has no such handles. Raises UnsafeStateError for a link, here or on the way, a
    foreign owner, bits for group and others, and a folder on the way in which every user could put
    something else in its place; else OSError.
    """
    if not _POSIX:
        if make:
            folder.mkdir(parents=True, exist_ok=True)
        yield None
        return
    handle = _walk(folder.absolute(), make=make)
    try:
        _refuse_unsafe(folder, os.fstat(handle), stat.S_ISDIR)
        yield handle
    finally:
        os.close(handle)


def ensure_private_dir(path: Path) -> Path:
    """Make the folder `path`, or see that it is safe to use. Raises UnsafeStateError, StorageError."""
    try:
        with held(path, make=True):
            return path
    except OSError as error:
        raise StorageError(
            _("The folder {path} can't be made: {reason}.").format(path=path, reason=error.strerror),
            _("Choose another place with --home or WXPUSH_HOME."),
        ) from None


def write_private(path: Path, content: bytes) -> None:
    """Replace `path` by `content` in one step, mode 0600, on disk when this returns.

    A crash leaves either the old file or the new one. Raises StorageError, UnsafeStateError.
    """
    with replacing(path) as file:
        file.write(content)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A new file, mode 0600, that takes the place of `path` when the context ends well, on disk by then.

    Raises StorageError, UnsafeStateError.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    hint = _("See how much space is left and whose the folder is; then the same command continues.")
    with _told(_("{path} can't be written: {reason}."), path, hint=hint), held(path.parent) as folder:
        handle = open_private(draft, folder, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(handle)
            os.replace(named(draft, folder), named(path, folder), src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with suppress(OSError):
                os.unlink(named(draft, folder), dir_fd=folder)
            raise
        if folder is not None:
            os.fsync(folder)


def read_private(path: Path, limit: int = 64 * 1024) -> bytes | None:
    """The first `limit` bytes of `path`, or None where there is no such file.

    Raises UnsafeStateError for a link, anything but a regular file, a foreign owner or a mode that lets
    others in; never blocks on a FIFO.
    """
    with (
        suppress(FileNotFoundError),
        _told(_("{path} can't be read: {reason}."), path, FileNotFoundError),
        held(path.parent) as folder,
    ):
        handle = open_private(path, folder, os.O_RDONLY)
        try:
            return os.read(handle, limit)
        finally:
            os.close(handle)
    return None


def remove(path: Path) -> bool:
    """Remove a file, or the link that stands in its place; False where there is none.

    Raises StorageError, UnsafeStateError.
    """
    with (
        suppress(FileNotFoundError),
        _told(_("{path} can't be removed: {reason}."), path, FileNotFoundError),
        held(path.parent) as folder,
    ):
        os.unlink(named(path, folder), dir_fd=folder)
        return True
    return False


def remove_drafts(path: Path) -> None:
    """Remove what killed writers of `path` left behind. Raises StorageError, UnsafeStateError."""
    with _told(_("{path} can't be removed: {reason}."), path), held(path.parent) as folder:
        for name in os.listdir(path.parent if folder is None else folder):  # noqa: PTH208 - by its handle
            if name.startswith(f".{path.name}."):
                with suppress(FileNotFoundError):
                    os.unlink(named(path.with_name(name), folder), dir_fd=folder)


def remove_tree(path: Path) -> None:
    """Remove a folder with all that is in it, as far as that can be done; a link in its place stays."""
    with suppress(OSError), held(path.parent) as folder:
        shutil.rmtree(named(path, folder), ignore_errors=True, dir_fd=folder)


def refuse_unsafe_file(path: Path) -> None:
    """See that an existing `path` is a private regular file; raises UnsafeStateError, StorageError."""
    with (
        suppress(FileNotFoundError),
        _told(_("{path} can't be read: {reason}."), path, FileNotFoundError),
        held(path.parent) as folder,
    ):
        found = os.stat(named(path, folder), dir_fd=folder, follow_symlinks=False)
        _refuse_unsafe(path, found, stat.S_ISREG)


def open_private(path: Path, folder: int | None, flags: int) -> int:
    """Open the private file `path` by the handle on its `folder`, mode 0600 where it is made.

    Raises UnsafeStateError, OSError.
    """
    try:
        handle = os.open(named(path, folder), flags | _FILE, 0o600, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise UnsafeStateError(_("{path} is a symbolic link.").format(path=path), _remedy(path)) from None
        if error.errno in (errno.EISDIR, errno.ENXIO):
            raise _not_ours(path) from None
        raise
    try:
        _refuse_unsafe(path, os.fstat(handle), stat.S_ISREG)
    except UnsafeStateError:
        os.close(handle)
        raise
    return handle


def named(path: Path, folder: int | None) -> str:
    """What to call `path` beside the handle on its folder."""
    return str(path) if folder is None else path.name


def _walk(folder: Path, *, make: bool) -> int:
    """A handle on `folder`, an absolute path; every folder on the way must be safe from every other user."""
    at, *names = Path(folder.anchor), *folder.parts[1:]
    handle = os.open(at, _FOLDER)
    try:
        for number, name in enumerate(names, start=1):
            at /= name
            last = number == len(names)
            inner = _step(handle, at, _FOLDER if last else _ON_THE_WAY, make=make)
            os.close(handle)
            handle = inner
            if not last:
                _refuse_open_to_all(at, os.fstat(handle))
    except BaseException:
        os.close(handle)
        raise
    return handle


def _step(handle: int, inner: Path, flags: int, *, make: bool) -> int:
    """A handle on a folder within that of `handle`."""
    try:
        return os.open(inner.name, flags, dir_fd=handle)
    except FileNotFoundError:
        if not make:
            raise
    except OSError as error:
        if error.errno in (errno.ENOTDIR, errno.ELOOP):
            raise _not_ours(inner) from None
        raise
    with suppress(FileExistsError):
        os.mkdir(inner.name, 0o700, dir_fd=handle)
        _sync(handle)  # else a power cut may take it away, with all that was flushed in it
    return _step(handle, inner, flags, make=False)


def _sync(folder: int) -> None:
    with suppress(PermissionError):  # a folder that we may write to, but not list
        readable = os.open(".", _FOLDER, dir_fd=folder)
        try:
            os.fsync(readable)
        finally:
            os.close(readable)


def _refuse_open_to_all(folder: Path, found: os.stat_result) -> None:
    """Where everybody may write, only the sticky bit of one whom we trust keeps what is ours in its place."""
    kept_in_place = found.st_mode & stat.S_ISVTX and found.st_uid in (_ROOT, os.geteuid())
    if found.st_mode & stat.S_IWOTH and not kept_in_place:
        raise UnsafeStateError(
            _("Every user of this machine can change what is in {path}.").format(path=folder),
            _("Run: chmod o-w {path}, or choose another place with --home or WXPUSH_HOME.").format(
                path=folder
            ),
        )


def _refuse_unsafe(path: Path, found: os.stat_result, right_kind: Callable[[int], bool]) -> None:
    if not right_kind(found.st_mode):
        raise _not_ours(path)
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


def _not_ours(path: Path) -> UnsafeStateError:
    return UnsafeStateError(
        _("{path} is a link or not of the kind that wxpush made.").format(path=path), _remedy(path)
    )


def _remedy(path: Path) -> str:
    return _("Look at who put it there, and move it away: {path}").format(path=path)


@contextmanager
def _told(text: str, path: Path, *passed: type[OSError], hint: str = "") -> Iterator[None]:
    """Turn what the system refuses into a StorageError, but for errors of the types `passed`."""
    try:
        yield
    except passed:
        raise
    except OSError as error:
        raise StorageError(text.format(path=path, reason=error.strerror), hint) from None
