"""An Excel list: the first sheet of a workbook, row by row, bounded against hostile archives."""

import warnings
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO
from xml.parsers import expat

from wxpush.campaign.recipients.csvrows import OWN_STATE, changed, named, unquoted
from wxpush.campaign.recipients.excelcells import CellError, cell_text
from wxpush.campaign.recipients.faults import bad_row, check_columns, list_error
from wxpush.campaign.recipients.headless import refuse_headless
from wxpush.campaign.recipients.watched import WrittenToError, open_binary
from wxpush.errors import InputError, ProblemsError
from wxpush.i18n import _
from wxpush.model import BadRow, Recipient

MAX_PART = 512 << 20
MAX_WHOLE = 1 << 30
_MAX_PARTS = 2_000
_MAX_ROW = 1_048_576
_CHUNK = 64 * 1024
_MAX_PROLOG = 1 << 20


class ExcelRows:
    """One pass over the rows of the first sheet; `blanks` counts empty ones that others follow."""

    def __init__(self, path: Path, name: str, digest: str, *, with_ours: bool = False) -> None:
        """`digest` is the SHA-256 of the workbook's bytes, in hex."""
        self._path = path
        self._name = name
        self._digest = digest
        self._with_ours = with_ours
        self.blanks = 0
        self.columns: tuple[str, ...] = ()
        self.header_line = 1

    def read_header(self, *, bare: bool = False) -> None:
        """Set `columns` and `header_line`; raises ProblemsError where the workbook is no use.

        `bare`: the first value of a list of one column is taken for a header.
        """
        with _sheet(self._path, self._name, self._digest) as sheet:
            rows = self._cells(sheet)
            for number, cells in rows:
                if names := named(_plain(cells)):
                    below = (texts for _number, cells in rows if any(texts := _plain(cells)))
                    if not bare or len(names) > 1:
                        refuse_headless(self._name, number, names, next(below, []))
                    check_columns(self._name, number, names)
                    self.columns, self.header_line = tuple(names), number
                    return
        hint = _("The first row of the first sheet names the columns, one of them openid.")
        raise list_error(self._name, 1, "WX303", _("the list is empty."), hint)

    def __iter__(self) -> Iterator[Recipient | BadRow]:
        """Every row of the sheet below its header."""
        ours = OWN_STATE in self.columns
        row = pending = 0
        self.blanks = self.header_line - 1
        with _sheet(self._path, self._name, self._digest) as sheet:
            for number, cells in self._cells(sheet):
                if number <= self.header_line:
                    continue
                if all(cell.value is None or cell.value == "" for cell in cells):
                    pending += 1
                    continue
                # Empty rows at a sheet's end are formatting, not rows.
                self.blanks, pending = self.blanks + pending, 0
                yield self._row(cells, row, number, ours)
                row += 1

    def _cells(self, sheet: Any) -> Iterator[tuple[int, Any]]:
        rows = sheet.iter_rows()
        for number in range(1, _MAX_ROW + 2):
            try:
                cells = next(rows, None)
            except WrittenToError as error:
                raise changed(self._name, number, error) from None
            except Exception as error:  # a broken sheet makes the parser raise anything
                raise _broken(self._name, type(error).__name__) from None
            if cells is None:
                return
            yield number, cells
        message = _("the sheet has more rows than Excel allows.")
        raise list_error(self._name, _MAX_ROW, "WX314", message)

    def _row(self, cells: Any, row: int, number: int, ours: bool) -> Recipient | BadRow:
        columns = self.columns
        values, damaged = dict.fromkeys(columns, ""), list[BadRow]()
        for place, (column, cell) in enumerate(zip(columns, cells, strict=False), 1):
            if cell.value is None:
                continue
            if cell.data_type == "e":
                message = _('column "{column}" holds the error {error}.').format(
                    column=column, error=cell.value
                )
                values[column] = str(cell.value)
                damaged.append(bad_row(self._name, row, number, "WX315", message, column=place))
                continue
            try:
                values[column] = cell_text(cell.value, cell.number_format)
            except CellError:
                message = _('column "{column}": Excel has cut this number to 15 digits.').format(
                    column=column
                )
                hint = _("Format the column as text, and enter the value again.")
                values[column] = str(cell.value)
                damaged.append(bad_row(self._name, row, number, "WX316", message, None, hint, place))
        if any(cell.value not in (None, "") for cell in cells[len(columns) :]):
            message = _("a cell stands to the right of the last named column.")
            damaged.append(bad_row(self._name, row, number, "WX310", message))
        if ours:
            values = unquoted(values, with_ours=self._with_ours)
        if damaged:
            return BadRow(row, number, tuple(one for bad in damaged for one in bad.problems), dict(values))
        return Recipient(row, number, values)


