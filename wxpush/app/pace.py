"""How fast a sending goes, by its campaign and the command line."""

from dataclasses import dataclass
from typing import Final

from wxpush.campaign.schema import Campaign
from wxpush.delivery.hours import Hours

_LATENCY_ALLOWED_S: Final = 0.5
_FEWEST, _MOST = 4, 64


@dataclass(frozen=True, slots=True)
class Pace:
    """What the campaign and the command line say of speed: messages a second, calls at once, hours."""

    rate: float
    workers: int
    hours: Hours | None

    @classmethod
    def of(
        cls, campaign: Campaign, rate: float | None, workers: int | None, *, any_hour: bool = False
    ) -> "Pace":
        """The command line first. `any_hour` for rehearsals, which wake nobody."""
        chosen = rate or campaign.rate
        hours = Hours(*campaign.send_window) if campaign.send_window and not any_hour else None
        return cls(chosen, workers or campaign.workers or default_workers(chosen), hours)


def default_workers(rate: float) -> int:
    """Enough for the rate while WeChat answers within half a second."""
    return int(min(_MOST, max(_FEWEST, rate * _LATENCY_ALLOWED_S + 0.999)))
