"""Who of a list is meant, and where it comes from: --where, --exclude, --join, a database, JSON on a pipe."""

import json
import re
import shlex
import sqlite3
import stat
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Desk, Done, adds_up, counts, openid, people
from wxpush.app.known_runs import send_command
from wxpush.app.sources.query import _reason, exact
from wxpush.clock import BEIJING
from wxpush.delivery.run import RunFolder
from wxpush.errors import InputError
from wxpush.sandbox import Sandbox


def skips(done: Done) -> dict[str, int]:
    return {one["reason"]: one["count"] for one in done.json["skips"]}


def told(done: Done, place: str, words: str) -> bool:
    """Whether a problem is told of, with its place."""
    return re.search(f"{re.escape(place)}: [^:]*:? ?{re.escape(words)}", done.talk) is not None


def priced(desk: Desk, amounts: list[str], **changes: str) -> None:
    """A person for each amount."""
    desk.campaign(**changes)
    rows = people(len(amounts))
    for row, amount in zip(rows, amounts, strict=True):
        row["amount"] = amount
    desk.list(rows)


# --where


def test_only_rows_that_meet_the_condition_are_sent_to(desk: Desk) -> None:
    priced(desk, ["68.00", "168.00", "99.5", "1000"])
    done = desk.send("--where", "amount|float > 100")
    assert done.code == 0
    assert counts(done.json) == {"accepted": 2, "skipped": 2}
    assert skips(done) == {"where": 2}
    assert set(desk.shown()) == {openid(2), openid(4)}


def test_another_condition_of_the_same_run_sends_the_rest_and_nobody_twice(desk: Desk) -> None:
    priced(desk, ["68.00", "168.00", "99.5"])
    assert counts(desk.send("--where", "amount|float > 100").json) == {"accepted": 1, "skipped": 2}
    assert counts(desk.send("--where", "amount|float < 90").json) == {"accepted": 2, "skipped": 1}
    again = desk.send().json
    assert counts(again) == {"accepted": 3}
    assert set(desk.shown().values()) == {1}


def test_a_list_that_was_checked_under_one_condition_is_checked_anew_under_another(desk: Desk) -> None:
    priced(desk, ["68.00", "168.00"])
    assert desk.send("--where", "amount|float > 100").code == 0
    same = desk.send("--where", "amount|float > 100")
    assert counts(same.json) == {"accepted": 1, "skipped": 1}
    assert counts(desk.send("--where", "amount|float > 1000").json) == {"accepted": 1, "skipped": 1}
    assert adds_up(desk.send("--where", "amount|float > 1000").json)


@pytest.mark.parametrize(
    ("condition", "place", "words"),
    [
        ("amount|float > 100)", "--where:1:19", ") closes what nothing has opened"),
        ("amunt|float > 100", "--where:1:1", "{{ amount }}"),
        ("name == 'x' and amunt|float > 1", "--where:1:17", "amunt"),
        ("amount > 100", "--where:1", "amount | float > 100"),
        ("", "--where:1:1", "empty"),
        ("{{ amount }}", "--where:1", "bare expression"),
    ],
)
def test_a_wrong_condition_is_told_before_anything(
    desk: Desk, condition: str, place: str, words: str
) -> None:
    desk.prepare(2)
    done = desk.send("--where", condition)
    assert done.code == 2
    assert f"{place}: " in done.err
    assert words in done.talk
    assert done.json["state"] == "refused"
    assert desk.sends() == 0


def test_a_value_that_a_row_lacks_is_that_rows_error(desk: Desk) -> None:
    desk.campaign()
    rows: list[dict[str, str]] = people(2)
    del rows[1]["amount"]
    desk.write("users.jsonl", "\n".join(json.dumps(row) for row in rows))
    command = ("send", "campaign.yaml", "users.jsonl", "--yes", "--json")
    done = desk.run(*command, "--where", "amount|float > 1")
    assert done.code == 2
    assert told(done, "users.jsonl:2", 'no value for "amount"')
    allowed = desk.run(*command, "--where", "amount is defined and amount|float > 1")
    assert counts(allowed.json) == {"accepted": 1, "skipped": 1}


