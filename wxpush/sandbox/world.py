"""All that one sandbox knows of its account; it is told the time, and its outputs are display and events."""

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from wxpush.sandbox.expiring import Expiring
from wxpush.sandbox.followers import Followers
from wxpush.sandbox.listing import Listing
from wxpush.sandbox.quotas import Quotas
from wxpush.sandbox.replies import Refusal, RidBook
from wxpush.sandbox.scenario import Scenario
from wxpush.sandbox.settings import FollowerState
from wxpush.sandbox.shown import Shown, ShownLog
from wxpush.sandbox.tokens import Tokens

_FIRST_MSGID = 3_700_000_000_000_000_000
_MOST_REJECTED = 100_000
_SUCCESS = "success"
Tell = Callable[[str, int, str], object]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A send that WeChat took: `msgid` is a 19-digit number."""

    msgid: int


class Rejected(NamedTuple):
    """A message that doesn't pass its review; `known` is when that is decided, `sent` when it was sent."""

    number: int
    openid: str
    template_id: str
    sent: float
    known: float


class World:
    """The account's state, put together of its parts; not safe for several threads at once."""

    def __init__(
        self, scenario: Scenario, display: ShownLog, token_chance: random.Random, tell: Tell | None
    ) -> None:
        """`tell(openid, msgid, status)` is called for each event, where anybody wants them."""
        self.scenario = scenario
        self.display = display
        self.tokens = Tokens(scenario.tokens, token_chance)
        self.quotas = Quotas(scenario.quota)
        self.followers = Followers(scenario.followers, scenario.seed)
        self.listing = Listing(scenario.followers, scenario.tags, self.followers, scenario.seed)
        self.repeats = Repeats(scenario)
        self.rids = RidBook(random.Random(f"{scenario.seed}:rid"))
        self.templates = {template.template_id: template for template in scenario.templates}
        self.allowed = set(scenario.allow_list.addresses)
        self._tell = tell
        self._fate_chance = random.Random(f"{scenario.seed}:statuses")
        self.review_chance = random.Random(f"{scenario.seed}:review")
        self.rejected: deque[Rejected] = deque(maxlen=_MOST_REJECTED)
        self._last_msgid = 0

    def deliver(self, shown: Shown) -> None:
        """An accepted message arrives on its user's screen, or fails on the way, and its event says so."""
        status = self._fate(shown.openid)
        if status == _SUCCESS:
            self.display.add(shown)
        if self._tell is not None:
            self._tell(shown.openid, shown.msgid, status)

    def settle(self, now: float) -> None:
        """Deliver what has passed its review."""
        for shown in self.display.due(now):
            self.deliver(shown)

    def set_state(self, openid: str, state: FollowerState) -> None:
        """From now on this person is in `state`; who comes or goes by it has an event."""
        before = self.followers.is_subscribed(openid)
        self.followers.set_state(openid, state)
        after = self.followers.is_subscribed(openid)
        if self._tell is not None and before != after:
            self._tell(openid, 0, "subscribe" if after else "unsubscribe")

    def _fate(self, openid: str) -> str:
        if self.followers.state(openid) is FollowerState.REFUSES_LATER:
            return "failed:user block"
        if not self.scenario.events.statuses:
            return _SUCCESS
        point = self._fate_chance.random()
        for status, share in self.scenario.events.statuses.items():
            if point < share:
                return status
            point -= share
        return _SUCCESS

    def next_msgid(self, now: float) -> int:
        """A number above all before it, also above those of a sandbox that was started earlier."""
        self._last_msgid = max(self._last_msgid + 1, _FIRST_MSGID + int(now * 1_000_000))
        return self._last_msgid

    def reject(self, openid: str, template_id: str, sent: float, known: float) -> None:
        """Note that a message won't pass its review."""
        number = self.rejected[-1].number + 1 if self.rejected else 1
        self.rejected.append(Rejected(number, openid, template_id, sent, known))

    def ip_refusal(self) -> Refusal | None:
        """40164 with the caller's address, where the allow-list lacks it."""
        address = self.scenario.allow_list.seen_as
        if address in self.allowed:
            return None
        return Refusal(40164, f"invalid ip {address} ipv6 ::ffff:{address}, not in whitelist")

    def burn(self, openid: str, client_msg_id: str, now: float) -> None:
        """A call failed without being accepted; where the scenario says so, its id counts as used."""
        if self.scenario.dedupe.burnt_by_failure:
            self.repeats.record(openid, client_msg_id, self.next_msgid(now), now)


class Repeats:
    """What has been sent lately: by openid and client_msg_id, and by openid and text."""

    def __init__(self, scenario: Scenario) -> None:
        self._settings = scenario.dedupe
        self._ids: Expiring[int] = Expiring(scenario.dedupe.window_s)
        self._texts: Expiring[str] = Expiring(scenario.dedupe.same_text_s)

    def __len__(self) -> int:
        return len(self._ids)

    def answer(self, openid: str, client_msg_id: str, text: str, now: float) -> Accepted | Refusal | None:
        """The answer to a repeated message; None where it is a new one. An empty id is never a repetition."""
        earlier = self._ids.get(f"{openid} {client_msg_id}", now) if client_msg_id else None
        if earlier is not None:
            if self._settings.sliding:
                self.record(openid, client_msg_id, earlier, now)
            return Accepted(earlier) if self._settings.answer == "msgid" else Refusal(40241)
        if self._settings.same_text_s and self._texts.get(f"{openid} {text}", now) is not None:
            return Refusal(40241)
        return None

    def record(self, openid: str, client_msg_id: str, msgid: int, now: float) -> None:
        """This id is used for this person."""
        if client_msg_id:
            self._ids.put(f"{openid} {client_msg_id}", msgid, now)

    def record_text(self, openid: str, text: str, client_msg_id: str, now: float) -> None:
        """This person got this text."""
        if self._settings.same_text_s:
            self._texts.put(f"{openid} {text}", client_msg_id, now)
