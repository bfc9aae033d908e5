"""`wxpush validate`."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from wxpush.cli.base import beijing_today, interruptible, surroundings
from wxpush.cli.lists import Dsn, Exclude, Join, On, Sql, Where, list_of, sieve_of
from wxpush.cli.options import AccountName, ListFormat, Quiet
from wxpush.console import Console
from wxpush.errors import InputError, InterruptedRunError, WxpushError
from wxpush.i18n import _

if TYPE_CHECKING:
    from wxpush.app.sieve import Sieve
    from wxpush.app.sources.spool import Source
    from wxpush.app.usage import Audiences
    from wxpush.app.validation import Validation


_NAMED: Final = 5
_USUAL_SAMPLE: Final = "100"
_LONGEST_NUMBER: Final = 10


class Format(StrEnum):
    """How problems are written."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"
    JUNIT = "junit"
    SARIF = "sarif"


def validate(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help=_("Campaign and template files, or folders."))
    ],
    recipients: Annotated[
        str | None,
        typer.Option(metavar="LIST", help=_("Check this list, too, row by row; - for standard input.")),
    ] = None,
    list_format: ListFormat = None,
    sql: Sql = None,
    dsn: Dsn = None,
    where: Where = None,
    exclude: Exclude = None,
    join: Join = None,
    on: On = None,
    as_format: Annotated[
        Format | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            show_default=Format.TEXT.value,
            help=_("text, json, github (annotations), junit or sarif."),
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=_("The same as --format json."))] = False,
    online: Annotated[
        bool,
        typer.Option("--online", help=_("Compare with the account: templates, quota, who follows.")),
    ] = False,
    sample: Annotated[
        str | None,
        typer.Option(
            metavar="N|all",
            show_default=_USUAL_SAMPLE,
            help=_("Of how many people to ask whether they follow (with --online)."),
        ),
    ] = None,
    account: AccountName = None,
    strict: Annotated[bool, typer.Option("--strict", help=_("Let warnings count as errors."))] = False,
    quiet: Quiet = False,
) -> int:
    """Check campaigns, templates and a list, without network and without an account."""
    chosen = _chosen(as_format, as_json=as_json)
    console = Console(quiet=quiet or chosen is not Format.TEXT, json=chosen is not Format.TEXT)
    try:
        with interruptible():
            if not online:
                _refuse_without_online(sample, account)
            size = _size(sample or _USUAL_SAMPLE)
            audiences = _audiences(size, recipients or ("--sql" if sql else None)) if online else None
            if recipients is None and sql is None:
                _refuse_without_list(where, exclude, join, on, dsn, list_format)
                found = _validated(paths, None, None, console, audiences)
            else:
                sieve = sieve_of(where, exclude, join, on)
                with list_of(recipients, list_format, sql, dsn) as source:
                    found = _validated(paths, source, sieve, console, audiences)
            unasked = _compare(found, account) if online else None
            if unasked is not None and chosen is not Format.TEXT:
                return _unfinished(unasked, chosen, console, found)
            _show(found, chosen, console, strict=strict)
            if unasked is not None:
                raise unasked
    except KeyboardInterrupt:
        raise InterruptedRunError(_("Interrupted.")) from None
    return 0 if found.ok(strict=strict) else 1


def _audiences(size: int | None, recipients: str | None) -> "Audiences":
    from wxpush.app.usage import Audiences

    return Audiences(recipients or "", size)


def _size(sample: str) -> int | None:
    """How many people to ask about, None for all. Raises InputError."""
    if sample == "all":
        return None
    if not (sample.isascii() and sample.isdecimal() and len(sample) < _LONGEST_NUMBER):
        raise InputError(_("--sample takes a number, or all."))
    return int(sample)


def _validated(
    paths: list[Path],
    source: "Source | None",
    sieve: "Sieve | None",
    console: Console,
    audiences: "Audiences | None",
) -> "Validation":
    from wxpush.app.validating import ListToCheck, validate

    wanted = None if source is None else ListToCheck(source.path, source.name, source.list_format, sieve)
    return validate(paths, wanted, today=beijing_today(), checking=console.checking, audiences=audiences)


def _chosen(as_format: Format | None, *, as_json: bool) -> Format:
    """The format that is asked for. Raises InputError where two are."""
    if as_json and as_format not in (None, Format.JSON):
        raise InputError(
            _("--json and --format {format} contradict each other.").format(format=as_format),
            _("Leave one of them out."),
        )
    return Format.JSON if as_json else as_format or Format.TEXT


def _refuse_without_online(sample: str | None, account: str | None) -> None:
    for option, value in (("--sample", sample), ("--account", account)):
        if value is not None:
            raise InputError(
                _("{option} goes with --online.").format(option=option),
                _("Add --online, or leave {option} out.").format(option=option),
            )


def _refuse_without_list(*options: object) -> None:
    if any(option not in (None, []) for option in options):
        raise InputError(
            _("--dsn, --list-format, --where, --exclude and --join are for a list."),
            _("Name it with --recipients, or pass --sql."),
        )


def _compare(found: "Validation", account: str | None) -> WxpushError | None:
    """Add what the account has against the files; why it couldn't be asked, where it couldn't."""
    from wxpush.app.online import compare

    try:
        found.add(compare(found.uses, found.audiences, account, surroundings()))
    except InterruptedRunError:
        raise
    except WxpushError as error:
        return error  # what the files have against them holds all the same
    found.sort()
    return None


def _unfinished(error: WxpushError, chosen: Format, console: Console, found: "Validation") -> int:
    from wxpush.cli.machine import write_unfinished

    Console().error(error)
    write_unfinished(error, chosen.value, console, found)
    return error.exit_code


def _show(found: "Validation", chosen: Format, console: Console, *, strict: bool) -> None:
    from wxpush.app.validating import quoted_lines
    from wxpush.model import Severity

    errors, warnings = found.counts[Severity.ERROR], found.counts[Severity.WARNING]
    if chosen is not Format.TEXT:
        _write(found, chosen, console, strict=strict)
        return
    if found.passed_over:
        files = _(", ").join(found.passed_over[:_NAMED]) + " …" * (len(found.passed_over) > _NAMED)
        console.say(_("Passed over, being neither campaigns nor templates: {files}").format(files=files))
    if found.opened is not None and found.opened.encoding_note:
        console.say(found.opened.encoding_note)
    console.findings(found.problems, quoted_lines(found) if found.problems else {}, found.total)
    for unchecked in found.unchecked:
        console.say(unchecked.told)
    console.checked(len(found.files), found.rows, errors, warnings)


def _write(found: "Validation", chosen: Format, console: Console, *, strict: bool) -> None:
    """The problems as machines want them."""
    from wxpush.model import Severity
    from wxpush.report import annotations

    match chosen:
        case Format.GITHUB:
            console.raw(annotations.github(found.problems))
        case Format.JUNIT:
            console.raw(
                annotations.junit(
                    found.problems, found.files, strict=strict, more=found.total - len(found.problems)
                )
            )
        case Format.SARIF:
            console.raw(annotations.sarif(found.problems))
        case _:
            console.json(
                annotations.check_json(
                    found.problems,
                    ok=found.ok(strict=strict),
                    files=len(found.files),
                    rows=found.rows,
                    errors=found.counts[Severity.ERROR],
                    warnings=found.counts[Severity.WARNING],
                    unchecked=[one.to_json() for one in found.unchecked],
                )
            )
