"""The failures file: what failed, is held or in doubt, as a list that can be mended and sent."""

import csv
import json
import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from io import TextIOWrapper
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol, TextIO

from wxpush.campaign.formula import quote_formula
from wxpush.clock import BEIJING
from wxpush.errors import StateError, StorageError
from wxpush.i18n import _
from wxpush.private import remove, replacing

OWN_PREFIX: Final = "wxpush_"
#: The column in which an operator decides about messages in doubt; a file that has it is his.
DECISION: Final = "wxpush_decision"
OWN_COLUMNS: Final = (
    "wxpush_state",
    "wxpush_line",
    "wxpush_code",
    "wxpush_meaning",
    "wxpush_hint",
    "wxpush_attempts",
    "wxpush_time",
)
_OURS = re.compile(rb'(?:^|\xef\xbb\xbf|[,;\t])"?wxpush_state"?(?:[,;\t\r\n]|$)', re.MULTILINE)
_HEADER_BYTES = 64 * 1024
_MOST_NAMES = 99


@dataclass(frozen=True, slots=True)
class FailureRow:
    """One message that wasn't plainly accepted. `at` is Unix time in seconds, `values` the row's own columns.

    `state` is `failed`, `held` or `in_doubt`; `meaning` and `hint` are in the language in force.
    """

    state: str
    line: int
    code: str
    meaning: str
    hint: str
    attempts: int
    at: float
    values: dict[str, Any]

    def own_values(self) -> dict[str, Any]:
        """The row's columns but those that are ours, of an earlier failures file."""
        return {name: value for name, value in self.values.items() if not name.startswith(OWN_PREFIX)}

    def findings(self) -> tuple[Any, ...]:
        """What we have to say of it, in the order of OWN_COLUMNS."""
        time = datetime.fromtimestamp(self.at, BEIJING).isoformat(timespec="seconds")
        return (self.state, self.line, self.code, self.meaning, self.hint, self.attempts, time)


class Row(Protocol):
    """A row of a list with what we have to say of it, in the order of our own columns."""

    def own_values(self) -> dict[str, Any]:
        """The row's own columns."""

    def findings(self) -> tuple[Any, ...]:
        """What we have to say of it."""


def write_csv(
    rows: Callable[[], Iterable[Row]],
    wanted: Path,
    *,
    fallback: Path,
    columns: Sequence[str] = (),
    own: Sequence[str] = OWN_COLUMNS,
) -> Path | None:
    """Write what `rows()` yields as CSV for a spreadsheet; returns where it lies, None where there are none.

    `own` are the names of our columns.
    UTF-8 with BOM, formula-safe, readable by this user only. The rows' own columns come first: `columns`,
    then whatever else a row has, in order of appearance; `rows` is called twice for that. Nested values
    are JSON text, a value that a row lacks is an empty cell.

    A failures file of ours that bears the name `wanted` is replaced, and removed when there are no rows,
    since a stale list invites a wrong sending. A file of others is left alone: then, or where `wanted`
    can't be written, the next free name is taken (`users.failures-2.csv`), at last one in the private folder
    `fallback`. Raises StorageError when that can't be written either.
    """
    names = _columns(rows(), columns)
    if names is None:
        _remove_ours(wanted)
        return None
    with suppress(OSError):
        return _write_table(rows(), names, wanted, own)
    try:
        return _write_privately(rows(), names, fallback / wanted.name, own)
    except StateError:
        raise StorageError(
            _("The failures file can't be written, neither {path} nor in {folder}.").format(
                path=wanted, folder=fallback
            ),
            _("Make room or choose another place with --failures."),
        ) from None


def fallen_back(wanted: Path, written: Path | None) -> list[str]:
    """What to say of a table that lies in another folder than the one that was wanted."""
    if written is None or written.absolute().parent == wanted.absolute().parent:
        return []
    return [
        _("{path} can't be written; the table lies in {other} instead.").format(path=wanted, other=written)
    ]


def print_csv(
    rows: Callable[[], Iterable[FailureRow]], file: TextIO, clean: Callable[[str], str] = str
) -> None:
    """Write the same table to an open stream, each cell as `clean` gives it; nothing without rows."""
    names = _columns(rows(), ())
    if names is not None:
        _fill(file, rows(), names, clean)


