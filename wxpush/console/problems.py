"""Problems of campaign, template and list: each with its place, the first of many."""

from collections.abc import Sequence

from rich.cells import cell_len

from wxpush.console import words
from wxpush.console.layout import Page, Span
from wxpush.console.safe import joined, safe
from wxpush.i18n import _
from wxpush.model import Problem, Severity

_MOST = 20
_LEAST_ROOM = 16
"""Cells beside place and code below which the message begins on a line of its own."""
_HANG = 4
_DIFF = {"+": "green", "-": "red"}


def lay_out(page: Page, problems: Sequence[Problem], total: int) -> None:
    """Each as `file:line:column: error WX203: message hint`; the first 20, then how many more of `total`."""
    shown = problems[:_MOST]
    for problem in shown:
        one(page, problem)
        detail(page, problem)
    if total > len(shown):
        page.text(_("… and {count} more").format(count=words.number(total - len(shown))))


def one(page: Page, problem: Problem) -> None:
    """One of them; its place is never broken, so that it can be copied."""
    is_error = problem.severity is Severity.ERROR
    word = _("error") if is_error else _("warning")
    place: Span = (f"{problem.place}:" if problem.place else "", "bold")
    kind: Span = (f"{word} {problem.code}".rstrip() + ":", "bold red" if is_error else "bold yellow")
    text = joined(problem.message, problem.hint)
    taken = cell_len(safe(place[0])) + 1 + cell_len(kind[0])
    if not place[0]:
        page.value([kind], 0, text, hang=_HANG)
    elif page.width is None or page.width - taken > _LEAST_ROOM:
        page.value([place, (" ", ""), kind], 0, text, hang=_HANG)
    elif taken <= page.width:
        page.whole([place, (" ", ""), kind])
        page.text(text, indent=_HANG)
    else:
        page.whole([place])
        page.value([(" " * _HANG, ""), kind], _HANG, text)


def detail(page: Page, problem: Problem) -> None:
    """The lines that show more of it."""
    for line in problem.detail:
        page.unbroken(line, _DIFF.get(line[:1], ""), indent=_HANG)
