"""What a check of files has found."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeVar

from wxpush.i18n import _
from wxpush.model import Problem, Severity

if TYPE_CHECKING:
    from wxpush.app.usage import Audiences, Use
    from wxpush.campaign.recipients import RecipientList

#: So many errors, and as many warnings, are told one by one; more are counted.
MOST: Final = 1_000

#: A context that is given how many lines the list has, and gives what is told how many rows are done.
Checking = Callable[[int | None], AbstractContextManager[Callable[[int], None]]]


_TELL_EVERY: Final = 2_000
_Row = TypeVar("_Row")


def counted(rows: Iterable[_Row], tell: Callable[[int], None]) -> Iterator[_Row]:
    """The rows, while `tell` hears now and then how many there were."""
    for number, row in enumerate(rows, 1):
        if number % _TELL_EVERY == 0:
            tell(number)
        yield row


@dataclass(frozen=True, slots=True)
class Unchecked:
    """That the rows of a list weren't checked with a campaign, or (not `wholly`) in part only, and why."""

    campaign: str
    list_name: str
    why: str
    wholly: bool

    @property
    def told(self) -> str:
        """For people, in the language in force."""
        if self.wholly:
            text = _("The rows of {list} were not checked: {why}. Mend that, and check again.")
        else:
            text = _("The rows of {list} were checked in part only: {why}. Mend that, and check again.")
        return text.format(list=self.list_name, why=self.why)

    def to_json(self) -> dict[str, str | bool]:
        """For `--json`."""
        return {
            "campaign": self.campaign,
            "list": self.list_name,
            "why": self.why,
            "in_part": not self.wholly,
        }


@dataclass(slots=True)
class Validation:
    """What was found: the first `MOST` errors and warnings in full, all of them counted.

    `files` are those that were checked, each once, in the order in which they were met; `rows` those of the
    list; `passed_over` YAML files of a folder that are neither campaign nor template, and those
    of Helm charts.
    """

    files: list[str] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    rows: int = 0
    problems: list[Problem] = field(default_factory=list)
    counts: Counter[Severity] = field(default_factory=Counter)
    opened: "RecipientList | None" = None
    """The list, where it can be read."""
    uses: list["Use"] = field(default_factory=list)
    """The templates without a fault, as the files use them, where somebody asks the account about them."""
    audiences: "Audiences | None" = None
    """Whom to ask the account about, where somebody wants to."""
    several: bool = False
    """Whether there are several campaigns, so that what is wrong with the list is so for one of them."""
    unchecked: list[Unchecked] = field(default_factory=list)
    """Where the rows of the list couldn't be checked, or not all of it."""
    quoted: dict[tuple[str, int], str] = field(default_factory=dict)
    """Lines that stand in no file: a condition of the command line."""
    _told: set[Problem] = field(default_factory=set)

    @property
    def total(self) -> int:
        """How many problems there are."""
        return self.counts.total()

    def ok(self, *, strict: bool) -> bool:
        """Whether nothing is wrong; `strict` counts warnings, too."""
        return not (self.total if strict else self.counts[Severity.ERROR])

    def sort(self) -> None:
        """Bring the problems into the order of files and lines."""
        order = {file: number for number, file in enumerate(self.files)}
        self.problems.sort(
            key=lambda one: (
                order.get(one.file, len(order)),
                one.line,
                one.column,
                one.severity is Severity.WARNING,
            )
        )

    def add_for(self, campaign: str, problems: Sequence[Problem]) -> None:
        """Take in what a campaign meets; where several share the list, its problems say whose they are."""
        listed = self.opened.name if self.opened is not None and self.several else None
        self.add([_by(campaign, one) if one.file == listed else one for one in problems])

    def add(self, problems: Sequence[Problem]) -> None:
        """Take in problems; one that two campaigns meet, as in the template of both, counts once."""
        for problem in problems:
            if problem in self._told:
                continue
            self.counts[problem.severity] += 1
            if self.counts[problem.severity] <= MOST:
                self.problems.append(problem)
                self._told.add(problem)


def _by(campaign: str, problem: Problem) -> Problem:
    message = _("{whose}: {message}").format(whose=campaign, message=problem.message)
    return replace(problem, message=message)
