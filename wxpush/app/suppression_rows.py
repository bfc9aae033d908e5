"""A file of people for the suppression list, checked as a whole before anybody is put on it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from wxpush.campaign.expressions import column_hint
from wxpush.campaign.fault import FaultError
from wxpush.campaign.formula import unquote_formula
from wxpush.campaign.recipients import open_recipients
from wxpush.campaign.units import UnitError, parse_duration
from wxpush.channels.wechat.addresses import openid_findings
from wxpush.clock import BEIJING
from wxpush.delivery.suppressions import LONGEST_REASON, OPERATOR, Entry
from wxpush.errors import ProblemsError
from wxpush.i18n import _
from wxpush.model import BadRow, Problem, Recipient, Severity, Unmatched

if TYPE_CHECKING:
    from wxpush.app.sources.spool import Source

OPENID: Final = "openid"
_A_DAY: Final = timedelta(days=1)
_SHOWN: Final = 20
_EMPTY: Final = "WX303"


@dataclass(slots=True)
class Counts:
    """Rows that put somebody on the list, and rows whose end is over already."""

    holding: int = 0
    over: int = 0


class SuppressionRows:
    """The entries that a list file asks for, all of them in order; iterate as often as needed."""

    def __init__(self, source: "Source", now: float) -> None:
        """Raises ProblemsError with everything in the file that is no use, InputError."""
        self._now = now
        self._opened = open_recipients(
            source.path, list_format=source.list_format, name=source.name, bare=True
        )
        self._name = source.name
        columns = self._opened.columns
        self._is_bare = columns is not None and len(columns) == 1 and _is_openid(columns[0])
        if columns is not None and OPENID not in columns and not self._is_bare:
            message = _('there is no column "{column}" to exclude people by.').format(column=OPENID)
            hint = _("Name it in the header, or give a file of nothing but openids, one a line.")
            if len(columns) > 1:
                hint = column_hint(OPENID, columns) + " " + hint
            raise ProblemsError([Problem(self._name, self._opened.header_line, 0, "WX319", message, hint)])
        self._refuse_wrong()

    def entries(self, counts: Counts) -> Iterator[Entry]:
        """Who is to be put on the list; `counts` is brought up to date on the way."""
        for row in self._rows():
            if isinstance(row, Recipient) and isinstance(entry := _entry(row, self._now), Entry):
                if entry.holds(self._now):
                    counts.holding += 1
                    yield entry
                else:
                    counts.over += 1

    def _rows(self) -> Iterator[Recipient | BadRow | Unmatched]:
        if not self._is_bare:
            yield from self._opened
            return
        (first,) = self._opened.columns or ()
        yield Recipient(0, self._opened.header_line, {OPENID: first})
        try:
            for row in self._opened:
                if isinstance(row, Recipient):
                    row = row._replace(values={OPENID: row.values[first]})
                yield row
        except ProblemsError as error:
            if [problem.code for problem in error.problems] != [_EMPTY]:
                raise

    def _refuse_wrong(self) -> None:
        problems: list[Problem] = []
        total = 0
        for row in self._rows():
            found = self._problems(row)
            total += len(found)
            problems += found[: max(0, _SHOWN - len(problems))]
        if problems:
            raise ProblemsError(problems, total=total)

    def _problems(self, row: Recipient | BadRow | Unmatched) -> Sequence[Problem]:
        if isinstance(row, Unmatched):
            return ()  # nothing is joined to this list
        if isinstance(row, BadRow):
            return [replace(problem, hint=_("Fix the row, or remove it.")) for problem in row.problems]
        entry = _entry(row, self._now)
        return (
            () if isinstance(entry, Entry) else [Problem(self._name, row.line, 0, *fault) for fault in entry]
        )


def until_of(text: str, now: float) -> float:
    """The end that `text` names: a duration from now, a moment, or a day with its last minute.

    Raises FaultError.
    """
    from wxpush.campaign.filters import moment_of  # with all that expressions need

    try:
        return now + parse_duration(text)
    except UnitError:
        moment, has_time = moment_of(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=BEIJING)
    return (moment if has_time else moment + _A_DAY).timestamp()


def _is_openid(text: str) -> bool:
    return not any(found.severity is Severity.ERROR for found in openid_findings(text))


def _entry(row: Recipient, now: float) -> Entry | list[tuple[str, str, str]]:
    """The entry that a row asks for, or what is wrong with it: code, message, hint."""
    openid, reason, limit = (_text(row.values, column) for column in (OPENID, "reason", "until"))
    faults = [
        (found.code, found.message, found.hint)
        for found in openid_findings(openid)
        if found.severity is Severity.ERROR
    ]
    until = None
    if limit:
        try:
            until = until_of(limit, now)
        except (FaultError, OverflowError):
            message = _("until: “{value}” is neither a day nor a duration.").format(value=limit)
            hint = _("Write 2026-12-31, 2026-12-31 18:00, 30d or 24h, or leave it empty: for ever.")
            faults.append(("WX350", message, hint))
    return faults or Entry(openid, reason[:LONGEST_REASON], now, until, OPERATOR)


def _text(values: Mapping[str, Any], column: str) -> str:
    value = values.get(column)
    return unquote_formula("" if value is None else str(value)).strip()
