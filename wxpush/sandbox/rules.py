"""What WeChat's keyword types let through, written from its documentation and not from wxpush's own rules.

Where the documentation is silent (see docs/sandbox.md) the sandbox takes the stricter reading, so that what
passes here has a good chance to pass there.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from wxpush.sandbox.settings import Template

_HISTORIC = re.compile(r"first|remark|keyword\d+")
_TYPE = re.compile(r"([a-z_]+?)\d*")
_CHINESE = "\u4e00-\u9fff"
_CLOCK = r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?"
_DAY = re.compile(
    r"(?:(?P<y>\d{4})年(?P<m>\d{1,2})月(?:(?P<d>\d{1,2})日)?"
    r"|(?P<y2>\d{4})(?P<s>[-/.])(?P<m2>\d{1,2})(?:(?P=s)(?P<d2>\d{1,2}))?"
    r"|(?P<m3>\d{1,2})月(?P<d3>\d{1,2})日"
    r"|(?P<m4>\d{1,2})[-/.](?P<d4>\d{1,2}))"
)
_MOMENT = re.compile(rf"(?P<day>[^ :~]*?)(?P<gap> ?)(?P<clock>{_CLOCK})?", re.ASCII)


def is_historic(keyword: str) -> bool:
    """Whether `keyword` is of the old templates, whose values are folded and stripped but never refused."""
    return _HISTORIC.fullmatch(keyword) is not None


def first_fault(template: Template, data: Mapping[str, Any]) -> str:
    """WeChat's words for the first keyword that is lacking or invalid, or "" when all pass.

    `data` is that of a send: keyword to `{"value": text}`.
    """
    for keyword in template.keywords:
        if is_historic(keyword):
            continue
        value = data.get(keyword, {}).get("value")
        text = "" if value is None else str(value)
        if not text.strip():
            return f"argument invalid! data.{keyword}.value is empty"
        if not is_valid(keyword, text, template.allowed.get(keyword)):
            return f"argument invalid! data.{keyword}.value invalid"
    return ""


def is_valid(keyword: str, value: str, allowed: Sequence[str] | None = None) -> bool:
    """Whether `value`, which isn't empty, fits the type in the keyword's name; an unknown type takes all.

    `allowed` are the approved values of a `const` or `enum`.
    """
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in value):
        return False
    named = _TYPE.fullmatch(keyword)
    kind = named[1] if named else ""
    if kind in ("const", "enum"):
        return value in allowed if allowed is not None else len(value) <= 20
    check = _CHECKS.get(kind)
    return check is None or check(value)


def displayed(template: Template | None, data: Mapping[str, Any]) -> dict[str, str]:
    """What a reader sees of `data`: old templates lose first, remark, emoji and all but 20 characters."""
    shown = {}
    for keyword, entry in data.items():
        value = "" if entry.get("value") is None else str(entry["value"])
        if template is not None and keyword not in template.keywords:
            continue
        if is_historic(keyword):
            if keyword in ("first", "remark"):
                continue
            value = _folded(value)
        shown[keyword] = value
    return shown


def _folded(value: str) -> str:
    plain = (
        "".join(character for character in value.splitlines()[0] if not _is_emoji(character)) if value else ""
    )
    return plain if len(plain) <= 20 else plain[:20] + "…"


def _is_emoji(character: str) -> bool:
    return unicodedata.category(character) == "So" or character in "\u200d\ufe0f"


def _pattern(expression: str) -> Callable[[str], bool]:
    compiled = re.compile(expression, re.ASCII)
    return lambda value: compiled.fullmatch(value) is not None


def _shorter(limit: int) -> Callable[[str], bool]:
    return lambda value: len(value) <= limit


def _symbol(value: str) -> bool:
    return len(value) <= 5 and all(unicodedata.category(character)[0] in "PS" for character in value)


def _number(value: str) -> bool:
    return len(value) <= 32 and re.fullmatch(r"-?\d+(\.\d+)?", value, re.ASCII) is not None


def _name(value: str) -> bool:
    return len(value) <= (10 if re.search(f"[{_CHINESE}]", value) else 20)


def _moments(value: str, *, clock_needed: bool) -> bool:
    parts = [part.strip() for part in value.split("~")]
    return len(parts) <= 2 and all(_moment(part, clock_needed=clock_needed) for part in parts)


def _moment(text: str, *, clock_needed: bool) -> bool:
    found = _MOMENT.fullmatch(text)
    if found is None or (found["gap"] and not (found["day"] and found["clock"])):
        return False
    if not found["day"]:
        return bool(found["clock"]) and clock_needed
    glued = found["clock"] and not found["gap"] and not found["day"].endswith("日")
    return not glued and _is_day(found["day"]) and (bool(found["clock"]) or not clock_needed)


def _is_day(text: str) -> bool:
    found = _DAY.fullmatch(text)
    if found is None:
        return False
    year, month, day = (
        next((int(found[name]) for name in names if found[name]), default)
        for names, default in (
            (("y", "y2"), 2024),
            (("m", "m2", "m3", "m4"), 1),
            (("d", "d2", "d3", "d4"), 1),
        )
    )
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


_CHECKS: Mapping[str, Callable[[str], bool]] = {
    "thing": _shorter(20),
    "short_thing": _shorter(10),
    "number": _number,
    "letter": _pattern(r"[A-Za-z]{1,32}"),
    "symbol": _symbol,
    "character_string": _pattern(r"[\x20-\x7e]{1,32}"),
    "time": lambda value: _moments(value, clock_needed=True),
    "date": lambda value: _moments(value, clock_needed=False),
    "amount": _pattern(r"[¥￥$€£]?\d{1,10}(\.\d+)?元?"),
    "phone_number": _pattern(r"[0-9+\-() #*]{1,17}"),
    "car_number": _pattern(rf"[{_CHINESE}A-Za-z0-9][A-Za-z0-9]{{0,6}}[{_CHINESE}A-Za-z0-9]?"),
    "name": _name,
    "phrase": _pattern(rf"[{_CHINESE}]{{1,5}}"),
}