def test_the_condition_goes_with_preview_rehearsals_and_validate(desk: Desk) -> None:
    priced(desk, ["68.00", "168.00", "x"])
    condition = ("--where", "name == '李晓雯' and order_no == 'SO2026112300002'")
    assert counts(desk.send("--dry-run", *condition).json) == {"skipped": 2, "pending": 1}
    assert counts(desk.send("--sandbox", *condition).json) == {"accepted": 1, "skipped": 2}
    shown = desk.run("preview", "campaign.yaml", "users.csv", *condition)
    assert (shown.code, openid(2) in shown.out, openid(1) in shown.out) == (0, True, False)
    assert f"--where '{condition[1]}'".replace("'", "") in shown.talk.replace("'", "").replace('"', "")
    assert desk.run("validate", "campaign.yaml", "--recipients", "users.csv").code == 1
    assert desk.run("validate", "campaign.yaml", "--recipients", "users.csv", *condition).code == 0


def test_validate_marks_the_place_in_the_condition(desk: Desk) -> None:
    desk.prepare(1)
    done = desk.run(
        "validate", "campaign.yaml", "--recipients", "users.csv", "--where", "amount | flaot > 1 )"
    )
    assert done.code == 1
    assert "  1 | amount | flaot > 1 )\n    |                    ^\n" in done.out
    alone = desk.run("validate", "campaign.yaml", "--where", "amount == '1'")
    assert (alone.code, "--recipients" in alone.err) == (2, True)


def test_what_is_approved_is_the_choice_too(desk: Desk) -> None:
    priced(desk, ["68.00", "168.00"])
    shown = desk.run("preview", "campaign.yaml", "users.csv", "--where", "amount|float > 100")
    code = shown.talk.partition("--approved ")[2].split()[0]
    assert desk.send("--approved", code).code == 2
    assert counts(desk.send("--approved", code, "--where", "amount|float > 100").json)["accepted"] == 1


# --exclude


def test_people_of_other_lists_are_left_out(desk: Desk) -> None:
    desk.prepare(6)
    desk.list(people(2), "vip.csv")
    desk.write("staff.jsonl", json.dumps({"openid": openid(5)}) + "\n")
    done = desk.send("--exclude", "vip.csv", "--exclude", "staff.jsonl")
    assert counts(done.json) == {"accepted": 3, "skipped": 3}
    assert skips(done) == {"excluded": 3}
    assert "2 people of the list vip.csv" in done.talk
    assert "1 person of the list staff.jsonl" in done.talk
    assert set(desk.shown()) == {openid(3), openid(4), openid(6)}


def test_a_list_of_nobody_leaves_nobody_out_and_says_so(desk: Desk) -> None:
    """What `users pull --tag` writes where nobody has the tag; the campaign's own must have somebody."""
    desk.prepare(2)
    desk.write("none.csv", "openid\n")
    done = desk.send("--exclude", "none.csv")
    assert (done.code, counts(done.json)) == (0, {"accepted": 2})
    assert "Excluded: 0 people of the list none.csv." in done.talk
    desk.list([], "users.csv")
    refused = desk.run("send", "campaign.yaml", "users.csv", "--yes")
    assert (refused.code, "WX303" in refused.talk) == (2, True)


