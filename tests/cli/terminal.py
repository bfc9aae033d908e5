"""A command on a terminal, met as a person meets it: read until it asks, answer, read on."""

import fcntl
import os
import re
import select
import struct
import subprocess
import sys
import termios
import time
from types import TracebackType

from tests.cli.command import Desk, Done, checked

_PATIENCE_S = 30.0
_STYLES = re.compile(r"\x1b\[[0-9;]*m")


class Terminal:
    """A command whose input and talk are a terminal, `width` cells wide; its data goes to a pipe."""

    def __init__(self, desk: Desk, *arguments: str, width: int = 80, **env: str | None) -> None:
        self._person, program = os.openpty()
        fcntl.ioctl(program, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
        self.said = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "wxpush", *arguments],
            cwd=desk.folder,
            env=desk.environment(**{"TERM": "xterm", "COLUMNS": None, **env}),
            stdin=program,
            stdout=subprocess.PIPE,
            stderr=program,
            start_new_session=True,
        )
        os.close(program)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        os.close(self._person)

    def until(self, text: str) -> str:
        """What is said from now on up to `text`."""
        begin, deadline = len(self.said), time.monotonic() + _PATIENCE_S
        while text not in self.said[begin:]:
            assert self._listen(deadline - time.monotonic()), f"{text!r} was not said: {self.said[begin:]!r}"
        return self.said[begin:]

    def answer(self, typed: str, *, asked: str = "\n> ") -> str:
        """Wait for the question, type a line; returns what was said before it."""
        said = self.until(asked)
        os.write(self._person, f"{typed}\n".encode())
        return said

    def press(self, key: str, *, asked: str = "\n> ") -> None:
        """Wait for the question, press a key."""
        self.until(asked)
        os.write(self._person, key.encode())

    def done(self) -> Done:
        """Wait for its end; the talk is without styles."""
        deadline = time.monotonic() + _PATIENCE_S
        while self._listen(deadline - time.monotonic()):
            pass
        out, _none = self.process.communicate(timeout=_PATIENCE_S)
        return checked(Done(self.process.returncode, out.decode(), self.said))

    def _listen(self, patience: float) -> bool:
        """Take in what is said; False when nothing will come any more."""
        ready, _, _ = select.select([self._person], [], [], max(0.0, patience))
        try:
            heard = os.read(self._person, 65536) if ready else b""
        except OSError:  # the other end is closed
            return False
        # What is typed is echoed with the terminal's own line ends.
        self.said += _STYLES.sub("", heard.decode("utf-8", "replace").replace("\r\n", "\n"))
        return bool(heard)
