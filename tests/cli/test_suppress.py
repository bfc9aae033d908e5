"""`wxpush suppress`, and campaigns that leave people out, as the operator meets them."""

import csv
import json
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cli.command import DATA, Desk, Row, adds_up, at_call, openid, people, send_arguments
from wxpush.app.sources.spool import Source
from wxpush.app.suppression_list import SuppressionList
from wxpush.app.surroundings import Surroundings
from wxpush.delivery.suppressions import SOURCES, Entry, Suppressions, one_line
from wxpush.sandbox import Sandbox

ORDER_KEY = '"{{ openid }}:{{ order_no }}"'


def listed(desk: Desk) -> list[dict[str, str | None]]:
    done = desk.run("suppress", "list", "--json")
    assert (done.code, done.json["schema"], done.json["account"]) == (0, 1, "default")
    found: list[dict[str, str | None]] = done.json["suppressed"]
    return found


def who(desk: Desk) -> list[str | None]:
    return [one["openid"] for one in listed(desk)]


def skips(result: dict[str, object]) -> dict[str, int]:
    found = result["skips"]
    assert isinstance(found, list)
    return {one["reason"]: one["count"] for one in found}


def test_people_are_put_on_shown_and_taken_off(desk: Desk) -> None:
    assert "Nobody" in desk.run("suppress", "list").out
    done = desk.run("suppress", "add", openid(1), openid(2), openid(1), "--reason", "asked us to stop")
    assert (done.code, done.err) == (0, "2 people were put on the list.\n")
    desk.run("suppress", "add", openid(3), "--until", "30d")
    first, _second, third = listed(desk)
    assert first["reason"] == "asked us to stop"
    assert (first["until"], first["source"]) == (None, "operator")
    assert third["until"] is not None
    assert third["since"] is not None
    lasts = datetime.fromisoformat(third["until"]) - datetime.fromisoformat(third["since"])
    assert abs(lasts - timedelta(days=30)) < timedelta(seconds=2)
    table = desk.run("suppress", "list").out
    assert openid(2) in table
    assert "for ever" in table
    gone = desk.run("suppress", "remove", openid(1), openid(9))
    assert (gone.code, gone.err) == (0, "1 person was taken off the list.\n")
    assert who(desk) == [openid(2), openid(3)]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["add", "1.2E+10"], "spreadsheet"),
        (["add", openid(1), "--until", "soon"], "neither a day nor a duration"),
        (["add", openid(1), "--until", "2020-01-01"], "is over already"),
        (["add"], "OPENID"),
        (["import", "nowhere.csv"], "no such list"),
        (["add", openid(1), "--account", "nobody"], "nobody"),
    ],
)
def test_bad_words_are_refused_and_change_nothing(desk: Desk, arguments: list[str], words: str) -> None:
    done = desk.run("suppress", *arguments)
    assert done.code == 2
    assert words in done.talk
    assert who(desk) == []


def test_the_list_goes_into_a_file_and_comes_back(desk: Desk) -> None:
    desk.run("suppress", "add", openid(1), "--reason", "=1+1")
    desk.run("suppress", "add", openid(2), "--until", "2099-12-31")
    assert desk.run("suppress", "export", "out.csv").code == 0
    with (desk.folder / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["openid"] for row in rows] == [openid(1), openid(2)]
    assert (rows[0]["reason"], rows[0]["until"]) == ("'=1+1", "")
    assert rows[1]["until"] == "2100-01-01T00:00:00+08:00"
    assert desk.run("suppress", "export").out.splitlines()[0] == "openid,reason,since,until,source"
    refused = desk.run("suppress", "export", "out.csv")
    assert (refused.code, "--force" in refused.err) == (2, True)
    desk.write("out.csv", "old")
    forced = desk.run("suppress", "export", "out.csv", "--force")
    assert (forced.code, forced.err.count("replaces the file")) == (0, 1)
    assert (desk.folder / "out.csv").read_bytes().startswith(b"\xef\xbb\xbfopenid,reason")
    assert desk.run("suppress", "export", ".", "--force").code == 2
    desk.run("suppress", "remove", openid(1), openid(2))
    assert "2 people were put on the list." in desk.run("suppress", "import", "out.csv").err
    again = listed(desk)
    assert [(one["openid"], one["reason"], one["until"]) for one in again] == [
        (openid(1), "=1+1", None),
        (openid(2), "", "2100-01-01T00:00:00+08:00"),
    ]


