"""Every problem code has an example that shows it and one that doesn't; the page that lists them is true."""

import json
import re
import runpy
import zipfile
from collections.abc import Callable
from contextlib import nullcontext
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import yaml

import wxpush
from wxpush.app.sieve import Sieve
from wxpush.app.validating import ListToCheck, validate
from wxpush.channels.wechat.eventfile import entries, event_of
from wxpush.channels.wechat.events import BadEventError
from wxpush.config.file import read_config
from wxpush.errors import ProblemsError
from wxpush.i18n import in_english, speaking
from wxpush.model import Problem
from wxpush.report.annotations import sarif
from wxpush.sandbox.scenario import load

ROOT = Path(__file__).parent.parent
EXAMPLES: list[dict[str, Any]] = yaml.safe_load((ROOT / "tests" / "problems.yaml").read_text("utf-8"))
CODES = [example["code"] for example in EXAMPLES]

CAMPAIGN = {
    "name": "orders",
    "template": "template.yaml",
    "checks": "{}",
    "data": '\n  thing1: "{{ product }}"\n  character_string2: "{{ order_no }}"',
}
TEMPLATE_ID = "mvfAq5sOBf4RH7pITKym3qm_CvU7epPNufQkYrXJ8LP"
TEMPLATE = f"""\
id: {TEMPLATE_ID}
title: 订单发货通知
content: |
  商品名称:{{{{thing1.DATA}}}}
  订单编号:{{{{character_string2.DATA}}}}
"""
LIST = "openid,product,order_no\noW3kTzuBGTNqeX76QEj000000001,云南小粒咖啡豆,SO2026112300001\n"


def campaign(changes: str = "") -> str:
    """A good campaign with its keys replaced by those of `changes`."""
    replaced = re.findall(r"^(\w+):", changes, re.MULTILINE)
    kept = [f"{key}: {value}\n" for key, value in CAMPAIGN.items() if key not in replaced]
    return "".join(kept) + changes.rstrip("\n") + "\n"