def test_the_column_is_the_one_that_the_campaign_sends_to_or_openid(desk: Desk) -> None:
    desk.campaign(to='"{{ wx }}"')
    rows = [{**row, "wx": row["openid"]} for row in people(3)]
    desk.write("users.jsonl", "\n".join(json.dumps(row) for row in rows))
    desk.write("by_wx.csv", f"wx\n{openid(1)}\n\n")
    desk.write("by_openid.csv", f"openid,name\n{openid(2)},x\n")
    desk.write("by_phone.csv", "phone,name\n138,x\n")
    command = ("send", "campaign.yaml", "users.jsonl", "--yes", "--json")
    wrong = desk.run(*command, "--exclude", "by_phone.csv")
    assert wrong.code == 2
    assert told(wrong, "by_phone.csv:1", 'there is no column "wx"')
    assert "phone, name" in wrong.talk
    done = desk.run(*command, "--exclude", "by_wx.csv", "--exclude", "by_openid.csv")
    assert counts(done.json) == {"accepted": 1, "skipped": 2}


def test_whom_another_run_reached_is_left_out_whatever_its_key(desk: Desk) -> None:
    desk.campaign("first.yaml", name="first", key='"{{ order_no }}"')
    desk.list(people(4), "first.csv")
    assert desk.sandbox is not None
    desk.sandbox.unfollow(openid(4))
    desk.sandbox.set_faults({"send": {"silence_after": {"every": 3}}})
    first = desk.run("send", "first.yaml", "first.csv", "--yes", "--rate", "50/s", "--json", "--limit", "3")
    desk.sandbox.set_faults({})
    assert first.json["accepted"] + first.json["in_doubt"] >= 3
    desk.run("send", "first.yaml", "first.csv", "--yes", "--json")
    desk.sandbox.follow(openid(4))
    desk.prepare(6)
    done = desk.send("--exclude", "first")
    assert skips(done) == {"excluded": 3}
    assert "3 people of the run first" in done.talk
    assert {person for person in desk.shown() if person not in map(openid, (1, 2, 3))} == {
        openid(4), openid(5), openid(6)
    }  # fmt: skip


def test_what_is_held_may_arrive_and_so_counts(tmp_path: Path, open_wechat: Callable[..., Sandbox]) -> None:
    desk = Desk(tmp_path, open_wechat(review={"words": ["咖啡豆"], "passes": "0%"}))
    desk.campaign("first.yaml", name="first")
    desk.list(people(1), "first.csv")
    assert desk.run("send", "first.yaml", "first.csv", "--yes", "--json").json["held"] == 1
    rows = people(2)
    for row in rows:
        row["product"] = "手冲壶"
    desk.campaign()
    desk.list(rows)
    assert counts(desk.send("--exclude", "first").json) == {"accepted": 1, "skipped": 1}


def test_a_file_comes_before_a_run_of_its_name(desk: Desk) -> None:
    desk.campaign("first.yaml", name="first")
    desk.list(people(3), "first.csv")
    assert desk.run("send", "first.yaml", "first.csv", "--yes", "--json").code == 0
    desk.prepare(4)
    desk.write("first", f"openid\n{openid(4)}\n")
    by_file = desk.send("--dry-run", "--exclude", "first")
    assert (skips(by_file), "of the list first" in by_file.talk) == ({"excluded": 1}, True)
    (desk.folder / "first").unlink()
    (desk.folder / "first").mkdir()
    by_run = desk.send("--dry-run", "--exclude", "first")
    assert (skips(by_run), "of the run first" in by_run.talk) == ({"excluded": 3}, True)
    neither = desk.send("--exclude", "nobody")
    assert neither.code == 2
    assert "there is no such file" in neither.talk
    assert "There are: first" in neither.talk


def test_who_was_accepted_before_stays_accepted(desk: Desk) -> None:
    desk.prepare(3)
    assert desk.send("--limit", "1").json["accepted"] == 1
    desk.list(people(2), "vip.csv")
    done = desk.send("--exclude", "vip.csv")
    assert counts(done.json) == {"accepted": 2, "skipped": 1}
    assert adds_up(done.json)
    assert set(desk.shown()) == {openid(1), openid(3)}


