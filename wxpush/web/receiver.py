"""The server behind an account's callback URL: stores first, then answers, within milliseconds.

Meant to stand behind a server that speaks TLS (nginx). Whatever is refused gets one and the same answer,
so that nobody learns by it why.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from threading import Event as Flag
from typing import Any, Final

from aiohttp import web

from wxpush.channels.wechat.callback import ANOTHER_KEY, Callback, RefusedError
from wxpush.channels.wechat.events import MOST_BYTES, Event, Following
from wxpush.config.account import is_loopback
from wxpush.errors import InputError, StateError
from wxpush.i18n import _
from wxpush.model import Receipt
from wxpush.web.committer import Committer
from wxpush.web.relay import NoAnswerError, Relay

_MOST_CONNECTIONS: Final = 512
"""Within what a process may have open by default, which is 1,024 files."""
_BACKLOG: Final = 1024
_HEAD_SECONDS: Final = 5.0
"""How long a connection may take over its first request's head; nginx sends it whole."""
_BODY_SECONDS: Final = 5.0
_IDLE_SECONDS: Final = 75.0
_ENDING_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 0.2
RELAY_SECONDS: Final = 4.5
"""WeChat waits for 5 seconds."""


@dataclass(slots=True)
class Counts:
    """What came in since the start, in numbers alone."""

    receipts: int = 0
    """Receipts that were stored (or are already) and so answered."""
    people: int = 0
    """Who began or ceased to follow."""
    others: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """By reason."""
    not_stored: int = 0
    """Receipts that the disk refused; WeChat pushes them again."""
    relayed: int = 0
    unanswered: int = 0
    """Passed on, and no answer came in time."""
    faults: int = 0
    """Requests that wxpush itself failed on."""

    @property
    def total(self) -> int:
        """All of them, each once."""
        known = self.receipts + self.people + self.others + self.not_stored + self.faults
        return known + sum(self.refused.values())

    @property
    def nothing_but_refused(self) -> bool:
        """Whether something came in, and none of it was WeChat's."""
        return 0 < self.total == sum(self.refused.values())

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {**asdict(replace(self, refused=Counter())), "refused": dict(self.refused.most_common())}


@dataclass(frozen=True, slots=True)
class Address:
    """Where the receiver listens and, with `forward`, what it stands in front of."""

    host: str
    port: int
    path: str
    forward: str | None = None
    ca_file: Path | None = None

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.host)


class Receiver:
    """Answers the requests of one callback URL."""

    def __init__(
        self,
        callback: Callback,
        committer: Committer[Receipt | Following],
        path: str,
        relay: Relay | None,
        wall: Callable[[], float],
        counts: Counts,
    ) -> None:
        """`wall` is Unix time in seconds."""
        self._callback, self._committer = callback, committer
        self._path, self._relay, self._wall = path, relay, wall
        self._counts = counts

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to one request; nothing is raised."""
        try:
            return await self._answered(request)
        except RefusedError as refused:
            return self.refuse(refused.reason)
        except Exception:  # its text may hold what came in; that it happened is told
            self._counts.faults += 1
            return web.Response(status=500)

    def refuse(self, reason: str) -> web.Response:
        """The one answer to whatever is refused; it is counted."""
        self._counts.refused[reason] += 1
        answer = web.Response(status=403)
        answer.force_close()
        return answer

    async def _answered(self, request: web.BaseRequest) -> web.StreamResponse:
        deadline = asyncio.get_running_loop().time() + RELAY_SECONDS
        path, _mark, query = request.raw_path.partition("?")
        if path != self._path:
            raise RefusedError("path")
        if request.method == "GET":
            return web.Response(text=self._callback.echo(query, self._wall()))
        if request.method != "POST":
            raise RefusedError("form")
        return await self._push(request, query, await _body(request), deadline)

    async def _push(
        self, request: web.BaseRequest, query: str, body: bytes, deadline: float
    ) -> web.StreamResponse:
        try:
            event = self._callback.open(query, body, self._wall())
        except RefusedError as refused:
            if refused.reason != ANOTHER_KEY or self._relay is None:
                raise
            # From WeChat, by its signature: the shop's own system may have the key.
            self._counts.refused[refused.reason] += 1
            return await self._pass_on(request, query, body, deadline, stored=False)
        if not await self._kept(event, deadline):
            return web.Response(status=503)
        if self._relay is None:
            return _success()
        return await self._pass_on(request, query, body, deadline, stored=isinstance(event, Receipt))

    async def _kept(self, event: Event, deadline: float) -> bool:
        """Whether the answer may say that we have it; only a receipt is of no use if it isn't stored."""
        if event is None:
            self._counts.others += 1
            return True
        try:
            async with asyncio.timeout_at(deadline):
                await self._committer.keep(event)
        except (StateError, TimeoutError):
            if isinstance(event, Receipt):
                self._counts.not_stored += 1
                return False
        if isinstance(event, Receipt):
            self._counts.receipts += 1
        else:
            self._counts.people += 1
        return True

    async def _pass_on(
        self, request: web.BaseRequest, query: str, body: bytes, deadline: float, *, stored: bool
    ) -> web.StreamResponse:
        if self._relay is None:
            return _success()
        try:
            async with asyncio.timeout_at(deadline):
                said = await self._relay.pass_on(request.method, query, request.headers.items(), body)
        except (NoAnswerError, TimeoutError):
            self._counts.unanswered += 1
            return _success() if stored else web.Response(status=504)
        self._counts.relayed += 1
        return web.Response(status=said.status, body=said.body, headers=said.headers)


