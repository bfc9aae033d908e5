"""The names of an expression: which columns can be written bare, and which was probably meant."""

import re
from collections.abc import Collection, Iterable

from wxpush.i18n import _
from wxpush.near import nearest

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
    near = meant_column(name, columns)
    if near is not None:
        return _("Did you mean {expression}?").format(expression=as_written(near))
    shown = ", ".join(list(columns)[:12]) + (" …" if len(columns) > 12 else "")
    return _("The columns are: {columns}.").format(columns=shown)


def meant_column(name: str, columns: Iterable[str]) -> str | None:
    """The column that `name` was probably to be: misspelt, or part of a longer header; else None."""
    columns = list(columns)
    return nearest(name, columns) or next((column for column in columns if _is_part(name, column)), None)


def _is_part(name: str, column: str) -> bool:
    """Whether `name` is a word, or some words, of a header; Chinese has no blanks between them."""
    if not name.isascii():
        return len(name) > 1 and (column.startswith(name) or column.endswith(name))
    whole = rf"(?<![a-zA-Z0-9]){re.escape(name)}(?![a-zA-Z0-9])"
    return bool(name) and name != column and re.search(whole, column) is not None
