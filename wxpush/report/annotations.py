"""Problems in the formats that machines read: JSON, GitHub's annotations, JUnit, SARIF.

Sources: GitHub's workflow commands (error and warning messages), the Ant JUnit schema as CI servers read
it, SARIF 2.1.0 (OASIS).
"""

import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path, PurePath
from typing import Any, Final
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from wxpush import __version__
from wxpush.i18n import in_english
from wxpush.model import Problem, Severity

_SARIF: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_RULES: Final = Path(__file__).with_name("rules.json")
_OBEYED: Final = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def problem_json(problem: Problem) -> dict[str, Any]:
    """A problem as `validate --json` prints it, in English; `detail` is there where more lines show it."""
    detail = {"detail": list(problem.detail)} if problem.detail else {}
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "severity": problem.severity.value,
        "code": problem.code,
        "message": in_english(problem.message),
        "hint": in_english(problem.hint),
        **detail,
    }


def check_json(
    problems: Sequence[Problem],
    *,
    ok: bool,
    files: int = 0,
    rows: int = 0,
    errors: int = 0,
    warnings: int = 0,
    unchecked: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """The one object of `validate --json`; the counts may be higher than what is listed.

    `unchecked` tells with which campaigns the rows of the list weren't checked, or in part only, and why.
    """
    return {
        "ok": ok,
        "files": files,
        "rows": rows,
        "errors": errors,
        "warnings": warnings,
        "unchecked": list(unchecked),
        "problems": [problem_json(problem) for problem in problems],
    }


def github(problems: Sequence[Problem]) -> str:
    """A workflow command for each problem, which GitHub shows beside its line."""
    return "".join(_command(problem) for problem in problems)


def _command(problem: Problem) -> str:
    place = {"file": problem.file, "line": problem.line, "col": problem.column}
    place = {**(place if problem.is_in_file else {}), "title": problem.code}
    told = ",".join(f"{name}={_property(_seen(str(value)))}" for name, value in place.items() if value)
    told_first = problem.message if problem.is_in_file else _told_of(problem, problem.message)
    sentences = "\n".join(map(_seen, filter(None, (told_first, problem.hint, *problem.detail))))
    kind = f"{problem.severity.value} {told}".rstrip()
    return f"::{kind}::{_data(sentences)}\n"


def _seen(text: str) -> str:
    """`text` with what a terminal could obey written out: a CI server's log is looked at on one."""
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def junit(problems: Sequence[Problem], files: Sequence[str], *, strict: bool, more: int = 0) -> str:
    """A test suite with a failed test for each problem and a passed one for each file without any.

    A warning fails its test only where `strict` says so. `more` problems are counted and not listed.
    """
    cases, failures = [], 0
    if more:
        # Which files they are in isn't known any more, so that no file can be said to have passed.
        told = f"… and {more} more problems"
        cases.append(f'    <testcase classname="wxpush" name="more"><failure message="{told}"/></testcase>\n')
        failures += 1
    for file in dict.fromkeys([*files, *(problem.file for problem in problems)]):
        own = [problem for problem in problems if problem.file == file]
        for problem in own:
            fails = strict or problem.severity is Severity.ERROR
            failures += fails
            cases.append(_case(problem, fails=fails))
        if not own and not more:
            cases.append(f"    <testcase classname={_attribute(file)} name={_attribute(file)}/>\n")
    return _suite(cases, failures=failures)


def junit_failure(problems: Sequence[Problem], found: Sequence[Problem] = ()) -> str:
    """A test suite that couldn't be run to its end for these reasons, behind what it had `found`."""
    told = "\n".join(map(_told, problems))
    error = f'<error type="wxpush" message={_attribute(told)}>{_text(told)}</error>'
    case = f'    <testcase classname="wxpush" name="validate">{error}</testcase>\n'
    errors = [one for one in found if one.severity is Severity.ERROR]
    cases = [_case(one, fails=one in errors) for one in found]
    return _suite([*cases, case], failures=len(errors), errors=1)


def _suite(cases: Sequence[str], *, failures: int = 0, errors: int = 0) -> str:
    head = f'name="wxpush validate" tests="{len(cases)}" failures="{failures}" errors="{errors}"'
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<testsuites {head}>\n  <testsuite {head}>\n{''.join(cases)}  </testsuite>\n</testsuites>\n"
    )