def test_a_file_is_checked_whole_before_anybody_is_put_on_the_list(desk: Desk) -> None:
    desk.write("bad.csv", f"openid,until\n{openid(1)},30d\n1.2E+10,30d\n{openid(2)},soon\n")
    done = desk.run("suppress", "import", "bad.csv")
    assert done.code == 2
    assert "bad.csv:3" in done.talk
    assert "bad.csv:4: error WX350: until: “soon” is neither a day nor a duration." in done.talk
    assert who(desk) == []
    lines = [{"openid": openid(1), "reason": "投诉"}, {"openid": openid(2), "until": "2020-01-01"}]
    desk.write("good.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    done = desk.run("suppress", "import", "good.jsonl")
    assert (done.code, "1 row is over already." in done.err) == (0, True)
    assert [(one["openid"], one["reason"]) for one in listed(desk)] == [(openid(1), "投诉")]


# An operator's list goes out and comes back as it was.

TAKEN_BACK = st.lists(
    st.builds(
        Entry,
        st.integers(1, 999_999_999).map(openid),
        st.text(max_size=30).map(one_line),
        st.floats(1.6e9, time.time()).map(lambda moment: round(moment, 6)),
        st.none() | st.floats(4e9, 5e9).map(lambda moment: round(moment, 6)),
        st.sampled_from(sorted(SOURCES)),
    ),
    unique_by=lambda entry: entry.openid,
    max_size=5,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people_on_it=TAKEN_BACK)
def test_an_export_that_is_imported_makes_the_same_list(tmp_path: Path, people_on_it: list[Entry]) -> None:
    around = Surroundings()
    with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
        first, second = (SuppressionList("a", Path(folder) / name, around) for name in "ab")
        with closing(Suppressions(first.folder)) as opened:
            opened.add(people_on_it)
        exported = Path(folder) / "list.csv"
        with exported.open("w", encoding="utf-8", newline="") as stream:
            assert first.write(stream) == len(people_on_it)
        counts = second.read(Source(exported, "list.csv", "csv"))
        assert (len(counts.people), counts.over) == (len(people_on_it), 0)
        assert list(second) == list(first) == people_on_it
        # And where everybody was taken off meanwhile, they come back as well.
        first.remove([entry.openid for entry in people_on_it])
        assert list(first) == []
        first.read(Source(exported, "list.csv", "csv"))
        assert list(first) == people_on_it


def test_who_came_by_himself_still_comes_off_by_himself_after_an_import(desk: Desk) -> None:
    """Unfollowed, exported, imported: the next follower check takes him off, and whom we put there stays."""
    assert desk.sandbox is not None
    desk.campaign(suppress="{auto: 30d}", check_followers="true")
    desk.list(people(3))
    desk.sandbox.unfollow(openid(1))
    desk.send()
    desk.run("suppress", "add", openid(2), "--reason", "asked us")
    before = listed(desk)
    assert [one["source"] for one in before] == ["not_following", "operator"]
    desk.run("suppress", "export", "out.csv")
    desk.run("suppress", "remove", openid(1), openid(2))
    assert "2 people were put on the list." in desk.run("suppress", "import", "out.csv").err
    assert listed(desk) == before
    desk.sandbox.follow(openid(1))
    desk.campaign(name="next", suppress="{auto: 30d}", check_followers="true")
    desk.send()
    assert who(desk) == [openid(2)]


def test_what_the_operator_said_stays_beside_what_an_older_file_says(desk: Desk) -> None:
    desk.run("suppress", "add", openid(1), "--reason", "complained")
    desk.write("old.csv", f"openid,since,source\n{openid(1)},2026-01-01T00:00:00+08:00,43004\n")
    done = desk.run("suppress", "import", "old.csv")
    assert "1 person stays on it as you put him there yourself." in done.err
    (entry,) = listed(desk)
    assert (entry["reason"], entry["source"]) == ("complained", "operator")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("lately,,43004", "WX351: since: “lately” is no moment."),
        ("30d,,43004", "WX351"),
        ("2099-01-01,,43004", "WX351: since: 2099-01-01 is yet to come."),
        ("99999-01-01,,operator", "WX351"),
        (",,marketing", "WX352: source: “marketing” puts nobody on the list."),
        ("2026-11-01,soon,43004", "WX350"),
    ],
)
def test_an_export_that_was_spoilt_is_refused_by_row(desk: Desk, row: str, words: str) -> None:
    desk.write("bad.csv", f"openid,since,until,source\n{openid(1)},,,\n{openid(2)},{row}\n")
    done = desk.run("suppress", "import", "bad.csv")
    assert (done.code, "bad.csv:3" in done.talk, words in done.talk) == (2, True, True)
    assert who(desk) == []


