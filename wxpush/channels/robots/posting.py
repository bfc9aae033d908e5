"""Takes one notification to its address: a few tries within seconds, then it is given up."""

import time
from collections.abc import Callable
from typing import Final

from wxpush.channels.http.reply import Reply
from wxpush.channels.http.transport import Transport
from wxpush.channels.http.wire import Request
from wxpush.channels.robots.answer import Answer, Fate

PATIENCE_S: Final = 15.0
_ONE_CALL_S: Final = 5.0
_PAUSES_S: Final = (0.5, 3.0)
"""Before the second and the third try."""


def post(
    transport: Transport,
    make: Callable[[], Request],
    judge: Callable[[Reply], Answer],
    *,
    sleep: Callable[[float], object] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Answer:
    """The last answer. `make` is asked before each try, since a signature tells the time."""
    end = clock() + PATIENCE_S
    for pause in (*_PAUSES_S, None):
        reply = transport.call(make(), min(_ONE_CALL_S, max(0.1, end - clock())))
        answer = judge(reply)
        if pause is None or answer.fate is not Fate.AGAIN:
            break
        pause = max(pause, reply.retry_after or 0.0)
        if clock() + pause >= end:
            break
        sleep(pause)
    return answer
