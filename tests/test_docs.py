"""What the documents say is so: links lead somewhere, commands exist, both languages say the same."""

import csv
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po

from wxpush.campaign.schema import Campaign
from wxpush.cli.commands import wxpush
from wxpush.cli.deferred import Deferred

ROOT = Path(__file__).parent.parent
READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]
DOCS = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "SECURITY.md", ROOT / "SECURITY.zh-CN.md"]
PAIRS = [
    (english, english.with_name(f"{english.stem}.zh-CN.md"))
    for english in (READMES[0], *DOCS)
    if ".zh-CN" not in english.name
]
EXIT_CODES = [0, 1, 2, 3, 4, 70, 130]

every_page = pytest.mark.parametrize(
    "page", [*READMES, *DOCS, ROOT / "CHANGELOG.md"], ids=lambda path: path.name
)
every_readme = pytest.mark.parametrize("page", READMES, ids=lambda path: path.name)
every_pair = pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair[0].name)


@cache
def text_of(page: Path) -> str:
    return page.read_text("utf-8")


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^ *```.*?^ *```$", "", text_of(page), flags=re.DOTALL | re.MULTILINE)


def headings(page: Path) -> list[tuple[int, str]]:
    return [(len(marks), title) for marks, title in re.findall(r"^(#+) (.+)$", prose(page), re.MULTILINE)]


