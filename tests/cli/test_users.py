"""`wxpush users`: the account's people as a list, paged to the end and never beyond, whole or not at all."""

import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Desk, openid
from wxpush.channels.wechat.client import WeChatClient, make_keeper
from wxpush.channels.wechat.users import UserLists, pages
from wxpush.config import Directories, load_account
from wxpush.errors import StoppedError
from wxpush.report.draft import draft_of
from wxpush.sandbox import Sandbox, environment

TAGS = [
    {"id": 2, "name": "星标组", "members": [openid(1), openid(2), openid(3)]},
    {"id": 134, "name": "会员", "members": [openid(3), openid(2), openid(4)]},
    {"id": 135, "name": "门店", "members": [openid(2), openid(9)]},
]
LISTS = ("/cgi-bin/user/get", "/cgi-bin/tags/get", "/cgi-bin/user/tag/get")


@pytest.fixture
def account(tmp_path: Path, open_wechat: Callable[..., Sandbox]) -> Callable[..., Desk]:
    def make(**parts: Any) -> Desk:
        return Desk(tmp_path, open_wechat(**parts))

    return make


def pulled(text: str) -> list[str]:
    header, *openids = text.splitlines()
    assert header == "openid"
    return openids


@pytest.mark.parametrize("last_page", ["empty", "set"])
@pytest.mark.parametrize("count", [0, 1, 9_999, 10_000, 20_001])
def test_everybody_is_on_the_list_once_however_the_last_page_looks(
    account: Callable[..., Desk], count: int, last_page: str
) -> None:
    desk = account(followers={"listed": count, "last_page": last_page})
    done = desk.run("users", "pull")
    assert done.code == 0
    openids = pulled(done.out)
    assert len(openids) == len(set(openids)) == count
    assert f"{count:,} " in done.err
    assert "warning" not in done.err
    assert desk.sandbox is not None
    calls = len(desk.sandbox.calls("/cgi-bin/user/get"))
    assert calls <= count // 10_000 + 2


def test_the_list_is_one_that_send_takes(account: Callable[..., Desk]) -> None:
    desk = account(followers={"listed": 12})
    desk.campaign(data='\n  thing1: "咖啡豆"\n  character_string2: "SO1"\n  amount4: "1元"')
    assert desk.run("users", "pull", "--output", "users.csv").code == 0
    assert stat.S_IMODE((desk.folder / "users.csv").stat().st_mode) == 0o600
    assert desk.send().json["accepted"] == 12


def test_one_tag_by_its_name_or_its_number(account: Callable[..., Desk]) -> None:
    desk = account(tags=TAGS)
    for tag in ("会员", "134"):
        done = desk.run("users", "pull", "--tag", tag)
        assert sorted(pulled(done.out)) == [openid(2), openid(3), openid(4)]


def test_several_tags_are_united_or_all_of_them_asked_for(account: Callable[..., Desk]) -> None:
    desk = account(tags=TAGS)
    united = desk.run("users", "pull", "--tag", "2", "--tag", "会员", "--tag", "2")
    assert sorted(pulled(united.out)) == [openid(number) for number in (1, 2, 3, 4)]
    assert united.out == desk.run("users", "pull", "--any", "--tag", "2", "--tag", "134").out
    common = desk.run("users", "pull", "--all", "--tag", "2", "--tag", "134")
    assert sorted(pulled(common.out)) == [openid(2), openid(3)]
    of_three = desk.run("users", "pull", "--all", "--tag", "2", "--tag", "134", "--tag", "135")
    assert pulled(of_three.out) == [openid(2)]


def test_tags_of_thousands_are_united_over_their_pages(account: Callable[..., Desk]) -> None:
    shares = [{"id": 100, "name": "a", "share": "60%"}, {"id": 101, "name": "b", "share": "60%"}]
    desk = account(followers={"listed": 30_000}, tags=shares)
    of_a, of_b = (set(pulled(desk.run("users", "pull", "--tag", tag).out)) for tag in "ab")
    united = pulled(desk.run("users", "pull", "--tag", "a", "--tag", "b").out)
    common = pulled(desk.run("users", "pull", "--tag", "a", "--tag", "b", "--all").out)
    assert len(of_a) > 17_000
    assert (set(united), len(united)) == (of_a | of_b, len(of_a | of_b))
    assert (set(common), len(common)) == (of_a & of_b, len(of_a & of_b))


def test_an_unknown_tag_is_answered_with_those_there_are(account: Callable[..., Desk]) -> None:
    done = account(tags=TAGS).run("users", "pull", "--tag", "会员卡", "--output", "users.csv")
    assert done.code == 2
    assert 'no tag "会员卡"' in done.err
    assert "2 星标组, 134 会员, 135 门店" in done.err


def test_the_tags_are_shown(account: Callable[..., Desk]) -> None:
    desk = account(tags=TAGS)
    assert desk.run("users", "tags", "--json").json["tags"][1] == {"id": 134, "name": "会员", "count": 3}
    table = desk.run("users", "tags").out
    assert "134" in table
    assert "星标组" in table


@pytest.mark.parametrize(("code", "words"), [(48001, "verified accounts"), (45009, "used up")])
def test_a_refusal_comes_with_its_meaning_and_what_to_do(
    account: Callable[..., Desk], code: int, words: str
) -> None:
    refused = {"refused": code if code == 48001 else 0}
    desk = account(account=refused, followers={"listed": 20_000}, quota={"lists_daily": 1})
    desk.write("users.csv", "openid\nkept\n")
    done = desk.run("users", "pull", "--output", "users.csv")
    assert done.code == 3
    assert str(code) in done.err
    assert words in done.talk
    assert (desk.folder / "users.csv").read_text("utf-8") == "openid\nkept\n"
    assert sorted(path.name for path in desk.folder.iterdir()) == ["template.yaml", "users.csv"]


