"""What a command is to write: refused before anything is sent where it can't be, else told aloud."""

import shutil
from pathlib import Path

import pytest

from tests.cli.command import Desk, at_call, openid, people
from wxpush.cli.outputs import refuse_same

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


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--skips", "both.csv", "--failures", "both.csv"), ("--skips: both.csv", "--failures")),
        (("--report", "r", "--skips", "folder/../r"), ("--skips: folder/../r", "--report")),
        (("--failures", "link/r", "--report", "folder/r"), ("--failures: link/r", "--report")),
        (("--log", "r", "--skips", "r"), ("--log: r", "--skips")),
        (("--skips", "users.failures.csv"), ("users.failures.csv", "--skips")),
    ],
)
def test_two_outputs_with_one_name_are_refused_before_anything_is_sent(
    desk: Desk, options: tuple[str, ...], told: tuple[str, str]
) -> None:
    desk.prepare(3)
    (desk.folder / "folder").mkdir()
    (desk.folder / "link").symlink_to("folder")
    done = desk.send(*options)
    assert (done.code, done.json["state"], desk.sends()) == (2, "refused", 0)
    assert "one would replace the other" in done.talk
    assert all(word in done.talk for word in told)
    assert "Give --" in done.talk


def test_a_file_that_the_campaign_names_is_no_output(desk: Desk) -> None:
    desk.prepare(3)
    desk.write("words.txt", "免费\n")
    desk.campaign(blocked_words="words.txt")
    for name in ("template.yaml", "words.txt", "users.csv", "campaign.yaml"):
        kept = (desk.folder / name).read_bytes()
        for option in ("--skips", "--failures"):
            done = desk.send(option, name)
            assert (done.code, done.json["state"], desk.sends()) == (2, "refused", 0)
            assert f"{option}: {name} is a file that this command reads" in done.talk
        assert (desk.folder / name).read_bytes() == kept


def test_a_device_takes_what_several_write() -> None:
    refuse_same({"--report": Path("/dev/null"), "--skips": Path("/dev/null"), "--log": None})
