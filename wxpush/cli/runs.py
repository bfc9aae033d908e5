"""`wxpush runs` and `runs show`."""

from pathlib import Path

import typer

from wxpush.cli.base import command, new_app, surroundings
from wxpush.cli.options import Json, RunName
from wxpush.console import Console
from wxpush.i18n import _

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
    from wxpush.app.known_runs import all_runs, view

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
    as_json: Json = False,
) -> None:
    """Show one run as its ledger has it, also while it is being sent."""
    from wxpush.app.known_runs import find_run, view
    from wxpush.app.next_steps import after_view

    around = surroundings()
    found = view(find_run(run, around, Path.cwd()), around, whole=True)
    console = Console(json=as_json)
    if as_json:
        console.json({"schema": 1, **found.to_json()})
    else:
        console.run(found)
        console.commands(after_view(found))
