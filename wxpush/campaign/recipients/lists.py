"""A list of recipients: opened once, read as often as needed, in memory that doesn't grow with it."""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wxpush.campaign.recipients.csvrows import OWN_PREFIX, CsvRows, Header, read_header
from wxpush.campaign.recipients.encoding import TextFile, examine_text
from wxpush.campaign.recipients.excelrows import ExcelRows
from wxpush.campaign.recipients.faults import empty_hint, list_error
from wxpush.campaign.recipients.jsonarray import JsonArrayRows
from wxpush.campaign.recipients.jsonrows import JsonRows
from wxpush.campaign.recipients.positions import csv_starts, json_starts
from wxpush.campaign.sources import lines_at, whole_lines
from wxpush.errors import InputError
from wxpush.i18n import _
from wxpush.model import BadRow, Problem, Recipient, Unmatched

if TYPE_CHECKING:
    from wxpush.campaign.recipients.joined import Join, On

FORMATS = ("csv", "jsonl", "json", "xlsx")
#: Endings of files that are taken for lists, and the format each has.
LIST_ENDINGS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
}


@dataclass(slots=True)
class RecipientList:
    """One list; iterating it reads it from the start, every time.

    `name` is how places name it; `columns` are those of the header, without our own (`wxpush_…`), and None
    for JSONL and JSON, where each row has its own; `header_line` is the header's line or row;
    `encoding_note` is what to say aloud of the encoding, None for UTF-8.
    """

    name: str
    path: Path
    list_format: str
    columns: tuple[str, ...] | None
    header_line: int
    encoding_note: str | None
    blank_rows: int
    """Rows that hold nothing, passed over; right after each whole iteration."""
    _digest: str
    _text: TextFile | None
    _header: Header | None
    _with_ours: bool = False
    join: "Join | None" = None
    """The list whose columns are added to the rows."""
    _may_be_empty: bool = False

    def __iter__(self) -> Iterator[Recipient | BadRow | Unmatched]:
        """Every row, good or bad; raises ProblemsError where the rest can't be read, or there is none.

        The latter not of a list that may have none.
        """
        rows = self._rows()
        row: Recipient | BadRow | Unmatched | None = None
        for row in rows if self.join is None else map(self.join.of, rows):
            yield row
        self.blank_rows = rows.blanks
        if self.join is not None:
            self.join.seen_all = True
        if row is None and not self._may_be_empty:
            hint = _("There is a header, but no row below it.") if self.columns else ""
            raise list_error(self.name, self.header_line, "WX303", _("the list has no recipients."), hint)

    def with_ours(self) -> "RecipientList":
        """The same list with our own columns (`wxpush_…`) in its rows: a failures file as it was written."""
        return replace(self, _with_ours=True)

    def joined_to(self, other: "RecipientList", on: "On") -> "RecipientList":
        """The same list with the columns of `other` in its rows. Raises ProblemsError."""
        from wxpush.campaign.recipients.joined import Join  # and with it SQLite

        join = Join(other, on, self)
        columns = None if self.columns is None else (*self.columns, *join.columns)
        return replace(self, columns=columns, join=join)

    @property
    def own_columns(self) -> tuple[str, ...] | None:
        """The columns of the list itself."""
        if self.columns is None or self.join is None:
            return self.columns
        return self.columns[: -len(self.join.columns) or None]

    @property
    def lines(self) -> int | None:
        """How many lines it has, which are at least as many as its rows; None for a workbook."""
        return None if self._text is None else self._text.lines

    def texts_of(self, lines: Collection[int]) -> dict[int, str]:
        """The text of these lines; of a workbook there is none."""
        return {} if self._text is None else lines_at(self.path, lines, self._text.encoding)

    def placed(self, problems: Sequence[Problem]) -> list[Problem]:
        """The problems, those in a cell of this list with the column at which it begins in its line.

        In a workbook that is the number of its column. Where the cell begins in another line than the row,
        or the list has no such column, the problem stays as it is.
        """
        wanted = {one.line for one in problems if self._is_to_place(one)}
        places = self._places(wanted) if wanted else {}
        return [
            replace(one, column=places.get(one.line, {}).get(one.cell, 0)) if self._is_to_place(one) else one
            for one in problems
        ]

    def _is_to_place(self, problem: Problem) -> bool:
        return bool(problem.cell) and not problem.column and problem.file == self.name

    def _places(self, lines: Collection[int]) -> dict[int, dict[str, int]]:
        """The columns at which the cells of these lines begin, by their names."""
        if self._text is None:
            columns = {name: number for number, name in enumerate(self.columns or (), 1)}
            return dict.fromkeys(lines, columns)
        texts = whole_lines(self.path, lines, self._text.encoding)
        if self._header is None:
            return {number: json_starts(text) for number, text in texts}
        names, delimiter = self._header.columns, self._header.delimiter
        return {number: dict(zip(names, csv_starts(text, delimiter), strict=False)) for number, text in texts}

    def digest(self) -> str:
        """SHA-256 in hex of the file's bytes as they were when the list was opened."""
        return self._digest

    def _rows(self) -> CsvRows | JsonRows | JsonArrayRows | ExcelRows:
        if self._text is None:
            rows = ExcelRows(self.path, self.name, self._digest, with_ours=self._with_ours)
            rows.read_header(bare=True)  # when it was opened, its header was looked at
            return rows
        if self.list_format == "json":
            return JsonArrayRows(self._text, self.name, with_ours=self._with_ours)
        if self._header is None:
            return JsonRows(self._text, self.name, with_ours=self._with_ours)
        return CsvRows(self._text, self._header, self.name, with_ours=self._with_ours)


