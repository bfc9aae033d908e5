"""Every message of a run as a row of CSV: how it stands, and by what it can be found again."""

import csv
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TextIO

from wxpush.campaign.formula import quote_formula


class MessageRow(NamedTuple):
    """One message. The fields are the columns, moments ISO 8601 in Beijing time, what isn't known is None.

    A wrong row of the list has neither key nor openid. `delivery` is what WeChat told afterwards.
    """

    state: str
    code: str
    msgid: int | None
    attempts: int
    time: str
    key: str
    openid: str
    line: int
    delivery: str | None = None
    delivery_time: str | None = None


def write_messages(rows: Iterable[MessageRow], file: TextIO, clean: Callable[[str], str] = str) -> None:
    """Write a header and `rows` as they come, formula-safe, each cell as `clean` gives it."""
    writer = csv.writer(file)
    writer.writerow(MessageRow._fields)
    for row in rows:
        writer.writerow([quote_formula(clean(_cell(value))) for value in row])


def _cell(value: Any) -> str:
    return "" if value is None else str(value)
