"""Where an account is known under another API host: what is kept there isn't seen from here."""

from wxpush.app.surroundings import Surroundings
from wxpush.config import Account
from wxpush.i18n import _


def kept_apart(account: Account | None, around: Surroundings) -> list[str]:
    """One line that says so, where that is the case."""
    hosts = around.directories.other_origins(account) if account else []
    if account is None or not hosts:
        return []
    told = _(
        "{appid} was used at {others}, too: runs, suppression list and receipts there are kept apart from "
        "those at {here}."
    )
    return [told.format(appid=account.appid, others=_(", ").join(hosts), here=account.origin)]
