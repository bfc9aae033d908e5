"""The results as they are kept: machine, versions, and each part with the day of its measurement."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.reached import reached

_SCHEMA: Final = 1


@dataclass(frozen=True, slots=True)
class Conditions:
    """What makes figures comparable."""

    machine: Mapping[str, Any]
    versions: Mapping[str, str]

    def hold_for(self, results: Mapping[str, Any]) -> bool:
        """Whether earlier results are of the same machine and versions; how long a flush takes varies."""
        before, now = (
            {name: value for name, value in machine.items() if name != "flush_ms"}
            for machine in (results["machine"], self.machine)
        )
        return before == now and results["versions"] == self.versions


def load(path: Path) -> dict[str, Any] | None:
    """None where there are none."""
    if not path.exists():
        return None
    found = json.loads(path.read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def save(results: Mapping[str, Any], path: Path) -> None:
    """Replace them."""
    path.write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def dated(part: Mapping[str, Any]) -> dict[str, Any]:
    """A part with the day of today."""
    return {"date": f"{datetime.now(UTC):%Y-%m-%d}", **_rounded(part)}


def gathered(conditions: Conditions, parts: Mapping[str, Any]) -> dict[str, Any]:
    """Everything in one, with what is reached."""
    return {
        "schema": _SCHEMA,
        "machine": conditions.machine,
        "versions": conditions.versions,
        "parts": parts,
        "reached": _rounded(reached(parts)),
    }


def _rounded(value: Any) -> Any:
    """Five digits are more than any of it is worth."""
    if isinstance(value, Mapping):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value