def test_the_mistake_of_a_row_whose_person_is_excluded_keeps_nobody_waiting(desk: Desk) -> None:
    desk.prepare(2)
    rows = people(2)
    rows[0]["product"] = ""
    desk.list(rows)
    desk.list(people(1), "vip.csv")
    assert desk.send().code == 2
    assert counts(desk.send("--exclude", "vip.csv").json) == {"accepted": 1, "skipped": 1}


def test_a_run_of_another_account_excludes_nobody_and_is_refused(
    desk: Desk, open_wechat: Callable[..., Sandbox]
) -> None:
    desk.campaign("first.yaml", name="first")
    desk.list(people(1), "first.csv")
    assert desk.run("send", "first.yaml", "first.csv", "--yes").code == 0
    desk.sandbox = open_wechat(account={"appid": "wx00000000000000ff"})
    desk.prepare(1)
    done = desk.send("--exclude", "first")
    assert done.code == 2
    assert "another account (wx0000000000000001)" in done.talk


# --join


def joined_desk(desk: Desk, bound: str = "phone,openid\n") -> None:
    desk.campaign(data='\n  thing1: "{{ product }}"\n  character_string2: "{{ phone }}"\n  amount4: "1元"')
    desk.write("users.csv", "phone,product\n" + "".join(f"138000{n:05},咖啡豆\n" for n in range(1, 6)))
    desk.write("openids.csv", bound + "".join(f" 138000{n:05} ,{openid(n)}\n" for n in (3, 2, 1)))


JOIN = ("--join", "openids.csv", "--on", "phone")


def test_the_openid_is_found_by_the_phone_number(desk: Desk) -> None:
    joined_desk(desk)
    done = desk.send(*JOIN)
    assert counts(done.json) == {"accepted": 3, "skipped": 2}
    assert skips(done) == {"no_match": 2}
    assert set(desk.shown()) == {openid(1), openid(2), openid(3)}
    assert done.json["unmatched_file"] == "users.unmatched.csv"
    file = desk.folder / "users.unmatched.csv"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text("utf-8-sig")
    assert [line.split(",")[0] for line in text.splitlines()[1:]] == ["13800000004", "13800000005"]
    # What is listed there is a list: with the bindings completed it is sent to.
    with (desk.folder / "openids.csv").open("a") as bindings:
        bindings.write(f"13800000004,{openid(4)}\n13800000005,{openid(5)}\n")
    rest = desk.run("send", "campaign.yaml", "users.unmatched.csv", "--yes", "--json", *JOIN)
    assert rest.json["accepted"] == 5
    whole = desk.send(*JOIN)
    assert (counts(whole.json), file.exists()) == ({"accepted": 5}, False)


def test_the_columns_may_be_called_differently(desk: Desk) -> None:
    joined_desk(desk, "mobile,openid\n")
    assert counts(desk.send("--join", "openids.csv", "--on", "phone=mobile").json)["accepted"] == 3
    assert counts(desk.send("--dry-run", *JOIN[:2], "--on", "phone=mobile").json) == {
        "skipped": 2,
        "pending": 3,
    }
    wrong = desk.send(*JOIN)
    assert wrong.code == 2
    assert told(wrong, "openids.csv:1", 'there is no column "phone" to join by. The columns')


def test_columns_of_one_name_in_both_lists_are_refused(desk: Desk) -> None:
    joined_desk(desk)
    desk.write("openids.csv", f"phone,openid,product\n13800000001,{openid(1)},x\n")
    done = desk.send(*JOIN)
    assert done.code == 2
    assert 'both users.csv and openids.csv have a column "product"' in done.talk
    desk.write("users.jsonl", '{"phone": "13800000001", "product": "咖啡豆"}\n')
    line = desk.run("send", "campaign.yaml", "users.jsonl", "--yes", *JOIN)
    assert (line.code, told(line, "users.jsonl:1", "both users.jsonl")) == (2, True)


