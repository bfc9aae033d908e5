"""Hostile text in lists, names and answers: shown as text, defused for spreadsheets, sent as it was."""

import csv
import json
import os
import pty
import re
import select
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.channels.loopback import Loopback, http
from tests.cli.command import COLUMNS, Desk, openid
from tests.console.stage import CORPUS
from tests.guarantees.plugin import Measured, Scale
from tests.guarantees.stage import a_desk
from wxpush.campaign.recipients import open_recipients
from wxpush.model import Recipient

HOSTILE = [
    *CORPUS,
    "\x1bc", "\x1b]0;owned\x07", "\x1b]8;;file:///etc/passwd\x1b\\link\x1b]8;;\x1b\\",
    "\x1b]52;c;cm0gLXJm\x07", "\x1bPq#0\x1b\\", "\x1b[?1049h", "\x1b[6n", "\x1b[31m", "\x90q",
    "\x9d0;x\x9c", "\x85next line", "\x7f\x08", "\x0b\x0c", "\u202aa", "\u202bb", "\u202dc",
    "\u2067x\u2069", "\u2068y", "\u200e\u200f", "\u061c", "\u200c\u200d", "\u2060", "\ufeff", "\u00ad",
    "\u2029", "\U000e0041\U000e007f", "\ufffe", "\U0010ffff", "\ufff9x\ufffb",
    "[link=http://evil]x[/link]", "[/][/][/]", "[bold", "[@click=app.bell]x[/]", "[[/]]", "\\[red]",
    "{0}{name}%s%(name)s", "a\x1b[1A\x1b[2Kforged line",
]  # fmt: skip
FORBIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
OURS = re.compile(r"\x1b\[(?:[0-9;]*m|2K|1A|\?25[lh])|\r")
"""Colours, and what redraws the line of the progress."""
CODES = (43004, 47003, 40003, 43101, 43019)


def wild(text: str) -> set[str]:
    """The characters of an output that are neither visible nor ours."""
    return {char for char in OURS.sub("", text) if unicodedata.category(char) in FORBIDDEN} - {"\n"}


def on_a_terminal(desk: Desk, *words: str) -> str:
    """All that a command shows on a terminal of its own."""
    ours, its = pty.openpty()
    env = desk.environment(TERM="xterm-256color", COLUMNS="100")
    process = subprocess.Popen(
        [sys.executable, "-m", "wxpush", *words], cwd=desk.folder, env=env, stdin=its, stdout=its, stderr=its
    )
    os.close(its)
    shown = b""
    with process:
        while select.select([ours], [], [], 60)[0]:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the last one that had it open is gone
                break
            shown += part
        process.kill()
    os.close(ours)
    return shown.decode("utf-8", "surrogateescape")


def on_a_pipe(desk: Desk, *words: str) -> str:
    """All that a command writes to pipes."""
    done = desk.run(*words)
    return done.out + done.err


class TalkingApi:
    """A WeChat that answers every second message with an error in hostile words."""

    def __init__(self) -> None:
        self._asked = 0

    def __call__(self, connection: Any, request: bytes) -> bool:
        body: dict[str, Any] = {"errcode": 0, "errmsg": "ok", "msgid": 1}
        if b"stable_token" in request:
            body = {"access_token": "92_x", "expires_in": 7200}
        elif b"quota/get" in request:
            body = {"errcode": 76021, "errmsg": HOSTILE[3]}
        elif self._asked % 2 == 0:
            number = self._asked // 2
            body = {"errcode": CODES[number % 5], "errmsg": f"<{HOSTILE[number % len(HOSTILE)]}>"}
        self._asked += b"template/send" in request
        connection.sendall(http(json.dumps(body).encode()))
        return True


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with a_desk(tmp_path) as desk, Loopback(TalkingApi()) as api:
        desk.variables["WXPUSH_API_BASE"] = api.url
        yield desk


