"""The people of the account: who follows, who doesn't, and how often one has been written to."""

import hashlib
import re

from wxpush.sandbox.expiring import Expiring
from wxpush.sandbox.settings import FollowerSettings, FollowerState

_OPENID = re.compile(r"o[0-9A-Za-z_-]{27}", re.ASCII)

_ANSWERS = {
    FollowerState.FOLLOWING: 0,
    FollowerState.NEVER_FOLLOWED: 43004,
    FollowerState.UNFOLLOWED: 43004,
    FollowerState.BLACKLISTED: 43019,
    FollowerState.REFUSED: 43101,
    FollowerState.FOREIGN: 40003,
    FollowerState.TOO_FREQUENT: 43117,
    FollowerState.REFUSES_LATER: 0,
}
_SUBSCRIBED = frozenset(
    {
        FollowerState.FOLLOWING,
        FollowerState.BLACKLISTED,
        FollowerState.REFUSED,
        FollowerState.TOO_FREQUENT,
        FollowerState.REFUSES_LATER,
    }
)


class Followers:
    """Everybody with a well-shaped openid follows, unless listed or met by a share (always the same)."""

    def __init__(self, settings: FollowerSettings, seed: int) -> None:
        self._seed = seed
        self._states = dict(settings.states)
        self._shares = tuple(settings.shares.items())
        self._limit = settings.per_person
        self.changes = 0
        """How often somebody's state was set."""
        self._counts: Expiring[int] = Expiring(settings.per_person_s)

    def set_state(self, openid: str, state: FollowerState) -> None:
        """From now on this person is in `state`."""
        self._states[openid] = state
        self.changes += 1

    def named(self) -> set[str]:
        """Everybody whose state was set, by the scenario or since."""
        return set(self._states)

    def state(self, openid: str) -> FollowerState:
        """How this person stands; a malformed openid is foreign."""
        listed = self._states.get(openid)
        if listed is not None:
            return listed
        if not _OPENID.fullmatch(openid):
            return FollowerState.FOREIGN
        return self._by_share(openid) if self._shares else FollowerState.FOLLOWING

    def is_known(self, openid: str) -> bool:
        """Whether the openid is one of this account's."""
        return self.state(openid) is not FollowerState.FOREIGN

    def is_subscribed(self, openid: str) -> bool:
        """What user/info says in `subscribe`."""
        return self.state(openid) in _SUBSCRIBED

    def refusal(self, openid: str, now: float) -> int:
        """The errcode that a message to this person gets, 0 when he would get it."""
        code = _ANSWERS[self.state(openid)]
        if code == 0 and self._limit and (self._counts.get(openid, now) or 0) >= self._limit:
            return 43117
        return code

    def count(self, openid: str, now: float) -> None:
        """A message to this person was accepted."""
        if self._limit:
            self._counts.change(openid, (self._counts.get(openid, now) or 0) + 1, now)

    def _by_share(self, openid: str) -> FollowerState:
        digest = hashlib.blake2b(f"{self._seed}:{openid}".encode(), digest_size=8).digest()
        point = int.from_bytes(digest, "big") / 2**64
        for state, share in self._shares:
            if point < share:
                return state
            point -= share
        return FollowerState.FOLLOWING
