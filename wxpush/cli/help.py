"""Help laid out by our own console: Typer's tables cut Chinese off, since it has no blanks to wrap at."""

import sys
from collections.abc import Iterable
from copy import copy
from difflib import get_close_matches
from typing import Any, Final

from typer.core import TyperCommand, TyperGroup

from wxpush.cli.misuse import refuse_command, refuse_more
from wxpush.cli.plain import spared
from wxpush.console import Console
from wxpush.console.screen import give_up, has_no_reader
from wxpush.errors import StorageError
from wxpush.i18n import _

_Rows = list[tuple[str, str]]
_EVERYWHERE: Final = frozenset({"lang"})
"""Options before the command that may stand behind it, too: what they ask for is done before all parsing."""


class Command(TyperCommand):
    """A command whose help is in the operator's language, and whole at any width."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The arguments and options; what needs no conversion costs nothing."""
        return spared(_with_shared(ctx, super().get_params(ctx)))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the arguments in. Raises InputError for more of them than there are to take."""
        ctx.allow_extra_args = True
        rest: list[str] = super().parse_args(ctx, args)
        if ctx.args and not ctx.resilient_parsing:
            raise refuse_more(ctx, ctx.args)
        return rest

    def invoke(self, ctx: Any) -> Any:
        """Run it; a reader of its data who has had enough (`| head`) is no error. Raises StorageError."""
        outcome: Any = 0
        try:
            outcome = super().invoke(ctx)
            _flush()
        except BrokenPipeError:
            if not has_no_reader(sys.stdout):
                raise
            give_up(sys.stdout)
        return outcome

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help; nothing is left to `formatter`."""
        del formatter
        show(self, ctx, [])


def _flush() -> None:
    """Write what standard output has in its buffers. Raises BrokenPipeError, StorageError."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        give_up(sys.stdout)
        raise StorageError(
            _("Standard output can't be written: {reason}.").format(reason=error.strerror),
            _("Make room, and run the same command again."),
        ) from None


class Group(TyperGroup):
    """The same for a group of commands."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The arguments and options; what needs no conversion costs nothing."""
        return spared(_with_shared(ctx, super().get_params(ctx)))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is called. Raises InputError where there is none of that name."""
        if args and self.get_command(ctx, args[0]) is None:
            raise refuse_command(ctx, args[0], get_close_matches(args[0], self.list_commands(ctx)))
        return super().resolve_command(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help; nothing is left to `formatter`."""
        del formatter
        found = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        show(self, ctx, [(name, command.help or "") for name, command in found if command is not None])


def _with_shared(ctx: Any, own: list[Any]) -> list[Any]:
    """A command's own parameters and, before --help, the shared ones, of which it isn't told."""
    if ctx.parent is None:
        return own
    shared = [copy(option) for option in ctx.find_root().command.params if option.name in _EVERYWHERE]
    for option in shared:
        option.expose_value = False
    return [*own[:-1], *shared, *own[-1:]]


def show(command: Any, ctx: Any, commands: _Rows) -> None:
    """Print the help of `command`; `commands` are those of a group, with what they do."""
    parameters = [p for p in command.get_params(ctx) if not getattr(p, "hidden", False)]
    arguments = [p for p in parameters if p.param_type_name == "argument"]
    options = [p for p in parameters if p.param_type_name == "option"]
    Console().help(
        _usage(ctx, arguments, commands),
        command.help or "",
        [
            (_("Arguments"), [(argument.metavar, argument.help or "") for argument in arguments]),
            (_("Commands"), commands),
            (_("Options"), [(_option(option), _told(option)) for option in options]),
        ],
    )


def _usage(ctx: Any, arguments: Iterable[Any], commands: _Rows) -> str:
    parts = [ctx.command_path, _("[OPTIONS]")]
    parts += [str(a.metavar) if a.required else f"[{a.metavar}]" for a in arguments]
    if commands:
        parts.append(_("COMMAND …"))
    return _("Usage: {line}").format(line=" ".join(parts))


def _option(option: Any) -> str:
    names = ", ".join(sorted([*option.opts, *option.secondary_opts], key=len))
    return names if option.is_flag or option.metavar is None else f"{names} {option.metavar}"


def _told(option: Any) -> str:
    if "--help" in option.opts:
        return _("Show this message and exit.")
    if isinstance(option.show_default, str):  # one that the command sees only when it is typed
        return str(option.help or "") + " " + _("[default: {}]").format(option.show_default)
    if option.is_flag or option.default in (None, "", ()):
        return str(option.help or "")
    default = getattr(option.default, "value", option.default)
    return str(option.help or "") + " " + _("[default: {}]").format(default)
