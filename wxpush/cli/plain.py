"""Options that need no conversion, absent ones and plain text: what would convert them isn't imported.

Typer 0.29 makes a pydantic adapter for every option, given or not, --help included; and pydantic takes as
long to import as all the rest of a small command.
"""

from collections.abc import Callable
from typing import Any


def spared(parameters: list[Any]) -> list[Any]:
    """`parameters`, whose values are left as they are where converting wouldn't change them."""
    for parameter in parameters:
        if "process_value" not in vars(parameter):
            parameter.process_value = _unless_plain(parameter)
    return parameters


def _unless_plain(parameter: Any) -> Callable[[Any, Any], Any]:
    convert = parameter.process_value
    many = parameter.nargs != 1 or getattr(parameter, "multiple", False)
    is_text = not many and getattr(getattr(parameter, "type_descriptor", None), "annotation", None) is str

    def process_value(context: Any, value: Any) -> Any:
        if value is None and not parameter.required:
            value = () if many else None
        elif not (is_text and isinstance(value, str)):
            return convert(context, value)
        return value if parameter.callback is None else parameter.callback(context, parameter, value)

    return process_value
