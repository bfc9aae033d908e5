"""The wire: one HTTP exchange by `requests`, with nothing taken from the environment and nothing followed.

`requests` prepares the call and chooses the pool of connections, with its rules for TLS and proxies; the
pool, urllib3's own, carries it. Without a Session redirects, cookies, netrc and proxies of the environment
don't exist. The connections are taught to tell the flight when a byte is about to leave, and to leave
behind a handle by which the watchdog can end them.
"""

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from wxpush import __version__
from wxpush.channels.http.flight import Flight, FlightOverError
from wxpush.channels.http.library_logs import redact_library_logs
from wxpush.channels.http.reply import Reply
from wxpush.channels.http.retry_after import parse_retry_after
from wxpush.model import Arrival

MAX_BODY: Final = 64 * 1024
# WeChat's side drops idle connections; a request on a dropped one ends in doubt.
IDLE_SECONDS: Final = 25.0
_CHUNK: Final = 16 * 1024
HEADERS: Final = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": f"wxpush/{__version__}"}

redact_library_logs()


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be sent; its representation shows the method alone, since URL and body hold secrets."""

    method: str
    url: str = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What the answer must not bring back: its text is shown and recorded."""
    most: int = MAX_BODY
    """So many bytes of an answer are read at most."""


class _Current(threading.local):
    """The flight that this thread works on."""

    flight: Flight | None = None


_current = _Current()


class _Followed(HTTPConnection):
    """A connection that keeps a second handle on its socket and asks the flight before it sends.

    Only the handle is ever touched by another thread: shutting down an SSLSocket itself would make it a
    plain socket for a moment, and TLS takes the first socket's descriptor away.
    """

    debuglevel = 0  # whatever http.client is told: it would print the request, token and all
    _handle: socket.socket | None = None
    _opening = False
    _held: list[bytes] | None = None
    """Parts of the request that is being put together."""

    def _new_conn(self) -> socket.socket:
        connection = super()._new_conn()
        self._handle = connection.dup()
        if _current.flight is not None:
            try:
                _current.flight.connecting(self._handle)
            except FlightOverError:
                connection.close()
                raise
        return connection

    def connect(self) -> None:
        self._opening = True  # a proxy's CONNECT is sent meanwhile, which carries nothing of the request
        try:
            super().connect()
        finally:
            self._opening = False

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send head and body together: one packet, and one turn of the interpreter less."""
        self._held = []
        try:
            super().request(*args, **kwargs)
            whole = b"".join(self._held)
        finally:
            self._held = None
        self.send(whole)

    def send(self, data: Any) -> None:
        if self._held is not None:
            self._held.append(data)
            return
        if not self._opening:
            if self.sock is None:
                self.connect()
            if _current.flight is not None:
                _current.flight.leaving(self._handle)
        super().send(data)

    def close(self) -> None:
        handle, self._handle = self._handle, None
        super().close()
        # After `Connection: close` the answer is still to be read, within the deadline.
        flight = _current.flight
        if handle is not None and (flight is None or not flight.adopt(handle)):
            handle.close()


class _FollowedTLS(_Followed, HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Followed


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _FollowedTLS


class Wire:
    """One thread's connections to one API."""

    def __init__(self, proxy: str | None, ca_file: Path | None) -> None:
        self._adapter = _Adapter(pool_connections=1, pool_maxsize=1, max_retries=0)
        self._proxies = {"http": proxy, "https": proxy} if proxy else {}
        self._verify = str(ca_file) if ca_file else True
        self._call: _Call | None = None
        """The one before: it serves again where only the body differs."""

    def exchange(self, request: Request, flight: Flight, timeout: float) -> Reply:
        """Send `request` and read the answer; whatever breaks is a reply too, and no exception tells of it.

        `timeout` bounds each single step only: the total is the flight's deadline, which the watchdog keeps.
        """
        _current.flight = flight
        try:
            return self._exchange(request, timeout)
        except (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException,
                OSError, ValueError, FlightOverError) as error:  # fmt: skip
            self.close()
            return _broken(error, left=flight.left)
        finally:
            _current.flight = None

    def close(self) -> None:
        """Let go of the connections; the next exchange makes new ones."""
        self._call = None
        self._adapter.close()

    def _exchange(self, request: Request, timeout: float) -> Reply:
        call = self._prepare(request)
        raw = call.pool.urlopen(
            request.method,
            call.target,
            request.body,
            call.headers,
            retries=self._adapter.max_retries,
            redirect=False,
            assert_same_host=False,
            timeout=timeout,
            preload_content=False,
            decode_content=False,
        )
        body = _read(raw, request.most)
        if body is None:
            raw.close()
            return Reply(Arrival.SILENT, raw.status, failure="bad_reply", detail="too large")
        wait = parse_retry_after(raw.headers.get("Retry-After"))
        for secret in request.secrets:
            body = body.replace(secret.encode(), b"***")
        return Reply(Arrival.ANSWERED, raw.status, body, retry_after=wait)

    def _prepare(self, request: Request) -> "_Call":
        same = (request.method, request.url, request.headers)
        if self._call is None or same != self._call.same:
            prepared = requests.PreparedRequest()
            # Without the body, whose length is told anew each time.
            prepared.prepare(request.method, request.url, headers=HEADERS | dict(request.headers))
            prepared.headers.pop("Content-Length", None)
            pool: Any = self._adapter.get_connection_with_tls_context(
                prepared, self._verify, proxies=self._proxies
            )
            self._adapter.cert_verify(pool, prepared.url, self._verify, None)  # type: ignore[no-untyped-call]
            target = self._adapter.request_url(prepared, self._proxies)
            self._call = _Call(same, pool, target, dict(prepared.headers))
        return self._call


