"""Text of others that would take over a terminal or a spreadsheet: it is shown, defused, and kept exactly."""

import fcntl
import json
import os
import re
import socket
import struct
import subprocess
import sys
import termios
import threading
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from tests.channels.loopback import Loopback, http
from tests.cli.command import SEND, TEMPLATE_FILE, Desk, openid
from tests.guarantees.plugin import Measured, Scale
from wxpush.console.safe import safe, safe_json

MANY = Path(__file__).with_name("many.py")
TEXTS = [
    # Sequences that move, erase, retitle, ask, copy or hide. Colours are not those that wxpush uses itself.
    "\x1b[2J", "\x1b[H", "\x1b[999;999H", "\x1b[1;1Hpaid", "\x1b[5mblink", "\x1b[8mhidden", "\x1b[41;37mred",
    "\x1b[38;5;196mred", "\x1b[6n", "\x1b[c", "\x1b[?1049h", "\x1b[?47l", "\x1b[20t", "\x1b[3J", "\x1bc",
    "\x1b(0lqk", "\x1b]0;title\x07", "\x1b]2;title\x1b\\", "\x1b]8;;http://evil\x1b\\shop\x1b]8;;\x1b\\",
    "\x1b]8;;file:///etc/passwd\x07x", "\x1b]52;c;cm0gLXJm\x07", "\x1b]1337;File=:AA\x07",
    "\x1bP+q544e\x1b\\",
    "\x1b_Gf=100\x1b\\", "\x1b^private\x1b\\", "\x1b", "\x9b31mC1", "\x9d0;C1\x9c", "\x90q\x9c", "\x85next",
    "\x84C1",
    # Order, invisibility, noise.
    "\u202egnp.exe", "\u202dltr", "\u2066isolate\u2069", "\u2067rtl\u2069", "\u200b\u200czero", "\u2060join",
    "\ufeffmark", "\u061carabic", "\U000e0041tag", "ding\x07", "back\x08\x08\x08", "\x7fdelete",
    # Lines that are forged.
    "one\r\nerror: two", "over\rwritten", "up\x0b\x0cdown", "line\u2028para\u2029",
    # Markup of the library that draws.
    "[red]", "[/]", "[link=http://evil]click[/link]",
]  # fmt: skip
#: What wxpush writes itself: a colour, bold or dim and their end; cursor hidden, shown or up; line erased.
_OWN = re.compile(
    r"\x1b\[(?:0|1|2|3[1-6]|1;3[1-6]|2;3[1-6])?m|\x1b\[\?25[lh]|\r?\x1b\[1A|\r?\x1b\[2K|\x1b\[K"
)


def stripped(raw: bytes) -> str:
    """What was shown, without wxpush's own sequences and with plain line ends."""
    text = _OWN.sub("", raw.decode("utf-8"))
    return re.sub(r"\r+\n", "\n", text)


def controls(shown: str) -> list[str]:
    """The lines in which something is left that a terminal could obey."""
    kinds = [(line, {unicodedata.category(char)[0] for char in line}) for line in shown.split("\n")]
    return [ascii(line) for line, found in kinds if "C" in found]


def has_shown(shown: str, text: str) -> bool:
    """Whether the text is there, made safe or as JSON has it, however its lines were broken."""
    forms = (safe(text), safe_json(json.dumps(text, ensure_ascii=False))[1:-1])
    return any(re.sub(r"\s", "", form) in re.sub(r"\s", "", shown) for form in forms)


class Hostile:
    """A WeChat that says one of the texts to everybody it refuses, and to who wants a token in vain."""

    def __init__(self) -> None:
        self.grants = True
        self.refused = 0
        self._lock = threading.Lock()

    def __call__(self, connection: socket.socket, request: bytes) -> bool:
        with self._lock:
            connection.sendall(http(self._answer(request)))
        return True

    def _answer(self, request: bytes) -> dict[str, object]:
        path = request.split(b" ", 2)[1].decode().partition("?")[0]
        if "token" in path and self.grants:
            return {"access_token": "92_token", "expires_in": 7200}
        if path == SEND or "token" in path:
            text = TEXTS[self.refused % len(TEXTS)]
            self.refused += 1
            return {"errcode": 190_000 + self.refused % len(TEXTS), "errmsg": text}
        return {"errcode": 48001, "errmsg": TEXTS[0]}


def as_file(text: str) -> str:
    """The text as far as a file can be called so."""
    return text.replace("/", "\u2215")


def ascii_json(value: object) -> str:
    """A value in YAML and JSON, whose text is plain."""
    return json.dumps(value, ensure_ascii=True)


