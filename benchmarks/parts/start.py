"""How long the commands take that only show something, beside a small program of the same kind."""

import shutil
from pathlib import Path
from typing import Any, Final

from benchmarks.material import Material
from benchmarks.measuring import clean_environ, run
from benchmarks.parts.turns import starts
from benchmarks.place import ROOT
from benchmarks.plan import Plan
from benchmarks.senders.lineup import Desk
from benchmarks.servers.observer import Observer
from benchmarks.tools import Install

_APP: Final = "import sys; from benchmarks.senders.typer_app import app; sys.exit(app(prog_name='token'))"


def measure(plan: Plan, folder: Path) -> dict[str, Any]:
    """Milliseconds from start to end. Raises BenchmarkError."""
    install, home = Install.of("base"), folder / "home"
    shutil.rmtree(home, ignore_errors=True)
    with Observer() as server:
        environ = clean_environ(**Desk(Material(folder), home, server.url).environ(), PYTHONPATH=str(ROOT))
        run([str(install.wxpush), "token", "refresh", "--yes"], environ)
    commands = {
        "help": [str(install.wxpush), "--help"],
        "app_help": [str(install.python), "-c", _APP, "--help"],
        "token": [str(install.wxpush), "token", "show"],
        "app_token": [str(install.python), "-c", _APP, "show"],
    }
    medians = {f"{name}_ms": took for name, took in starts("start", commands, environ, plan.starts).items()}
    return {"starts": plan.starts, **medians}
