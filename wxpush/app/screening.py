"""Who of a list is left out, from what is known of people: joined with a pass over the list."""

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from wxpush.app.suppressing import folder_of
from wxpush.campaign.schema import Campaign
from wxpush.delivery.contacts import DAYS, Contacts, counted
from wxpush.delivery.hashed import Hashed
from wxpush.delivery.identity import hash64
from wxpush.delivery.screen import Facts, Limits, Reason, day_of, judged
from wxpush.delivery.suppressions import Reading, Suppressed

if TYPE_CHECKING:
    from wxpush.app.place import Scene
    from wxpush.app.surroundings import Surroundings


#: Of a message that never becomes too late.
NEVER: Final = math.inf
#: After so long somebody may have been written to meanwhile; looking it up takes time, too.
_LONG_S: Final = 60.0
#: What was known of people before WeChat said that they don't follow.
_UNKNOWN, _SUPPRESSED = 1, 2

Recall = Callable[[Callable[[int], None]], tuple[Contacts, list[str]]]
"""Looks up whom the account wrote to, telling how far it is; and gives what to say aloud of it."""


class Screening:
    """Says of a message whether it may go; a pass over the list begins with `begin`.

    What it lets go counts as a message of that person for the rest of the pass.
    """

    def __init__(
        self,
        wall: Callable[[], float],
        limits: Limits,
        suppressed: Suppressed,
        recall: Recall | None = None,
        *,
        several_each: bool = True,
        check_followers: bool = False,
    ) -> None:
        """`recall` looks up whom the account wrote to, where there are limits. `wall` is Unix time.

        `several_each`: a person can have several messages in one list.
        """
        self._wall, self._limits = wall, limits
        self.suppressed, self._recall, self._contacts = suppressed, recall, Contacts()
        self._is_limited = limits != Limits()
        self._plans = self._is_limited and several_each
        self._planned = Contacts()
        self._known_at = wall()
        self._not_following = Hashed()
        self._any_gone, self._has_list = False, len(suppressed) > 0
        self.check_followers = check_followers
        self.asks_unfollowed = False
        """Whether somebody who is suppressed for nothing but that he didn't follow is let through."""
        self.notes: list[str] = []
        """What to say aloud of where the facts come from."""

    @property
    def looks_back(self) -> bool:
        """Whether it is still to be looked up whom the account wrote to."""
        return self._recall is not None

    def look_back(self, tell: Callable[[int], None]) -> None:
        """Look that up, which may take some time; `tell` hears how many messages were seen."""
        if self._recall is not None:
            self._contacts, notes = self._recall(tell)
            self.notes += notes
            self._recall = None

    def renew(self, fresh: "Screening | None") -> None:
        """Take over what `fresh` knows of people; who follows is asked only once."""
        self.suppressed = Suppressed() if fresh is None else fresh.suppressed
        for key in self._not_following:
            if self._not_following.get(key) == _UNKNOWN and self.suppressed.is_automatic(key):
                self.suppressed.drop(key)  # whom this check, or this sending, has put on the list itself
        self._has_list = len(self.suppressed) > 0
        if fresh is not None and self._wall() > self._known_at + _LONG_S:
            self._recall, self._known_at = fresh._recall, self._wall()

    def begin(self) -> None:
        """Forget what the pass before has let go."""
        self.look_back(lambda _messages: None)
        if self._plans:
            self._planned = Contacts()

    def reason(self, to: str, expires: float) -> Reason | None:
        """Why the message to `to` is left out now; None where it may go."""
        now, key = self._wall(), hash64(to)
        until = self.suppressed.until(key) if self._has_list else 0.0
        contacts = self._contacts.get(key) if self._is_limited else 0
        planned = self._planned.get(key) if self._plans else 0
        gone = self._any_gone and self._not_following.get(key)
        if until or contacts or planned or gone or expires <= now:  # of most people nothing is known
            reason = judged(self._facts(key, now, until, expires, contacts, planned), self._limits, now)
            if reason is not None:
                return reason
        if self._plans:
            self._planned.note(key, day_of(now))
        return None

    def note_gone(self, to: str) -> Reason:
        """Take in that somebody doesn't follow, as WeChat has just said; returns why he is left out now."""
        key = hash64(to)
        known = self.suppressed.until(key) > self._wall()
        self._not_following.put(key, _SUPPRESSED if known else _UNKNOWN)
        self._any_gone = True
        return Reason.SUPPRESSED if known else Reason.NOT_FOLLOWING

    def note_back(self, to: str) -> None:
        """Take in that somebody follows who was suppressed for nothing but that he didn't."""
        self.suppressed.drop(hash64(to))

    def _facts(
        self, key: int, now: float, until: float, expires: float, contacts: int, planned: int
    ) -> Facts:
        if until and self.asks_unfollowed and self.suppressed.is_unfollowed(key):
            until = 0.0
        day = day_of(now)
        (today, week), (planned_today, planned_week) = counted(contacts, day), counted(planned, day)
        gone = bool(self._not_following.get(key))
        return Facts(until, expires, today + planned_today, week + planned_week, gone)


def open_screening(
    campaign: Campaign, scene: "Scene | None", around: "Surroundings", reading: Reading | None = None
) -> Screening | None:
    """What a campaign's messages are screened with; None where nothing speaks against anybody.

    Without a scene there is no account of which anything could be known. `reading` is of the account's
    list, where a part of it may have been read before. Raises DamagedStateError.
    """
    suppressed = Suppressed()
    if scene is not None:
        reading = reading or Reading(folder_of(scene.directories, scene.account))
        suppressed = reading.now()
    limits = Limits(campaign.limits.per_user_per_day, campaign.limits.per_user_per_week)
    is_limited = limits != Limits()
    if not (suppressed or is_limited or campaign.expires or campaign.check_followers):
        return None
    recall: Recall | None = None
    if is_limited and scene is not None and not scene.rehearsal:  # what was rehearsed reached nobody
        from wxpush.app.contacted import contacted

        recall = partial(contacted, scene, around, 1 if limits.per_week is None else DAYS)
    return Screening(
        around.clock.wall,
        limits,
        suppressed,
        recall,
        several_each=campaign.key is not None and campaign.key != campaign.to,
        check_followers=campaign.check_followers,
    )
