"""`wxpush send` on a calm day: its options, its JSON, its exit codes."""

import json
import os
import stat

import pytest

from tests.cli.command import STATES, Desk, adds_up, counts, openid, people

KEYS = {
    "schema": int,
    "run": str,
    "account": str,
    "state": str,
    **dict.fromkeys(("total", *STATES), int),
    "failures": list,
    "skips": list,
    "attempts": int,
    "token_fetches": int,
    "elapsed_s": float,
    "rate_per_s": float,
    "stopped_by": type(None),
    "failures_file": type(None),
    "unmatched_file": type(None),
}


def test_everybody_is_shown_one_message(desk: Desk) -> None:
    desk.prepare(40)
    done = desk.send()
    assert done.code == 0
    assert desk.shown() == {openid(number): 1 for number in range(1, 41)}


def test_the_json_has_the_keys_and_types_of_the_contract(desk: Desk) -> None:
    desk.prepare(5)
    result = desk.send().json
    assert {key: type(value) for key, value in result.items()} == KEYS
    assert result["schema"] == 1
    assert result["run"] == "order-shipped"
    assert result["account"] == "default"
    assert result["state"] == "finished"
    assert result["token_fetches"] == 1
    assert result["attempts"] == 5
    assert counts(result) == {"accepted": 5}
    assert adds_up(result)


def test_the_message_says_what_the_row_says(desk: Desk) -> None:
    desk.prepare(1, url='"https://shop.example.com/orders/{{ order_no }}"')
    desk.send()
    assert desk.sandbox is not None
    (message,) = desk.sandbox.shown()
    assert message.data == {
        "thing1": "云南小粒咖啡豆",
        "character_string2": "SO2026112300001",
        "amount4": "68.00元",
    }
    assert message.url == "https://shop.example.com/orders/SO2026112300001"


def test_a_second_call_sends_nothing_and_exits_0(desk: Desk) -> None:
    desk.prepare(10)
    desk.send()
    done = desk.send()
    assert (done.code, done.json["attempts"], desk.sends()) == (0, 0, 10)
    assert counts(done.json) == {"accepted": 10}


def test_a_finished_run_says_when_it_was_accepted_and_how_to_send_anew(desk: Desk) -> None:
    desk.prepare(3)
    desk.send()
    done = desk.run("send", "campaign.yaml", "users.csv", "--yes")
    assert done.code == 0
    assert "--run" in done.talk
    assert "+08:00" in done.talk


def test_limit_sends_the_next_n_and_leaves_the_rest_pending(desk: Desk) -> None:
    desk.prepare(10)
    first = desk.send("--limit", "4")
    assert (first.code, first.json["state"]) == (0, "limited")
    assert counts(first.json) == {"accepted": 4, "pending": 6}
    second = desk.send("--limit", "4").json
    assert counts(second) == {"accepted": 8, "pending": 2}
    third = desk.send().json
    assert (third["state"], counts(third)) == ("finished", {"accepted": 10})
    assert set(desk.shown().values()) == {1}


def test_a_limit_of_0_is_refused(desk: Desk) -> None:
    desk.prepare(6)
    done = desk.send("--limit", "0")
    assert (done.code, done.json["state"], desk.sends()) == (2, "refused", 0)


def test_another_run_of_the_same_campaign_sends_to_everybody_again(desk: Desk) -> None:
    desk.prepare(4)
    desk.send()
    again = desk.send("--run", "order-shipped-second").json
    assert (again["run"], counts(again)) == ("order-shipped-second", {"accepted": 4})
    assert set(desk.shown().values()) == {2}


def test_a_test_message_goes_to_the_tester_only_and_belongs_to_no_run(desk: Desk) -> None:
    desk.prepare(5)
    tester = openid(900)
    done = desk.run(
        "send", "campaign.yaml", "users.csv", "--to", f"{tester},{openid(901)}", "--row", "4", "--yes"
    )
    assert done.code == 0
    assert desk.shown() == {tester: 1, openid(901): 1}
    assert desk.sandbox is not None
    assert {message.data["character_string2"] for message in desk.sandbox.shown()} == {"SO2026112300003"}
    assert desk.run("runs", "--json").json["runs"] == []


def test_the_same_test_message_can_be_sent_twice(desk: Desk) -> None:
    desk.prepare(2)
    for _ in range(2):
        assert desk.run("send", "campaign.yaml", "users.csv", "--to", openid(900), "--yes").code == 0
    assert desk.shown() == {openid(900): 2}


def test_a_tester_is_found_by_name_in_the_configuration(desk: Desk) -> None:
    desk.prepare(2)
    desk.variables["WXPUSH_CONFIG"] = str(desk.write("config.yaml", f"testers: {{boss: {openid(77)}}}\n"))
    assert desk.run("send", "campaign.yaml", "users.csv", "--to", "boss", "--yes").code == 0
    assert desk.shown() == {openid(77): 1}


