"""Text of others can't do anything to a terminal."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.console.stage import CORPUS, Stage, a_group, a_plan, a_sample, a_stop, a_summary, a_view
from wxpush.console import safe
from wxpush.delivery.ports import Notice, Waiting, Why
from wxpush.errors import InputError, ProblemsError
from wxpush.model import Problem

FORBIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@given(st.text(st.characters()))
def test_no_control_or_format_character_is_left(text: str) -> None:
    assert not {unicodedata.category(char) for char in safe(text)} & FORBIDDEN


@pytest.mark.parametrize("text", ["张三", "a b", "[red]", "（测试）", "café", "😀", "\u3000"])
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert safe(text) == text


@pytest.mark.parametrize(
    ("text", "shown"), [("a\nb", r"a\u000ab"), ("\x1b[0m", r"\u001b[0m"), ("\U000e0001", r"\U000e0001")]
)
def test_what_is_not_shown_is_written_out(text: str, shown: str) -> None:
    assert safe(text) == shown


def show_everywhere(stage: Stage, text: str) -> None:
    """Put `text` into every place that takes text of others."""
    console = stage.console
    console.error(InputError(text, text))
    console.error(ProblemsError([Problem(text, 1, 1, "WX1", text, text)]))
    console.say(text)
    console.warn(text)
    console.data(text)
    console.plan(a_plan(run=text, list_name=text, template_title=text, sample=a_sample(text), notes=[text]))
    group = a_group(meaning=text, advice=text, code=text)
    stop = a_stop(code="network", meaning=text, hint=text)
    console.summary(a_summary(failures=[group], stopped_by=stop, notes=[text]), [(text, text)])
    console.runs([a_view(name=text, account=text, state=text)])
    console.run(a_view(name=text, template_title=text, failures=[group]))
    console.token({text: text})
    with console.progress(10, {}) as listener:
        listener.notice(Notice.TOKEN_TROUBLE, text)
        listener.waiting(Waiting(Why.HOURS, stage_moment(), text))


def stage_moment():
    return a_view().updated


@pytest.mark.parametrize("text", CORPUS, ids=ascii)
def test_hostile_text_is_shown_as_text_everywhere(text: str) -> None:
    stage = Stage()
    show_everywhere(stage, f"<{text}>")
    shown = stage.out.text() + stage.err.text()
    assert {char for char in shown if unicodedata.category(char) in FORBIDDEN} <= {"\n"}
    assert shown.count(safe(f"<{text}>")) >= 30


@pytest.mark.parametrize("text", CORPUS, ids=ascii)
def test_hostile_text_moves_nothing_on_a_terminal(text: str) -> None:
    stage = Stage(width=40, environ={"TERM": "dumb"})
    show_everywhere(stage, f"<{text}>")
    shown = stage.out.text() + stage.err.text()
    assert {char for char in shown if unicodedata.category(char) in FORBIDDEN} <= {"\n"}


@given(st.text(st.characters()))
def test_json_means_the_same_and_moves_no_cursor(text: str) -> None:
    stage = Stage()
    stage.console.json({"message": text})
    written = stage.out.text()
    assert json.loads(written) == {"message": text}
    assert not {unicodedata.category(char) for char in written.replace("\n", "")} & FORBIDDEN


def test_json_keeps_what_people_write() -> None:
    stage = Stage()
    stage.console.json({"name": "张三😀", "nick": "\u202egnp\x9b31m\U000e0001"})
    assert '"name": "张三😀"' in stage.out.text()
    assert r'"nick": "\u202egnp\u009b31m\udb40\udc01"' in stage.out.text()
