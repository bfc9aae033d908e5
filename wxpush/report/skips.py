"""The file of rows that were left out: noted one by one while a list is sent, and written at its end."""

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from wxpush.errors import StateError
from wxpush.private import remove, replacing
from wxpush.report.failures import OWN_PREFIX, write_csv

OWN_COLUMNS: Final = ("wxpush_state", "wxpush_line", "wxpush_reason")


@dataclass(frozen=True, slots=True)
class SkipRow:
    """One row that was left out; `values` are its own columns."""

    line: int
    reason: str
    values: dict[str, Any]

    def own_values(self) -> dict[str, Any]:
        """The row's columns but those that are ours, of an earlier file."""
        return {name: value for name, value in self.values.items() if not name.startswith(OWN_PREFIX)}

    def findings(self) -> tuple[Any, ...]:
        """What we have to say of it, in the order of OWN_COLUMNS."""
        return "skipped", self.line, self.reason


class SkipLog:
    """Notes rows in a private file, however many; `write` makes the table. Trouble with it stops nothing."""

    def __init__(self, spool: Path) -> None:
        self._spool = spool
        self._context: AbstractContextManager[BinaryIO] | None = None
        self._file: BinaryIO | None = None
        self.trouble: Exception | None = None
        """Why rows are lacking, if any are."""

    def note(self, line: int, reason: str, values: Mapping[str, Any]) -> None:
        """Note one row."""
        if self.trouble is not None:
            return
        try:
            if self._file is None:
                self._context = replacing(self._spool)
                self._file = self._context.__enter__()
            self._file.write(json.dumps([line, reason, dict(values)]).encode() + b"\n")
        except (OSError, StateError) as error:
            self.trouble = error

    def write(self, wanted: Path) -> Path | None:
        """The table at `wanted`, or the next name that is free; None where no row was left out.

        Raises StorageError.
        """
        try:
            if self._context is not None:
                self._context.__exit__(None, None, None)
            else:
                remove(self._spool)
            return write_csv(self._rows, wanted, fallback=self._spool.parent, own=OWN_COLUMNS)
        finally:
            self._context = self._file = None

    def _rows(self) -> Iterator[SkipRow]:
        if not self._spool.exists():
            return
        with self._spool.open("rb") as file:
            for line in file:
                yield SkipRow(*json.loads(line))