def open_recipients(
    path: Path,
    *,
    list_format: str | None = None,
    name: str | None = None,
    bare: bool = False,
    may_be_empty: bool = False,
) -> RecipientList:
    """The list in `path`, read through once for its encoding and its SHA-256.

    `list_format` is one of `FORMATS`; by default the ending says it, and for a list without one
    (standard input) its first bytes. `bare`: a list of one column may do without a header, and has its
    first value for one then. `may_be_empty`: it is of use also without a row. Raises ProblemsError for a
    file that is no use as a whole, InputError for a format that is not known, or a library that is lacking.
    """
    name = name or str(path)
    start = _start(path, name)
    kind = _format(list_format, name, start)
    if kind == "xlsx":
        return replace(_workbook(path, name, start, bare=bare), _may_be_empty=may_be_empty)
    text = examine_text(path, name, in_lines=kind != "json")
    header = read_header(text, name, bare=bare) if kind == "csv" else None
    columns = None
    if header:
        columns = tuple(one for one in header.columns if not (header.is_ours and one.startswith(OWN_PREFIX)))
    line = header.line if header else 1
    opened = RecipientList(
        name, path, kind, columns, line, None, 0, text.digest, text, header, _may_be_empty=may_be_empty
    )
    if text.encoding != "utf-8-sig":
        first = next(iter(opened), None)
        opened.encoding_note = _encoding_note(text.encoding, first.values if first else {})
    return opened


def _start(path: Path, name: str) -> bytes:
    """The file's first bytes; raises ProblemsError for one that can't be read or has none."""
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            hint = _("A list is read twice: save it as a file, or pass - and send it to standard input.")
            raise list_error(name, 0, "WX301", _("this is no regular file."), hint)
        with path.open("rb") as stream:
            start = stream.read(64)
    except FileNotFoundError:
        raise list_error(name, 0, "WX301", _("there is no such list."), _("Check the path.")) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        message = _("the list can't be read: {reason}.").format(reason=reason)
        raise list_error(name, 0, "WX301", message) from None
    if not start:
        raise list_error(name, 1, "WX303", _("the list is empty."), empty_hint())
    return start


def _format(list_format: str | None, name: str, start: bytes) -> str:
    if list_format is not None:
        if list_format not in FORMATS:
            message = _('"{value}" is no format of a list.').format(value=list_format)
            raise InputError(message, _("Formats are: {formats}.").format(formats=", ".join(FORMATS)))
        return list_format
    ending = Path(name).suffix.lower()
    if ending in LIST_ENDINGS:
        return LIST_ENDINGS[ending]
    if ending == ".xls":
        hint = _("Save it in Excel as .xlsx or as CSV UTF-8.")
        raise list_error(name, 0, "WX302", _("the old Excel format .xls can't be read."), hint)
    if ending:
        hint = _("Pass --list-format: {formats}.").format(formats=", ".join(FORMATS))
        raise list_error(name, 0, "WX302", _("the ending doesn't say what kind of list it is."), hint)
    if start.startswith(b"PK\x03\x04"):
        return "xlsx"
    first = start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return {b"{": "jsonl", b"[": "json"}.get(first, "csv")


def _workbook(path: Path, name: str, start: bytes, *, bare: bool) -> RecipientList:
    if not start.startswith(b"PK"):
        hint = _("Save it in Excel as .xlsx, without a password; or pass --list-format csv.")
        raise list_error(name, 0, "WX302", _("this is no Excel workbook (.xlsx)."), hint)
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    rows = ExcelRows(path, name, digest)
    rows.read_header(bare=bare)
    ours = "wxpush_state" in rows.columns
    columns = tuple(one for one in rows.columns if not (ours and one.startswith(OWN_PREFIX)))
    return RecipientList(name, path, "xlsx", columns, rows.header_line, None, 0, digest, None, None)


def _encoding_note(encoding: str, first: dict[str, Any]) -> str:
    """Said with a sample, since text in a wrong encoding still looks like text to a program."""
    shown = "GB18030" if encoding == "gb18030" else "UTF-16"
    texts = [f"{column}={value}" for column, value in first.items()]
    sample = ", ".join([text for text in texts if not text.isascii()][:4])
    message = _("The list is not UTF-8; it is read as {encoding}.").format(encoding=shown)
    return (
        message + " " + _("See that this reads well: {sample}").format(sample=sample) if sample else message
    )
