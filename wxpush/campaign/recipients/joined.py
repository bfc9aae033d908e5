"""A second list whose columns are added to the rows of the first: by phone number, where the openid is there.

It may have a million rows, and any of them may be asked for next. SQLite holds them in a temporary
database of its own: an index on disk with a small cache, which nobody else can open and which is gone when
the process is; and it comes with Python.
"""

import sqlite3
import weakref
from collections.abc import Iterator
from typing import Any, Final, NamedTuple, Protocol

from wxpush.campaign.recipients.faults import bad_row
from wxpush.errors import InputError, ProblemsError
from wxpush.fastjson import dumps, loads
from wxpush.i18n import _
from wxpush.model import BadRow, Problem, Recipient, Unmatched

_SHOWN: Final = 20


class Listed(Protocol):
    """A list as it is opened."""

    name: str
    columns: tuple[str, ...] | None
    header_line: int

    def __iter__(self) -> Iterator[Recipient | BadRow | Unmatched]: ...

    def digest(self) -> str:
        """SHA-256 in hex of its bytes."""


class On(NamedTuple):
    """The columns that bring two rows together: in the list, and in the list that is joined to it."""

    ours: str
    theirs: str


def parse_on(text: str) -> On:
    """`phone`, or `phone=mobile` where the columns are called differently. Raises InputError."""
    ours, _sign, theirs = (part.strip() for part in text.partition("="))
    if not ours or ("=" in text and not theirs):
        raise InputError(
            _("--on takes the column's name, or both names: phone=mobile (of the list, of the joined one).")
        )
    return On(ours, theirs or ours)


class Join:
    """The joined list by the value of its column. `rows` is how many it has, `columns` those that it adds."""

    def __init__(self, joined: Listed, on: On, to: Listed) -> None:
        """Reads `joined` through. Raises ProblemsError with what is wrong with it, or between the two."""
        self.name, self.on, self.rows = joined.name, on, 0
        self.digest = f"{joined.digest()} {on.ours}={on.theirs}"
        self.seen_all = False
        """Whether every row of the list has gone by, so that all without a match are known."""
        self._list_name = to.name
        self._columns: dict[str, None] = {}
        self._rows = sqlite3.connect("", isolation_level=None)
        weakref.finalize(self, self._rows.close)
        self._rows.execute("CREATE TABLE joined (value TEXT PRIMARY KEY, line, fields) WITHOUT ROWID")
        self._rows.execute("CREATE TABLE unmatched (row INTEGER PRIMARY KEY, line, fields)")
        problems = _lacking(to, on.ours) + _lacking(joined, on.theirs)
        if problems:
            raise ProblemsError(problems)
        self._rows.execute("BEGIN")
        problems = self._take_in(joined)
        if to.columns is not None:
            problems += self._clashes(to)
        if problems:
            raise ProblemsError(problems[:_SHOWN], total=len(problems))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it adds, in order of appearance."""
        return tuple(self._columns)

    def of(self, row: Recipient | BadRow) -> Recipient | BadRow | Unmatched:
        """The row with the columns that are added to it."""
        if isinstance(row, BadRow):
            return row
        found = self._found(row.values.get(self.on.ours))
        if found is None:
            unmatched = Unmatched(row.row, row.line, row.values)
            self._rows.execute("INSERT OR IGNORE INTO unmatched VALUES (?, ?, ?)", _packed(unmatched))
            return unmatched
        both = found.keys() & row.values.keys()
        if both:  # of a list whose rows have their own columns
            return bad_row(self._list_name, row.row, row.line, "WX318", self._clash(min(both)), row.values)
        return Recipient(row.row, row.line, row.values | found, row.values)

    def unmatched(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Line and values of every row without a match that has gone by, in the list's order."""
        for line, fields in self._rows.execute("SELECT line, fields FROM unmatched ORDER BY row"):
            yield line, loads(fields)

    def _found(self, value: Any) -> dict[str, Any] | None:
        key = value.strip() if isinstance(value, str) else ""
        if not key:
            return None
        found = self._rows.execute("SELECT fields FROM joined WHERE value = ?", (key,)).fetchone()
        return None if found is None else loads(found[0])

    def _take_in(self, joined: Listed) -> list[Problem]:
        problems: list[Problem] = []
        for row in joined:
            if isinstance(row, BadRow):
                problems += row.problems
            elif isinstance(row, Recipient):
                problems += self._put(row)
        return problems

    def _put(self, row: Recipient) -> list[Problem]:
        self.rows += 1
        values = dict(row.values)
        value = values.pop(self.on.theirs, None)
        self._columns.update(dict.fromkeys(values))
        key = value.strip() if isinstance(value, str) else ""
        if not key:
            return []  # nobody can be looked up by it
        fields = dumps(values)
        added = self._rows.execute("INSERT OR IGNORE INTO joined VALUES (?, ?, ?)", (key, row.line, fields))
        if added.rowcount:
            return []
        line, first = self._rows.execute("SELECT line, fields FROM joined WHERE value = ?", (key,)).fetchone()
        if loads(first) == values:
            return []
        message = _('{column} "{value}" stands in line {line}, too, with other values.')
        message = message.format(column=self.on.theirs, value=key, line=line)
        return [Problem(self.name, row.line, 0, "WX318", message, _("Keep one of the two rows."))]

    def _clashes(self, to: Listed) -> list[Problem]:
        columns = [column for column in self._columns if column in (to.columns or ())]
        hint = _("Rename one of them, or take it out of the joined list.")
        return [Problem(to.name, to.header_line, 0, "WX318", self._clash(column), hint) for column in columns]

    def _clash(self, column: str) -> str:
        message = _('both {list} and {joined} have a column "{column}".')
        return message.format(list=self._list_name, joined=self.name, column=column)


def _packed(row: Unmatched) -> tuple[int, int, str]:
    return row.row, row.line, dumps(row.values)


def _lacking(opened: Listed, column: str) -> list[Problem]:
    """What is wrong with a list that hasn't the column; one whose rows have their own is believed."""
    if opened.columns is None or column in opened.columns:
        return []
    message = _('there is no column "{column}" to join by.').format(column=column)
    hint = _("The columns are: {columns}.").format(columns=", ".join(opened.columns))
    return [Problem(opened.name, opened.header_line, 0, "WX318", message, hint)]
