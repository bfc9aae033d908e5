"""The programs that the benchmark finds on the machine, and the package of Node that it installs."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.measuring import BenchmarkError
from benchmarks.place import KEPT
from benchmarks.show import say

NODE_FOLDER: Final = KEPT / "node"
NODE_PACKAGE: Final = "co-wechat-api"
PLACES: Final = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin")


@dataclass(frozen=True, slots=True)
class Install:
    """An environment that `make bench` has prepared."""

    python: Path
    wxpush: Path

    @classmethod
    def of(cls, name: str) -> "Install":
        """`base`, `fast` or `rivals`."""
        return cls(KEPT / name / "bin" / "python", KEPT / name / "bin" / "wxpush")


def find(name: str) -> Path | None:
    """A program, also where the PATH of users doesn't lead."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *PLACES])
    found = shutil.which(name, path=path)
    return Path(found) if found else None


def find_nginx() -> Path:
    """Raises BenchmarkError with the way to get it."""
    found = find("nginx")
    if found is None:
        raise BenchmarkError(
            "nginx is missing, and this can't be measured without it: apt-get install nginx-light"
            " (macOS: brew install nginx)"
        )
    return found


def find_wrk() -> Path | None:
    """None is said aloud."""
    found = find("wrk")
    if found is None:
        say("wrk is missing, so its row is left out: apt-get install wrk (macOS: brew install wrk)")
    return found


def node_with_package() -> Path | None:
    """Node, with co-wechat-api in its folder; None is said aloud."""
    node, npm = find("node"), find("npm")
    if node is None or npm is None:
        say(f"Node or npm is missing, so {NODE_PACKAGE} is left out: apt-get install nodejs npm")
        return None
    if not (NODE_FOLDER / "node_modules" / NODE_PACKAGE).exists() and not _install(npm):
        say(f"npm can't install {NODE_PACKAGE}, so it is left out; the reason is above.")
        return None
    return node


def _install(npm: Path) -> bool:
    say(f"Installing {NODE_PACKAGE} ...")
    NODE_FOLDER.mkdir(parents=True, exist_ok=True)
    options = ["--no-audit", "--no-fund", "--loglevel=error", "--prefix", str(NODE_FOLDER)]
    return subprocess.run([npm, "install", *options, NODE_PACKAGE], check=False).returncode == 0
