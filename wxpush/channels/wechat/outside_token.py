"""A token that another system keeps: read from its file, command or address, never asked of WeChat."""

import json
from collections.abc import Callable
from typing import Any, Final

from wxpush.channels.http.transport import Transport
from wxpush.channels.http.wire import Request
from wxpush.channels.wechat.token_call import NoTokenError
from wxpush.channels.wechat.token_store import Grant, is_token, successor
from wxpush.clock import SYSTEM, Moment
from wxpush.config import OutsideToken
from wxpush.config.secret import read_secret_file, run_for_text
from wxpush.errors import InputError
from wxpush.i18n import _
from wxpush.model import Arrival, CodeClass, Trouble, Verdict, VerdictKind

MEMORY: Final = 60.0
"""Seconds that a token is used before its keeper is asked again."""
_COMMAND_SECONDS: Final = 10.0


class OutsideSupply:
    """Asks the token's keeper each time: nothing is written to disk."""

    def __init__(
        self, source: OutsideToken, transport: Transport, *, clock: Callable[[], Moment] = SYSTEM.moment
    ) -> None:
        self._source = source
        self._transport = transport
        self._clock = clock
        self.fetches = 0

    def peek(self) -> Grant | None:
        """Nothing: the keeper must be asked."""
        return None

    def obtain(self, stale: Grant | None, since: Moment) -> Grant:  # noqa: ARG002 - one way for every reason
        """What the keeper gives now."""
        return successor(stale, self.ask(force=False))

    def ask(self, *, force: bool) -> Grant:
        """What the keeper gives now; it can't be forced. Raises NoTokenError."""
        if force:
            raise InputError(
                _("This account's access_token is kept by another system ({source}).").format(
                    source=self._source
                ),
                _("Renew it there."),
            )
        self.fetches += 1
        asked = self._clock()
        try:
            token = pick(self._read(), self._source.json)
        except InputError as error:
            raise self._trouble(str(error), error.hint) from None
        return Grant(token, MEMORY, asked)

    def clear(self) -> bool:
        """Nothing is stored."""
        return False

    def _read(self) -> str:
        source = self._source
        if source.file is not None:
            return read_secret_file(source.file)
        if source.command is not None:
            return run_for_text(source.command, timeout=_COMMAND_SECONDS)
        return self._fetch(source.url or "")

    def _fetch(self, url: str) -> str:
        headers = tuple((name, secret.reveal()) for name, secret in self._source.headers)
        reply = self._transport.call(Request("GET", url, headers=headers))
        if reply.failure:
            raise InputError(_("no answer ({reason})").format(reason=reply.detail or reply.failure))
        if reply.status != 200:
            raise InputError(f"HTTP {reply.status}")
        return reply.body.decode("utf-8-sig", errors="replace").strip()

    def _trouble(self, reason: str, hint: str) -> NoTokenError:
        message = _("The system that keeps the access_token ({source}) gives none: {reason}").format(
            source=self._source, reason=reason
        )
        judged = Verdict(VerdictKind.AGAIN, "network", CodeClass.TRANSIENT, Arrival.NEVER_LEFT)
        return NoTokenError(Trouble(judged, message, hint or _("Look at `token:` in config.yaml.")))


def pick(text: str, place: str) -> str:
    """The token in `text`: all of it, or what stands at `place` (keys joined by dots) of its JSON.

    Raises InputError, without a word of what was there.
    """
    found: Any = text
    if place:
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            raise InputError(_("the answer is not JSON.")) from None
        for key in place.split("."):
            found = found.get(key) if isinstance(found, dict) else None
    if not is_token(found):
        where = _("at `{place}`").format(place=place) if place else _("in the answer")
        raise InputError(_("there is no access_token {where}.").format(where=where))
    return str(found)
