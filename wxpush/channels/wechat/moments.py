"""Moments: dates and 24-hour times as the keyword types `time` and `date` want them written.

Source: the parameter table of subscription messages, which the documentation of template messages refers
to: `15:01`, `2019年10月1日 15:01`; `2018年1月1日`, `2018-01-01`, `2018/01/01`, `2018.01.01`, year and
month or month and day alone; two moments joined by `~`.
"""

import datetime
import re
from collections.abc import Callable, Iterator

from wxpush.channels.wechat.fault import Fault, doubt, use_filter
from wxpush.i18n import _

_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?"
# Days after the 28th are looked up in the calendar.
_MONTH, _DAY = r"(?:0?[1-9]|1[0-2])", r"(?:0?[1-9]|1[0-9]|2[0-8])"
_DATE = rf"(?:[12][0-9]{{3}}年{_MONTH}月{_DAY}日|[12][0-9]{{3}}([-/.]){_MONTH}\1{_DAY})"
PLAIN_TIME = rf"(?:{_DATE} )?{_CLOCK}"
"""The pattern of what is surely a `time`; what doesn't match is looked at by `time_faults`."""
PLAIN_DATE = rf"{_DATE}(?: {_CLOCK})?"

_DATE_FORMS = (
    re.compile(r"(?P<year>[0-9]{4})年(?P<month>[0-9]{1,2})月(?:(?P<day>[0-9]{1,2})日)?"),
    re.compile(r"(?P<month>[0-9]{1,2})月(?P<day>[0-9]{1,2})日"),
    re.compile(
        r"(?P<year>[0-9]{4})(?P<mark>[-/.])(?P<month>[0-9]{1,2})(?:(?P=mark)(?P<day>[0-9]{1,2}))?(?![0-9])"
    ),
    re.compile(r"(?P<month>[0-9]{1,2})[-/.](?P<day>[0-9]{1,2})(?![-/.0-9])"),
)
_CLOCK_FORM = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?")
_LEAP_YEAR = 2000
_READABLE = re.compile(
    r"([0-9]{4})(?:[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?|([0-9]{2})([0-9]{2}))"
    r"(?P<clock>[T\s]*(?:[01]?[0-9]|2[0-3])[:时][0-5]?[0-9](?:[:分](?:[0-5]?[0-9])?秒?)?分?)?"
)
"""Dates that the filter `date` can read."""
_EXCEL = re.compile(r"[0-9]{5}(?:\.[0-9]{1,15})?")
_EXCEL_START = datetime.datetime(1899, 12, 30)  # noqa: DTZ001 - a day of the calendar, wherever
_UNIX_TIME = re.compile(r"[0-9]{10}(?:[0-9]{3})?")


def time_faults(value: str) -> Iterator[Fault]:
    """What is wrong with a `time`: `HH:MM` or `HH:MM:SS`, a date before it allowed, a range by `~`."""
    return _each_end(value, _time_end_faults)


def date_faults(value: str) -> Iterator[Fault]:
    """What is wrong with a `date`: year, month and day, or two of them, a time after it allowed."""
    return _each_end(value, _date_end_faults)


def _each_end(value: str, judge: Callable[[str], Iterator[Fault]]) -> Iterator[Fault]:
    ends = value.split("~")
    if len(ends) > 2:
        yield Fault(_("more than one `~`."), _("A range is two moments joined by one `~`."))
        return
    if "～" in value or "：" in value:
        yield Fault(
            _("a full-width `～` or `：`."), _("Write `~` and `:` as they are on an English keyboard.")
        )
        return
    if any(end != end.strip() for end in ends):
        yield doubt(_("blanks around `~`."), _("Write the range without them."))
    for end in ends:
        yield from judge(end.strip())


def _time_end_faults(end: str) -> Iterator[Fault]:
    date, rest, real = _split_date(end)
    clock = _CLOCK_FORM.fullmatch(rest.strip())
    if clock is None:
        yield _not_a_time(end)
        return
    if date and not real:
        yield _not_in_calendar(date)
    yield from _clock_faults(clock)
    yield from _gap_faults(date, rest)


