"""The way to WeChat's API, tried step by step: name, connection, TLS, and the server's clock."""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from wxpush.config import Account
from wxpush.i18n import _

_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Probe:
    """How far it went. `fault` and `hint` are empty where an HTTP answer came.

    `stage` is where it ended: `name`, `connect`, `tls`, `http`, or `done`; `ahead` says by how many
    seconds this machine's clock is ahead of the server's, None where the server doesn't tell its time.
    """

    host: str
    stage: str
    address: str = ""
    tls: str = ""
    seconds: float = 0.0
    ahead: float | None = None
    by_proxy: bool = False
    fault: str = ""
    hint: str = ""


def probe(account: Account, *, timeout: float = 10.0, wall: Callable[[], float] = time.time) -> Probe:
    """Try the way to the account's API within `timeout` seconds, with no secret and no token."""
    host = urlsplit(account.api_base).hostname or ""
    if account.proxy is not None and urlsplit(account.proxy).scheme == "https":
        # Python's own client has no TLS to a proxy; the token is fetched that way, and shows whether it goes.
        return Probe(host, "done", by_proxy=True)
    found: list[Probe] = []
    # The system's name lookup can't be broken off.
    worker = threading.Thread(target=lambda: found.append(_tried(account, timeout, wall)), daemon=True)
    worker.start()
    worker.join(timeout)
    if found:
        return found[0]
    return Probe(host, "name", seconds=timeout, fault=_("no answer in time."), hint=_network_hint())


def _tried(account: Account, timeout: float, wall: Callable[[], float]) -> Probe:
    parts = urlsplit(account.api_base)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    begun = time.monotonic()
    by_proxy = account.proxy is not None

    def ended(stage: str, fault: str, hint: str) -> Probe:
        return Probe(host, stage, seconds=time.monotonic() - begun, by_proxy=by_proxy, fault=fault, hint=hint)

    connection: http.client.HTTPConnection | None = None
    try:
        connection = _connection(account, parts.scheme, host, port, timeout)
        connection.connect()
        sent = wall()
        connection.request("HEAD", "/", headers={"Accept-Encoding": "identity", "Connection": "close"})
        address, tls = _of_socket(connection.sock)
        answer = connection.getresponse()
        middle = (sent + wall()) / 2
        seconds = time.monotonic() - begun
        return Probe(host, "done", address, tls, seconds, _ahead(answer.getheader("Date"), middle), by_proxy)
    except (socket.gaierror, UnicodeError):
        return ended("name", _("the host name is not known."), _("Check the DNS servers of this machine."))
    except ssl.SSLCertVerificationError as error:
        hint = _("A proxy that looks into TLS needs its own authority: WXPUSH_CA_FILE. Is the clock right?")
        return ended("tls", _("certificate refused: {reason}.").format(reason=error.verify_message), hint)
    except ssl.SSLError as error:
        return ended("tls", _("TLS failed: {reason}.").format(reason=error.reason or "?"), _network_hint())
    except TimeoutError:
        return ended("connect", _("no answer in time."), _network_hint())
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        return ended("connect", _("no connection: {reason}.").format(reason=reason), _network_hint())
    except http.client.HTTPException:
        return ended("http", _("what answers there doesn't speak HTTP."), _network_hint())
    finally:
        if connection is not None:
            connection.close()


def _connection(
    account: Account, scheme: str, host: str, port: int, timeout: float
) -> http.client.HTTPConnection:
    context = None
    if scheme == "https":
        context = ssl.create_default_context(cafile=str(account.ca_file or DEFAULT_CA_BUNDLE_PATH))
    if account.proxy is None:
        if context is None:
            return http.client.HTTPConnection(host, port, timeout=timeout)
        return http.client.HTTPSConnection(host, port, timeout=timeout, context=context)
    proxy = urlsplit(account.proxy)
    at = (proxy.hostname or "", proxy.port or _PORTS.get(proxy.scheme, 80))
    if context is None:
        connection = http.client.HTTPConnection(*at, timeout=timeout)
    else:
        connection = http.client.HTTPSConnection(*at, timeout=timeout, context=context)
    connection.set_tunnel(host, port, _proxy_headers(proxy.username, proxy.password))
    return connection


def _proxy_headers(user: str | None, password: str | None) -> dict[str, str]:
    import base64
    from urllib.parse import unquote

    if user is None:
        return {}
    pair = f"{unquote(user)}:{unquote(password or '')}".encode()
    return {"Proxy-Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def _of_socket(connected: socket.socket | None) -> tuple[str, str]:
    """The address that was reached, and the version of TLS."""
    if connected is None:
        return "", ""
    tls = connected.version() or "" if isinstance(connected, ssl.SSLSocket) else ""
    return str(connected.getpeername()[0]), tls


def _ahead(date: str | None, middle: float) -> float | None:
    try:
        # A Date is cut to whole seconds: on average half of one is lacking.
        return None if date is None else middle - parsedate_to_datetime(date).timestamp() - 0.5
    except (ValueError, TypeError):
        return None


def _network_hint() -> str:
    return _("Check network, firewall and proxy (WXPUSH_PROXY) of this machine.")
