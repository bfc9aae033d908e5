"""A bad day at WeChat: every deliverable person is shown one message, and all counts still add up."""

import csv
import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.cli.command import SEND, Desk, Running, adds_up, at_call, counts, openid, people, send_arguments
from wxpush.sandbox import Sandbox

STORM = {
    "latency_ms": "0-5",
    "system_error": {"chance": "5%"},
    "silence_after": {"chance": "2%"},
    "token_replaced": {"every": 500},
}


def unfollowers(desk: Desk, count: int) -> list[str]:
    """Every twentieth of the first `count` people doesn't follow."""
    assert desk.sandbox is not None
    chosen = [openid(number) for number in range(20, count + 1, 20)]
    for person in chosen:
        desk.sandbox.unfollow(person)
    return chosen


def met_minus_one_and_duplicate(desk: Desk) -> set[str]:
    """Those of whom one attempt got a -1 and a later one a 40241: the one between got no answer.

    Not all that got no answer are among them: the silence may have hidden the refusal of a replaced token.
    """
    assert desk.sandbox is not None
    calls = desk.sandbox.calls(SEND)
    busy, duplicate = ({call.openid for call in calls if call.code == code} for code in (-1, 40241))
    return busy & duplicate


@pytest.mark.parametrize("answer", ["msgid", "40241"])
def test_a_storm_shows_every_deliverable_person_one_message(
    tmp_path: Path, open_wechat: Callable[..., Sandbox], answer: str
) -> None:
    count = 600
    desk = Desk(tmp_path, open_wechat(seed=7, dedupe={"answer": answer}, faults={"send": STORM}))
    desk.prepare(count, timeout="1s", retry="{attempts: 4, base: 50ms, cap: 200ms}")
    gone = unfollowers(desk, count)
    assert desk.sandbox is not None
    first = desk.send("--workers", "64", "--rate", "1000/s")
    assert first.code == 1
    assert adds_up(first.json)
    # An unfollower whose first call got no answer may have had the message before: in doubt, not failed.
    failed, doubtful = first.json["failed"], first.json["in_doubt"]
    # So may somebody be whose id a -1 may have used up before a 40241 was answered.
    unclear = met_minus_one_and_duplicate(desk) - set(gone)
    assert first.json["accepted"] == count - len(gone) - len(unclear)
    assert failed + doubtful == len(gone) + len(unclear)
    assert failed > doubtful
    assert [(one["code"], one["class"]) for one in first.json["failures"]] == [("43004", "recipient")]
    assert desk.shown() == {openid(n): 1 for n in range(1, count + 1) if openid(n) not in gone}
    with (desk.folder / first.json["failures_file"]).open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert sorted(row["openid"] for row in rows) == sorted({*gone, *unclear})
    assert [row["wxpush_state"] for row in rows].count("failed") == failed
    assert {row["wxpush_code"] for row in rows if row["openid"] in gone} == {"43004"}
    assert all(row["wxpush_meaning"] and row["wxpush_hint"] for row in rows)
    for person in gone:
        desk.sandbox.follow(person)
    desk.sandbox.set_faults({})
    before = desk.sends()
    again = desk.retry("--code", "43004")
    assert desk.sends() == before + failed
    assert (again.json["accepted"], again.json["failed"]) == (count - doubtful, 0)
    last = desk.send("--in-doubt", "resend")
    assert (last.code, counts(last.json)) == (0, {"accepted": count})
    people_shown = [openid(number) for number in range(1, count + 1)]
    assert desk.shown() == {person: 1 + (person in unclear) for person in people_shown}


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
@pytest.mark.parametrize("kill", [True, False], ids=["kill -9", "Ctrl-C"])
def test_a_storm_with_an_end_in_the_middle_loses_and_doubles_nobody(
    tmp_path: Path, open_wechat: Callable[..., Sandbox], kill: bool
) -> None:
    faults = {"send": STORM | {"cut_after": {"chance": "3%"}, "bad_gateway": {"every": 90}}}
    desk = Desk(tmp_path, open_wechat(seed=8, faults=faults))
    desk.prepare(400, timeout="1s", retry="{attempts: 4, base: 50ms, cap: 200ms}")
    gone = unfollowers(desk, 400)
    begun: list[Running] = []
    assert desk.sandbox is not None
    number = signal.SIGKILL if kill else signal.SIGINT
    desk.sandbox.on_send(at_call(200, lambda: begun[0].signal(number)), "decided")
    with desk.start(*send_arguments("--workers", "32")) as running:
        begun.append(running)
        first = running.done()
    if not kill:
        assert first.code == 130
        assert adds_up(first.json)
    second = desk.send("--workers", "32")
    assert adds_up(second.json)
    assert (second.code, second.json["accepted"]) == (1, 380)
    assert second.json["failed"] + second.json["in_doubt"] == 20
    assert desk.shown() == {openid(n): 1 for n in range(1, 401) if openid(n) not in gone}


