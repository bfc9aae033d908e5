"""Waits and notices of a sending in words, in the language in force."""

from datetime import datetime

from wxpush.console import words
from wxpush.delivery.ports import Notice, Waiting, Why
from wxpush.i18n import _


def wait(waiting: Waiting, now: datetime) -> str:
    """Why nothing is sent just now, and the moment at which it goes on where that is known."""
    cause = words.why(waiting.why.value)
    if waiting.detail:
        cause = _("{cause} ({detail})").format(cause=cause, detail=waiting.detail)
    if waiting.until is None:
        return cause
    until = words.coming(waiting.until, now)
    if waiting.why is Why.OUTAGE:
        return _("{cause}, tries again at {moment}").format(cause=cause, moment=until)
    if waiting.why is Why.RECEIPTS:
        return _("{cause}, until {moment} at most").format(cause=cause, moment=until)
    return _("{cause}, goes on at {moment}").format(cause=cause, moment=until)


def notice(notice: Notice, detail: str) -> str:
    """Something that the operator should know, though it goes on."""
    told = {
        Notice.QUOTA_UNREADABLE: _("The day's quota can't be read, so it isn't kept watch over."),
        Notice.SLOWED_DOWN: _("WeChat is busy; sending more slowly for a while."),
        Notice.MANY_HELD: _(
            "WeChat takes many of these messages into review; sending more slowly. "
            "Look at what they say; Ctrl-C stops, and nothing is lost."
        ),
        Notice.STOPPING: _("Stopping: taking the answers that are on their way; Ctrl-C again ends at once."),
        Notice.TOKEN_TROUBLE: _("No access_token could be had; trying again."),
    }
    text = told[notice]
    return _("{text} ({detail})").format(text=text, detail=detail) if detail else text
