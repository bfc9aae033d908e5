"""A CSV list: delimiter and columns by its header, every row with its line."""

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from typing import Any

from wxpush.campaign.formula import unquote_formula
from wxpush.campaign.recipients.encoding import TextFile
from wxpush.campaign.recipients.faults import bad_row, check_columns, empty_hint, list_error
from wxpush.campaign.recipients.headless import refuse_headless
from wxpush.campaign.recipients.watched import WrittenToError, open_text
from wxpush.errors import ProblemsError
from wxpush.i18n import _, ngettext
from wxpush.model import BadRow, Recipient

OWN_PREFIX = "wxpush_"
OWN_STATE = "wxpush_state"
_DELIMITERS = ",;\t"
_AROUND_NAME = " \t\r\n\u3000\u00a0\u200b\ufeff"


@dataclass(frozen=True, slots=True)
class Header:
    """The columns as the file has them, and how rows are cut: `lines` are those up to the header's end."""

    columns: tuple[str, ...]
    delimiter: str
    line: int
    lines: int
    blanks: int

    @property
    def is_ours(self) -> bool:
        """Whether this is a failures file that wxpush wrote: its quoting is taken off again."""
        return OWN_STATE in self.columns


def named(cells: list[str]) -> list[str]:
    """A header's cells as column names; those at its end that nobody named are left out.

    In a failures file of ours the names are quoted like its cells, and are freed of that likewise.
    """
    names = [cell.strip(_AROUND_NAME) for cell in cells]
    while names and not names[-1]:
        names.pop()
    return [unquote_formula(name) for name in names] if OWN_STATE in names else names


def read_header(file: TextFile, name: str, *, bare: bool = False) -> Header:
    """The header row; raises ProblemsError where there is none, or its names are no use.

    `bare`: the first value of a list of one column is taken for one.
    """
    found, faults = [], []
    for delimiter in _DELIMITERS:
        try:
            found.append(_first_row(file, name, delimiter))
        except ProblemsError as fault:  # quotes don't end where cells do: not this one
            faults.append(fault)
    header = max(found, key=lambda one: len(one.columns), default=None)
    if header is None or (faults and len(header.columns) < 2):
        raise faults[0]
    if not header.columns:
        raise list_error(name, 1, "WX303", _("the list is empty."), empty_hint())
    if not bare or len(header.columns) > 1:
        refuse_headless(name, header.line, list(header.columns), _row_below(file, name, header))
    check_columns(name, header.line, list(header.columns))
    return header


def _row_below(file: TextFile, name: str, header: Header) -> list[str]:
    """The first row below the header; empty where there is none, or none that can be read."""
    try:
        with _opened(file) as stream, _told(name, lambda: reader.line_num, lambda: 1):
            reader = csv.reader(stream, delimiter=header.delimiter, strict=True)
            for cells in reader:
                if reader.line_num > header.lines and any(map(str.strip, cells)):
                    return cells
    except ProblemsError:
        pass  # told when the rows are read
    return []


def _first_row(file: TextFile, name: str, delimiter: str) -> Header:
    with _opened(file) as stream, _told(name, lambda: reader.line_num, lambda: 1):
        reader = csv.reader(stream, delimiter=delimiter, strict=True)
        start, blanks = 1, 0
        for cells in reader:
            if names := named(cells):
                if blanks or reader.line_num > 1 or len(names) > 1 or not names[0].startswith("sep="):
                    return Header(tuple(names), delimiter, start, reader.line_num, blanks)
            else:
                blanks += 1
            start = reader.line_num + 1
    return Header((), delimiter, 1, 0, blanks)