@dataclass(frozen=True, slots=True)
class _Call:
    """What `requests` makes of a request, its body left out; `same` is what it was made for."""

    same: tuple[object, ...]
    pool: HTTPConnectionPool
    target: str
    headers: dict[str, str]


class _Adapter(HTTPAdapter):
    """An adapter whose connections are followed, directly and through a proxy."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}
        return manager


def _read(raw: urllib3.BaseHTTPResponse, most: int) -> bytes | None:
    """The body as it was sent, never unpacked; None where it is larger than `most`."""
    parts = []
    size = 0
    while part := raw.read(_CHUNK, decode_content=False):
        parts.append(part)
        size += len(part)
        if size > most:
            return None
        if raw.length_remaining == 0:
            break
    return b"".join(parts)


def _broken(error: BaseException, *, left: bool) -> Reply:
    """The reply for an exchange that broke. What is known of the message hangs on `left` alone."""
    causes = list(_causes(error))
    if not left:
        return Reply(Arrival.NEVER_LEFT, failure="network", detail=_why(causes))
    if any(isinstance(cause, TimeoutError | urllib3.exceptions.TimeoutError) for cause in causes):
        return Reply(Arrival.SILENT, failure="timeout")
    garbled = [cause for cause in causes if isinstance(cause, http.client.HTTPException)]
    if any(not isinstance(cause, http.client.RemoteDisconnected) for cause in garbled):
        return Reply(Arrival.SILENT, failure="bad_reply", detail="not a whole HTTP answer")
    return Reply(Arrival.SILENT, failure="network", detail=_why(causes))


def _why(causes: list[BaseException]) -> str:
    """A cause in the system's own words, which know nothing of URLs and tokens."""
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"certificate refused: {cause.verify_message}"
        if isinstance(cause, socket.gaierror):
            return "the host name is not known"
        if isinstance(cause, ssl.SSLError):
            return f"TLS failed: {cause.reason or 'no details'}"
        if isinstance(cause, TimeoutError):
            return "no connection in time"
        if isinstance(cause, urllib3.exceptions.ProxyError):
            return "the proxy refused"
    for cause in causes:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
    return "the connection was closed"


def _causes(error: BaseException, depth: int = 8) -> Iterator[BaseException]:
    """`error` and what led to it, deepest first."""
    if depth:
        inner = [error.__cause__, error.__context__, getattr(error, "reason", None), *error.args]
        for cause in inner:
            if isinstance(cause, BaseException):
                yield from _causes(cause, depth - 1)
    yield error
