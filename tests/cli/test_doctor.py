"""`wxpush doctor`: what a sending rests on, each line with a verdict and, where there is one, the remedy."""

import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.command import Desk, Done, at_call, openid, send_arguments
from wxpush.channels.wechat.probe import probe
from wxpush.config import Account
from wxpush.sandbox import Sandbox


def verdicts(done: Done) -> dict[str, str]:
    return {line["topic"]: line["verdict"] for line in done.json["lines"]}


def line(done: Done, topic: str) -> dict[str, str]:
    (found,) = [one for one in done.json["lines"] if one["topic"] == topic]
    return found


def test_all_is_well(desk: Desk) -> None:
    done = desk.run("doctor", "--json")
    assert done.code == 0
    assert verdicts(done) == dict.fromkeys(
        ["python", "sqlite", "state", "account", "network", "clock", "token", "quota"], "ok"
    ) | {"state": verdicts(done)["state"]}
    assert done.json["ok"] is True
    text = desk.run("doctor")
    assert "ok       quota          100,000 of 100,000 template messages left today\n" in text.out
    assert desk.sends() == 0


def beside(desk: Desk) -> Desk:
    """The same desk with its runs beside the campaigns instead of in a home of their own."""
    desk.variables |= {"WXPUSH_HOME": None, "XDG_STATE_HOME": str(desk.folder.parent / "state")}
    return desk


def test_the_runs_beside_the_campaigns_are_examined_too(desk: Desk) -> None:
    done = beside(desk).run("doctor", "--offline", "--json")
    assert "runs" not in verdicts(done), "nothing was sent from here yet, and looking makes no folder"
    assert not (desk.folder / ".wxpush").exists()
    desk.prepare(1)
    assert desk.send().code == 0
    done = desk.run("doctor", "--offline", "--json")
    assert (done.code, line(done, "runs")["verdict"]) == (0, line(done, "state")["verdict"])
    assert line(done, "runs")["text"].startswith(f"{desk.folder / '.wxpush'}, private, ")
    assert " free" in line(done, "runs")["text"]


@pytest.fixture
def kept(desk: Desk) -> Desk:
    """A desk with a run, a token, a suppression list and receipts."""
    desk.prepare(3)
    assert desk.run("suppress", "add", openid(9)).code == 0
    event = f"""<xml><ToUserName><![CDATA[gh_1]]></ToUserName>
<FromUserName><![CDATA[{openid(1)}]]></FromUserName>
<CreateTime>1764000000</CreateTime><MsgType><![CDATA[event]]></MsgType>
<Event><![CDATA[TEMPLATESENDJOBFINISH]]></Event><MsgID>200163836</MsgID><Status><![CDATA[success]]></Status>
</xml>"""
    desk.write("event.xml", event)
    assert desk.run("receipts", "import", "event.xml").code == 0
    assert desk.send().code == 0
    return desk


def found(done: Done, topic: str) -> list[tuple[str, str]]:
    """Verdicts and texts about a topic."""
    return [(one["verdict"], one["text"]) for one in done.json["lines"] if one["topic"] == topic]


def test_what_is_kept_is_looked_over(kept: Desk) -> None:
    done = kept.run("doctor", "--offline", "--json")
    assert done.code == 0
    assert found(done, "ledgers") == [("ok", "1 looked over, whole")]
    assert found(done, "records") == [("ok", "3 looked over, whole")], "token, suppression list, receipts"


def spoil_a_page(database: Path) -> None:
    """A page of the table's own, from its header on: what SQLite finds by itself."""
    raw = bytearray(database.read_bytes())
    raw[2 * 4096 : 5 * 4096] = b"\xa5" * (3 * 4096)
    database.write_bytes(raw)


def spoil_a_bit(database: Path) -> None:
    """A text in which one bit has turned: SQLite says that all is well."""
    raw = database.read_bytes()
    place = raw.index(openid(9 if b"operator" in raw else 1).encode())
    database.write_bytes(raw[: place + 3] + bytes([raw[place + 3] ^ 1]) + raw[place + 4 :])


def remove(database: Path) -> None:
    shutil.rmtree(database.parent)


def test_a_ruined_ledger_is_named_with_its_place_and_the_remedy(kept: Desk) -> None:
    (database,) = kept.home.glob("runs/*/ledger/cache.db")
    whole = database.read_bytes()
    for spoil in (spoil_a_page, spoil_a_bit, lambda file: file.write_bytes(b"x" * 4096), remove):
        database.parent.mkdir(mode=0o700, exist_ok=True)
        database.write_bytes(whole)
        database.chmod(0o600)
        spoil(database)
        done = kept.run("doctor", "--offline", "--json")
        assert done.code == 1
        ((verdict, text),) = found(done, "ledgers")
        assert verdict == "problem"
        assert text.startswith(f"run order-shipped in {database.parents[1]}: ")
        assert "from a backup: only the ledger knows who got the message." in line(done, "ledgers")["remedy"]
        assert kept.run("doctor", "--offline").code == 1


