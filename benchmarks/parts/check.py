"""How `wxpush validate` goes through lists, beside a loop that only reads and renders, and how it starts."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.material import Material
from benchmarks.measuring import Usage, clean_environ, run
from benchmarks.parts.turns import starts
from benchmarks.place import ROOT
from benchmarks.plan import Plan
from benchmarks.show import say
from benchmarks.tools import Install

_BARE: Final = "import sys; from benchmarks.senders.bare_check import main; main()"
_IMPORTS: Final = "import typer, yaml, jinja2, pydantic"


def measure(plan: Plan, folder: Path) -> dict[str, Any]:
    """Rows a second, memory in MB, milliseconds. Raises BenchmarkError."""
    install, material = Install.of("fast"), Material(folder)
    environ = clean_environ(PYTHONPATH=str(ROOT), WXPUSH_LANG="en")

    def validate(rows: int) -> Usage:
        command = [str(install.wxpush), "validate", str(material.campaign), "--json"]
        usage = run([*command, "--recipients", str(material.people(rows))], environ)
        assert json.loads(usage.said)["rows"] == rows
        return usage

    def bare(rows: int) -> Usage:
        command = [str(install.python), "-c", _BARE, str(material.campaign), str(material.people(rows))]
        usage = run(command, environ)
        assert usage.told()["rows"] == rows
        return usage

    small, middle, large = plan.sizes
    turns = [(validate(middle).seconds, bare(middle).seconds) for _round in range(plan.rounds)]
    ours, theirs = (median(one) for one in zip(*turns, strict=True))
    say(f"check {middle:,} rows  validate {middle / ours:,.0f}/s, bare loop {middle / theirs:,.0f}/s")
    of_small, of_large = validate(small), validate(large)
    say(f"check {large:,} rows  {of_large.seconds:.1f} s, {of_large.memory_mb or 0:.0f} MB")
    of_starts = _starts(install, material, environ, plan.starts)
    return {
        "rounds": plan.rounds,
        "middle": {"rows": middle, "rate": middle / ours, "bare_rate": middle / theirs},
        "small": {"rows": small, "memory_mb": of_small.memory_mb},
        "large": {"rows": large, "seconds": of_large.seconds, "memory_mb": of_large.memory_mb},
        "starts": plan.starts,
        **of_starts,
    }


def _starts(install: Install, material: Material, environ: Mapping[str, str], times: int) -> dict[str, float]:
    commands: dict[str, Sequence[str]] = {
        "validate_ms": [str(install.wxpush), "validate", str(material.campaign)],
        "imports_ms": [str(install.python), "-c", _IMPORTS],
    }
    return starts("check start", commands, environ, times)
