"""What a cell of a workbook says, as a person reads it on the screen."""

import re
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

_QUOTED = re.compile(r'"([^"]*)"|\\(.)|\[\$([^\]\-]*)(?:-[^\]]*)?\]|\[[^\]]*\]|_.|\*.')
_PATTERN = re.compile(r"([^0#?.,%]*)((?:[#?0]+,)*[#?0,]*)(\.[0#?]+)?(%?)([^0#?.,%]*)")
_MOST_DIGITS = 10**15


class CellError(ValueError):
    """A cell whose value can't be trusted: the text says why."""


def cell_text(value: Any, number_format: str) -> str:
    """The text of a cell's value; raises ValueError for a number that Excel has cut."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return _number(value, number_format)
    if isinstance(value, datetime):
        return _moment(value, number_format)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.strftime("%H:%M:%S" if value.second else "%H:%M")
    if isinstance(value, timedelta):
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02d}" + (f":{seconds:02d}" if seconds else "")
    return str(value)


def _moment(value: datetime, number_format: str) -> str:
    # Serial numbers are fractions of a day: what was 15:04:00 comes back some microseconds off.
    value = (value + timedelta(milliseconds=500)).replace(microsecond=0)
    if "h" not in number_format.lower() and value.time() == time(0):
        return value.strftime("%Y-%m-%d")
    return value.strftime("%Y-%m-%d %H:%M:%S" if value.second else "%Y-%m-%d %H:%M")


def _number(value: float, number_format: str) -> str:
    if abs(value) >= _MOST_DIGITS:
        raise CellError
    number = Decimal(format(value, ".15g")) if isinstance(value, float) else Decimal(value)
    shown = _formatted(number, number_format)
    if shown is not None:
        return shown
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _formatted(number: Decimal, number_format: str) -> str | None:
    """`number` in its cell's format (`#,##0.00`, `0%`, `"¥"0.00`); None for General and for odd formats."""
    section = number_format.split(";")[0]
    plain = _QUOTED.sub(lambda found: found[1] or found[2] or found[3] or "", section).strip()
    found = _PATTERN.fullmatch(plain)
    if plain in {"General", "@", ""} or found is None or not found[2]:
        return None
    before, whole, fraction, percent, after = found.groups()
    places = len(fraction or ".") - 1
    number = number * 100 if percent else number
    rounded = abs(number).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    digits = format(rounded, ",f" if "," in whole else "f")
    least = whole.replace(",", "").count("0")
    if "," not in whole and least > 1:
        digits = digits.zfill(least + (places + 1 if places else 0))
    if fraction and "0" not in fraction:
        digits = digits.rstrip("0").rstrip(".")
    sign = "-" if number < 0 and rounded else ""
    return f"{sign}{before.strip()}{digits}{percent}{after.strip()}"
