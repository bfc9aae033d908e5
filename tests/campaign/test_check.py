"""The checks of campaign × template × list: what becomes of each row, and what is told beforehand."""

import json
from pathlib import Path

import pytest

from tests.campaign.samples import (
    DATA,
    HEAD,
    OPENID,
    ROW,
    ShortRules,
    campaign,
    checker,
    recipient,
    with_data,
)
from wxpush.campaign.check import check_campaign, keyword_problems
from wxpush.campaign.checker import Bad, Ready, Skipped
from wxpush.campaign.render import Renderer
from wxpush.model import BadRow, Problem, Severity


def test_a_good_row_becomes_a_message(tmp_path: Path):
    found = checker(campaign(tmp_path)).examine(recipient(**ROW))
    assert isinstance(found, Ready)
    assert (found.message.key, found.message.to) == (OPENID, OPENID)
    assert (found.message.row, found.message.line) == (0, 2)
    assert json.loads(found.message.payload)["data"]["amount4"] == "199.00元"
    assert found.message.fields.startswith(f'{{"openid":"{OPENID}","product":"有机红富士')
    assert json.loads(found.message.fields) == ROW
    assert found.warnings == ()


def test_a_row_that_is_not_wanted_is_skipped_with_its_key(tmp_path: Path):
    found = checker(with_data(tmp_path, "{{ product }}", when="amount | float > 500")).examine(
        recipient(**ROW)
    )
    assert found == Skipped("condition", OPENID, 0, 2, ROW)


def test_a_row_that_is_not_wanted_needs_no_other_values(tmp_path: Path):
    found = checker(with_data(tmp_path, "{{ nothing }}", when="vip", key="{{ nothing }}")).examine(
        recipient(vip="0")
    )
    assert isinstance(found, Skipped)
    assert found.key is None


def test_a_row_with_a_lacking_value_is_bad_in_the_words_of_the_contract(tmp_path: Path):
    values = {name: value for name, value in ROW.items() if name != "product"}
    found = checker(campaign(tmp_path)).examine(recipient(**values))
    assert isinstance(found, Bad)
    assert [str(one) for one in found.problems] == [
        'users.csv:2: no value for "product". Fix the row, or leave it out with `send --skip-invalid`.'
    ]
    assert (found.key, found.row, found.line, found.values) == (OPENID, 0, 2, values)


def test_a_row_without_the_person_has_no_key(tmp_path: Path):
    sending = with_data(tmp_path, "x", to="{{ person }}")
    found = checker(sending).examine(recipient())
    assert isinstance(found, Bad)
    assert found.key is None


def test_a_row_that_could_not_be_read_stays_bad(tmp_path: Path):
    problem = Problem("users.csv", 3, 0, "WX310", "3 cells, but the header has 2.")
    found = checker(campaign(tmp_path)).examine(BadRow(1, 3, (problem,), {"openid": "o1"}))
    assert found == Bad(None, (problem,), {"openid": "o1"}, 3, 1)


def test_a_finding_of_the_rules_makes_the_row_bad_and_names_the_part(tmp_path: Path):
    found = checker(campaign(tmp_path)).examine(recipient(**ROW | {"product": "苹果" * 11}))
    assert isinstance(found, Bad)
    assert [str(one) for one in found.problems] == [
        "users.csv:2: data.thing1: longer than 20 characters. Shorten it."
    ]
    assert found.key == OPENID


@pytest.mark.parametrize(("level", "warnings"), [("warn", 1), ("off", 0)])
def test_a_rule_can_be_made_a_warning_or_turned_off(tmp_path: Path, level: str, warnings: int):
    sending = campaign(tmp_path, HEAD + DATA + f"checks: {{thing: {level}}}\n")
    found = checker(sending).examine(recipient(**ROW | {"product": "苹果" * 11}))
    assert isinstance(found, Ready)
    assert [one.severity for one in found.warnings] == [Severity.WARNING] * warnings


def test_an_empty_keyword_is_an_error_whatever_the_checks_say(tmp_path: Path):
    sending = campaign(tmp_path, HEAD + DATA + "checks: {thing: off, empty: off}\n")
    found = checker(sending).examine(recipient(**ROW | {"product": "  "}))
    assert isinstance(found, Bad)
    assert [str(one) for one in found.problems] == [
        'users.csv:2: no value for "product". Fix the row, or leave it out with `send --skip-invalid`.'
    ]