class CsvRows:
    """One pass over the rows of a CSV list; `blanks` counts those that hold nothing."""

    def __init__(self, file: TextFile, header: Header, name: str, *, with_ours: bool = False) -> None:
        self._file = file
        self._header = header
        self._name = name
        self._with_ours = with_ours
        self.blanks = header.blanks

    def __iter__(self) -> Iterator[Recipient | BadRow]:
        """Every row; raises ProblemsError where the rest can't be told apart any more."""
        header, name = self._header, self._name
        columns, width = header.columns, len(header.columns)
        ours, with_ours = header.is_ours, self._with_ours
        previous, row = header.lines, 0
        with _opened(self._file) as stream:
            reader = csv.reader(stream, delimiter=header.delimiter, strict=True)
            with _told(name, lambda: reader.line_num, lambda: previous + 1):
                while reader.line_num < header.lines:
                    next(reader)
                for cells in reader:
                    line, previous = previous + 1, reader.line_num
                    if not cells or (not cells[0].strip() and not "".join(cells).strip()):
                        self.blanks += 1
                        continue
                    if len(cells) == width and previous == line:
                        found: Recipient | BadRow = Recipient(
                            row, line, dict(zip(columns, cells, strict=False))
                        )
                    else:
                        found = self._odd(cells, row, line, previous)
                    yield _mended(found, with_ours=with_ours) if ours else found
                    row += 1

    def _odd(self, cells: list[str], row: int, line: int, last: int) -> Recipient | BadRow:
        """A row over several lines, or with another number of cells than the header."""
        columns, width = self._header.columns, len(self._header.columns)
        values: dict[str, Any] = dict(zip(columns, cells, strict=False))
        fits = len(cells) == width or (len(cells) > width and not "".join(cells[width:]).strip())
        if last != line and (not fits or _swallowed(cells, self._header.delimiter, width)):
            message = _("a quoted cell runs from line {first} to line {last} and seems to hold other rows.")
            hint = _("Close the quote in line {first}, or take the line breaks out of the cell.")
            message, hint = message.format(first=line, last=last), hint.format(first=line)
            return bad_row(self._name, row, line, "WX311", message, values, hint)
        if fits:
            return Recipient(row, line, values)
        message = ngettext(
            "{count} cell, but the header has {width}.",
            "{count} cells, but the header has {width}.",
            len(cells),
        ).format(count=len(cells), width=width)
        hint = _(
            'Put a value that holds the separator in quotes: "a, b". '
            "Or leave the row out with `send --skip-invalid`."
        )
        return bad_row(self._name, row, line, "WX310", message, values, hint)


def _swallowed(cells: list[str], delimiter: str, width: int) -> bool:
    """Whether a cell over several lines holds lines that look like rows which its quote swallowed."""
    least = max(width - 1, 1)
    return any(
        line.count(delimiter) >= least for cell in cells if "\n" in cell for line in cell.splitlines()[1:]
    )


def unquoted(values: dict[str, str], *, with_ours: bool) -> dict[str, Any]:
    """The cells of a failures file as they were before we quoted them, our own columns only if wanted."""
    return {
        column: unquote_formula(cell)
        for column, cell in values.items()
        if with_ours or not column.startswith(OWN_PREFIX)
    }


def _mended(found: Recipient | BadRow, *, with_ours: bool) -> Recipient | BadRow:
    values = unquoted(found.values, with_ours=with_ours)
    if isinstance(found, Recipient):
        return Recipient(found.row, found.line, values)
    return BadRow(found.row, found.line, found.problems, values)


@contextmanager
def _opened(file: TextFile) -> Iterator[TextIOWrapper]:
    with open_text(file.path, file.digest, file.encoding, newline="") as stream:
        yield stream


@contextmanager
def _told(name: str, at: Callable[[], int], since: Callable[[], int]) -> Iterator[None]:
    """Say in our words what the csv module or the file stumbles over; `since` is where the row began."""
    try:
        yield
    except csv.Error as error:
        if "limit" in str(error):
            message = _("a cell is longer than {limit} characters.").format(limit=csv.field_size_limit())
            raise list_error(name, since(), "WX309", message, _("Is a quote never closed?")) from None
        message = _(
            "a quote that opens in this row is not closed where its cell ends (noticed in line {line})."
        )
        hint = _('Close it, or write a quote inside a quoted value twice: "".')
        raise list_error(name, since(), "WX308", message.format(line=at()), hint) from None
    except (UnicodeError, OSError) as error:
        raise changed(name, at(), error) from None


def changed(name: str, line: int, error: Exception) -> ProblemsError:
    """The list could be read when it was opened, and can't any more."""
    if isinstance(error, WrittenToError):
        message = _("the list was changed while it was being read.")
        return list_error(name, line, "WX301", message, _("Run the same command again."))
    reason = getattr(error, "strerror", None) or type(error).__name__
    message = _("the list can't be read any more: {reason}.").format(reason=reason)
    return list_error(name, line, "WX301", message, _("Was it changed meanwhile?"))