def test_a_dash_is_standard_output_and_nothing_in_it_moves_a_cursor(desk: Desk) -> None:
    desk.run("suppress", "add", openid(1), "--reason", "\x1b[2J=1+1\nasked us")
    done = desk.run("suppress", "export", "-")
    assert done.code == 0
    assert not (desk.folder / "-").exists()
    assert done.out == desk.run("suppress", "export").out
    assert len(done.out.splitlines()) == 2
    assert "\x1b" not in done.out
    desk.write("formula.csv", f"openid,reason\n{openid(1)},\x1b=1+1\n")
    desk.run("suppress", "import", "formula.csv")
    assert ",' =1+1," in desk.run("suppress", "export", "-").out


def test_people_are_counted_and_not_rows(desk: Desk) -> None:
    desk.write("twice.csv", "".join(f"{openid(number)}\n" for number in (1, 2, 2)))
    assert desk.run("suppress", "import", "twice.csv").err == "2 people were put on the list.\n"


def test_a_list_of_nobody_puts_nobody_on_it(desk: Desk) -> None:
    desk.write("none.csv", "openid\n")
    done = desk.run("suppress", "import", "none.csv")
    assert (done.code, done.err) == (0, "0 people were put on the list.\n")
    desk.run("suppress", "export", "empty.csv")
    assert desk.run("suppress", "import", "empty.csv").code == 0
    desk.write("void.csv", "")
    assert desk.run("suppress", "import", "void.csv").code == 2


@pytest.mark.parametrize("text", ["{0}\n{1}\n", "\ufeff{0}\r\n\r\n{1}", "openid\n{0}\n{1}\n"])
def test_a_file_of_nothing_but_openids_is_taken(desk: Desk, text: str) -> None:
    content = text.format(openid(1), openid(2)).encode()
    desk.write("people.txt", content)
    assert desk.run("suppress", "import", "people.txt").err == "2 people were put on the list.\n"
    assert who(desk) == [openid(1), openid(2)]
    desk.run("suppress", "remove", openid(1), openid(2))
    assert desk.run("suppress", "import", "-", stdin=content).err == "2 people were put on the list.\n"
    assert who(desk) == [openid(1), openid(2)]


def test_one_openid_alone_is_a_list(desk: Desk) -> None:
    assert desk.run("suppress", "import", "-", stdin=openid(1).encode()).code == 0
    assert who(desk) == [openid(1)]
    assert desk.run("suppress", "import", "-").code == 2


