"""Watches a process from outside: its memory and its open files."""

import threading
from pathlib import Path


class Peak:
    """The most memory that a process has held so far, in MB, read while it lives (Linux)."""

    def __init__(self, pid: int) -> None:
        self._status = Path(f"/proc/{pid}/status")
        self._peak = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        """The peak."""
        self._over.set()
        self._thread.join()
        return self._peak

    def _watch(self) -> None:
        while not self._over.wait(0.05):
            self._peak = max(self._peak, _megabytes(self._status, "VmHWM:"))


def _megabytes(status: Path, name: str) -> float:
    try:
        lines = status.read_text("ascii", "replace").splitlines()
    except OSError:
        return 0.0  # it is gone
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(name)), 0.0)


def most_memory() -> float:
    """The most memory that this process has held so far, in MB."""
    return _megabytes(Path("/proc/self/status"), "VmHWM:")


def resident(pid: int) -> float:
    """The memory that a process holds now, in MB; 0 when it is gone."""
    return _megabytes(Path(f"/proc/{pid}/status"), "VmRSS:")


def open_files(pid: int) -> int:
    """How many files and sockets a process has open; 0 when it is gone."""
    try:
        return len(list(Path(f"/proc/{pid}/fd").iterdir()))
    except OSError:
        return 0
