"""How fast a sending goes, by its campaign and the command line."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from wxpush.campaign.schema import Campaign
from wxpush.delivery.hours import DayHours, Hours, Week

_LATENCY_ALLOWED_S: Final = 0.5
_FEWEST, _MOST = 4, 64


@dataclass(frozen=True, slots=True)
class Pace:
    """What the campaign and the command line say of speed: messages a second, calls at once, hours.

    From `until` on no message goes any more.
    """

    rate: float
    workers: int
    hours: Hours | None
    until: datetime | None = None

    @classmethod
    def of(
        cls,
        campaign: Campaign,
        rate: float | None,
        workers: int | None,
        *,
        until: datetime | None = None,
        any_hour: bool = False,
    ) -> "Pace":
        """The command line first. `any_hour` for rehearsals, which wake nobody."""
        chosen = rate or campaign.rate
        hours = None if any_hour else hours_of(campaign)
        return cls(chosen, workers or campaign.workers or default_workers(chosen), hours, until)


def hours_of(campaign: Campaign) -> Hours | None:
    """When a campaign may write to people; None for at any hour."""
    windows = campaign.send_window
    return Week(tuple(DayHours(*window) for window in windows)) if windows else None


def default_workers(rate: float) -> int:
    """Enough for the rate while WeChat answers within half a second."""
    return int(min(_MOST, max(_FEWEST, rate * _LATENCY_ALLOWED_S + 0.999)))
