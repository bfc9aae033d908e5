"""What is wrong with a command line that Typer can't take, in our own words.

Its exceptions are told apart by name, since it has a Click of its own.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from wxpush.errors import InputError
from wxpush.i18n import _

_WITH_VALUE: Final = frozenset({"--lang", "--home"})
"""The options before the command that take a value."""


def misuse(error: Exception, arguments: Sequence[str]) -> InputError:
    """The error to show for one of Typer's about `arguments`."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else f"wxpush {command_in(arguments)}".rstrip()
    return InputError(_wording(error, arguments), see_help(path))


def command_in(arguments: Iterable[str]) -> str:
    """The command that is called, going by the words alone; empty where there is none."""
    rest = iter(arguments)
    for word in rest:
        if word in _WITH_VALUE:
            next(rest, None)
        elif not word.startswith("-"):
            return word
    return ""


def see_help(path: str) -> str:
    """Where to look how a command is used."""
    return _("See: {command} --help").format(command=path)


def _wording(error: Exception, arguments: Sequence[str]) -> str:
    kind, parameter = type(error).__name__, getattr(error, "param", None)
    option = str(getattr(error, "option_name", ""))
    if kind == "NoSuchOption":
        near = getattr(error, "possibilities", None) or ()
        known = " " + _("Did you mean {options}?").format(options=_(", ").join(near)) if near else ""
        return _("There is no option {name}.").format(name=option) + known
    if kind == "BadOptionUsage":
        if any(word.startswith(f"{option}=") for word in arguments):
            return _("{name} takes no value.").format(name=option)
        return _("{name} needs a value.").format(name=option)
    if parameter is not None and kind == "MissingParameter":
        return _("{name} is missing.").format(name=name_of(parameter))
    if parameter is not None and kind == "BadParameter":
        message = _("{name}: this value can't be used; {form} is expected.")
        return message.format(name=name_of(parameter), form=parameter.metavar or parameter.name)
    formatted: str = error.format_message()  # type: ignore[attr-defined]  # the caller saw that it has it
    return formatted


def name_of(parameter: Any) -> str:
    """An option as it is typed, an argument as the help has it."""
    if parameter.param_type_name == "option":
        return str(max(parameter.opts, key=len))
    return str(parameter.metavar)


def refuse_number(parameter: Any, text: str) -> InputError:
    """The error for a text that is no whole number within the parameter's bounds."""
    least, most, name = parameter.min, parameter.max, name_of(parameter)
    message = _("{name}: “{value}” is not a whole number.")
    if most is not None:
        message = _("{name}: “{value}” is not a whole number from {least} to {most}.")
    elif least is not None:
        message = _("{name}: “{value}” is not a whole number from {least} on.")
    return InputError(message.format(name=name, value=text, least=least, most=f"{most:,}" if most else ""))


def refuse_choice(parameter: Any, text: str, choices: Sequence[str]) -> InputError:
    """The error for a text that is none of the words that the parameter takes."""
    message = _("{name}: “{value}” is not known here.").format(name=name_of(parameter), value=text)
    return InputError(message, _("Write one of: {choices}.").format(choices=", ".join(choices)))


def refuse_command(context: Any, name: str, near: Sequence[str]) -> InputError:
    """The error for a command that there isn't; `near` are those that may be meant."""
    message = _("There is no command {name}.").format(name=name)
    if near:
        message += " " + _("Did you mean {options}?").format(options=_(", ").join(near))
    return InputError(message, see_help(context.command_path))


def refuse_more(context: Any, words: Sequence[str]) -> InputError:
    """The error for words after the last argument."""
    message = _("More than the command takes: {words}").format(words=" ".join(words))
    return InputError(message, see_help(context.command_path))
