"""The plan and the summary say what an operator has to know."""

from dataclasses import replace
from datetime import timedelta

import pytest
from rich.cells import cell_len

from tests.console.stage import NOON, OPENID, Stage, a_group, a_plan, a_stop, a_summary
from wxpush import i18n
from wxpush.model import Problem, Severity


def planned(**changes: object) -> str:
    stage = Stage()
    stage.console.plan(a_plan(**changes))
    return stage.err.text()


def summed(*commands: tuple[str, str], **changes: object) -> str:
    stage = Stage()
    stage.console.summary(a_summary(**changes), commands)
    return stage.out.text()


@pytest.mark.parametrize(
    "fact",
    [
        "A new run", "order-shipped-2026-11-23", "shop (wx0123456789abcdef)", "订单发货通知", "10,003 rows",
        "2 blank", "9,878 messages", "30/s, 16 workers", "98,000 left of 100,000", "10,000 of them kept",
        "about 12:06:00 +08:00", "有机苹果礼盒 5kg 装", OPENID, "https://example.com/orders/SO20261123001",
    ],
)  # fmt: skip
def test_the_plan_says(fact: str) -> None:
    assert fact in planned()


def test_a_continued_run_says_what_was_done_before() -> None:
    shown = planned(is_new=False, done={"accepted": 1_200, "failed": 3, "held": 0}, recovered=4)
    assert "An earlier run goes on" in shown
    assert "1,200 accepted, 3 failed" in shown
    assert "4 messages that were cut off" in shown
    assert "held" not in shown


def test_a_run_of_several_days_says_so_with_the_date_of_its_end() -> None:
    shown = planned(days=3, ends=NOON + timedelta(days=2))
    assert "3 days" in shown
    assert "2026-11-25 12:00:00 +08:00" in shown


def test_a_run_that_is_over_says_when_it_was_done() -> None:
    shown = planned(is_over=True, people=0, last_accepted=NOON)
    assert "Nothing is left to send" in shown
    assert "2026-11-23 12:00:00 +08:00" in shown
    assert "Ends" not in shown


def test_a_plan_without_a_check_does_not_invent_a_number() -> None:
    shown = planned(survey=None, people=None)
    assert "not checked beforehand" in shown
    assert "everybody in the list" in shown


@pytest.mark.parametrize(("kind", "said"), [("dry_run", "nothing is sent"), ("sandbox", "a local WeChat")])
def test_a_rehearsal_is_called_one(kind: str, said: str) -> None:
    assert said in planned(rehearsal=kind)


def test_another_api_is_named() -> None:
    assert "at http://127.0.0.1:8080" in planned(api_base="http://127.0.0.1:8080")


def test_what_is_left_of_earlier_calls_is_told() -> None:
    shown = planned(failures_waiting=3, in_doubt=1)
    assert "3 messages failed before" in shown
    assert "1 message is in doubt" in shown


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [40, 45, 60, 80])
def test_plan_and_summary_fit_their_terminal(width: int, language: i18n.Language) -> None:
    i18n.set_language(language)
    stage = Stage(width=width, environ={"TERM": "dumb", "LINES": "24"})
    stage.console.plan(a_plan(days=2, recovered=3, failures_waiting=3))
    stage.console.summary(a_summary(gone_pending=3, unsettled=2, state="stopped", stopped_by=a_stop()))
    lines = [*stage.err.lines(), *stage.out.lines()]
    assert len(lines) > 40
    assert [line for line in lines if cell_len(line) > width] == []


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("finished", "Finished: 9,988 of 10,000 accepted."),
        ("stopped", "Stopped: 9,988 of 10,000 accepted."),
        ("interrupted", "Interrupted: 9,988 of 10,000 accepted. Nothing is lost"),
        ("limited", "As many as --limit says"),
        ("dry_run", "Rehearsed: 10,000 messages are ready; nothing was sent."),
    ],
)
def test_the_headline_says_how_it_ended(state: str, said: str) -> None:
    counts = {"accepted": 0, "pending": 10_000, "failed": 0} if state == "dry_run" else {}
    assert summed(state=state, **counts).startswith(said)


def test_a_run_without_a_fault_says_all() -> None:
    assert "Finished: all 10,000 accepted." in summed(accepted=10_000)


def test_the_counts_add_up_on_the_screen() -> None:
    shown = summed(failed=8, skipped=2, held=1, in_doubt=1, pending=0)
    counts = [int(line.split()[-1].replace(",", "")) for line in shown.splitlines()[2:8]]
    assert sum(counts[:-1]) == counts[-1] == 10_000


def test_failures_are_grouped_by_cause_with_meaning_and_remedy() -> None:
    groups = [a_group(count=8), a_group(code="47003", count=2_000, meaning="bad", advice="Mend it.")]
    shown = summed(failures=groups)
    assert "        8  43004  require subscribe\n" in shown
    assert "    2,000  47003  bad\n" in shown
    assert "Mend it." in shown


def test_held_and_in_doubt_are_explained() -> None:
    shown = summed()
    assert "WeChat reviews them and delivers them by itself" in shown
    assert "may have reached WeChat" in shown


def test_rows_that_read_differently_now_are_listed() -> None:
    assert "(lines 7, 12)" in summed(changed=2, changed_lines=[7, 12])
    assert "3, 4 …)" in summed(changed=200, changed_lines=[3, 4])


def test_pending_rows_that_left_the_list_are_told_apart() -> None:
    assert "3 pending messages are no longer in the list" in summed(gone_pending=3)


def test_what_stopped_it_comes_with_its_remedy_and_when_it_can_go_on() -> None:
    shown = summed(state="stopped", stopped_by=a_stop())
    assert "WeChat says 45009: reach max api daily quota limit" in shown
    assert "Run the same command tomorrow." in shown
    assert "2026-11-24 00:00:00 +08:00" in shown


def test_what_stopped_it_of_our_own_is_not_put_into_wechats_mouth() -> None:
    shown = summed(state="stopped", stopped_by=a_stop(code="budget", meaning="too many failures"))
    assert "too many failures" in shown
    assert "WeChat says" not in shown


def test_the_next_command_stays_in_one_piece_on_a_narrow_terminal() -> None:
    stage = Stage(width=30)
    command = "wxpush retry-failed order-shipped-2026-11-23 --yes"
    stage.console.summary(a_summary(), [(command, "sends again what may succeed now")])
    assert f"  {command}\n" in stage.out.text().replace("\x1b[1m", "").replace("\x1b[0m", "")


def test_the_failures_file_is_named() -> None:
    assert "/home/wang/users.failures.csv" in summed()
    assert "mend" not in summed(failures_file=None)


def test_doubtful_rows_are_remarked_on_the_first_five_then_counted() -> None:
    found = [
        Problem("users.csv", line, 0, "WX502", "to: it has 26 characters.", "Check it.", Severity.WARNING)
        for line in range(2, 22)
    ]
    survey = a_plan().survey
    assert survey is not None
    shown = planned(survey=replace(survey, warnings=found, warnings_total=1_200))
    assert "users.csv:6: WX502: to: it has 26 characters. Check it." in shown
    assert "users.csv:7:" not in shown
    assert "… and 1,195 more doubtful values" in shown
