"""The names of an expression: which columns can be written bare, and which was probably meant."""

from collections.abc import Collection
from difflib import get_close_matches

from wxpush.i18n import _

ROW = "row"
"""All columns of the row, for those whose header is no plain word."""
TODAY = "today"


def is_name(column: str) -> bool:
    """Whether a column can be written as a bare name in an expression."""
    reserved = {"and", "else", "if", "in", "is", "not", "or", "self", ROW}
    constants = {"true", "false", "none", "True", "False", "None"}
    return column.isidentifier() and column not in reserved | constants


def as_written(column: str) -> str:
    """How an expression reaches a column."""
    return "{{ %s }}" % column if is_name(column) else '{{ row["%s"] }}' % column.replace('"', '\\"')  # noqa: UP031 - braces


def column_hint(name: str, columns: Collection[str]) -> str:
    """What was probably meant by `name`: the nearest column, or the columns there are."""
    near = get_close_matches(name, columns, 1, 0.6) or [
        column for column in columns if name and (column.startswith(name) or column.endswith(name))
    ]
    if near:
        return _("Did you mean {expression}?").format(expression=as_written(near[0]))
    shown = ", ".join(list(columns)[:12]) + (" …" if len(columns) > 12 else "")
    return _("The columns are: {columns}.").format(columns=shown)
