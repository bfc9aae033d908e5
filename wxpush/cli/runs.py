"""`wxpush runs` and `runs show`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wxpush.cli.base import command, new_app, surroundings
from wxpush.cli.options import Json, RunName
from wxpush.cli.outputs import refuse_unwritable
from wxpush.console import Console
from wxpush.i18n import _

if TYPE_CHECKING:
    from wxpush.app.surroundings import Surroundings
    from wxpush.delivery.run import RunFolder

app = new_app()
app.info.no_args_is_help = False
app.info.invoke_without_command = True


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
    from wxpush.app.known_runs import find_run, send_command
    from wxpush.app.next_steps import after_view
    from wxpush.app.receipted import view

    around = surroundings()
    refuse_unwritable({"--undelivered": undelivered})
    folder = find_run(run, around, Path.cwd())
    found = view(folder, around, whole=True)
    console = Console(json=as_json)
    file = _write_undelivered(folder, around, undelivered, console) if undelivered else None
    if as_json:
        named = {"undelivered_file": file and str(file)} if undelivered else {}
        console.json({"schema": 1, **found.to_json(), **named})
    else:
        console.run(found)
        card = folder.card()
        again = send_command(folder, card) if card is not None else ""
        console.commands(after_view(found, again))


def _write_undelivered(
    folder: "RunFolder", around: "Surroundings", wanted: Path, console: Console
) -> Path | None:
    from wxpush.app.undelivered import write_undelivered
    from wxpush.report.failures import fallen_back

    file = write_undelivered(folder, around, wanted)
    if file is None:
        console.say(_("Nobody's receipt says that a message wasn't delivered: no list was written."))
        return None
    for note in fallen_back(wanted, file):
        console.warn(note)
    console.say(_("Accepted, but not delivered: {file}").format(file=file))
    return file
