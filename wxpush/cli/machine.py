"""The answers that machines read where a command couldn't do its work at all."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from wxpush.cli.misuse import command_in

if TYPE_CHECKING:
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
    if command_in(words) != _CHECK or form is None:
        return
    from wxpush.errors import ProblemsError, StoppedError
    from wxpush.model import Problem
    from wxpush.report import annotations

    code = error.code if isinstance(error, StoppedError) else ""
    problems: Sequence[Problem] = [Problem("", 0, 0, code, str(error), error.hint)]
    if isinstance(error, ProblemsError):
        problems = error.problems
    match form:
        case "github":
            console.raw(annotations.github(problems))
        case "junit":
            console.raw(annotations.junit_failure(problems))
        case "sarif":
            console.raw(annotations.sarif_failure(problems, error.exit_code))
        case _:
            console.json(annotations.check_json(problems, ok=False, errors=len(problems)))