def test_two_rows_of_one_number_are_refused_unless_they_say_the_same(desk: Desk) -> None:
    joined_desk(desk)
    bindings = (desk.folder / "openids.csv").read_text("utf-8")
    desk.write("openids.csv", bindings + f"13800000001,{openid(1)}\n")
    assert desk.send(*JOIN).json["accepted"] == 3
    desk.write("openids.csv", bindings + f"13800000001,{openid(9)}\n")
    done = desk.send(*JOIN)
    assert done.code == 2
    assert told(done, "openids.csv:5", 'phone "13800000001" stands in line 4, too')


def test_a_failure_is_listed_with_the_rows_own_columns_and_sent_again(desk: Desk) -> None:
    joined_desk(desk)
    assert desk.sandbox is not None
    desk.sandbox.unfollow(openid(2))
    done = desk.send(*JOIN)
    assert (done.code, done.json["failed"]) == (1, 1)
    header, row = (desk.folder / "users.failures.csv").read_text("utf-8-sig").splitlines()
    assert header.startswith("phone,product,wxpush_state")
    assert row.startswith("13800000002,咖啡豆,failed")
    desk.sandbox.follow(openid(2))
    assert desk.retry("--code", "43004").json["accepted"] == 3
    assert desk.shown()[openid(2)] == 1


def test_a_tester_gets_a_joined_row(desk: Desk) -> None:
    joined_desk(desk)
    done = desk.run("send", "campaign.yaml", "users.csv", *JOIN, "--to", openid(77), "--row", "3", "--yes")
    assert (done.code, dict(desk.shown())) == (0, {openid(77): 1})
    unmatched = desk.run(
        "send", "campaign.yaml", "users.csv", *JOIN, "--to", openid(77), "--row", "6", "--yes"
    )
    assert (unmatched.code, "no row on line 6" in unmatched.talk) == (2, True)


def test_a_changed_binding_is_another_list(desk: Desk) -> None:
    joined_desk(desk)
    assert desk.send(*JOIN).json["accepted"] == 3
    with (desk.folder / "openids.csv").open("a") as bindings:
        bindings.write(f"13800000005,{openid(5)}\n")
    done = desk.send(*JOIN)
    assert counts(done.json) == {"accepted": 4, "skipped": 1}


def test_join_where_and_exclude_go_together_in_their_order(desk: Desk) -> None:
    joined_desk(desk)
    desk.write("vip.csv", f"openid\n{openid(1)}\n{openid(4)}\n")
    done = desk.send(*JOIN, "--where", "openid != '" + openid(2) + "'", "--exclude", "vip.csv")
    assert skips(done) == {"no_match": 2, "where": 1, "excluded": 1}
    assert counts(done.json) == {"accepted": 1, "skipped": 4}
    for option in ("--join", "--on"):
        assert desk.send(option, "openids.csv").code == 2
    late = desk.send(*JOIN, "--no-preflight", "--run", "late")
    assert skips(late) == {"no_match": 2}
    assert late.json["unmatched_file"] == "users.unmatched.csv"


def test_the_command_that_goes_on_with_the_run_says_who_is_meant(desk: Desk) -> None:
    joined_desk(desk)
    desk.list(people(1), "vip.csv")
    desk.send(*JOIN, "--where", "phone != ''", "--exclude", "vip.csv", "--limit", "1")
    folder = RunFolder(next((desk.home / "runs").iterdir()))
    card = folder.card()
    assert card is not None
    words = shlex.split(send_command(folder, card))
    vip, openids = (str(desk.folder / name) for name in ("vip.csv", "openids.csv"))
    said = [
        "--where",
        "phone != ''",
        "--exclude",
        vip,
        "--join",
        openids,
        "--on",
        "phone",
        "--run",
        card.name,
    ]
    assert words[-len(said) :] == said
    done = desk.run(*words[1:], "--yes", "--json")
    assert counts(done.json) == {"accepted": 2, "skipped": 3}


# A database