def test_an_ending_that_says_nothing_is_said_by_the_option(desk: Desk) -> None:
    desk.write("people.dat", f"{openid(1)}\n")
    assert "--list-format" in desk.run("suppress", "import", "people.dat").talk
    assert desk.run("suppress", "import", "people.dat", "--list-format", "csv").code == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("phone,name\n" + "13800000000,a\n" * 30, "The columns are: phone, name."),
        ("phone\n13800000000\n13900000000\n", "one a line"),
    ],
)
def test_a_list_without_openids_is_told_once(desk: Desk, text: str, words: str) -> None:
    desk.write("phones.csv", text)
    done = desk.run("suppress", "import", "phones.csv")
    assert done.code == 2
    assert done.err.count("error") == 1
    assert 'phones.csv:1: error WX319: there is no column "openid"' in done.talk
    assert words in done.talk
    assert who(desk) == []


def test_the_hint_for_a_bad_row_names_no_option_of_another_command(desk: Desk) -> None:
    desk.write("bad.csv", f"openid,until\n{openid(1)},30d,too much\n")
    done = desk.run("suppress", "import", "bad.csv")
    assert "bad.csv:2: error WX310" in done.talk
    assert "--skip-invalid" not in done.talk


def test_each_account_has_a_list_of_its_own(desk: Desk, tmp_path: Path) -> None:
    desk.run("suppress", "add", openid(1))
    config = tmp_path / "config" / "wxpush" / "config.yaml"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text("accounts:\n  other: {appid: wxfedcba9876543210, secret_env: OTHER}\n")
    done = desk.run("suppress", "list", "--json", "--account", "other", env={"OTHER": "x" * 32})
    assert done.json["suppressed"] == []


def test_wechats_hosts_share_one_list_and_another_host_is_told_of(desk: Desk) -> None:
    """In an outage the address is changed; the people whom the list keeps from messages stay on it."""
    desk.sandbox = None
    own, outage = ({"WXPUSH_API_BASE": f"https://{host}.weixin.qq.com"} for host in ("api", "sh.api"))
    account = {"WXPUSH_APPID": "wx0000000000000001", "WXPUSH_SECRET": "0" * 32}
    desk.run("suppress", "add", openid(1), env=account | own)
    for env in (own, outage):
        done = desk.run("suppress", "list", "--json", env=account | env)
        assert [one["openid"] for one in done.json["suppressed"]] == [openid(1)]
        assert done.err == ""
    relay = account | {"WXPUSH_API_BASE": "https://relay.example.com"}
    done = desk.run("suppress", "list", "--json", env=relay)
    assert done.json["suppressed"] == []
    assert "wx0000000000000001 was used at https://api.weixin.qq.com, too" in done.talk
    assert desk.run("suppress", "add", openid(2), env=relay).err.count("was used at") == 1
    back = desk.run("suppress", "list", env=account | outage)
    assert "was used at https://relay.example.com:443, too" in back.talk


def test_a_sending_says_that_the_account_is_known_at_another_host(
    desk: Desk, open_wechat: Callable[..., Sandbox]
) -> None:
    desk.prepare(1)
    assert "was used at" not in desk.send().talk
    assert desk.sandbox is not None
    first = desk.sandbox.url
    desk.sandbox = open_wechat()
    for option in ("--dry-run", "--yes"):
        done = desk.send(option)
        assert f"was used at {first}, too" in done.talk
    assert "was used at" not in desk.send("--sandbox").talk


def write_orders(desk: Desk, orders: Iterable[tuple[Row, str]]) -> None:
    lines = [",".join([*row.values(), paid]) for row, paid in orders]
    desk.write("users.csv", "\n".join(["openid,name,order_no,product,amount,paid_at", *lines, ""]))


