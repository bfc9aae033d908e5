"""README names what there is: every command and option in it exists, and every one that exists is in it."""

import re
from functools import cache
from pathlib import Path

import pytest

from tests.cli.command import Desk

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text("utf-8")
CHINESE_README = ROOT / "README.zh-CN.md"
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
COMMANDS = [
    "send",
    "validate",
    "preview",
    "retry-failed",
    "runs",
    "runs show",
    "runs settle",
    "report",
    "trace",
    "receipts serve",
    "receipts import",
    "suppress add",
    "suppress remove",
    "suppress list",
    "suppress import",
    "suppress export",
    "token show",
    "token refresh",
    "token clear",
    "template list",
    "template pull",
    "template diff",
    "users pull",
    "users tags",
    "notify test",
    "quota",
    "explain",
    "schema",
    "init",
    "doctor",
    "sandbox",
]
GROUPS = {"notify", "receipts", "runs", "suppress", "template", "token", "users"}


def section(title: str, text: str = README) -> str:
    """The text under a heading or after a line that begins so, up to the next one."""
    _before, _found, rest = text.partition(title)
    assert _found, title
    return re.split(r"\n#|\n\n(?=[^|\n])", rest.lstrip("\n:"), maxsplit=1)[0]


def first_cells(table: str) -> list[str]:
    rows = [line for line in table.splitlines() if line.startswith("|")][2:]
    assert rows
    return [re.split(r"(?<!\\)\|", row)[1] for row in rows]


@cache
def options_of(desk_folder: Path, command: str) -> frozenset[str]:
    done = Desk(desk_folder / command.replace(" ", "-")).run(*command.split(), "--help")
    assert done.code == 0, done.err
    return frozenset(OPTION.findall(done.out)) - {"--help", "--lang"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("help")


def test_every_command_of_the_readme_exists_and_every_command_is_in_it(folder: Path) -> None:
    table = section("Every command explains itself with `--help`.")
    named = set()
    for cell in first_cells(table):
        first, *others = re.findall(r"`([^`]+)`", cell)
        words = [word for word in first.removeprefix("wxpush ").split() if word.islower()]
        named.add(" ".join(words))
        for other in others:
            more = [word for word in other.removeprefix("wxpush ").split() if word.islower()]
            named.add(" ".join(more if other.startswith("wxpush ") else [*words[:-1], *more]))
    assert named == set(COMMANDS)
    for command in named:
        options_of(folder, command)


def test_the_program_has_no_other_commands(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    listed = set()
    for group in ("", *GROUPS):
        help_text = desk.run(*group.split(), "--help").out
        commands = help_text.partition("Commands\n")[2].partition("\n\n")[0]
        names = re.findall(r"^  ([a-z][a-z-]*)  ", commands, re.MULTILINE)
        assert names
        listed |= {f"{group} {name}".strip() for name in names}
    assert listed - GROUPS | {"runs"} == set(COMMANDS)


def test_the_options_of_send_are_those_of_the_readme(folder: Path) -> None:
    table = section("Options of `send`:")
    named = {option for cell in first_cells(table) for option in OPTION.findall(cell)}
    assert named == options_of(folder, "send")


def test_the_options_of_retry_failed_are_those_of_the_readme(folder: Path) -> None:
    sentence = re.search(r"`retry-failed` takes (.+)\.", README)
    assert sentence is not None
    (row,) = [line for line in README.splitlines() if line.startswith("| `wxpush retry-failed")]
    assert set(OPTION.findall(sentence[1] + row)) == options_of(folder, "retry-failed")


def test_the_options_of_runs_settle_are_those_of_the_readme(folder: Path) -> None:
    told = README.partition("### Messages in doubt\n")[2].partition("\n### ")[0]
    assert set(OPTION.findall(told)) == options_of(folder, "runs settle")


def test_the_options_before_the_command_are_those_of_the_readme(tmp_path: Path) -> None:
    (sentence,) = [line for line in README.splitlines() if "`--lang" in line]
    shown = OPTION.findall(Desk(tmp_path).run("--help").out.partition("\nOptions")[2])
    assert set(OPTION.findall(sentence)) == set(shown) - {"--help"}


def test_the_options_of_the_sandbox_are_those_of_its_page(folder: Path) -> None:
    page = (ROOT / "docs" / "sandbox.md").read_text("utf-8")
    table = section("| option of `wxpush sandbox`", page)
    named = set(
        OPTION.findall("\n".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| `")))
    )
    assert named == options_of(folder, "sandbox")


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "README.zh-CN.md",
        "docs/notify.md",
        "docs/receipts.md",
        "docs/sandbox.md",
        "docs/templates-and-filters.md",
    ],
)
def test_every_command_line_in_the_docs_can_be_typed(folder: Path, name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    lines = re.findall(r"`(wxpush [^`\n]+)`", text) + re.findall(
        r"^ *(wxpush .+?)(?:  |$)", blocks, re.MULTILINE
    )
    assert lines
    for line in lines:
        words = line.split()
        command = " ".join(words[1:3]) if words[1] in GROUPS and len(words) > 2 else words[1]
        command = command if command in COMMANDS else words[1]
        assert command in COMMANDS or words[1] in GROUPS, line
        if command in COMMANDS:
            assert set(OPTION.findall(line)) <= options_of(folder, command), line


def test_both_readmes_name_the_same_options() -> None:
    chinese = CHINESE_README.read_text("utf-8")
    assert set(OPTION.findall(chinese)) == set(OPTION.findall(README))
