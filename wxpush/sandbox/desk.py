"""Takes each request to the world, through the faults that meet it, and sends the answer on its way."""

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from wxpush.sandbox.ask import Ask
from wxpush.sandbox.calls import Call, CallLog
from wxpush.sandbox.endpoints import ENDPOINTS, answer, refused
from wxpush.sandbox.faults import Dice, Faults, Throw, dice_of
from wxpush.sandbox.quotas import SEND
from wxpush.sandbox.replies import Refusal
from wxpush.sandbox.spoiling import CODES, spoil
from wxpush.sandbox.wire import Connection, Cut
from wxpush.sandbox.world import World

Moment = Literal["received", "decided"]
OnSend = Callable[[Call], object]

_log = logging.getLogger(__name__)
_NO_FAULTS = Dice(Faults().send, "")
_UNKNOWN_PATH = "other"


class Desk:
    """Serves the connections of one server; `lock` guards the world, the faults and the log.

    The world is asked at the moment a request has arrived (except for `late`); latency holds the answer
    back on the event loop's timers, so a thousand slow calls cost nothing.
    """

    def __init__(self, world: World, log: CallLog, clock: Callable[[], float], lock: threading.RLock) -> None:
        self._world = world
        self._calls = log
        self._clock = clock
        self._lock = lock
        self._hooks: list[tuple[Moment, OnSend]] = []
        self.set_faults(world.scenario.faults)

    def set_faults(self, faults: Faults) -> None:
        """From now on these; every count starts anew."""
        self._dice = dice_of(faults, self._world.scenario.seed)

    def add_hook(self, moment: Moment, hook: OnSend) -> None:
        """Call `hook` for each send: as it is received, or when it is decided and not yet answered."""
        self._hooks.append((moment, hook))

    def serve(self, ask: Ask, connection: Connection) -> None:
        """Answer `ask` on `connection`, now or when its latency is over."""
        endpoint = ENDPOINTS.get(ask.path)
        with self._lock:
            throw = (_NO_FAULTS if endpoint is None else self._dice[endpoint.group]).throw()
            self._calls.count(_UNKNOWN_PATH if endpoint is None else ask.path)
        if throw.kind == "late":
            loop = asyncio.get_running_loop()
            loop.call_later(throw.fault.seconds, self._decide, ask, throw, connection)
        else:
            self._decide(ask, throw, connection)

    def _decide(self, ask: Ask, throw: Throw, connection: Connection) -> None:
        try:
            self._answer(ask, throw, connection)
        except Exception:
            _log.exception("the sandbox failed on a call of %s", ask.path)
            connection.deliver(Cut())

    def _answer(self, ask: Ask, throw: Throw, connection: Connection) -> None:
        now = self._clock()
        is_send = ask.path == SEND
        openid, client_msg_id = (ask.text("touser"), ask.text("client_msg_id")) if is_send else ("", "")
        call = Call(now, ask.path, ask.token, openid, client_msg_id, None, throw.kind)
        if self._hooks and is_send:
            self._tell("received", call)
        with self._lock:
            code, body = self._judged(ask, call, throw, now)
            delivery = spoil(throw.kind, throw.fault, body, now)
            readable = not throw.kind or throw.kind in CODES or throw.kind in ("late", "drip")
            call = replace(call, code=code if readable else None)
            self._calls.add(call)
        if self._hooks and is_send:
            self._tell("decided", call)
        if throw.latency_s:
            asyncio.get_running_loop().call_later(throw.latency_s, connection.deliver, delivery)
        else:
            connection.deliver(delivery)

    def _judged(self, ask: Ask, call: Call, throw: Throw, now: float) -> tuple[int, bytes]:
        if throw.token_replaced:
            self._world.tokens.replace_by_another(now, 0)
        code, body = answer(self._world, ask, now) if throw.accepted else (-1, b"")
        if throw.kind not in CODES:
            return code, body
        if throw.kind == "system_error" and not throw.accepted:
            self._world.burn(call.openid, call.client_msg_id, now)
        return refused(self._world, ask, Refusal(CODES[throw.kind]), now)

    def _tell(self, moment: Moment, call: Call) -> None:
        for wanted, hook in self._hooks:
            if wanted == moment:
                hook(call)
