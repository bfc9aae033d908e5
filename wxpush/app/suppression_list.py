"""The suppression list as the operator keeps it: put on, taken off, read from and written to files."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

from wxpush.app.suppressing import FOLDER, folder_of
from wxpush.app.surroundings import Surroundings
from wxpush.campaign.fault import FaultError
from wxpush.campaign.formula import quote_formula, unquote_formula
from wxpush.campaign.units import UnitError, parse_duration
from wxpush.channels.wechat.addresses import openid_findings
from wxpush.clock import BEIJING
from wxpush.config import load_account
from wxpush.delivery.identity import hash64
from wxpush.delivery.suppressions import OPERATOR, Entry, Suppressions, entries
from wxpush.errors import InputError, ProblemsError
from wxpush.i18n import _
from wxpush.model import BadRow, Problem, Recipient, Severity, Unmatched

if TYPE_CHECKING:
    from wxpush.campaign.recipients import RecipientList

COLUMNS: Final = ("openid", "reason", "since", "until", "source")
_A_DAY: Final = timedelta(days=1)
_SHOWN: Final = 20
_LONGEST: Final = 500


@dataclass(frozen=True, slots=True)
class SuppressionList:
    """The list of one account, by its name in config.yaml."""

    account: str
    folder: Path
    around: Surroundings

    def add(self, openids: Sequence[str], reason: str, until: str | None) -> int:
        """Put people on it; returns how many. Raises InputError for what is no openid or no moment."""
        _refuse_odd(openids)
        now = self.around.clock.wall()
        end = None if until is None else _option_until(until, now)
        people = list(dict.fromkeys(openids))
        with closing(Suppressions(self.folder)) as opened:
            opened.add(Entry(openid, reason[:_LONGEST], now, end, OPERATOR) for openid in people)
        return len(people)

    def remove(self, openids: Sequence[str]) -> int:
        """Take people off it, whoever put them on; returns how many were on it."""
        with closing(Suppressions(self.folder)) as opened:
            now, known = self.around.clock.wall(), opened.now()
            off = [openid for openid in dict.fromkeys(openids) if known.until(hash64(openid)) > now]
            opened.remove(off, now)
        return len(off)

    def __iter__(self) -> Iterator[Entry]:
        """Everybody who gets nothing now, in the order in which they came onto it."""
        now = self.around.clock.wall()
        return (entry for entry in entries(self.folder) if entry.holds(now))

    def read(self, file: Path) -> tuple[int, int]:
        """Put everybody of a list file on it: how many, and how many rows are over already.

        Raises ProblemsError with everything in the file that is no use; then nobody was put on it.
        """
        from wxpush.campaign.recipients import open_recipients

        now, opened = self.around.clock.wall(), open_recipients(file)
        _refuse_wrong_rows(opened, now)
        counts = {True: 0, False: 0}

        def holding() -> Iterator[Entry]:
            for row in opened:
                if isinstance(row, Recipient) and isinstance(entry := _entry(row, now), Entry):
                    counts[entry.holds(now)] += 1
                    if entry.holds(now):
                        yield entry

        with closing(Suppressions(self.folder)) as store:
            store.add(holding())
        return counts[True], counts[False]

    def write(self, stream: TextIO, clean: Callable[[str], str] = str) -> int:
        """Write it as CSV, each cell as `clean` gives it; returns how many people there are."""
        writer, count = csv.writer(stream), 0
        writer.writerow(COLUMNS)
        for count, entry in enumerate(self, 1):  # noqa: B007 - the last is how many there are
            writer.writerow([quote_formula(clean(cell)) for cell in as_texts(entry).values()])
        return count


def suppression_list(account: str | None, around: Surroundings) -> SuppressionList:
    """The list of an account. Raises InputError where it isn't known, StateError."""
    chosen = load_account(account, around.environ, need_secret=False)
    return SuppressionList(chosen.name, folder_of(around.directories, chosen), around)


def list_to_change(account: str | None, around: Surroundings) -> SuppressionList:
    """The same, with its folder made."""
    chosen = load_account(account, around.environ, need_secret=False)
    return SuppressionList(chosen.name, around.directories.account_dir(chosen) / FOLDER, around)


def as_texts(entry: Entry) -> dict[str, str]:
    """An entry by column; moments in Beijing time, and empty for an end that never comes."""
    until = "" if entry.until is None else _moment_text(entry.until)
    return dict(
        zip(
            COLUMNS, (entry.openid, entry.reason, _moment_text(entry.since), until, entry.source), strict=True
        )
    )


def as_json(entry: Entry) -> dict[str, Any]:
    """An entry in the JSON of `suppress list`."""
    return as_texts(entry) | {"until": None if entry.until is None else _moment_text(entry.until)}


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


def _option_until(text: str, now: float) -> float:
    try:
        until = until_of(text, now)
    except (FaultError, OverflowError):
        raise InputError(
            _("--until: “{value}” is neither a day nor a duration.").format(value=text),
            _("Write 2026-12-31, 2026-12-31 18:00, 30d or 24h."),
        ) from None
    if until <= now:
        raise InputError(_("--until: {value} is over already.").format(value=text))
    return until


def _refuse_odd(openids: Iterable[str]) -> None:
    for openid in openids:
        for found in openid_findings(openid):
            if found.severity is Severity.ERROR:
                raise InputError(found.message, found.hint)


def _refuse_wrong_rows(opened: "RecipientList", now: float) -> None:
    problems: list[Problem] = []
    total = 0
    for row in opened:
        if isinstance(row, Unmatched):
            continue  # nothing is joined to this list
        found = row.problems if isinstance(row, BadRow) else _problems(row, opened.name, now)
        total += len(found)
        problems += found[: max(0, _SHOWN - len(problems))]
    if problems:
        raise ProblemsError(problems, total=total)


def _problems(row: Recipient, name: str, now: float) -> Sequence[Problem]:
    entry = _entry(row, now)
    return () if isinstance(entry, Entry) else [Problem(name, row.line, 0, *fault) for fault in entry]


def _entry(row: Recipient, now: float) -> Entry | list[tuple[str, str, str]]:
    """The entry that a row asks for, or what is wrong with it: code, message, hint."""
    cells = {column: _text(row.values, column) for column in COLUMNS}
    faults = [
        (found.code, found.message, found.hint)
        for found in openid_findings(cells["openid"])
        if found.severity is Severity.ERROR
    ]
    until = None
    if cells["until"]:
        try:
            until = until_of(cells["until"], now)
        except (FaultError, OverflowError):
            message = _("until: “{value}” is neither a day nor a duration.").format(value=cells["until"])
            hint = _("Write 2026-12-31, 2026-12-31 18:00, 30d or 24h, or leave it empty: for ever.")
            faults.append(("WX350", message, hint))
    return faults or Entry(cells["openid"], cells["reason"][:_LONGEST], now, until, OPERATOR)


def _text(values: Mapping[str, Any], column: str) -> str:
    value = values.get(column)
    return unquote_formula("" if value is None else str(value)).strip()


def _moment_text(moment: float) -> str:
    return datetime.fromtimestamp(moment, BEIJING).isoformat(timespec="seconds")
