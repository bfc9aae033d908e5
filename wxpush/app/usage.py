"""What a check on the desk keeps for a look at the account: templates in use, and people of the list."""

import random
from dataclasses import dataclass, field

from wxpush.channels.wechat.template import Template


@dataclass(frozen=True, slots=True)
class Use:
    """A template as a campaign uses it: where its id and content stand, and how much of the quota is kept."""

    template: Template
    id_place: tuple[str, int, int]
    content_place: tuple[str, int, int]
    keep_quota: float = 0.0


@dataclass(slots=True)
class Audience:
    """People of the list to ask about: up to `size` of them, each as likely as any other, or all."""

    size: int | None
    list_name: str = ""
    ready: int = 0
    """Rows whose message can be sent."""
    people: list[tuple[int, str]] = field(default_factory=list)
    """Line and openid."""
    _chance: random.Random = field(default_factory=lambda: random.Random(1))

    def see(self, line: int, openid: str) -> None:
        """Take in a row that would be sent."""
        self.ready += 1
        if self.size is None or len(self.people) < self.size:
            self.people.append((line, openid))
        elif (place := self._chance.randrange(self.ready)) < self.size:
            self.people[place] = line, openid
