"""`wxpush token`, `quota`, `explain` and `init`."""

import json
import os
import stat
from pathlib import Path

import pytest

from tests.cli.command import Desk, counts


def cached(desk: Desk) -> str:
    """The token that lies on the disk."""
    (file,) = desk.home.rglob("token.json")
    assert os.name == "nt" or stat.S_IMODE(file.stat().st_mode) == 0o600
    token = json.loads(file.read_text("utf-8"))["token"]
    assert isinstance(token, str)
    return token


def test_without_a_token_show_asks_nobody(desk: Desk) -> None:
    assert desk.run("token", "show", "--json").json == {"schema": 1, "token": None}
    assert desk.run("token", "show").code == 0
    assert desk.sandbox is not None
    assert desk.sandbox.requests_by_path == {}


def test_a_token_is_fetched_shown_masked_and_revealed_only_when_asked(desk: Desk) -> None:
    refreshed = desk.run("token", "refresh", "--json")
    token = cached(desk)
    shown = desk.run("token", "show", "--json")
    revealed = desk.run("token", "show", "--reveal", "--json")
    assert [done.code for done in (refreshed, shown, revealed)] == [0, 0, 0]
    assert token not in refreshed.out + refreshed.err + shown.out + shown.err
    assert shown.json["token"].startswith(token[:4])
    assert 0 < shown.json["seconds_left"] <= 7200
    assert revealed.json["token"] == token


def test_a_refresh_without_force_keeps_the_token_and_one_with_force_needs_yes(desk: Desk) -> None:
    desk.run("token", "refresh")
    token = cached(desk)
    desk.run("token", "refresh")
    assert cached(desk) == token
    refused = desk.run("token", "refresh", "--force")
    assert (refused.code, cached(desk)) == (2, token)
    assert "--yes" in refused.err
    assert desk.run("token", "refresh", "--force", "--yes").code == 0
    assert cached(desk) != token


def test_clear_forgets_the_token(desk: Desk) -> None:
    desk.run("token", "refresh")
    assert desk.run("token", "clear").code == 0
    assert list(desk.home.rglob("token.json")) == []
    assert desk.run("token", "clear").code == 0


def test_all_processes_share_one_token(desk: Desk) -> None:
    desk.prepare(2)
    assert desk.send().json["token_fetches"] == 1
    assert desk.send("--run", "second").json["token_fetches"] == 0
    assert desk.run("quota").code == 0
    assert desk.sandbox is not None
    assert desk.sandbox.requests_by_path["/cgi-bin/stable_token"] == 1


def test_a_wrong_secret_is_told_with_exit_3(desk: Desk) -> None:
    desk.variables["WXPUSH_SECRET"] = "e" * 32
    for command in (("token", "refresh"), ("quota",)):
        done = desk.run(*command)
        assert done.code == 3
        assert "40001" in done.err
        assert "e" * 32 not in done.err


def test_the_quota_is_what_wechat_says(desk: Desk) -> None:
    assert desk.sandbox is not None
    desk.sandbox.set_quota(daily=5000, used=1200)
    figures = {"limit": 5000, "used": 1200, "remain": 3800}
    assert desk.run("quota", "--json").json == {"schema": 1, "account": "default", **figures}
    assert "3,800" in desk.run("quota").out


@pytest.mark.parametrize("code", ["43004", "-1", "timeout"])
def test_a_code_is_explained_in_both_languages(desk: Desk, code: str) -> None:
    english = desk.run("explain", "--json", "--", code).json
    assert set(english) == {"schema", "code", "class", "meaning", "advice"}
    assert english["meaning"]
    assert english["advice"]
    chinese = desk.run("--lang", "zh", "explain", "--", code)
    assert chinese.code == 0
    assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese.out)


def test_init_writes_a_starter_that_works_and_overwrites_nothing(desk: Desk) -> None:
    assert desk.run("init", "first").code == 0
    names = {"campaign.yaml", "template.yaml", "users.csv", ".schemas"}
    assert {path.name for path in (desk.folder / "first").iterdir()} == names
    before = {path: path.read_bytes() for path in (desk.folder / "first").rglob("*") if path.is_file()}
    assert {path.name for path in before} == (names - {".schemas"}) | {
        "campaign.schema.json", "template.schema.json"
    }  # fmt: skip
    checked = desk.run("validate", "first", "--recipients", "first/users.csv", "--strict")
    assert (checked.code, checked.out) == (0, "")
    done = desk.run(
        "send", "first/campaign.yaml", "first/users.csv", "--sandbox", "--json", "--rate", "100/s"
    )
    assert (done.code, counts(done.json)) == (0, {"accepted": 6})
    again = desk.run("init", "first")
    assert again.code == 2
    assert "campaign.yaml" in again.err
    assert {path: path.read_bytes() for path in before} == before


def test_init_without_a_folder_writes_here_unless_a_file_is_in_the_way(desk: Desk) -> None:
    assert desk.run("init").code == 2
    Path(desk.folder / "template.yaml").unlink()
    assert desk.run("init").code == 0
    assert (desk.folder / "campaign.yaml").exists()


def test_init_where_no_folder_can_be_made_is_told(desk: Desk) -> None:
    desk.write("file", "")
    assert desk.run("init", "file/folder").code == 2