def anchor(title: str) -> str:
    """The address that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def blocks(page: Path, language: str = r"\w+") -> list[str]:
    """The blocks of code, without indentation, comments and empty lines."""
    found = re.findall(rf"^ *```{language}\n(.*?)^ *```$", text_of(page), re.DOTALL | re.MULTILINE)
    lines = [[re.sub(r"(^| +)# .*$", "", line).strip() for line in block.splitlines()] for block in found]
    return ["\n".join(filter(None, block)) for block in lines]


def tables(page: Path) -> list[list[list[str]]]:
    """The tables, row by row, cell by cell, without their headers."""
    found = re.findall(r"(?:^\|.*\|\n)+", text_of(page), re.MULTILINE)
    return [
        [re.split(r"(?<!\\)\|", line)[1:-1] for line in table.splitlines()[2:]] for table in map(str, found)
    ]


def typed(cell: str) -> list[str]:
    """What of a cell is the same in every language: its code, or the number that it is."""
    return re.findall(r"`[^`]+`|^ \d+ $", cell)


def shell_commands(page: Path) -> list[list[str]]:
    lines = (line for block in blocks(page, "sh") for line in block.splitlines())
    return [shlex.split(line, comments=True) for line in lines]


def wxpush_commands(page: Path) -> list[list[str]]:
    return [words[1:] for words in shell_commands(page) if words[0] == "wxpush"]


def the_command() -> Any:
    return wxpush()


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """(words, command) of every command that does something, groups that do something alone included."""
    command = command.loaded() if isinstance(command, Deferred) else command
    inner = getattr(command, "commands", {})
    if path and (not inner or getattr(command, "invoke_without_command", False)):
        yield path, command
    for name, child in inner.items():
        yield from leaves(child, (*path, name))


def options_of(command: Any) -> set[str]:
    named = (option for one in command.params for option in (*one.opts, *one.secondary_opts))
    return {option for option in named if option.startswith("--")}


@cache
def all_options() -> frozenset[str]:
    known = {option for _path, command in leaves(the_command()) for option in options_of(command)}
    return frozenset(known | options_of(the_command()) | {"--help"})


@every_page
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    broken = []
    for link in links:
        if re.match(r"\w+:", link):
            continue
        path, _, place = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (place and place not in {anchor(title) for _, title in headings(target)}):
            broken.append(link)
    assert broken == []


@every_pair
def test_both_languages_have_the_same_sections(pair: tuple[Path, Path]) -> None:
    english, chinese = ([level for level, _title in headings(page)] for page in pair)
    assert chinese == english


@every_pair
def test_both_languages_show_the_same_code(pair: tuple[Path, Path]) -> None:
    english, chinese = map(blocks, pair)
    assert chinese == english
    assert english != []


@every_pair
def test_both_languages_have_the_same_tables(pair: tuple[Path, Path]) -> None:
    english, chinese = ([[typed(row[0]) for row in table] for table in tables(page)] for page in pair)
    assert chinese == english


@every_pair
def test_both_languages_name_the_same_options(pair: tuple[Path, Path]) -> None:
    english, chinese = (set(re.findall(r"--[a-z][a-z-]+", prose(page))) for page in pair)
    assert chinese == english


@every_page
def test_every_command_line_can_be_parsed(page: Path) -> None:
    for words in wxpush_commands(page):
        name, *arguments = words
        command = the_command().commands[name]
        command.make_context(name, arguments)


@every_page
def test_every_target_of_make_exists(page: Path) -> None:
    targets = set(re.findall(r"^(\w+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {words[1] for words in shell_commands(page) if words[0] == "make"}
    named |= set(re.findall(r"`make (\w+)", prose(page)))
    assert named - targets == set()


@every_readme
def test_every_command_is_in_the_table(page: Path) -> None:
    table = next(table for table in tables(page) if "`wxpush send CAMPAIGN" in table[0][0])
    told = " ".join(row[0] for row in table)
    missing = [path for path, _command in leaves(the_command()) if not re.search(rf"\b{path[-1]}\b", told)]
    assert missing == []


@every_readme
def test_every_option_of_send_and_retry_failed_is_told(page: Path) -> None:
    commands = the_command().commands
    told = set(re.findall(r"--[a-z][a-z-]+", prose(page)))
    assert (options_of(commands["send"]) | options_of(commands["retry-failed"])) - told == set()


def texts_that_name_commands() -> Iterator[tuple[str, str]]:
    """(place, text) of everything outside the pages that may tell a person what to type."""
    yield from ((page.name, prose(page)) for page in (*READMES, *DOCS, ROOT / "CHANGELOG.md"))
    with (ROOT / "wxpush/channels/wechat/errcodes.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield from ((row["code"], row[column]) for column in ("advice_zh", "advice_en"))
    for folder in (ROOT / "samples", ROOT / "templates", ROOT / "wxpush" / "starter"):
        yield from ((path.name, path.read_text("utf-8")) for path in sorted(folder.rglob("*.yaml")))
    with (ROOT / "wxpush/locale/zh_CN/LC_MESSAGES/wxpush.po").open("rb") as catalogue:
        for message in read_po(catalogue, locale="zh_CN"):
            forms = (message.id, message.string)
            yield from (
                ("wxpush.po", text) for form in forms for text in ([form] if isinstance(form, str) else form)
            )


def test_nobody_is_told_to_type_a_command_that_does_not_exist() -> None:
    commands = the_command().commands
    groups = {name: set(group.commands) for name, group in commands.items() if hasattr(group, "commands")}
    wrong = []
    for place, text in texts_that_name_commands():
        for name, second in re.findall(
            r"(?:`|：|运行 |run |用 )wxpush ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?", text
        ):
            if name not in commands or (second and name in groups and second not in groups[name]):
                wrong.append(f"{place}: wxpush {name} {second}".rstrip())
    assert wrong == []


def test_nobody_is_told_to_pass_an_option_that_does_not_exist() -> None:
    wrong = [
        f"{place}: {option}"
        for place, text in texts_that_name_commands()
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)
        if option not in all_options()
    ]
    assert wrong == []


@every_readme
def test_the_exit_codes_are_all_there(page: Path) -> None:
    numbered = [table for table in tables(page) if all(re.fullmatch(r" \d+ ", row[0]) for row in table)]
    assert [[int(row[0]) for row in table] for table in numbered] == [EXIT_CODES]


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair[0].name.startswith("templates")])
def test_every_key_of_a_campaign_is_documented(pair: tuple[Path, Path]) -> None:
    for page in pair:
        keys = [row[0].strip(" `") for row in tables(page)[0]]
        assert sorted(keys) == sorted(Campaign.model_fields)


def rehearsals(page: Path) -> list[list[str]]:
    """The command lines of a first campaign that need no account."""
    return [
        words
        for words in wxpush_commands(page)
        if words[0] == "init" or {"--sandbox", "--dry-run"} & set(words)
    ]


@every_readme
def test_the_first_campaign_goes_as_it_is_told(page: Path, tmp_path: Path) -> None:
    commands = rehearsals(page)
    assert [words[0] for words in commands] == ["init", "send", "send"]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("WXPUSH_")}
    environ |= {"WXPUSH_HOME": str(tmp_path / "home"), "WXPUSH_LANG": "en", "PYTHONPATH": str(ROOT)}
    said = [
        subprocess.run(
            [sys.executable, "-m", "wxpush", *words],
            cwd=tmp_path,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=True,
        ).stdout
        for words in commands
    ]
    assert "all 6 accepted" in said[1]
    assert "6 messages are ready" in said[2]
    assert {path.name for path in (tmp_path / "first").iterdir()} == {
        "campaign.yaml",
        "template.yaml",
        "users.csv",
        ".schemas",
    }
