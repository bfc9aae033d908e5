"""Rates, durations, sizes and shares, as people write them."""

import re
from typing import Final

from wxpush.campaign.fault import FaultError
from wxpush.i18n import _

_RATE = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*/\s*(s|min|h)", re.ASCII)
_DURATION = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*(ms|s|min|h|d)", re.ASCII)
_SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,3})?)\s*%", re.ASCII)
_SIZE = re.compile(r"(\d{1,6})\s*(KB|MB|GB)", re.ASCII)
_BYTES = {"KB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000}
_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}

FASTEST: Final = 100_000
"""Messages a second that a campaign may ask for: beyond what any machine sends."""


class UnitError(FaultError):
    """A value of the wrong form: what is expected, and an example."""

    def __init__(self, message: str, hint: str = "", code: str = "WX122") -> None:
        super().__init__(code, message, hint)


def parse_rate(value: object) -> float:
    """`30/s`, `600/min`, `3600/h` as messages per second. Raises ValueError."""
    found = _RATE.fullmatch(one_text(value))
    per_second = float(found[1]) / _SECONDS[found[2]] if found else 0.0
    if per_second > FASTEST:
        message = _("“{value}” is more than the fastest rate, {fastest}/s.").format(
            value=value, fastest=FASTEST
        )
        raise UnitError(message, _("WeChat's own limits are far below."))
    if per_second <= 0:
        raise UnitError(
            _("“{value}” is not a rate.").format(value=value), _("Write 30/s, 600/min or 3600/h.")
        )
    return per_second


def parse_duration(value: object) -> float:
    """`500ms`, `10s`, `0.5s`, `10min`, `2h`, `7d` as seconds. Raises ValueError."""
    found = _DURATION.fullmatch(one_text(value))
    if not found or float(found[1]) == 0:
        message = _("“{value}” is not a duration.").format(value=value)
        raise UnitError(message, _("Write 500ms, 10s, 10min, 2h or 7d."))
    return float(found[1]) * _SECONDS[found[2]]


def parse_flag(value: object) -> bool:
    """`true` or `false`. Raises ValueError."""
    text = one_text(value)
    if text not in ("true", "false"):
        hint = _("Write one of: {choices}.").format(choices="true, false")
        raise UnitError(_("“{value}” is not known here.").format(value=text), hint)
    return text == "true"


def parse_share(value: object) -> float:
    """`10%` as 0.1. Raises ValueError."""
    found = _SHARE.fullmatch(one_text(value))
    if not found or float(found[1]) > 100:
        message = _("“{value}” is not a share.").format(value=value)
        raise UnitError(message, _("Write a percentage from 0% to 100%."))
    return float(found[1]) / 100


def parse_size(value: object) -> int:
    """`500KB`, `50MB`, `1GB` as bytes. Raises ValueError."""
    found = _SIZE.fullmatch(one_text(value))
    if not found or int(found[1]) == 0:
        raise UnitError(_("“{value}” is not a size.").format(value=value), _("Write 500KB, 50MB or 1GB."))
    return int(found[1]) * _BYTES[found[2]]


def one_text(value: object) -> str:
    """A value that is one text, trimmed. Raises ValueError."""
    if value is None:
        raise no_value()
    if not isinstance(value, str):
        raise UnitError(_("one value is expected here, not a list or a group."))
    return value.strip()


def no_value() -> UnitError:
    """The fault of a key without a value."""
    return UnitError(_("there is no value."), _("Fill it in, or remove the line."), "WX123")


def nonempty(value: object) -> str:
    """A value that is one text and says something. Raises ValueError."""
    text = one_text(value)
    if not text:
        raise no_value()
    return text
