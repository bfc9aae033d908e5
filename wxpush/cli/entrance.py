"""The way in and out: runs a command line, and turns every error into its message and exit code."""

import sys
import threading
import traceback
from collections.abc import Iterable, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Final

import typer

from wxpush.cli.base import GLOBALS, refused
from wxpush.cli.commands import wxpush
from wxpush.clock import SYSTEM, Clock
from wxpush.console import Console
from wxpush.errors import InputError, WxpushError
from wxpush.i18n import _

_SENDING: Final = frozenset({"send", "retry-failed"})
_WITH_VALUE: Final = frozenset({"--lang", "--home"})
_FAULT: Final = 70
_INTERRUPTED: Final = 130


def enter(arguments: Sequence[str], clock: Clock = SYSTEM) -> int:
    """Run one command line, by the clocks given; returns its exit code."""
    GLOBALS.clock = clock
    command = wxpush()
    threading.excepthook = _thread_crashed
    try:
        outcome = command.main(list(arguments), prog_name="wxpush", standalone_mode=False)
    except WxpushError as error:
        return _refused(error, arguments)
    except typer.Abort:
        return _INTERRUPTED
    except Exception as error:  # the last line of defence: no traceback reaches an operator
        return _misused(error, arguments) if hasattr(error, "format_message") else _crashed(error)
    return outcome if isinstance(outcome, int) else 0


def _refused(error: WxpushError, arguments: Sequence[str]) -> int:
    """Say why; who asked one of the sending commands for JSON gets its one object."""
    console = Console()
    console.error(error)
    words = list(takewhile(lambda word: word != "--", arguments))
    return refused(error, None, None, console, as_json="--json" in words and _command(words) in _SENDING)


def _command(words: Iterable[str]) -> str:
    rest = iter(words)
    for word in rest:
        if word in _WITH_VALUE:
            next(rest, None)
        elif not word.startswith("-"):
            return word
    return ""


def _misused(error: Exception, arguments: Sequence[str]) -> int:
    """A command line that Typer can't take; its exceptions are told apart by name, since it vendors Click."""
    if type(error).__name__ == "NoArgsIsHelpError":
        return InputError.exit_code  # the help has been shown
    context = getattr(error, "ctx", None)
    path = getattr(context, "command_path", None) or "wxpush"
    hint = _("See: {command} --help").format(command=path)
    return _refused(InputError(_wording(error), hint), arguments)


def _wording(error: Exception) -> str:
    kind, parameter = type(error).__name__, getattr(error, "param", None)
    if kind == "NoSuchOption":
        near = getattr(error, "possibilities", None) or ()
        known = " " + _("Did you mean {options}?").format(options=_(", ").join(near)) if near else ""
        return _("There is no option {name}.").format(name=getattr(error, "option_name", "")) + known
    if parameter is not None:
        name = max(parameter.opts, key=len) if parameter.param_type_name == "option" else parameter.metavar
        if kind == "MissingParameter":
            return _("{name} is missing.").format(name=name)
        if kind == "BadParameter":
            return _("{name}: this value can't be used ({reason})").format(
                name=name, reason=getattr(error, "message", "")
            )
    formatted: str = error.format_message()  # type: ignore[attr-defined]  # seen by the caller
    return formatted


def _thread_crashed(failed: threading.ExceptHookArgs) -> None:
    """Python's own hook would print the message, and with it whatever value stands in it."""
    if isinstance(failed.exc_value, Exception):
        _crashed(failed.exc_value)


def _crashed(error: Exception) -> int:
    """Say where it happened, and nothing that a value might give away."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(last.filename).name}:{last.lineno}"
    text = _("error: a fault in wxpush itself ({kind} at {place}). Nothing that was sent is forgotten.")
    sys.stderr.write(text.format(kind=type(error).__name__, place=place) + "\n")
    sys.stderr.write(_("Please report it with the command that you ran.") + "\n")
    return _FAULT
