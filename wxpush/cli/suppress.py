"""`wxpush suppress add`, `remove`, `list`, `import` and `export`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from wxpush.cli.base import command, new_app, surroundings
from wxpush.cli.options import AccountName, Json
from wxpush.console import Console
from wxpush.console.safe import safe
from wxpush.errors import InputError
from wxpush.i18n import _, ngettext

app = new_app()

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
    from wxpush.app.suppression_list import list_to_change

    count = list_to_change(account, surroundings()).add(openids, reason, until)
    _say_added(count)
    return 0


@command(app, "remove", _("Take people off the list, whoever put them on it."))
def remove(openids: _People, account: AccountName = None) -> int:
    """Take people off the list, whoever put them on it."""
    from wxpush.app.suppression_list import list_to_change

    count = list_to_change(account, surroundings()).remove(openids)
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
    if as_json:
        people = [entry_json(entry) for entry in found]
        console.json({"schema": 1, "account": found.account, "suppressed": people})
    else:
        console.suppressed(found)
    return 0


@command(app, "import", _("Put everybody of a file on the list; nobody if anything in it is wrong."))
def import_file(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help=_("CSV, JSONL or .xlsx with the columns openid, reason, until.")),
    ],
    account: AccountName = None,
) -> int:
    """Put everybody of a file on the list; nobody if anything in it is wrong."""
    from wxpush.app.suppression_list import list_to_change

    count, over = list_to_change(account, surroundings()).read(file)
    _say_added(count)
    if over:
        text = ngettext("{count} row is over already.", "{count} rows are over already.", over)
        Console().say(text.format(count=f"{over:,}"))
    return 0


@command(app, "export", _("Write the list as CSV, to a file or to standard output."))
def export(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help=_("Where to (default: standard output)."))
    ] = None,
    account: AccountName = None,
) -> int:
    """Write the list as CSV, to a file or to standard output."""
    from wxpush.app.suppression_list import suppression_list

    found = suppression_list(account, surroundings())
    if file is None:
        # Whoever pipes it wants the exact values; a terminal would obey what is hidden in them.
        found.write(sys.stdout, safe if sys.stdout.isatty() else str)
        return 0
    try:
        with file.open("x", encoding="utf-8-sig", newline="") as stream:
            count = found.write(stream)
    except FileExistsError:
        raise InputError(_("{file} exists already.").format(file=file), _("Choose another name.")) from None
    except OSError as error:
        raise InputError(
            _("{path} can't be written: {reason}.").format(path=file, reason=error.strerror)
        ) from None
    text = ngettext("{count} person written to {file}.", "{count} people written to {file}.", count)
    Console().say(text.format(count=f"{count:,}", file=file))
    return 0


def _say_added(count: int) -> None:
    text = ngettext("{count} person was put on the list.", "{count} people were put on the list.", count)
    Console().say(text.format(count=f"{count:,}"))
