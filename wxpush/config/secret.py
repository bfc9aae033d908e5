"""A secret: text that shows itself only when asked, and the places it is fetched from."""

import os
import shlex
import stat
import subprocess
from pathlib import Path
from typing import Final

from wxpush.errors import InputError
from wxpush.i18n import _

_LIMIT: Final = 64 * 1024
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Secret:
    """Text that every representation hides; `reveal` is for the HTTP boundary alone."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format("***", spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> str:
        raise TypeError("a secret is never pickled")


def read_secret_file(path: Path) -> str:
    """The text of a file that only its owner may read, ends trimmed.

    Raises InputError where it is lacking, or where group or others have any right to it.
    """
    try:
        # Without O_NONBLOCK a pipe would be waited for.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise InputError(_("{path} is not a file.").format(path=path))
            if os.name == "posix" and stat.S_IMODE(found.st_mode) & _OTHERS:
                raise InputError(
                    _("{path} can be read or changed by other users.").format(path=path),
                    _("Run: chmod 600 {path}").format(path=path),
                )
            return _text(file.read(_LIMIT), str(path))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(_("{path} can't be read: {reason}.").format(path=path, reason=reason)) from None


def run_for_text(command: str, *, timeout: float) -> str:
    """What `command` writes to standard output, ends trimmed; its own errors go to the terminal.

    It is started without a shell, in the foreground, so that it can ask for a passphrase. Raises
    InputError where it fails, says nothing, or takes longer than `timeout` seconds; never shows its output.
    """
    shown = command_shown(command)
    try:
        words = shlex.split(command)
        # Standard input may be the list of recipients.
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)  # noqa: S603 - the operator's own command
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise InputError(
            _("The command {command} can't be started: {reason}.").format(command=shown, reason=reason)
        ) from None
    try:
        said, _nothing = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        raise InputError(
            _("The command {command} took longer than {seconds:.0f} seconds.").format(
                command=shown, seconds=timeout
            )
        ) from None
    finally:
        # Not a second `communicate`: a grandchild may hold the pipe open for ever.
        if process.stdout is not None:
            process.stdout.close()
        process.wait()
    if process.returncode:
        raise InputError(
            _("The command {command} ended with code {code}.").format(command=shown, code=process.returncode),
            _("Run it by hand to see why."),
        )
    return _text(said[:_LIMIT], shown)


def command_shown(command: str) -> str:
    """The program alone, since its arguments may hold a password."""
    first, *rest = command.split(maxsplit=1) or [""]
    return f"{first} …" if rest else first


def _text(raw: bytes, source: str) -> str:
    try:
        text = raw.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise InputError(_("What {source} gives is not UTF-8 text.").format(source=source)) from None
    if not text:
        raise InputError(_("{source} gives nothing.").format(source=source))
    return text