def test_what_is_held_is_never_sent_again(tmp_path: Path, open_wechat: Callable[..., Sandbox]) -> None:
    desk = Desk(tmp_path, open_wechat(review={"words": ["抽奖"]}))
    desk.campaign()
    desk.list([{**people(1)[0], "product": "新年抽奖"}, *people(3, 2)])
    done = desk.send()
    assert (done.code, counts(done.json)) == (1, {"accepted": 3, "held": 1})
    again = desk.retry("--all")
    assert again.json["attempts"] == 0
    assert desk.send().json["attempts"] == 0
    assert "held" in (desk.folder / done.json["failures_file"]).read_text("utf-8-sig")


def test_tolerated_failures_of_recipients_exit_0(desk: Desk) -> None:
    desk.prepare(40, tolerate="5%")
    assert desk.sandbox is not None
    desk.sandbox.unfollow(openid(2))
    done = desk.send()
    assert (done.code, counts(done.json)) == (0, {"accepted": 39, "failed": 1})


def test_used_up_quota_stops_with_3_and_goes_on_later(desk: Desk) -> None:
    assert desk.sandbox is not None
    desk.sandbox.set_quota(daily=30, used=0)
    desk.prepare(60)
    done = desk.send()
    assert (done.code, done.json["state"]) == (3, "stopped")
    assert done.json["stopped_by"]["code"] in {"quota", "45009"}
    assert set(done.json["stopped_by"]) == {"code", "meaning", "hint"}
    assert counts(done.json) == {"accepted": 27, "pending": 33}
    desk.sandbox.set_quota(daily=1000)
    last = desk.send()
    assert (last.code, counts(last.json)) == (0, {"accepted": 60})
    assert set(desk.shown().values()) == {1}


def test_quota_that_others_use_up_meanwhile_stops_with_3(desk: Desk) -> None:
    desk.prepare(60)
    assert desk.sandbox is not None
    desk.sandbox.on_send(at_call(20, partial(desk.sandbox.set_quota, daily=20)), "decided")
    done = desk.send()
    assert (done.code, done.json["stopped_by"]["code"]) == (3, "45009")
    assert adds_up(done.json)
    assert done.json["failed"] == 0
    desk.sandbox.set_quota(daily=1000)
    assert counts(desk.send().json) == {"accepted": 60}


@pytest.mark.parametrize(("code", "count"), [(48001, 30), (50002, 30)])
def test_a_fault_of_the_account_stops_at_once(
    tmp_path: Path, open_wechat: Callable[..., Sandbox], code: int, count: int
) -> None:
    desk = Desk(tmp_path, open_wechat(account={"refused": code}))
    desk.prepare(count)
    done = desk.send("--workers", "4")
    assert (done.code, done.json["state"], done.json["stopped_by"]["code"]) == (3, "stopped", str(code))
    assert desk.sends() <= 8
    assert desk.shown().total() == 0


def test_openids_of_another_account_stop_the_run_early(desk: Desk) -> None:
    assert desk.sandbox is not None
    desk.prepare(300)
    for row in people(300):
        desk.sandbox.set_state(row["openid"], "foreign")
    done = desk.send("--workers", "2")
    assert (done.code, done.json["state"]) == (3, "stopped")
    assert done.json["stopped_by"]["code"] in {"40003", "budget"}
    assert desk.sends() < 60


