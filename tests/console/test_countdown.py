"""The wait for --at: one line that fits on a terminal, a line now and then on a pipe."""

from datetime import timedelta

import pytest
from rich.cells import cell_len

from tests.console.stage import NOON, Stage, a_plan
from wxpush import i18n
from wxpush.console.question import question
from wxpush.console.waits import wait
from wxpush.delivery.ports import Waiting, Why


def counted_down(stage: Stage, seconds: int, *, step: int = 1) -> None:
    """Wait so long, told every `step` seconds."""
    with stage.console.countdown(NOON + timedelta(seconds=seconds)) as tell:
        for left in range(seconds, 0, -step):
            tell(float(left))
            stage.hands.seconds += step


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [20, 30, 40, 60, 80, 120])
def test_a_terminal_has_one_line_that_fits_and_goes(width: int, language: i18n.Language) -> None:
    i18n.set_language(language)
    stage = Stage(width=width)
    counted_down(stage, 3 * 86_400, step=7200)
    frames = [frame.removesuffix("\x1b[K") for frame in stage.err.text().split("\r")[1:]]
    assert "72:00:00" in frames[0]
    assert [frame for frame in frames if cell_len(frame) >= width] == []
    assert stage.err.text().endswith("\r\x1b[K")
    assert stage.out.text() == ""


def test_the_line_says_when_it_begins_and_that_it_can_be_left() -> None:
    stage = Stage(width=80)
    counted_down(stage, 3)
    first = stage.err.text().split("\r")[1].removesuffix("\x1b[K")
    assert first == "Begins at 12:00:03 +08:00, 0:00:03 left; Ctrl-C: nothing is sent"


def test_a_pipe_gets_a_line_an_hour_then_every_ten_minutes_then_every_minute() -> None:
    stage = Stage()
    counted_down(stage, 4 * 3600)
    lines = stage.err.lines()
    assert lines[0] == "12:00:00 Begins at 16:00:00 +08:00, 4:00:00 left; Ctrl-C: nothing is sent"
    assert [line[:5] for line in lines[:4]] == ["12:00", "13:00", "14:00", "14:10"]
    assert lines[-2].startswith("15:59:00 ")
    assert lines[-1] == "16:00:00 Going on."
    assert len(lines) == 33


def test_a_wait_that_is_left_does_not_go_on() -> None:
    stage = Stage()
    countdown = stage.console.countdown(NOON + timedelta(hours=1))
    countdown.__enter__()(3600.0)
    countdown.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert len(stage.err.lines()) == 1


def test_nothing_to_wait_for_is_not_told_of_and_quiet_is_quiet() -> None:
    stage = Stage()
    with stage.console.countdown(NOON):
        pass
    assert stage.err.text() == ""
    stage = Stage(quiet=True)
    counted_down(stage, 60)
    assert stage.err.text() == ""


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "outside the send window, goes on at Mon 2026-11-30 08:00:00 +08:00"),
        ("zh", "不在发送时段内，周一 2026-11-30 08:00:00 +08:00 继续"),
    ],
)
def test_a_wait_for_another_day_names_the_day_of_the_week(language: i18n.Language, text: str) -> None:
    i18n.set_language(language)
    opens = (NOON + timedelta(days=7)).replace(hour=8)
    assert wait(Waiting(Why.HOURS, opens), NOON) == text


def test_the_question_says_when_it_is_sent() -> None:
    assert question(a_plan(people=12), "10:00:00 +08:00") == "Send at 10:00:00 +08:00? [y/N] "
    assert question(a_plan(people=None), "10:00:00 +08:00") == "Send at 10:00:00 +08:00? [y/N] "
    # From a thousand on the number is asked for all the same.
    assert question(a_plan(people=1200), "10:00:00 +08:00").startswith("Type the number 1,200")


def plan_lines(**changes: object) -> str:
    stage = Stage()
    stage.console.plan(a_plan(**changes))
    return " ".join(stage.err.text().split())


def test_the_plan_says_what_will_be_left_at_the_end_that_was_set() -> None:
    until = NOON.replace(hour=21)
    said = plan_lines(people=10_000, until=until, left_then=3_200, ends=until)
    assert "Stops 21:00:00 +08:00: by then about 6,800 of 10,000, about 3,200 will be left" in said
    assert "Ends" not in said
    said = plan_lines(people=10_000, until=until, left_then=0, ends=NOON + timedelta(minutes=6))
    assert "Stops 21:00:00 +08:00 at the latest Ends about 12:06:00 +08:00" in said
    assert "Stops" in plan_lines(people=None, until=until, left_then=None)


def test_the_plan_names_the_day_of_the_week_on_which_it_begins() -> None:
    begins = NOON + timedelta(days=7)
    assert "Begins Mon 2026-11-30 12:00:00 +08:00" in plan_lines(begins=begins, ends=begins)
