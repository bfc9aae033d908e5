"""The clocks of this machine, how old something is where they may have been set, and Beijing's time."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Final

#: The time that WeChat counts days in, and that people are written to. It has had no summer time since 1991,
#: and so needs no table of zones, which slim systems lack.
BEIJING: Final = timezone(timedelta(hours=8))
BEIJING_S: Final = 8 * 3600
_A_DAY = 86_400.0


def boot_seconds() -> float:
    """Seconds since the machine started, sleep included where the system can tell."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


@cache
def system_boot_id() -> str:
    """What tells this start of the machine from others; empty where the system doesn't say (not Linux)."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment by two clocks: `wall` is Unix time, `boot` seconds since the start `boot_id`."""

    wall: float
    boot: float
    boot_id: str


@dataclass(frozen=True, slots=True)
class Clock:
    """Where time comes from. `monotonic` paces and never jumps; `moment` is written down.

    A rehearsal of long times may pass clocks that run faster: `speed` is then their seconds per real one.
    """

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    boot: Callable[[], float] = boot_seconds
    boot_id: Callable[[], str] = system_boot_id
    speed: float = 1.0

    def moment(self) -> Moment:
        """Now."""
        return Moment(self.wall(), self.boot(), self.boot_id())

    def real(self, seconds: float) -> float:
        """How long the operating system has to wait for `seconds` of this clock to pass."""
        return seconds / self.speed


#: The clocks of the machine as they are.
SYSTEM: Final = Clock()


def age(then: Moment, now: Moment) -> float:
    """Seconds from `then` to `now`; infinite where the clocks contradict each other.

    Within one start of the machine the boot clock decides, since nobody can set it; across starts only
    the wall clock is left, and an age below zero or above a day is no age at all.
    """
    if then.boot_id and then.boot_id == now.boot_id:
        passed = now.boot - then.boot
        return passed if passed >= 0 else float("inf")
    passed = now.wall - then.wall
    return passed if 0 <= passed <= _A_DAY else float("inf")
