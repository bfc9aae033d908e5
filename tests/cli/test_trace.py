"""`wxpush trace`: everything that is known of one message or person, over all runs."""

from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Desk, openid, people
from tests.cli.test_settle import BURNT, put_in_doubt
from wxpush.app.delivered import receipts_folder
from wxpush.app.surroundings import Surroundings
from wxpush.clock import BEIJING
from wxpush.config import Directories
from wxpush.delivery.receipts import ReceiptLog
from wxpush.delivery.run import runs_in
from wxpush.model import Receipt
from wxpush.private import ensure_private_dir
from wxpush.sandbox import Sandbox


@pytest.fixture
def sent(desk: Desk) -> Desk:
    """Four people by order, of whom the second doesn't follow."""
    desk.campaign(key='"{{ openid }}:{{ order_no }}"')
    desk.list(people(4))
    assert desk.sandbox is not None
    desk.sandbox.unfollow(openid(2))
    desk.send()
    return desk


def events(desk: Desk, what: str, *options: str) -> list[dict[str, Any]]:
    done = desk.run("trace", what, "--json", *options)
    found = done.json["events"]
    assert done.code == (0 if found else 1)
    assert isinstance(found, list)
    return found


def of_runs(desk: Desk, what: str) -> list[dict[str, Any]]:
    """What runs tell of it."""
    return [event for event in events(desk, what) if event["run"]]


def told(desk: Desk, what: str, *options: str) -> list[str]:
    return [event["event"] for event in events(desk, what, *options)]


def test_a_message_is_found_by_openid_msgid_and_key(sent: Desk) -> None:
    (event,) = events(sent, openid(1))
    assert sent.sandbox is not None
    (message,) = [one for one in sent.sandbox.shown() if one.openid == openid(1)]
    assert event["msgid"] == message.msgid
    assert (event["event"], event["run"], event["line"], event["openid"]) == (
        "accepted", "order-shipped", 2, openid(1),
    )  # fmt: skip
    for what in (str(message.msgid), f"{openid(1)}:SO2026112300001", "SO2026112300001", "2300001"):
        assert events(sent, what) == [event], what


def test_the_columns_of_the_list_lead_to_the_message(desk: Desk) -> None:
    rows = people(3)
    rows[1]["name"], rows[1]["product"] = "王小明", '茶,"龙井"'
    desk.campaign()
    desk.list(rows)
    desk.send()
    for what in ("王小明", '茶,"龙井"', "SO2026112300002"):
        (event,) = events(desk, what)
        assert (event["openid"], event["event"], event["line"]) == (openid(2), "accepted", 3)


def test_without_its_list_a_run_knows_the_columns_of_failures_only_and_says_so(sent: Desk) -> None:
    (sent.folder / "users.csv").unlink()
    assert told(sent, "SO2026112300002") == ["failed"]
    assert told(sent, "云南小粒咖啡豆") == ["failed"]
    done = sent.run("trace", "68.00元")
    assert done.code == 1
    assert "were not looked through" in done.err
    assert "order-shipped" in done.err


def test_a_list_that_has_changed_is_not_believed(desk: Desk) -> None:
    desk.prepare(3)
    desk.send()
    rows = people(3)
    rows[0]["name"] = "别人"
    desk.list(rows)
    done = desk.run("trace", "别人")
    assert (done.code, "have changed" in done.err) == (1, True)


def test_all_that_happened_is_told_in_the_order_of_time(sent: Desk) -> None:
    assert sent.sandbox is not None
    sent.sandbox.follow(openid(2))
    sent.retry("--code", "43004")
    sent.send("--run", "again")
    found = events(sent, openid(2))
    assert [(one["event"], one["run"]) for one in found] == [
        ("failed", "order-shipped"),
        ("accepted", "order-shipped"),
        ("accepted", "again"),
    ]
    assert found[0]["meaning"] == "require subscribe"
    assert [one["time"] for one in found] == sorted(one["time"] for one in found)
    assert told(sent, openid(2), "--run", "again") == ["accepted"]
    assert sent.run("trace", openid(2), "--run", "nobody").code == 2


def test_receipts_are_told_too_each_once(sent: Desk) -> None:
    (event,) = events(sent, openid(1))
    (folder,) = runs_in(sent.home)
    card = folder.card()
    assert card is not None
    log = receipts_folder(card, Surroundings({}, sent.home))
    ensure_private_dir(log.parent)
    with closing(ReceiptLog(log)) as opened:
        block = Receipt(event["msgid"], openid(1), "failed:user block", 2_000_000_000, 2_000_000_001.0)
        opened.append([block, block._replace(received=2_000_000_009.0)])
        opened.append([Receipt(5, openid(3), "success", 2_000_000_000, 2_000_000_001.0)])
    accepted, receipt = events(sent, openid(1))
    assert (accepted["event"], receipt["event"], receipt["detail"]) == (
        "accepted",
        "receipt",
        "failed:user block",
    )
    assert receipt["line"] == 2
    assert "receipt: not delivered, refused by the user" in sent.run("trace", openid(1)).out
    assert told(sent, "5") == ["receipt"]


