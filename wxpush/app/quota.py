"""The daily quota, read before a start: unreadable is no reason not to send, a bad account is."""

from dataclasses import dataclass
from typing import Final

from wxpush.app.surroundings import Surroundings
from wxpush.channels.wechat.client import WeChatClient, make_keeper
from wxpush.channels.wechat.token import TokenKeeper
from wxpush.channels.wechat.token_call import NoTokenError
from wxpush.config import Account, load_account
from wxpush.errors import StoppedError
from wxpush.i18n import _
from wxpush.model import Quota, VerdictKind

_PATIENCE_BEFORE_SENDING: Final = 5.0
_PATIENCE_OF_ITS_OWN: Final = 10.0
_UNREACHABLE: Final = frozenset({"network", "timeout"})


@dataclass(frozen=True, slots=True)
class QuotaFound:
    """The quota, or why it can't be read."""

    quota: Quota | None
    note: str = ""


def read_quota(account: Account, keeper: TokenKeeper) -> QuotaFound:
    """Ask WeChat, for some seconds: the sending itself waits with more patience, and says so.

    Raises StoppedError where no token is to be had for a reason that won't pass.
    """
    client = WeChatClient(account, keeper, patience=_PATIENCE_BEFORE_SENDING)
    try:
        return QuotaFound(client.quota())
    except NoTokenError as error:
        if error.trouble.verdict.kind is VerdictKind.STOP:
            raise
        return QuotaFound(None, _note(error))
    except StoppedError as error:
        return QuotaFound(None, _note(error))
    finally:
        client.close()


def _note(error: StoppedError) -> str:
    if error.code in _UNREACHABLE:
        return _("WeChat can't be reached yet, so the quota is not known.")
    return str(error)


def ask_quota(account: str | None, around: Surroundings) -> tuple[str, Quota]:
    """The account's name and its quota. Raises InputError, StoppedError."""
    chosen = load_account(account, around.environ)
    keeper = make_keeper(chosen, around.directories, around.clock)
    client = WeChatClient(chosen, keeper, patience=_PATIENCE_OF_ITS_OWN)
    try:
        return chosen.name, client.quota()
    finally:
        client.close()