def test_a_keyword_that_becomes_empty_by_itself_is_named(tmp_path: Path):
    found = checker(with_data(tmp_path, "{{ a }}{{ b }}")).examine(recipient(a="", b=" "))
    assert isinstance(found, Bad)
    assert [(one.code, one.message) for one in found.problems] == [
        ("WX406", "data.thing1: the value is empty.")
    ]


def test_an_empty_person_is_told_once(tmp_path: Path):
    for sending in (campaign(tmp_path), campaign(tmp_path, HEAD + DATA + 'key: "{{ order_no }}"\n')):
        found = checker(sending).examine(recipient(**ROW | {"openid": " "}))
        assert isinstance(found, Bad)
        assert [str(one) for one in found.problems] == [
            'users.csv:2: no value for "openid". Fix the row, or leave it out with `send --skip-invalid`.'
        ]


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("", "empty"),
        ("k" * 201, "201 characters"),
        ("a\nb", "control"),
        ("a\u200bb", "invisible"),
        ("a\x7f", "control"),
    ],
)
def test_a_key_that_can_not_tell_messages_apart_is_an_error(tmp_path: Path, key: str, words: str):
    found = checker(with_data(tmp_path, "x", key="{{ k }}")).examine(recipient(k=key))
    assert isinstance(found, Bad)
    assert [one.code for one in found.problems] == ["WX407"]
    assert words in found.problems[0].message


@pytest.mark.parametrize("key", ["k" * 200, "订单 1", "王\u3000明"])
def test_a_long_or_chinese_key_is_fine(tmp_path: Path, key: str):
    found = checker(with_data(tmp_path, "x", key="{{ k }}")).examine(recipient(k=key))
    assert isinstance(found, Ready)
    assert found.message.key == key


def test_keywords_are_compared_with_the_templates(tmp_path: Path):
    sending = campaign(tmp_path)
    keywords = ("thing1", "character_string3", "time3", "amount4", "phrase5")
    found = keyword_problems(sending.document, sending.data, keywords)
    assert [(one.line, one.column, one.code, one.message, one.hint) for one in found] == [
        (
            5,
            3,
            "WX203",
            "the template has no keyword `character_string2`.",
            "Did you mean `character_string3`?",
        ),
        (3, 1, "WX202", "data: the template's keyword `phrase5` is lacking.", 'Add the line:  phrase5: "…"'),
    ]


def test_keywords_can_be_checked_of_a_campaign_with_other_faults(tmp_path: Path):
    document = campaign(tmp_path).document
    assert [one.code for one in keyword_problems(document, {"thing1": None}, ("thing1", "time3"))] == [
        "WX202"
    ]


def test_a_campaign_that_fits_has_no_problems(tmp_path: Path):
    sending = campaign(tmp_path)
    assert check_campaign(sending, Renderer(sending), ShortRules(), list(ROW)) == []
    assert check_campaign(sending, Renderer(sending), ShortRules(), None) == []


def test_a_lacking_column_is_told_once_at_the_lists_header(tmp_path: Path):
    sending = campaign(tmp_path, HEAD + DATA + 'key: "{{ order_no }}"\nwhen: status == "paid"\n')
    columns = ["openid", "product", "订单号(必填)", "shipped_at", "amount", "stauts"]
    problems = check_campaign(
        sending, Renderer(sending), ShortRules(), columns, list_name="users.csv", header_line=3
    )
    assert [str(one) for one in problems] == [
        'users.csv:3: there is no column "order_no", which `key` uses (campaign.yaml, line 8). '
        "The columns are: openid, product, 订单号(必填), shipped_at, amount, stauts.",
        'users.csv:3: there is no column "status", which `when` uses (campaign.yaml, line 9). '
        "Did you mean {{ stauts }}?",
    ]
    assert {one.code for one in problems} == {"WX204"}


def test_a_lacking_column_without_a_list_name_is_placed_in_the_campaign(tmp_path: Path):
    sending = with_data(tmp_path, "{{ nobody }}")
    (found,) = check_campaign(sending, Renderer(sending), ShortRules("thing1"), ["openid"])
    assert (found.file, found.line, found.column) == (str(tmp_path / "campaign.yaml"), 4, 11)


def test_a_column_behind_a_default_is_only_a_warning(tmp_path: Path):
    sending = with_data(tmp_path, "{{ nickname | default('朋友') }}")
    (found,) = check_campaign(sending, Renderer(sending), ShortRules("thing1"), ["openid"])
    assert found.severity is Severity.WARNING
