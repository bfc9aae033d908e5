"""The files about a list that a sending leaves behind, for people: failures, skips, rows without a match."""

from contextlib import suppress
from pathlib import Path
from typing import Final

from wxpush.app.aftermath import Aftermath, write_failures
from wxpush.app.errand import Errand
from wxpush.app.sources.spool import QUERY, STDIN
from wxpush.errors import StateError, StorageError
from wxpush.i18n import _
from wxpush.report.failures import fallen_back
from wxpush.report.skips import SkipLog

_SPOOLED: Final = {STDIN: "stdin", QUERY: "sql"}


def beside(errand: Errand, kind: str) -> Path:
    """Where a file about the list goes: beside it, or into the run's folder if it is none."""
    request = errand.request
    if not request.is_file:
        return errand.folder.path / f"{_SPOOLED[request.list_name]}.{kind}.csv"
    suffix = f".sandbox.{kind}.csv" if errand.scene.rehearsal else f".{kind}.csv"
    return request.recipients.with_name(request.recipients.stem + suffix)


def failures_file(errand: Errand, aftermath: Aftermath) -> tuple[Path | None, list[str]]:
    """What failed, is held or in doubt, where it was asked for, and what to say of that file.

    None if nothing did, or the disk refuses.
    """
    wanted = errand.request.failures or beside(errand, "failures")
    try:
        written = write_failures(errand.folder, aftermath, wanted)
    except StorageError as error:
        return None, [str(error)]
    return written, fallen_back(wanted, written)


def unmatched_file(errand: Errand) -> Path | None:
    """Which rows the joined list knows nothing of; None if there are none, or not all have gone by yet."""
    join = errand.material.recipients.join
    if join is None or not join.seen_all:
        return None
    from wxpush.app.sources.unmatched import write_unmatched

    now = errand.around.clock.wall()
    with suppress(StorageError):
        return write_unmatched(join, beside(errand, "unmatched"), errand.folder.path, now)
    return None


def unmatched_notes(file: Path | None) -> list[str]:
    """What to say of that file, if there is one."""
    return [] if file is None else [_("The rows without a match are listed in {path}.").format(path=file)]


def skip_log(errand: Errand) -> SkipLog | None:
    """What notes the rows that are left out, where a file of them is wanted."""
    return SkipLog(errand.folder.path / "skips.jsonl") if errand.request.skips is not None else None


def skips_file(errand: Errand, log: SkipLog | None) -> tuple[Path | None, list[str]]:
    """The file of what `log` has noted, and what to say of it."""
    if log is None or errand.request.skips is None:
        return None, []
    written = None
    try:
        written = log.write(errand.request.skips)
    except StateError as error:
        log.trouble = error
    if log.trouble is None:
        return written, fallen_back(errand.request.skips, written)
    return written, [_("The file of skipped rows is not whole: {reason}").format(reason=log.trouble)]