class Folder:
    """A folder with a good campaign, template, list and words, until an example is written into it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.list: str | None = None
        self.sieve: Sieve | None = None
        self.write("template.yaml", TEMPLATE)
        self.write("words.txt", "加微信\n")
        self.write("campaign.yaml", campaign())
        self.write("users.csv", LIST)

    def write(self, name: str, content: str | bytes) -> None:
        (self.path / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    def problems(self) -> list[Problem]:
        wanted = (
            None if self.list is None else ListToCheck(self.path / self.list, self.list, None, self.sieve)
        )
        checking = lambda _lines: nullcontext(lambda _rows: None)  # noqa: E731 - a listener that is silent
        today = date(2026, 11, 23)
        try:
            return validate([self.path / "campaign.yaml"], wanted, today=today, checking=checking).problems
        except ProblemsError as error:
            return list(error.problems)


def workbook(path: Path, cell: object) -> None:
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(["openid", "product", "order_no"])
    book.active.append(["oW3kTzuBGTNqeX76QEj000000001", cell, "SO2026112300001"])
    if isinstance(cell, str) and cell.startswith("#"):
        book.active["B2"].data_type = "e"
    book.save(path)


def with_list(content: str | bytes, name: str = "users.csv") -> Callable[[Folder], None]:
    def write(folder: Folder) -> None:
        folder.write(name, content)
        folder.list = name

    return write


def with_campaign(content: str | bytes) -> Callable[[Folder], None]:
    return lambda folder: folder.write("campaign.yaml", content)


def with_workbook(cell: object) -> Callable[[Folder], None]:
    def write(folder: Folder) -> None:
        workbook(folder.path / "users.xlsx", cell)
        folder.list = "users.xlsx"

    return write


def joined_with(bindings: str) -> Callable[[Folder], None]:
    def write(folder: Folder) -> None:
        folder.write("users.csv", "phone,product,order_no\n13800000001,咖啡豆,SO2026112300001\n")
        folder.write("openids.csv", bindings)
        folder.list, folder.sieve = "users.csv", Sieve(join=Path("openids.csv"), on="phone")

    return write


def excluding(people: str) -> Callable[[Folder], None]:
    def write(folder: Folder) -> None:
        folder.write("vip.csv", people)
        folder.list, folder.sieve = "users.csv", Sieve(exclude=("vip.csv",))

    return write


def no_list(folder: Folder) -> None:
    folder.list = "nowhere.csv"


def broken_workbook(folder: Folder) -> None:
    with zipfile.ZipFile(folder.path / "users.xlsx", "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook")
    folder.list = "users.xlsx"


ROW = "oW3kTzuBGTNqeX76QEj000000001,{},SO2026112300001\n"
HEAD = "openid,product,order_no\n"
MADE: dict[str, tuple[Callable[[Folder], None], Callable[[Folder], None]]] = {
    "WX102": (
        lambda folder: folder.write("template.yaml", TEMPLATE.encode("gbk")),
        lambda folder: folder.write("template.yaml", TEMPLATE),
    ),
    "WX103": (with_campaign(campaign() + "#" * 300_000), with_campaign(campaign() + "#" * 200_000)),
    "WX104": (with_campaign(campaign("name: orders\x0c")), with_campaign(campaign("name: orders"))),
    "WX109": (with_campaign(campaign("checks: " + "[" * 40 + "]" * 40)), with_campaign(campaign())),
    "WX111": (with_campaign(""), with_campaign(campaign())),
    "WX130": (with_campaign("services: {}\n"), with_campaign(campaign())),
    "WX301": (no_list, with_list(LIST)),
    "WX304": (
        with_list(LIST.encode() * 3 + b"\xff\xfe\xff,\x81\n"),
        with_list(LIST.encode("gb18030")),
    ),
    "WX305": (with_list(LIST + "\0" * 10), with_list(LIST)),
    "WX309": (with_list(HEAD + ROW.format("咖" * 2_000_000)), with_list(LIST)),
    "WX314": (broken_workbook, with_workbook("咖啡豆")),
    "WX315": (with_workbook("#N/A"), with_workbook("咖啡豆")),
    "WX316": (with_workbook(1234567890123456789), with_workbook("1234567890123456789")),
    "WX318": (
        joined_with("phone,openid,product\n13800000001,oW3kTzuBGTNqeX76QEj000000001,x\n"),
        joined_with("phone,openid\n13800000001,oW3kTzuBGTNqeX76QEj000000001\n"),
    ),
    "WX319": (excluding("phone\n13800000001\n"), excluding("openid\noW3kTzuBGTNqeX76QEj000000009\n")),
    "WX404": (with_list(HEAD + ROW.format("咖" * 100_000)), with_list(LIST)),
}
ELSEWHERE = {
    "WX214": "tests/cli/test_validate.py; the library is there wherever the tests run",
    "WX510": "tests/channels/test_keywords_values.py; no list that can be read has half a character in it",
    "WX550": "tests/channels/test_template.py; a campaign's template that is a list is a fault of its form",
}


def write_example(folder: Folder, entry: dict[str, Any], example: Any) -> None:
    """Put one example of `entry` into the folder."""
    more = entry.get("with", "")
    if isinstance(example, dict) and "text" in example:
        more, example = example["with"], example["text"]
    match entry["in"]:
        case "campaign":
            folder.write("campaign.yaml", campaign(str(example)))
        case "template":
            folder.write("template.yaml", example)
            keywords = dict.fromkeys(re.findall(r"\{\{(\w+)\.DATA\}\}", example), "咖啡豆")
            data = "".join(
                f"\n  {name}: {'已发货' if name == 'const1' else text}" for name, text in keywords.items()
            )
            folder.write("campaign.yaml", campaign(f"data: {data or '{thing1: x}'}\n"))
        case "value":
            name = entry["keyword"]
            allowed = f"allowed: {{{name}: [{', '.join(entry['allowed'])}]}}\n" if "allowed" in entry else ""
            content = f"content: '内容:{{{{{name}.DATA}}}}'\n"
            folder.write("template.yaml", f"id: {TEMPLATE_ID}\ntitle: 通知\n{content}{allowed}")
            folder.write("campaign.yaml", campaign(f'data: {{{name}: "{example}"}}\n'))
        case "list":
            ending = entry.get("ending", ".csv")
            if isinstance(example, dict):  # the same content with the usual ending
                ending, example = ".csv", entry["wrong"]
            folder.write("campaign.yaml", campaign(more))
            folder.write(f"users{ending}", example)
            folder.list = f"users{ending}"


def codes_of(entry: dict[str, Any], which: str, path: Path) -> list[str]:
    """The codes of what is found."""
    return [problem.code for problem in problems_of(entry, which, path)]


def problems_of(entry: dict[str, Any], which: str, path: Path) -> list[Problem]:
    """The codes of the problems that one example of `entry` has."""
    folder = Folder(path)
    if entry.get("made"):
        MADE[entry["code"]][which == "right"](folder)
    elif entry["in"] == "events":
        wrong = _wrong_events(entry[which])
        return [Problem("events", 0, 0, "WX801", "")] * wrong
    elif entry["in"] in ("config", "scenario"):
        folder.write("example.yaml", entry[which])
        try:
            (read_config if entry["in"] == "config" else load)(folder.path / "example.yaml")
        except ProblemsError as error:
            return list(error.problems)
        return []
    else:
        write_example(folder, entry, entry[which])
    return folder.problems()


def _wrong_events(text: str) -> int:
    """How many lines of a file of events `receipts import` can't read."""
    wrong = 0
    for entry in entries(BytesIO(text.encode())):
        try:
            event_of(entry.body, None, [], 1_800_000_000)
        except BadEventError:
            wrong += 1
    return wrong