def prepare(desk: Desk, texts: list[str]) -> Iterator[list[str]]:
    """Files that bear and hold the texts; the commands in whose way they are."""
    desk.campaign(checks="{thing: off, text: off}")
    for number, text in enumerate(texts):
        desk.write(f"{number}.template.yaml", TEMPLATE_FILE.replace("订单发货通知", ascii_json(text)))
        desk.campaign(f"{number}.yaml", template=f"{number}.template.yaml", checks="{thing: off}")
        good = {"openid": openid(number), "order_no": "SO1", "product": text, "amount": "1", text: text}
        desk.write(f"{as_file(text)}.jsonl", ascii_json(good))
        desk.write(f"{number}.jsonl", ascii_json({**good, "openid": text}))
        yield ["send", "campaign.yaml", f"{as_file(text)}.jsonl", "--dry-run"]
        yield ["send", f"{number}.yaml", "one.jsonl", "--dry-run"]
        yield ["send", "campaign.yaml", f"{number}.jsonl", "--dry-run"]
        yield ["send", f"{as_file(text)}.yaml", "one.jsonl", "--dry-run"]
        yield ["send", "campaign.yaml", "one.jsonl", "--dry-run", "--run", text]
    rows = [
        {"openid": openid(number), "name": text, "order_no": "SO1", "product": text, "amount": "1"}
        for number, text in enumerate(TEXTS)
    ]
    desk.write("users.jsonl", "\n".join(map(ascii_json, rows)))
    desk.write("one.jsonl", ascii_json({**rows[0], "product": "云南小粒咖啡豆"}))


def on_a_pipe(desk: Desk, *arguments: str) -> bytes:
    """Everything that is shown by a process on pipes."""
    ended = subprocess.run(
        [sys.executable, str(MANY), *arguments],
        cwd=desk.folder,
        env=desk.environment(COLUMNS=None),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=300,
        check=True,
    )
    return ended.stdout


def on_a_terminal(desk: Desk, *arguments: str) -> bytes:
    """Everything that is shown by a process on a terminal."""
    person, program = os.openpty()
    fcntl.ioctl(program, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 100, 0, 0))
    process = subprocess.Popen(
        [sys.executable, str(MANY), *arguments],
        cwd=desk.folder,
        env=desk.environment(TERM="xterm-256color", COLUMNS=None),
        stdin=program,
        stdout=program,
        stderr=program,
        start_new_session=True,
    )
    os.close(program)
    heard = b"".join(_read(person))
    os.close(person)
    assert process.wait(60) == 0, heard
    return heard


def _read(person: int) -> Iterator[bytes]:
    while True:
        try:
            heard = os.read(person, 65536)
        except OSError:  # the other end is closed
            return
        if not heard:
            return
        yield heard


Show = Callable[..., bytes]


def shown_by(desk: Desk, show: Show, commands: Iterable[list[str]]) -> tuple[str, list[int]]:
    """What these commands show, and their exit codes."""
    asked = desk.write("commands.json", ascii_json(list(commands)))
    codes = desk.folder / "codes.json"
    raw = show(desk, str(asked), str(codes))
    return stripped(raw), json.loads(codes.read_text())


@pytest.mark.guarantee("T31")
@pytest.mark.parametrize("show", [on_a_pipe, on_a_terminal])
def test_t31_hostile_text_is_shown_and_obeyed_by_no_terminal(
    tmp_path: Path, scale: Scale, measured: Measured, show: Show
) -> None:
    """The short version has every fifth text in files, names and token calls, but all in a run."""
    assert len(set(TEXTS)) == 50
    texts = TEXTS[:: scale(5, 1)]
    desk, wechat = Desk(tmp_path), Hostile()
    by_files = list(prepare(desk, texts))
    names = [["report", text] for text in texts]
    sending = ["send", "campaign.yaml", "users.jsonl", "--yes", "--rate", "2000/s"]
    table = ["report"] if show is on_a_pipe else ["report", "--format", "csv"]
    with Loopback(wechat) as server:
        desk.variables |= {
            "WXPUSH_APPID": "wx0123456789abcdef",
            "WXPUSH_SECRET": "0123456789abcdef0123456789abcdef",
            "WXPUSH_API_BASE": server.url,
        }
        files, file_codes = shown_by(desk, show, by_files)
        sent, sent_codes = shown_by(
            desk, show, [sending, ["report"], ["report", "--format", "json"], table, ["runs"], *names]
        )
        wechat.grants, wechat.refused = False, 0
        desk.variables["WXPUSH_HOME"] = str(tmp_path / "without a token")
        tokens, token_codes = shown_by(
            desk, show, [["quota"]] * len(TEXTS) if scale.long else [["quota"]] * 10
        )
    everything = "\n".join([files, sent, tokens])
    assert controls(everything) == []
    assert "MarkupError" not in everything
    assert "Traceback" not in everything
    assert {70, 130} & {*file_codes, *sent_codes, *token_codes} == set()
    assert file_codes[0::5] == [0] * len(texts), "the rehearsals with their values and lists"
    assert set(file_codes[2::5]) == set(file_codes[3::5]) == {2}, "openids, and campaigns that aren't there"
    assert sent_codes[0] == 1
    places = {"files and options": files, "answers to a message": sent, "answers to a token call": tokens}
    wanted = {
        "files and options": texts,
        "answers to a message": TEXTS,
        "answers to a token call": TEXTS[: len(token_codes)],
    }
    unseen = [
        (where, ascii(text))
        for where, shown in places.items()
        for text in wanted[where]
        if not has_shown(shown, text)
    ]
    assert unseen == []
    measured(
        f"{'a pipe' if show is on_a_pipe else 'a terminal'}: 50 of 50 shown as text by "
        f"{len(file_codes) + len(sent_codes) + len(token_codes)} commands, 0 control characters"
    )
