"""The token call: an access_token asked of WeChat, by one process of this machine at a time."""

import json
from collections.abc import Callable
from typing import Any, Final, Protocol
from urllib.parse import urlencode

from wxpush.channels.http.reply import Reply, parse_body
from wxpush.channels.http.transport import Transport
from wxpush.channels.http.wire import Request
from wxpush.channels.wechat.errcodes import verdict
from wxpush.channels.wechat.token_store import (
    LONGEST_LIFE,
    Grant,
    TokenStore,
    is_token,
    successor,
)
from wxpush.channels.wechat.token_trouble import token_trouble
from wxpush.clock import SYSTEM, Moment
from wxpush.config import Account
from wxpush.errors import InputError, StoppedError
from wxpush.i18n import _
from wxpush.model import Arrival, CodeClass, Trouble, Verdict, VerdictKind

LOCK_PATIENCE: Final = 10.0
"""Seconds to wait for another process that renews the token."""
_CALL_SECONDS: Final = 8.0

JSON_HEADERS: Final = (("Content-Type", "application/json; charset=utf-8"),)


class NoTokenError(StoppedError):
    """No token is to be had; `trouble` is what a running channel says of it."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.message, trouble.hint, code=trouble.verdict.code)
        self.trouble = trouble


class TokenSupply(Protocol):
    """Where tokens come from. `fetches` counts the calls made for them."""

    fetches: int

    def peek(self) -> Grant | None:
        """A token that can be had without asking anybody."""

    def obtain(self, stale: Grant | None, since: Moment) -> Grant:
        """A token in place of `stale`, which was refused or is near its end at `since`; it may be the same.

        Blocks. Raises NoTokenError, LockedError, StateError.
        """

    def ask(self, *, force: bool) -> Grant:
        """A token asked for anew, whatever is stored. Blocks. Raises the same."""

    def clear(self) -> bool:
        """Forget what is stored; False where there was nothing."""


class TokenCall:
    """Tokens from WeChat, stored for all processes of this machine."""

    def __init__(
        self,
        account: Account,
        store: TokenStore,
        transport: Transport,
        *,
        clock: Callable[[], Moment] = SYSTEM.moment,
        lock_patience: float = LOCK_PATIENCE,
    ) -> None:
        self._account = account
        self._store = store
        self._transport = transport
        self._clock = clock
        self._patience = lock_patience
        self.fetches = 0

    def peek(self) -> Grant | None:
        """The stored token if it is still good. Raises StateError."""
        return self._good(self._store.load())

    def obtain(self, stale: Grant | None, since: Moment) -> Grant:
        """What another process has fetched meanwhile, else a new one of WeChat's, in normal mode."""
        with self._store.locked(self._patience):
            found = self._store.load()
            if _is_news(good := self._good(found), stale, since):
                assert good is not None  # noqa: S101 - what is news exists; for the type checker
                return good
            return self._fetch(found or stale, force=False)

    def ask(self, *, force: bool) -> Grant:
        """Ask WeChat now. `force` makes every other system's token worthless (20 a day, 30 s apart)."""
        with self._store.locked(self._patience):
            return self._fetch(self._store.load(), force=force)

    def clear(self) -> bool:
        """Forget the stored token."""
        return self._store.clear()

    def _good(self, grant: Grant | None) -> Grant | None:
        return grant if grant is not None and grant.life(self._clock()) > grant.reserve else None

    def _fetch(self, before: Grant | None, *, force: bool) -> Grant:
        self.fetches += 1
        asked = self._clock()  # the life is counted from before the call, not after it
        reply = self._transport.call(self._request(force=force), _CALL_SECONDS)
        grant = successor(before, _granted(reply, asked))
        self._store.save(grant)
        return grant

    def _request(self, *, force: bool) -> Request:
        account = self._account
        if account.secret is None:
            raise InputError(_("The account {name} has no secret.").format(name=account.name))
        who = {"appid": account.appid, "secret": account.secret.reveal()}
        if account.token == "classic":
            query = urlencode({"grant_type": "client_credential", **who})
            return Request("GET", f"{account.api_base}/cgi-bin/token?{query}", secrets=(who["secret"],))
        body = {"grant_type": "client_credential", **who, "force_refresh": force}
        url = f"{account.api_base}/cgi-bin/stable_token"
        return Request("POST", url, json.dumps(body).encode(), JSON_HEADERS, (who["secret"],))


def _is_news(found: Grant | None, stale: Grant | None, since: Moment) -> bool:
    """Whether what is stored spares a call: another token, or the same one confirmed after `since`."""
    if found is None or stale is None:
        return found is not None
    return found.token != stale.token or found.is_younger_than(since)


def _granted(reply: Reply, asked: Moment) -> Grant:
    """The token of an answer; raises NoTokenError where it holds none."""
    judged = verdict("token", reply)
    body = parse_body(reply) or {}
    lifetime = _lifetime(body.get("expires_in"))
    if judged.kind is not VerdictKind.ACCEPTED:
        raise NoTokenError(trouble_of(judged, reply))
    if lifetime is None or not is_token(body.get("access_token")):
        odd = Verdict(VerdictKind.AGAIN, "bad_reply", CodeClass.TRANSIENT, Arrival.SILENT)
        raise NoTokenError(trouble_of(odd, reply))
    return Grant(body["access_token"], lifetime, asked)


def trouble_of(judged: Verdict, reply: Reply) -> Trouble:
    """A refused or broken token call in the words of a person."""
    judged = judged._replace(detail=judged.detail or reply.detail)
    message, hint = token_trouble(judged)
    if judged.arrival is not Arrival.ANSWERED and reply.detail:
        message = f"{message} ({reply.detail})"
    kind = VerdictKind.AGAIN if judged.kind is VerdictKind.SLOW_DOWN else judged.kind
    return Trouble(judged._replace(kind=kind), message, hint)


def _lifetime(value: Any) -> float | None:
    """`expires_in` in seconds, as far as it can be believed."""
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        return None
    return float(min(value, LONGEST_LIFE))
