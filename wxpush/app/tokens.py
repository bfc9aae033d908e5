"""The cached access_token, looked at, renewed and forgotten."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from wxpush.app.surroundings import Surroundings
from wxpush.channels.wechat.token_store import TokenStore
from wxpush.config import Account, OutsideToken, load_account
from wxpush.errors import InputError
from wxpush.i18n import _

_SHOWN = 4


@dataclass(frozen=True, slots=True)
class TokenSeen:
    """A token with what is known of it; `repr` would show it, so it is never logged."""

    account: str
    appid: str
    token: str
    fetched: datetime
    expires: datetime
    seconds_left: int
    generation: int

    def facts(self, *, reveal: bool) -> dict[str, Any]:
        """For people and for JSON; the token masked unless `reveal`."""
        return {
            "account": self.account,
            "appid": self.appid,
            "token": self.token if reveal else masked(self.token),
            "fetched_at": self.fetched.isoformat(timespec="seconds"),
            "expires_at": self.expires.isoformat(timespec="seconds"),
            "seconds_left": self.seconds_left,
            "generation": self.generation,
        }


def masked(token: str) -> str:
    """A token's ends: enough to tell two apart, too little to use."""
    return f"{token[:_SHOWN]}…{token[-_SHOWN:]}" if len(token) > 8 * _SHOWN else "…"


def cached(account: str | None, around: Surroundings) -> TokenSeen | None:
    """What lies on this disk. Raises InputError, UnsafeStateError."""
    chosen = load_account(account, around.environ)
    _refuse_outside(chosen)
    grant = TokenStore(around.directories.account_dir(chosen), chosen).load()
    if grant is None:
        return None
    left = grant.life(around.clock.moment())
    if left <= 0:
        return None
    return _seen(chosen, grant.token, grant.fetched.wall, left, grant.generation, around)


def refreshed(account: str | None, around: Surroundings, *, force: bool) -> TokenSeen:
    """Ask WeChat. Raises StoppedError with the remedy, InputError, StateError."""
    from wxpush.channels.wechat.client import make_keeper

    chosen = load_account(account, around.environ)
    _refuse_outside(chosen)
    info = make_keeper(chosen, around.directories, around.clock).fetch_now(force=force)
    return _seen(chosen, info.token, info.fetched_at, info.life, info.generation, around)


def replaces_others(account: str | None, around: Surroundings) -> bool:
    """Whether any new token of this account logs other systems out: true of the classic call."""
    return load_account(account, around.environ, need_secret=False).token == "classic"


def forget(account: str | None, around: Surroundings) -> bool:
    """Delete the cached token; whether there was one."""
    chosen = load_account(account, around.environ)
    _refuse_outside(chosen)
    return TokenStore(around.directories.account_dir(chosen), chosen).clear()


def _refuse_outside(account: Account) -> None:
    if isinstance(account.token, OutsideToken):
        raise InputError(
            _("The token of this account is kept by another system ({source}).").format(source=account.token),
            _("Look there: wxpush only asks for it."),
        )


def _seen(
    account: Account, token: str, fetched: float, left: float, generation: int, around: Surroundings
) -> TokenSeen:
    expires = around.now() + timedelta(seconds=left)
    return TokenSeen(account.name, account.appid, token, around.at(fetched), expires, int(left), generation)
