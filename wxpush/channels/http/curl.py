"""The courier of `wxpush[fast]`: libcurl's multi interface, many requests on one thread.

Nothing is taken from the environment and nothing followed, as on the wire of `requests`. The body is
handed out by a function, for two reasons: what was handed out may have left, what was not surely hasn't;
and libcurl, which would quietly send a request again whose kept connection broke, can't rewind a function.

Sources: curl_multi_socket_action(3), CURLOPT_READFUNCTION(3), CURLOPT_RESOLVE(3) and libcurl-errors(3).
"""

import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pycurl
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from wxpush.channels.http.lookup import LookUp, Lookup, is_address, system_look_up
from wxpush.channels.http.reply import Reply
from wxpush.channels.http.retry_after import LONGEST
from wxpush.channels.http.sockets import Pool, Sockets
from wxpush.channels.http.wire import HEADERS, IDLE_SECONDS, MAX_BODY, Request
from wxpush.model import Arrival

_PORTS: Final = {"http": 80, "https": 443}
_WEIRD_REPLY: Final = 8
_PROXY_FAILED: Final = 97
_TOO_LARGE: Final = 100
_NO_CA_FILE: Final = 77
_GARBLED: Final = frozenset({
    pycurl.E_UNSUPPORTED_PROTOCOL,  # what isn't HTTP/1 is taken for HTTP/0.9, which is refused
    _WEIRD_REPLY,
    pycurl.E_PARTIAL_FILE,
    pycurl.E_BAD_CONTENT_ENCODING,
    _TOO_LARGE,
})  # fmt: skip
_NO_NAME: Final = frozenset({pycurl.E_COULDNT_RESOLVE_HOST, pycurl.E_COULDNT_RESOLVE_PROXY})
_NO_AUTHORITIES: Final = "TLS failed: the file of authorities can't be used"
_PROXY_ANSWER: Final = 300
_FINE: Final = 200
_GOOD: Final = b'"errcode":0'
_RETRY_AFTER: Final = pycurl.RETRY_AFTER
"""Named here, as all that a libcurl may lack, so that the import fails and the threads are taken."""
_SETTINGS: Final = (
    (pycurl.NOSIGNAL, 1),
    (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1),
    (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
    (pycurl.NOPROXY, ""),
)
_MAX_IDLE: Final = pycurl.MAXAGE_CONN
_PROXY_CA: Final = pycurl.PROXY_CAINFO

if "https" not in pycurl.version_info()[8]:
    raise ImportError("this libcurl has no TLS")


class _Lane:
    """One of the calls that can be under way at once: a libcurl handle and what travels on it."""

    __slots__ = (
        "body",
        "body_size",
        "handed_out",
        "handle",
        "left",
        "parts",
        "pool",
        "prepared",
        "resolve",
        "secrets",
        "size",
        "started",
        "ticket",
        "timeout",
    )  # fmt: skip

    def __init__(self, handle: Any) -> None:
        self.handle = handle
        self.prepared: Request | None = None
        """The request that the handle is set up for."""
        self.secrets: tuple[bytes, ...] = ()
        self.resolve = ""
        self.timeout = 0
        self.body_size = -1
        handle.setopt(pycurl.READFUNCTION, self.read)
        handle.setopt(pycurl.WRITEFUNCTION, self.write)

    def load(self, ticket: int, body: bytes, started: float, pool: Pool) -> None:
        """Take up a call."""
        self.pool = pool
        self.ticket, self.body, self.started = ticket, body, started
        self.handed_out, self.size = 0, 0
        self.left = False
        """Whether a byte of the body was handed to libcurl."""
        self.parts: list[bytes] = []

    def read(self, most: int) -> bytes:
        """The next bytes of the request's body."""
        self.left = True
        part = self.body if not self.handed_out and len(self.body) <= most else self._next(most)
        self.handed_out += len(part)
        return part

    def _next(self, most: int) -> bytes:
        return self.body[self.handed_out : self.handed_out + most]

    def write(self, data: bytes) -> int | None:
        """Take bytes of the answer; refuses to take more than MAX_BODY."""
        self.size += len(data)
        if self.size > MAX_BODY:
            return 0
        self.parts.append(data)
        return None


class _Call:
    """A call that waits for a lane or for the address of its host."""

    __slots__ = ("body", "deadline", "request", "started", "ticket")

    def __init__(self, ticket: int, request: Request, body: bytes, started: float, deadline: float) -> None:
        self.ticket, self.request, self.body = ticket, request, body
        self.started, self.deadline = started, deadline


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a host is: `resolve` as RESOLVE wants it (empty for an address), or why that can't be told."""

    resolve: str = ""
    pending: bool = False
    unknown: bool = False


_AS_IT_IS: Final = _Place()


class CurlCourier:
    """A courier with up to `workers` calls at once, each over within `timeout` seconds, name lookup included.

    A connection that was not used for `idle` seconds isn't used again.
    """

    def __init__(
        self,
        workers: int,
        timeout: float,
        *,
        proxy: str | None = None,
        ca_file: Path | None = None,
        idle: float = IDLE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        look_up: LookUp = system_look_up,
    ) -> None:
        self._workers, self._timeout = workers, timeout
        self._proxy, self._ca_file, self._idle = proxy, ca_file, idle
        self._clock, self._look_up = clock, look_up
        self._under_way = 0
        self._lanes: list[_Lane] = []
        """Those that are free now."""
        self._flying: dict[Any, _Lane] = {}
        self._waiting: deque[_Call] = deque()
        self._over: list[tuple[int, Reply]] = []
        self._lookups: dict[tuple[str, int], Lookup] = {}
        self._placed: Request | None = None
        self._host: tuple[str, int] | None = None
        """What has to be looked up for the request that was placed last: nearly always the same one."""
        self._sockets = Sockets(workers)

    def free(self) -> int:
        """How many requests would start at once."""
        # A server that has closed a kept connection must be heard before the next message goes there.
        self._sockets.listen(0.0)
        return max(0, self._workers - self._under_way)

    def start(self, ticket: int, request: Request, body: bytes, timeout: float | None = None) -> None:
        """Start sending."""
        now = self._clock()
        call = _Call(ticket, request, body, now, now + (timeout or self._timeout))
        self._under_way += 1
        if self._waiting or not self._begin(call, self._place(request), now):
            self._waiting.append(call)

    def arrived(self, timeout: float) -> list[tuple[int, Reply]]:
        """Replies by ticket."""
        end = self._clock() + timeout
        while True:
            self._sockets.tick()
            self._collect()  # also what `free` has heard
            self._sockets.listen(0.0 if self._over else self._patience(end))
            self._collect()
            if self._waiting:
                self._launch()
            if self._over or self._sockets.woken or self._clock() >= end:
                self._sockets.woken = False
                over, self._over = self._over, []
                self._under_way -= len(over)
                return over

    def wake(self) -> None:
        """Let a waiting `arrived` return."""
        self._sockets.wake()

    def close(self) -> None:
        """Let go of the connections."""
        for handle, lane in self._flying.items():
            lane.pool.multi.remove_handle(handle)
        self._sockets.close()
        self._flying.clear()
        self._lanes.clear()

    def _patience(self, end: float) -> float:
        """How long to wait for libcurl at most: a call that it doesn't have yet ends by this clock."""
        for call in self._waiting:
            end = min(end, call.deadline)
        return end - self._clock()

    def _launch(self) -> None:
        """Let calls that wait start, and end those that can't any more."""
        now = self._clock()
        known: dict[str, _Place] = {}
        for _number in range(len(self._waiting)):
            call = self._waiting.popleft()
            url = call.request.url
            if url not in known:
                known[url] = self._place(call.request)
            if not self._begin(call, known[url], now):
                self._waiting.append(call)

    def _begin(self, call: _Call, place: _Place, now: float) -> bool:
        """Let a call start, or end it if it never can; False where it has to wait."""
        if place.unknown:
            self._end(call, "the host name is not known", now)
        elif now >= call.deadline:
            self._end(call, "no connection in time", now)
        elif place.pending or len(self._flying) >= self._workers:
            return False
        else:
            self._fly(call, place.resolve, call.deadline - now)
        return True

    def _end(self, call: _Call, detail: str, now: float) -> None:
        seconds = now - call.started
        reply = Reply(Arrival.NEVER_LEFT, failure="network", detail=detail, seconds=seconds)
        self._over.append((call.ticket, reply))

    def _place(self, request: Request) -> _Place:
        """Where the host of `request`, or the proxy on the way there, is to be found."""
        if request is not self._placed:
            self._placed, self._host = request, _needs_lookup(self._proxy or request.url)
        if self._host is None:
            return _AS_IT_IS
        host, port = self._host
        lookup = self._lookups.get((host, port))
        if lookup is None:
            lookup = Lookup(host, port, self.wake, self._look_up, self._clock)
            self._lookups[host, port] = lookup
        addresses = lookup.addresses()
        if addresses is None:
            return _Place(pending=True)
        if not addresses:
            return _Place(unknown=True)
        return _Place(f"{host}:{port}:{','.join(_bracketed(one) for one in addresses)}")

    def _fly(self, call: _Call, resolve: str, limit: float) -> None:
        lane = self._lanes.pop() if self._lanes else _Lane(self._new_handle())
        handle, body = lane.handle, call.body
        lane.load(call.ticket, body, call.started, self._sockets.pool)
        try:
            if lane.prepared is not call.request:
                self._prepare(lane, call.request)
            if lane.resolve != resolve:
                handle.setopt(pycurl.RESOLVE, [resolve])
                lane.resolve = resolve
            timeout = max(1, round(limit * 1000))
            if lane.timeout != timeout:
                handle.setopt(pycurl.TIMEOUT_MS, timeout)
                lane.timeout = timeout
            if lane.body_size != len(body):
                handle.setopt(pycurl.POSTFIELDSIZE_LARGE, len(body))
                lane.body_size = len(body)
            lane.pool.multi.add_handle(handle)
        except (pycurl.error, ValueError) as error:
            lane.prepared = None
            self._lanes.append(lane)
            code = error.args[0] if isinstance(error, pycurl.error) and error.args else 0
            self._end(
                call, _why(lane, code, "") if code == _NO_CA_FILE else "the address is no URL", call.started
            )
            return
        lane.pool.flying += 1
        self._flying[handle] = lane

    def _new_handle(self) -> Any:
        handle = pycurl.Curl()
        trusted = str(self._ca_file or DEFAULT_CA_BUNDLE_PATH)
        for option, value in (
            *_SETTINGS,
            (pycurl.PROXY, self._proxy or ""),
            (pycurl.CAINFO, trusted),
            (_PROXY_CA, trusted),
            (_MAX_IDLE, max(1, int(self._idle))),
            (pycurl.SOCKOPTFUNCTION, self._sockets.begin),
        ):
            handle.setopt(option, value)
        # The folder of the system's authorities, which a libcurl may trust besides.
        handle.unsetopt(pycurl.CAPATH)
        handle.unsetopt(pycurl.PROXY_CAPATH)
        if self._proxy:
            handle.setopt(pycurl.PROXYPORT, _host_and_port(self._proxy)[1])
        return handle

    def _prepare(self, lane: _Lane, request: Request) -> None:
        headers = [f"{name}: {value}" for name, value in (HEADERS | dict(request.headers)).items()]
        lane.handle.setopt(pycurl.HTTPHEADER, [*headers, "Expect:"])
        lane.handle.setopt(pycurl.POST if request.method == "POST" else pycurl.HTTPGET, 1)
        lane.handle.setopt(pycurl.URL, request.url)
        lane.secrets = tuple(secret.encode() for secret in request.secrets)
        lane.prepared = request

    def _collect(self) -> None:
        """Take what libcurl has finished."""
        pools = self._sockets.pools
        for pool in pools:
            left = pool.flying
            while left:
                left, good, bad = pool.multi.info_read()
                if not good and not bad:
                    break
                now = self._clock()
                for handle in good:
                    lane = self._landed(handle)
                    self._over.append((lane.ticket, _answer(lane, now)))
                for handle, code, text in bad:
                    lane = self._landed(handle)
                    self._over.append((lane.ticket, _broken(lane, code, text, now)))
        if len(pools) > 1:
            self._sockets.retire()

    def _landed(self, handle: Any) -> _Lane:
        lane = self._flying.pop(handle)
        lane.pool.multi.remove_handle(handle)
        lane.pool.flying -= 1
        self._lanes.append(lane)
        return lane


def _host_and_port(url: str) -> tuple[str, int]:
    """Raises ValueError."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 80)


def _needs_lookup(url: str) -> tuple[str, int] | None:
    try:
        host, port = _host_and_port(url)
    except ValueError:
        return None  # libcurl says what is wrong with it
    return None if is_address(host) else (host, port)


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _answer(lane: _Lane, now: float) -> Reply:
    """The reply for a whole answer."""
    status = lane.handle.getinfo(pycurl.RESPONSE_CODE)
    body = lane.parts[0] if len(lane.parts) == 1 else b"".join(lane.parts)
    for secret in lane.secrets:
        body = body.replace(secret, b"***")
    wait = None
    if status != _FINE or _GOOD not in body:
        asked = lane.handle.getinfo(_RETRY_AFTER)
        wait = min(float(asked), LONGEST) if asked > 0 else None
    return Reply(Arrival.ANSWERED, status, body, retry_after=wait, seconds=now - lane.started)


def _broken(lane: _Lane, code: int, text: str, now: float) -> Reply:
    """The reply for a call that broke. What is known of the message hangs on `left` alone."""
    seconds = now - lane.started
    if not lane.left:
        return Reply(Arrival.NEVER_LEFT, failure="network", detail=_why(lane, code, text), seconds=seconds)
    if code == pycurl.E_OPERATION_TIMEDOUT:
        return Reply(Arrival.SILENT, failure="timeout", seconds=seconds)
    failure, detail = "network", _why(lane, code, text)
    status = 0
    if code == pycurl.E_WRITE_ERROR:
        failure, detail = "bad_reply", "too large"
        status = lane.handle.getinfo(pycurl.RESPONSE_CODE)
    elif code in _GARBLED:
        failure, detail = "bad_reply", "not a whole HTTP answer"
    return Reply(Arrival.SILENT, status, failure=failure, detail=detail, seconds=seconds)


def _why(lane: _Lane, code: int, text: str) -> str:
    """A cause in a few words, which know nothing of URLs and tokens."""
    if code == pycurl.E_PEER_FAILED_VERIFICATION:
        return f"certificate refused: {text.rpartition(': ')[2]}"
    if code == _NO_CA_FILE:
        return _NO_AUTHORITIES
    if code == pycurl.E_SSL_CONNECT_ERROR:
        return f"TLS failed: {text.rpartition('::')[2] or 'no details'}"
    if code in _NO_NAME:
        return "the host name is not known"
    if code == pycurl.E_OPERATION_TIMEDOUT:
        return "no connection in time"
    if code == _PROXY_FAILED or lane.handle.getinfo(pycurl.HTTP_CONNECTCODE) >= _PROXY_ANSWER:
        return "the proxy refused"
    number = lane.handle.getinfo(pycurl.OS_ERRNO)
    return os.strerror(number) if number else "the connection was closed"
