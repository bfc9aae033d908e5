"""A command of the operator's that is told: an argv list, the summary on its standard input."""

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from wxpush.channels.robots.answer import Answer, Fate, ours

PATIENCE_S: Final = 30.0


def run(argv: Sequence[str], body: bytes, patience: float = PATIENCE_S) -> Answer:
    """Start it without a shell; what it prints to standard output is thrown away, its errors are shown.

    After `patience` seconds it is ended, with what it started.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 - the operator's own command
            list(argv), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
        )
    except (OSError, ValueError) as error:
        return ours("not_started", getattr(error, "strerror", None) or type(error).__name__)
    try:
        process.communicate(body, timeout=patience)
    except subprocess.TimeoutExpired:
        return ours("too_slow", f"{patience:.0f} s")
    finally:
        _end(process)
    return (
        Answer(Fate.TOLD) if process.returncode == 0 else ours("command", f"exit code {process.returncode}")
    )


def _end(process: "subprocess.Popen[bytes]") -> None:
    """See that nothing of it goes on where it hasn't ended by itself."""
    if process.poll() is None:
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()
    # Not a second `communicate`: a grandchild may hold the pipe open for ever.
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()
    process.wait()
