"""What all commands share: the global options, help in the operator's language, signals."""

import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import typer

from wxpush.cli.help import Command, Group
from wxpush.console import Console
from wxpush.errors import InputError, InterruptedRunError, NobodyToAskError, WxpushError
from wxpush.i18n import _

if TYPE_CHECKING:
    from wxpush.app.request import Surroundings
    from wxpush.console.question import Asked
    from wxpush.model import CodeClass

_SIGNALS: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


_Function = TypeVar("_Function", bound=Callable[..., Any])


@dataclass(slots=True)
class Globals:
    """The options before the command."""

    home: Path | None = None


GLOBALS: Final = Globals()


def new_app(help_text: str) -> typer.Typer:
    """An empty group of commands."""
    return typer.Typer(
        cls=Group,
        help=help_text,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        pretty_exceptions_show_locals=False,
        rich_markup_mode="rich",
    )


def command(app: typer.Typer, name: str, help_text: str) -> Callable[[_Function], _Function]:
    """Add a command to `app`; `help_text` is in the language in force."""
    return app.command(name, cls=Command, help=help_text)


def surroundings() -> "Surroundings":
    """Environment, directories and clock of this process."""
    from wxpush.app.request import Surroundings

    return Surroundings(dict(os.environ), GLOBALS.home)


def this_command() -> str:
    """The command line as it was typed, to be typed again."""
    return shlex.join(["wxpush", *sys.argv[1:]])


def parse_rate(text: str | None) -> float | None:
    """`--rate` as messages a second. Raises InputError."""
    if text is None:
        return None
    from wxpush.campaign.units import parse_rate as parse

    try:
        return parse(text)
    except ValueError:
        raise InputError(
            _('--rate: "{text}" is not a rate.').format(text=text), _("Write it as 30/s, 600/min or 3600/h.")
        ) from None


def parse_class(text: str) -> "CodeClass":
    """`--class` as a class of codes. Raises InputError."""
    from wxpush.model import CodeClass

    try:
        return CodeClass(text)
    except ValueError:
        known = ", ".join(cls.value for cls in CodeClass)
        raise InputError(
            _('--class: "{text}" is not a class.').format(text=text),
            _("Classes are: {known}.").format(known=known),
        ) from None


@contextmanager
def signals_to(stop: Callable[[], None]) -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and SIGHUP call `stop`; a third one leaves without another word."""
    seen = 0

    def handle(_number: int, _frame: object) -> None:
        nonlocal seen
        seen += 1
        if seen > 2:
            os._exit(130)
        stop()

    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _raise_interrupt() -> None:
    raise KeyboardInterrupt


def agree(asked: "Asked", console: Console, *, yes: bool) -> None:
    """Ask before sending, unless `yes`. Raises NobodyToAskError, InterruptedRunError for a no."""
    if yes:
        return
    if not console.can_ask():
        raise NobodyToAskError(
            _("There is no terminal to ask on, so nothing was sent."), _("Pass --yes to send without asking.")
        )
    if not console.ask(asked):
        raise InterruptedRunError(_("Not sent: you didn't agree."))


def refused(
    error: WxpushError, run: str | None, account: str | None, console: Console, *, as_json: bool
) -> int:
    """The exit code of a command that didn't begin, and its JSON where that is wanted."""
    if as_json:
        from wxpush.app.refusal import refusal

        console.json(refusal(error, run or "", account or "default"))
    return error.exit_code


def interruptible() -> "Any":
    """Let all three signals end what comes before the sending, where nothing is on its way."""
    return signals_to(_raise_interrupt)