def test_an_unknown_tester_is_refused(desk: Desk) -> None:
    desk.prepare(2)
    done = desk.run("send", "campaign.yaml", "users.csv", "--to", "陌生人", "--yes")
    assert (done.code, desk.sends()) == (2, 0)
    assert "testers" in done.err


def test_a_row_that_is_not_there_cant_be_tried_out(desk: Desk) -> None:
    desk.prepare(2)
    done = desk.run("send", "campaign.yaml", "users.csv", "--to", openid(77), "--row", "99", "--yes")
    assert (done.code, desk.sends()) == (2, 0)


def test_a_tester_who_does_not_follow_is_told_with_exit_1(desk: Desk) -> None:
    desk.prepare(2)
    assert desk.sandbox is not None
    desk.sandbox.unfollow(openid(77))
    done = desk.run("send", "campaign.yaml", "users.csv", "--to", openid(77), "--yes")
    assert done.code == 1
    assert "43004" in done.talk


def test_an_account_of_the_configuration_is_used(desk: Desk) -> None:
    assert desk.sandbox is not None
    desk.prepare(2)
    config = (
        f"accounts:\n  shop:\n    appid: {desk.sandbox.appid}\n    secret_env: SHOP_SECRET\n"
        f"    api_base: {desk.sandbox.url}\n"
    )
    desk.variables |= {
        "WXPUSH_CONFIG": str(desk.write("config.yaml", config)),
        "SHOP_SECRET": desk.sandbox.secret,
        "WXPUSH_APPID": None,
        "WXPUSH_SECRET": None,
        "WXPUSH_API_BASE": None,
    }
    done = desk.send("--account", "shop")
    assert (done.code, done.json["account"]) == (0, "shop")
    assert len(desk.shown()) == 2
    wrong = desk.send("--account", "school")
    assert wrong.code == 2
    assert "shop" in wrong.err


def test_the_list_can_come_from_standard_input(desk: Desk) -> None:
    desk.campaign()
    raw = desk.list(people(6)).read_bytes()
    arguments = ("send", "campaign.yaml", "-", "--list-format", "csv", "--yes", "--rate", "2000/s", "--json")
    done = desk.run(*arguments, stdin=raw)
    assert (done.code, counts(done.json)) == (0, {"accepted": 6})
    again = desk.run(*arguments, stdin=raw)
    assert (again.code, again.json["attempts"]) == (0, 0)
    assert len(desk.shown()) == 6


def test_standard_input_needs_no_format_for_csv_or_says_so(desk: Desk) -> None:
    desk.campaign()
    raw = desk.list(people(2)).read_bytes()
    done = desk.run("send", "campaign.yaml", "-", "--yes", stdin=raw)
    assert done.code in {0, 2}
    assert done.code == 0 or "--list-format" in done.err


def test_the_format_of_a_list_can_be_said(desk: Desk) -> None:
    desk.campaign()
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in people(3)]
    desk.write("users.txt", "".join(lines))
    options = ("--yes", "--json", "--rate", "2000/s")
    assert desk.run("send", "campaign.yaml", "users.txt", *options).code == 2
    done = desk.run("send", "campaign.yaml", "users.txt", "--list-format", "jsonl", *options)
    assert (done.code, counts(done.json)) == (0, {"accepted": 3})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_a_list_of_any_usual_encoding_arrives_whole(desk: Desk, encoding: str) -> None:
    desk.campaign()
    text = desk.list(people(2)).read_text("utf-8")
    desk.write("users.csv", text.encode(encoding))
    assert desk.send().code == 0
    assert desk.sandbox is not None
    assert {message.data["thing1"] for message in desk.sandbox.shown()} == {"云南小粒咖啡豆"}


def test_a_dry_run_needs_no_account_and_records_nothing(desk: Desk) -> None:
    desk.prepare(7)
    none = {"WXPUSH_APPID": None, "WXPUSH_SECRET": None, "WXPUSH_API_BASE": None}
    done = desk.run("send", "campaign.yaml", "users.csv", "--dry-run", "--json", env=none)
    assert (done.code, done.json["state"], counts(done.json)) == (0, "dry_run", {"pending": 7})
    assert adds_up(done.json)
    assert desk.sandbox is not None
    assert desk.sandbox.requests_by_path == {}
    assert not [path for path in desk.folder.parent.rglob("*") if path.name == "run.json"]
    assert not (desk.folder / ".wxpush").exists()
    assert "云南小粒咖啡豆" in done.err


def test_a_dry_run_finds_the_bad_rows(desk: Desk) -> None:
    desk.campaign()
    desk.list([*people(2), {**people(1, 3)[0], "product": ""}])
    done = desk.run("send", "campaign.yaml", "users.csv", "--dry-run", "--json")
    assert (done.code, done.json["state"]) == (2, "refused")
    assert [problem["line"] for problem in done.json["problems"]] == [4]


