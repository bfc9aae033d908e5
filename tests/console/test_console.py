"""What goes to which output, in which language and encoding."""

import json
import re

import pytest
from rich.cells import cell_len

from tests.console.stage import OPENID, Input, Stage, Stream, a_group, a_plan, a_stop, a_summary, a_view
from wxpush import i18n
from wxpush.app.results import DeliveryFigures
from wxpush.channels.wechat.errcodes import info
from wxpush.console import Console
from wxpush.delivery.suppressions import Entry
from wxpush.errors import InputError, InterruptedRunError, ProblemsError
from wxpush.model import Problem, Quota, Severity
from wxpush.report.failures import FailureRow


def problems(count: int) -> list[Problem]:
    return [Problem("users.csv", n, 3, "WX310", f"row {n} is wrong.", "Fix it.") for n in range(2, count + 2)]


def unstyled(lines: list[str]) -> list[str]:
    """The lines without their colours."""
    return [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]


def test_an_error_is_told_with_its_remedy_on_standard_error() -> None:
    stage = Stage()
    stage.console.error(InputError('users.csv:37: no value for "openid".', "Fix the row."))
    assert stage.err.lines() == ['error: users.csv:37: no value for "openid".', "  Fix the row."]
    assert stage.out.text() == ""


def test_problems_are_told_one_a_line_with_place_and_remedy() -> None:
    stage = Stage()
    stage.console.error(ProblemsError(problems(2)))
    assert stage.err.lines() == [
        "users.csv:2:3: error WX310: row 2 is wrong. Fix it.",
        "users.csv:3:3: error WX310: row 3 is wrong. Fix it.",
    ]


def test_after_twenty_problems_the_rest_is_counted() -> None:
    stage = Stage()
    stage.console.error(ProblemsError(problems(25), total=1_234))
    assert len(stage.err.lines()) == 21
    assert stage.err.lines()[-1] == "… and 1,214 more"


def test_a_warning_among_problems_says_that_it_is_one() -> None:
    stage = Stage()
    stage.console.problems([Problem("c.yaml", 1, 0, "WX1", "odd.", severity=Severity.WARNING)])
    assert stage.err.lines() == ["c.yaml:1: warning WX1: odd."]


def test_the_lines_of_a_long_problem_are_indented_on_a_terminal() -> None:
    stage = Stage(width=40)
    stage.console.problems([Problem("users.csv", 2, 0, "WX1", "there is " + "very " * 20 + "much wrong.")])
    first, *rest = unstyled(stage.err.lines())
    assert first.startswith("users.csv:2: error WX1: there")
    assert rest
    assert all(line.startswith("    ") and len(line) <= 40 for line in rest)


@pytest.mark.parametrize("width", [20, 40, 60, 80])
@pytest.mark.parametrize(
    "file", ["c.yaml", "campaigns/order-shipped/campaign.yaml", "群发/发货通知/群发任务.yaml"]
)
def test_no_place_code_or_word_of_a_problem_is_broken_at_any_width(width: int, file: str) -> None:
    stage = Stage(width=width)
    words = "the template has no keyword `amout4`. Did you mean `amount4`?"
    stage.console.findings(
        [Problem(file, 117, 12, "WX203", words, detail=("-商品:{{thing1.DATA}}", "+名称:{{thing1.DATA}}"))],
        {(file, 117): '  amout4: "{{ amount }}元"'},
        1,
    )
    lines = unstyled(stage.out.lines())
    assert f"{file}:117:12:" in lines[0]
    assert any("error WX203:" in line for line in lines)
    told = " ".join(" ".join(lines).split())
    assert f"{file}:117:12: error WX203: {words}" in told
    assert [line.strip() for line in lines[-2:]] == ["-商品:{{thing1.DATA}}", "+名称:{{thing1.DATA}}"]
    copied = (lines[0], *lines[-2:])
    assert all(cell_len(line) <= width for line in lines if line not in copied)


def test_quiet_leaves_errors_and_warnings() -> None:
    stage = Stage(quiet=True)
    stage.console.say("hello")
    stage.console.plan(a_plan())
    stage.console.commands([("wxpush runs", "shows the runs")])
    stage.console.warn("odd")
    stage.console.error(InputError("wrong"))
    assert stage.err.lines() == ["warning: odd", "error: wrong"]


