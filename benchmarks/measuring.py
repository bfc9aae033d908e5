"""A process under measurement: its time, its CPU, its memory and what it said."""

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

_RSS_UNIT: Final = 1 if sys.platform == "darwin" else 1024
_SHOWN: Final = 2000


class BenchmarkError(Exception):
    """Why there can be no figure; ends the benchmark with that one line."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process took from its start to its end; `cpu_s` is user and system.

    `memory_mb` is the peak; None where it isn't above that of this process, which the system counts in.
    """

    seconds: float
    cpu_s: float
    memory_mb: float | None
    said: str

    def told(self) -> dict[str, Any]:
        """The JSON object with which its standard output ends."""
        found = json.loads(self.said[self.said.find("{") :])
        assert isinstance(found, dict)
        return found


class _Heard:
    """What a process says, in a file, so that nobody has to read along."""

    def __init__(self) -> None:
        self.file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `text`

    def text(self) -> str:
        """All of it, once."""
        with self.file:
            self.file.seek(0)
            return self.file.read().decode(errors="replace")


class Watched:
    """A process that is running under measurement."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str]) -> None:
        self._command = command
        self._said, self._complaints = _Heard(), _Heard()
        self.began = time.monotonic()
        self._process = subprocess.Popen(
            command,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=self._said.file,
            stderr=self._complaints.file,
        )

    def has_ended(self) -> bool:
        """Whether there is nothing more to wait for; its usage can still be taken."""
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self._process.pid, options) is not None

    def terminate(self) -> None:
        """Ask it to end."""
        # Popen.terminate would take the exit code, and the usage with it, if it has ended meanwhile.
        os.kill(self._process.pid, signal.SIGTERM)

    def finish(self, expected: int = 0) -> Usage:
        """Wait for its end. Raises BenchmarkError where it doesn't end with the expected code."""
        try:
            _, status, usage = os.wait4(self._process.pid, 0)
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise
        seconds = time.monotonic() - self.began
        said, complaints = self._said.text(), self._complaints.text()
        self._process.returncode = os.waitstatus_to_exitcode(status)
        if self._process.returncode != expected:
            raise BenchmarkError(self._failure(complaints + said))
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        memory = usage.ru_maxrss * _RSS_UNIT / 1e6 if usage.ru_maxrss > own else None
        return Usage(seconds, usage.ru_utime + usage.ru_stime, memory, said)

    def _failure(self, said: str) -> str:
        words = " ".join(self._command)
        return f"{words}\nended with {self._process.returncode}:\n{said.strip()[-_SHOWN:]}"


def run(command: Sequence[str], environ: Mapping[str, str]) -> Usage:
    """Start a process and measure it to its end. Raises BenchmarkError where it fails."""
    return Watched(command, environ).finish()


def clean_environ(**more: str) -> dict[str, str]:
    """What a measured process finds around it: nothing of the caller's proxies and settings."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return {**kept, "LC_ALL": "C.UTF-8", **more}
