"""What can be said of the rows of a list beside a campaign that isn't understood as a whole."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from wxpush.app.damaged import examine_whole
from wxpush.app.papers import Papers
from wxpush.app.validation import Checking, Unchecked, Validation, counted
from wxpush.campaign import damage
from wxpush.campaign.checker import Bad, Ready
from wxpush.campaign.render import Renderer
from wxpush.campaign.schema import Campaign
from wxpush.errors import ProblemsError
from wxpush.i18n import _
from wxpush.model import BadRow, Problem

if TYPE_CHECKING:
    from wxpush.campaign.recipients import RecipientList

#: Somebody whom no rule has anything against, in the place of an openid that can't be told.
_SOMEBODY: Final = "o" + "x" * 27
_OF_EVERY_ROW: Final = frozenset({"WX501", *damage.CODES})
"""What is wrong with a row whether it is wanted or not: an openid that is none, what a spreadsheet did."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why the rows can't be checked as a whole: keys of the campaign that are `faulty`, or the rest."""

    campaign: str
    faulty: Collection[str] = ()
    broken: bool = False
    no_column: bool = False
    narrowing: bool = False

    @property
    def told(self) -> str:
        """The reason, in the language in force."""
        if self.broken:
            return _("{file} can't be understood").format(file=self.campaign)
        if self.faulty:
            keys = ", ".join(f"`{key}`" for key in sorted(self.faulty))
            return _("{keys} in {file} can't be understood").format(keys=keys, file=self.campaign)
        if self.no_column:
            return _("{file} reads a column that isn't there").format(file=self.campaign)
        return _("what narrows the list can't be understood")


def check_in_part(
    obstacle: Obstacle,
    papers: Papers | None,
    opened: "RecipientList",
    found: Validation,
    checking: Checking,
) -> None:
    """What can be said of the rows all the same; that it isn't all is noted in `found`.

    Where nothing of the campaign is understood, or not how much a problem matters, these are the rows that
    can't be read alone.
    """
    blind = papers is None or "checks" in obstacle.faulty
    found.unchecked.append(Unchecked(obstacle.campaign, opened.name, obstacle.told, wholly=blind))
    add = partial(found.add_for, obstacle.campaign)
    reduced = None if papers is None or blind else _reduced(papers, opened, obstacle.faulty)
    checker = None if reduced is None else reduced.checker(opened, thorough=False)
    is_wanted_known = not obstacle.narrowing and "when" not in obstacle.faulty
    is_wanted_known &= reduced is None or papers is None or reduced.campaign.when == papers.campaign.when
    with checking(opened.lines) as tell:
        try:
            for row in counted(opened, tell):
                unreadable = row.problems if isinstance(row, BadRow) else ()
                if checker is None:
                    add(unreadable)
                    continue
                match examine_whole(checker, opened, row):
                    case Ready(warnings=problems) | Bad(problems=problems):
                        add(problems if is_wanted_known else _of_every_row(problems, unreadable))
        except ProblemsError as error:
            found.add(error.problems)


def _of_every_row(problems: Collection[Problem], unreadable: Collection[Problem]) -> list[Problem]:
    return [problem for problem in problems if problem.code in _OF_EVERY_ROW or problem in unreadable]


def _reduced(papers: Papers, opened: "RecipientList", faulty: Collection[str]) -> Papers:
    """The campaign without what is faulty, and without what reads a column that the list doesn't have."""
    campaign = papers.campaign
    blind = {
        where
        for where, expression in papers.renderer.expressions.items()
        if opened.columns is not None and not expression.required <= set(opened.columns)
    } | set(faulty)
    changes: dict[str, object] = {
        key: None for key in ("key", "when", "url", "miniprogram") if _reads(campaign, key, blind)
    }
    if "to" in blind:
        changes["to"] = _SOMEBODY
    changes["data"] = {name: text for name, text in campaign.data.items() if f"data.{name}" not in blind}
    expires = campaign.expires
    if expires is not None and opened.columns is not None and expires.column not in opened.columns:
        changes["expires"] = None
    reduced = campaign.model_copy(update=changes)
    return replace(papers, campaign=reduced, renderer=Renderer(reduced))


def _reads(campaign: Campaign, key: str, blind: Collection[str]) -> bool:
    return getattr(campaign, key) is not None and any(
        one == key or one.startswith(f"{key}.") for one in blind
    )