def _plain(cells: Any) -> list[str]:
    return [str(cell.value) if cell.value is not None else "" for cell in cells]


@contextmanager
def _sheet(path: Path, name: str, digest: str) -> Iterator[Any]:
    """The first sheet, as openpyxl streams it; raises ProblemsError for a workbook that is no use."""
    openpyxl = _openpyxl()
    _refuse_hostile(path, name)
    # openpyxl warns of parts of a workbook that it passes over, which no list needs.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"openpyxl(\.|$)")
    with open_binary(path, digest) as file, closing(_opened(openpyxl, file, name)) as workbook:
        if not workbook.worksheets:
            raise list_error(name, 0, "WX314", _("the workbook has no sheet."))
        sheet = workbook.worksheets[0]
        # What a file says of its own size is often wrong, and rows would be cut by it.
        sheet.reset_dimensions()
        yield sheet


def _opened(openpyxl: Any, file: BinaryIO, name: str) -> Any:
    try:
        return openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
    except WrittenToError as error:
        raise changed(name, 0, error) from None
    except Exception as error:  # a broken workbook makes openpyxl raise anything
        raise _broken(name, type(error).__name__) from None


def _broken(name: str, reason: str) -> ProblemsError:
    message = _("the workbook can't be read ({reason}).").format(reason=reason)
    return list_error(name, 0, "WX314", message, _("Open it in Excel and save it anew as .xlsx, or as CSV."))


def _openpyxl() -> Any:
    try:
        import openpyxl
    except ImportError:
        raise InputError(
            _("Excel lists need the library openpyxl."), _('Run: pip install "wxpush[excel]"')
        ) from None
    return openpyxl


def _refuse_hostile(path: Path, name: str) -> None:
    """Bound what an archive unpacks to, before any of it is parsed."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            sizes = [part.file_size for part in parts]
            if len(parts) > _MAX_PARTS or sum(sizes) > MAX_WHOLE or max(sizes, default=0) > MAX_PART:
                message = _("the workbook unpacks to more than {limit} MiB.").format(limit=MAX_PART >> 20)
                raise list_error(name, 0, "WX314", message, _("Save the list as CSV."))
            for part in parts:  # whatever they are called: the workbook says itself what is its sheet
                with archive.open(part) as stream:
                    if _is_hostile(stream):
                        raise list_error(name, 0, "WX314", _("the workbook holds forbidden XML."))
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        if isinstance(error, ProblemsError):
            raise
        raise _broken(name, type(error).__name__) from None


class _SeenError(Exception):
    """Enough of a part has been seen; whether it declares a document type."""


def _is_hostile(part: IO[bytes]) -> bool:
    """Whether a part is XML with a document type, where entities are declared, or with an endless prolog."""
    # Any encoding of XML's may hide the words, and a comment may stand before them.
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = lambda *_names: _seen(is_type=True)
    parser.StartElementHandler = lambda *_names: _seen(is_type=False)
    try:
        for chunk in iter(lambda: part.read(_CHUNK), b""):
            parser.Parse(chunk, False)
            if part.tell() > _MAX_PROLOG:
                return True
    except _SeenError as seen:
        return bool(seen.args[0])
    except expat.ExpatError:
        pass  # no XML, or none that can be read
    return False


def _seen(*, is_type: bool) -> None:
    raise _SeenError(is_type)
