"""The pages of docs/ about speed, out of the results and a template in each language."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.place import ROOT
from benchmarks.reached import figure, ratio, reached

PAGES: Final = ("performance.md", "performance.zh-CN.md")
_TEMPLATES: Final = ROOT / "benchmarks" / "pages"
_NOT_MEASURED: Final = "–"


class Fact:
    """A value for a template, `{throughput[senders][fast][rate]:,.0f}`; a dash where it wasn't measured.

    What is true or false has its two words as the format: `{reached[cpu][held]:yes|no}`.
    """

    def __init__(self, value: object) -> None:
        self._value = value

    def __getitem__(self, key: object) -> "Fact":
        return Fact(self._value.get(str(key)) if isinstance(self._value, Mapping) else None)

    def __format__(self, spec: str) -> str:
        if self._value is None:
            return _NOT_MEASURED
        if isinstance(self._value, bool):
            yes, _, no = spec.partition("|")
            return yes if self._value else no
        return format(self._value, spec)


def facts(results: Mapping[str, Any]) -> dict[str, Fact]:
    """What the templates may name: the parts, the machine, the versions, and what follows from them."""
    parts = results["parts"]
    names = ("throughput", "latency", "scale", "rate", "start", "check", "screening", "report")
    return {
        **{name: Fact(parts.get(name)) for name in names},
        "machine": Fact(results["machine"]),
        "versions": Fact(results["versions"]),
        "reached": Fact(reached(parts)),
        "times": Fact({name: _times(parts, name) for name in ("throughput", "latency")}),
        "share": Fact(_shares(parts)),
    }


def _times(parts: Mapping[str, Any], part: str) -> dict[str, dict[str, float | None]]:
    """How many times as fast as each sender wxpush[fast] is, by whether it checks beforehand."""
    senders = parts.get(part, {}).get("senders", {})
    return {
        ours: {name: ratio(figure(senders, ours, "rate"), figure(senders, name, "rate")) for name in senders}
        for ours in ("fast", "fast_no_preflight")
    }


def _shares(parts: Mapping[str, Any]) -> dict[str, float | None]:
    """The share of what so many workers could do that each sender reaches, with latency."""
    senders = parts.get("latency", {}).get("senders", {})
    limit = figure(parts, "latency", "limit")
    return {name: ratio(figure(senders, name, "rate"), limit) for name in senders}


def render(results: Mapping[str, Any], name: str) -> str:
    """One page as text."""
    return (_TEMPLATES / name).read_text("utf-8").format_map(facts(results))


def write(results: Mapping[str, Any], folder: Path = ROOT / "docs") -> None:
    """Both pages."""
    for name in PAGES:
        (folder / name).write_text(render(results, name), encoding="utf-8")


def tables(page: str) -> str:
    """The tables of a page for a terminal: columns aligned, what wasn't measured left out."""
    blocks = [block for block in _table_blocks(page) if len(block) > 1]
    return "\n\n".join(_aligned(block) for block in blocks)


def _table_blocks(page: str) -> Iterator[list[list[str]]]:
    block: list[list[str]] = []
    for line in [*page.splitlines(), ""]:
        if line.startswith("|"):
            cells = [cell.strip().replace("`", "") for cell in line.strip("|").split("|")]
            if cells[-1].strip("-:") not in {"", _NOT_MEASURED}:
                block.append(cells)
        elif block:
            yield block
            block = []


def _aligned(rows: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_line(row, widths) for row in rows)


def _line(cells: list[str], widths: list[int]) -> str:
    rest = zip(cells[1:], widths[1:], strict=True)
    return cells[0].ljust(widths[0]) + "".join(cell.rjust(width + 2) for cell, width in rest)
