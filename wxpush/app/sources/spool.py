"""Lists that are no files: standard input and queries, kept privately on disk, since they are read twice."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from wxpush.errors import StorageError
from wxpush.i18n import _

if TYPE_CHECKING:
    from wxpush.app.sources.query import Query

STDIN: Final = "-"
QUERY: Final = "--sql"
"""What places call the list that a query gives."""
_ROWS: Final = "jsonl"


def called(name: str) -> str:
    """What people call the list of that name, in the language in force."""
    return {STDIN: _("standard input"), QUERY: _("the query")}.get(name, name)


@dataclass(frozen=True, slots=True)
class Source:
    """A list to read: `name` is what places call it; without a `list_format` the name's ending says it."""

    path: Path
    name: str
    list_format: str | None = None
    words: tuple[str, ...] = ()
    """The options of a query, to be typed again."""


@contextmanager
def from_stdin(stream: BinaryIO, list_format: str | None) -> Iterator[Source]:
    """Standard input as a list. Raises StorageError."""
    with _spooled() as path:
        with _told(), path.open("wb") as spool:
            shutil.copyfileobj(stream, spool)
        yield Source(path, STDIN, list_format)


@contextmanager
def from_query(query: "Query", environ: Mapping[str, str]) -> Iterator[Source]:
    """What a query finds as a list. Raises InputError, StorageError."""
    from wxpush.app.sources.query import write_rows

    with _spooled() as path:
        with _told(), path.open("wb") as spool:
            write_rows(query, environ, spool)
        yield Source(path, QUERY, _ROWS, query.words())


@contextmanager
def _spooled() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="wxpush-") as folder:  # made with mode 0700
        yield Path(folder) / "list"


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            _("The list can't be kept in {folder}: {reason}.").format(
                folder=tempfile.gettempdir(), reason=error.strerror
            ),
            _("Make room there, or choose another place: TMPDIR=/…"),
        ) from None
