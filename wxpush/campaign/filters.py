"""The filters an expression may use: few, bounded, and loud when a value doesn't fit."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from jinja2 import Undefined

from wxpush.campaign.fault import FaultError
from wxpush.clock import BEIJING
from wxpush.i18n import _

MAX_TEXT = 4096
"""Characters of a value that an expression may work with."""
MAX_RESULT = 2000
"""Characters that one rendered value may have."""

_NUMBER = re.compile(r"([+-]?)[¥￥$€£]?(\d{1,18}|\d{1,3}(?:,\d{3}){1,5})(\.\d{1,18})?元?", re.ASCII)
_DATE = re.compile(
    r"(\d{4})(?:[-/.年](\d{1,2})[-/.月](\d{1,2})日?|(\d{2})(\d{2}))"
    r"(?:[T\s]*(\d{1,2})[:时](\d{1,2})(?:[:分](\d{1,2})?(?:\.\d+)?秒?)?分?)?"
    r"\s*(Z|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)
_STAMP = re.compile(r"(\d{8})(\d{2})(\d{2})(\d{2})", re.ASCII)
_EPOCH = re.compile(r"\d{10}(?:\d{3})?", re.ASCII)
_DIRECTIVE = re.compile(r"%(-?)(.?)", re.DOTALL)
_PHONE = re.compile(r"\+?\d{5,17}", re.ASCII)
_NO = frozenset({"", "0", "false", "no", "off", "n", "f", "否", "无", "假"})


class ValueProblemError(FaultError):
    """A value doesn't fit what the expression does with it: what is wrong, and the remedy."""


def text_of(value: object) -> str:
    """The text of a value as a message would show it.

    Raises ValueProblemError for lists, mappings and texts over MAX_TEXT; a lacking value raises too.
    """
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            message = _("a value of {count} characters; {limit} is the most that an expression takes.")
            raise ValueProblemError(
                "WX404", message.format(count=len(value), limit=MAX_TEXT), _("Shorten it.")
            )
        return value
    if isinstance(value, Undefined):
        return str(value)  # raises, and names what is lacking
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float | Decimal):
        return format(Decimal(str(value)), "f")
    hint = _("Name one part of it ({{ user.name }}), or join a list: {{ tags | join('、') }}.")
    raise ValueProblemError("WX405", _("this is a list or a group of values, not one value."), hint)


def number_of(value: object) -> Decimal:
    """The number that `value` is or spells: `1299`, `1,299.50`, `￥1299`, `1299元`."""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return Decimal(str(value))
    text = text_of(value).strip()
    found = _NUMBER.fullmatch(text)
    if found is None:
        message = _("“{value}” is not a number.").format(value=_brief(text))
        raise ValueProblemError("WX402", message, _("Write it in digits, like 1299 or 1,299.50."))
    return Decimal(f"{found[1]}{found[2].replace(',', '')}{found[3] or ''}")


def unreckonable() -> str:
    """What is said where reckoning fails."""
    return _("the numbers can't be reckoned with (division by zero, or too large).")


def is_true(value: object) -> bool:
    """Whether a text says yes: not empty, and none of 0, false, no, off, 否, 无."""
    if isinstance(value, str):
        return value.strip().lower() not in _NO
    return bool(value)


