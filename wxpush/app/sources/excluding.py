"""`--exclude`: the people of another list, or those whom another run has reached, get nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wxpush.app.people import People
from wxpush.app.sieve import is_list
from wxpush.app.surroundings import Surroundings
from wxpush.campaign.expressions import column_hint
from wxpush.errors import InputError, ProblemsError
from wxpush.i18n import _, ngettext
from wxpush.model import BadRow, Problem

if TYPE_CHECKING:
    from wxpush.delivery.run import RunCard, RunFolder

OPENID: Final = "openid"
_SHOWN: Final = 20


@dataclass(slots=True)
class Excluded:
    """People who get nothing; `notes` say where they come from, in the language in force."""

    people: People = field(default_factory=People)
    notes: list[str] = field(default_factory=list)
    runs: "list[RunCard]" = field(default_factory=list)

    def __contains__(self, openid: object) -> bool:
        return openid in self.people


def excluded(names: Sequence[str], column: str, around: Surroundings) -> Excluded:
    """Everybody of these lists, by `column` or by openid, and of these runs; a file comes before a run.

    Raises ProblemsError, InputError.
    """
    found = Excluded()
    for name in names:
        if is_list(name):
            _take_list(found, name, column)
        else:
            _take_run(found, name, around)
    return found


def refuse_other_accounts(found: Excluded | None, origin: str, appid: str) -> None:
    """See that no run of another account was named: nobody has the same openid there. Raises InputError."""
    for card in found.runs if found else ():
        if (card.origin, card.appid) != (origin, appid):
            raise InputError(
                _('--exclude: the run "{run}" belongs to another account ({appid}).').format(
                    run=card.name, appid=card.appid
                ),
                _("People have other openids there: exclude them by a list of this account's openids."),
            )


def _take_list(found: Excluded, name: str, column: str) -> None:
    from wxpush.campaign.recipients import open_recipients

    opened = open_recipients(Path(name), name=name, may_be_empty=True)
    if opened.columns is not None and column not in opened.columns:
        if OPENID not in opened.columns:
            message = _('there is no column "{column}" to exclude people by.').format(column=column)
            hint = column_hint(column, opened.columns)
            raise ProblemsError([Problem(name, opened.header_line, 0, "WX319", message, hint)])
        column = OPENID
    before, problems = len(found.people), list[Problem]()
    for row in opened:
        if isinstance(row, BadRow):
            problems += row.problems
            continue
        openid = row.values.get(column, row.values.get(OPENID))
        if isinstance(openid, str):
            if openid.strip():
                found.people.add(openid.strip())
        else:
            message = _('no value for "{name}".').format(name=column)
            problems.append(Problem(name, row.line, 0, "WX319", message))
    if problems:
        raise ProblemsError(problems[:_SHOWN], total=len(problems))
    _note(found, _("the list {name}").format(name=name), len(found.people) - before)


def _take_run(found: Excluded, name: str, around: Surroundings) -> None:
    from wxpush.app.known_runs import find_run

    try:
        folder = find_run(name, around, Path.cwd())
    except InputError as error:
        raise InputError(
            _("--exclude {name}: there is no such file, and: {reason}").format(name=name, reason=error),
            error.hint,
        ) from None
    card = folder.card()
    before = len(found.people)
    for openid in _reached(folder, name):
        found.people.add(openid)
    if card is not None:
        found.runs.append(card)
    told = _("the run {name} (accepted, held or in doubt)").format(name=name)
    _note(found, told, len(found.people) - before)


def _note(found: Excluded, source: str, count: int) -> None:
    text = ngettext("Excluded: {count} person of {source}.", "Excluded: {count} people of {source}.", count)
    found.notes.append(text.format(count=f"{count:,}", source=source))


def _reached(folder: "RunFolder", name: str) -> Iterator[str]:
    """Everybody who has, or may have, the run's message; also while it is being sent."""
    from wxpush.app.aftermath import standing_for
    from wxpush.delivery import ledger
    from wxpush.model import State

    standing = standing_for(folder.card())
    claims = ledger.review(folder.ledger, standing.note)
    for claim in claims:
        yield _openid(claim.message.key, claim.message.to, name)
    for place, record in ledger.records(folder.ledger):
        if record.mark.state not in (State.FAILED, State.PENDING) and standing.is_latest(place, record):
            yield _openid(record.key, record.to, name)


def _openid(key: str, to: str, run: str) -> str:
    """Raises InputError for a key in place of an openid, as ledgers of wxpush 0.1 have it."""
    from wxpush.channels.wechat.addresses import openid_findings
    from wxpush.model import Severity

    if to == key and any(finding.severity is Severity.ERROR for finding in openid_findings(to)):
        raise InputError(
            _('--exclude: the run "{run}" didn\'t note the openids of its messages, only their keys.').format(
                run=run
            ),
            _("Exclude the list that it was sent with."),
        )
    return to