EXAMINED = [
    entry
    for entry in EXAMPLES
    if entry["in"] not in ("settle", "online", "suppress") and entry["code"] not in ELSEWHERE
]  # tests/app/test_settling.py has the decisions, tests/cli/test_validate_online.py the account,
# tests/cli/test_suppress.py the files of `wxpush suppress import`
each = pytest.mark.parametrize("entry", EXAMINED, ids=[entry["code"] for entry in EXAMINED])


@each
def test_the_wrong_example_has_the_problem(entry: dict[str, Any], tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    found = [one for one in problems_of(entry, "wrong", tmp_path) if one.code == entry["code"]]
    assert {one.severity.value for one in found} == {entry.get("level", "error")}, "as the page says"


@each
def test_a_problem_knows_what_it_is_in_english(
    entry: dict[str, Any], tmp_path: Path, monkeypatch: Any
) -> None:
    """Machines are told in English, while people are in their language."""
    monkeypatch.chdir(tmp_path)
    with speaking("en"):
        english = [(one.message, one.hint) for one in problems_of(entry, "wrong", tmp_path)]
    with speaking("zh"):
        chinese = problems_of(entry, "wrong", tmp_path)
        told = [(in_english(one.message), in_english(one.hint)) for one in chinese]
    assert told == english
    assert "".join(message for message, _hint in english) == "" or english != [
        (str(one.message), str(one.hint)) for one in chinese
    ]


@each
def test_the_right_example_has_no_problem(entry: dict[str, Any], tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    assert codes_of(entry, "right", tmp_path) == []


def test_what_is_said_in_words_is_said_whole() -> None:
    """A comma in a text without quotes would end it, and make a key of its rest."""
    said = [entry[which] for entry in EXAMPLES for which in ("wrong", "right")]
    assert all(text.keys() in ({"en", "zh"}, {"with", "text"}) for text in said if isinstance(text, dict))


def test_every_code_is_listed_once_and_in_order() -> None:
    used = set()
    for path in Path(wxpush.__file__).parent.rglob("*.py"):
        used |= set(re.findall(r'"(WX\d{3})"', path.read_text(encoding="utf-8")))
    assert sorted(used) == CODES


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_is_written_from_the_examples(language: str) -> None:
    script = runpy.run_path(str(ROOT / ".ci" / "problems.py"))
    path: Path = script["PAGES"][language]
    assert path.read_text(encoding="utf-8") == script["page"](language)
    assert re.findall(r"^### (WX\d{3}):", path.read_text(encoding="utf-8"), re.MULTILINE) == CODES


def test_what_sarif_tells_of_the_rules_is_written_from_the_examples() -> None:
    script = runpy.run_path(str(ROOT / ".ci" / "problems.py"))
    assert script["RULES"].read_text(encoding="utf-8") == script["rules"](), "run: python .ci/problems.py"
    log = json.loads(sarif([Problem("a.yaml", 1, 1, code, "x") for code in CODES]))
    described = log["runs"][0]["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in described] == sorted(CODES)
    for rule, meant in zip(described, sorted(EXAMPLES, key=lambda one: str(one["code"])), strict=True):
        assert rule["shortDescription"]["text"] == meant["en"]
        assert "Wrong" in rule["help"]["text"]
        assert "Right" in rule["help"]["markdown"]
