"""Print pip constraints that pin every run-time library to the oldest version that pyproject.toml allows."""

import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

pyproject = Path(__file__).parent.parent / "pyproject.toml"
project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
extras = (line for name in ("excel", "sql") for line in project["optional-dependencies"][name])
for line in (*project["dependencies"], *extras):
    requirement = Requirement(line)
    floors = [part.version for part in requirement.specifier if part.operator == ">="]
    if floors and (requirement.marker is None or requirement.marker.evaluate()):
        sys.stdout.write(f"{requirement.name}=={floors[0]}\n")
