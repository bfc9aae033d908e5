"""Who doesn't get a message although it could be sent, and why: decided from facts, in one order."""

import math
from enum import StrEnum
from typing import Final, NamedTuple

from wxpush.clock import BEIJING_S

A_DAY: Final = 86_400


class Reason(StrEnum):
    """Why a row is left out; in the order in which the reasons are looked for."""

    SUPPRESSED = "suppressed"
    EXPIRED = "expired"
    FREQUENCY = "frequency"
    NOT_FOLLOWING = "not_following"


#: By name, as skips are counted; these are decided afresh in each pass, and so never remembered.
REASONS: Final = frozenset(reason.value for reason in Reason)


class Limits(NamedTuple):
    """How many messages of the account one person may get in a day and in seven; None is no limit."""

    per_day: int | None = None
    per_week: int | None = None


class Facts(NamedTuple):
    """What is known of one message and whom it is for. Moments are Unix time.

    `suppressed_until` is 0 for a person that is on no list; `expires` infinite for a message that never
    does. `today` and `week` count the messages that the person had today, and in seven days with today.
    """

    suppressed_until: float = 0.0
    expires: float = math.inf
    today: int = 0
    week: int = 0
    not_following: bool = False


def judged(facts: Facts, limits: Limits, now: float) -> Reason | None:
    """Why the message is left out at `now`; None where it may go."""
    if facts.suppressed_until > now:
        return Reason.SUPPRESSED
    if facts.expires <= now:
        return Reason.EXPIRED
    if limits.per_day is not None and facts.today >= limits.per_day:
        return Reason.FREQUENCY
    if limits.per_week is not None and facts.week >= limits.per_week:
        return Reason.FREQUENCY
    return Reason.NOT_FOLLOWING if facts.not_following else None


def day_of(moment: float) -> int:
    """The number of the day that it is in Beijing at `moment`."""
    return int((moment + BEIJING_S) // A_DAY)


def start_of(day: int) -> int:
    """When the day of this number begins in Beijing, in Unix time."""
    return day * A_DAY - BEIJING_S
