"""Who of a list is left out, from what is known of people: joined with a pass over the list."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from wxpush.app.suppressing import folder_of, known_suppressed
from wxpush.campaign.schema import Campaign
from wxpush.delivery.contacts import counted, noted
from wxpush.delivery.hashed import Hashed
from wxpush.delivery.identity import hash64
from wxpush.delivery.screen import Facts, Limits, Reason, day_of, judged
from wxpush.delivery.suppressions import Suppressed

if TYPE_CHECKING:
    from wxpush.app.place import Scene
    from wxpush.app.request import Surroundings


class Screening:
    """Says of a message whether it may go; a pass over the list begins with `begin`.

    What it lets go counts as a message of that person for the rest of the pass.
    """

    def __init__(
        self,
        wall: Callable[[], float],
        limits: Limits,
        suppressed: Suppressed,
        contacts: Hashed,
        *,
        several_each: bool = True,
        check_followers: bool = False,
    ) -> None:
        """`several_each`: a person can have several messages in one list. `wall` is Unix time."""
        self._wall, self._limits = wall, limits
        self.suppressed, self._contacts = suppressed, contacts
        self._is_limited = limits != Limits()
        self._plans = self._is_limited and several_each
        self._planned = Hashed()
        self._not_following = Hashed()
        self.check_followers = check_followers
        self.asks_unfollowed = False
        """Whether somebody who is suppressed for nothing but that he didn't follow is let through."""
        self.notes: list[str] = []
        """What to say aloud of where the facts come from."""

    def begin(self) -> None:
        """Forget what the pass before has let go."""
        if self._plans:
            self._planned = Hashed()

    def reason(self, to: str, expires: float) -> Reason | None:
        """Why the message to `to` is left out now; None where it may go."""
        now, key = self._wall(), hash64(to)
        until = self.suppressed.until(key)
        if until and self.asks_unfollowed and self.suppressed.is_unfollowed(key):
            until = 0.0
        today = week = 0
        if self._is_limited:
            today, week = self._counts(key, day_of(now))
        facts = Facts(until, expires, today, week, bool(self._not_following.get(key)))
        reason = judged(facts, self._limits, now)
        if reason is None and self._plans:
            self._planned.put(key, noted(self._planned.get(key), day_of(now)))
        return reason

    def note_following(self, to: str, *, follows: bool) -> None:
        """Take in whether somebody follows, as WeChat has just said."""
        key = hash64(to)
        self._not_following.put(key, not follows)
        if follows and self.suppressed.is_unfollowed(key):
            self.suppressed.drop(key)

    def _counts(self, key: int, day: int) -> tuple[int, int]:
        today, week = counted(self._contacts.get(key), day)
        if self._plans:
            planned = counted(self._planned.get(key), day)
            return today + planned[0], week + planned[1]
        return today, week


def open_screening(campaign: Campaign, scene: "Scene | None", around: "Surroundings") -> Screening | None:
    """What a campaign's messages are screened with; None where nothing speaks against anybody.

    Without a scene there is no account of which anything could be known. Raises DamagedStateError.
    """
    suppressed = Suppressed()
    if scene is not None:
        suppressed = known_suppressed(folder_of(scene.directories, scene.account))
    limits = Limits(campaign.limits.per_user_per_day, campaign.limits.per_user_per_week)
    is_limited = limits != Limits()
    if not (suppressed or is_limited or campaign.expires or campaign.check_followers):
        return None
    contacts, notes = Hashed(), list[str]()
    if is_limited and scene is not None:
        from wxpush.app.contacted import contacted

        contacts, notes = contacted(scene, around)
    screening = Screening(
        around.clock.wall,
        limits,
        suppressed,
        contacts,
        several_each=campaign.key is not None and campaign.key != campaign.to,
        check_followers=campaign.check_followers,
    )
    screening.notes = notes
    return screening


#: A message that never becomes too late.
NEVER: Final = math.inf
