"""What spreadsheets make of values: found in whatever a campaign uses, and nowhere else."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.campaign.samples import HEAD, OPENID, ROW, campaign, checker, recipient, with_data
from wxpush.campaign.check import Bad, Ready, Skipped
from wxpush.campaign.damage import Damage
from wxpush.campaign.expressions import parse_text
from wxpush.model import Problem, Severity


def problems(folder: Path, values: dict[str, Any], text: str = "{{ note }}", **others: str) -> list[Problem]:
    """What is wrong with a row of these values."""
    found = checker(with_data(folder, text, **others)).examine(recipient(**values))
    return list(found.problems if isinstance(found, Bad) else found.warnings)


def kinds(found: list[Problem]) -> list[tuple[str, Severity, str]]:
    return [(one.code, one.severity, one.cell) for one in found]


ERROR, WARNING = Severity.ERROR, Severity.WARNING


@pytest.mark.parametrize("value", [
    "#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "Err:502", "########",
    "-2146826246", " #N/A ",
])  # fmt: skip
def test_an_error_of_a_spreadsheet_is_an_error(tmp_path: Path, value: str) -> None:
    found = problems(tmp_path, {"note": value})
    assert kinds(found) == [("WX410", ERROR, "note")]
    assert value.strip() in found[0].message


@pytest.mark.parametrize(("value", "digits", "left"), [
    ("1.2E+10", 11, 2), ("1.38001E+10", 11, 6), ("1.30014e+10", 11, 6), ("-1.2E+5", 6, 2), ("2E+17", 18, 1),
])  # fmt: skip
def test_a_number_that_lost_digits_is_an_error_and_says_how_many(
    tmp_path: Path, value: str, digits: int, left: int
) -> None:
    found = problems(tmp_path, {"note": value})
    assert kinds(found) == [("WX411", ERROR, "note")]
    assert f"{value} was a number of {digits} digits; only {left} of them are left." in found[0].message
    assert "Format the column as text" in found[0].hint


@pytest.mark.parametrize("value", ["1.23456E+05", "1.5E+01", "1.2E-05", "1.38e10"])
def test_a_number_with_an_exponent_that_lost_nothing_is_a_warning(tmp_path: Path, value: str) -> None:
    assert kinds(problems(tmp_path, {"note": value})) == [("WX411", WARNING, "note")]


@pytest.mark.parametrize("value", [
    "=VLOOKUP(A2,B:C,2)", '="00123"', "=A1+B2", "=$A$1", "=-12", "=SUM(1)", "='表 1'!A2", "= 1",
])  # fmt: skip
def test_a_formula_is_an_error(tmp_path: Path, value: str) -> None:
    assert kinds(problems(tmp_path, {"note": value})) == [("WX412", ERROR, "note")]


@pytest.mark.parametrize("value", ["=^_^=", "=>", "==买一送一=="])
def test_a_text_that_only_begins_like_a_formula_is_a_warning(tmp_path: Path, value: str) -> None:
    assert kinds(problems(tmp_path, {"note": value})) == [("WX412", WARNING, "note")]


@pytest.mark.parametrize("value", [
    "-68.00元", "-3", "-", "=", "+8613800138000", "@张三", "#1", "# 1", "##", "#N/A 处", "订单 #REF!", "3E10",
    "12e5", "E+10", "1.2E+10元", "SO2026E+1", "2026-11-23", "1.5", "A-1", "¥-68", "7e+", "#红包",
])  # fmt: skip
def test_what_people_write_is_left_alone(tmp_path: Path, value: str) -> None:
    assert problems(tmp_path, {"note": value}) == []


def test_it_is_found_in_every_column_that_the_campaign_uses(tmp_path: Path) -> None:
    sending = campaign(
        tmp_path,
        HEAD + 'key: "{{ openid }}:{{ a }}"\nwhen: b != ""\nurl: "https://x.cn/{{ c }}"\n'
        'miniprogram: {appid: wx0123456789abcdef, pagepath: "p?id={{ d }}"}\nexpires: {column: e}\n'
        "data:\n  thing1: \"{{ f | default('x') }}{{ row['g'] }}\"\n",
    )
    values = dict.fromkeys("abcdefgh", "#N/A")
    found = checker(sending).examine(recipient(**values))
    assert isinstance(found, Bad)
    assert sorted(one.cell for one in found.problems) == ["a", "b", "c", "d", "e", "f", "g"]
    assert {one.code for one in found.problems} == {"WX410"}  # and not that #N/A is no moment


def test_a_value_is_told_once_however_often_it_is_used(tmp_path: Path) -> None:
    found = problems(tmp_path, {"note": "#N/A"}, "{{ note }}", url="https://x.cn/{{ note }}")
    assert kinds(found) == [("WX410", ERROR, "note")]


def test_what_follows_from_it_is_not_told_as_well(tmp_path: Path) -> None:
    found = problems(tmp_path, {"note": "#N/A", "other": "x" * 30}, "{{ note | float }}")
    assert kinds(found) == [("WX410", ERROR, "note")]


def test_a_rule_that_is_turned_off_leaves_the_word_to_the_others(tmp_path: Path) -> None:
    text = HEAD + 'checks: {error_value: off}\ndata: {thing1: "{{ note | float }}"}\n'
    found = checker(campaign(tmp_path, text)).examine(recipient(note="#N/A"))
    assert isinstance(found, Bad)
    assert [one.code for one in found.problems] == ["WX402"]


@pytest.mark.parametrize(("rule", "value"), [
    ("error_value", "#N/A"), ("cut_number", "1.2E+10"), ("formula", "=A1"),
])  # fmt: skip
def test_each_rule_can_be_a_warning_or_off(tmp_path: Path, rule: str, value: str) -> None:
    for level, severities in (("warn", [WARNING]), ("off", [])):
        text = HEAD + f'checks: {{{rule}: {level}}}\ndata: {{thing1: "{{{{ note }}}}"}}\n'
        found = checker(campaign(tmp_path, text)).examine(recipient(note=value))
        assert isinstance(found, Ready)
        assert [one.severity for one in found.warnings] == severities


def test_an_id_that_begins_with_a_minus_is_a_warning_in_the_key_alone(tmp_path: Path) -> None:
    values = {"order": "-123", "note": "-5"}
    found = problems(tmp_path, values, "{{ note }}", key="{{ openid }}:{{ order }}")
    assert kinds(found) == [("WX413", WARNING, "order")]
    assert problems(tmp_path, {"order": "-", "note": "x"}, key="{{ openid }}:{{ order }}") == []


def test_who_wants_it_so_is_stopped_by_such_an_id(tmp_path: Path) -> None:
    text = HEAD + 'checks: {minus_id: error}\nkey: "{{ order }}"\ndata: {thing1: x}\n'
    found = checker(campaign(tmp_path, text)).examine(recipient(order="-123"))
    assert isinstance(found, Bad)
    assert kinds(list(found.problems)) == [("WX413", ERROR, "order")]


def test_a_damaged_openid_is_left_to_its_own_rule(tmp_path: Path) -> None:
    found = checker(with_data(tmp_path, "x")).examine(recipient(openid="1.2E+10"))
    assert isinstance(found, Ready)  # the rules of these tests have nothing against it


def test_a_row_that_the_condition_leaves_out_for_it_is_warned_of(tmp_path: Path) -> None:
    found = checker(with_data(tmp_path, "{{ note }}", when="vip == 'yes'")).examine(
        recipient(vip="#N/A", note="=A1")
    )
    assert isinstance(found, Skipped)
    assert kinds(list(found.warnings)) == [("WX410", WARNING, "vip")]
    assert "the condition leaves this row out" in found.warnings[0].message


def test_who_compares_with_it_knows_of_it(tmp_path: Path) -> None:
    sending = with_data(tmp_path, "{{ note }}", when="vip != '#N/A'")
    found = checker(sending).examine(recipient(vip="#N/A", note="x"))
    assert found == Skipped("condition", OPENID, 0, 2, {"openid": OPENID, "vip": "#N/A", "note": "x"})
    assert problems(tmp_path, {"note": "#N/A"}, "{{ '无' if note == '#N/A' else note }}") == []


def test_of_nested_values_only_what_is_used_counts(tmp_path: Path) -> None:
    user = {"name": "#N/A", "tags": ["=A1", "好"], "note": "1.2E+10"}
    assert problems(tmp_path, {"user": user}, "{{ user.tags[1] }}") == []
    assert kinds(problems(tmp_path, {"user": user}, "{{ user.name }}")) == [("WX410", ERROR, "user")]
    found = problems(tmp_path, {"user": user}, "{{ user.tags | join }}")
    assert kinds(found) == [("WX412", ERROR, "user")]
    assert 'column "user.tags"' in found[0].message


def test_a_good_row_has_nothing(tmp_path: Path) -> None:
    found = checker(campaign(tmp_path)).examine(recipient(**ROW))
    assert isinstance(found, Ready)
    assert found.warnings == ()


@given(st.text(alphabet="#=-+1.2E/NA!?REF: e(A元", max_size=8), st.text(max_size=5))
def test_the_first_look_misses_nothing(damaged: str, other: str) -> None:
    damage = Damage({"to": parse_text("x"), "data.a": parse_text("{{ a }}{{ b }}")}, None)
    values = {"a": other.replace("\0", ""), "b": damaged}
    assert damage.suspects(values) or not damage.findings(values), json.dumps(values)