def _brief(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


def _whole(value: object, least: int, most: int) -> int:
    """An argument of a filter as a whole number between `least` and `most`."""
    number = number_of(value)
    if number != int(number) or not least <= number <= most:
        message = _("{value} is not a whole number from {least} to {most}.")
        hint = _("Change the number in the filter's brackets.")
        raise ValueProblemError("WX402", message.format(value=number, least=least, most=most), hint)
    return int(number)


def shorten(value: object, length: object, end: object = "…") -> str:
    """At most `length` characters; what is cut off is replaced by `end`, which counts."""
    text, most, tail = text_of(value).strip(), _whole(length, 1, MAX_RESULT), text_of(end)
    if len(text) <= most:
        return text
    if len(tail) >= most:
        return text[:most]
    return text[: most - len(tail)].rstrip() + tail


def money(value: object, thousands: object = False, decimals: object = 2) -> str:
    """An amount with two decimals, rounded half up; `thousands=true` sets commas: 1,299.50."""
    amount = _rounded(number_of(value), _whole(decimals, 0, 4))
    return format(amount, ",f" if is_true(thousands) else "f")


def date(value: object, format: object = None) -> str:  # noqa: A002 - the name people write in a template
    """A date or time in the layout given: %Y %m %d %H %M %S, `%-m` without the leading zero.

    Takes 2026-11-23, 2026/11/23, 20261123, 2026年11月23日, each with 15:04 or 15:04:05, ISO with a time
    zone, and Unix time in seconds or milliseconds; the latter two are turned into Beijing time.
    """
    moment, has_time = moment_of(value)
    if format is None:
        layout = "%Y年%m月%d日 %H:%M" if has_time else "%Y年%m月%d日"
    else:
        layout = text_of(format)
    return _DIRECTIVE.sub(lambda found: _directive(found, moment, has_time), layout)


def _directive(found: re.Match[str], moment: datetime, has_time: bool) -> str:
    dash, letter = found[1], found[2]
    parts = {
        "Y": f"{moment.year:04d}",
        "m": f"{moment.month:02d}",
        "d": f"{moment.day:02d}",
        "H": f"{moment.hour:02d}",
        "M": f"{moment.minute:02d}",
        "S": f"{moment.second:02d}",
        "%": "%",
    }
    if letter not in parts:
        message = _("date: “{part}” is unknown.").format(part=found[0])
        raise ValueProblemError("WX402", message, _("Use %Y, %m, %d, %H, %M and %S."))
    if letter in "HMS" and not has_time:
        message = _("date: the value has no time of day, which the layout asks for.")
        raise ValueProblemError("WX402", message, _("Leave the time out: date('%Y年%m月%d日')."))
    return parts[letter].removeprefix("0") or "0" if dash and letter != "%" else parts[letter]


def moment_of(value: object) -> tuple[datetime, bool]:
    """The moment that `value` spells, in Beijing time, and whether it says a time of day."""
    text = text_of(value).strip()
    if _EPOCH.fullmatch(text):
        return datetime.fromtimestamp(int(text[:10]), UTC).astimezone(BEIJING), True
    stamp = _STAMP.fullmatch(text)
    found = _DATE.fullmatch(f"{stamp[1]} {stamp[2]}:{stamp[3]}:{stamp[4]}" if stamp else text)
    try:
        if found:
            return _assembled(found)
    except (ValueError, OverflowError):
        pass  # looks like a date, but the calendar or the clock has no such moment
    message = _("“{value}” is not a date that wxpush can read.").format(value=_brief(text))
    raise ValueProblemError("WX402", message, _("Write it like 2026-11-23 15:04."))


def _assembled(found: re.Match[str]) -> tuple[datetime, bool]:
    year, month, day, month8, day8, hour, minute, second, zone = found.groups()
    moment = datetime(  # noqa: DTZ001 - a time without a zone is Beijing's already
        int(year), int(month or month8), int(day or day8), int(hour or 0), int(minute or 0), int(second or 0)
    )
    if zone and hour:
        aware = datetime.strptime(f"{moment:%Y-%m-%d %H:%M:%S}{zone}", "%Y-%m-%d %H:%M:%S%z")
        moment = aware.astimezone(BEIJING)
    return moment, hour is not None


def mask_phone(value: object) -> str:
    """A phone number with its middle hidden: 138****5678."""
    text = re.sub(r"[\s\-()（）]", "", text_of(value))
    if not _PHONE.fullmatch(text):
        message = _("“{value}” is not a phone number.").format(value=_brief(text))
        raise ValueProblemError("WX402", message, _("Mend the row, or leave mask_phone out."))
    if len(text) > 11 and text.removeprefix("+").startswith("86"):
        text = text.removeprefix("+").removeprefix("86")
    head, tail = (3, 4) if len(text) >= 11 else (2, 2)
    return f"{text[:head]}****{text[-tail:]}"


def mask_name(value: object) -> str:
    """A name of which first and last character show: 王*明, 王*."""
    text = text_of(value).strip()
    if len(text) <= 2:
        return f"{text[0]}*" if len(text) == 2 else "*"
    return text[0] + "*" * min(len(text) - 2, 3) + text[-1]


def default(value: object, instead: object) -> object:
    """`instead` where the row has no such value or an empty one."""
    if isinstance(value, Undefined) or (isinstance(value, str) and not value.strip()):
        return instead
    return value


def upper(value: object) -> str:
    """Latin letters as capitals."""
    return text_of(value).upper()


def lower(value: object) -> str:
    """Latin letters as small letters."""
    return text_of(value).lower()


def trim(value: object) -> str:
    """Without blanks at both ends (a whole value is trimmed anyway)."""
    return text_of(value).strip()


def replace(value: object, old: object, new: object) -> str:
    """Every `old` replaced by `new`."""
    text, search, instead = text_of(value), text_of(old), text_of(new)
    if not search:
        hint = _("Say what is replaced by what: replace('-', '').")
        raise ValueProblemError("WX402", _("replace: the text to look for is empty."), hint)
    if len(text) + text.count(search) * (len(instead) - len(search)) > MAX_TEXT:
        message = _("replace: the result is longer than {limit} characters.").format(limit=MAX_TEXT)
        raise ValueProblemError("WX404", message, _("Replace by a shorter text."))
    return text.replace(search, instead)


def whole(value: object) -> int:
    """A whole number to reckon with; 3.5 is an error, `round` it first."""
    number = number_of(value)
    if number != int(number):
        message = _("“{value}” is not a whole number.").format(value=number)
        raise ValueProblemError("WX402", message, _("Use `round` first."))
    return int(number)


def rounded(value: object, digits: object = 0) -> Decimal:
    """Rounded half up to `digits` decimals, as amounts are."""
    return _rounded(number_of(value), _whole(digits, 0, 6))


def _rounded(number: Decimal, digits: int) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def join(value: object, separator: object = "、") -> str:
    """The items of a JSON list in one text."""
    if not isinstance(value, list | tuple):
        text_of(value)
        raise ValueProblemError("WX402", _("join: the value is not a list."), _("Leave join out."))
    return text_of(text_of(separator).join(text_of(item) for item in value))


def length(value: object) -> int:
    """How many characters a text, or items a list has."""
    return len(value) if isinstance(value, list | tuple) else len(text_of(value))


FILTERS: Mapping[str, Callable[..., Any]] = {
    "shorten": shorten,
    "money": money,
    "date": date,
    "mask_phone": mask_phone,
    "mask_name": mask_name,
    "default": default,
    "upper": upper,
    "lower": lower,
    "trim": trim,
    "replace": replace,
    "int": whole,
    "float": number_of,
    "round": rounded,
    "join": join,
    "length": length,
}
