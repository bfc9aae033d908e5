"""The wait for the moment of `--at`, by the clock on the wall."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from wxpush.app.moments import told
from wxpush.clock import BEIJING, Clock
from wxpush.errors import InputError
from wxpush.i18n import _

_TICK_S: Final = 0.5
_LATE: Final = timedelta(hours=1)


def wait_until(
    moment: datetime,
    clock: Clock,
    tell: Callable[[float], None],
    pause: Callable[[float], object] = time.sleep,
) -> None:
    """Return when `moment` has come; `tell` hears now and then how many seconds are left.

    The clock on the wall is read at each tick, so that a machine that slept, or whose clock was set, goes
    by what people see. Raises InputError where it woke up far too late (see `refuse_late`).
    """
    while (left := moment.timestamp() - clock.wall()) > 0:
        tell(left)
        pause(clock.real(min(left, _TICK_S)))
    refuse_late(moment, datetime.fromtimestamp(clock.wall(), BEIJING))


def refuse_late(moment: datetime, now: datetime) -> None:
    """See that `moment` isn't an hour past, or on another day: what was asked for may be wrong by now.

    A laptop that is opened again at night should wake nobody, and a run may bear the name of its day.
    Raises InputError.
    """
    if now - moment > _LATE or now.date() != moment.astimezone(BEIJING).date():
        raise InputError(
            _("It is {now}, long after {moment}: the machine slept, or the question stood open.").format(
                now=told(now), moment=told(moment)
            ),
            _("Nothing was sent. Run the command again with another --at, or without."),
        )
