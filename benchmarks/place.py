"""Where things lie: the checkout, and the folder with all that the benchmark installs."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
SENDERS: Final = ROOT / "benchmarks" / "senders"
RESULTS: Final = ROOT / "benchmarks" / "results.json"
KEPT: Final = ROOT / ".bench"
"""Environments, packages of Node and the files of a run; ignored by git."""
