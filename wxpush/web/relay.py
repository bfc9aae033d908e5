"""Passes a request on to the shop's own system, as it came, and its answer back."""

import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

import aiohttp
from yarl import URL

_MOST_ANSWER: Final = 1024 * 1024
_MOST_CONNECTIONS: Final = 256
# What belongs to one connection, not to the request (RFC 9110, 7.6.1), or is set anew for ours.
_NOT_PASSED_ON: Final = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)

_PASSED_BACK: Final = ("Content-Type", "Content-Encoding")


class Answer(NamedTuple):
    """What the shop's system said."""

    status: int
    headers: dict[str, str]
    """Those that say how to read the body."""
    body: bytes


class NoAnswerError(Exception):
    """It can't be reached, or says what can't be passed on."""


class Relay:
    """Speaks to the system at `url`; made and closed within the event loop."""

    def __init__(self, url: str, ca_file: Path | None = None) -> None:
        self._url = url
        context = ssl.create_default_context(cafile=ca_file) if url.startswith("https:") else True
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=_MOST_CONNECTIONS, ssl=context),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),  # whoever waits knows how long
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept", "Content-Type"),
        )

    async def pass_on(
        self, method: str, query: str, headers: Iterable[tuple[str, str]], body: bytes
    ) -> Answer:
        """The answer of the shop's system. Raises NoAnswerError."""
        joint = ("&" if "?" in self._url else "?") if query else ""
        passed = [(name, value) for name, value in headers if name.lower() not in _NOT_PASSED_ON]
        passed.append(("Accept-Encoding", "identity"))
        try:
            async with self._session.request(
                method,
                URL(f"{self._url}{joint}{query}", encoded=True),
                headers=passed,
                data=body,
                allow_redirects=False,
            ) as answer:
                content = await _bounded(answer.content)
                reading = {name: answer.headers[name] for name in _PASSED_BACK if name in answer.headers}
                return Answer(answer.status, reading, content)
        except (aiohttp.ClientError, OSError, ValueError):
            raise NoAnswerError from None

    async def close(self) -> None:
        """Let go of the connections."""
        await self._session.close()


async def _bounded(stream: aiohttp.StreamReader) -> bytes:
    content = b""
    while chunk := await stream.readany():
        content += chunk
        if len(content) > _MOST_ANSWER:
            raise NoAnswerError
    return content
