"""How long the commands take that only show something, beside a small program of the same kind."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.material import Material
from benchmarks.measuring import clean_environ, run
from benchmarks.place import ROOT
from benchmarks.plan import Plan
from benchmarks.senders.lineup import Desk
from benchmarks.servers.observer import Observer
from benchmarks.show import say
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
    medians = {f"{name}_ms": took for name, took in _take_turns(commands, environ, plan.starts).items()}
    return {"starts": plan.starts, **medians}


def _take_turns(
    commands: Mapping[str, Sequence[str]], environ: Mapping[str, str], times: int
) -> dict[str, float]:
    took: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(times + 1):
        for name, command in commands.items():
            milliseconds = run(command, environ).seconds * 1000
            if number:  # the first one compiles what it imports
                took[name].append(milliseconds)
    medians = {name: median(one) for name, one in took.items()}
    say("start  " + ", ".join(f"{name} {one:.0f} ms" for name, one in medians.items()))
    return medians
