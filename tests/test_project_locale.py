"""Every message has its Chinese, in the words that the project has settled on."""

import ast
import re
import string
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po

from wxpush import i18n

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "wxpush"
LOCALE = PACKAGE / "locale"
PO = LOCALE / "zh_CN" / "LC_MESSAGES" / "wxpush.po"
KEYWORDS = {"_": None, "ngettext": (1, 2)}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
REMEDY = "run `make locale` and write the Chinese"

# The word on the left, in the English, asks for the one on the right in the Chinese.
GLOSSARY = {
    r"campaigns?": "群发任务",
    r"recipients?": "接收人",
    r"ledgers?": "台账",
    r"in doubt": "结果不明",
    r"templates?": "模板",
    r"quotas?": "额度",
    r"(?:was|were|are|is|be) skipped": "跳过",
    r"held": "审核",
    r"pending": "待发送",
}

# Words that would be a second name for a thing that has one.
WRONG_WORDS = {
    "营销活动": "群发任务",
    "模版": "模板",
    "帐号": "公众号 or 账号",
    "帐户": "公众号 or 账户",
    "收件人": "接收人",
    "配额": "额度",
    "登陆": "登录",
    "缺省": "默认",
}


def ids(message: Message) -> tuple[str, ...]:
    """The English of a message: one text, or singular and plural."""
    return (message.id,) if isinstance(message.id, str) else tuple(message.id)


def strings(message: Message) -> tuple[str, ...]:
    """The Chinese of a message."""
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ("",))


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale="zh_CN")


@cache
def chinese() -> dict[tuple[str, ...], Message]:
    return {ids(message): message for message in read(PO) if message.id}


@cache
def said_by_the_code() -> set[tuple[str, ...]]:
    found = extract_from_dir(PACKAGE, keywords=KEYWORDS)
    return {(message,) if isinstance(message, str) else message for _, _, message, _, _ in found}


def listed_in(path: Path) -> set[tuple[str, ...]]:
    return {ids(message) for message in read(path) if message.id}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_the_template_is_in_step_with_the_code() -> None:
    assert listed_in(LOCALE / "wxpush.pot") ^ said_by_the_code() == set(), REMEDY


def test_the_chinese_catalogue_holds_the_messages_of_the_code_and_of_typer_and_no_others() -> None:
    assert chinese().keys() ^ (said_by_the_code() | listed_in(LOCALE / "typer.pot")) == set(), REMEDY


def test_every_message_has_its_chinese() -> None:
    missing = [message.id for message in chinese().values() if not all(strings(message))]
    assert missing == [], REMEDY


def test_no_translation_is_a_guess() -> None:
    assert [message.id for message in chinese().values() if message.fuzzy] == []


def test_a_translation_names_the_same_values_as_its_source() -> None:
    different = {
        text: ids(message)
        for message in chinese().values()
        for text in strings(message)
        if text and placeholders(text) != placeholders(ids(message)[-1])
    }
    assert different == {}


def typed(text: str) -> list[str]:
    """What of a message isn't language: options, variables, double braces, colours, line breaks."""
    return sorted(re.findall(r"--[a-z-]+|WXPUSH_\w+|\{\{|\}\}|\[/\w*\]|\n", text))


def test_options_variables_and_markup_survive_translation() -> None:
    different = {
        text: ids(message)
        for message in chinese().values()
        for text in strings(message)
        if text and typed(text) != typed(ids(message)[-1])
    }
    assert different == {}


def test_the_compiled_catalogue_is_the_text_catalogue_compiled() -> None:
    compiled = BytesIO()
    write_mo(compiled, read(PO))
    compiled.seek(0)
    with PO.with_suffix(".mo").open("rb") as file:
        shipped = {ids(message): message.string for message in read_mo(file) if message.id}
    assert shipped == {ids(message): message.string for message in read_mo(compiled) if message.id}, REMEDY


def spoken(text: str) -> str:
    """A text without what is typed: placeholders, options, variables, code between backticks."""
    return re.sub(r"\{[^}]*\}|`[^`]*`|--[a-z-]+|WXPUSH_\w+|\b\w+\.(?:yaml|csv|db)\b", " ", text)