def take_in(desk: Desk, *receipts: Receipt) -> None:
    """Put receipts into the log of the desk's account, as `receipts serve` does."""
    assert desk.sandbox is not None
    log = Directories(desk.home).receipts_path(desk.sandbox.url, desk.sandbox.appid)
    ensure_private_dir(log.parent.parent)
    ensure_private_dir(log.parent)
    with closing(ReceiptLog(log)) as opened:
        opened.append(list(receipts))


def test_a_receipt_without_a_msgid_is_told_with_its_message(sent: Desk) -> None:
    assert sent.sandbox is not None
    at = {one.openid: int(one.time) for one in sent.sandbox.shown()}[openid(1)] + 1
    nameless = Receipt(0, openid(1), "failed:user block", at, at)
    take_in(sent, nameless, nameless._replace(at=at + 7 * 86_400))
    accepted, receipt, stray = events(sent, openid(1))
    assert (receipt["event"], receipt["detail"]) == ("receipt", "failed:user block")
    for name in ("run", "key", "line"):
        assert receipt[name] == accepted[name] is not None
    assert (stray["event"], stray["run"], stray["key"], stray["line"]) == ("receipt", None, None, None)
    assert [one["line"] for one in events(sent, accepted["key"])] == [2, 2, None]
    assert (sent.run("report", "--json").json["undelivered"]) == [{"status": "user block", "count": 1}]


def test_a_receipt_of_the_msgid_and_another_person_is_not_told_as_the_messages_own(sent: Desk) -> None:
    (accepted,) = events(sent, openid(1))
    take_in(sent, Receipt(accepted["msgid"], openid(9), "success", 2_000_000_000, 2_000_000_000.0))
    assert told(sent, openid(1)) == ["accepted"]
    first, receipt = events(sent, str(accepted["msgid"]))
    assert (first, receipt["run"], receipt["openid"]) == (accepted, None, openid(9))


def test_receipts_of_an_account_without_a_run_are_found(desk: Desk) -> None:
    assert desk.sandbox is not None
    take_in(desk, Receipt(77, openid(7), "success", 1_795_600_000, 1_795_600_001.0))
    for what in ("77", openid(7)):
        (event,) = events(desk, what)
        assert (event["event"], event["run"], event["msgid"]) == ("receipt", None, 77)
        assert (event["account"], event["appid"]) == ("default", desk.sandbox.appid)
    assert "receipt: delivered" in desk.run("trace", "77").out
    assert told(desk, "78") == []
    fields = f"{{appid: {desk.sandbox.appid}, secret_env: S, api_base: '{desk.sandbox.url}'}}"
    (desk.folder / "config.yaml").write_text(f"accounts: {{shop: {fields}}}", encoding="utf-8")
    (desk.folder / "config.yaml").chmod(0o600)
    env = {"WXPUSH_APPID": None, "WXPUSH_SECRET": None, "WXPUSH_CONFIG": str(desk.folder / "config.yaml")}
    (event,) = desk.run("trace", "77", "--json", env=env).json["events"]
    assert event["account"] == "shop"
    (desk.folder / "config.yaml").write_text("accounts: 3", encoding="utf-8")
    broken = desk.run("trace", "77", env=env)
    assert (broken.code, "config.yaml" in broken.err) == (1, True)


def test_doubt_and_what_the_operator_decided_about_it_are_told(
    tmp_path: Path, open_wechat: Callable[..., Sandbox]
) -> None:
    desk = Desk(tmp_path, open_wechat(dedupe=BURNT))
    doubtful = put_in_doubt(desk)
    whose = doubtful[0]["openid"]
    assert told(desk, whose)[-1] == "in_doubt"
    assert desk.run("runs", "settle", "--all", "--delivered", "--yes").code == 0
    assert told(desk, whose)[-2:] == ["in_doubt", "settled_delivered"]
    assert "settled by the operator: delivered" in desk.run("trace", whose).out


def test_wrong_rows_and_rows_that_are_not_wanted_are_found(desk: Desk) -> None:
    rows = people(3)
    rows[1]["amount"] = "很多"
    rows[2]["amount"] = "0.00"
    desk.campaign(when="amount != '0.00'")
    desk.list(rows)
    desk.send("--skip-invalid")
    (wrong,), (unwanted,) = events(desk, openid(2)), events(desk, openid(3))
    assert (wrong["event"], wrong["line"], "amount4" in wrong["detail"]) == ("wrong_row", 3, True)
    assert (unwanted["event"], unwanted["code"], unwanted["line"]) == ("skipped", "condition", 4)


