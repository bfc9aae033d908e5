"""What a command is to write: refused before anything is sent where it can't be, else told aloud."""

import shutil
from pathlib import Path

import pytest

from tests.cli.command import Desk, at_call, openid, people

OPTIONS = ("--skips", "--failures", "--report", "--log")


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize(
    ("name", "reason"), [("none/x.csv", "No such file"), ("users.csv/x", "Not a dir"), ("folder", "")]
)
def test_what_cannot_be_written_is_refused_before_anything_is_sent(
    desk: Desk, option: str, name: str, reason: str
) -> None:
    desk.prepare(3)
    (desk.folder / "folder").mkdir()
    before = sorted(path.name for path in desk.folder.iterdir())
    done = desk.send(option, name)
    assert (done.code, done.json["state"], desk.sends()) == (2, "refused", 0)
    assert f"{option}: {name} " in done.talk
    assert reason in done.talk
    assert f"Give {option} the name of a" in done.talk
    assert sorted(path.name for path in desk.folder.iterdir()) == before


def test_what_is_looked_for_later_is_refused_likewise(desk: Desk) -> None:
    desk.prepare(2)
    desk.send()
    for command in (("runs", "show", "--undelivered"), ("retry-failed", "--all", "--yes", "--log")):
        done = desk.run(*command, "none/x.csv")
        assert (done.code, "none/x.csv can't be written" in done.talk) == (2, True)


def test_a_trial_leaves_nothing_behind_and_a_device_is_taken(desk: Desk) -> None:
    desk.prepare(2)
    assert desk.send("--report", "/dev/null", "--skips", "skips.csv", "--log", "log").code == 0
    assert not (desk.folder / "skips.csv").exists()
    assert (desk.folder / "log").exists()


def test_a_folder_that_goes_meanwhile_is_told_aloud(desk: Desk) -> None:
    assert desk.sandbox is not None
    desk.campaign()
    desk.list([*people(5), *people(1)])
    desk.sandbox.unfollow(openid(2))
    out = desk.folder / "out"
    out.mkdir()
    desk.sandbox.on_send(at_call(3, lambda: shutil.rmtree(out)))
    done = desk.send("--skips", "out/skips.csv", "--failures", "out/failures.csv")
    assert done.code == 1
    for name in ("skips.csv", "failures.csv"):
        (found,) = desk.home.rglob(name)
        told = f"{Path('out') / name} can't be written; the table lies in {found} instead."
        assert told.replace(" ", "") in done.talk.replace(" ", "")
