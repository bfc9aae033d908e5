"""Moments as people write them on the command line, in Beijing time: `10:00`, `2026-12-01 10:00`."""

import re
from datetime import datetime, time, timedelta
from typing import Final

from wxpush.clock import BEIJING
from wxpush.delivery.hours import next_time
from wxpush.errors import InputError
from wxpush.i18n import _

_CLOCK = re.compile(r"(\d{1,2}):(\d{2})", re.ASCII)
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}(?::\d{2})?) ?(Z|[+-]\d{2}:?\d{2})?", re.ASCII)
_JUST_NOW: Final = timedelta(minutes=1)
_FURTHEST: Final = timedelta(days=366)


def beginning(text: str, now: datetime) -> datetime:
    """The moment of `--at`: a time of day is the next one. What passed within the last minute is now.

    Raises InputError for one that is past, or that is none.
    """
    moment = _moment("--at", text)
    if isinstance(moment, time):
        latest = next_time(moment, now) - timedelta(days=1)
        moment = latest if now - latest < _JUST_NOW else next_time(moment, now)
    if now - moment >= _JUST_NOW:
        raise InputError(
            _("--at: {moment} is past.").format(moment=told(moment)),
            _("Leave --at out to send, or to go on, now."),
        )
    _refuse_far_off("--at", moment, now)
    return max(moment, now)


def end(text: str, begins: datetime) -> datetime:
    """The moment of `--until` for what begins at `begins`: a time of day is the next one after that.

    Raises InputError for one that isn't later, or that is none.
    """
    moment = _moment("--until", text)
    if isinstance(moment, time):
        return next_time(moment, begins)
    if moment <= begins:
        raise InputError(
            _("--until: by {moment} nothing could be sent.").format(moment=told(moment)),
            _("Name a later moment, or leave --until out."),
        )
    _refuse_far_off("--until", moment, begins)
    return moment


def is_over(text: str, now: datetime) -> bool:
    """Whether a moment of `--until` has passed for good, unlike a time of day."""
    try:
        end(text, now)
    except InputError:
        return True
    return False


def is_time_of_day(text: str) -> bool:
    """Whether it is a moment that comes every day."""
    return _CLOCK.fullmatch(text.strip()) is not None


def told(moment: datetime) -> str:
    """A moment in a message."""
    return f"{moment.astimezone(BEIJING):%Y-%m-%d %H:%M} +08:00"


def _moment(option: str, text: str) -> datetime | time:
    """A full moment, or a time of day."""
    try:
        if found := _CLOCK.fullmatch(text.strip()):
            return time(int(found[1]), int(found[2]))
        if found := _MOMENT.fullmatch(text.strip()):
            moment = datetime.fromisoformat(f"{found[1]}T{found[2]}{found[3] or '+08:00'}")
            return moment.astimezone(BEIJING)
    except (ValueError, OverflowError):
        pass  # 25:00, 2026-02-30, the year 0
    raise InputError(
        _("{option}: “{text}” is no moment.").format(option=option, text=text),
        _('Write 10:00, "2026-12-01 10:00" or 2026-12-01T10:00+08:00; it is Beijing time unless it says so.'),
    )


def _refuse_far_off(option: str, moment: datetime, now: datetime) -> None:
    if moment - now > _FURTHEST:
        raise InputError(
            _("{option}: {moment} is more than a year ahead.").format(option=option, moment=told(moment))
        )
