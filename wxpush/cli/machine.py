"""The answers that machines read where a command couldn't do its work at all."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from wxpush.cli.misuse import command_in

if TYPE_CHECKING:
    from wxpush.app.validation import Validation
    from wxpush.console import Console
    from wxpush.errors import WxpushError

_CHECK: Final = "validate"
_FORMATS: Final = frozenset({"json", "github", "junit", "sarif"})
#: The commands with nothing to say but their answer.
_SILENT: Final = frozenset({_CHECK, "doctor"})


def is_for_machines(words: Sequence[str]) -> bool:
    """Whether a command line asks for an answer with sentences in it that nobody but a machine reads.

    Such answers are English in every language, since they are kept and compared.
    """
    return command_in(words) in _SILENT and format_in(words) is not None


def format_in(words: Sequence[str]) -> str | None:
    """The format that is asked for, going by the words alone; None for text."""
    found = None
    for place, word in enumerate(words):
        if word == "--json":
            return "json"
        if word == "--format":
            found = "".join(words[place + 1 : place + 2])
        elif word.startswith("--format="):
            found = word.removeprefix("--format=")
    return found if found in _FORMATS else None


def write_failure(error: "WxpushError", words: Sequence[str], console: "Console") -> None:
    """Tell in the format of a check that there was none, so that whoever reads its file finds one."""
    form = format_in(words)
    if command_in(words) == _CHECK and form is not None:
        write_unfinished(error, form, console)


def write_unfinished(
    error: "WxpushError", form: str, console: "Console", found: "Validation | None" = None
) -> None:
    """Tell in a format of a check why it couldn't be done to its end, behind what it had found till then."""
    from wxpush.errors import ProblemsError, StoppedError
    from wxpush.model import Problem, Severity
    from wxpush.report import annotations

    code = error.code if isinstance(error, StoppedError) else ""
    reasons: Sequence[Problem] = [Problem("", 0, 0, code, str(error), error.hint)]
    if isinstance(error, ProblemsError):
        reasons = error.problems
    before = found.problems if found is not None else []
    match form:
        case "github":
            console.raw(annotations.github([*before, *reasons]))
        case "junit":
            console.raw(annotations.junit_failure(reasons, before))
        case "sarif":
            console.raw(annotations.sarif_failure(reasons, error.exit_code, before))
        case _:
            console.json(
                annotations.check_json(
                    [*before, *reasons],
                    ok=False,
                    files=len(found.files) if found is not None else 0,
                    rows=found.rows if found is not None else 0,
                    errors=len(reasons) + (found.counts[Severity.ERROR] if found is not None else 0),
                    warnings=found.counts[Severity.WARNING] if found is not None else 0,
                    unchecked=[one.to_json() for one in found.unchecked] if found is not None else [],
                )
            )
