"""`wxpush template list`, `pull` and `diff`."""

from pathlib import Path
from typing import Annotated

import typer

from wxpush.cli.base import command, new_app, surroundings
from wxpush.cli.options import AccountName, Json
from wxpush.console import Console
from wxpush.i18n import _, ngettext

app = new_app()


@command(app, "list", _("List the account's templates, with the files that describe them."))
def list_templates(account: AccountName = None, as_json: Json = False) -> int:
    """List the account's templates, with the files that describe them."""
    from wxpush.app.templates import FOLDER, entries, fetch

    name, found = fetch(account, surroundings())
    console, beside = Console(json=as_json), entries(found, FOLDER)
    if as_json:
        console.json({"schema": 1, "account": name, "templates": [entry.to_json() for entry in beside]})
    else:
        console.templates(beside)
        if found and not any(entry.file for entry in beside):
            console.commands(
                [("wxpush template pull", _("writes them as files to {folder}").format(folder=FOLDER))]
            )
    return 0


@command(app, "pull", _("Write the account's templates as files; what you added to a file stays."))
def pull(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[ID|TITLE]...", help=_("Only these (default: all)."))
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(
            "--into", metavar="DIR", help=_("The folder (default: {folder}).").format(folder="templates")
        ),
    ] = None,
    account: AccountName = None,
) -> int:
    """Write the account's templates as files; what you added to a file stays."""
    from wxpush.app.templates import FOLDER, fetch
    from wxpush.app.templates import pull as pull_them

    _name, found = fetch(account, surroundings())
    console = Console()
    if not found:
        console.say(_("The account has no template that can be sent."))
    for pulled in pull_them(found, names or [], into or FOLDER):
        console.pulled(pulled.change, str(pulled.file))
    return 0


@command(app, "diff", _("Compare template files with the account; exit code 1 where they differ."))
def diff(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]...", help=_("Files or folders (default: {folder}).").format(folder="templates")
        ),
    ] = None,
    account: AccountName = None,
) -> int:
    """Compare template files with the account; exit code 1 where they differ."""
    from wxpush.app.templates import FOLDER, compare, fetch

    name, found = fetch(account, surroundings())
    console, different = Console(), 0
    compared = compare(found, paths or [FOLDER], name)
    for one in compared:
        if one.missing:
            console.warn(_("{file}: the account has no template with this id.").format(file=one.file))
        console.diff(one.lines)
        different += one.missing or bool(one.lines)
    if not different:
        told = ngettext(
            "{count} file says what the account says.",
            "{count} files say what the account says.",
            len(compared),
        )
        console.say(told.format(count=len(compared)))
    return 1 if different else 0
