"""Cells that a spreadsheet would run as a formula: quoted for it, and taken back as they were."""

import re

# What is blank or can't be seen may stand in front of the sign, and some programs take it away. A quote
# counts as well, which makes the two functions exact inverses.
_IN_FRONT = r"[\x00-\x20\x7f-\xa0\xad\s'\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]*"
_FORMULA = re.compile(_IN_FRONT + r"[=+\-@\t\r\n＝＋－＠﹦﹢﹣﹫−]")


def quote_formula(cell: str) -> str:
    """`cell` with a `'` in front where a spreadsheet might take it for a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unquote_formula(cell: str) -> str:
    """What `quote_formula` was given."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell, 1) else cell
