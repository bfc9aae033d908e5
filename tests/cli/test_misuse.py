"""Command lines that can't be taken: said in our own words, in the operator's language."""

import re
from pathlib import Path

import pytest

from tests.cli.command import Desk
from tests.cli.test_documented import COMMANDS

WRONG = {
    "send c.yaml u.csv --workers many": (
        "--workers: “many” is not a whole number from 1 to 512.",
        "--workers：“many”",
    ),
    "send c.yaml u.csv --workers 513": (
        "--workers: “513” is not a whole number from 1 to 512.",
        "--workers：“513”",
    ),
    "send c.yaml u.csv --limit -1": ("--limit: “-1” is not a whole number from 1 on.", "--limit：“-1”"),
    "preview c.yaml u.csv --row 1.5": ("--row: “1.5” is not a whole number from 1 on.", "--row：“1.5”"),
    "preview c.yaml u.csv -n ９": ("-n: “９” is not a whole number from 1 to 200.", "-n：“９”"),
    "sandbox --port 99999999": ("--port: “99999999” is not a whole number from 0 to 65,535.", "--port"),
    "validate c.yaml --format yaml": ("--format: “yaml” is not known here.", "--format：“yaml”"),
    "validate c.yaml --strickt": ("There is no option --strickt. Did you mean --strict?", "--strickt"),
    "send c.yaml u.csv more words": ("More than the command takes: more words", "more words"),
    "send c.yaml": ("The list is lacking.", "缺少名单"),
    "send c.yaml u.csv --rate": ("--rate needs a value.", "--rate"),
    "send c.yaml u.csv --yes=3": ("--yes takes no value.", "--yes"),
    "runs sho": ("There is no command sho. Did you mean show?", "sho"),
    "xyzzy": ("There is no command xyzzy.", "xyzzy"),
    "--lang": ("--lang needs a value.", "--lang"),
}
OTHERS = re.compile(r"[Ii]nput should|valid integer|parse|[Vv]alue error|No such|Got |requires an|argument\b")


@pytest.mark.parametrize("line", WRONG)
def test_what_is_wrong_with_a_command_line_is_said_in_our_own_words(tmp_path: Path, line: str) -> None:
    desk, (english, chinese) = Desk(tmp_path), WRONG[line]
    done = desk.run(*line.split())
    assert (done.code, done.out) == (2, "")
    assert english in done.err
    assert not OTHERS.search(done.err)
    translated = desk.run(*line.split(), env={"WXPUSH_LANG": "zh"})
    assert translated.code == 2
    assert chinese in translated.err
    assert not OTHERS.search(translated.err)
    assert re.search("[\u4e00-\u9fff]", translated.err.removeprefix("错误"))


def test_where_to_look_names_the_command(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert "See: wxpush runs show --help" in desk.run("runs", "show", "--nope").err
    assert "See: wxpush send --help" in desk.run("--lang", "en", "send", "a", "b", "--rate").err


@pytest.mark.parametrize("command", COMMANDS)
def test_the_language_may_stand_behind_every_command(tmp_path: Path, command: str) -> None:
    desk = Desk(tmp_path)
    behind = desk.run(*command.split(), "--help", "--lang", "zh")
    assert behind.code == 0
    assert behind.out == desk.run("--lang", "zh", *command.split(), "--help").out
    assert "--lang zh|en" in behind.out


def test_the_language_behind_a_command_is_obeyed_and_not_taken_for_an_argument(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.campaign()
    for place in (("--lang=zh", "validate", "campaign.yaml"), ("validate", "--lang", "zh", "campaign.yaml")):
        done = desk.run(*place)
        assert (done.code, done.err) == (0, "已检查 2 个文件：没有问题。\n")
    assert "系统繁忙" in desk.run("explain", "--lang", "zh", "--", "-1").out
