"""`wxpush validate --online`: the files beside the account, its quota, and who follows it."""

import shlex
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.command import KNOWN_TEMPLATE, TEMPLATE_FILE, Desk, openid, people
from wxpush.sandbox import Sandbox

USERS = "/cgi-bin/user/info/batchget"
ONLINE = ("validate", "campaign.yaml", "--recipients", "users.csv", "--online")
QUIET = "{unused_column: off}"


def found(desk: Desk, *options: str) -> list[tuple[str, int, str, str]]:
    done = desk.run(*ONLINE, "--json", *options)
    return [(one["file"], one["line"], one["severity"], one["code"]) for one in done.json["problems"]]


def test_an_account_that_agrees_has_nothing_to_say(desk: Desk) -> None:
    desk.prepare(3, checks=QUIET)
    done = desk.run(*ONLINE)
    assert (done.code, done.out) == (0, "")
    assert desk.sends() == 0
    assert desk.sandbox is not None
    assert desk.sandbox.requests_by_path[USERS] == 1


def test_without_online_nobody_is_asked(desk: Desk) -> None:
    desk.prepare(3, checks=QUIET)
    desk.run(*ONLINE[:-1])
    assert desk.sandbox is not None
    assert sum(desk.sandbox.requests_by_path.values()) == 0


def test_a_template_that_the_account_does_not_have_is_an_error_at_its_id(desk: Desk) -> None:
    desk.prepare(1, checks=QUIET)
    desk.write("template.yaml", "# ours\n" + TEMPLATE_FILE.replace("mvfAq5", "abcdef"))
    assert found(desk) == [("template.yaml", 2, "error", "WX610")]
    inside = f"{{id: {'x' * 43}, content: 'a:{{{{thing1.DATA}}}}'}}"
    desk.campaign(template=inside, data='{thing1: "{{ product }}"}', checks=QUIET)
    assert found(desk) == [("campaign.yaml", 2, "error", "WX610")]


def test_templates_are_compared_without_a_list_too(desk: Desk) -> None:
    desk.prepare(1, checks=QUIET)
    desk.write("template.yaml", TEMPLATE_FILE.replace("mvfAq5", "abcdef"))
    done = desk.run("validate", "campaign.yaml", "--online", "--json")
    assert (done.code, [one["code"] for one in done.json["problems"]]) == (1, ["WX610"])


def test_other_words_are_a_warning_and_other_keywords_an_error(desk: Desk) -> None:
    desk.prepare(1, checks=QUIET)
    desk.write("template.yaml", TEMPLATE_FILE.replace("商品名称", "商品"))
    assert found(desk) == [("template.yaml", 3, "warning", "WX611")]
    text = desk.run(*ONLINE).out
    assert "template.yaml:3:10: warning WX611: the account's template says something else" in text
    assert "\n    -商品:{{thing1.DATA}}\n    +商品名称:{{thing1.DATA}}\n" in text
    (problem,) = desk.run(*ONLINE, "--json").json["problems"]
    assert problem["detail"] == ["-商品:{{thing1.DATA}}", "+商品名称:{{thing1.DATA}}"]
    desk.write("template.yaml", TEMPLATE_FILE.replace("amount4", "amount5"))
    desk.campaign(
        checks=QUIET,
        data='{thing1: "{{ product }}", character_string2: "{{ order_no }}", amount5: "{{ amount }}"}',
    )
    assert found(desk) == [("template.yaml", 3, "error", "WX611")]


def test_the_remedy_brings_the_very_file_up_to_date_that_was_compared(desk: Desk) -> None:
    desk.write("my files/orders.yaml", TEMPLATE_FILE.replace("商品名称", "商品"))
    desk.prepare(1, template='"my files/orders.yaml"', checks=QUIET)
    (problem,) = desk.run(*ONLINE, "--json").json["problems"]
    command = problem["hint"].removeprefix("Bring the file up to date: ")
    assert desk.run(*shlex.split(command)[1:]).code == 0
    assert found(desk) == []
    assert not (desk.folder / "templates").exists()
    inside = TEMPLATE_FILE.replace("商品名称", "商品").replace("\n", "\n  ")
    desk.campaign(template=f"\n  {inside}", checks=QUIET)
    (problem,) = desk.run(*ONLINE, "--json").json["problems"]
    assert problem["hint"] == "Write its content in the campaign as the account has it."


def test_a_line_that_looks_like_a_diffs_head_is_a_difference_too(
    tmp_path: Path, open_wechat: Callable[..., Sandbox]
) -> None:
    desk = Desk(tmp_path, open_wechat(templates=[KNOWN_TEMPLATE]))
    desk.prepare(1, checks=QUIET)
    desk.write("template.yaml", TEMPLATE_FILE + "  -----\n")
    assert found(desk) == [("template.yaml", 3, "warning", "WX611")]


