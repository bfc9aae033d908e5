"""When a sending begins and ends, by its options, and whether that makes sense."""

from datetime import date, datetime

from wxpush.app.moments import told
from wxpush.app.pace import hours_of
from wxpush.app.request import SendRequest
from wxpush.app.surroundings import Surroundings
from wxpush.campaign.schema import Campaign
from wxpush.errors import InputError
from wxpush.i18n import _


def begin_of(request: SendRequest, around: Surroundings) -> datetime:
    """When the first message may go: at the moment that was asked for, else now."""
    return request.at or around.now()


def day_of(request: SendRequest, around: Surroundings) -> date:
    """The day that `{{ today }}` stands for: the one on which it is sent, whenever it was typed."""
    return begin_of(request, around).date()


def refuse_odd_moments(request: SendRequest, around: Surroundings, campaign: Campaign) -> None:
    """See that it may begin when it should, and isn't over before that. Raises InputError."""
    hours = hours_of(campaign)
    if hours is None:
        return
    if request.at is not None and (opens := hours.wait(request.at)) is not None:
        raise InputError(
            _("--at: at {moment} the send_window is closed; it opens at {opens}.").format(
                moment=told(request.at), opens=told(opens)
            ),
            _("Name a moment within the send_window."),
        )
    opens = hours.wait(begin_of(request, around))
    if request.until is not None and opens is not None and request.until <= opens:
        raise InputError(
            _("--until: by {moment} nothing could be sent; the send_window opens at {opens}.").format(
                moment=told(request.until), opens=told(opens)
            ),
            _("Name a later moment, or leave --until out."),
        )
