"""What else is wrong with a row of a workbook in which cells are damaged, as a CSV file has it told."""

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from wxpush.campaign.checker import Bad, Checker, Ready, Skipped
from wxpush.model import BadRow, Recipient, Unmatched

if TYPE_CHECKING:
    from wxpush.campaign.recipients import RecipientList

_OF_CELLS: Final = frozenset({"WX315", "WX316"})
"""The codes of cells that Excel has made useless, beside which the others are what they were."""


def examine_whole(
    checker: Checker, opened: "RecipientList", row: Recipient | BadRow | Unmatched
) -> Ready | Skipped | Bad:
    """Like `checker.examine`, with what is wrong with the other cells of a row that has damaged ones."""
    examined = checker.examine(row)
    return with_others(examined, checker, opened, row) if isinstance(examined, Bad) else examined


def with_others(
    bad: Bad, checker: Checker, opened: "RecipientList", row: Recipient | BadRow | Unmatched
) -> Bad:
    """`bad`, which `row` is, with what is wrong with its other cells."""
    if not isinstance(row, BadRow) or opened.join is not None or opened.columns is None:
        return bad
    if not all(one.code in _OF_CELLS and 0 < one.column <= len(opened.columns) for one in row.problems):
        return bad
    said = {opened.columns[problem.column - 1] for problem in row.problems}
    others = checker.examine(Recipient(row.row, row.line, row.values))
    if not isinstance(others, Bad):
        return bad
    more = tuple(one for one in others.problems if one.cell and one.cell not in said)
    return replace(bad, problems=bad.problems + more)