def write_jsonl(rows: Iterable[FailureRow], path: Path) -> int:
    """Write `rows` with their exact values, one JSON object a line, mode 0600; returns how many.

    Own columns first, then ours under the names of the CSV file: a list that `send` takes, too. With no
    rows, an earlier file is removed. Raises StorageError.
    """
    found = iter(rows)
    first = next(found, None)
    if first is None:
        remove(path)
        return 0
    with replacing(path) as file:
        for count, row in enumerate(chain([first], found), 1):  # noqa: B007 - the last is how many there were
            file.write(_json_line(row).encode())
    return count


def row_json(row: FailureRow) -> dict[str, Any]:
    """The row's own columns with their exact values, then ours under the names of the CSV file."""
    return row.own_values() | dict(zip(OWN_COLUMNS, row.findings(), strict=True))


def _columns(rows: Iterable[Row], first: Sequence[str]) -> list[str] | None:
    """All own columns in order of appearance, None where there are no rows."""
    names, empty = dict.fromkeys(name for name in first if not name.startswith(OWN_PREFIX)), True
    for row in rows:
        names.update(dict.fromkeys(row.own_values()))
        empty = False
    return None if empty else list(names)


def _json_line(row: FailureRow) -> str:
    line = row_json(row)
    text = json.dumps(line, ensure_ascii=False)
    return (text if _encodable(text) else json.dumps(line)) + "\n"


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def _write_table(rows: Iterable[Row], names: Sequence[str], wanted: Path, own: Sequence[str]) -> Path:
    """Write the table under the name `wanted` or the next that is free; raises OSError."""
    with _temporary(wanted.parent, wanted.name) as (file, temporary):
        _fill(file, rows, names, own=own)
        file.close()
        return _put_in_place(temporary, wanted)


def _write_privately(rows: Iterable[Row], names: Sequence[str], path: Path, own: Sequence[str]) -> Path:
    """Write the table into a folder that is ours alone. Raises StateError."""
    with replacing(path) as raw:
        file = _text(raw)
        _fill(file, rows, names, own=own)
        file.detach()  # which flushes, and leaves the rest to its owner
    return path


def _fill(
    file: TextIO,
    rows: Iterable[Row],
    names: Sequence[str],
    clean: Callable[[str], str] = str,
    own: Sequence[str] = OWN_COLUMNS,
) -> None:
    writer = csv.writer(file)
    writer.writerow([quote_formula(clean(name)) for name in (*names, *own)])
    for row in rows:
        values = row.own_values()
        cells = [values.get(name) for name in names]
        writer.writerow([quote_formula(clean(cell_text(value))) for value in (*cells, *row.findings())])


def _put_in_place(temporary: Path, wanted: Path) -> Path:
    refused: OSError | None = None
    for path in _free_names(wanted):
        try:
            return temporary.replace(path)
        except OSError as error:  # on Windows: a spreadsheet has it open
            refused = error
    raise refused or FileExistsError(wanted)


def cell_text(value: Any) -> str:
    """A value as the table has it: nested ones are JSON text, a lacking one is empty."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@contextmanager
def _temporary(folder: Path, name: str) -> Iterator[tuple[TextIO, Path]]:
    """A new file for this user only, to be moved to where it belongs when it is whole; else it goes."""
    handle, made = tempfile.mkstemp(dir=folder, prefix=f".{name[:40]}.")
    try:
        with _text(os.fdopen(handle, "wb")) as file:
            yield file, Path(made)
    finally:
        Path(made).unlink(missing_ok=True)


def _text(raw: BinaryIO) -> TextIOWrapper:
    # Half a surrogate pair has no bytes in UTF-8; the exact value is in the JSONL file.
    return TextIOWrapper(raw, encoding="utf-8-sig", errors="replace", newline="")


def _free_names(wanted: Path) -> Iterator[Path]:
    """`wanted` and its next names, those of files of others left out."""
    for number in range(1, _MOST_NAMES + 1):
        path = wanted if number == 1 else wanted.with_stem(f"{wanted.stem}-{number}")
        if not os.path.lexists(path) or _is_ours(path):
            yield path


def _is_ours(path: Path) -> bool:
    """Whether `path` is a regular file with our header and nobody's decisions; never waits on a pipe."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return False
        with path.open("rb") as file:
            header = file.readline(_HEADER_BYTES)
            return _OURS.search(header) is not None and DECISION.encode() not in header
    except OSError:
        return False


def _remove_ours(path: Path) -> None:
    if _is_ours(path):
        with suppress(OSError):
            path.unlink()