def test_a_schema_that_is_no_text_is_damage_to_every_command(kept: Desk) -> None:
    (database,) = kept.home.glob("runs/*/ledger/cache.db")
    raw = bytearray(database.read_bytes())
    raw[3230] ^= 0x80  # SQLite quotes what it can't read, and the quotation is no UTF-8
    database.write_bytes(raw)
    done = kept.run("doctor", "--offline", "--json")
    assert (done.code, verdicts(done)["ledgers"], verdicts(done)["account"]) == (1, "problem", "ok")
    assert kept.send().code == 4
    for command in (["runs", "show"], ["report"]):
        shown = kept.run(*command)
        assert (shown.code, "damaged" in shown.talk) == (4, True), command


def test_a_row_that_somebody_took_out_of_the_ledger_is_missed(kept: Desk) -> None:
    """The last one: of any other, the numbers of the rest tell."""
    (database,) = kept.home.glob("runs/*/ledger/cache.db")
    with closing(sqlite3.connect(database)) as connection, connection:
        last = "SELECT max(key) FROM Cache WHERE key LIKE 'o%'"
        assert connection.execute(f"DELETE FROM Cache WHERE key = ({last})").rowcount == 1
    done = kept.run("doctor", "--offline", "--json")
    ((verdict, text),) = found(done, "ledgers")
    assert (done.code, verdict) == (1, "problem")
    assert "accepted messages, the run's card of 3" in text


def test_a_ruined_card_is_named_too(kept: Desk) -> None:
    (card,) = kept.home.glob("runs/*/run.json")
    card.write_text("{", "utf-8")
    done = kept.run("doctor", "--offline", "--json")
    ((verdict, text),) = found(done, "ledgers")
    assert (done.code, verdict, str(card) in text) == (1, "problem", True)


@pytest.mark.parametrize(
    ("name", "told", "remedy"),
    [
        ("suppressions", "suppression list in ", "import the list again"),
        ("receipts", "receipts in ", "import the receipts again"),
    ],
)
@pytest.mark.parametrize("spoil", [spoil_a_page, spoil_a_bit])
def test_ruined_records_of_an_account_are_named(
    kept: Desk, name: str, told: str, remedy: str, spoil: Callable[[Path], None]
) -> None:
    (database,) = kept.home.glob(f"accounts/*/{name}/cache.db")
    spoil(database)
    done = kept.run("doctor", "--offline", "--json")
    ((verdict, text),) = found(done, "records")
    assert (done.code, verdict) == (1, "problem")
    assert text.startswith(f"{told}{database.parent}: ")
    assert remedy in line(done, "records")["remedy"]


def test_a_token_that_is_not_ours_is_a_warning_and_one_that_others_can_read_a_problem(kept: Desk) -> None:
    (token,) = kept.home.glob("accounts/*/token.json")
    whole = token.read_bytes()
    token.write_bytes(whole[:40])
    done = kept.run("doctor", "--offline", "--json")
    ((verdict, text),) = found(done, "records")
    assert (done.code, verdict, str(token) in text) == (0, "warning", True)
    assert "gets another one" in line(done, "records")["remedy"]
    token.write_bytes(whole)
    if os.name == "posix":
        token.chmod(0o644)
        done = kept.run("doctor", "--offline", "--json")
        assert (done.code, "chmod go-rwx" in line(done, "records")["remedy"]) == (1, True)


def test_a_sending_goes_on_while_it_is_looked_at(desk: Desk) -> None:
    desk.prepare(400)
    assert desk.sandbox is not None
    seen: list[Done] = []
    desk.sandbox.on_send(at_call(100, lambda: seen.append(desk.run("doctor", "--offline", "--json"))))
    with desk.start(*send_arguments()) as running:
        done = running.done()
    assert (done.code, done.json["accepted"]) == (0, 400)
    assert (seen[0].code, found(seen[0], "ledgers")) == (0, [("ok", "1 looked over, whole")])


def test_nothing_is_written_by_looking(kept: Desk) -> None:
    def content() -> dict[Path, bytes]:
        files = (path for path in kept.home.rglob("*") if path.is_file() and not path.name.endswith("-shm"))
        return {path: path.read_bytes() for path in files if path.stat().st_size}

    before = content()
    kept.run("doctor", "--offline")
    assert content() == before


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")
def test_runs_that_others_can_read_or_that_lie_behind_a_link_are_a_problem(desk: Desk) -> None:
    runs = beside(desk).folder / ".wxpush"
    runs.mkdir(mode=0o755)
    runs.chmod(0o755)
    done = desk.run("doctor", "--offline", "--json")
    assert (done.code, line(done, "runs")["verdict"]) == (1, "problem")
    assert "chmod go-rwx" in line(done, "runs")["remedy"]
    runs.rmdir()
    runs.symlink_to(desk.folder.parent)
    done = desk.run("doctor", "--offline", "--json")
    assert (done.code, line(done, "runs")["verdict"]) == (1, "problem")


