"""The daily quota, read before a start: unreadable is no reason not to send, a bad account is."""

from dataclasses import dataclass

from wxpush.app.request import Surroundings
from wxpush.channels.wechat.client import WeChatClient, make_keeper
from wxpush.channels.wechat.token import TokenKeeper
from wxpush.channels.wechat.token_call import NoTokenError
from wxpush.config import Account, load_account
from wxpush.errors import StoppedError
from wxpush.model import Quota, VerdictKind


@dataclass(frozen=True, slots=True)
class QuotaFound:
    """The quota, or why it can't be read."""

    quota: Quota | None
    note: str = ""


def read_quota(account: Account, keeper: TokenKeeper) -> QuotaFound:
    """Ask WeChat. Raises StoppedError where no token is to be had for a reason that won't pass."""
    client = WeChatClient(account, keeper)
    try:
        return QuotaFound(client.quota())
    except NoTokenError as error:
        if error.trouble.verdict.kind is VerdictKind.STOP:
            raise
        return QuotaFound(None, str(error))
    except StoppedError as error:
        return QuotaFound(None, str(error))
    finally:
        client.close()


def ask_quota(account: str | None, around: Surroundings) -> tuple[str, Quota]:
    """The account's name and its quota. Raises InputError, StoppedError."""
    chosen = load_account(account, around.environ)
    client = WeChatClient(chosen, make_keeper(chosen, around.directories))
    try:
        return chosen.name, client.quota()
    finally:
        client.close()
