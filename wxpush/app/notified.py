"""Who is told how a run ends, if anybody is: without `notify:` nothing of it is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxpush.config import load_account
from wxpush.errors import InputError

if TYPE_CHECKING:
    from wxpush.app.notifying import Notifier
    from wxpush.app.surroundings import Surroundings
    from wxpush.campaign.schema import Campaign
    from wxpush.config import Account


def notifier_of(campaign: Campaign, account: Account | None, around: Surroundings) -> Notifier | None:
    """Those under the campaign's `notify:`, else under its account's; None where nobody is."""
    targets = campaign.notify
    if targets is None:
        targets = account.notify if account is not None else ()
    if not targets:
        return None
    from wxpush.app.notifying import Notifier

    return Notifier(targets, around, account)


def account_without_secret(name: str | None, around: Surroundings) -> Account | None:
    """The account as far as a rehearsal or a test of notifications needs it; None where none is set up."""
    try:
        return load_account(name, around.environ, need_secret=False)
    except InputError:
        return None
