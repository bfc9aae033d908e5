"""The systemd unit of docs/receipts: one that systemd takes, the same in both languages."""

import re
import shutil
import subprocess
from getpass import getuser
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
VERIFY = shutil.which("systemd-analyze")


def unit_of(page: str) -> str:
    found = re.search(r"```ini\n(\[Unit\]\n.*?)```", (PROJECT / "docs" / page).read_text("utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def test_both_languages_have_the_same_unit() -> None:
    assert unit_of("receipts.md") == unit_of("receipts.zh-CN.md")


@pytest.mark.skipif(VERIFY is None, reason="needs systemd-analyze")
def test_systemd_has_nothing_to_say_against_the_unit(tmp_path: Path) -> None:
    assert VERIFY is not None
    wxpush = tmp_path / "wxpush"
    wxpush.write_text("#!/bin/sh\n")
    wxpush.chmod(0o755)
    unit = unit_of("receipts.md").replace("/opt/wxpush/bin/wxpush", str(wxpush))
    path = tmp_path / "wxpush-receipts.service"
    path.write_text(unit.replace("User=shop", f"User={getuser()}"))
    done = subprocess.run(
        [VERIFY, "verify", "--man=no", path], capture_output=True, text=True, timeout=60, check=False
    )
    said = [line for line in done.stderr.splitlines() if path.name in line]
    assert (done.returncode, said) == (0, [])
