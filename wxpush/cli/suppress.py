"""`wxpush suppress add`, `remove`, `list`, `import` and `export`."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from wxpush.cli.base import command, new_app, surroundings
from wxpush.cli.lists import list_of
from wxpush.cli.options import AccountName, Json, ListFormat
from wxpush.console import Console
from wxpush.console.safe import safe
from wxpush.errors import InputError
from wxpush.i18n import _, ngettext
from wxpush.report.draft import draft_of

if TYPE_CHECKING:
    from wxpush.app.suppression_list import SuppressionList

app = new_app()

_STDOUT: Final = Path("-")

_People = Annotated[list[str], typer.Argument(metavar="OPENID...", help=_("Who it is about."))]


@command(app, "add", _("Put people on the list: no campaign of the account writes to them."))
def add(
    openids: _People,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help=_("Why, for whoever asks later."))
    ] = "",
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="WHEN", help=_("2026-12-31 or 30d; without it for ever.")),
    ] = None,
    account: AccountName = None,
) -> int:
    """Put people on the list: no campaign of the account writes to them."""
    count = _to_change(account).add(openids, reason, until)
    _say_added(count)
    return 0


@command(app, "remove", _("Take people off the list, whoever put them on it."))
def remove(openids: _People, account: AccountName = None) -> int:
    """Take people off the list, whoever put them on it."""
    count = _to_change(account).remove(openids)
    text = ngettext(
        "{count} person was taken off the list.", "{count} people were taken off the list.", count
    )
    Console().say(text.format(count=f"{count:,}"))
    return 0


@command(app, "list", _("Show who is on the list, why, since when and until when."))
def list_people(account: AccountName = None, as_json: Json = False) -> int:
    """Show who is on the list, why, since when and until when."""
    from wxpush.app.suppression_list import as_json as entry_json
    from wxpush.app.suppression_list import suppression_list

    found, console = suppression_list(account, surroundings()), Console(json=as_json)
    for note in found.notes:
        console.say(note)
    if as_json:
        people = [entry_json(entry) for entry in found]
        console.json({"schema": 1, "account": found.account, "suppressed": people})
    else:
        console.suppressed(found)
    return 0


@command(app, "import", _("Put everybody of a file on the list; nobody if anything in it is wrong."))
def import_file(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help=_("An export, a list with openid, reason and until, or openids alone; - is standard input."),
        ),
    ],
    account: AccountName = None,
    list_format: ListFormat = None,
) -> int:
    """Put everybody of a file on the list; nobody if anything in it is wrong."""
    with list_of(file, list_format, None, None) as source:
        counts = _to_change(account).read(source)
    _say_added(len(counts.people))
    if staying := len(counts.staying):
        text = ngettext(
            "{count} person stays on it as you put him there yourself.",
            "{count} people stay on it as you put them there yourself.",
            staying,
        )
        Console().say(text.format(count=f"{staying:,}"))
    if counts.over:
        text = ngettext("{count} row is over already.", "{count} rows are over already.", counts.over)
        Console().say(text.format(count=f"{counts.over:,}"))
    return 0


@command(app, "export", _("Write the list as CSV, to a file or to standard output."))
def export(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help=_("Where to (default, and -: standard output)."))
    ] = None,
    account: AccountName = None,
    force: Annotated[bool, typer.Option("--force", help=_("Replace a file that is there already."))] = False,
) -> int:
    """Write the list as CSV, to a file or to standard output."""
    from wxpush.app.suppression_list import suppression_list

    found = suppression_list(account, surroundings())
    for note in found.notes:
        Console(json=True).say(note)  # which may go where the list doesn't
    if file is None or file == _STDOUT:
        # Whoever pipes it wants the exact values; a terminal would obey what is hidden in them.
        found.write(sys.stdout, safe if sys.stdout.isatty() else str)
        return 0
    is_there = os.path.lexists(file)
    if is_there and not (force and file.is_file()):
        hint = _("Choose another name.") if force else _("Choose another name, or replace it with --force.")
        raise InputError(_("{file} exists already.").format(file=file), hint)
    with draft_of(file, "utf-8-sig") as stream:
        count = found.write(stream)
    text = ngettext("{count} person written to {file}.", "{count} people written to {file}.", count)
    told = text.format(count=f"{count:,}", file=file)
    Console().say(_("{told} It replaces the file that was there.").format(told=told) if is_there else told)
    return 0


def _to_change(account: str | None) -> "SuppressionList":
    from wxpush.app.suppression_list import list_to_change

    found = list_to_change(account, surroundings())
    for note in found.notes:
        Console().say(note)
    return found


def _say_added(count: int) -> None:
    text = ngettext("{count} person was put on the list.", "{count} people were put on the list.", count)
    Console().say(text.format(count=f"{count:,}"))