def shop(desk: Desk, rows: int) -> None:
    desk.campaign()
    with sqlite3.connect(desk.folder / "shop.db") as database:
        database.execute("CREATE TABLE orders (openid, name, order_no, product, amount REAL, note)")
        database.executemany(
            "INSERT INTO orders VALUES (:openid, :name, :order_no, :product, :amount, NULL)", people(rows)
        )
    database.close()


def from_sql(desk: Desk, sql: str, *options: str, dsn: str = "sqlite:///shop.db", **env: str) -> Done:
    command = ("send", "campaign.yaml", "--sql", sql, "--dsn", dsn, "--yes", "--rate", "2000/s", "--json")
    return desk.run(*command, *options, env=env)


EVERYBODY = "select * from orders where amount > 1 -- every; one"


def test_a_query_is_a_list(desk: Desk) -> None:
    shop(desk, 2_345)
    done = from_sql(desk, EVERYBODY)
    assert counts(done.json) == {"accepted": 2_345}
    assert counts(from_sql(desk, EVERYBODY).json) == {"accepted": 2_345}
    assert set(desk.shown().values()) == {1}


def test_a_query_is_checked_and_its_failures_listed_as_any_list_is(desk: Desk) -> None:
    shop(desk, 4)
    assert desk.sandbox is not None
    desk.sandbox.unfollow(openid(3))
    lacking = from_sql(desk, "select openid, product, amount from orders")
    assert (lacking.code, told(lacking, "--sql:1", 'no value for "order_no"')) == (2, True)
    done = from_sql(desk, EVERYBODY, "--where", "order_no != 'SO2026112300001'")
    assert (done.code, counts(done.json)) == (1, {"accepted": 2, "failed": 1, "skipped": 1})
    assert Path(done.json["failures_file"]).name == "sql.failures.csv"
    assert openid(3) in Path(done.json["failures_file"]).read_text("utf-8-sig")
    shown = desk.run("preview", "campaign.yaml", "--sql", EVERYBODY, "--dsn", "sqlite:///shop.db", "-n", "1")
    assert (shown.code, "--sql 'select *" in shown.talk) == (0, True)
    checked = desk.run("validate", "campaign.yaml", "--sql", EVERYBODY, "--dsn", "sqlite:///shop.db")
    assert (checked.code, "4 rows" in checked.talk) == (0, True)
    rehearsed = from_sql(desk, EVERYBODY, "--dry-run")
    assert counts(rehearsed.json) == {"pending": 4}


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("delete from orders", "no query"),
        ("/* select */ update orders set name = 1", "no query"),
        ("with gone as (select 1) delete from orders", "readonly"),
        ("select 1; delete from orders", "more than one statement"),
        ("select 'a;b'; drop table orders", "more than one statement"),
        ("select * from nowhere", "no such table: nowhere"),
        ("select openid, openid from orders", 'two columns of the answer are called "openid"'),
        ("select openid, x'00ff' as picture from orders", '--sql:1: the column "picture" holds bytes'),
        ("select * from orders where 1 = 2", "finds no rows"),
        ("", "no query"),
    ],
)
def test_a_query_only_reads_and_says_what_is_wrong(desk: Desk, sql: str, words: str) -> None:
    shop(desk, 2)
    done = from_sql(desk, sql)
    assert done.code == 2
    assert words in done.talk
    with sqlite3.connect(desk.folder / "shop.db") as database:
        assert database.execute("SELECT count(*) FROM orders").fetchone() == (2,)
    database.close()


def test_a_semicolon_at_the_end_and_in_texts_is_no_second_statement(desk: Desk) -> None:
    shop(desk, 2)
    sql = "-- who; paid\nselect *, 'a;b' as \"c;d\" from (select * from orders where name not like '%;%');\n"
    done = from_sql(desk, sql)
    assert counts(done.json) == {"accepted": 2}


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql+psycopg://shop:hunter2@db/shop",
        "postgresql://db/shop?user=a&password=hunter2",
        "mysql://a:hunter2@db:1/x",
        "postgresql://[bad:hunter2@/x",
        "mssql+pyodbc:///?odbc_connect=DRIVER%3DODBC%3BUID%3Da%3BPWD%3Dhunter2",
    ],
)
def test_a_password_on_the_command_line_is_refused_and_never_shown(desk: Desk, dsn: str) -> None:
    desk.campaign()
    done = from_sql(desk, "select 1", dsn=dsn)
    assert done.code == 2
    assert "env:SHOP_DSN" in done.talk
    assert "hunter2" not in done.out + done.err


