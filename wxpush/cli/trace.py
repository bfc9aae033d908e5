"""`wxpush trace`."""

from pathlib import Path
from typing import Annotated

import typer

from wxpush.cli.base import surroundings
from wxpush.cli.options import Json
from wxpush.console import Console
from wxpush.errors import InputError
from wxpush.i18n import _, speaking


def trace(
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT",
            help=_(
                "An openid, a msgid, a key or a part of it, or any value of a row: a phone number, an order."
            ),
        ),
    ],
    run: Annotated[
        str | None, typer.Option("--run", metavar="RUN", help=_("Only in this run; default: in all."))
    ] = None,
    as_json: Json = False,
) -> int:
    """Tell everything that is known of one message or person, over all runs, in the order of time."""
    from wxpush.app.known_runs import KnownRuns, all_runs
    from wxpush.app.tracing import trace as look_for

    console, around = Console(json=as_json), surroundings()
    if not what.strip():
        raise InputError(_("There is nothing to look for."))
    known = all_runs(around, Path.cwd())
    if run is not None:
        cards = {path: card for path, card in known.cards.items() if card.name == run}
        if not cards:
            raise InputError(_('There is no run "{name}".').format(name=run))
        known = KnownRuns(cards, [])
    anywhere = run is None
    if as_json:
        with speaking("en"):
            found = look_for(what, known, around, anywhere=anywhere)
        console.json(found.to_json(what, around))
    else:
        found = look_for(what, known, around, anywhere=anywhere)
        console.trace(found.events)
        for remark in found.remarks:
            console.say(remark)
        if not found.events:
            console.say(_("Nothing is known of {what}.").format(what=what))
    return 0 if found.events else 1
