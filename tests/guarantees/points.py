"""Named moments at which a process may be made to die, found by watching its calls.

Nothing in wxpush knows of them: a profiler's hook sees each function being entered and left, and the
kernel ends the process there. `spread` seconds later at most where the moment lies inside a call of C,
such as the fsync of a commit.
"""

import os
import random
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final

_ANY: Callable[[dict[str, Any]], bool] = lambda _values: True  # noqa: E731 - a default beside its kind


@dataclass(frozen=True)
class Point:
    """A moment: `event` (`call` or `return`) of the function `qualname`, where its variables fit.

    Where each way to WeChat has a function of its own, all of them stand there, with `|` between.
    `c_call` and `c_return` are those of the function of C called `callee` that it calls.
    """

    qualname: str
    event: str = "call"
    fits: Callable[[dict[str, Any]], bool] = _ANY
    spread: float = 0.0
    callee: str = ""
    once: bool = False
    """It comes once in a process, or is tried at its first coming only."""


def _replacing(name: str, event: str, *, once: bool = False) -> Point:
    """Around the step in which a private file takes its place."""
    return Point("replacing", event, lambda values: values["path"].name == name, callee="replace", once=once)


def _target(name: str) -> Callable[[dict[str, Any]], bool]:
    return lambda values: str(values.get("target", "")).endswith(name)


def _kind(kind: str) -> Callable[[dict[str, Any]], bool]:
    return lambda values: values.get("kind") == kind


def _has(name: str) -> Callable[[dict[str, Any]], bool]:
    return lambda values: bool(values.get(name))


def _retries_wait(values: dict[str, Any]) -> bool:
    return values["self"]._hand.retrying > 0


POINTS: Final[dict[str, Point]] = {
    "token fetched": Point("TokenStore.save", once=True),
    "token written": _replacing("token.json", "c_call", once=True),
    "token in place": _replacing("token.json", "c_return", once=True),
    "ledger opening": Point("Ledger.__init__", spread=0.02, once=True),
    "orphan taken over": Point("Engine._take_over", "return"),
    "card written": _replacing("run.json", "c_call"),
    "card in place": _replacing("run.json", "c_return"),
    "claims chosen": Point("Ledger.commit", fits=_has("claims")),
    "claims written": Point("Ledger._write", "return", _kind("c")),
    "claims being committed": Point("Ledger._write", "return", _kind("c"), spread=0.003),
    "claims committed": Point("Ledger.commit", "return", _has("claims")),
    "message handed over": Point("WeChatChannel.submit"),
    "message about to leave": Point("Flight.leaving|_Lane.read"),
    "message on its way": Point("Flight.leaving|_Lane.read", "return", spread=0.003),
    "answer read": Point("WeChatChannel._answered"),
    "answer taken": Point("Engine._take", fits=_has("events")),
    "outcome known": Point("Engine._take", "return", _has("events")),
    "waiting for a retry": Point("Engine._nap", "return", _retries_wait, once=True),
    "outcomes written": Point("Ledger._write", "return", _kind("o")),
    "outcomes being committed": Point("Ledger._write", "return", _kind("o"), spread=0.003),
    "outcomes committed": Point("Ledger.commit", "return", _has("records")),
    "summing up": Point("Sending._summed_up", once=True),
    "failures written": Point("Path.replace", fits=_target(".csv"), once=True),
    "failures in place": Point("Path.replace", "return", _target(".csv"), once=True),
    "ledger closing": Point("Ledger.close", spread=0.005, once=True),
}


def die_at(name: str, number: int) -> None:
    """Let this process be killed when `name` comes for the `number`th time, in whichever thread."""
    watch = _Watch(POINTS[name], number)
    threading.setprofile(watch)
    sys.setprofile(watch)


class _Watch:
    """Counts the comings of one moment."""

    def __init__(self, point: Point, number: int) -> None:
        self._point, self._left = point, number
        self._qualnames, self._event = point.qualname.split("|"), point.event

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        if event != self._event or frame.f_code.co_qualname not in self._qualnames:
            return
        if self._point.callee and getattr(argument, "__name__", "") != self._point.callee:
            return
        if self._point.fits(frame.f_locals):
            self._left -= 1
            if self._left <= 0:  # two threads may count at once
                _die(self._point.spread)


def _die(spread: float) -> None:
    if spread:
        # The alarm's default is the end of the process, by the kernel: no Python code runs any more.
        signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-5, spread))
    else:
        os.kill(os.getpid(), signal.SIGKILL)
