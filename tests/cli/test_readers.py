"""Who reads a command's data: one who has had enough is no error, and a full disk is one."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import KNOWN_TEMPLATE, Desk, openid
from wxpush.sandbox import Sandbox
from wxpush.sandbox.scenario import from_mapping

MANY = 4_000
DATA = [
    ("report", "--format", "csv"),
    ("report", "--format", "failures"),
    ("report", "--format", "md"),
    ("report", "--json"),
    ("report",),
    ("runs",),
    ("runs", "show"),
    ("suppress", "export"),
    ("suppress", "list"),
    ("suppress", "list", "--json"),
    ("trace", openid(1)),
    ("schema", "campaign"),
    ("validate", "campaign.yaml", "--json"),
]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """An account with more to tell than a pipe takes, and a run of which one message failed."""
    with Sandbox(from_mapping({"version": 1, "templates": [KNOWN_TEMPLATE]})) as sandbox:
        desk = Desk(tmp_path_factory.mktemp("full"), sandbox)
        desk.prepare(2)
        rows = "".join(f"{openid(number)},too many\n" for number in range(10, MANY))
        desk.write("people.csv", f"openid,reason\n{rows}")
        assert desk.run("suppress", "import", "people.csv").code == 0
        sandbox.unfollow(openid(2))
        assert desk.send().code == 1
        yield desk


def code_of(desk: Desk, command: tuple[str, ...], out: int) -> tuple[int, str]:
    ended = subprocess.run(
        [sys.executable, "-m", "wxpush", *command],
        env=desk.environment(),
        cwd=desk.folder,
        stdout=out,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )
    return ended.returncode, ended.stderr


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX pipes")
@pytest.mark.parametrize("command", DATA, ids=" ".join)
def test_a_reader_who_is_gone_is_no_error(full: Desk, command: tuple[str, ...]) -> None:
    expected = full.run(*command)
    reads, writes = os.pipe()
    os.close(reads)
    try:
        assert code_of(full, command, writes) == (expected.code, expected.err)
    finally:
        os.close(writes)
    assert expected.code == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    "command", [("report", "--format", "failures"), ("report", "--format", "csv")], ids=" ".join
)
def test_a_full_disk_is_told(full: Desk, command: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as disk:
        code, told = code_of(full, command, disk.fileno())
    assert (code, "No space left" in told, "Traceback" in told) == (4, True, False)
