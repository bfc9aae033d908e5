"""How long the report of a finished run takes, as a page and as a list of its messages, and its size."""

from pathlib import Path
from typing import Any, Final

from benchmarks.finished import Sending
from benchmarks.measuring import clean_environ, run
from benchmarks.plan import Plan
from benchmarks.show import say
from benchmarks.tools import Install

_ENDINGS: Final = ("html", "csv")


def measure(plan: Plan, folder: Path) -> dict[str, Any]:
    """Seconds, peak memory in MB, kilobytes. Raises BenchmarkError."""
    install, home, rows = Install.of("fast"), folder / "home", plan.sizes[-1]
    Sending(home, rows).write()
    environ = clean_environ(WXPUSH_HOME=str(home), WXPUSH_LANG="en")
    found: dict[str, Any] = {"rows": rows}
    for ending in _ENDINGS:
        path = folder / f"report.{ending}"
        usage = run([str(install.wxpush), "report", "--output", str(path)], environ)
        size = path.stat().st_size
        say(f"report of {rows:,} messages as {ending}  {usage.seconds:.1f} s, {size / 1000:,.0f} kB")
        found[ending] = {"seconds": usage.seconds, "memory_mb": usage.memory_mb, "kb": size / 1000}
    with (folder / "report.csv").open("rb") as file:
        assert sum(1 for _line in file) == rows + 1
    return found
