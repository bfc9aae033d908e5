"""Until when a row's message may be sent: the moment in one of its columns, and some time after it."""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

from wxpush.campaign.filters import ValueProblemError, moment_of
from wxpush.campaign.schema import Expires
from wxpush.clock import BEIJING
from wxpush.fastjson import loads
from wxpush.i18n import _
from wxpush.model import Finding

WHERE: Final = "expires"
_USUAL: Final = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, 8)  # noqa: DTZ001 - as clocks in Beijing showed it
_A_DAY: Final = timedelta(days=1)


class Expiry:
    """Reads the moment off a row. A day without a time is over at its end; `after` counts from its start."""

    def __init__(self, expires: Expires) -> None:
        self.column = expires.column
        self._seconds = expires.after
        self._after = timedelta(seconds=expires.after)

    def moment(self, values: Mapping[str, Any]) -> float | Finding:
        """The Unix time from which on the message is too late; a Finding where the row doesn't tell."""
        value = values.get(self.column)
        if (usual := _usual(value)) is not None:
            return usual + self._seconds
        if value is None or (isinstance(value, str) and not value.strip()):
            message = _('no value for "{name}".').format(name=self.column)
            return _finding(message, _("Fix the row, or leave it out with `send --skip-invalid`."))
        try:
            moment, has_time = moment_of(value)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=BEIJING)
            return (moment + (self._after if self._after or has_time else _A_DAY)).timestamp()
        except OverflowError:
            return _finding(_("this is beyond the calendar."), _("Write it like 2026-11-23 15:04."))
        except ValueProblemError as error:
            return _finding(error.message, error.hint or _("Write it like 2026-11-23 15:04."))

    def is_past(self, fields: str, now: float) -> bool:
        """Whether the row with these `fields` (Message) is too late; so is one that doesn't tell."""
        values = loads(fields) if fields else {}
        moment = self.moment(values if isinstance(values, dict) else {})
        return isinstance(moment, Finding) or moment <= now


def _usual(value: object) -> float | None:
    """The Unix time of `2026-11-23 15:04:05`, which systems write and can be read much faster."""
    if type(value) is str and _USUAL.fullmatch(value):
        with suppress(ValueError):
            return (datetime.fromisoformat(value) - _EPOCH).total_seconds()
    return None


def _finding(message: str, hint: str) -> Finding:
    return Finding(WHERE, WHERE, "WX409", message, hint)
