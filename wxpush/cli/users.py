"""`wxpush users pull` and `tags`."""

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from wxpush.cli.base import command, interruptible, new_app, surroundings
from wxpush.cli.options import AccountName, Json, Quiet
from wxpush.console import Console
from wxpush.errors import InputError, InterruptedRunError, StorageError
from wxpush.i18n import _, ngettext

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wxpush.app.pulling import Pull

app = new_app()

STDOUT: Final = "-"


@command(app, "tags", _("List the account's tags, and how many people have each."))
def tags(account: AccountName = None, as_json: Json = False) -> int:
    """List the account's tags, and how many people have each."""
    from wxpush.app.pulling import account_tags

    name, found = account_tags(account, surroundings())
    console = Console(json=as_json)
    if as_json:
        console.json({"schema": 1, "account": name, "tags": [tag.to_json() for tag in found]})
    else:
        console.tags(found)
    return 0


@command(app, "pull", _("Fetch the account's followers as a list of openids that `send` takes."))
def pull(
    tags: Annotated[
        list[str] | None,
        typer.Option(
            "--tag", metavar="ID|NAME", help=_("Only who has this tag; may be given several times.")
        ),
    ] = None,
    every: Annotated[
        bool | None,
        typer.Option(
            "--all/--any",
            help=_("Of several tags: who has all of them, or any (default)."),
            show_default=False,
        ),
    ] = None,
    account: AccountName = None,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=_("Write to this file, whole or not at all (default, and -: standard output)."),
        ),
    ] = None,
    quiet: Quiet = False,
) -> int:
    """Fetch the account's followers as a list of openids that `send` takes."""
    from wxpush.app.pulling import opened
    from wxpush.report.openids import openid_file

    if every is not None and not tags:
        raise InputError(
            _("--all and --any are about tags, and no tag is given."),
            _("Add --tag ID or NAME (wxpush users tags lists them), or leave the option out: all followers."),
        )
    output = None if output == Path(STDOUT) else output
    # With data on standard output, all talk belongs to standard error.
    console = Console(quiet=quiet, json=output is None)
    try:
        with interruptible(), opened(account, tags or [], surroundings(), every=bool(every)) as found:
            if output is None:
                with _told(console):
                    count = _write(found, console.raw, console)
                if not console.is_read:
                    return 0  # who read it has had enough
            else:
                with openid_file(output) as file:
                    count = _write(found, file.write, console)
    except KeyboardInterrupt:
        console.say(_("Interrupted."))
        return InterruptedRunError.exit_code
    told = ngettext("{count} person.", "{count} people.", count)
    console.say(told.format(count=f"{count:,}"))
    if found.total not in (-1, count):
        console.warn(
            _("WeChat itself counts {total}: people came or went meanwhile, or its pages lack some.").format(
                total=f"{found.total:,}"
            )
        )
    return 0


@contextmanager
def _told(console: Console) -> "Iterator[None]":
    try:
        yield
    except OSError as error:
        console.give_up()
        raise StorageError(
            _("Standard output can't be written: {reason}.").format(reason=error.strerror),
            _("Make room, and run the same command again: the list is not whole."),
        ) from None


def _write(found: "Pull", write: "Callable[[str], object]", console: Console) -> int:
    from wxpush.report.openids import HEADER, lines

    count = 0
    write(lines([HEADER]))
    with console.fetching() as tell:
        for openids in found:
            write(lines(openids))
            count += len(openids)
            tell(count)
            if not console.is_read:
                break
    return count
