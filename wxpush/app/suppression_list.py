"""The suppression list as the operator keeps it: put on, taken off, read from and written to files."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

from wxpush.app.apart import kept_apart
from wxpush.app.suppressing import FOLDER, folder_of
from wxpush.app.surroundings import Surroundings
from wxpush.campaign.fault import FaultError
from wxpush.campaign.formula import quote_formula
from wxpush.channels.wechat.addresses import openid_findings
from wxpush.clock import BEIJING
from wxpush.config import load_account
from wxpush.delivery.identity import hash64
from wxpush.delivery.suppressions import OPERATOR, Entry, Suppressions, entries, one_line
from wxpush.errors import InputError
from wxpush.i18n import _
from wxpush.model import Severity

if TYPE_CHECKING:
    from wxpush.app.sources.spool import Source
    from wxpush.app.suppression_rows import Counts

COLUMNS: Final = ("openid", "reason", "since", "until", "source")


@dataclass(frozen=True, slots=True)
class SuppressionList:
    """The list of one account, by its name in config.yaml."""

    account: str
    folder: Path
    around: Surroundings
    notes: Sequence[str] = ()
    """What to say of it first."""

    def add(self, openids: Sequence[str], reason: str, until: str | None) -> int:
        """Put people on it; returns how many. Raises InputError for what is no openid or no moment."""
        _refuse_odd(openids)
        now = self.around.clock.wall()
        end = None if until is None else _option_until(until, now)
        people = list(dict.fromkeys(openids))
        with closing(Suppressions(self.folder)) as opened:
            opened.add(Entry(openid, one_line(reason), now, end, OPERATOR) for openid in people)
        return len(people)

    def remove(self, openids: Sequence[str]) -> int:
        """Take people off it, whoever put them on; returns how many were on it."""
        with closing(Suppressions(self.folder)) as opened:
            now, known = self.around.clock.wall(), opened.now()
            off = [openid for openid in dict.fromkeys(openids) if known.until(hash64(openid)) > now]
            opened.remove(off, now)
            opened.tidy()
        return len(off)

    def __iter__(self) -> Iterator[Entry]:
        """Everybody who gets nothing now, in the order in which they came onto it."""
        now = self.around.clock.wall()
        return (entry for entry in entries(self.folder) if entry.holds(now))

    def read(self, source: "Source") -> "Counts":
        """Put everybody of a list file on it, as the file says.

        Raises ProblemsError with everything in the file that is no use, InputError; then nobody was put
        on it.
        """
        from wxpush.app.suppression_rows import Counts, SuppressionRows

        now = self.around.clock.wall()
        rows, counts = SuppressionRows(source, now), Counts()
        with closing(Suppressions(self.folder)) as opened:
            opened.take_back(rows.entries(counts, opened.now()), now)
            opened.tidy()
        return counts

    def write(self, stream: TextIO, clean: Callable[[str], str] = str) -> int:
        """Write it as CSV, each cell as `clean` gives it; returns how many people there are."""
        writer, count = csv.writer(stream), 0
        writer.writerow(COLUMNS)
        for count, entry in enumerate(self, 1):  # noqa: B007 - the last is how many there are
            cells = _cells(entry, "auto")
            writer.writerow([quote_formula(clean(cell)) for cell in cells])
        return count


def suppression_list(account: str | None, around: Surroundings) -> SuppressionList:
    """The list of an account. Raises InputError where it isn't known, StateError."""
    chosen = load_account(account, around.environ, need_secret=False)
    return SuppressionList(
        chosen.name, folder_of(around.directories, chosen), around, kept_apart(chosen, around)
    )


def list_to_change(account: str | None, around: Surroundings) -> SuppressionList:
    """The same, with its folder made."""
    chosen = load_account(account, around.environ, need_secret=False)
    folder = around.directories.account_dir(chosen) / FOLDER
    return SuppressionList(chosen.name, folder, around, kept_apart(chosen, around))


def as_texts(entry: Entry) -> dict[str, str]:
    """An entry by column; moments in Beijing time, and empty for an end that never comes."""
    return dict(zip(COLUMNS, _cells(entry, "seconds"), strict=True))


def _cells(entry: Entry, precision: str) -> tuple[str, ...]:
    until = "" if entry.until is None else _moment_text(entry.until, precision)
    since = _moment_text(entry.since, precision)
    return entry.openid, one_line(entry.reason), since, until, entry.source


def as_json(entry: Entry) -> dict[str, Any]:
    """An entry in the JSON of `suppress list`."""
    return as_texts(entry) | {"until": None if entry.until is None else _moment_text(entry.until)}


def _option_until(text: str, now: float) -> float:
    from wxpush.app.suppression_rows import until_of  # with all that lists need

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


def _moment_text(moment: float, precision: str = "seconds") -> str:
    return datetime.fromtimestamp(moment, BEIJING).isoformat(timespec=precision)
