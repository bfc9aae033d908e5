"""`wxpush report`."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TextIO

import typer

from wxpush.cli.base import surroundings
from wxpush.cli.options import RunName
from wxpush.cli.outputs import SUMMARY
from wxpush.console import Console
from wxpush.console.safe import safe
from wxpush.errors import InputError
from wxpush.i18n import _, speaking

if TYPE_CHECKING:
    from wxpush.delivery.run import RunFolder


class Format(StrEnum):
    """How a report is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    FAILURES = "failures"
    HTML = "html"
    MD = "md"


_ENDINGS: Final = {
    ".json": Format.JSON,
    ".csv": Format.CSV,
    ".html": Format.HTML,
    ".htm": Format.HTML,
    ".md": Format.MD,
}
_FOR_SPREADSHEETS: Final = frozenset({Format.CSV, Format.FAILURES})
_START: Final = 4_000
_STDOUT: Final = Path("-")
#: By which an earlier report is known in each format.
_OURS: Final = {
    Format.TABLE: re.compile(r"(?!)"),  # nothing tells one from a text of somebody
    Format.JSON: SUMMARY,
    Format.CSV: re.compile(r"^state,code,msgid,attempts,time,key,openid,line\b"),
    Format.FAILURES: re.compile(r"wxpush_state"),
    Format.HTML: re.compile(re.escape('<meta name="generator" content="wxpush report">')),
    Format.MD: re.compile(r"^<!-- wxpush report -->"),
}


def report(
    run: RunName = None,
    as_format: Annotated[
        Format | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            show_default=Format.TABLE.value,
            help=_(
                "table, html (a page), md, json, csv (every message), or failures "
                "(CSV of what wasn't accepted, with its rows)."
            ),
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help=_("Write it to this file; its ending says the format (- for standard output)."),
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=_("The same as --format json."))] = False,
) -> None:
    """Tell how a run went: outcomes, causes, speed, and why it was slow."""
    from wxpush.app.known_runs import find_run

    output = None if output == _STDOUT else output
    if as_json and as_format not in (None, Format.JSON):
        raise InputError(
            _("--json and --format {format} contradict each other.").format(format=as_format),
            _("Leave one of them out."),
        )
    chosen = _format(Format.JSON if as_json else as_format, output)
    console = Console(json=chosen is Format.JSON)
    folder = find_run(run, surroundings(), Path.cwd())
    if output is None:
        _print(folder, chosen, console, sys.stdout)
        return
    _refuse_other_files(output, chosen)
    with _written(output, "utf-8-sig" if chosen in _FOR_SPREADSHEETS else "utf-8") as file:
        _print(folder, chosen, Console(out=file, environ={"NO_COLOR": "1"}), file)
    console.say(_("Written: {names}").format(names=output))


def _format(asked: Format | None, output: Path | None) -> Format:
    """What is asked for, else what the file's ending says. Raises InputError where they contradict."""
    if output is None:
        return asked or Format.TABLE
    said = _ENDINGS.get(output.suffix.lower())
    if asked is None:
        if said is None:
            raise InputError(
                _("--output: the ending of {path} says no format.").format(path=output),
                _("Use one of {endings}, or name the format with --format.").format(
                    endings=", ".join(_ENDINGS)
                ),
            )
        return said
    # A failures file is a CSV file, too.
    if said not in (None, Format.CSV if asked is Format.FAILURES else asked):
        raise InputError(
            _("--output: {path} ends like another format than {format}.").format(
                path=output, format=asked.value
            ),
            _("Leave --format out, or give the file another ending."),
        )
    return asked


def _print(folder: "RunFolder", chosen: Format, to: Console, file: TextIO) -> None:
    """Write the report through `to`, whose stream is `file`."""
    from wxpush.app.aftermath import failures_of

    # Whoever pipes it wants the exact values; a terminal would obey what is hidden in them.
    clean = safe if file.isatty() else str
    match chosen:
        case Format.CSV:
            from wxpush.app.listing import listing
            from wxpush.report.messages import write_messages

            write_messages(listing(folder, surroundings()), file, clean)
        case Format.FAILURES:
            from wxpush.report.failures import print_csv

            print_csv(lambda: failures_of(folder), file, clean)
        case Format.JSON:
            _print_json(folder, to)
        case _:
            _print_paper(folder, chosen, to)


def _print_json(folder: "RunFolder", to: Console) -> None:
    from wxpush.app.aftermath import failures_of
    from wxpush.app.reporting import report_on
    from wxpush.report.failures import row_json

    around = surroundings()
    with speaking("en"):
        found = report_on(folder, around)
        rows = [row_json(row) for row in failures_of(folder)]
    to.json({"schema": 1, **found.to_json(around), "rows": rows})


def _print_paper(folder: "RunFolder", chosen: Format, to: Console) -> None:
    from wxpush.app.aftermath import failures_of
    from wxpush.app.reporting import report_on
    from wxpush.console.papers import paper

    found = report_on(folder, surroundings())
    told = paper(found)
    if chosen is Format.HTML:
        from wxpush.report.reportpage import report_page

        to.raw(report_page(told))
    elif chosen is Format.MD:
        from wxpush.report.markdown import markdown

        to.raw(markdown(told))
    else:
        to.run(found.view)
        to.report(told)
        to.failures(failures_of(folder))


def _refuse_other_files(path: Path, chosen: Format) -> None:
    """See that nothing is replaced but an earlier report: the list's name is typed as easily."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            start = file.read(_START)
    except FileNotFoundError:
        return
    except OSError:
        start = ""
    if not _OURS[chosen].search(start):
        raise InputError(
            _("{path} is there already, and is no such report of wxpush.").format(path=path),
            _("Give --output the name of a new file."),
        )


@contextmanager
def _written(path: Path, encoding: str) -> Iterator[TextIO]:
    """A file that is in its place when all of it is written. Raises InputError."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("x", encoding=encoding, errors="replace", newline="") as file:
            yield file
        draft.replace(path)
    except OSError as error:
        raise InputError(
            _("{path} can't be written: {reason}.").format(path=path, reason=error.strerror)
        ) from None
    finally:
        draft.unlink(missing_ok=True)