def serve(
    callback: Callback,
    keep: Callable[[Sequence[Receipt | Following]], object],
    executor: Executor,
    address: Address,
    *,
    wall: Callable[[], float],
    on_ready: Callable[[str], object],
    tell: Callable[[Counts], object],
    stop: Flag,
    every: float = 60.0,
) -> Counts:
    """Receive until `stop` is set, and then finish what was begun.

    `keep` is called on the one thread of `executor`; `on_ready` gets the URL that it listens on, and
    `tell` the counts, after each `every` seconds in which something came.
    Raises InputError where the port can't be had.
    """
    return asyncio.run(_serve(callback, keep, executor, address, wall, on_ready, tell, stop, every))


async def _serve(
    callback: Callback,
    keep: Callable[[Sequence[Receipt | Following]], object],
    executor: Executor,
    address: Address,
    wall: Callable[[], float],
    on_ready: Callable[[str], object],
    tell: Callable[[Counts], object],
    stop: Flag,
    every: float,
) -> Counts:
    counts = Counts()
    relay = None if address.forward is None else Relay(address.forward, address.ca_file)
    committer = Committer[Receipt | Following](keep, executor)
    receiver = Receiver(callback, committer, address.path, relay, wall, counts)
    runner = web.ServerRunner(_Doorkeeper(receiver), shutdown_timeout=_ENDING_SECONDS)
    try:
        await runner.setup()
        await _listen(runner, address)
        on_ready(_url(runner, address))
        await _until(stop, counts, tell, every)
    finally:
        await runner.cleanup()
        if relay is not None:
            await relay.close()
    return counts


async def _until(stop: Flag, counts: Counts, tell: Callable[[Counts], object], every: float) -> None:
    """Looked at now and then, which wakes the loop for signals on every system."""
    loop, told = asyncio.get_running_loop(), 0
    due = loop.time() + every
    while not stop.is_set():
        await asyncio.sleep(_LOOK_SECONDS)
        if loop.time() >= due:
            due = loop.time() + every
            if counts.total != told:
                told = counts.total
                tell(counts)


class _Request(web.BaseRequest):
    """A request whose answer doesn't tell what answers."""

    async def _prepare_hook(self, response: web.StreamResponse) -> None:
        response.headers.pop("Server", None)


class _Connection(web.RequestHandler):
    """A connection on which what is no HTTP is refused like anything else: the library would quote it."""

    def __init__(self, *arguments: Any, refuse: Callable[[str], web.Response], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._refuse = refuse

    def handle_error(self, *_arguments: Any, **_options: Any) -> web.StreamResponse:
        """The answer to what can't be read."""
        return self._refuse("form")


class _Doorkeeper(web.Server):
    """Hangs up on whoever is one too many, or doesn't say what he wants; logs nothing."""

    def __init__(self, receiver: Receiver) -> None:
        super().__init__(self._let_in, request_factory=_request)
        self._receiver = receiver
        self._timers: dict[Any, asyncio.TimerHandle] = {}

    def __call__(self) -> web.RequestHandler:
        """What answers on a new connection."""
        return _Connection(
            self,
            loop=asyncio.get_running_loop(),
            refuse=self._receiver.refuse,
            keepalive_timeout=_IDLE_SECONDS,
            lingering_time=1.0,
            auto_decompress=False,
            access_log=None,
            logger=_silent(),
        )

    def connection_made(self, handler: Any, transport: asyncio.Transport) -> None:
        """Somebody has connected."""
        super().connection_made(handler, transport)
        patience = _HEAD_SECONDS if len(self._timers) < _MOST_CONNECTIONS else 0
        loop = asyncio.get_running_loop()
        self._timers[handler] = loop.call_later(patience, transport.abort)

    def connection_lost(self, handler: Any, exc: BaseException | None = None) -> None:
        """Somebody is gone."""
        timer = self._timers.pop(handler, None)
        if timer is not None:
            timer.cancel()
        super().connection_lost(handler, exc)

    async def _let_in(self, request: web.BaseRequest) -> web.StreamResponse:
        timer = self._timers.get(request.protocol)
        if timer is not None:
            timer.cancel()
        return await self._receiver.answer(request)


def _request(
    message: Any, payload: Any, protocol: Any, writer: Any, task: "asyncio.Task[None]"
) -> web.BaseRequest:
    return _Request(message, payload, protocol, writer, task, asyncio.get_running_loop())


async def _listen(runner: web.ServerRunner, address: Address) -> None:
    try:
        await web.TCPSite(runner, address.host, address.port, backlog=_BACKLOG).start()
    except OSError as error:
        message = _("{host}:{port} can't be listened on: {reason}.").format(
            host=address.host, port=address.port, reason=error.strerror
        )
        raise InputError(message, _("Choose another address: --listen HOST:PORT")) from None


def _url(runner: web.ServerRunner, address: Address) -> str:
    host = f"[{address.host}]" if ":" in address.host else address.host
    return f"http://{host}:{runner.addresses[0][1]}{address.path}"


async def _body(request: web.BaseRequest) -> bytes:
    """The body, of which no more is read than may be. Raises RefusedError."""
    body = b""
    if (request.content_length or 0) > MOST_BYTES:
        raise RefusedError("size")
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            while chunk := await request.content.readany():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise RefusedError("size")
    except (TimeoutError, OSError, web.RequestPayloadError):
        raise RefusedError("form") from None
    return body


def _success() -> web.Response:
    return web.Response(text="success")


def _silent() -> logging.Logger:
    """What the library has to say of a request would hold its words."""
    logger = logging.getLogger("wxpush.web")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger
