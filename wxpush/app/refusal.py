"""The JSON of a sending that didn't begin (contract §4, state `refused`)."""

from collections.abc import Mapping
from typing import Any

from wxpush.channels.wechat.errcodes import info
from wxpush.errors import InterruptedRunError, ProblemsError, StoppedError, WxpushError
from wxpush.i18n import in_english
from wxpush.model import Problem, State
from wxpush.report.annotations import problem_json


def refusal(
    error: WxpushError,
    run: str,
    account: str,
    counts: Mapping[str, int] | None = None,
    total: int | None = None,
) -> dict[str, Any]:
    """The same keys as a summary, and `problems` as `validate` gives them.

    `counts` is how the run stands as a whole, by state, all 0 where that isn't known; of `total` messages
    what `counts` doesn't tell of is pending.
    """
    stopped = None
    state = "refused"
    if isinstance(error, StoppedError):
        state = "stopped"
        stopped = {"code": error.code, "meaning": info(error.code).meaning.en, "hint": in_english(error.hint)}
    elif isinstance(error, InterruptedRunError):
        state = "interrupted"
    return {
        "schema": 1,
        "run": run,
        "account": account,
        "state": state,
        **_numbers(counts or {}, total or 0),
        "failures": [],
        "skips": [],
        "attempts": 0,
        "token_fetches": 0,
        "elapsed_s": 0.0,
        "rate_per_s": 0.0,
        "stopped_by": stopped,
        "failures_file": None,
        "unmatched_file": None,
        "problems": _problems(error),
    }


def settling_refused(error: WxpushError, run: str, account: str, counts: Mapping[str, int]) -> dict[str, Any]:
    """The same keys as a settlement, for one that didn't begin, and `problems`."""
    return {
        "schema": 1,
        "run": run,
        "account": account,
        "state": "interrupted" if isinstance(error, InterruptedRunError) else "refused",
        "delivered": 0,
        "not_delivered": 0,
        "rejected": 0,
        "to_resend": 0,
        "in_window": 0,
        "passed_over": 0,
        **_numbers(counts, 0),
        "failures_file": None,
        "problems": _problems(error),
    }


def _numbers(counts: Mapping[str, int], total: int) -> dict[str, int]:
    numbers = {state.value: counts.get(state, 0) for state in State}
    told = sum(numbers.values())
    numbers[State.PENDING.value] += max(0, total - told)
    return {"total": max(total, told), **numbers}


def _problems(error: WxpushError) -> list[dict[str, Any]]:
    if isinstance(error, ProblemsError):
        return [problem_json(problem) for problem in error.problems]
    if isinstance(error, (StoppedError, InterruptedRunError)):
        return []
    return [problem_json(Problem("", 0, 0, "", error.args[0], error.hint))]
