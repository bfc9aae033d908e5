"""The rows for which the joined list has none, as a list beside the list: to be completed and sent."""

from collections.abc import Iterator
from pathlib import Path

from wxpush.campaign.recipients.joined import Join
from wxpush.i18n import _
from wxpush.report.failures import FailureRow, write_csv

NO_MATCH = "no_match"


def write_unmatched(join: Join, wanted: Path, fallback: Path, at: float) -> Path | None:
    """Write them as a failures file is written: private, formula-safe, nobody else's file replaced.

    Returns where it lies, None where every row has a match. Raises StorageError.
    """
    meaning = _('no row of {joined} has this "{column}".').format(joined=join.name, column=join.on.theirs)
    hint = _("Add it there, or fill in the row's own columns.")

    def rows() -> Iterator[FailureRow]:
        for line, values in join.unmatched():
            yield FailureRow(NO_MATCH, line, NO_MATCH, meaning, hint, 0, at, values)

    return write_csv(rows, wanted, fallback=fallback)
