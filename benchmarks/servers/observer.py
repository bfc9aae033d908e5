"""The server with latency as a process that can be asked what it saw."""

import json
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any, Final, Self

from benchmarks.measuring import BenchmarkError, Watched
from benchmarks.place import ROOT

_PATIENCE_S: Final = 120.0
_LOOK_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Seen:
    """What the server saw of a sending; `seconds` from the first message to the last."""

    posts: int
    seconds: float
    most_in_1_s: int
    most_in_10_s: int
    cpu_s: float

    @property
    def rate(self) -> float:
        """Messages a second."""
        return (self.posts - 1) / self.seconds if self.seconds else 0.0


class Observer:
    """A running server; `url` is its address."""

    def __init__(self, delay: float = 0.0, port: int = 0) -> None:
        self._command = [
            *(sys.executable, "-m", "benchmarks.servers.latency"),
            *("--delay", str(delay), "--port", str(port)),
        ]

    def __enter__(self) -> Self:
        """Start it, and wait until it listens."""
        pipe = subprocess.PIPE
        # Unbuffered, so that what `select` says of the pipe is all there is.
        self._process = subprocess.Popen(self._command, cwd=ROOT, stdin=pipe, stdout=pipe, bufsize=0)
        self.url = f"http://127.0.0.1:{self._line()['port']}"
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._hang_up()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def first_post(self, sender: Watched) -> float:
        """The moment of the first message, by the monotonic clock. Raises BenchmarkError without one."""
        patience = time.monotonic() + _PATIENCE_S
        assert self._process.stdout is not None
        while not select.select([self._process.stdout], [], [], _LOOK_S)[0]:
            if sender.has_ended() or time.monotonic() > patience:
                sender.terminate()
                sender.finish()
                raise BenchmarkError("no message came, although one should.")
        return float(self._line()["first"])

    def seen(self) -> Seen:
        """What it saw; it serves nobody any more."""
        self._hang_up()
        line = self._line()
        return Seen(**(self._line() if "first" in line else line))

    def _hang_up(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise BenchmarkError("the local server ended before its time.")
        found = json.loads(line)
        assert isinstance(found, dict)
        return found