@pytest.mark.parametrize(("word", "translation"), GLOSSARY.items())
def test_one_word_has_one_translation(word: str, translation: str) -> None:
    pattern = re.compile(rf"\b(?:{word})\b", re.IGNORECASE)
    different = {
        message.id: message.string
        for message in chinese().values()
        if pattern.search(spoken(ids(message)[-1]))
        and any(text and translation not in text for text in strings(message))
    }
    assert different == {}


def chinese_texts() -> Iterator[tuple[str, str]]:
    """(place, text) of everything Chinese that a person may read: catalogue, data tables, samples, docs."""
    yield from ((PO.name, text) for message in chinese().values() for text in strings(message))
    yield from (
        ("README.zh-CN.md", line) for line in (ROOT / "README.zh-CN.md").read_text("utf-8").splitlines()
    )
    for folder in (PACKAGE, ROOT / "samples", ROOT / "templates", ROOT / "docs"):
        for path in sorted(folder.rglob("*")):
            if path.suffix in {".py", ".yaml", ".md"} or path.name == "errcodes.csv":
                yield from (
                    (str(path.relative_to(ROOT)), line) for line in path.read_text("utf-8").splitlines()
                )


@pytest.mark.parametrize(("wrong", "right"), WRONG_WORDS.items())
def test_no_chinese_text_has_a_second_word_for_a_thing(wrong: str, right: str) -> None:
    places = [f"{place}: {text}" for place, text in chinese_texts() if wrong in text]
    assert places == [], f"say {right}"


def test_chinese_is_punctuated_as_chinese() -> None:
    han = "[\u4e00-\u9fff]"
    halfwidth = re.compile(rf"{han}[,;:!?]|{han}\.(?:\s|$)")
    wrong = [
        text
        for message in chinese().values()
        for text in strings(message)
        # What the English quotes in Chinese is quoted here too.
        if set(halfwidth.findall(text)) - set(halfwidth.findall(ids(message)[-1]))
    ]
    assert wrong == []


def lookups(nodes: Iterable[ast.AST]) -> Iterator[ast.Call]:
    """The calls of `_` and `ngettext` among some nodes."""
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KEYWORDS:
            yield node


def run_at_import(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that are evaluated while a module is imported: all but the bodies of functions."""
    yield node
    inner = {id(child) for child in getattr(node, "body", [])} if isinstance(node, FUNCTIONS) else set()
    for child in ast.iter_child_nodes(node):
        if id(child) not in inner and not isinstance(node, ast.Lambda):
            yield from run_at_import(child)


def sources() -> Iterator[tuple[str, ast.Module]]:
    """(path, syntax tree) of every module that says something."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.name != "i18n.py":
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text("utf-8"))


def test_messages_are_written_out_where_they_are_said() -> None:
    """`_()` takes a literal: the extraction would never find an f-string or a variable."""
    hidden = [
        f"{path}:{call.lineno}"
        for path, tree in sources()
        for call in lookups(ast.walk(tree))
        if not all(isinstance(text, ast.Constant) for text in call.args[:2])
    ]
    assert hidden == []


def test_messages_are_looked_up_when_they_are_said() -> None:
    """Not at import, when the language isn't chosen yet; `cli` is imported after the choice."""
    early = [
        f"{path}:{call.lineno}"
        for path, tree in sources()
        if not path.startswith("wxpush/cli")
        for call in lookups(run_at_import(tree))
    ]
    assert early == []


@pytest.fixture
def spoken_language() -> Iterator[None]:
    before = i18n.language()
    yield
    i18n.set_language(before)


@pytest.mark.usefixtures("spoken_language")
def test_typer_speaks_chinese_too() -> None:
    i18n.set_language("zh")
    assert sys.modules["gettext"].gettext("Options") == "选项"
    i18n.set_language("en")
    assert sys.modules["gettext"].gettext("Options") == "Options"


def test_no_message_stands_inside_an_f_string() -> None:
    """What extracts the messages doesn't look there, so that such a one would stay English."""
    hidden = [
        f"{path.relative_to(PACKAGE)}:{call.lineno}"
        for path in PACKAGE.rglob("*.py")
        for joined in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(joined, ast.JoinedStr)
        for call in ast.walk(joined)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in ("_", "ngettext")
    ]
    assert hidden == []
