"""A list whose first line is a person already: its header is lacking."""

import re
from typing import Final

from wxpush.campaign.recipients.faults import list_error
from wxpush.errors import ProblemsError
from wxpush.i18n import _

#: What no column is called, with the name that such a column mostly has.
_VALUES: Final = {
    "openid": re.compile(r"o(?=.*[A-Z])(?=.*[0-9])[0-9A-Za-z_-]{27}"),
    "phone": re.compile(r"(?:\+?86[- ]?)?1[3-9][0-9]{9}"),
    "time": re.compile(r"[0-9]{4}[-/.年][0-9]{1,2}[-/.月][0-9]{1,2}日?(?:[ T][0-9:]{4,8})?"),
    "email": re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}"),
    "url": re.compile(r"https?://\S+"),
}
_PEOPLE: Final = frozenset({"openid", "phone"})
"""Of these one row is enough: a header of a table by days may have dates in it."""


def refuse_headless(name: str, line: int, first: list[str], second: list[str]) -> None:
    """Raise ProblemsError where the first row that isn't blank looks like the people below it.

    `second` is the next row, empty where there is none: with the same kind of value in the same place the
    first one is no header.
    """
    for place, cell in enumerate(first):
        kind = _kind(cell)
        if kind is None:
            continue
        below = second[place].strip() if place < len(second) else ""
        if kind == _kind(below) or (not second and kind in _PEOPLE):
            raise _headless(name, line, first, cell)


def _headless(name: str, line: int, first: list[str], cell: str) -> ProblemsError:
    names: list[str] = []
    for number, one in enumerate(first, 1):
        kind = _kind(one)
        names.append(kind if kind is not None and kind not in names else f"column{number}")
    message = _('the first line looks like a recipient, not like a header: "{value}".').format(value=cell)
    hint = _("Put a line above it that names the columns, such as: {example}").format(example=",".join(names))
    return list_error(name, line, "WX320", message, hint)


def _kind(cell: str) -> str | None:
    return next((kind for kind, pattern in _VALUES.items() if pattern.fullmatch(cell)), None)
