"""`wxpush runs`, `runs show` and `report`."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wxpush.cli.base import command, new_app, surroundings
from wxpush.cli.options import Json, RunName
from wxpush.console import Console
from wxpush.console.safe import safe
from wxpush.i18n import _, speaking

if TYPE_CHECKING:
    from wxpush.app.request import Surroundings
    from wxpush.delivery.run import RunFolder

app = new_app()
app.info.no_args_is_help = False
app.info.invoke_without_command = True


class Format(StrEnum):
    """How a report is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


@app.callback(invoke_without_command=True)
def runs(
    context: typer.Context,
    as_json: Json = False,
) -> None:
    """List the runs, the latest first."""
    if context.invoked_subcommand is not None:
        return
    from wxpush.app.known_runs import all_runs
    from wxpush.app.receipted import view

    around = surroundings()
    known, console = all_runs(around, Path.cwd()), Console(json=as_json)
    for fault in known.faults:
        console.warn(str(fault))
    views = [view(folder, around, whole=False) for folder in known.folders]
    if as_json:
        console.json({"schema": 1, "runs": [found.to_json() for found in views]})
    else:
        console.runs(views)


@command(app, "show", _("Show one run as its ledger has it, also while it is being sent."))
def show(
    run: RunName = None,
    undelivered: Annotated[
        Path | None,
        typer.Option(
            "--undelivered",
            metavar="FILE",
            help=_("Write a list (CSV) of those whose message was accepted, but not delivered."),
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show one run as its ledger has it, also while it is being sent."""
    from wxpush.app.known_runs import find_run
    from wxpush.app.next_steps import after_view
    from wxpush.app.receipted import view

    around = surroundings()
    folder = find_run(run, around, Path.cwd())
    found = view(folder, around, whole=True)
    console = Console(json=as_json)
    file = _write_undelivered(folder, around, undelivered, console) if undelivered else None
    if as_json:
        named = {"undelivered_file": file and str(file)} if undelivered else {}
        console.json({"schema": 1, **found.to_json(), **named})
    else:
        console.run(found)
        console.commands(after_view(found))


def _write_undelivered(
    folder: "RunFolder", around: "Surroundings", wanted: Path, console: Console
) -> Path | None:
    from wxpush.app.undelivered import write_undelivered

    file = write_undelivered(folder, around, wanted)
    if file is None:
        console.say(_("Nobody's receipt says that a message wasn't delivered: no list was written."))
    else:
        console.say(_("Accepted, but not delivered: {file}").format(file=file))
    return file


def report(
    run: RunName = None,
    as_format: Annotated[
        Format,
        typer.Option(
            "--format", metavar="FORMAT", help=_("table, json, or csv: every message that wasn't accepted.")
        ),
    ] = Format.TABLE,
    as_json: Annotated[bool, typer.Option("--json", help=_("The same as --format json."))] = False,
) -> None:
    """Report on a run: how it stands, and everybody who didn't get the message, with the reason."""
    from wxpush.app.aftermath import failures_of
    from wxpush.app.known_runs import find_run
    from wxpush.app.receipted import view
    from wxpush.report.failures import print_csv, row_json

    around = surroundings()
    folder = find_run(run, around, Path.cwd())
    found = view(folder, around, whole=True)
    chosen = Format.JSON if as_json else as_format
    console = Console(json=chosen is Format.JSON)
    if chosen is Format.CSV:
        # Whoever pipes it wants the exact values; a terminal would obey what is hidden in them.
        print_csv(lambda: failures_of(folder), sys.stdout, safe if sys.stdout.isatty() else str)
    elif chosen is Format.JSON:
        with speaking("en"):
            rows = [row_json(row) for row in failures_of(folder)]
        console.json({"schema": 1, **found.to_json(), "rows": rows})
    else:
        console.run(found)
        console.failures(failures_of(folder))
