"""Files made to eat time or memory are refused soon, with their place, and nothing is sent."""

import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.command import DATA, TEMPLATE_FILE, Desk, openid

LIMIT_S = 10.0
"""Seconds, of which most are Python's start and the machine's other work; a bomb would take for ever."""
LIMIT_KIB = 512 * 1024
GOOD = f"openid,name,order_no,product,amount\n{openid(1)},李,SO1,茶,1\n"


def expression(text: str) -> Callable[[Desk], None]:
    """A campaign with this expression, which a column of 4,000 letters feeds."""

    def write(desk: Desk) -> None:
        desk.campaign(data=DATA.replace("{{ product }}", text.replace('"', "'")))
        desk.write("users.csv", GOOD.replace("李", "李" * 4000))

    return write


def yaml_file(name: str, text: str) -> Callable[[Desk], None]:
    return lambda desk: _write(desk, name, text)


def _write(desk: Desk, name: str, content: str | bytes) -> None:
    desk.prepare(1)
    desk.write(name, content)


def workbook(desk: Desk) -> None:
    """A part that unpacks to 1 GiB."""
    desk.prepare(1)
    with (
        zipfile.ZipFile(desk.folder / "users.csv", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part,
    ):
        for _block in range(1024):
            part.write(bytes(1 << 20))


ALIASES = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
)
BOMBS: dict[str, Callable[[Desk], None]] = {
    "open brackets": yaml_file("campaign.yaml", "a: " + "[" * 200_000),
    "closed brackets": yaml_file("campaign.yaml", "a: " + "[" * 100_000 + "]" * 100_000),
    "dashes": yaml_file("template.yaml", "- " * 100_000),
    "aliases": yaml_file("campaign.yaml", ALIASES),
    "a cycle": yaml_file("template.yaml", "a: &a [*a]\n"),
    "many keys": yaml_file("campaign.yaml", "".join(f"k{n}: v\n" for n in range(21_000))),
    "ten megabytes": yaml_file("campaign.yaml", "a: 1\n" * 2_000_000),
    "a device as template": lambda desk: (desk.prepare(1), desk.campaign(template="/dev/zero"))[0],
    "a power": expression("{{ 10 ** 10 ** 10 }}"),
    "a repeated text": expression("{{ name * 1000000000 }}"),
    "a wide format": expression('{{ "%1000000000d" % 1 }}'),
    "a loop": expression("{% for a in range(100000000) %}x{% endfor %}"),
    "a text blown up": expression("{{ name | replace('李', name) | replace('李', name) }}"),
    "a text many times": expression("{{ name }}" * 390),
    "nested parentheses": expression("{{ " + "(" * 1500 + "name" + ")" * 1500 + " }}"),
    "a line without end": lambda desk: _write(desk, "users.csv", GOOD + "x" * 50_000_000),
    "a quote without end": lambda desk: _write(desk, "users.csv", GOOD + '"' + "x,\n" * 5_000_000),
    "deep JSON": lambda desk: _write(desk, "users.csv", '{"openid": ' + "[" * 1_000_000),
    "a packed workbook": workbook,
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_soon(desk: Desk, bomb: str) -> None:
    BOMBS[bomb](desk)
    kind = {"deep JSON": "jsonl", "a packed workbook": "xlsx"}.get(bomb, "csv")
    words = ["send", "campaign.yaml", "users.csv", "--yes", "--json", "--list-format", kind]
    started = time.monotonic()
    with (desk.folder / "out").open("wb") as out, (desk.folder / "err").open("wb") as err:
        command = [sys.executable, "-m", "wxpush", *words]
        process = subprocess.Popen(
            command, cwd=desk.folder, env=desk.environment(), stdout=out, stderr=err, stdin=subprocess.DEVNULL
        )
        _pid, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    told = (desk.folder / "err").read_text("utf-8")
    assert process.returncode == 2, told
    assert "Traceback" not in told
    assert json.loads((desk.folder / "out").read_text("utf-8"))["state"] == "refused"
    assert time.monotonic() - started < LIMIT_S
    assert used.ru_maxrss < LIMIT_KIB
    assert desk.sandbox is not None
    assert desk.sandbox.requests_by_path == {}


def test_what_the_bombs_are_made_from_is_sound(desk: Desk) -> None:
    assert Path(desk.folder / "template.yaml").read_text("utf-8") == TEMPLATE_FILE
    desk.campaign()
    desk.write("users.csv", GOOD)
    assert desk.run("send", "campaign.yaml", "users.csv", "--yes").code == 0