def test_a_driver_that_tells_the_password_is_not_believed() -> None:
    url = "postgresql+psycopg://shop:hunter%2F2@db/shop"
    words = f'connection to "{url}" failed: no password hunter/2 for shop\nDSN: password=hunter%2F2'
    told = _reason(ValueError(words), url)
    assert "hunter" not in told
    assert "\n" not in told
    assert "failed: no password *** for shop" in told


def test_the_url_comes_from_a_variable_or_by_a_name_of_the_configuration(desk: Desk) -> None:
    shop(desk, 2)
    url = f"sqlite:///{desk.folder / 'shop.db'}"
    assert from_sql(desk, EVERYBODY, dsn="env:SHOP_DSN", SHOP_DSN=url).json["accepted"] == 2
    config = desk.write("config.yaml", "databases: {crm: {url_env: CRM_DSN}}\n")
    known = {"WXPUSH_CONFIG": str(config)}
    assert from_sql(desk, EVERYBODY, dsn="crm", CRM_DSN=url, **known).json["accepted"] == 2
    unset = from_sql(desk, EVERYBODY, dsn="crm", **known)
    assert (unset.code, "CRM_DSN is not set" in unset.talk) == (2, True)
    other = from_sql(desk, EVERYBODY, dsn="cmr", **known)
    assert (other.code, "config.yaml has: crm" in other.talk) == (2, True)
    desk.write("config.yaml", "databases: {crm: {url: 'mysql://a:hunter2@db/x'}}\n")
    wrong = from_sql(desk, EVERYBODY, dsn="crm", **known)
    assert (wrong.code, "hunter2" in wrong.out + wrong.err) == (2, False)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite:////nowhere/shop.db", "no file /nowhere/shop.db"),
        ("nosql://u:hunter2@db/x", "no database of this kind is known: nosql"),
        ("://hunter2", "no URL"),
        ("sqlite:///hunter2.db?mode=x&password=hunter2", "no file"),
    ],
)
def test_a_url_of_no_use_is_told_without_its_secrets(desk: Desk, url: str, words: str) -> None:
    desk.campaign()
    done = from_sql(desk, "select 1", dsn="env:SHOP_DSN", SHOP_DSN=url)
    assert done.code == 2
    assert words in done.talk


def test_what_is_not_installed_is_named_with_the_command_that_installs_it(desk: Desk) -> None:
    desk.campaign()
    driver = from_sql(desk, "select 1", dsn="postgresql+psycopg://shop@db/shop")
    assert (driver.code, "pip install psycopg" in driver.talk) == (2, True)
    desk.write("without/sqlalchemy.py", "raise ModuleNotFoundError(name='sqlalchemy')\n")
    library = from_sql(desk, "select 1", PYTHONPATH=str(desk.folder / "without"))
    assert (library.code, "pip install 'wxpush[sql]'" in library.talk) == (2, True)


