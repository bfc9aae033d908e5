"""What all commands share: the global options, help in the operator's language, signals."""

import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import typer

from wxpush.cli.help import Command, Group
from wxpush.clock import BEIJING, SYSTEM, Clock
from wxpush.console import Console
from wxpush.errors import InputError, InterruptedRunError, NobodyToAskError, WxpushError
from wxpush.i18n import _

if TYPE_CHECKING:
    from wxpush.app.observing import LogRequest
    from wxpush.app.surroundings import Surroundings
    from wxpush.console.question import Asked
    from wxpush.model import CodeClass

_SIGNALS: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


_Function = TypeVar("_Function", bound=Callable[..., Any])


@dataclass(slots=True)
class Globals:
    """The options before the command, and the clocks that every command goes by."""

    home: Path | None = None
    clock: Clock = SYSTEM


GLOBALS: Final = Globals()


def new_app(help_text: str = "") -> typer.Typer:
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
    from wxpush.app.surroundings import Surroundings

    return Surroundings(dict(os.environ), GLOBALS.home, GLOBALS.clock)


def beijing_today() -> date:
    """The day in Beijing, without all that `surroundings` knows."""
    return datetime.fromtimestamp(GLOBALS.clock.wall(), BEIJING).date()


def this_command(leave_out: Callable[[str, str], bool] = lambda _option, _value: False) -> str:
    """The command line as it was typed, to be typed again.

    `leave_out` says of each option and what stands after it whether both are to be left out.
    """
    words, kept = sys.argv[1:], ["wxpush"]
    while words:
        word, *words = words
        option, equals, value = word.partition("=")
        if not leave_out(option, value if equals else next(iter(words), "")):
            kept.append(word)
        elif not equals:
            words = words[1:]
    return shlex.join(kept)


def typed(option: str) -> str:
    """The value of an option as it was typed; empty where it wasn't."""
    words = sys.argv[1:]
    for word, following in zip(words, [*words[1:], ""], strict=True):
        name, equals, value = word.partition("=")
        if name == option:
            return value if equals else following
    return ""


def parse_rate(text: str | None) -> float | None:
    """`--rate` as messages a second. Raises InputError."""
    if text is None:
        return None
    from wxpush.campaign.units import UnitError
    from wxpush.campaign.units import parse_rate as parse

    try:
        return parse(text)
    except UnitError as error:
        raise InputError("--rate: " + error.message, error.hint) from None


def log_request(path: Path | None, most: str | None) -> "LogRequest | None":
    """`--log` and `--log-max`. Raises InputError."""
    if path is None:
        if most is not None:
            raise InputError(_("--log-max goes with --log."), _("Add --log FILE, or leave --log-max out."))
        return None
    from wxpush.app.observing import USUAL_LOG_SIZE, LogRequest
    from wxpush.campaign.units import UnitError, parse_size
    from wxpush.report.eventlog import refuse_other_files

    try:
        limit = USUAL_LOG_SIZE if most is None else parse_size(most)
    except UnitError as error:
        raise InputError("--log-max: " + error.message, error.hint) from None
    refuse_other_files(path)
    return LogRequest(path, limit)


def parse_wait(option: str, text: str | None) -> float | None:
    """`30s`, `2m` or `2min` as seconds. Raises InputError."""
    if text is None:
        return None
    from wxpush.campaign.units import UnitError, parse_duration

    try:
        return parse_duration(f"{text}in" if text.endswith("m") else text)
    except UnitError as error:
        raise InputError(f"{option}: " + error.message, error.hint) from None


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


class Signals:
    """What Ctrl-C, SIGTERM and SIGHUP call; a third one leaves without another word."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._act, self._seen = act, 0

    def to(self, act: Callable[[], None]) -> None:
        """Let them call `act` from now on."""
        self._act, self._seen = act, 0

    def handle(self, _number: int, _frame: object) -> None:
        """Take one in."""
        self._seen += 1
        if self._seen > 2:
            os._exit(130)
        self._act()


@contextmanager
def signals_to(stop: Callable[[], None]) -> Iterator[Signals]:
    """Let Ctrl-C, SIGTERM and SIGHUP call `stop`, or what is put in its place, while the context lasts."""
    signals = Signals(stop)
    before = {number: signal.signal(number, signals.handle) for number in _SIGNALS}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def put_off(signals: Signals) -> Iterator[None]:
    """Let what must not be torn be done first: a signal meanwhile is obeyed when the context ends."""
    seen: list[None] = []
    signals.to(lambda: seen.append(None))
    try:
        yield
    finally:
        signals.to(raise_interrupt)
    if seen:
        raise KeyboardInterrupt


def raise_interrupt() -> None:
    """What ends a command that has nothing on its way."""
    raise KeyboardInterrupt


def agree(asked: "Asked", console: Console, *, yes: bool, at: datetime | None = None) -> None:
    """Ask before sending, now or `at` a moment, unless `yes`.

    Raises NobodyToAskError, InterruptedRunError for a no.
    """
    if yes:
        return
    if not console.can_ask():
        raise NobodyToAskError(
            _("There is no terminal to ask on, so nothing was sent."), _("Pass --yes to send without asking.")
        )
    if not console.ask(asked, at):
        raise InterruptedRunError(_("Not sent: you didn't agree."))


def refused(
    error: WxpushError,
    run: str | None,
    account: str | None,
    console: Console,
    *,
    as_json: bool,
    counts: Mapping[str, int] | None = None,
    total: int | None = None,
) -> int:
    """The exit code of a command that didn't begin, and its JSON where that is wanted.

    `counts` and `total` say how the run stands, by state, where that is known.
    """
    if as_json:
        from wxpush.app.refusal import refusal

        console.json(refusal(error, run or "", account or "default", counts, total))
    return error.exit_code


def interruptible() -> AbstractContextManager[Signals]:
    """Let all three signals end what comes before the sending, where nothing is on its way."""
    return signals_to(raise_interrupt)
