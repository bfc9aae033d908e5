"""Files that a command is to write: never one that it reads, nor one that somebody else made."""

import errno
import os
import re
import stat
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from wxpush.errors import InputError
from wxpush.i18n import _

SUMMARY: Final = re.compile(r'^\{\s*"schema":\s*1,\s*"run":')
"""How a JSON summary or report of ours begins."""
_START: Final = 4_000


def refuse_inputs(outputs: Mapping[str, Path | None], inputs: Iterable[Path]) -> None:
    """See that no option of `outputs` names a file that the command reads. Raises InputError."""
    read = list(inputs)
    for option, path in outputs.items():
        if path is not None and any(_is_same(path, one) for one in read):
            raise InputError(
                _("{option}: {path} is a file that this command reads; it would be destroyed.").format(
                    option=option, path=path
                ),
                new_name(option),
            )


def refuse_same(outputs: Mapping[str, Path | None]) -> None:
    """See that no two options of `outputs` name one file. Raises InputError."""
    named: dict[str, Path] = {}
    for option, path in outputs.items():
        if path is None:
            continue
        for other, taken in named.items():
            if _is_same(path, taken) or (_is_plain(path) and path.resolve() == taken.resolve()):
                raise InputError(
                    _("{option}: {path} is where {other} goes, too; one would replace the other.").format(
                        option=option, path=path, other=other
                    ),
                    new_name(option),
                )
        named[option] = path


def refuse_unwritable(outputs: Mapping[str, Path | None]) -> None:
    """See that what the options of `outputs` name can be written, before there is something to write.

    Raises InputError.
    """
    for option, path in outputs.items():
        if path is None:
            continue
        try:
            _try_to_write(path)
        except OSError as error:
            raise InputError(
                _("{option}: {path} can't be written: {reason}.").format(
                    option=option, path=path, reason=error.strerror
                ),
                _("Give {option} the name of a file in a folder that you can write to.").format(
                    option=option
                ),
            ) from None


def _try_to_write(path: Path) -> None:
    """Raises OSError where that can't be done; a file that is there already is left as it is."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if os.path.lexists(path):
        if not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return
    with tempfile.TemporaryFile(dir=path.absolute().parent):
        pass


def refuse_other_summaries(path: Path | None) -> None:
    """See that `--report` replaces nothing but an earlier summary. Raises InputError."""
    if path is None or not _holds_content(path):
        return
    if not SUMMARY.search(start_of(path)):
        raise InputError(
            _("--report: {path} is there already, and is no summary of wxpush.").format(path=path),
            new_name("--report"),
        )


def new_name(option: str) -> str:
    """The remedy for a name that is taken."""
    return _("Give {option} the name of a new file.").format(option=option)


def start_of(path: Path) -> str:
    """The first characters of a file, none where it can't be read."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            return file.read(_START)
    except OSError:
        return ""


def _holds_content(path: Path) -> bool:
    """Whether something would be lost; a pipe or a device keeps nothing, and reading it might never end."""
    try:
        found = path.stat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) or (stat.S_ISREG(found.st_mode) and found.st_size > 0)


def _is_plain(path: Path) -> bool:
    """Whether it is a file, or would be one: a pipe or a device takes what several write."""
    return path.is_file() or not path.exists()


def _is_same(one: Path, other: Path) -> bool:
    try:
        return stat.S_ISREG(one.stat().st_mode) and one.samefile(other)
    except OSError:
        return False
