"""The lists of the account's people, page by page: all that follow, and those with a tag.

The people whom a scenario has by the thousand are made up while they are asked for, and held nowhere.
"""

import base64
import hashlib
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Final, NamedTuple

from wxpush.sandbox.followers import Followers
from wxpush.sandbox.settings import FollowerSettings, Tag

PAGE: Final = 10_000
"""So many people come in one answer."""
_DIGITS: Final = 9


class Page(NamedTuple):
    """A part of a list; `next_openid` is what to ask for next, empty at the end if the scenario has it so."""

    openids: list[str]
    next_openid: str


class Listing:
    """First the made-up people in the order of their numbers, then those whom the scenario names.

    Who doesn't follow isn't listed, whether by name or by a share.
    """

    def __init__(
        self, settings: FollowerSettings, tags: Sequence[Tag], followers: Followers, seed: int
    ) -> None:
        self._count, self._last_page = settings.listed, settings.last_page
        self._tags = {tag.id: tag for tag in tags}
        self._members = {tag.id: frozenset(tag.members) for tag in tags}
        self._tagged = frozenset(chain.from_iterable(self._members.values()))
        self._followers, self._seed = followers, seed
        digest = hashlib.blake2b(f"{seed}:people".encode(), digest_size=14).digest()
        self._prefix = "o" + base64.urlsafe_b64encode(digest).decode()[: 27 - _DIGITS]
        self._made_up = re.compile(re.escape(self._prefix) + rf"[0-9]{{{_DIGITS}}}")
        self._counted: dict[int | None, tuple[int, int]] = {}

    def made_up(self, number: int) -> str:
        """The openid of a made-up person; from 0 on."""
        return f"{self._prefix}{number:0{_DIGITS}}"

    def count(self, tag: int | None = None) -> int:
        """How many people are listed, all or with a tag; counted anew only when somebody came or went."""
        changes, known = self._counted.get(tag, (-1, 0))
        if changes != self._followers.changes:
            known = sum(1 for _ in self._after("", tag))
            self._counted[tag] = self._followers.changes, known
        return known

    def page(self, after: str, tag: int | None = None) -> Page | None:
        """What follows the person `after` ("" for the beginning); None for an openid that can't be one."""
        if after and not self._followers.is_known(after):
            return None
        following = self._after(after, tag)
        openids = list(islice(following, PAGE))
        ends = self._last_page == "empty" and next(following, None) is None
        return Page(openids, "" if ends or not openids else openids[-1])

    def has_tag(self, tag: int) -> bool:
        """Whether there is a tag of this number."""
        return tag in self._tags

    def tags(self) -> list[Tag]:
        """All tags."""
        return list(self._tags.values())

    def tags_of(self, openid: str) -> list[int]:
        """The tags that a person has."""
        return [tag for tag in self._tags if self._has(openid, tag)]

    def _after(self, after: str, tag: int | None) -> Iterator[str]:
        for openid in chain(self._numbered(after), self._named(after)):
            if self._followers.is_subscribed(openid) and (tag is None or self._has(openid, tag)):
                yield openid

    def _numbered(self, after: str) -> Iterator[str]:
        start = 0
        if after:
            start = int(after[-_DIGITS:]) + 1 if self._made_up.fullmatch(after) else self._count
        return (self.made_up(number) for number in range(start, self._count))

    def _named(self, after: str) -> Iterator[str]:
        names = sorted(name for name in self._followers.named() | self._tagged if not self._is_numbered(name))
        start = bisect_right(names, after) if after and not self._is_numbered(after) else 0
        return iter(names[start:])

    def _is_numbered(self, openid: str) -> bool:
        return self._made_up.fullmatch(openid) is not None and int(openid[-_DIGITS:]) < self._count

    def _has(self, openid: str, tag: int) -> bool:
        if openid in self._members[tag]:
            return True
        share = self._tags[tag].share
        if not share or not self._is_numbered(openid):
            return False
        digest = hashlib.blake2b(f"{self._seed}:{tag}:{openid}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64 < share
