"""Who of a list is meant, and what is added to its rows: `--join`, `--where` and `--exclude`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from wxpush.app.sieve import Sieve
from wxpush.app.sources.excluding import OPENID, Excluded, excluded
from wxpush.campaign.expressions import ExpressionError, column_hint, fault_column, parse_condition
from wxpush.campaign.render import Condition, Renderer
from wxpush.errors import ProblemsError
from wxpush.i18n import _
from wxpush.model import Problem

if TYPE_CHECKING:
    from wxpush.campaign.recipients import RecipientList

WHERE: Final = "--where"


@dataclass(frozen=True, slots=True)
class Sifted:
    """The condition and the people of a sieve, as far as it has them."""

    where: Condition | None = None
    excluded: Excluded | None = None
    text: str = ""
    """The condition as it was written."""
    faulty: bool = False
    """Whether something is wrong with either."""

    @property
    def digests(self) -> list[str]:
        """What tells this choice of rows from another; empty without one."""
        people = [] if self.excluded is None else [self.excluded.people.digest()]
        return [self.text, *people] if self.text or people else []

    @property
    def used(self) -> frozenset[str]:
        """The columns that the condition reads."""
        if self.where is None:
            return frozenset()
        return self.where.expression.required | self.where.expression.optional

    @property
    def lines(self) -> Mapping[tuple[str, int], str]:
        """The condition as the line that its problems stand in."""
        return {(WHERE, 1): self.text} if self.text else {}


def joined(opened: "RecipientList | None", sieve: Sieve, problems: list[Problem]) -> "RecipientList | None":
    """The list with what `--join` adds to it; what is wrong with that is added to `problems`.

    Raises InputError for columns or a format that can't be meant.
    """
    if sieve.join is None or opened is None:
        return opened
    from wxpush.campaign.recipients import open_recipients
    from wxpush.campaign.recipients.joined import parse_on

    on = parse_on(sieve.on or "")
    try:
        return opened.joined_to(open_recipients(sieve.join, name=str(sieve.join)), on)
    except ProblemsError as error:
        problems += error.problems
        return None


def sifted(
    sieve: Sieve, renderer: Renderer, opened: "RecipientList", today: date, problems: list[Problem]
) -> Sifted:
    """The condition and the people; what is wrong with them is added to `problems`. Raises InputError."""
    if sieve.where is None and not sieve.exclude:
        return Sifted()
    before = len(problems)
    where = None if sieve.where is None else _condition(sieve.where, opened, today, problems)
    people = None
    if sieve.exclude:
        try:
            people = excluded(sieve.exclude, _recipient_column(renderer), sieve.around)
        except ProblemsError as error:
            problems += error.problems
    return Sifted(where, people, sieve.where or "", len(problems) > before)


def sieve_notes(opened: "RecipientList", found: Sifted) -> list[str]:
    """What to say aloud of the lists and runs beside the list, in the language in force."""
    notes = []
    if opened.join is not None:
        text = _("Joined with {name} by {column}: {count} rows.")
        join = opened.join
        notes.append(text.format(name=join.name, column=join.on.theirs, count=f"{join.rows:,}"))
    return notes + (found.excluded.notes if found.excluded else [])


def _condition(text: str, opened: "RecipientList", today: date, problems: list[Problem]) -> Condition | None:
    try:
        expression = parse_condition(text)
    except ExpressionError as error:
        place = fault_column(text)
        problems.append(Problem(WHERE, 1, place, error.code, error.message, error.hint))
        return None
    for column in sorted(expression.required - set(opened.columns or expression.required)):
        message = _('there is no column "{name}".').format(name=column)
        hint = column_hint(column, opened.columns or ())
        problems.append(Problem(WHERE, 1, text.find(column) + 1, "WX204", message, hint))
    return Condition(WHERE, expression, today)


def _recipient_column(renderer: Renderer) -> str:
    """The one column that the campaign's `to` reads, as most do; else openid."""
    expression = renderer.expressions["to"]
    columns = expression.required | expression.optional
    return next(iter(columns)) if len(columns) == 1 else OPENID
