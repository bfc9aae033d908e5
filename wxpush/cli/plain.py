"""Options that need no conversion, absent ones and plain text: what would convert them isn't imported.

Typer 0.29 makes a pydantic adapter for every option, given or not, --help included; and pydantic takes as
long to import as all the rest of a small command.
"""

from collections.abc import Callable
from typing import Any


def spared(parameters: list[Any]) -> list[Any]:
    """`parameters`, whose values are left as they are where converting wouldn't change them."""
    for parameter in parameters:
        single = parameter.nargs == 1 and not getattr(parameter, "multiple", False)
        if single and "process_value" not in vars(parameter):
            parameter.process_value = _unless_plain(parameter)
    return parameters


def _unless_plain(parameter: Any) -> Callable[[Any, Any], Any]:
    process = parameter.process_value
    is_text = getattr(getattr(parameter, "type_descriptor", None), "annotation", None) is str

    def process_value(context: Any, value: Any) -> Any:
        absent, text = value is None and not parameter.required, is_text and isinstance(value, str)
        if not (absent or text):
            return process(context, value)
        return value if parameter.callback is None else parameter.callback(context, parameter, value)

    return process_value
