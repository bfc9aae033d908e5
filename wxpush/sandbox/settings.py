"""The parts of a scenario as frozen settings; the defaults are WeChat's own behaviour as far as it is known.

Names end in their unit (`_s` seconds, `_ms` milliseconds); a share is a float from 0 to 1.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Literal

from wxpush.i18n import _

_MOST_LISTED = 100_000_000
_PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\.DATA\s*\}\}")


class FollowerState(StrEnum):
    """How a person stands to the account, and so what a message to him is answered."""

    FOLLOWING = "following"
    NEVER_FOLLOWED = "never_followed"
    """43004."""
    UNFOLLOWED = "unfollowed"
    """43004."""
    BLACKLISTED = "blacklisted"
    """43019: the account put him on its blacklist."""
    REFUSED = "refused"
    """43101: he switched the account's messages off."""
    FOREIGN = "foreign"
    """40003: the openid belongs to another account."""
    TOO_FREQUENT = "too_frequent"
    """43117: he gets no more messages for now."""
    REFUSES_LATER = "refuses_later"
    """Accepted, and not shown: the event says `failed:user block`."""


@dataclass(frozen=True)
class Template:
    """A template of the account: `content` as WeChat's list returns it.

    `allowed` holds the approved values of `const` and `enum` keywords; `refused` is an errcode that every
    send of this template gets (43116 banned, 48011 disabled, 40249 blocked), 0 for none.
    """

    template_id: str
    title: str = ""
    content: str = ""
    allowed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    refused: int = 0

    @cached_property
    def keywords(self) -> tuple[str, ...]:
        """The names of the placeholders in their order, each once."""
        return tuple(dict.fromkeys(_PLACEHOLDER.findall(self.content)))


@dataclass(frozen=True, slots=True)
class Account:
    """The account's credentials; `refused` is an errcode for every business call (48001, 48004, 50002),
    `token_refused` one for every token call (40243, 50004, 89503); 0 for none."""

    appid: str = "wx0000000000000001"
    secret: str = field(default="0123456789abcdef0123456789abcdef", repr=False)
    refused: int = 0
    token_refused: int = 0


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """How access tokens live.

    `overlap_s`: how long the former token works on after a replacement; with stable tokens also how long
    before its end a token is replaced. `force_overlap_s`: the same after a forced refresh; sources disagree
    on it (at once, or the usual overlap), so it is a setting.
    """

    lifetime_s: float = 7200
    overlap_s: float = 300
    force_overlap_s: float = 0
    force_per_day: int = 20
    force_apart_s: float = 30

    @property
    def renewal_s(self) -> float:
        """The overlap, cut to half a lifetime where tests make tokens live shorter than the overlap."""
        return min(self.overlap_s, self.lifetime_s / 2)


@dataclass(frozen=True, slots=True)
class DedupeSettings:
    """What happens to a second message with the same openid and client_msg_id.

    Documented is only that one message is shown within 10 minutes. Open, and so settings: whether the
    second call is answered with the first msgid or with 40241; whether each call prolongs the window
    (`sliding`); whether a call that failed with -1 uses the id up (`burnt_by_failure`). `window_s: 0` is a
    WeChat without dedupe. `same_text_s`: 40241 for the same text to the same person within that time under
    another id (reported with 60 s; 0 is off).
    """

    window_s: float = 600
    answer: Literal["msgid", "40241"] = "msgid"
    sliding: bool = False
    burnt_by_failure: bool = False
    same_text_s: float = 0


@dataclass(frozen=True, slots=True)
class QuotaSettings:
    """Calls of template/send a day (Beijing) and a minute (0: no minute limit), of the classic token call
    and of the list of followers a day, and resets by clear_quota a month. `minute_window` fixed counts from
    the full minute."""

    daily: int = 100_000
    minute: int = 0
    minute_window: Literal["sliding", "fixed"] = "sliding"
    tokens_daily: int = 2000
    lists_daily: int = 500
    clears_monthly: int = 10


@dataclass(frozen=True, slots=True)
class FollowerSettings:
    """Who is in which state: by name in `states`, else by a hash of the openid in `shares`, else following.

    `per_person` messages (0: no limit) within `per_person_s` are let through to one person, then 43117.
    `listed` people are made up for the list of followers, in which the named ones stand, too; what its
    last page has as next_openid (`last_page`) is documented both ways.
    """

    states: Mapping[str, FollowerState] = field(default_factory=dict)
    shares: Mapping[FollowerState, float] = field(default_factory=dict)
    listed: int = 0
    last_page: Literal["empty", "set"] = "empty"
    per_person: int = 0
    per_person_s: float = 3600

    def __post_init__(self) -> None:
        if sum(self.shares.values()) > 1:
            raise ValueError(_("the shares add up to more than 100%."))
        if not 0 <= self.listed <= _MOST_LISTED:
            raise ValueError(_("at most {limit} people can be listed.").format(limit=f"{_MOST_LISTED:,}"))


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag that people of the account have: the `members`, and a share of the made-up ones."""

    id: int
    name: str
    members: tuple[str, ...] = ()
    share: float = 0


@dataclass(frozen=True, slots=True)
class AllowList:
    """The account's IP allow-list, asked on the token call or on every call (official pages disagree).

    `seen_as` is the address that this WeChat takes the caller for; 40164 unless it is in `addresses`.
    """

    calls: Literal["off", "token", "every"] = "off"
    addresses: tuple[str, ...] = ()
    seen_as: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Review:
    """Which messages are taken into review (40252), and which are refused as illegal (40249).

    A message is reviewed by `chance` or for one of `words`; after `after_s` the share `passes` of them is
    delivered without another call. `blocked_words` are answered 40249.
    """

    chance: float = 0
    words: tuple[str, ...] = ()
    after_s: float = 600
    passes: float = 1
    blocked_words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time from `low` to `high`, both included; each use draws one."""

    low: float = 0
    high: float = 0

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high:
            raise ValueError(_("a range goes from the smaller to the larger number, neither negative."))


@dataclass(frozen=True, slots=True)
class EventSettings:
    """What is told of accepted messages (TEMPLATESENDJOBFINISH) and of people who come and go.

    Events are pushed to `url` where there is one; `enabled` makes them without, for who listens in the same
    process. `statuses` are the shares of messages that aren't shown, with what their event says. `delay_ms`
    is real time; with `disorder` each event takes its own, else they keep their order. A push that isn't
    answered within `timeout_s`, or with a server's error, goes out again, `tries` times in all.
    """

    enabled: bool = False
    url: str = ""
    token: str = "sandbox"
    aes_key: str = ""
    mode: Literal["plain", "compatible", "safe"] = "plain"
    format: Literal["xml", "json"] = "xml"
    delay_ms: Span = Span(50, 2000)
    disorder: bool = True
    duplicate: float = 0
    loss: float = 0
    msgid_zero: float = 0
    statuses: Mapping[str, float] = field(default_factory=dict)
    timeout_s: float = 5
    tries: int = 3

    def __post_init__(self) -> None:
        if sum(self.statuses.values()) > 1:
            raise ValueError(_("the shares add up to more than 100%."))
        if self.mode != "plain" and not re.fullmatch(r"[A-Za-z0-9]{43}", self.aes_key):
            raise ValueError(_("`aes_key` must have 43 letters and digits."))
        if self.url and not re.fullmatch(r"https?://[^\s/?#]+[^\s#]*", self.url):
            raise ValueError(_("`url` must be an address like http://127.0.0.1:8080/wechat."))
