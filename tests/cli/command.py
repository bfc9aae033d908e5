"""The command line as its users meet it: a folder with campaign, list and WeChat, and `wxpush` run in it."""

import csv
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wxpush.sandbox import Call, Sandbox, environment

TEMPLATE_ID = "mvfAq5sOBf4RH7pITKym3qm_CvU7epPNufQkYrXJ8LP"
TEMPLATE_FILE = f"""\
id: {TEMPLATE_ID}
title: 订单发货通知
content: |
  商品名称:{{{{thing1.DATA}}}}
  订单编号:{{{{character_string2.DATA}}}}
  订单金额:{{{{amount4.DATA}}}}
"""
KNOWN_TEMPLATE = {
    "template_id": TEMPLATE_ID,
    "title": "订单发货通知",
    "content": "商品名称:{{thing1.DATA}}\n订单编号:{{character_string2.DATA}}\n订单金额:{{amount4.DATA}}\n",
}
DATA = """
  thing1: "{{ product }}"
  character_string2: "{{ order_no }}"
  amount4: "{{ amount }}元\""""
COLUMNS = ("openid", "name", "order_no", "product", "amount")
STATES = ("accepted", "failed", "skipped", "held", "in_doubt", "pending")
SEND = "/cgi-bin/message/template/send"
Row = dict[str, str]


def openid(number: int) -> str:
    """An openid of the right shape that belongs to nobody."""
    return f"oW3kTzuBGTNqeX76QEj{number:09d}"


def people(count: int, start: int = 1) -> list[Row]:
    """`count` customers with an order each."""
    return [
        {
            "openid": openid(number),
            "name": "李晓雯",
            "order_no": f"SO20261123{number:05d}",
            "product": "云南小粒咖啡豆",
            "amount": "68.00",
        }
        for number in range(start, start + count)
    ]


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Standard output as the one JSON object that it must be."""
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value

    @property
    def talk(self) -> str:
        """Both outputs, with lines joined that were broken for the width."""
        return " ".join((self.out + " " + self.err).split())


class Running:
    """A command on its way; as a context it is killed at the end, if it is still there."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def done(self, timeout: float = 60) -> Done:
        """Wait for its end."""
        out, err = self.process.communicate(timeout=timeout)
        return checked(Done(self.process.returncode, out, err))


def checked(done: Done) -> Done:
    """No command ever shows a traceback or a fault of ours."""
    assert "Traceback" not in done.out + done.err, done.err
    assert done.code != 70, done.err
    return done


class Desk:
    """A folder to work in, with a state folder beside it and (perhaps) a WeChat to send to."""

    def __init__(self, folder: Path, sandbox: Sandbox | None = None) -> None:
        self.folder = folder / "work"
        self.home = folder / "home"
        self.folder.mkdir(parents=True)
        self.sandbox = sandbox
        self.variables: dict[str, str | None] = {}
        self.write("template.yaml", TEMPLATE_FILE)

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def campaign(self, file: str = "campaign.yaml", **changes: str | None) -> Path:
        """A campaign file; each change is a key with its YAML text, None takes the key out."""
        keys: dict[str, str | None] = {"name": "order-shipped", "template": "template.yaml", "data": DATA}
        lines = [f"{key}: {value}\n" for key, value in (keys | changes).items() if value is not None]
        return self.write(file, "".join(lines))

    def list(self, rows: Iterable[Mapping[str, str]], file: str = "users.csv") -> Path:
        """A CSV list."""
        path = self.folder / file
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, COLUMNS, restval="", extrasaction="raise")
            writer.writeheader()
            writer.writerows(rows)
        return path

    def prepare(self, count: int, **changes: str) -> None:
        """campaign.yaml and users.csv with `count` people."""
        self.campaign(**changes)
        self.list(people(count))

    def environment(self, **more: str | None) -> dict[str, str]:
        env: dict[str, str | None] = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("WXPUSH_", "PYTHON", "COLUMNS", "LINES", "LC_", "LANG"))
        }
        env |= {"WXPUSH_HOME": str(self.home), "WXPUSH_LANG": "en", "LC_ALL": "C.UTF-8", "NO_COLOR": None}
        env |= {"XDG_CONFIG_HOME": str(self.folder.parent / "config"), "COLUMNS": "200"}
        if self.sandbox is not None:
            env |= environment(self.sandbox)
        env |= self.variables | more
        return {key: value for key, value in env.items() if value is not None}

    def start(self, *arguments: str | Path, env: Mapping[str, str | None] | None = None) -> Running:
        """Begin a command; its outputs are pipes, its input is empty."""
        return Running(
            subprocess.Popen(
                [sys.executable, "-m", "wxpush", *map(str, arguments)],
                cwd=self.folder,
                env=self.environment(**(env or {})),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
            )
        )

    def run(
        self,
        *arguments: str | Path,
        stdin: bytes = b"",
        env: Mapping[str, str | None] | None = None,
        timeout: float = 60,
    ) -> Done:
        """Run a command to its end."""
        ended = subprocess.run(
            [sys.executable, "-m", "wxpush", *map(str, arguments)],
            cwd=self.folder,
            env=self.environment(**(env or {})),
            input=stdin,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
        texts = (raw.decode("utf-8", "replace").replace("\r\n", "\n") for raw in (ended.stdout, ended.stderr))
        return checked(Done(ended.returncode, *texts))

    def send(self, *options: str | Path, env: Mapping[str, str | None] | None = None) -> Done:
        """`wxpush send campaign.yaml users.csv --yes --rate 2000/s --json` and `options`."""
        return self.run(*send_arguments(*options), env=env)

    def retry(self, *options: str | Path) -> Done:
        """`wxpush retry-failed --yes --rate 2000/s --json` and `options`."""
        return self.run("retry-failed", "--yes", "--rate", "2000/s", "--json", *options)

    def shown(self) -> Counter[str]:
        """How many messages each person was really shown."""
        assert self.sandbox is not None
        return Counter(message.openid for message in self.sandbox.shown())

    def sends(self) -> int:
        """How many calls of template/send WeChat has had."""
        assert self.sandbox is not None
        return self.sandbox.requests_by_path.get(SEND, 0)


def send_arguments(*options: str | Path) -> Sequence[str | Path]:
    """The usual `send`, ready for a script."""
    return ("send", "campaign.yaml", "users.csv", "--yes", "--rate", "2000/s", "--json", *options)


def adds_up(result: Mapping[str, Any]) -> bool:
    """Whether the counts make the total (contract)."""
    return bool(result["total"] == sum(result[state] for state in STATES))


def counts(result: Mapping[str, Any]) -> dict[str, int]:
    """The counts that aren't zero."""
    return {state: result[state] for state in STATES if result[state]}


def at_call(number: int, act: Callable[[], object]) -> Callable[[Call], None]:
    """A hook that does something once, at the `number`-th send."""
    seen = 0

    def hook(_call: Call) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            act()

    return hook