def test_options_that_contradict_are_refused(desk: Desk) -> None:
    desk.prepare(1)
    assert desk.send("--sql", "select 1", "--dsn", "sqlite:///shop.db").code == 2
    assert desk.send("--dsn", "sqlite:///shop.db").code == 2
    assert desk.run("send", "campaign.yaml", "--sql", "select 1").code == 2
    without = desk.run("send", "campaign.yaml", "--json")
    assert (without.code, "--sql" in without.talk, without.json["state"]) == (2, True, "refused")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("68.00"), "68.00"),
        (Decimal("1E+3"), "1000"),
        (10**20, "100000000000000000000"),
        (0.1, "0.1"),
        (True, "true"),
        (datetime(2026, 11, 26, 10), "2026-11-26 10:00:00"),  # noqa: DTZ001 - as databases have it
        (datetime(2026, 11, 26, 10, tzinfo=BEIJING), "2026-11-26 10:00:00+08:00"),
        (date(2026, 11, 26), "2026-11-26"),
        (time(10, 5), "10:05:00"),
        ({"a": [Decimal("1.50"), None]}, {"a": ["1.50", None]}),
    ],
)
def test_values_become_exact_texts(value: Any, text: Any) -> None:
    assert exact(value, "amount", 1) == text


@pytest.mark.parametrize("value", [b"x", bytearray(b"x"), object()])
def test_what_is_no_text_is_refused_with_its_column(value: Any) -> None:
    with pytest.raises(InputError, match="picture"):
        exact(value, "picture", 7)


# JSON on a pipe


@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_on_standard_input_is_a_list(desk: Desk, indent: int | None) -> None:
    desk.campaign()
    stdin = json.dumps(people(5), ensure_ascii=False, indent=indent).encode()
    done = desk.run("send", "campaign.yaml", "-", "--yes", "--json", "--rate", "2000/s", stdin=stdin)
    assert counts(done.json) == {"accepted": 5}
    cut = desk.run("send", "campaign.yaml", "-", "--yes", "--json", stdin=stdin[:-1])
    assert (cut.code, "WX" in cut.out, desk.sends()) == (2, True, 5)


def test_an_array_in_a_file_of_any_name(desk: Desk) -> None:
    desk.campaign()
    desk.write("users.export", json.dumps(people(2)))
    done = desk.run("send", "campaign.yaml", "users.export", "--list-format", "json", "--yes", "--json")
    assert counts(done.json) == {"accepted": 2}


# What is told of it


def test_rows_without_a_match_are_told_once(desk: Desk) -> None:
    desk.prepare(3)
    desk.write("more.csv", f"who,nick\n{openid(1)},a\n{openid(2)},b\n")
    done = desk.run("send", "campaign.yaml", "users.csv", "--yes", "--join", "more.csv", "--on", "openid=who")
    assert done.talk.count("The rows without a match are listed in") == 1
    done = desk.run(
        *("send", "campaign.yaml", "users.csv", "--yes", "--quiet", "--limit", "1", "--run", "quiet"),
        *("--join", "more.csv", "--on", "openid=who"),
    )
    assert done.talk.count("The rows without a match are listed in") == 1


def test_lists_that_are_no_files_are_called_what_they_are(desk: Desk) -> None:
    desk.prepare(3)
    content = (desk.folder / "users.csv").read_bytes()
    piped = ("send", "campaign.yaml", "-", "--list-format", "csv", "--yes")
    assert "List standard input: 3 rows" in desk.run(*piped, stdin=content).talk
    chinese = desk.run("--lang", "zh", *piped, "--run", "zh", stdin=content).talk
    assert "标准输入" in chinese
    shown = desk.run("runs", "show", "zh")
    assert "List standard input" in shown.talk
    assert desk.run("runs", "show", "zh", "--json").json["list"] == "-"
    assert "standard input" in desk.run("report", "zh", "--format", "html").out
    with sqlite3.connect(desk.folder / "shop.db") as shop:
        shop.execute("CREATE TABLE o (openid, order_no, product, amount)")
        shop.executemany("INSERT INTO o VALUES (:openid, :order_no, :product, :amount)", people(2))
    query = ("--sql", "select * from o", "--dsn", "sqlite:///shop.db", "--run", "sql", "--yes")
    assert "List the query: 2 rows" in desk.run("send", "campaign.yaml", *query).talk
    assert "List the query" in desk.run("runs", "show", "sql").talk
