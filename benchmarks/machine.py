"""What a measurement was made on and with: the machine, and the versions of everything."""

import json
import os
import platform
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.measuring import clean_environ, run
from benchmarks.place import KEPT
from benchmarks.tools import NODE_FOLDER, Install, find

_PACKAGES: Final = {
    "fast": ("wxpush", "requests", "urllib3", "typer", "rich", "pycurl", "orjson"),
    "rivals": ("wechatpy",),
}
_ASK: Final = """
import importlib.metadata as metadata, json, platform, sqlite3, sys
found = {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
found |= {name: metadata.version(name) for name in sys.argv[1:]}
try:
    import pycurl
    found["libcurl"] = pycurl.version_info()[1]
except ImportError:
    pass
print(json.dumps(found))
"""
_FLUSHES: Final = 200


def machine() -> dict[str, Any]:
    """CPU, cores, memory, system, and the disk that the ledgers are on; `flush_ms` is what it takes there
    to write 4 KiB for good.
    """
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": _field(Path("/proc/cpuinfo"), r"model name\s*:\s*(.+)") or platform.processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(pages / 1e9),
        "system": _field(Path("/etc/os-release"), r'PRETTY_NAME="?([^"\n]+)') or platform.system(),
        "kernel": (re.match(r"[\d.]*\d", platform.release()) or [""])[0],
        "architecture": platform.machine(),
        "filesystem": _filesystem(KEPT.resolve()),
        "flush_ms": round(_flush_ms(KEPT), 2),
    }


def versions() -> dict[str, str]:
    """By name; what is not there is left out."""
    found: dict[str, str] = {}
    for install, packages in _PACKAGES.items():
        command = [str(Install.of(install).python), "-c", _ASK, *packages]
        found |= run(command, clean_environ()).told()
    return found | dict(_of_programs()) | dict(_of_node_packages())


def _of_programs() -> Iterator[tuple[str, str]]:
    for name, option in (("nginx", "-v"), ("wrk", "-v"), ("node", "-v")):
        program = find(name)
        if program is not None:
            said = subprocess.run([program, option], capture_output=True, text=True, check=False)
            number = re.search(r"\d+\.\d+\.\d+", said.stderr + said.stdout)
            yield name, number[0] if number else "?"


def _of_node_packages() -> Iterator[tuple[str, str]]:
    for name in ("co-wechat-api", "httpx"):
        card = NODE_FOLDER / "node_modules" / name / "package.json"
        if card.exists():
            yield name, str(json.loads(card.read_text("utf-8"))["version"])


def _field(path: Path, pattern: str) -> str:
    try:
        found = re.search(pattern, path.read_text("utf-8"))
    except OSError:
        return ""
    return found[1].strip() if found else ""


def _filesystem(folder: Path) -> str:
    """The type of the file system; empty where the system doesn't tell it like Linux."""
    try:
        lines = Path("/proc/self/mounts").read_text("utf-8").splitlines()
    except OSError:
        return ""
    mounts = {Path(line.split()[1]): line.split()[2] for line in lines}
    return next(mounts[place] for place in (folder, *folder.parents) if place in mounts)


def _flush_ms(folder: Path) -> float:
    took = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(_FLUSHES):
            began = time.perf_counter()
            file.write(b"\0" * 4096)
            file.flush()
            os.fsync(file.fileno())
            took.append(time.perf_counter() - began)
    return median(took) * 1000
