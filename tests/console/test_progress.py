"""Progress: a bar that fits on a terminal, plain lines now and then on a pipe, words for every wait."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.console.stage import NOON, Stage
from wxpush import i18n
from wxpush.console.progress import Course, Speed, live_page
from wxpush.delivery.ports import Notice, Progress, Waiting, Why


def frame(course: Course, width: int) -> list[str]:
    page = live_page(course, 1010.0, NOON.timestamp(), width, "━─")
    return ["".join(text for text, _ in line) for line in page.lines]


def underway(total: int | None = 10_000, **counts: int) -> Course:
    """A run at 30 a second."""
    course = Course(total, {"accepted": 1_000, "skipped": 5})
    course.speed.note(1000.0, 0)
    course.speed.note(1010.0, 300)
    course.now = Progress(accepted=counts.pop("accepted", 300), **counts)
    course.now.seconds = course.now.finished / 30
    return course


def test_the_bar_comes_with_share_rate_time_left_and_counts() -> None:
    bar, counts = frame(underway(retrying=4, failed=2), 80)
    assert bar.count("━") + bar.count("─") >= 8
    assert "13%  1,307/10,000  30/s  0:04:50 left" in bar
    assert counts == "accepted 1,300  failed 2  skipped 5  retrying 4"


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [20, 30, 39, 44, 59, 79, 200])
@pytest.mark.parametrize("total", [None, 0, 10_000, 9_999_999])
def test_a_frame_fits_every_width(width: int, total: int | None, language: i18n.Language) -> None:
    i18n.set_language(language)
    course = underway(total, failed=12_345, held=3, in_doubt=4, retrying=77)
    course.waiting = Waiting(Why.THROTTLE, NOON + timedelta(minutes=1))
    assert [line for line in frame(course, width) if cell_len(line) > width] == []


def test_a_narrow_frame_keeps_the_share_and_drops_the_rate_then_the_bar() -> None:
    assert frame(underway(), 35)[0].endswith("13%  1,305/10,000  0:04:50 left")
    assert frame(underway(), 25)[0] == "13%  1,305/10,000"


def test_without_a_total_there_is_a_count_but_no_bar() -> None:
    bar = frame(underway(None), 80)[0]
    assert bar == "1,305  30/s"


def test_nothing_is_left_where_all_is_done() -> None:
    course = underway(1_305)
    assert "left" not in frame(course, 80)[0]


def test_a_wait_is_told_in_words_with_its_end() -> None:
    course = underway()
    course.waiting = Waiting(Why.THROTTLE, NOON + timedelta(minutes=3))
    assert frame(course, 80)[-1] == "Waiting: rate limit by WeChat, goes on at 12:03:00 +08:00"


def test_a_wait_until_another_day_names_the_day() -> None:
    course = underway()
    course.waiting = Waiting(Why.QUOTA, NOON + timedelta(hours=20))
    assert frame(course, 100)[-1].endswith("goes on at Tue 2026-11-24 08:00:00 +08:00")


@pytest.mark.parametrize("why", list(Why))
@pytest.mark.parametrize("until", [None, NOON])
def test_every_wait_has_words(why: Why, until: object) -> None:
    course = underway()
    course.waiting = Waiting(why, until, "detail")  # type: ignore[arg-type]  # a moment or None
    assert len(frame(course, 200)[-1]) > len("Waiting: ")


def test_a_wait_is_told_in_chinese() -> None:
    i18n.set_language("zh")
    course = underway()
    course.waiting = Waiting(Why.THROTTLE, NOON + timedelta(minutes=3))
    assert "12:03:00 +08:00" in frame(course, 80)[-1]
    assert "限速" in frame(course, 80)[-1]


@given(st.lists(st.tuples(st.floats(0.01, 5), st.integers(0, 100)), min_size=2, max_size=50))
def test_the_rate_is_never_above_the_fastest_stretch(steps: list[tuple[float, int]]) -> None:
    speed, now, done = Speed(), 0.0, 0
    speed.note(now, done)
    for seconds, count in steps:
        now, done = now + seconds, done + count
        speed.note(now, done)
    fastest = max(count / seconds for seconds, count in steps)
    assert 0 <= speed.per_second(now) <= fastest * 1.000001


def test_the_rate_forgets_what_is_older_than_ten_seconds() -> None:
    speed = Speed()
    for second in range(60):
        speed.note(float(second), min(second, 30) * 100)
    assert speed.per_second(59.0) == 0


def test_on_a_pipe_a_line_is_written_every_ten_seconds_at_most() -> None:
    stage = Stage()
    with stage.console.progress(10_000, {"accepted": 1_000}) as listener:
        for tick in range(300):
            stage.hands.seconds += 0.1
            listener.progress(Progress(accepted=tick * 3))
        lines = stage.err.lines()
    assert len(lines) in (2, 3)
    assert lines[0].startswith("12:00:10 1,2")
    assert "accepted" in lines[0]


def test_on_a_pipe_the_last_word_is_the_final_count() -> None:
    stage = Stage()
    with stage.console.progress(10, {}) as listener:
        listener.progress(Progress(accepted=10))
    assert stage.err.lines()[-1].startswith("12:00:00 10/10 100%")


def test_on_a_pipe_a_wait_is_told_when_it_begins_and_when_it_has_ended() -> None:
    stage = Stage()
    with stage.console.progress(10, {}) as listener:
        listener.waiting(Waiting(Why.THROTTLE, NOON + timedelta(minutes=1)))
        assert stage.err.lines() == ["12:00:00 Waiting: rate limit by WeChat, goes on at 12:01:00 +08:00"]
        listener.waiting(None)
        listener.progress(Progress(accepted=1))
        assert stage.err.lines()[1:] == ["12:00:00 Going on."]


def test_on_a_pipe_a_network_that_is_tried_again_and_again_does_not_fill_the_log() -> None:
    stage = Stage()
    with stage.console.progress(10, {}) as listener:
        for second in range(60):
            stage.hands.seconds += 1
            listener.waiting(Waiting(Why.OUTAGE, NOON + timedelta(seconds=second + 5)))
            listener.progress(Progress(attempts=second))
            listener.waiting(None)
            listener.progress(Progress(attempts=second))
        lines = stage.err.lines()
    assert 2 <= len(lines) <= 6
    assert all("WeChat can't be reached" in line for line in lines)


def test_on_a_pipe_a_short_wait_of_unknown_length_is_not_worth_a_line() -> None:
    stage = Stage()
    with stage.console.progress(10, {}) as listener:
        listener.waiting(Waiting(Why.TOKEN))
        stage.hands.seconds += 1
        listener.progress(Progress())
        listener.waiting(None)
        assert stage.err.text() == ""
        listener.waiting(Waiting(Why.TOKEN))
        stage.hands.seconds += 3
        listener.progress(Progress())
        assert "no access_token" in stage.err.text()


@pytest.mark.parametrize("notice", list(Notice))
def test_every_notice_has_words(notice: Notice) -> None:
    stage = Stage()
    with stage.console.progress(10, {}) as listener:
        listener.notice(notice, "系统繁忙")
        assert "系统繁忙" in stage.err.text()


def test_quiet_progress_says_nothing() -> None:
    stage = Stage(quiet=True, width=80)
    with stage.console.progress(10, {}) as listener:
        listener.progress(Progress(accepted=10))
        listener.waiting(Waiting(Why.TOKEN))
        listener.notice(Notice.SLOWED_DOWN, "")
    assert stage.err.text() == ""


def test_a_terminal_shows_the_bar_and_takes_it_away_at_the_end() -> None:
    stage = Stage(width=60, environ={"LINES": "24"})
    with stage.console.progress(10, {"accepted": 1}) as listener:
        listener.progress(Progress(accepted=5))
        listener.notice(Notice.SLOWED_DOWN, "[red]-1")
    shown = stage.err.text()
    assert "[red]-1" in shown
    assert "6/10" in shown
    assert shown.endswith("\x1b[2K")
    assert "\x1b[?25h" in shown


def test_a_dumb_terminal_gets_lines_and_no_escapes() -> None:
    stage = Stage(width=60, environ={"TERM": "dumb", "LINES": "24"})
    with stage.console.progress(10, {}) as listener:
        listener.progress(Progress(accepted=5))
    assert "5/10 50%" in stage.err.text()
    assert "\x1b" not in stage.err.text()


def test_an_encoding_without_the_bar_gets_a_plain_one() -> None:
    stage = Stage(width=60, encoding="gbk", environ={"LINES": "24"})
    with stage.console.progress(10, {}) as listener:
        listener.progress(Progress(accepted=5))
        listener.notice(Notice.SLOWED_DOWN, "")
    assert "####" in stage.err.text()