def test_why_somebody_was_left_out_is_told_for_each_run(desk: Desk) -> None:
    rows = people(7)
    for row in rows:
        row["name"] = "2099-01-01 09:00"
    rows[1]["name"] = "2026-01-01 09:00"
    assert desk.sandbox is not None
    desk.sandbox.unfollow(openid(3))
    desk.run("suppress", "add", openid(4), "--reason", "投诉")
    rules = {"limits": "{per_user_per_day: 1}", "check_followers": "true"}
    desk.campaign(expires="{column: name, after: 7d}", **rules)
    desk.list([*rows, rows[0]])
    desk.write("nobody.csv", f"openid\n{openid(6)}\n")
    desk.send("--where", f"openid != '{openid(5)}'", "--exclude", "nobody.csv")
    desk.send("--run", "again")

    def why(number: int) -> list[tuple[str, str, str]]:
        return [(one["run"], one["event"], one["code"]) for one in of_runs(desk, openid(number))]

    assert sorted(why(1)) == sorted(
        [
            ("order-shipped", "accepted", "0"),
            ("order-shipped", "skipped", "duplicate"),
            ("again", "skipped", "frequency"),
            ("again", "skipped", "duplicate"),
        ]
    )
    for number, reason in ((2, "expired"), (3, "not_following"), (4, "suppressed")):
        assert why(number) == [("order-shipped", "skipped", reason), ("again", "skipped", reason)], number
    for number, reason in ((5, "where"), (6, "excluded")):
        assert why(number) == [("order-shipped", "skipped", reason), ("again", "accepted", "0")], number
    shown = desk.run("trace", openid(4)).out
    assert shown.count("skipped: on the suppression list (since 20") == 2
    assert shown.count("because: 投诉)") == 2
    assert "`--where` is false (--where openid !=" in desk.run("trace", openid(5)).out


def test_who_was_taken_off_the_suppression_list_since_was_on_it_then(desk: Desk) -> None:
    desk.prepare(2)
    desk.run("suppress", "add", openid(1), "--reason", "first")
    desk.send()
    desk.run("suppress", "remove", openid(1))
    desk.run("suppress", "add", openid(1), "--reason", "second", "--until", "2099-01-01")
    (skipped,) = of_runs(desk, openid(1))
    assert (skipped["event"], "because: first" in skipped["detail"]) == ("skipped", True)
    desk.run("suppress", "remove", openid(1))
    desk.send()
    assert told(desk, openid(1)) == ["accepted"]


def test_a_column_of_the_joined_list_leads_to_the_message(desk: Desk) -> None:
    desk.campaign()
    desk.write(
        "orders.csv", "phone,order_no,product,amount\n" + "".join(f"{n},A{n},茶,1\n" for n in range(1, 5))
    )
    bound = "".join(f"{n},{openid(n)},nick{n}\n" for n in range(1, 4))
    desk.write("bound.csv", f"mobile,openid,nick\n{bound}")
    desk.run("suppress", "add", openid(2))
    join = ("--join", "bound.csv", "--on", "phone=mobile")
    assert desk.run("send", "campaign.yaml", "orders.csv", *join, "--yes").code == 0
    (accepted,), (skipped,) = events(desk, "nick1"), of_runs(desk, "nick2")
    assert (accepted["event"], accepted["openid"], accepted["line"]) == ("accepted", openid(1), 2)
    assert (skipped["event"], skipped["openid"], skipped["code"]) == ("skipped", openid(2), "suppressed")
    assert [one["code"] for one in events(desk, "A4")] == ["no_match"]
    assert sorted(told(desk, openid(2))) == ["skipped", "suppressed"]
    desk.write("bound.csv", f"mobile,openid,nick\n{bound}9,{openid(9)},nick1\n")
    done = desk.run("trace", "nick1")
    assert (done.code, "were not looked through" in done.err) == (1, True)


def test_each_message_is_one_block_in_the_order_of_time(sent: Desk) -> None:
    assert sent.sandbox is not None
    sent.sandbox.follow(openid(2))
    sent.send("--run", "between")
    sent.retry("order-shipped", "--code", "43004")
    (between,) = [one for one in events(sent, openid(2)) if one["run"] == "between"]
    receipt = Receipt(between["msgid"], openid(2), "success", 2_000_000_000, 2_000_000_000.0)
    take_in(sent, receipt)
    shown = sent.run("trace", openid(2)).out
    blocks = [[line.strip() for line in block.splitlines()] for block in shown.strip().split("\n\n")]
    assert [block[0].split('"')[1] for block in blocks] == ["order-shipped", "between"]
    assert [len(block) for block in blocks] == [3, 3]
    assert "43004" in blocks[0][1]
    assert "accepted by WeChat" in blocks[0][2]
    assert "receipt: delivered" in blocks[1][2]