def test_an_address_that_is_not_allowed_is_named(tmp_path: Path, open_wechat: Callable[..., Sandbox]) -> None:
    allowed = {"calls": "token", "addresses": ["203.0.113.5"], "seen_as": "198.51.100.7"}
    desk = Desk(tmp_path, open_wechat(allow_list=allowed))
    desk.prepare(3)
    done = desk.send()
    assert (done.code, done.json["stopped_by"]["code"], desk.sends()) == (3, "40164", 0)
    assert "198.51.100.7" in done.err
    assert desk.sandbox is not None
    desk.sandbox.allow_address("198.51.100.7")
    assert desk.send().code == 0


def test_too_many_failures_stop_the_run_instead_of_burning_the_list(desk: Desk) -> None:
    assert desk.sandbox is not None
    desk.sandbox.set_faults({"send": {"wrong_template": {"every": 3}}})
    desk.prepare(400, stop_when="{failure_rate: 10%, after: 50}", retry="{attempts: 1, base: 1ms, cap: 1ms}")
    done = desk.send()
    assert (done.code, done.json["stopped_by"]["code"]) == (3, "budget")
    assert adds_up(done.json)
    assert done.json["pending"] > 200
    desk.sandbox.set_faults({})
    desk.send()
    last = desk.retry("--all")
    assert (last.code, counts(last.json)) == (0, {"accepted": 400})
    assert set(desk.shown().values()) == {1}


def test_a_network_that_is_gone_stops_with_3_and_loses_nothing(desk: Desk) -> None:
    assert desk.sandbox is not None
    desk.prepare(60, stop_when="{outage: 1s}")
    desk.run("token", "refresh")
    desk.sandbox.go_down()
    done = desk.send()
    assert (done.code, done.json["stopped_by"]["code"]) == (3, "network")
    assert counts(done.json) == {"pending": 60}
    desk.sandbox.come_back()
    assert counts(desk.send().json) == {"accepted": 60}


def test_a_network_that_is_gone_before_there_is_a_token_stops_as_the_campaign_says(desk: Desk) -> None:
    assert desk.sandbox is not None
    desk.prepare(60, stop_when="{outage: 1s}")
    desk.sandbox.go_down()
    done = desk.run(*send_arguments(), timeout=15)
    assert (done.code, done.json["stopped_by"]["code"], counts(done.json)) == (3, "network", {"pending": 60})


def test_a_test_message_without_a_network_ends_in_bounded_time(desk: Desk) -> None:
    assert desk.sandbox is not None
    desk.prepare(1, stop_when="{outage: 1s}")
    desk.sandbox.go_down()
    done = desk.run("send", "campaign.yaml", "users.csv", "--to", openid(9), "--yes", timeout=40)
    assert done.code == 3
    assert "reached" in done.err
    assert done.out.count(openid(9)) == 0


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_a_test_message_that_is_interrupted_exits_130_without_a_row_for_nobody(desk: Desk) -> None:
    assert desk.sandbox is not None
    desk.prepare(1)
    desk.sandbox.go_down()
    with desk.start("send", "campaign.yaml", "users.csv", "--to", openid(9), "--yes") as running:
        assert running.process.stderr is not None
        while "token" not in running.process.stderr.readline():
            pass
        running.signal(signal.SIGINT)
        done = running.done()
    assert done.code == 130
    assert openid(9) not in done.out


def test_a_network_that_goes_in_the_middle_stops_with_3_and_doubles_nobody(desk: Desk) -> None:
    assert desk.sandbox is not None
    desk.prepare(60, stop_when="{outage: 1s}", retry="{attempts: 4, base: 10ms, cap: 50ms}", timeout="1s")
    desk.sandbox.set_faults({"send": {"silence_after": {"after": 20}}})
    done = desk.send("--workers", "8")
    assert (done.code, done.json["stopped_by"]["code"], adds_up(done.json)) == (3, "network", True)
    assert done.json["failed"] == 0
    desk.sandbox.set_faults({})
    last = desk.send()
    assert (last.code, counts(last.json)) == (0, {"accepted": 60})
    assert desk.shown() == {openid(number): 1 for number in range(1, 61)}