def test_quiet_says_nothing_of_a_run_in_which_all_went_well() -> None:
    stage = Stage(quiet=True)
    well = a_summary(accepted=10_000, failed=0, held=0, in_doubt=0, skipped=0, skips={}, failures=[])
    stage.console.summary(well)
    assert stage.out.text() + stage.err.text() == ""


def test_quiet_tells_of_a_run_that_needs_attention() -> None:
    stage = Stage(quiet=True)
    stage.console.summary(a_summary())
    assert "43004" in stage.out.text()


def test_with_json_standard_output_is_exactly_one_object() -> None:
    stage = Stage(json=True)
    stage.console.plan(a_plan())
    stage.console.data("order")
    stage.console.summary(a_summary(), [("wxpush retry-failed", "again")])
    stage.console.runs([a_view()])
    with stage.console.progress(10, {}):
        pass
    stage.console.json({"run": "订单", "nested": {"a": [1, None]}})
    assert json.loads(stage.out.text()) == {"run": "订单", "nested": {"a": [1, None]}}
    assert "订单" in stage.out.text()
    assert "43004" in stage.err.text()


@pytest.mark.parametrize("encoding", ["ascii", "gbk", "latin-1", "utf-8"])
def test_json_survives_every_encoding(encoding: str) -> None:
    stage = Stage(json=True, encoding=encoding)
    stage.console.json({"run": "订单😀", "half": "\ud800"})
    assert json.loads(stage.out.text()) == {"run": "订单😀", "half": "\ud800"}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("encoding", ["ascii", "gbk", "utf-8"])
@pytest.mark.parametrize("width", [None, 45, 80])
def test_nothing_that_an_output_cannot_show_is_an_error(
    encoding: str, width: int | None, language: i18n.Language
) -> None:
    i18n.set_language(language)
    stage = Stage(encoding=encoding, width=width, typed="y\n")
    stage.console.plan(a_plan(run="双十一😀"))
    stage.console.ask(a_plan(people=3))
    stage.console.summary(a_summary(state="stopped", stopped_by=a_stop()), [("wxpush send 订单.yaml", "😀")])
    stage.console.run(a_view(name="双十一😀"))
    with stage.console.progress(10, {}):
        pass
    assert "order-shipped.yaml" in stage.err.text()
    assert "users.failures.csv" in stage.out.text()


def test_what_an_encoding_lacks_is_replaced() -> None:
    stage = Stage(encoding="gbk")
    stage.console.data("订单😀")
    assert stage.out.text() == "订单?\n"


def test_no_color_and_pipes_get_no_escapes() -> None:
    for stage in (Stage(), Stage(environ={"NO_COLOR": "", "FORCE_COLOR": "1"})):
        stage.console.summary(a_summary())
        stage.console.error(InputError("wrong"))
        assert "\x1b" not in stage.out.text() + stage.err.text()


def test_no_color_on_a_terminal_gives_no_colour() -> None:
    stage = Stage(width=80)
    stage.console.error(InputError("wrong"))
    assert not re.search(r"\x1b\[[\d;]*3\dm", stage.err.text())


def test_a_terminal_gets_colour() -> None:
    stage = Stage(width=80, environ={"NO_COLOR": ""})
    stage.console.error(InputError("wrong"))
    assert "\x1b[31m" in stage.err.text()


@pytest.mark.parametrize(
    ("people", "typed", "agreed"),
    [
        (5, "y\n", True), (5, "YES\n", True), (5, "是\n", True), (5, "好。\n", True), (5, " 确认 \n", True),
        (5, "\n", False), (5, "n\n", False), (5, "", False), (5, "否\n", False), (None, "y\n", True),
        (999, "y\n", True), (1_000, "y\n", False), (1_000, "1000\n", True), (1_000, "1,000\n", True),
        (1_000, "１，０００\n", True), (1_000, "100\n", False), (1_000, "", False), (12_000, "²\n", False),
    ],
)  # fmt: skip
def test_sending_needs_a_yes_or_the_number(people: int | None, typed: str, agreed: bool) -> None:
    stage = Stage(typed=typed)
    assert stage.console.ask(a_plan(people=people)) is agreed
    assert stage.out.text() == ""


def test_the_question_names_the_number() -> None:
    stage = Stage(typed="\n")
    stage.console.ask(a_plan(people=9_878))
    assert "9,878" in stage.err.text()


