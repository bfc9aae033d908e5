"""What a check has found, each problem with the line it stands in and a mark below its place."""

from collections.abc import Mapping, Sequence

from rich.cells import cell_len

from wxpush.console import words
from wxpush.console.layout import Page, cropped
from wxpush.console.problems import detail, one
from wxpush.console.safe import safe
from wxpush.i18n import _, ngettext
from wxpush.model import Problem

_LONGEST_ON_A_PIPE = 200


def lay_out(
    page: Page, problems: Sequence[Problem], lines: Mapping[tuple[str, int], str], total: int
) -> None:
    """Each as `file:line:column: error WX203: message hint`, then how many more of `total` there are.

    `lines` are the texts of files and their lines, as far as there are any.
    """
    width = max((len(str(problem.line)) for problem in problems), default=1)
    for problem in problems:
        one(page, problem)
        text = lines.get((problem.file, problem.line))
        if text is not None and text.strip():
            _quoted(page, problem, text, width)
        detail(page, problem)
    if total > len(problems):
        page.text(_("… and {count} more").format(count=words.number(total - len(problems))))


def in_all(files: int, rows: int, errors: int, warnings: int) -> str:
    """The result in one sentence."""
    checked = ngettext("{count} file", "{count} files", files).format(count=words.number(files))
    if rows:
        of_rows = ngettext("{count} row", "{count} rows", rows).format(count=words.number(rows))
        checked = _("{files}, {rows}").format(files=checked, rows=of_rows)
    counts = []
    if errors:
        counts.append(ngettext("{count} error", "{count} errors", errors).format(count=words.number(errors)))
    if warnings:
        told = ngettext("{count} warning", "{count} warnings", warnings)
        counts.append(told.format(count=words.number(warnings)))
    result = _(", ").join(counts) or _("nothing is wrong")
    return _("Checked: {checked}; {result}.").format(checked=checked, result=result)


def _quoted(page: Page, problem: Problem, text: str, width: int) -> None:
    """The line itself, cut to what there is room for, and below it a mark where the problem is."""
    number, bare = f"  {problem.line:>{width}} | ", f"  {'':{width}} | "
    before, shown = _window(text, problem.column, (page.width or _LONGEST_ON_A_PIPE) - len(number))
    page.whole([(number, "dim"), (shown, "")])
    if 0 < problem.column <= len(text) + 1:
        page.whole([(bare + " " * cell_len(before), "dim"), ("^", "bold red")])


def _window(text: str, column: int, room: int) -> tuple[str, str]:
    """The part of a line around `column` that has room, and what of it stands before the column."""
    text = text.replace("\t", " ")
    end = min(max(column - 1, 0), len(text))
    start, used = end, cell_len(safe(text[end : end + 1]))
    while start and used + (cells := cell_len(safe(text[start - 1]))) <= room:
        start, used = start - 1, used + cells
    return safe(text[start:end]), cropped(safe(text[start : start + room]), room)