def test_a_row_whose_turn_has_not_come_is_found(desk: Desk) -> None:
    desk.prepare(3)
    desk.send("--limit", "1")
    assert told(desk, openid(3)) == ["listed"]
    assert "nothing was sent for it so far" in desk.run("trace", openid(3)).out


def test_nothing_known_is_exit_code_1_and_nothing_asked_2(sent: Desk) -> None:
    done = sent.run("trace", "oNobody")
    assert (done.code, done.out) == (1, "")
    assert "Nothing is known of oNobody." in done.err
    assert sent.run("trace", "  ").code == 2
    assert told(sent, "SO") == [], "too short a part of a key"


def test_what_is_shown_can_move_no_cursor(desk: Desk) -> None:
    desk.campaign(
        checks="{thing: off}", data='\n  thing1: "{{ product }}"\n  character_string2: a\n  amount4: 1元'
    )
    desk.list([people(1)[0] | {"product": "x\x1b[31m\u202e"}])
    assert desk.sandbox is not None
    desk.sandbox.unfollow(openid(1))
    desk.send()
    done = desk.run("trace", "x\x1b[31m\u202e")
    assert not {"\x1b", "\u202e"} & set(done.out + done.err)


def test_who_is_in_no_run_but_on_the_suppression_list_is_known(desk: Desk) -> None:
    assert events(desk, openid(1)) == []
    desk.run("suppress", "add", openid(1), "--reason", "投诉", "--until", "2099-01-01 08:00")
    (found,) = events(desk, openid(1))
    assert (found["event"], found["openid"], found["detail"]) == ("suppressed", openid(1), "投诉")
    assert (found["until"], found["account"], found["run"]) == ("2099-01-01T08:00:00+08:00", "default", None)
    shown = desk.run("trace", openid(1))
    assert shown.code == 0
    assert "on the suppression list since then, until 2099-01-01 08:00:00 +08:00, because: 投诉" in shown.out
    assert events(desk, openid(2)) == []
    desk.run("suppress", "remove", openid(1))
    assert desk.run("trace", openid(1)).code == 1


def test_who_a_sending_put_on_the_suppression_list_is_told_with_its_events(desk: Desk) -> None:
    desk.prepare(2, suppress="{auto: 24h}")
    assert desk.sandbox is not None
    desk.sandbox.unfollow(openid(2))
    desk.send()
    failed, listed = sorted(events(desk, "SO2026112300002"), key=lambda event: event["event"])
    assert (failed["event"], listed["event"], listed["code"]) == ("failed", "suppressed", "43004")
    assert listed["until"] > listed["time"]
    assert "until 20" in (shown := desk.run("trace", openid(2)).out)
    assert "because: doesn't follow" in shown
    assert told(desk, openid(1)) == ["accepted"]


def test_a_skip_says_whom_it_is_about_when_it_was_decided_and_by_which_message(desk: Desk) -> None:
    rows = people(4)
    for row in rows:
        row["name"] = "2099-01-01 09:00"
    rows[1]["name"] = "2026-01-01 09:00"
    assert desk.sandbox is not None
    desk.sandbox.unfollow(openid(3))
    desk.campaign(expires="{column: name, after: 7d}", limits="{per_user_per_day: 1}", check_followers="true")
    desk.list(rows)
    desk.send("--limit", "1")
    desk.list([*rows, *people(6, 5)])
    desk.campaign(limits="{per_user_per_day: 1}", check_followers="true", rate="2/s")
    first = events(desk, openid(1))[0]
    began = datetime.now(BEIJING)
    desk.run("send", "campaign.yaml", "users.csv", "--run", "again", "--yes", "--rate", "2/s")
    (skipped,) = [one for one in events(desk, openid(1)) if one["event"] == "skipped"]
    assert (skipped["openid"], skipped["code"]) == (openid(1), "frequency")
    assert f'of the run "order-shipped", msgid {first["msgid"]}' in skipped["detail"]
    assert abs(datetime.fromisoformat(skipped["time"]) - began) < timedelta(seconds=3)
    (other,) = [one for one in events(desk, openid(3)) if one["run"] == "again"]
    assert (other["openid"], other["code"]) == (openid(3), "not_following")
    assert f"to {openid(3)}" in desk.run("trace", openid(3)).out


def test_a_msgid_that_was_found_needs_no_list(sent: Desk) -> None:
    (event,) = events(sent, openid(1))
    sent.run(
        "send", "campaign.yaml", "-", "--run", "piped", "--yes", stdin=b"openid,order_no,product,amount\n"
    )
    (sent.folder / "users.csv").unlink()
    assert "were not looked through" in sent.run("trace", "nothing").err
    done = sent.run("trace", str(event["msgid"]))
    assert (done.code, "were not looked through" in done.err) == (0, False)
