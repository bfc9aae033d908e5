"""Options that need no conversion to speak of: what would convert them isn't imported.

What they can't be is said in our own words.

Typer 0.29 makes a pydantic adapter for every option, given or not, --help included; and pydantic's types
take as long to import as all the rest of a small command.
"""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, get_args, get_origin

from wxpush.cli.misuse import refuse_choice, refuse_number

_NOT_PLAIN: Final = object()
_LONGEST_NUMBER: Final = 18


def spared(parameters: list[Any]) -> list[Any]:
    """`parameters`, whose values are converted here where that takes no library."""
    for parameter in parameters:
        if "process_value" not in vars(parameter):
            parameter.process_value = _unless_plain(parameter)
    return parameters


def _unless_plain(parameter: Any) -> Callable[[Any, Any], Any]:
    convert = parameter.process_value
    many = parameter.nargs != 1 or getattr(parameter, "multiple", False)
    kind = getattr(getattr(parameter, "type_descriptor", None), "annotation", None)

    def process_value(context: Any, value: Any) -> Any:
        if value is None and not parameter.required:
            plain: Any = () if many else None
        else:
            plain = _converted(parameter, kind, value, many=many)
        if plain is _NOT_PLAIN:
            return convert(context, value)
        return plain if parameter.callback is None else parameter.callback(context, parameter, plain)

    return process_value


def _converted(parameter: Any, kind: Any, value: Any, *, many: bool) -> Any:
    """`value` as Typer would convert it; _NOT_PLAIN where that is for Typer to do.

    Raises InputError for a text that is no number, or none of the words that are known.
    """
    if many:
        inner = get_args(kind)[0] if get_origin(kind) is list else None
        texts = isinstance(value, (tuple, list)) and value and all(isinstance(one, str) for one in value)
        return [inner(one) for one in value] if texts and inner in (str, Path) else _NOT_PLAIN
    if type(value) is kind:
        return value  # a default
    if not isinstance(value, str):
        return _NOT_PLAIN
    if kind in (str, Path):
        return kind(value)
    if kind is int:
        return _number(parameter, value)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        choices = [one.value for one in kind]
        if value not in choices:
            raise refuse_choice(parameter, value, choices)
        return kind(value)
    return _NOT_PLAIN


def _number(parameter: Any, text: str) -> int:
    digits = text.strip().removeprefix("-")
    if digits.isascii() and digits.isdecimal() and len(digits) <= _LONGEST_NUMBER:
        number = int(text)
        above = parameter.min is None or number >= parameter.min
        if above and (parameter.max is None or number <= parameter.max):
            return number
    raise refuse_number(parameter, text)
