"""Messages as their recipients will see them: those that are asked for, or those that show the extremes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from wxpush.app.material import Material, read_material
from wxpush.app.repeats import Repeats
from wxpush.app.results import Sample
from wxpush.app.sieve import Sieve
from wxpush.app.sources.spool import Source, called
from wxpush.campaign.checker import Ready, Skipped
from wxpush.campaign.render import Choices
from wxpush.delivery.fingerprints import Seen
from wxpush.errors import InputError, ProblemsError
from wxpush.i18n import _
from wxpush.model import Problem, Recipient

_TELL_EVERY: Final = 2_000


@dataclass(frozen=True, slots=True)
class Chosen:
    """One message that is shown, and what it shows, in the language in force."""

    sample: Sample
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """What is shown of a campaign; `others` kinds of messages were left out for want of room.

    `wrong` rows can't be sent, by themselves or beside another of their key; `skipped` ones aren't wanted.
    `code` is what is approved.
    """

    campaign: str
    title: str
    list_name: str
    chosen: tuple[Chosen, ...]
    rows: int
    wrong: int
    skipped: int
    others: int
    code: str
    doubtful: int = 0
    """Rows that are sent, and have a warning; `doubt` is the first of theirs."""
    doubt: Problem | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """Which messages to show: `count` of them, or that of a line, or those of an openid."""

    count: int = 3
    line: int | None = None
    openid: str | None = None


def preview(
    campaign: Path,
    source: Source,
    wish: Wish,
    *,
    today: date,
    tell: Callable[[int], None],
    sieve: Sieve | None = None,
) -> Preview:
    """Go through the list and choose. Raises ProblemsError, InputError where nothing can be shown."""
    list_name = source.name
    material = read_material(
        campaign, source.path, list_name=list_name, list_format=source.list_format, today=today, sieve=sieve
    )
    chooser, repeats = _Chooser(material, wish), Repeats()
    rows = wrong = skipped = doubtful = 0
    problems: tuple[Problem, ...] = ()
    doubt: Problem | None = None
    for row in material.recipients:
        rows += 1
        if rows % _TELL_EVERY == 0:
            tell(rows)
        examined = material.checker.examine(row)
        if isinstance(examined, Ready):
            wrong += repeats.meet(examined.message) is Seen.DIFFERENT
            if examined.warnings:
                doubtful, doubt = doubtful + 1, doubt or examined.warnings[0]
            if isinstance(row, Recipient):
                chooser.look_at(row, examined)
        elif isinstance(examined, Skipped):
            skipped += 1
        else:
            wrong += 1
            problems = problems or examined.problems
            if wish.line == row.line:
                raise ProblemsError(material.recipients.placed(examined.problems))
    chosen = list(chooser.chosen())
    if not chosen and wrong == rows:
        raise ProblemsError(material.recipients.placed(problems), total=wrong)
    if not chosen:
        raise InputError(_nobody(wish, list_name))
    shown = chosen[: wish.count] if wish.line is None and wish.openid is None else chosen
    return Preview(
        campaign=material.campaign.name,
        title=material.template.title,
        list_name=list_name,
        chosen=tuple(shown),
        rows=rows,
        wrong=wrong,
        skipped=skipped,
        others=len(chosen) - len(shown),
        code=material.approval_code,
        doubtful=doubtful,
        doubt=None if doubt is None else material.recipients.placed([doubt])[0],
    )


def _nobody(wish: Wish, list_name: str) -> str:
    if wish.line is not None:
        return _("{list} has no row on line {line} that the campaign sends to.").format(
            list=called(list_name), line=wish.line
        )
    if wish.openid is not None:
        return _("{list} has no row with the openid {openid} that the campaign sends to.").format(
            list=called(list_name), openid=wish.openid
        )
    return _("{list} has no row that the campaign sends to.").format(list=called(list_name))


class _Chooser:
    """Keeps, while the list goes by, the messages that show most: in memory that doesn't grow with it."""

    def __init__(self, material: Material, wish: Wish) -> None:
        self._material, self._wish = material, wish
        self._branches = Choices(material.campaign)
        self._first: Ready | None = None
        self._longest: tuple[int, Ready] | None = None
        self._shortest: tuple[int, Ready] | None = None
        self._ways: dict[tuple[str, bool], Ready] = {}
        self._asked: list[Ready] = []

    def look_at(self, row: Recipient, ready: Ready) -> None:
        """Take in a message that would be sent."""
        wish = self._wish
        if wish.line is not None or wish.openid is not None:
            if wish.line in (None, row.line) and wish.openid in (None, ready.message.to):
                self._asked.append(ready)
            return
        size = sum(map(len, ready.rendered.data.values()))
        self._first = self._first or ready
        if self._longest is None or size > self._longest[0]:
            self._longest = size, ready
        if self._shortest is None or size < self._shortest[0]:
            self._shortest = size, ready
        for way in self._branches.taken(row):
            self._ways.setdefault(way, ready)

    def chosen(self) -> Iterator[Chosen]:
        """The messages, each once, with all that it shows: extremes first, then the branches."""
        if self._asked:
            yield from (Chosen(self._sample(ready)) for ready in self._asked)
            return
        found: dict[int, tuple[Ready, list[str]]] = {}
        for ready, label in self._reasons():
            found.setdefault(ready.message.row, (ready, []))[1].append(label)
        for ready, labels in found.values():
            yield Chosen(self._sample(ready), tuple(labels))

    def _reasons(self) -> Iterator[tuple[Ready, str]]:
        if self._longest is not None and self._shortest is not None and self._first is not None:
            yield self._longest[1], _("the longest")
            if self._shortest[1] is not self._longest[1]:
                yield self._shortest[1], _("the shortest")
            for (where, holds), ready in self._ways.items():
                text = (
                    _("{where}: the condition holds") if holds else _("{where}: the condition doesn't hold")
                )
                yield ready, text.format(where=where)
            yield self._first, _("the first")

    def _sample(self, ready: Ready) -> Sample:
        return self._material.sample(ready.message, ready.rendered)
