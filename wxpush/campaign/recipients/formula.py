"""Cells that a spreadsheet would run as a formula: quoted for it, and taken back as they were."""

import re

# A quote or blank in front may hide the sign: counting them in makes the two functions exact inverses.
_FORMULA = re.compile(r"[ ']*[=+\-@\t\r\n＝＋－＠]")


def quote_formula(cell: str) -> str:
    """`cell` with a `'` in front where a spreadsheet might take it for a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unquote_formula(cell: str) -> str:
    """What `quote_formula` was given."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell, 1) else cell
