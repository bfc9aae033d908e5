"""`wxpush validate`."""

from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from wxpush.cli.base import interruptible, readable, surroundings
from wxpush.cli.options import ListFormat, Quiet
from wxpush.console import Console
from wxpush.errors import InterruptedRunError
from wxpush.i18n import _, speaking

if TYPE_CHECKING:
    from wxpush.app.validating import Validation


_NAMED: Final = 5


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
    as_format: Annotated[
        Format,
        typer.Option(
            "--format", metavar="FORMAT", help=_("text, json, github (annotations), junit or sarif.")
        ),
    ] = Format.TEXT,
    as_json: Annotated[bool, typer.Option("--json", help=_("The same as --format json."))] = False,
    strict: Annotated[bool, typer.Option("--strict", help=_("Let warnings count as errors."))] = False,
    quiet: Quiet = False,
) -> int:
    """Check campaigns, templates and a list, without network and without an account."""
    chosen = Format.JSON if as_json else as_format
    console = Console(quiet=quiet or chosen is not Format.TEXT, json=chosen is not Format.TEXT)
    try:
        # What machines keep and compare doesn't change with the language of who runs it.
        with interruptible(), nullcontext() if chosen is Format.TEXT else speaking("en"):
            found = _validated(paths, recipients, list_format, console)
            _show(found, chosen, console, strict=strict)
    except KeyboardInterrupt:
        console.say(_("Interrupted."))
        return InterruptedRunError.exit_code
    return 0 if found.ok(strict=strict) else 1


def _validated(
    paths: list[Path], recipients: str | None, list_format: str | None, console: Console
) -> "Validation":
    from wxpush.app.validating import ListToCheck, validate

    today = surroundings().today()
    if recipients is None:
        return validate(paths, None, today=today, checking=console.checking)
    with readable(recipients) as path:
        wanted = ListToCheck(path, recipients, list_format)
        return validate(paths, wanted, today=today, checking=console.checking)


def _show(found: "Validation", chosen: Format, console: Console, *, strict: bool) -> None:
    from wxpush.app.validating import quoted_lines
    from wxpush.model import Severity
    from wxpush.report import annotations

    errors, warnings = found.counts[Severity.ERROR], found.counts[Severity.WARNING]
    match chosen:
        case Format.TEXT:
            if found.passed_over:
                files = _(", ").join(found.passed_over[:_NAMED]) + " …" * (len(found.passed_over) > _NAMED)
                console.say(
                    _("Passed over, being neither campaigns nor templates: {files}").format(files=files)
                )
            console.findings(found.problems, quoted_lines(found), found.total)
            console.checked(len(found.files), found.rows, errors, warnings)
        case Format.JSON:
            console.json(
                {
                    "ok": found.ok(strict=strict),
                    "files": len(found.files),
                    "rows": found.rows,
                    "errors": errors,
                    "warnings": warnings,
                    "problems": [annotations.problem_json(problem) for problem in found.problems],
                }
            )
        case Format.GITHUB:
            console.raw(annotations.github(found.problems))
        case Format.JUNIT:
            console.raw(annotations.junit(found.problems, found.files, strict=strict))
        case Format.SARIF:
            console.raw(annotations.sarif(found.problems))
