"""How a call ends: its exit code, the next command to type, and the JSON of a sending that didn't begin."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.app.summaries import group, stopped, summary
from wxpush.app.exitcode import exit_code
from wxpush.app.next_steps import after_send
from wxpush.app.refusal import refusal
from wxpush.app.results import Summary
from wxpush.app.tokens import masked
from wxpush.campaign.units import parse_share
from wxpush.errors import (
    DamagedStateError,
    InputError,
    InterruptedRunError,
    LockedError,
    NobodyToAskError,
    ProblemsError,
    StoppedError,
    WxpushError,
)
from wxpush.i18n import set_language
from wxpush.model import CodeClass, Problem, Severity

OWN, MESSAGE = CodeClass.RECIPIENT, CodeClass.MESSAGE
HELD = group(CodeClass.UNKNOWN, 1, "40252", "held")
IN_DOUBT = group(CodeClass.TRANSIENT, 1, "timeout", "in_doubt")


@pytest.fixture(autouse=True)
def in_english() -> None:
    set_language("en")


@pytest.mark.parametrize(
    ("ended", "tolerate", "code"),
    [
        (summary(), 0.0, 0),
        (summary(skipped=40, skips={"condition": 40}), 0.0, 0),
        (summary(total=0), 0.0, 0),
        (summary(state="limited", pending=90), 0.0, 0),
        (summary(state="dry_run", pending=100), 0.0, 0),
        (summary(group(OWN)), 0.0, 1),
        (summary(group(OWN, 5)), 0.05, 0),
        (summary(group(OWN, 6)), 0.05, 1),
        (summary(group(OWN, 5), group(MESSAGE, 1)), 0.5, 1),
        (summary(group(CodeClass.TRANSIENT, 1)), 1.0, 1),
        (summary(group(OWN, 100)), 1.0, 0),
        (summary(HELD), 1.0, 1),
        (summary(IN_DOUBT), 1.0, 1),
        (summary(state="stopped", pending=50, stopped_by=stopped("45009")), 0.0, 3),
        (summary(state="stopped", pending=50, stopped_by=stopped("quota")), 0.0, 3),
        (summary(state="stopped", pending=50, stopped_by=stopped("budget")), 1.0, 3),
        (summary(state="stopped", pending=50, stopped_by=stopped("network")), 0.0, 3),
        (summary(state="stopped", pending=50, stopped_by=stopped("storage")), 0.0, 4),
        (summary(state="interrupted", pending=50), 0.0, 130),
        (summary(group(OWN, 5), state="interrupted", pending=50), 0.0, 130),
    ],
)
def test_the_exit_code_that_an_ending_earns(ended: Summary, tolerate: float, code: int) -> None:
    assert exit_code(ended, tolerate) == code


@given(st.integers(0, 100), st.integers(1, 50))
def test_exactly_the_tolerated_share_is_tolerated(percent: int, hundreds: int) -> None:
    tolerate = parse_share(f"{percent}%")
    within = summary(group(OWN, percent * hundreds), total=100 * hundreds)
    assert exit_code(within, tolerate) == 0
    if percent < 100:
        assert exit_code(summary(group(OWN, percent * hundreds + 1), total=100 * hundreds), tolerate) == 1


AGAIN = "wxpush send campaign.yaml users.csv"
RETRY = "wxpush retry-failed order-shipped-2026-11-23"
SETTLE = "wxpush runs settle order-shipped-2026-11-23"


@pytest.mark.parametrize(
    ("ended", "commands"),
    [
        (summary(), []),
        (summary(HELD), []),
        (summary(IN_DOUBT), [SETTLE]),
        (summary(IN_DOUBT, unsettled=1), [AGAIN]),
        (summary(state="limited", pending=90), [AGAIN]),
        (summary(state="stopped", stopped_by=stopped("storage")), [AGAIN]),
        (summary(state="interrupted", pending=50), [AGAIN]),
        (summary(IN_DOUBT, state="limited", pending=9, gone_pending=9), [SETTLE]),
        (summary(IN_DOUBT, group(CodeClass.TRANSIENT)), [RETRY, SETTLE]),
        (summary(group(CodeClass.TRANSIENT)), [RETRY]),
        (summary(group(CodeClass.THROTTLE)), [RETRY]),
        (summary(group(OWN, 2, "43004"), group(OWN, 9, "43101")), [f"{RETRY} --code 43101"]),
        (summary(group(MESSAGE)), [AGAIN]),
        (
            summary(group(MESSAGE), group(OWN), group(CodeClass.TRANSIENT), state="limited", pending=9),
            [AGAIN, RETRY, f"{RETRY} --code 43004", AGAIN],
        ),
    ],
)
def test_the_next_command_to_type(ended: Summary, commands: list[str]) -> None:
    steps = after_send(ended, AGAIN)
    assert [command for command, _why in steps] == commands
    assert all(why for _command, why in steps)


def test_a_runs_name_is_quoted_for_the_shell() -> None:
    ((command, _why),) = after_send(summary(group(CodeClass.TRANSIENT), run="双11; rm -rf ~"), AGAIN)
    assert command == "wxpush retry-failed '双11; rm -rf ~'"


PROBLEM = Problem("users.csv", 37, 0, "WX406", 'no value for "openid".', "Fix the row.", Severity.ERROR)


@pytest.mark.parametrize(
    ("error", "state", "stopped_code", "problems"),
    [
        (ProblemsError([PROBLEM], total=9), "refused", None, 1),
        (InputError("No such account.", "Write it into config.yaml."), "refused", None, 1),
        (NobodyToAskError("No terminal.", "Pass --yes."), "refused", None, 1),
        (LockedError("Another wxpush works on this run (process 7)."), "refused", None, 1),
        (DamagedStateError("The ledger is damaged."), "refused", None, 1),
        (StoppedError("The secret is wrong.", "Look it up.", code="40125"), "stopped", "40125", 0),
        (InterruptedRunError("Nothing was sent."), "interrupted", None, 0),
    ],
)
def test_a_sending_that_did_not_begin_has_the_keys_of_a_summary(
    error: WxpushError, state: str, stopped_code: str | None, problems: int
) -> None:
    found = refusal(error, "orders", "shop")
    assert set(found) == {*summary().to_json(), "problems"}
    assert (found["state"], found["run"], found["account"]) == (state, "orders", "shop")
    assert (found["stopped_by"] and found["stopped_by"]["code"]) == stopped_code
    assert len(found["problems"]) == problems
    assert found["total"] == found["accepted"] == found["pending"] == 0
    assert json.loads(json.dumps(found)) == found


def test_a_problem_is_told_with_its_place() -> None:
    (found,) = refusal(ProblemsError([PROBLEM]), "orders", "shop")["problems"]
    assert found == {
        "file": "users.csv", "line": 37, "column": 0, "severity": "error", "code": "WX406",
        "message": 'no value for "openid".', "hint": "Fix the row.",
    }  # fmt: skip


def test_json_is_in_english_whatever_people_read() -> None:
    set_language("zh")
    found = refusal(StoppedError("密钥不对。", code="40125"), "orders", "shop")
    assert found["stopped_by"]["meaning"].isascii()


@given(st.text(max_size=600))
def test_a_masked_token_shows_at_most_its_ends(token: str) -> None:
    shown = masked(token)
    assert len(shown) <= 9
    if len(token) <= 32:
        assert shown == "…"
    else:
        assert shown == f"{token[:4]}…{token[-4:]}"


def test_a_run_that_could_not_go_on_still_tells_what_it_has_behind_it() -> None:
    counts = {"accepted": 7, "failed": 2, "skipped": 1}
    found = refusal(StoppedError("密钥不对。", code="40125"), "orders", "shop", counts, 20)
    assert {state: found[state] for state in counts} == counts
    assert (found["total"], found["pending"], found["held"], found["in_doubt"]) == (20, 10, 0, 0)