def test_a_rehearsal_in_the_sandbox_needs_no_account_and_touches_no_other_state(desk: Desk) -> None:
    desk.prepare(8)
    none = {"WXPUSH_APPID": None, "WXPUSH_SECRET": None, "WXPUSH_API_BASE": None}
    command = ("send", "campaign.yaml", "users.csv", "--sandbox", "--rate", "2000/s", "--json")
    for _ in range(2):
        done = desk.run(*command, env=none)
        assert (done.code, counts(done.json), done.json["attempts"]) == (0, {"accepted": 8}, 8)
    assert desk.sends() == 0
    assert counts(desk.send().json) == {"accepted": 8}
    assert desk.sends() == 8


def test_the_report_file_is_the_json(desk: Desk) -> None:
    desk.prepare(3)
    done = desk.send("--report", "out.json")
    assert json.loads((desk.folder / "out.json").read_text("utf-8")) == done.json


def test_a_report_that_cant_be_written_never_loses_the_run(desk: Desk) -> None:
    desk.prepare(3)
    done = desk.send("--report", "no/such/folder/out.json")
    assert desk.shown().total() == 3 or desk.sends() == 0
    assert "out.json" in done.err
    assert counts(desk.send().json) == {"accepted": 3}


@pytest.mark.parametrize("option", ["--report", "--failures", "--skips", "--log"])
def test_no_file_that_is_read_is_written(desk: Desk, option: str) -> None:
    desk.prepare(2)
    failed = "phone,wxpush_state\n13800000000,failed\n"  # as an earlier failures file begins
    desk.write("joined.csv", "order_no,phone,wxpush_state\n")
    desk.write("left-out.csv", failed)
    list_text = (desk.folder / "users.csv").read_text("utf-8")
    desk.write("users.csv", list_text.replace("openid,", "wxpush_state,openid,", 1))
    sieve = ("--join", "joined.csv", "--on", "order_no", "--exclude", "left-out.csv")
    for name in ("users.csv", "campaign.yaml", "joined.csv", "left-out.csv"):
        path = desk.folder / name
        path.chmod(0o600)
        before = path.read_bytes()
        done = desk.send(*sieve, option, f"../work/{name}")
        assert (done.code, path.read_bytes()) == (2, before), name
        assert f"{option}: ../work/{name} is a file that this command reads" in done.talk
        assert f"Give {option} the name of a new file." in done.talk
    assert desk.sends() == 0


@pytest.mark.parametrize("name", ["template.yaml", "orders.json", "notes.txt", "folder"])
def test_a_summary_replaces_nobodys_file(desk: Desk, name: str) -> None:
    desk.prepare(2)
    desk.write("orders.json", '{"schema": 2, "orders": []}')
    desk.write("notes.txt", "call the shop\n")
    (desk.folder / "folder").mkdir()
    before = [path.read_bytes() for path in sorted(desk.folder.iterdir()) if path.is_file()]
    for extra in ((), ("--dry-run",)):
        done = desk.send("--report", name, *extra)
        assert (done.code, done.json["state"]) == (2, "refused")
        assert f"--report: {name} is there already, and is no summary of wxpush." in done.talk
    assert "已经存在" in desk.send("--report", name, env={"WXPUSH_LANG": "zh"}).talk
    assert [path.read_bytes() for path in sorted(desk.folder.iterdir()) if path.is_file()] == before
    assert desk.sends() == 0


def test_a_summary_replaces_an_earlier_one_and_an_empty_file(desk: Desk) -> None:
    desk.prepare(2)
    desk.write("out.json", "")
    assert desk.send("--report", "out.json", "--limit", "1").code == 0
    assert desk.send("--report", "out.json").code == 0
    assert json.loads((desk.folder / "out.json").read_text("utf-8"))["accepted"] == 2


def test_a_summary_spares_what_came_under_its_name_meanwhile(desk: Desk) -> None:
    assert desk.sandbox is not None
    desk.prepare(2)
    desk.sandbox.on_send(lambda _call: desk.write("summary.json", "somebody else's"))
    done = desk.send("--report", "summary.json")
    assert (done.code, desk.sends()) == (0, 2)
    assert "--report: summary.json is there already" in done.talk
    assert (desk.folder / "summary.json").read_text("utf-8") == "somebody else's"


def test_the_failures_file_lies_where_it_is_wanted(desk: Desk) -> None:
    desk.prepare(3)
    assert desk.sandbox is not None
    desk.sandbox.unfollow(openid(2))
    done = desk.send("--failures", "elsewhere.csv")
    assert (done.code, done.json["failures_file"]) == (1, "elsewhere.csv")
    text = (desk.folder / "elsewhere.csv").read_text("utf-8-sig")
    assert "43004" in text
    assert openid(2) in text
    assert openid(1) not in text
    assert not (desk.folder / "users.failures.csv").exists()


