"""Runs the tests of the guarantee long or short, remembers what held, and prints the table.

`@pytest.mark.guarantee("T3")` numbers a test; the fixture `scale` says whether the long version is wanted,
`measured` takes what came out. With --long (`make torture`) what held before is not run again, as long as
the code and the test are as they were; -k t03 chooses, --anew forgets.
"""

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest
from rich.console import Console
from rich.table import Table

from tests.guarantees.asked import ASKED

ROOT: Final = Path(__file__).parents[2]
_NOTES: Final = ROOT / ".torture" / "held.json"
_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Note:
    """How one test of the guarantee ended; `basis` is a digest of the code that it was run on."""

    number: str
    test: str
    held: bool
    measured: str
    seconds: float
    basis: str


class Scale:
    """Whether the long version is wanted."""

    def __init__(self, *, long: bool) -> None:
        self.long = long

    def __call__(self, short: _Value, long: _Value) -> _Value:
        """The number for this version."""
        return long if self.long else short


Measured = Callable[[str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("guarantee")
    group.addoption("--long", action="store_true", help="the long versions, with a table at the end")
    group.addoption("--table", action="store_true", help="the table after the short versions, too")
    group.addoption("--anew", action="store_true", help="with --long: run again what held before")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "guarantee(number): an acceptance test of the guarantee, T1 to T40")
    config.addinivalue_line("markers", "long: has no short version")
    book = _Book(
        long=config.getoption("--long"),
        anew=config.getoption("--anew"),
        table=config.getoption("--table"),
    )
    config.pluginmanager.register(book)


@pytest.fixture
def scale(request: pytest.FixtureRequest) -> Scale:
    """The size of this run."""
    return Scale(long=request.config.getoption("--long"))


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Measured:
    """Takes a figure, in words, for the table."""
    found: list[str] = []
    request.node.user_properties.append(("measured", found))
    return found.append


def number_of(item: pytest.Item) -> str | None:
    """The number of a test, None where it has none."""
    mark = item.get_closest_marker("guarantee")
    return None if mark is None else str(mark.args[0])


class _Book:
    """What is known of each numbered test, and the table."""

    def __init__(self, *, long: bool, anew: bool, table: bool) -> None:
        self._long, self._wanted = long, long or table
        self._notes = {} if anew or not long else _read_notes()
        self._kept: list[Note] = []
        self._new: list[Note] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            number = number_of(item)
            if number is not None:
                if number not in ASKED:
                    raise pytest.UsageError(f"{item.nodeid}: {number} is no test of the guarantee")
                item.extra_keyword_matches.add(f"t{int(number[1:]):02d}")
            if not self._long and item.get_closest_marker("long") is not None:
                item.add_marker(pytest.mark.skip(reason="only in make torture"))

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        known = self._notes.get(item.nodeid)
        if self._long and known is not None and known.held and known.basis == _basis(item):
            self._kept.append(known)
            pytest.skip("held before")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
        report: pytest.TestReport = yield
        number = number_of(item)
        if number is not None and (call.when == "call" or report.failed):
            figures = [text for name, found in item.user_properties if name == "measured" for text in found]
            self._note(item, number, report, "; ".join(figures))
        return report

    def _note(self, item: pytest.Item, number: str, report: pytest.TestReport, measured: str) -> None:
        if report.skipped:
            return
        note = Note(number, item.nodeid, report.passed, measured, round(report.duration, 1), _basis(item))
        self._new.append(note)
        if self._long:
            self._notes[item.nodeid] = note
            _write_notes(self._notes)

    def pytest_terminal_summary(self) -> None:
        if not self._wanted or not (self._kept or self._new):
            return
        rows = table_rows([*self._kept, *self._new])
        Console(width=160).print(_drawn(rows))
        if self._long:
            (_NOTES.parent / "table.md").write_text(_markdown(rows), "utf-8")


def table_rows(notes: list[Note]) -> list[dict[str, Any]]:
    """A row for each number, in order; the tests of one number are taken together."""
    rows = []
    for number in sorted({note.number for note in notes}, key=lambda number: int(number[1:])):
        own = [note for note in notes if note.number == number]
        held = sum(note.held for note in own)
        figures = [note.measured for note in own if note.measured]
        if not figures:
            figures.append(f"{held} of {len(own)} tests hold")
        rows.append(
            {
                "test": number,
                "asked": ASKED[number],
                "measured": "; ".join(dict.fromkeys(figures)),
                "held": held == len(own),
                "seconds": round(sum(note.seconds for note in own)),
                "command": f"make torture ARGS='-k t{int(number[1:]):02d}'",
            }
        )
    return rows


def _drawn(rows: list[dict[str, Any]]) -> Table:
    table = Table("test", "asked", "measured", "held", "s", "command", title="The delivery guarantee")
    for row in rows:
        held = "[green]yes[/green]" if row["held"] else "[red]NO[/red]"
        table.add_row(row["test"], row["asked"], row["measured"], held, str(row["seconds"]), row["command"])
    return table


def _markdown(rows: list[dict[str, Any]]) -> str:
    lines = ["| test | asked | measured | held | command |", "|---|---|---|---|---|"]
    for row in rows:
        held = "yes" if row["held"] else "NO"
        lines.append(f"| {row['test']} | {row['asked']} | {row['measured']} | {held} | `{row['command']}` |")
    return "\n".join(lines) + "\n"


def _basis(item: pytest.Item) -> str:
    """A digest of the product, of the test's own file, and of what the tests of the guarantee share."""
    return _digest(item.path)


@cache
def _digest(test: Path) -> str:
    shared = Path(__file__).parent
    files = [
        *(path for path in (ROOT / "wxpush").rglob("*") if path.is_file() and path.suffix != ".pyc"),
        *(path for path in shared.glob("*.py") if not re.match(r"test_|plugin|asked", path.name)),
        *(ROOT / "tests" / "cli").glob("[!t]*.py"),
        test,
    ]
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _read_notes() -> dict[str, Note]:
    try:
        found = json.loads(_NOTES.read_text("utf-8"))
        return {name: Note(**note) for name, note in found.items()}
    except (OSError, ValueError, TypeError):
        return {}


def _write_notes(notes: dict[str, Note]) -> None:
    _NOTES.parent.mkdir(exist_ok=True)
    draft = _NOTES.with_suffix(f".{time.monotonic_ns()}")
    draft.write_text(json.dumps({name: asdict(note) for name, note in notes.items()}, indent=1), "utf-8")
    draft.replace(_NOTES)
