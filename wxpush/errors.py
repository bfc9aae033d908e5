"""Every error that a person is told of, as a tree; each type owns its exit code.

WxpushError                      1
├── InputError                   2  files, options or settings are wrong; nothing was sent
│   └── ProblemsError            2  the same, with a list of problems, each with its place
├── NobodyToAskError             2  a question, but no terminal to ask it on
├── StoppedError                 3  the account, the quota or the network ended it; resumable
├── StateError                   4  the state can't be used
│   ├── LockedError              4  another live process holds it
│   ├── UnsafeStateError         4  owner, mode or link would let others read or change it
│   ├── DamagedStateError        4  it isn't what wxpush wrote
│   └── StorageError             4  the disk refuses to write or read
└── InterruptedRunError        130  Ctrl-C, SIGTERM, SIGHUP or declined at the question
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from wxpush.model import Problem


class WxpushError(Exception):
    """An error told in one message: `str(error)` says place and cause, `hint` the remedy."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class InputError(WxpushError):
    """Bad usage, a bad file or a bad setting; nothing was sent."""

    exit_code = 2


class ProblemsError(InputError):
    """One or more problems of campaign, template or list, each with its place."""

    def __init__(self, problems: Sequence[Problem], *, total: int | None = None) -> None:
        """`problems` are those to show; `total` counts all of them where only the first are kept."""
        self.problems = tuple(problems)
        self.total = len(self.problems) if total is None else total
        super().__init__("\n".join(str(problem) for problem in self.problems))


class NobodyToAskError(InputError):
    """A question must be answered and there is no terminal."""


class StoppedError(WxpushError):
    """The account, the quota, the network or the error budget ended the work; it can go on later.

    `code` is WeChat's errcode as text or one of ours (`network`, `quota`, ...).
    """

    exit_code = 3

    def __init__(self, message: str, hint: str = "", *, code: str = "") -> None:
        super().__init__(message, hint)
        self.code = code


class StateError(WxpushError):
    """The state on disk can't be used."""

    exit_code = 4


class LockedError(StateError):
    """Another live process works on the same run."""


class UnsafeStateError(StateError):
    """A state file or folder is not private to this user."""


class DamagedStateError(StateError):
    """A state file does not hold what wxpush wrote into it; it is refused, never replaced."""


class StorageError(StateError):
    """The disk is full, locked for too long, or fails."""


class InterruptedRunError(WxpushError):
    """The operator ended it; the same command goes on."""

    exit_code = 130