def _date_end_faults(end: str) -> Iterator[Fault]:
    date, rest, real = _split_date(end)
    clock = _CLOCK_FORM.fullmatch(rest.strip())
    if not date and clock is not None:
        yield doubt(_('"{text}" is a time without a date.').format(text=end), _("Give it its date too."))
        return
    if not date or (rest and clock is None):
        yield _not_a_date(end)
        return
    if not real:
        yield _not_in_calendar(date)
    if clock is not None:
        yield from _clock_faults(clock)
        yield from _gap_faults(date, rest)


def _split_date(end: str) -> tuple[str, str, bool]:
    """The date that `end` starts with ("" without one), what follows, and whether the calendar has it."""
    for form in _DATE_FORMS:
        found = form.match(end)
        if found is not None:
            parts = found.groupdict()
            real = _in_calendar(parts.get("year"), parts["month"], parts["day"])
            return found.group(), end[found.end() :], real
    return "", end, False


def _in_calendar(year: str | None, month: str, day: str | None) -> bool:
    try:
        datetime.date(int(year or _LEAP_YEAR), int(month), int(day or 1))
    except ValueError:
        return False
    return True


def _clock_faults(clock: re.Match[str]) -> Iterator[Fault]:
    hour, minute, second = (int(part or 0) for part in clock.groups())
    if hour > 23 or minute > 59 or second > 59:
        message = _('"{text}" is no time of a 24-hour clock.').format(text=clock.group())
        yield Fault(message, _("It runs from 00:00 to 23:59:59."))
    elif len(clock[1]) == 1:
        message = _('the hour of "{text}" has one digit.').format(text=clock.group())
        yield doubt(message, _("WeChat's form is HH:MM: put a 0 before it."))


def _gap_faults(date: str, rest: str) -> Iterator[Fault]:
    if date and not re.match(r" [^ ]", rest):
        yield doubt(
            _('"{text}": date and time are not one blank apart.').format(text=date + rest),
            _("Put exactly one between them."),
        )


def _reads(text: str, *, clock: bool = False) -> bool:
    """Whether the filter `date` can make something of `text`; `clock`: a time of day, too."""
    if _UNIX_TIME.fullmatch(text):
        return True
    found = _READABLE.fullmatch(text)
    if found is None or (clock and not found["clock"]):
        return False
    year, month, day, month8, day8, _clock = found.groups()
    return _in_calendar(year, month or month8, day or day8)


def _of_excel(end: str) -> Fault | None:
    """A day as Excel counts them, from 1900 on, with the time of day as a part of it."""
    if not _EXCEL.fullmatch(end):
        return None
    moment = _EXCEL_START + datetime.timedelta(days=float(end))
    if not 1980 <= moment.year < 2100:
        return None
    layout = "%Y-%m-%d %H:%M" if "." in end else "%Y-%m-%d"
    message = _('"{text}" is how Excel counts days: {moment}.')
    return Fault(
        message.format(text=end, moment=moment.strftime(layout)),
        _("Format the column in Excel as a date with its time, and export again."),
    )


def _not_a_time(end: str) -> Fault:
    if (counted := _of_excel(end)) is not None:
        return counted
    return Fault(
        _('"{text}" is no time: hours and minutes are needed, such as 15:04 or 2026-01-02 15:04.').format(
            text=end
        ),
        use_filter("date('%Y-%m-%d %H:%M')")
        if _reads(end, clock=True)
        else _("Use a column that has the time of day, or another keyword of the template."),
    )


def _not_a_date(end: str) -> Fault:
    if (counted := _of_excel(end)) is not None:
        return counted
    return Fault(
        _('"{text}" is no date such as 2026年1月2日 or 2026-01-02.').format(text=end),
        use_filter("date('%Y-%m-%d')") if _reads(end) else _("Write it like 2026-11-23."),
    )


def _not_in_calendar(date: str) -> Fault:
    return Fault(_('the calendar has no day "{text}".').format(text=date), _("Put in the right day."))
