"""A file of people for the suppression list, checked as a whole before anybody is put on it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from wxpush.app.people import People
from wxpush.campaign.expressions import column_hint
from wxpush.campaign.fault import FaultError
from wxpush.campaign.formula import unquote_formula
from wxpush.campaign.recipients import open_recipients
from wxpush.campaign.units import UnitError, parse_duration
from wxpush.channels.wechat.addresses import openid_findings
from wxpush.clock import BEIJING
from wxpush.delivery.identity import hash64
from wxpush.delivery.suppressions import OPERATOR, SOURCES, Entry, Suppressed, one_line
from wxpush.errors import ProblemsError
from wxpush.i18n import _
from wxpush.model import BadRow, Problem, Recipient, Severity, Unmatched

if TYPE_CHECKING:
    from wxpush.app.sources.spool import Source

OPENID: Final = "openid"
_A_DAY: Final = timedelta(days=1)
_SHOWN: Final = 20
#: Moments of events come from WeChat's clock, which may be ahead of this machine's.
_AHEAD_S: Final = 86_400


@dataclass(slots=True)
class Counts:
    """People whom a list file puts on the list, rows whose end is over already, and people who stay.

    Those were put on the list by the operator himself, and the file says that they came by themselves.
    """

    people: People = field(default_factory=People)
    over: int = 0
    staying: People = field(default_factory=People)


class SuppressionRows:
    """The entries that a list file asks for, all of them in order; iterate as often as needed."""

    def __init__(self, source: "Source", now: float) -> None:
        """Raises ProblemsError with everything in the file that is no use, InputError."""
        self._now = now
        self._opened = open_recipients(
            source.path, list_format=source.list_format, name=source.name, bare=True, may_be_empty=True
        )
        self._name = source.name
        columns = self._opened.columns
        self._is_bare = columns is not None and len(columns) == 1 and _is_openid(columns[0])
        if columns is not None and OPENID not in columns and not self._is_bare:
            message = _('there is no column "{column}" that says whom to put on the list.').format(
                column=OPENID
            )
            hint = _("Name it in the header, or give a file of nothing but openids, one a line.")
            if len(columns) > 1:
                hint = column_hint(OPENID, columns) + " " + hint
            raise ProblemsError([Problem(self._name, self._opened.header_line, 0, "WX319", message, hint)])
        self._refuse_wrong()

    def entries(self, counts: Counts, known: Suppressed) -> Iterator[Entry]:
        """Who is to be put on the list, which is `known`; `counts` is brought up to date on the way."""
        for row in self._rows():
            if not isinstance(row, Recipient) or not isinstance(entry := _entry(row, self._now), Entry):
                continue
            if not entry.holds(self._now):
                counts.over += 1
            elif entry.source != OPERATOR and known.is_operators(hash64(entry.openid), self._now):
                counts.staying.add(entry.openid)
            else:
                counts.people.add(entry.openid)
                yield entry

    def _rows(self) -> Iterator[Recipient | BadRow | Unmatched]:
        if not self._is_bare:
            yield from self._opened
            return
        (first,) = self._opened.columns or ()
        yield Recipient(0, self._opened.header_line, {OPENID: first})
        for row in self._opened:
            if isinstance(row, Recipient):
                row = row._replace(values={OPENID: row.values[first]})
            yield row

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
        pass
    if (exported := _exported(text)) is not None:
        return exported
    moment, has_time = moment_of(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=BEIJING)
    return (moment if has_time else moment + _A_DAY).timestamp()


def _since_of(text: str) -> float:
    """The moment that `text` names; of a day its first. Raises FaultError."""
    from wxpush.campaign.filters import moment_of

    if (exported := _exported(text)) is not None:
        return exported
    moment, _has_time = moment_of(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=BEIJING)).timestamp()


def _exported(text: str) -> float | None:
    """A moment as exports have it, to the microsecond; None for any other text."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment.timestamp()


def _is_openid(text: str) -> bool:
    return not any(found.severity is Severity.ERROR for found in openid_findings(text))


def _entry(row: Recipient, now: float) -> Entry | list[tuple[str, str, str]]:
    """The entry that a row asks for, or what is wrong with it: code, message, hint."""
    openid, limit = _text(row.values, OPENID).strip(), _text(row.values, "until").strip()
    faults = [
        (found.code, found.message, found.hint)
        for found in openid_findings(openid)
        if found.severity is Severity.ERROR
    ]
    since, source, more = _origin(row, now)
    faults += more
    until = None
    if limit:
        try:
            until = until_of(limit, now)
        except (FaultError, OverflowError):
            message = _("until: “{value}” is neither a day nor a duration.").format(value=limit)
            hint = _("Write 2026-12-31, 2026-12-31 18:00, 30d or 24h, or leave it empty: for ever.")
            faults.append(("WX350", message, hint))
    return faults or Entry(openid, one_line(_text(row.values, "reason")), since, until, source)


def _origin(row: Recipient, now: float) -> tuple[float, str, list[tuple[str, str, str]]]:
    """Since when and by whom, from an export or the operator now; and what is wrong with either."""
    text, source = _text(row.values, "since").strip(), _text(row.values, "source").strip() or OPERATOR
    since, faults = now, list[tuple[str, str, str]]()
    if text:
        try:
            since = _since_of(text)
        except (FaultError, OverflowError):
            message = _("since: “{value}” is no moment.").format(value=text)
            faults.append(("WX351", message, _("Leave it as it was exported, or empty: now.")))
        if since > now + _AHEAD_S:
            message = _("since: {value} is yet to come.").format(value=text)
            faults.append(("WX351", message, _("Leave it as it was exported, or empty: now.")))
    if source not in SOURCES:
        message = _("source: “{value}” puts nobody on the list.").format(value=source)
        hint = _("Leave it as it was exported ({sources}), or empty: operator.")
        faults.append(("WX352", message, hint.format(sources=", ".join(sorted(SOURCES)))))
    return since, source, faults


def _text(values: Mapping[str, Any], column: str) -> str:
    value = values.get(column)
    return unquote_formula("" if value is None else str(value))