def test_quiet_says_nothing_when_all_is_well(desk: Desk) -> None:
    desk.prepare(3)
    done = desk.run("send", "campaign.yaml", "users.csv", "--yes", "--rate", "2000/s", "--quiet")
    assert (done.code, done.out, done.err) == (0, "", "")


def test_quiet_still_says_what_went_wrong(desk: Desk) -> None:
    desk.prepare(3)
    assert desk.sandbox is not None
    desk.sandbox.unfollow(openid(2))
    done = desk.run("send", "campaign.yaml", "users.csv", "--yes", "--rate", "2000/s", "--quiet")
    assert done.code == 1
    assert "43004" in done.talk


def test_rows_that_the_condition_leaves_out_are_skipped(desk: Desk) -> None:
    desk.prepare(4, when="order_no != 'SO2026112300002'")
    result = desk.send().json
    assert counts(result) == {"accepted": 3, "skipped": 1}
    assert result["skips"] == [{"reason": "condition", "count": 1}]
    assert adds_up(result)


def test_a_row_that_is_there_twice_is_sent_once(desk: Desk) -> None:
    desk.campaign()
    desk.list([*people(3), *people(1)])
    done = desk.send()
    assert (done.code, counts(done.json)) == (0, {"accepted": 3, "skipped": 1})
    assert done.json["skips"] == [{"reason": "duplicate", "count": 1}]
    again = desk.send()
    assert (again.code, counts(again.json)) == (0, {"accepted": 3, "skipped": 1})


def test_two_different_rows_of_one_person_are_a_problem_unless_the_first_is_kept(desk: Desk) -> None:
    desk.campaign()
    desk.list([*people(2), {**people(1)[0], "product": "景德镇青花盖碗"}])
    refused = desk.send()
    assert (refused.code, desk.sends()) == (2, 0)
    assert "--keep-first" in refused.err
    kept = desk.send("--keep-first")
    assert (kept.code, counts(kept.json)) == (0, {"accepted": 2, "skipped": 1})
    assert desk.shown() == {openid(1): 1, openid(2): 1}


def test_without_preflight_good_rows_before_a_bad_one_are_sent(desk: Desk) -> None:
    desk.campaign()
    desk.list([*people(3), {**people(1, 4)[0], "product": ""}, *people(2, 5)])
    done = desk.send("--no-preflight")
    assert (done.code, counts(done.json)) == (1, {"accepted": 5, "failed": 1})
    assert adds_up(done.json)


def test_without_preflight_and_with_a_limit_it_still_adds_up(desk: Desk) -> None:
    desk.prepare(9)
    result = desk.send("--no-preflight", "--limit", "3").json
    assert counts(result) == {"accepted": 3, "pending": 6}
    assert adds_up(result)


def test_without_preflight_a_list_that_breaks_off_behind_the_limit_stops_and_tells_what_was_sent(
    desk: Desk,
) -> None:
    desk.prepare(20)
    whole = (desk.folder / "users.csv").read_text("utf-8")
    desk.write("users.csv", whole.replace(",SO2026112300015,", ',"SO2026112300015,'))
    done = desk.send("--no-preflight", "--limit", "5")
    assert (done.code, done.json["state"], done.json["stopped_by"]["code"]) == (3, "stopped", "invalid")
    assert (done.json["accepted"], adds_up(done.json), desk.sends()) == (5, True, 5)
    assert "users.csv:16" in done.err


def test_workers_and_rate_can_be_said(desk: Desk) -> None:
    desk.prepare(20)
    assert desk.send("--workers", "1").code == 0
    slow = desk.send("--rate", "3x")
    assert slow.code == 2
    assert "30/s" in slow.err


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_everything_in_the_state_folder_is_private(desk: Desk) -> None:
    desk.prepare(3)
    desk.send()
    loose = [path for path in desk.home.rglob("*") if stat.S_IMODE(path.lstat().st_mode) & 0o077]
    assert [path.name for path in loose] == []


def test_without_a_home_the_run_lives_beside_the_campaign(desk: Desk) -> None:
    desk.prepare(3)
    state = str(desk.folder.parent / "xdg-state")
    env = {"WXPUSH_HOME": None, "XDG_STATE_HOME": state, "HOME": str(desk.folder.parent)}
    assert desk.send(env=env).code == 0
    assert (desk.folder / ".wxpush").is_dir()
    assert (desk.folder / ".wxpush" / ".gitignore").read_text("utf-8").strip() == "*"
    assert desk.run("runs", "show", "--json", env=env).json["accepted"] == 3