def test_a_quota_that_does_not_cover_the_list_is_told(desk: Desk) -> None:
    desk.prepare(30, checks=QUIET)
    assert desk.sandbox is not None
    desk.sandbox.set_quota(daily=100, used=70)
    assert found(desk) == [("users.csv", 0, "warning", "WX612")]
    desk.sandbox.set_quota(daily=100, used=50)
    assert found(desk) == []


def test_each_of_several_campaigns_has_its_own_count_and_nobody_is_asked_about_twice(desk: Desk) -> None:
    desk.prepare(30, checks=QUIET)
    desk.campaign("few.yaml", name="few", when="order_no < 'SO2026112300011'", checks=QUIET)
    assert desk.sandbox is not None
    desk.sandbox.unfollow(openid(7))
    line = ("validate", "campaign.yaml", "few.yaml", *ONLINE[2:], "--sample", "all", "--json")

    def told() -> list[str]:
        return [one["message"] for one in desk.run(*line).json["problems"]]

    desk.sandbox.set_quota(daily=1000, used=870)  # 100 are kept, 30 left
    assert told() == [
        "the 2 campaigns together: 40 messages, but today's quota leaves 30 (100 kept for other systems).",
        f"1 of 30 people asked about don't follow the account, the first: {openid(7)}.",
    ]
    desk.sandbox.set_quota(daily=1000, used=880)
    assert told()[0].startswith("campaign.yaml: 30 messages, but today's quota leaves 20")
    desk.sandbox.set_quota(daily=1000, used=860)
    assert len(told()) == 1


def test_rows_that_are_alike_count_once_against_the_quota(desk: Desk) -> None:
    desk.campaign(checks=QUIET)
    desk.list([*people(10), *people(10)])
    assert desk.sandbox is not None
    desk.sandbox.set_quota(daily=100, used=80)
    assert found(desk) == []
    desk.sandbox.set_quota(daily=100, used=81)
    assert found(desk) == [("users.csv", 0, "warning", "WX612")]


def test_people_who_do_not_follow_are_counted_in_batches_of_a_hundred(desk: Desk) -> None:
    desk.prepare(250, checks=QUIET)
    assert desk.sandbox is not None
    for number in (7, 120, 249):
        desk.sandbox.unfollow(openid(number))
    done = desk.run(*ONLINE, "--sample", "all")
    assert done.code == 0
    assert "users.csv:8: warning WX613: 3 of 250 people asked about" in done.out
    assert desk.sandbox.requests_by_path[USERS] == 3
    assert found(desk, "--sample", "0") == []


def test_openids_of_another_account_are_told_apart_from_who_left(desk: Desk) -> None:
    desk.prepare(20, checks=QUIET)
    assert desk.sandbox is not None
    for number in (3, 4):
        desk.sandbox.set_state(openid(number), "foreign")
    assert found(desk) == [("users.csv", 4, "warning", "WX614")]
    desk.sandbox.unfollow(openid(9))
    done = desk.run(*ONLINE)
    assert f"WX614: 2 of 20 people asked about aren't of this account, the first: {openid(3)}." in done.out
    assert f"WX613: 1 of 20 people asked about don't follow the account, the first: {openid(9)}." in done.out
    assert [code in done.out for code in ("fail with 40003", "fail with 43004")] == [True, True]


def test_an_account_that_cannot_be_asked_exits_3(tmp_path: Path, open_wechat: Callable[..., Sandbox]) -> None:
    desk = Desk(tmp_path, open_wechat(templates=[KNOWN_TEMPLATE]))
    desk.prepare(1, checks=QUIET)
    assert desk.sandbox is not None
    desk.sandbox.go_down()
    assert desk.run(*ONLINE).code == 3


@pytest.mark.parametrize("sample", ["some", "-1", "1.5", "99999999999"])
def test_a_sample_is_a_number_or_all(desk: Desk, sample: str) -> None:
    desk.prepare(1)
    done = desk.run(*ONLINE, f"--sample={sample}")
    assert (done.code, "--sample takes a number, or all." in done.err) == (2, True)


@pytest.mark.parametrize("form", ["text", "json", "github", "junit", "sarif"])
def test_what_the_files_have_against_them_is_told_though_the_account_refuses(desk: Desk, form: str) -> None:
    desk.prepare(1, data='{thing1: "{{ prodct }}"}', checks=QUIET)
    done = desk.run(*ONLINE, "--format", form, env={"WXPUSH_SECRET": "0" * 32})
    assert done.code == 3
    assert "prodct" in done.out
    assert "a reset breaks every other system" in " ".join((done.err if form == "text" else done.out).split())
    if form == "json":
        codes = [one["code"] for one in done.json["problems"]]
        assert (done.json["ok"], done.json["files"]) == (False, 3)
        assert done.json["errors"] == len(codes) > 1
    if form == "junit":
        suite = ElementTree.fromstring(done.out)
        assert (suite.get("errors"), suite.get("failures")) == ("1", str(len(suite.findall(".//failure"))))
        assert suite.find(".//failure") is not None
    if form == "sarif":
        (run,) = done.json["runs"]
        assert run["results"]
        assert run["invocations"][0]["executionSuccessful"] is False