def nasty_list(desk: Desk) -> None:
    """Two people for each text, which is their name and, for half of them, what they bought."""
    rows = [
        {
            "openid": openid(number),
            "name": f"<{text}>",
            "order_no": f"SO{number}",
            "product": "茶",
            "amount": "1",
        }
        for number, text in enumerate(text for text in HOSTILE for _twice in range(2))
    ]
    desk.write("users.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    bad = [row | {"product": row["name"], "openid": row["name"]} for row in rows]
    desk.write("bad.jsonl", "".join(json.dumps(row) + "\n" for row in bad))


SEND = ("send", "campaign.yaml", "users.jsonl", "--yes", "--skip-invalid", "--rate", "2000/s")


@pytest.mark.guarantee("T31")
@pytest.mark.parametrize("show", [on_a_terminal, on_a_pipe], ids=["terminal", "pipe"])
def test_t31_hostile_text_of_lists_and_answers_is_shown_as_text(
    desk: Desk, measured: Measured, show: Callable[..., str]
) -> None:
    desk.campaign(stop_when="{failure_rate: 100%}")
    nasty_list(desk)
    shown = {
        "a sending": show(desk, *SEND),
        "a refusal": show(desk, "send", "campaign.yaml", "bad.jsonl", "--yes"),
        "a rehearsal": show(desk, *SEND, "--dry-run"),
        "a test": show(desk, *SEND[:4], "--to", openid(900)),
        "a run": show(desk, "runs", "show"),
        "a report": show(desk, "report"),
        "a report as JSON": show(desk, "report", "--json"),
        "JSON": show(desk, *SEND, "--run", "two", "--json"),
    }
    if show is on_a_terminal:  # on a pipe it is data, exact to the character
        shown["a table"] = show(desk, "report", "--format", "csv")
    for name, text in shown.items():
        assert wild(text) == set(), name
        assert "a fault in wxpush itself" not in text, name
        assert "Traceback" not in text, name
    everything = " ".join(shown.values())
    assert "\\u202eevil" in everything
    assert "[/]" in everything
    measured(f"{len(HOSTILE)} texts in lists and answers, {len(shown)} commands: 0 raw characters")


def yaml_text(text: str) -> str:
    """A YAML scalar that means `text`, where YAML has one."""
    return json.dumps(text)


@pytest.mark.guarantee("T31")
@pytest.mark.parametrize("show", [on_a_terminal, on_a_pipe], ids=["terminal", "pipe"])
def test_t31_hostile_names_are_shown_as_text(
    desk: Desk, scale: Scale, measured: Measured, show: Callable[..., str]
) -> None:
    texts = [text for text in HOSTILE if "\0" not in text and text != "\ud800"]
    commands = 0
    for number, text in enumerate(texts[:: scale(18, 1)]):
        name = text.replace("/", "∕")
        desk.campaign(f"{name}.yaml", name=yaml_text(f"run {text}"), template=yaml_text(f"{name}.tpl"))
        desk.write(f"{name}.tpl", TEMPLATE.replace("TITLE", yaml_text(f"title {text}")))
        desk.write(f"{name}.csv", f"openid,name,order_no,product,amount\n{openid(number)},李,SO1,茶,1\n")
        for words in (
            ("send", f"{name}.yaml", f"{name}.csv", "--yes"),
            ("send", f"{name}.yml", f"{name}.jsonl", "--run", text, "--account", text),
            ("runs",),
            ("runs", "show", text),
            ("retry-failed", f"run {text}", "--yes"),
            ("explain", text),
            ("send", "--rate", text, f"--{text}", text),
        )[number % 2 :: scale(3, 2)]:
            shown = show(desk, *words)
            assert wild(shown) == set(), (text, words)
            assert "a fault in wxpush itself" not in shown, (text, words)
            assert "Traceback" not in shown, (text, words)
            commands += 1
    measured(f"hostile names of files, runs and titles, {commands} commands: 0 raw characters")


TEMPLATE = """\
id: mvfAq5sOBf4RH7pITKym3qm_CvU7epPNufQkYrXJ8LP
title: TITLE
content: |
  商品名称:{{thing1.DATA}}
  订单编号:{{character_string2.DATA}}
  订单金额:{{amount4.DATA}}
"""

FORMULAS = [
    "=1+1", "+1", "-1", "@SUM(A1)", "=cmd|'/c calc'!A0", '=HYPERLINK("http://evil","x")',
    '=DDE("a";"b")', "-2+3+cmd|' /C calc'!A0", "=1+1;=2+2", "=1,2", "=\n1",
    "\t=1+1", "\r=1+1", "\n=1+1", "\tplain", " =1+1", "   +1", "'=1+1", "''=1", "' -1", '"=1+1"',
    "\u3000=1+1", "\xa0=1+1", "\u200b=1+1", "\ufeff=1+1", "\u2060@x", "\xad+1", "\u2003-1", "\x0b=1",
    "\x1f=1", "＝1+1", "＋1", "－1", "＠SUM", " ＝1", "﹦1", "−1",
]  # fmt: skip
SIGNS = "=+-@＝＋－＠﹦−"
PLAIN_CAMPAIGN = {
    "data": '\n  keyword1: "{{ name }}"',
    "template": "plain.yaml",
    "checks": "{formula: off, error_value: off}",
}
PLAIN_TEMPLATE = "id: mvfAq5sOBf4RH7pITKym3qm_CvU7epPNufQkYrXJ8LP\ntitle: t\ncontent: '{{keyword1.DATA}}'\n"


def bare(cell: str) -> str:
    """A cell as a careless program has it: without what is blank or can't be seen in front."""
    while cell and unicodedata.category(cell[0]) in (*FORBIDDEN, "Zs"):
        cell = cell[1:]
    return cell


def what_was_shown(desk: Desk) -> dict[str, tuple[Any, ...]]:
    """By person, the texts of the last message, to be compared with another sending's."""
    assert desk.sandbox is not None
    return {message.openid: tuple(message.data.values()) for message in desk.sandbox.shown()}


@pytest.mark.guarantee("T32")
def test_t32_formulas_are_defused_and_sent_again_as_they_were(tmp_path: Path, measured: Measured) -> None:
    with a_desk(tmp_path, templates=[], any_template=True) as desk:
        assert desk.sandbox is not None
        desk.campaign(**PLAIN_CAMPAIGN)
        desk.write("plain.yaml", PLAIN_TEMPLATE)
        rows = [
            {"openid": openid(number), "name": text, "order_no": "1", "product": text, "amount": "1"}
            for number, text in enumerate(FORMULAS)
        ]
        desk.list(rows)
        assert desk.send("--run", "control").json["accepted"] == len(FORMULAS)
        wanted = what_was_shown(desk)
        people = [row["openid"] for row in rows]
        for person in people:
            desk.sandbox.unfollow(person)
        failed = desk.send("--skip-invalid").json
        while failed["pending"]:  # it stops where the first twenty fail alike
            failed = desk.send("--skip-invalid").json
        assert failed["failed"] == len(FORMULAS)
        file = desk.folder / failed["failures_file"]
        with file.open(encoding="utf-8-sig", newline="") as stream:
            cells = [cell for line in csv.reader(stream) for cell in line]
        assert [cell for cell in cells if bare(cell)[:1] in tuple(SIGNS)] == []
        assert [cell for cell in cells if cell[:1] in ("\t", "\r", "\n")] == []
        again = [row.values for row in open_recipients(file) if isinstance(row, Recipient)]
        assert again == [{column: row[column] for column in COLUMNS} for row in rows]
        mended = file.rename(desk.folder / "mended.csv")
        for person in people:
            desk.sandbox.follow(person)
        before = len(desk.sandbox.shown())
        assert desk.retry("order-shipped", "--code", "43004").json["accepted"] == len(FORMULAS)
        assert len(desk.sandbox.shown()) == before + len(FORMULAS)
        assert what_was_shown(desk) == wanted
        done = desk.run(
            "send", "campaign.yaml", mended, "--yes", "--rate", "2000/s", "--json", "--run", "three"
        )
        assert done.json["accepted"] == len(FORMULAS)
        assert what_was_shown(desk) == wanted
    measured(f"{len(FORMULAS)} of {len(FORMULAS)} defused; retried and taken back as they were")