@pytest.fixture
def screened(desk: Desk) -> Desk:
    """Ten people: two suppressed, two too late, one with three orders, two who don't follow."""
    assert desk.sandbox is not None
    desk.campaign(
        key=ORDER_KEY,
        limits="{per_user_per_day: 2}",
        expires="{column: paid_at, after: 7d}",
        suppress="{auto: 24h}",
        check_followers="true",
    )
    now, old = "2099-11-23 10:00:00", "2020-11-23"
    orders = [(row, old if number in (3, 4) else now) for number, row in enumerate(people(10), 1)]
    orders += [(people(1, 5)[0] | {"order_no": f"SO2026112300{extra}"}, now) for extra in (901, 902)]
    write_orders(desk, orders)
    desk.run("suppress", "add", openid(1), openid(2), "--reason", "asked us")
    for number in (6, 7):
        desk.sandbox.unfollow(openid(number))
    return desk


ALL_FOUR = {"suppressed": 2, "expired": 2, "frequency": 1, "not_following": 2}


@pytest.mark.parametrize("options", [(), ("--no-preflight",), ("--sandbox",)])
def test_a_campaign_with_all_four_kinds_of_skips(screened: Desk, options: tuple[str, ...]) -> None:
    done = screened.send(*options)
    assert adds_up(done.json)
    if "--sandbox" in options:  # where nobody is suppressed, and everybody follows
        assert skips(done.json) == {"expired": 2, "frequency": 1}
        return
    assert (done.code, done.json["state"], done.json["accepted"]) == (0, "finished", 5)
    assert skips(done.json) == ALL_FOUR
    assert "2 (on the suppression list), " in done.talk
    assert "wxpush suppress list" in done.talk
    assert screened.shown() == Counter({openid(5): 2} | {openid(number): 1 for number in (8, 9, 10)})
    standing = screened.run("runs", "show", "--json").json
    assert (skips(standing), standing["skipped"], adds_up(standing)) == (ALL_FOUR, 7, True)
    assert {one["openid"]: one["source"] for one in listed(screened)} == {
        openid(1): "operator",
        openid(2): "operator",
        openid(6): "not_following",
        openid(7): "not_following",
    }


def test_a_dry_run_leaves_out_the_same_and_asks_nobody(screened: Desk) -> None:
    assert screened.sandbox is not None
    before = dict(screened.sandbox.requests_by_path)
    done = screened.send("--dry-run")
    assert skips(done.json) == {"suppressed": 2, "expired": 2, "frequency": 1}
    assert (done.json["pending"], adds_up(done.json)) == (7, True)
    assert "asked only before a real sending" in done.talk
    assert screened.sandbox.requests_by_path == before


