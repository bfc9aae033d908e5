"""The way in and out: runs a command line, and turns every error into its message and exit code."""

import sys
import threading
import traceback
from collections.abc import Sequence
from contextlib import nullcontext
from itertools import takewhile
from pathlib import Path
from typing import Final

import typer

from wxpush.cli.base import GLOBALS, refused
from wxpush.cli.commands import wxpush
from wxpush.cli.machine import is_for_machines, write_failure
from wxpush.cli.misuse import command_in, misuse
from wxpush.clock import SYSTEM, Clock
from wxpush.console import Console
from wxpush.errors import InputError, WxpushError
from wxpush.i18n import _, asked_language, is_spoken, speaking

_SENDING: Final = frozenset({"send", "retry-failed"})
_FAULT: Final = 70
_INTERRUPTED: Final = 130


def enter(arguments: Sequence[str], clock: Clock = SYSTEM) -> int:
    """Run one command line, by the clocks given; returns its exit code."""
    GLOBALS.clock = clock
    threading.excepthook = _thread_crashed
    words = list(takewhile(lambda word: word != "--", arguments))
    with speaking("en") if is_for_machines(words) else nullcontext():
        return _run(arguments)


def _run(arguments: Sequence[str]) -> int:
    try:
        _refuse_language(arguments)
        command = wxpush()
        outcome = command.main(list(arguments), prog_name="wxpush", standalone_mode=False)
    except WxpushError as error:
        return _refused(error, arguments)
    except typer.Abort:
        return _INTERRUPTED
    except Exception as error:  # the last line of defence: no traceback reaches an operator
        return _misused(error, arguments) if hasattr(error, "format_message") else _crashed(error)
    return outcome if isinstance(outcome, int) else 0


def _refuse_language(arguments: Sequence[str]) -> None:
    """See that what `--lang` asks for is spoken here; the language was taken from it long before."""
    asked = asked_language(arguments)
    if asked is not None and not is_spoken(asked):
        message = _("{name}: “{value}” is not known here.").format(name="--lang", value=asked)
        raise InputError(message, _("Write one of: {choices}.").format(choices="zh, en"))


def _refused(error: WxpushError, arguments: Sequence[str]) -> int:
    """Say why; who asked for an answer that machines read gets one."""
    console = Console()
    console.error(error)
    words = list(takewhile(lambda word: word != "--", arguments))
    write_failure(error, words, console)
    as_json = "--json" in words and command_in(words) in _SENDING
    return refused(error, None, None, console, as_json=as_json)


def _misused(error: Exception, arguments: Sequence[str]) -> int:
    """A command line that Typer can't take."""
    if type(error).__name__ == "NoArgsIsHelpError":
        return InputError.exit_code  # the help has been shown
    return _refused(misuse(error, arguments), arguments)


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