def test_what_scripts_read_is_the_same_in_every_language(desk: Desk) -> None:
    english, chinese = (desk.run("--lang", lang, "doctor", "--offline", "--json") for lang in ("en", "zh"))
    assert [(one["topic"], one["verdict"], one["remedy"]) for one in english.json["lines"]] == [
        (one["topic"], one["verdict"], one["remedy"]) for one in chinese.json["lines"]
    ]
    assert line(chinese, "network")["text"] == "not tried (--offline)."
    assert "未尝试" in desk.run("--lang", "zh", "doctor", "--offline").out


def test_the_secret_and_the_token_are_never_shown(desk: Desk) -> None:
    done = desk.run("doctor", "--json")
    assert desk.sandbox is not None
    secret = desk.environment()["WXPUSH_SECRET"]
    tokens = {call.token for call in desk.sandbox.calls("/cgi-bin/openapi/quota/get")}
    assert tokens
    assert not any(word in done.out + done.err for word in {secret, *tokens})


def test_without_an_account_the_rest_is_still_examined(tmp_path: Path) -> None:
    done = Desk(tmp_path).run("doctor", "--json")
    assert done.code == 1
    assert verdicts(done)["python"] == "ok"
    assert line(done, "account")["verdict"] == "problem"
    assert "WXPUSH_APPID" in line(done, "account")["remedy"]


def test_offline_tries_no_network(desk: Desk) -> None:
    assert desk.sandbox is not None
    before = sum(desk.sandbox.requests_by_path.values())
    done = desk.run("doctor", "--offline", "--json")
    assert (done.code, verdicts(done)["network"]) == (0, "skipped")
    assert sum(desk.sandbox.requests_by_path.values()) == before


def test_a_network_that_is_gone_is_told_with_its_remedy(desk: Desk) -> None:
    assert desk.sandbox is not None
    desk.sandbox.go_down()
    done = desk.run("doctor", "--json")
    assert done.code == 1
    assert verdicts(done)["network"] == "problem"
    assert "WXPUSH_PROXY" in line(done, "network")["remedy"]
    assert verdicts(done)["token"] == "skipped"


def test_an_address_that_is_not_allowed_is_named(tmp_path: Path, open_wechat: Callable[..., Sandbox]) -> None:
    allowed = {"calls": "token", "addresses": ["203.0.113.5"], "seen_as": "198.51.100.7"}
    done = Desk(tmp_path, open_wechat(allow_list=allowed)).run("doctor", "--json")
    assert done.code == 1
    assert line(done, "allow_list")["verdict"] == "problem"
    assert "198.51.100.7" in line(done, "allow_list")["text"] + line(done, "allow_list")["remedy"]


def test_a_wrong_secret_is_a_problem_of_the_token(desk: Desk) -> None:
    desk.variables["WXPUSH_SECRET"] = "f" * 32
    done = desk.run("doctor", "--json")
    assert (done.code, verdicts(done)["token"]) == (1, "problem")


@pytest.mark.skipif(os.name != "posix", reason="needs modes")
def test_a_state_folder_that_others_may_write_is_a_problem(desk: Desk) -> None:
    desk.home.mkdir(mode=0o777)
    desk.home.chmod(0o777)
    done = desk.run("doctor", "--offline", "--json")
    assert (done.code, verdicts(done)["state"]) == (1, "problem")
    assert "chmod" in line(done, "state")["remedy"]


def test_a_used_up_quota_is_a_warning(desk: Desk) -> None:
    assert desk.sandbox is not None
    desk.sandbox.set_quota(daily=100, used=100)
    done = desk.run("doctor", "--json")
    assert (done.code, verdicts(done)["quota"]) == (0, "warning")


def test_a_clock_is_compared_with_the_servers(desk: Desk) -> None:
    account = Account("default", "wx0123456789abcdef", api_base=desk.environment()["WXPUSH_API_BASE"])
    now = time.time()
    behind = probe(account, wall=lambda: now - 600).ahead
    assert behind == pytest.approx(-600, abs=5)


@pytest.mark.parametrize(
    ("api_base", "stage"),
    [
        ("http://127.0.0.1:9", "connect"),
        ("https://name.invalid", "name"),
    ],
)
def test_where_the_way_ends_is_told(api_base: str, stage: str) -> None:
    found = probe(Account("default", "wx0123456789abcdef", api_base=api_base))
    assert (found.stage, bool(found.fault), bool(found.hint)) == (stage, True, True)
