"""Options that need no conversion to speak of: what would convert them isn't imported.

Typer 0.29 makes a pydantic adapter for every option, given or not, --help included; and pydantic's types
take as long to import as all the rest of a small command.
"""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, get_args, get_origin

_NOT_PLAIN: Final = object()


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
            plain = _converted(kind, value, many=many)
        if plain is _NOT_PLAIN:
            return convert(context, value)
        return plain if parameter.callback is None else parameter.callback(context, parameter, plain)

    return process_value


def _converted(kind: Any, value: Any, *, many: bool) -> Any:
    """`value` as Typer would convert it; _NOT_PLAIN where that is for Typer to do, or to refuse."""
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
    if isinstance(kind, type) and issubclass(kind, StrEnum) and value in {one.value for one in kind}:
        return kind(value)
    return _NOT_PLAIN
