"""Problems of campaign, template and list: each with its place, the first of many."""

from collections.abc import Sequence

from wxpush.console import words
from wxpush.console.layout import Page
from wxpush.console.safe import joined
from wxpush.i18n import _
from wxpush.model import Problem, Severity

_MOST = 20


def lay_out(page: Page, problems: Sequence[Problem], total: int) -> None:
    """Each as `file:line:column: message hint`; the first 20, then how many more of `total`."""
    shown = problems[:_MOST]
    for problem in shown:
        _one(page, problem)
    if total > len(shown):
        page.text(_("… and {count} more").format(count=words.number(total - len(shown))))


def _one(page: Page, problem: Problem) -> None:
    if problem.severity is Severity.WARNING:
        message = _("warning: {text}").format(text=problem.message)
        page.text(joined(f"{problem.place}: {message}", problem.hint), "yellow", hang=4)
    else:
        page.text(joined(f"{problem.place}: {problem.message}", problem.hint), hang=4)