def test_a_tag_that_is_gone_meanwhile_is_said_so(account: Callable[..., Desk], tmp_path: Path) -> None:
    desk = account(tags=TAGS)
    assert desk.sandbox is not None
    chosen = load_account(None, environment(desk.sandbox))
    client = WeChatClient(chosen, make_keeper(chosen, Directories.choose({}, tmp_path / "home")))
    with pytest.raises(StoppedError) as refused:
        list(UserLists(client).tagged(7))
    client.close()
    assert refused.value.code == "45159"
    assert "`wxpush users tags`" in refused.value.hint


def test_a_file_that_holds_more_than_openids_is_left_alone(account: Callable[..., Desk]) -> None:
    desk = account(followers={"listed": 3})
    desk.write("users.csv", "openid,order_no\na,1\n")
    done = desk.run("users", "pull", "--output", "users.csv")
    assert done.code == 2
    assert "more in it than openids" in done.err
    assert desk.run("users", "pull", "--output", "nowhere/users.csv").code == 2
    desk.write("old.csv", "openid\nb\n")
    assert desk.run("users", "pull", "--output", "old.csv").code == 0
    assert len(pulled((desk.folder / "old.csv").read_text("utf-8"))) == 3


def test_a_reader_that_has_enough_ends_it_and_a_full_disk_is_told(account: Callable[..., Desk]) -> None:
    desk = account(followers={"listed": 200_000})
    assert desk.sandbox is not None
    with desk.start("users", "pull") as running:
        assert running.process.stdout is not None
        assert running.process.stdout.readline() == "openid\n"
        running.process.stdout.close()
        assert running.process.wait(30) == 0
        assert running.process.stderr is not None
        assert running.process.stderr.read() == ""
    assert desk.sandbox.requests_by_path["/cgi-bin/user/get"] < 20
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "wxpush", "users", "pull"]
        ended = subprocess.run(
            command,
            env=desk.environment(),
            cwd=desk.folder,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (ended.returncode, "No space left" in ended.stderr) == (4, True)


def test_ctrl_c_leaves_no_half_file(account: Callable[..., Desk]) -> None:
    desk = account(followers={"listed": 20_000}, faults={"lists": {"silence_before": {"after": 1}}})
    assert desk.sandbox is not None
    with desk.start("users", "pull", "--output", "users.csv") as running:
        deadline = time.monotonic() + 20
        while desk.sandbox.requests_by_path.get("/cgi-bin/user/get", 0) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        running.signal(signal.SIGINT)
        assert running.done().code == 130
    assert [path.name for path in desk.folder.iterdir()] == ["template.yaml"]


def test_what_a_kill_left_goes_with_the_next_pull_of_that_file(account: Callable[..., Desk]) -> None:
    desk = account(followers={"listed": 20_000}, faults={"lists": {"silence_before": {"after": 1}}})
    assert desk.sandbox is not None
    mine = desk.write(".users.csv.notes", "mine")
    with desk.start("users", "pull", "--output", "users.csv") as running:
        deadline = time.monotonic() + 20
        while desk.sandbox.requests_by_path.get("/cgi-bin/user/get", 0) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        (at_work,) = desk.folder.glob(".users.csv.*.wxpush-part")
        with draft_of(desk.folder / "users.csv") as file:  # another pull leaves alone what is being written
            file.write("openid\n")
        assert at_work.exists()
        running.process.kill()
        running.process.wait(20)
    assert at_work.exists()
    with draft_of(desk.folder / "others.csv"):
        assert at_work.exists()
    with draft_of(desk.folder / "users.csv"):
        assert not at_work.exists()
    assert sorted(path.name for path in desk.folder.iterdir()) == [
        mine.name, "others.csv", "template.yaml", "users.csv",
    ]  # fmt: skip


@pytest.mark.parametrize("option", ["--any", "--all"])
def test_what_is_about_tags_needs_one(account: Callable[..., Desk], option: str) -> None:
    desk = account(tags=TAGS)
    done = desk.run("users", "pull", option)
    assert (done.code, done.out) == (2, "")
    assert "--tag" in done.err
    assert desk.sandbox is not None
    assert desk.sandbox.requests_by_path == {}


def test_a_dash_is_standard_output(account: Callable[..., Desk]) -> None:
    desk = account(followers={"listed": 3})
    assert len(pulled(desk.run("users", "pull", "--output", "-").out)) == 3
    assert [path.name for path in desk.folder.iterdir()] == ["template.yaml"]


def test_a_token_that_another_system_replaced_is_renewed_on_the_way(account: Callable[..., Desk]) -> None:
    desk = account(
        followers={"listed": 25_000}, faults={"lists": {"token_replaced": {"after": 1, "times": 1}}}
    )
    assert len(pulled(desk.run("users", "pull").out)) == 25_000


def test_a_list_that_repeats_itself_is_gone_through_once() -> None:
    asked: list[str] = []

    def ask(after: str) -> dict[str, Any]:
        asked.append(after)
        return {"total": 2, "count": 1, "data": {"openid": [openid(1)]}, "next_openid": openid(1)}

    assert len(list(pages(ask))) == 2
    assert asked == ["", openid(1)]


@pytest.mark.parametrize("answer", [{"count": 0}, {"count": 0, "data": {}}, {"count": 0, "next_openid": "x"}])
def test_a_page_without_people_is_the_end(answer: dict[str, Any]) -> None:
    assert list(pages(lambda _after: answer)) == []
