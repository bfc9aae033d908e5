"""`--wait-receipts`: waits until every accepted message has its receipt, or for as long as was asked."""

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from wxpush.app.delivered import Delivery
from wxpush.clock import Clock
from wxpush.delivery.fates import Fates
from wxpush.delivery.journal import stamp
from wxpush.delivery.ports import Listener, Waiting, Why
from wxpush.delivery.receipts import any_receipts, receipts
from wxpush.delivery.run import RunFolder
from wxpush.i18n import _

_LOOK_EVERY_S: Final = 0.25
#: Of a large run counting takes seconds: at most a quarter of the wait is spent on it.
_REST: Final = 3


def await_receipts(
    folder: RunFolder,
    log: Path,
    until: datetime,
    clock: Clock,
    listener: Listener,
    is_over: Callable[[], bool],
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Return at `until`, when all that was accepted has its receipt, or when `is_over`; tell how it goes.

    Raises DamagedStateError.
    """
    seen: tuple[int, ...] | None = None
    begun, rest = clock.monotonic(), 0.0
    seconds = until.timestamp() - clock.wall()
    looked = begun
    while not is_over() and clock.monotonic() - begun < seconds:
        now = clock.monotonic()
        current = stamp(log)
        if (seen is None or current != seen) and now - looked >= rest:
            seen = current  # before the reading: what comes meanwhile is read the next time
            known, accepted = _counted(folder, log)
            listener.waiting(Waiting(Why.RECEIPTS, until, _told(known, accepted)))
            if known == accepted:
                break
            looked = clock.monotonic()
            rest = _REST * (looked - now)
        sleep(clock.real(_LOOK_EVERY_S))
    listener.waiting(None)


def _counted(folder: RunFolder, log: Path) -> tuple[int, int]:
    """How many accepted messages have their receipt, of how many."""
    delivery = Delivery(folder, Fates(receipts(log) if any_receipts(log) else ()))
    return delivery.delivered + delivery.undelivered, delivery.accepted


def _told(known: int, accepted: int) -> str:
    return _("{known} of {accepted} are there").format(known=f"{known:,}", accepted=f"{accepted:,}")
