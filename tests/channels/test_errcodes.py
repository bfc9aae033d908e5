"""The table of codes: complete, in both languages, and never at a loss."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxpush.channels.wechat import errcodes
from wxpush.channels.wechat.errcodes import info, is_known
from wxpush.model import CodeClass

FOLDER = Path(errcodes.__file__).parent
OURS = ["render", "invalid", "network", "timeout", "bad_reply", "quota", "budget", "storage", "interrupted"]
SCOPES = {"", "message", "recipient", "template", "account"}
RETRYABLE = {CodeClass.TRANSIENT, CodeClass.THROTTLE}


def rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


KNOWN = rows("errcodes.csv")
MORE = rows("errcodes_more.csv")


def has_chinese(text: str) -> bool:
    return any("\u4e00" <= character <= "\u9fff" for character in text)


@pytest.mark.parametrize("row", KNOWN, ids=lambda row: row["code"])
def test_a_known_code_has_meaning_and_advice_in_both_languages(row: dict[str, str]) -> None:
    found = info(row["code"])
    assert found.code == row["code"]
    assert has_chinese(found.meaning.zh)
    assert found.meaning.en
    assert not has_chinese(found.meaning.en)
    assert has_chinese(found.advice.zh)
    assert found.advice.en.endswith(".")
    assert not has_chinese(found.advice.en)
    assert found.scope in SCOPES


@pytest.mark.parametrize("row", KNOWN, ids=lambda row: row["code"])
def test_a_chinese_text_is_punctuated_as_chinese(row: dict[str, str]) -> None:
    for text in (row["zh"], row["advice_zh"]):
        assert not set(text.replace("http://", "").replace("https://", "")) & set(",;:!?()")


@pytest.mark.parametrize("row", [row for row in KNOWN if "retry-failed" in row["advice_en"]])
def test_an_advice_to_retry_names_its_own_code(row: dict[str, str]) -> None:
    command = f"wxpush retry-failed --code {row['code']}"
    assert command in row["advice_en"]
    assert command in row["advice_zh"]


@pytest.mark.parametrize("code", OURS)
def test_the_codes_of_our_own_are_explained(code: str) -> None:
    assert is_known(code)


def test_no_code_stands_twice() -> None:
    codes = [row["code"] for row in KNOWN + MORE]
    assert len(codes) == len(set(codes))
    assert len(codes) > 1880


@pytest.mark.parametrize("row", MORE[::97], ids=lambda row: row["code"])
def test_any_other_code_of_wechat_has_a_meaning_and_is_not_retried(row: dict[str, str]) -> None:
    found = info(row["code"])
    assert is_known(row["code"])
    assert found.cls is CodeClass.UNKNOWN
    assert found.meaning.en
    assert found.meaning.zh
    assert row["code"] in found.advice.en


@given(st.text())
def test_no_code_leaves_it_at_a_loss(code: str) -> None:
    found = info(code)
    assert found.code == code
    assert found.meaning.en
    assert found.advice.zh


def test_a_code_that_nobody_knows_is_said_to_be_unknown() -> None:
    assert not is_known("987654321")
    assert info("987654321").cls is CodeClass.UNKNOWN
    assert "--code 987654321" in info("987654321").advice.en


@pytest.mark.parametrize(
    ("code", "cls", "scope"),
    [
        ("-1", CodeClass.TRANSIENT, "account"),
        ("40001", CodeClass.ACCOUNT, "account"),
        ("40003", CodeClass.RECIPIENT, "recipient"),
        ("40037", CodeClass.MESSAGE, "template"),
        ("40164", CodeClass.ACCOUNT, "account"),
        ("40241", CodeClass.UNKNOWN, "message"),
        ("43004", CodeClass.RECIPIENT, "recipient"),
        ("43117", CodeClass.THROTTLE, "recipient"),
        ("45009", CodeClass.THROTTLE, "account"),
        ("47003", CodeClass.MESSAGE, "message"),
        ("bad_reply", CodeClass.TRANSIENT, "message"),
    ],
)
def test_a_code_says_whose_fault_it_is_and_whom_it_concerns(code: str, cls: CodeClass, scope: str) -> None:
    assert (info(code).cls, info(code).scope) == (cls, scope)


def test_the_english_meaning_is_wechats_own() -> None:
    assert info("43004").meaning.en == "require subscribe"


def test_whatever_may_be_tried_again_is_retryable_and_a_wrong_secret_is_not() -> None:
    assert {
        info(code).cls for code in ("-1", "61450", "timeout", "network", "bad_reply", "45011")
    } <= RETRYABLE
    assert info("40125").cls not in RETRYABLE


def test_a_wrong_secret_warns_of_a_reset() -> None:
    assert "Do not reset" in info("40125").advice.en
    assert "不要" in info("40125").advice.zh