def test_ctrl_c_at_the_question_means_no() -> None:
    assert Stage(inp=Input(interrupted=True)).console.ask(a_plan(people=3)) is False


def test_another_question_can_be_asked() -> None:
    stage = Stage(typed="yes\n")
    assert stage.console.confirm("Remove 3 runs?") is True
    assert stage.err.text() == "Remove 3 runs? [y/N] "


@pytest.mark.parametrize(
    ("typing", "reading", "askable"), [(True, 80, True), (False, 80, False), (True, None, False)]
)
def test_a_person_can_be_asked_only_at_a_terminal(typing: bool, reading: int | None, askable: bool) -> None:
    assert Stage(inp=Input(terminal=typing), width=reading).console.can_ask() is askable


def test_a_closed_standard_input_can_not_be_asked() -> None:
    closed = Input()
    closed.close()
    assert Stage(inp=closed, width=80).console.can_ask() is False


def gone() -> Stream:
    """An output whose reader has left."""
    return Stream(fault=BrokenPipeError())


def full() -> Stream:
    """An output on a full disk."""
    return Stream(fault=OSError(28, "No space left on device"))


def test_a_reader_that_leaves_ends_nothing() -> None:
    console = Console(out=gone(), err=gone(), environ={})
    console.say("hello")
    console.data("order")
    console.json({"a": 1})


def test_talk_that_can_not_be_written_ends_nothing() -> None:
    Console(out=Stream(), err=full(), environ={}).warn("odd")


def test_data_that_can_not_be_written_is_an_error() -> None:
    with pytest.raises(OSError, match="No space left"):
        Console(out=full(), err=Stream(), environ={}).json({"a": 1})


def test_runs_are_listed_one_a_line_with_their_counts() -> None:
    stage = Stage()
    stage.console.runs([a_view(), a_view(name="双十一", live_pid=4321)])
    head, first, second = stage.out.lines()
    assert head.startswith("run ")
    assert all(fact in first for fact in ("stopped", "5,000", "1,000,000", "2026-11-23 13:00:00 +08:00"))
    assert "running (pid 4321)" in second


def test_a_narrow_terminal_keeps_name_and_state_of_a_run() -> None:
    stage = Stage(width=45, environ={"TERM": "dumb", "LINES": "24"})
    stage.console.runs([a_view()])
    assert stage.out.lines()[1].split()[:2] == ["order-shipped-2026-11-23", "stopped"]
    assert all(len(line) <= 45 for line in stage.out.lines())


def test_a_narrow_terminal_shows_what_is_in_doubt_rather_than_what_was_delivered() -> None:
    stage = Stage(width=46, environ={"TERM": "dumb", "LINES": "24"})
    known = DeliveryFigures(5_000, {}, 0, 1.0, 1, 2)
    counts = {"accepted": 5_000, "in_doubt": 7}
    stage.console.runs([a_view(name="shipped", counts=counts, delivery=known)])
    head, line = stage.out.lines()
    assert "in doubt" in head
    assert line.split()[-1] == "7"
    assert "delivered" not in head


def test_no_runs_are_said_to_be_none() -> None:
    stage = Stage()
    stage.console.runs([])
    assert stage.out.text() == "No runs yet.\n"


def test_a_run_is_shown_with_its_causes_and_where_it_lies() -> None:
    stage = Stage()
    stage.console.run(a_view(failures=[a_group()], skips={"duplicate": 2}))
    shown = stage.out.text()
    assert all(fact in shown for fact in ("994,997", "43004", "require subscribe", ".wxpush", "Skipped: 2"))


def test_an_error_code_is_explained_in_both_languages() -> None:
    shown = {}
    for language in ("en", "zh"):
        i18n.set_language(language)
        stage = Stage()
        stage.console.explain(info("43004"))
        shown[language] = stage.out.text()
    assert "require subscribe" in shown["en"]
    assert "未关注" in shown["zh"]


def test_the_quota_is_shown_with_what_is_kept() -> None:
    stage = Stage()
    stage.console.quota("shop", Quota(100_000, 2_000, 98_000), 10_000)
    figures = re.findall(r"[\d,]{3,}", stage.out.text())
    assert figures == ["100,000", "2,000", "98,000", "10,000"]


