"""`wxpush preview`."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wxpush.cli.base import interruptible, surroundings
from wxpush.cli.lists import Dsn, Exclude, Join, On, Recipients, Sql, Where, list_of, sieve_of
from wxpush.cli.options import ListFormat
from wxpush.console import Console
from wxpush.errors import InputError, InterruptedRunError
from wxpush.i18n import _, ngettext

if TYPE_CHECKING:
    from wxpush.app.previewing import Chosen, Preview
    from wxpush.app.sources.spool import Source
    from wxpush.report.previewpage import Card


def preview(
    campaign: Annotated[Path, typer.Argument(metavar="CAMPAIGN", help=_("The campaign file (YAML)."))],
    recipients: Recipients = None,
    count: Annotated[
        int, typer.Option("-n", metavar="N", min=1, max=200, help=_("How many messages to show at most."))
    ] = 3,
    row: Annotated[
        int | None, typer.Option("--row", metavar="N", min=1, help=_("The message of this line of the list."))
    ] = None,
    openid: Annotated[
        str | None, typer.Option("--openid", metavar="OPENID", help=_("The messages of this person."))
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help=_("Write a page to send to a colleague."))
    ] = None,
    list_format: ListFormat = None,
    sql: Sql = None,
    dsn: Dsn = None,
    where: Where = None,
    exclude: Exclude = None,
    join: Join = None,
    on: On = None,
) -> int:
    """Show messages as the user will see them; send nothing. Chosen are those that show the extremes."""
    from wxpush.app.previewing import Wish
    from wxpush.app.previewing import preview as choose

    console, wish, sieve = Console(), Wish(count, row, openid), sieve_of(where, exclude, join, on)
    try:
        with (
            interruptible(),
            list_of(recipients, list_format, sql, dsn) as source,
            console.checking(None) as tell,
        ):
            found = choose(campaign, source, wish, today=surroundings().today(), tell=tell, sieve=sieve)
    except KeyboardInterrupt:
        console.say(_("Interrupted."))
        return InterruptedRunError.exit_code
    if html is None:
        console.cards(found.chosen)
    else:
        _write(html, found)
        console.say(_("Written: {names}").format(names=html))
    for remark in _remarks(found):
        console.say(remark)
    console.commands(_next(campaign, source, found, [*_format(list_format), *sieve.words()]))
    return 0


def _format(list_format: str | None) -> list[str]:
    return ["--list-format", list_format] if list_format else []


def _next(
    campaign: Path, source: "Source", found: "Preview", options: Sequence[str]
) -> list[tuple[str, str]]:
    """The commands to type next, and what they do; a list with wrong rows is refused by `send`."""
    send = ["wxpush", "send", str(campaign), *(source.words or [source.name])]
    if not found.wrong:
        command = shlex.join([*send, "--approved", found.code, *options])
        return [(command, _("sends this and nothing else"))]
    by_option = source.words or ["--recipients", source.name]
    check = ["wxpush", "validate", str(campaign), *by_option, *options]
    return [
        (shlex.join(check), _("says what to mend first; then preview again, for the code to approve")),
        (
            shlex.join([*send, "--skip-invalid", *options]),
            _("sends the others without them, and without approval"),
        ),
    ]


def _remarks(found: "Preview") -> list[str]:
    remarks = []
    if found.others:
        told = ngettext(
            "{count} more kind of message: -n {all}", "{count} more kinds of messages: -n {all}", found.others
        )
        remarks.append(told.format(count=found.others, all=len(found.chosen) + found.others))
    if found.wrong:
        told = ngettext(
            "{count} row can't be sent and must be mended first; `wxpush validate` says why.",
            "{count} rows can't be sent and must be mended first; `wxpush validate` says why.",
            found.wrong,
        )
        remarks.append(told.format(count=found.wrong))
    if found.doubt is not None:
        told = ngettext(
            "{count} row has a warning: {first}",
            "{count} rows have warnings, the first: {first}",
            found.doubtful,
        )
        remarks.append(told.format(count=found.doubtful, first=found.doubt))
    return remarks


def _write(path: Path, found: "Preview") -> None:
    from wxpush.app.sources.spool import called
    from wxpush.report.previewpage import preview_page

    of_rows = ngettext("{list}, {count} row", "{list}, {count} rows", found.rows)
    facts = [
        _("Template: {title}").format(title=found.title),
        of_rows.format(list=called(found.list_name), count=f"{found.rows:,}"),
        *_remarks(found),
    ]
    _refuse_other_files(path)
    code = "" if found.wrong else found.code
    page = preview_page(found.campaign, facts, code, [_card(chosen) for chosen in found.chosen])
    try:
        path.write_text(page, encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(
            _("{path} can't be written: {reason}.").format(path=path, reason=error.strerror)
        ) from None


def _refuse_other_files(path: Path) -> None:
    """See that nothing is replaced but an earlier page: the list's name is typed as easily."""
    from wxpush.report.previewpage import GENERATOR

    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            ours = GENERATOR in file.read(1000)
    except FileNotFoundError:
        return
    except OSError:
        ours = False
    if not ours:
        raise InputError(
            _("{path} is there already, and is no page of wxpush.").format(path=path),
            _("Give --html the name of a new file."),
        )


def _card(chosen: "Chosen") -> "Card":
    from wxpush.report.previewpage import Card

    sample = chosen.sample
    about = _("Line {line}, to {openid}").format(line=sample.line, openid=sample.to)
    return Card(
        " · ".join([about, *chosen.labels]),
        sample.title,
        [(label or keyword, value) for label, keyword, value in sample.parts],
        sample.url or " ".join((sample.miniprogram or {}).values()),
    )
