"""What a check on the desk keeps for a look at the account: templates in use, and people of the list."""

import random
from dataclasses import dataclass, field
from pathlib import Path

from wxpush.channels.wechat.template import Template


@dataclass(frozen=True, slots=True)
class Use:
    """A template as a campaign uses it: where its id and content stand, and how much of the quota is kept.

    `file` is its own; None where it stands in the campaign.
    """

    template: Template
    id_place: tuple[str, int, int]
    content_place: tuple[str, int, int]
    keep_quota: float = 0.0
    file: Path | None = None


@dataclass(slots=True)
class Audience:
    """Whom one campaign would reach: how many, and up to `size` of them to ask about, or all.

    Each is as likely to be asked about as any other.
    """

    campaign: str
    keep_quota: float
    size: int | None
    ready: int = 0
    """Messages that can be sent; of rows that are alike the first."""
    people: list[tuple[int, str]] = field(default_factory=list)
    """Line and openid."""
    _chance: random.Random = field(default_factory=lambda: random.Random(1))

    def see(self, line: int, openid: str) -> None:
        """Take in a message that would be sent."""
        self.ready += 1
        if self.size is None or len(self.people) < self.size:
            self.people.append((line, openid))
        elif (place := self._chance.randrange(self.ready)) < self.size:
            self.people[place] = line, openid


@dataclass(slots=True)
class Audiences:
    """Those of all campaigns that a list is checked with."""

    list_name: str
    size: int | None
    each: list[Audience] = field(default_factory=list)

    def begin(self, campaign: str, keep_quota: float) -> Audience:
        """An empty one for the next campaign."""
        self.each.append(Audience(campaign, keep_quota, self.size))
        return self.each[-1]

    def people(self) -> list[tuple[int, str]]:
        """Line and openid of everybody to ask about, each once, in the order of the list."""
        lines: dict[str, int] = {}
        for audience in self.each:
            for line, openid in audience.people:
                lines[openid] = min(line, lines.get(openid, line))
        return sorted((line, openid) for openid, line in lines.items())