def test_facts_about_the_token_are_named_in_words_and_beijing_time() -> None:
    stage = Stage()
    facts = {"account": "shop", "expires_at": "2026-11-23T05:00:00+00:00", "seconds_left": 7200}
    stage.console.token(facts | {"generation": 3, "extra": None})
    assert [line.split(maxsplit=1) for line in stage.out.lines() if "left" not in line] == [
        ["Account", "shop"],
        ["Expires", "2026-11-23 13:00:00 +08:00"],
        ["Generation", "3"],
        ["extra", "none"],
    ]
    assert "Time left   2:00:00" in stage.out.lines()


def test_after_twenty_failures_the_rest_is_counted() -> None:
    stage = Stage()
    stage.console.failures(
        FailureRow("failed", line, "43004", "require subscribe", "", 1, 0.0, {}) for line in range(2, 1_300)
    )
    first, *others, last = stage.out.lines()
    assert first == "  line 2  43004  require subscribe"
    assert len(others) == 19
    assert last == "  … and 1,278 more"


def test_checking_is_told_on_a_terminal_and_leaves_no_trace_on_a_pipe() -> None:
    told = {}
    for width in (80, None):
        stage = Stage(width=width)
        with stage.console.checking(None) as tell:
            tell(12_345)
        told[width] = stage.err.text()
    assert told[80] == "\rChecking the list: 12,345 rows\x1b[K\r\x1b[K"
    assert told[None] == ""


def test_checking_a_list_whose_lines_are_counted_shows_a_bar() -> None:
    drawn = {}
    for width in (80, 40):
        stage = Stage(width=width)
        with stage.console.checking(100_000) as tell:
            tell(25_000)
        drawn[width] = stage.err.text().split("\x1b[K")[0]
    assert drawn[80] == "\r" + "━" * 10 + "─" * 30 + "  Checking the list: 25,000 rows"
    assert drawn[40] == "\rChecking the list: 25,000 rows"


def test_checking_is_drawn_ten_times_a_second_at_most() -> None:
    stage = Stage(width=80)
    with stage.console.checking(100_000) as tell:
        for rows in range(1, 1_001):
            stage.hands.seconds += 0.01
            tell(rows)
    assert 90 <= stage.err.text().count("Checking") <= 101


def test_a_no_is_no_error() -> None:
    stage = Stage()
    stage.console.error(InterruptedRunError("Not sent: you didn't agree."))
    assert stage.err.lines() == ["Not sent: you didn't agree."]


def test_chinese_sentences_follow_each_other_without_a_blank() -> None:
    stage = Stage()
    stage.console.problems([Problem("users.csv", 3, 0, "WX1", "缺少“openid”的值。", "请修正该行。")])
    assert stage.err.lines() == ["users.csv:3: error WX1: 缺少“openid”的值。请修正该行。"]


def test_the_number_of_wechats_log_is_left_out_on_screen() -> None:
    stage = Stage()
    row = FailureRow(
        "failed", 2, "43004", "no follower (require subscribe rid: 6a1b-2c3d-4e5f)", "", 1, 0.0, {}
    )
    stage.console.failures([row])
    assert stage.out.lines()[-1].split("  ")[-1] == "no follower (require subscribe)"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_suppression_list_is_readable_at_80_columns(language: i18n.Language) -> None:
    stage, since = Stage(width=80), 1_795_665_600.0  # 2026-11-26
    with i18n.speaking(language):
        stage.console.suppressed(
            [
                Entry(OPENID, "asked us to stop, by mail and by telephone too", since, None, "operator"),
                Entry(OPENID, "", since, since + 86_400, "43004"),
                Entry(OPENID, "", since, since + 86_400, "43101"),
                Entry(OPENID, "", since, since, "77777"),
            ]
        )
    _head, asked, gone, refusing, unknown = unstyled(stage.out.lines())
    assert max(map(cell_len, [asked, gone, refusing, unknown])) <= 80
    assert asked.startswith(f"{OPENID}  asked us to stop,")
    assert "2026-11-26" in asked
    assert gone.endswith("2026-11-26  2026-11-27")
    words = ("doesn't follow", "refuses the messages") if language == "en" else ("未关注", "拒收")
    assert (words[0] in gone, words[1] in refusing, "77777" in unknown) == (True, True, True)
