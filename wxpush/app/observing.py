"""Who else is told how a sending goes: the run's statistics and, where one is asked for, a log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from wxpush import __version__
from wxpush.clock import Clock
from wxpush.delivery.identity import RunId
from wxpush.delivery.minutes import Meter
from wxpush.delivery.ports import Listener, Notice, Observer, Progress, Waiting
from wxpush.delivery.run import RunFolder
from wxpush.i18n import _

if TYPE_CHECKING:
    from datetime import datetime

    from wxpush.app.results import Summary
    from wxpush.model import Message
    from wxpush.report.eventlog import EventLog

USUAL_LOG_SIZE: Final = 50_000_000

#: What the log says of how a run stands, by the names of its summary.
_TOLD: Final = (
    "state", "total", "accepted", "failed", "skipped", "held", "in_doubt", "pending",
    "attempts", "token_fetches", "elapsed_s", "rate_per_s",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LogRequest:
    """Where a log goes, and past how many bytes a new file is begun."""

    path: Path
    most: int = USUAL_LOG_SIZE


class Chorus:
    """Several listeners as one."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self._listeners = listeners

    def progress(self, progress: Progress) -> None:
        """The counts have changed."""
        for listener in self._listeners:
            listener.progress(progress)

    def waiting(self, waiting: Waiting | None) -> None:
        """Nothing can be sent for a while, or it goes on."""
        for listener in self._listeners:
            listener.waiting(waiting)

    def notice(self, notice: Notice, detail: str) -> None:
        """Something to say aloud."""
        for listener in self._listeners:
            listener.notice(notice, detail)


class Observers:
    """The observers of one command on one run: `begin`, then `end` with its summary; `close` at any time."""

    def __init__(
        self, folder: RunFolder, run: RunId, account: str, wanted: LogRequest | None, clock: Clock
    ) -> None:
        """Opens the log that is `wanted`. Raises UnsafeStateError, StorageError."""
        self._meter = Meter(folder.minutes, clock)
        self._log: EventLog | None = None
        if wanted is not None:
            from wxpush.report.eventlog import EventLog, LogFile

            self._log = EventLog(LogFile(wanted.path, wanted.most), run, account, clock)

    @property
    def all(self) -> Sequence[Observer]:
        """They themselves."""
        return [self._meter] if self._log is None else [self._meter, self._log]

    def beside(self, listener: Listener) -> Listener:
        """`listener`, and the observers told of the same."""
        return Chorus([listener, *self.all])

    @property
    def skipped(self) -> Callable[[int, str, Message | None], None] | None:
        """What hears of each row that is left out: its line, the reason, its message where there is one."""
        return None if self._log is None else self._log.skipped

    def put_off(self, until: datetime | None) -> None:
        """Nothing begins before that moment; or (None) it has come."""
        if self._log is not None:
            self._log.put_off(until)

    def begin(self, **facts: Any) -> None:
        """Sending begins."""
        if self._log is not None:
            self._log.started(version=__version__, **facts)

    def end(self, summary: Summary) -> Summary:
        """It has ended; returns the summary with what is to be said of the log."""
        self._meter.write()
        if self._log is None:
            return summary
        told = summary.to_json()
        facts = {name: told[name] for name in _TOLD}
        stopped = summary.stopped_by
        self._log.ended(**facts, stopped_by=stopped and {"code": stopped.code, "meaning": stopped.meaning_en})
        fault = self._log.fault
        if fault is None:
            return summary
        note = _("The log ends early: {reason}").format(reason=fault)
        return replace(summary, notes=(*summary.notes, note))

    def close(self) -> None:
        """Let go of the files."""
        if self._log is not None:
            self._log.close()
            self._log = None
