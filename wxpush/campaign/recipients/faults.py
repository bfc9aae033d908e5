"""How a list's faults are said: one place, one cause, one remedy."""

from wxpush.errors import ProblemsError
from wxpush.i18n import _
from wxpush.model import BadRow, Problem


def list_error(name: str, line: int, code: str, message: str, hint: str = "") -> ProblemsError:
    """A fault because of which none of the list can be trusted."""
    return ProblemsError([Problem(name, line, 0, code, message, hint)])


def empty_hint() -> str:
    """What a list is made of."""
    return _("The first row names the columns, one of them openid; each further row is a person.")


def bad_row(
    name: str,
    row: int,
    line: int,
    code: str,
    message: str,
    values: dict[str, object] | None = None,
    hint: str = "",
    column: int = 0,
) -> BadRow:
    """A row that can't be read, while the rest of the list can; `column` is where in its line."""
    remedy = hint or _("Fix the row, or leave it out with `send --skip-invalid`.")
    return BadRow(row, line, (Problem(name, line, column, code, message, remedy),), values or {})


def check_columns(name: str, line: int, columns: list[str]) -> None:
    """Raise ProblemsError for names that are lacking or appear twice; all of them at once."""
    problems = []
    seen: dict[str, int] = {}
    for number, column in enumerate(columns, 1):
        if not column:
            message = _("column {number} has no name.").format(number=number)
            hint = _("Name it in the header, or remove the column.")
            problems.append(Problem(name, line, 0, "WX306", message, hint))
        elif column in seen:
            message = _('two columns are called "{column}": number {first} and number {second}.')
            message = message.format(column=column, first=seen[column], second=number)
            problems.append(Problem(name, line, 0, "WX307", message, _("Rename one of them.")))
        seen.setdefault(column, number)
    if problems:
        raise ProblemsError(problems)