def _case(problem: Problem, *, fails: bool) -> str:
    where = problem.place.removeprefix(problem.file).lstrip(":")
    name = " ".join(filter(None, (problem.code, where)))
    told = _told(problem)
    inner = f"<system-out>{_text(told)}</system-out>"
    if fails:
        said = f"type={_attribute(problem.code)} message={_attribute(problem.message)}"
        inner = f"<failure {said}>{_text(told)}</failure>"
    head = f"classname={_attribute(problem.file)} name={_attribute(name)}"
    return f"    <testcase {head}>{inner}</testcase>\n"


def _told(problem: Problem) -> str:
    return _told_of(problem, _sentences(problem, " "))


def _told_of(problem: Problem, text: str) -> str:
    """`text` behind the problem's place, as far as it has one."""
    return ": ".join(filter(None, (problem.place, text)))


def _attribute(text: str) -> str:
    return quoteattr(_NOT_XML.sub("\ufffd", text))


def _text(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def sarif(problems: Sequence[Problem]) -> str:
    """A SARIF 2.1.0 log, as code hosts and editors take it."""
    return _log(problems, {"executionSuccessful": True})


def sarif_failure(problems: Sequence[Problem], exit_code: int, found: Sequence[Problem] = ()) -> str:
    """The log of a check that couldn't be done to its end for these reasons, with what it had `found`."""
    notifications = [
        {"level": "error", "message": {"text": _located(problem)}, **_locations(problem)}
        for problem in problems
    ]
    invocation = {
        "executionSuccessful": False,
        "exitCode": exit_code,
        "toolExecutionNotifications": notifications,
    }
    return _log(found, invocation)


def _log(problems: Sequence[Problem], invocation: dict[str, Any]) -> str:
    codes = sorted({problem.code for problem in problems})
    results = [_result(problem, codes.index(problem.code)) for problem in problems]
    driver = {"name": "wxpush", "version": __version__, "rules": [_rule(code) for code in codes]}
    run = {
        "tool": {"driver": driver},
        "invocations": [invocation],
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    log = {"$schema": _SARIF, "version": "2.1.0", "runs": [run]}
    text = json.dumps(log, ensure_ascii=False, indent=2)
    return "\n".join(map(_seen, text.split("\n"))) + "\n"


def _rule(code: str) -> dict[str, Any]:
    """What a reader of the log is shown of a code: what it means, with a wrong and a right example."""
    known = _rules().get(code)
    if known is None:
        return {"id": code}
    means, examples = known["means"], known["examples"]
    plain = "\n".join(line for line in examples.split("\n") if not line.startswith("```"))
    return {
        "id": code,
        "shortDescription": {"text": means},
        "fullDescription": {"text": f"{means}. See docs/problems.md of wxpush."},
        "help": {"text": f"{means}\n\n{plain}", "markdown": f"**{means}**\n\n{examples}"},
    }


@cache
def _rules() -> dict[str, dict[str, str]]:
    """What docs/problems.md says of each code, written from the same source."""
    loaded: dict[str, dict[str, str]] = json.loads(_RULES.read_text(encoding="utf-8"))
    return loaded


def _locations(problem: Problem) -> dict[str, Any]:
    if not problem.is_in_file:
        return {}
    place: dict[str, Any] = {"artifactLocation": {"uri": _uri(problem.file)}}
    if problem.line:
        place["region"] = {"startLine": problem.line}
        if problem.column:
            place["region"]["startColumn"] = problem.column
    return {"locations": [{"physicalLocation": place}]}


def _result(problem: Problem, rule: int) -> dict[str, Any]:
    return {
        "ruleId": problem.code,
        "ruleIndex": rule,
        "level": problem.severity.value,
        "message": {"text": _located(problem)},
        **_locations(problem),
    }


def _located(problem: Problem) -> str:
    """What is wrong; with the place, where that is none that SARIF knows."""
    return _sentences(problem, " ") if problem.is_in_file else _told(problem)


def _uri(file: str) -> str:
    path = PurePath(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix(), safe="/")


def _sentences(problem: Problem, between: str) -> str:
    return "\n".join([between.join(filter(None, (problem.message, problem.hint))), *problem.detail])
