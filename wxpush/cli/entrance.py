"""The way in and out: runs a command line, and turns every error into its message and exit code."""

import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import typer

from wxpush.cli.commands import app
from wxpush.console import Console
from wxpush.errors import InputError, WxpushError
from wxpush.i18n import _

_FAULT: Final = 70
_INTERRUPTED: Final = 130


def enter(arguments: Sequence[str]) -> int:
    """Run one command line; returns its exit code."""
    command = typer.main.get_command(app)
    try:
        outcome = command.main(list(arguments), prog_name="wxpush", standalone_mode=False)
    except WxpushError as error:
        Console().error(error)
        return error.exit_code
    except typer.Abort:
        return _INTERRUPTED
    except Exception as error:  # the last line of defence: no traceback reaches an operator
        return _misused(error) if hasattr(error, "format_message") else _crashed(error)
    return outcome if isinstance(outcome, int) else 0


def _misused(error: Exception) -> int:
    """A command line that Typer can't take; its exceptions are told apart by name, since it vendors Click."""
    if type(error).__name__ == "NoArgsIsHelpError":
        return InputError.exit_code  # the help has been shown
    context = getattr(error, "ctx", None)
    path = getattr(context, "command_path", None) or "wxpush"
    Console().error(InputError(_wording(error), _("See: {command} --help").format(command=path)))
    return InputError.exit_code


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


def _crashed(error: Exception) -> int:
    """Say where it happened, and nothing that a value might give away."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(last.filename).name}:{last.lineno}"
    text = _("error: a fault in wxpush itself ({kind} at {place}). Nothing that was sent is forgotten.")
    sys.stderr.write(text.format(kind=type(error).__name__, place=place) + "\n")
    sys.stderr.write(_("Please report it with the command that you ran.") + "\n")
    return _FAULT