def test_who_was_left_out_is_written_to_a_file(screened: Desk) -> None:
    done = screened.send("--skips", "left-out.csv")
    assert done.json["skips_file"] == "left-out.csv"
    with (screened.folder / "left-out.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert Counter(row["wxpush_reason"] for row in rows) == ALL_FOUR
    assert [(row["openid"], row["wxpush_line"]) for row in rows if row["wxpush_reason"] == "suppressed"] == [
        (openid(1), "2"),
        (openid(2), "3"),
    ]
    assert {row["wxpush_state"] for row in rows} == {"skipped"}
    assert screened.run("send", "campaign.yaml", "left-out.csv", "--dry-run").code == 0
    assert screened.send("--skips", "x.csv", "--dry-run").code == 2


def test_a_file_of_skips_takes_nobodys_place(desk: Desk) -> None:
    desk.prepare(2, when="amount == '1'")
    mine = desk.write("mine.csv", "precious\n")
    done = desk.send("--skips", "mine.csv")
    assert done.json["skips_file"] == "mine-2.csv"
    assert mine.read_text() == "precious\n"
    assert "wxpush_reason" in (desk.folder / "mine-2.csv").read_text("utf-8-sig")


def test_killed_and_gone_on_with_the_counts_add_up(desk: Desk) -> None:
    """Cut off by kill -9 when some had turned out unfollowed: the next start has all of them on the list."""
    assert desk.sandbox is not None
    count = 300
    desk.campaign(limits="{per_user_per_day: 1}", suppress="{auto: 24h}")
    desk.list(people(count))
    desk.run("suppress", "add", openid(1), openid(count))
    for number in range(10, 100, 10):
        desk.sandbox.unfollow(openid(number))
    with desk.start(*send_arguments("--rate", "100/s")) as running:
        desk.sandbox.on_send(at_call(150, running.process.kill), "decided")
        running.process.wait(60)
    standing = desk.run("runs", "show", "--json").json
    assert (standing["total"], adds_up(standing)) == (count, True)
    second = desk.send()
    assert (second.code, second.json["total"], adds_up(second.json)) == (1, count, True)
    assert (second.json["failed"], second.json["accepted"]) == (9, count - 11)
    assert skips(second.json) == {"suppressed": 2}
    assert max(desk.shown().values()) == 1
    sources = {str(one["openid"]): one["source"] for one in listed(desk)}
    assert sources == {openid(number): "43004" for number in range(10, 100, 10)} | {
        openid(1): "operator",
        openid(count): "operator",
    }
    again = desk.send("--run", "another")
    assert skips(again.json) == {"suppressed": 11, "frequency": count - 11}


def test_a_start_that_is_killed_again_finds_who_is_in_trouble(
    tmp_path: Path, open_wechat: Callable[..., Sandbox]
) -> None:
    """What a process before recorded is on the list as soon as the next one begins, before it sends."""
    desk = Desk(tmp_path, open_wechat(followers={"states": {openid(1): "refused"}}))
    desk.prepare(5, suppress="{auto: 24h}", data=DATA)
    assert desk.sandbox is not None
    with desk.start(*send_arguments("--rate", "20/s", "--workers", "1")) as running:
        desk.sandbox.on_send(at_call(4, running.process.kill), "decided")
        running.process.wait(60)
    for folder in desk.home.glob("accounts/*/suppressions"):  # as if it had not come to write it
        shutil.rmtree(folder)
    assert who(desk) == []
    with desk.start(*send_arguments()) as second:
        desk.sandbox.on_send(at_call(1, second.process.kill), "received")
        second.process.wait(60)
    assert who(desk) == [openid(1)]


def test_other_campaigns_know_of_trouble_while_a_run_goes_on_and_after_it_was_killed(
    tmp_path: Path, open_wechat: Callable[..., Sandbox]
) -> None:
    desk = Desk(tmp_path, open_wechat(followers={"states": {openid(1): "refused"}}))
    desk.prepare(2_000, suppress="{auto: 24h}")
    with desk.start(*send_arguments("--rate", "20/s")) as running:
        deadline = time.monotonic() + 30
        while not (found := who(desk)):
            assert time.monotonic() < deadline, "nobody hears of it before the end"
        assert running.process.poll() is None
        desk.list(people(3), "few.csv")
        beside = desk.run("send", "campaign.yaml", "few.csv", "--yes", "--json", "--run", "beside")
        running.process.kill()
        running.process.wait(60)
    assert found == [openid(1)]
    assert (beside.json["accepted"], skips(beside.json)) == (2, {"suppressed": 1})
    after = desk.run("send", "campaign.yaml", "few.csv", "--yes", "--json", "--run", "after")
    assert (after.json["accepted"], skips(after.json)) == (2, {"suppressed": 1})


def test_a_list_that_is_damaged_stops_the_sending(desk: Desk) -> None:
    desk.prepare(2)
    desk.run("suppress", "add", openid(1))
    (database,) = desk.home.glob("accounts/*/suppressions/cache.db")
    database.write_bytes(b"x" * 4096)
    done = desk.send()
    assert (done.code, desk.sends()) == (4, 0)
    for told in (done, desk.run("suppress", "list"), desk.run("suppress", "add", openid(2))):
        assert told.code == 4
        assert f"The suppression list in {database.parent} can't be read." in told.talk
        assert f"mv {database.parent} {database.parent}.damaged" in told.talk
        assert "run name" not in told.talk
    database.parent.rename(database.parent.with_suffix(".damaged"))
    assert desk.send().json["accepted"] == 2
