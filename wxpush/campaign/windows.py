"""The hours of sending and their days, as people write them in a campaign: `Mon-Fri 08:00-21:00`."""

import re
from collections.abc import Iterator
from datetime import time
from typing import Final, NamedTuple

from wxpush.campaign.fault import FaultsError, Spot
from wxpush.campaign.units import UnitError, no_value, one_text
from wxpush.i18n import _

EVERY_DAY: Final = frozenset(range(7))
_MOST: Final = 50

_WINDOW = re.compile(r"(?:(\D{1,200}?)\s*)?(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})", re.ASCII)
_BETWEEN_DAYS = re.compile(r"[,，、]")
_FROM_TO = re.compile(r"[-–—~至到]")
_ENGLISH: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CHINESE: Final = {sign: number for number, sign in enumerate("一二三四五六日")} | {"天": 6}
_CHINESE_DAY = re.compile(r"(?:周|星期|礼拜)([一二三四五六日天])")


class Window(NamedTuple):
    """From `opens` to `closes` in Beijing, on the days (0 is Monday) on which it opens.

    `closes` at or before `opens` is on the day after.
    """

    opens: time
    closes: time
    days: frozenset[int] = EVERY_DAY


def parse_windows(value: object) -> tuple[Window, ...]:
    """One window, or a list of them. Raises ValueError, FaultsError for those of a list."""
    if not isinstance(value, list):
        return (parse_window(value),)
    if not value:
        raise no_value()
    if len(value) > _MOST:
        raise UnitError(_("more than {most} windows are no window any more.").format(most=_MOST))
    windows, faults = [], []
    for number, one in enumerate(value):
        try:
            windows.append(parse_window(one))
        except UnitError as fault:
            faults.append((Spot((number,)), fault))
    if faults:
        raise FaultsError(faults)
    return tuple(windows)


def parse_window(value: object) -> Window:
    """`08:00-21:00`, `Mon-Fri 08:00-21:00`, `周一、周三 20:00-02:00`. Raises ValueError."""
    found = _WINDOW.fullmatch(one_text(value))
    hours = found and _hours(*map(int, found.groups()[1:]))
    if found is None or hours is None:
        raise UnitError(
            _("“{value}” are not hours of a day.").format(value=value),
            _('Write them like "08:00-21:00" or "Mon-Fri 08:00-21:00".'),
        )
    return Window(*hours, EVERY_DAY if found[1] is None else frozenset(_days(found[1])))


def _hours(hour: int, minute: int, last_hour: int, last_minute: int) -> tuple[time, time] | None:
    whole_day = (hour, minute, last_hour, last_minute) == (0, 0, 24, 0)
    try:
        start = time(hour, minute)
        end = time(0) if (last_hour, last_minute) == (24, 0) else time(last_hour, last_minute)
    except ValueError:
        return None
    return (start, end) if start != end or whole_day else None


def _days(text: str) -> Iterator[int]:
    for part in _BETWEEN_DAYS.split(text):
        first, *rest = (_day(word.strip(), text) for word in _FROM_TO.split(part))
        if len(rest) > 1:
            raise _no_days(text)
        last = rest[0] if rest else first
        yield from ((first + step) % 7 for step in range((last - first) % 7 + 1))


def _day(word: str, text: str) -> int:
    if chinese := _CHINESE_DAY.fullmatch(word):
        return _CHINESE[chinese[1]]
    for number, name in enumerate(_ENGLISH):
        if word.lower() in (name, name[:3]):
            return number
    raise _no_days(text)


def _no_days(text: str) -> UnitError:
    return UnitError(
        _("“{text}” are not days of the week.").format(text=text.strip()),
        _('Write them like "Mon-Fri", "Sat,Sun" or "周一至周五"; holidays are not known.'),
    )
