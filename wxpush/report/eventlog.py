"""A log for machines: what a sending does, one JSON object a line, each message under a trace_id of its own.

The trace_id is 32 hex digits, the same for a message in every process and every attempt. Openids and keys
are in it, never a secret or a token. Everything beyond ASCII is escaped, so that a terminal can show it.
"""

import hashlib
import json
import os
import re
import stat
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from wxpush.clock import BEIJING, Clock
from wxpush.delivery.flight import Flight
from wxpush.delivery.identity import MessageIds, RunId
from wxpush.delivery.ports import Notice, Progress, Waiting
from wxpush.delivery.records import FINAL, Claim, Record
from wxpush.errors import InputError, StateError, StorageError
from wxpush.i18n import _
from wxpush.model import Answered, Message, State, Verdict
from wxpush.private import open_private

_KEPT: Final = 5
_MOST_BUFFERED: Final = 500
_EVENTS: Final = (
    "run_started", "run_ended", "claimed", "attempt", "outcome", "skipped", "waiting", "resumed", "notice",
)  # fmt: skip
_OURS: Final = re.compile(rf'\{{"time":"[^"]*","event":"(?:{"|".join(_EVENTS)})","run":"'.encode())
_START: Final = 4_000


def refuse_other_files(path: Path) -> None:
    """See that no lines are added to what is no log of ours: a list, say. Raises InputError.

    What can't be looked at, or isn't a plain file, is left to the opening, which has its own words for it.
    """
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return
        with path.open("rb") as file:
            start = file.read(_START)
    except OSError:
        return
    if start and not _OURS.match(start):
        raise InputError(
            _("--log: {path} is there already, and is no log of wxpush.").format(path=path),
            _("Give {option} the name of a new file.").format(option="--log"),
        )


class LogFile:
    """A private file that lines are added to; past `limit` bytes it becomes `NAME.1`, and a new one begins.

    `NAME.1` to `NAME.5` are kept. Another process may write to the same file.
    """

    def __init__(self, path: Path, limit: int) -> None:
        """Raises UnsafeStateError for a link or a file that others can read, StorageError."""
        self.path, self._limit = path, limit
        self._handle = self._open()

    def write(self, content: bytes) -> None:
        """Add whole lines. Raises StateError."""
        try:
            if os.fstat(self._handle).st_size + len(content) > self._limit:
                self._turn_over()
            os.write(self._handle, content)
        except OSError as error:
            raise self._refused(error) from None

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._handle)

    def _open(self) -> int:
        try:
            return open_private(self.path, None, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        except OSError as error:
            raise self._refused(error) from None

    def _turn_over(self) -> None:
        if self._is_in_place():  # else another process, or logrotate, has done it
            for number in range(_KEPT - 1, 0, -1):
                older = self._numbered(number)
                if os.path.lexists(older):
                    older.replace(self._numbered(number + 1))
            self.path.replace(self._numbered(1))
        new = self._open()
        os.close(self._handle)
        self._handle = new

    def _is_in_place(self) -> bool:
        mine = os.fstat(self._handle)
        try:
            there = self.path.lstat()
        except FileNotFoundError:
            return False
        return (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")

    def _refused(self, error: OSError) -> StorageError:
        return StorageError(
            _("{path} can't be written: {reason}.").format(path=self.path, reason=error.strerror),
            _("Give --log the name of a file in a folder that you can write to."),
        )


class EventLog:
    """Writes what happens in one run (an Observer); a disk that refuses ends the log, not the sending."""

    def __init__(self, file: LogFile, run: RunId, account: str, clock: Clock) -> None:
        self._file, self._clock = file, clock
        self._whose = {"run": run.name, "account": account, "appid": run.appid}
        self._ids = MessageIds(run)
        self._prefix = hashlib.sha256(f"{run.digest}\x1f".encode())
        self._lines: list[str] = []
        self.fault: StateError | None = None
        """Why it ended before the sending did."""

    def started(self, **facts: Any) -> None:
        """A command begins to send."""
        self._note("run_started", facts)
        self.write()

    def ended(self, **facts: Any) -> None:
        """It has ended; `facts` say how the run stands."""
        self._note("run_ended", facts)
        self.write()

    def skipped(self, line: int, reason: str, message: Message | None) -> None:
        """A row was left out; `message` where it could have been sent."""
        whom = {"line": line} if message is None else self._whom(message)
        self._note("skipped", whom | {"reason": reason})
        self._write_if_many()

    def put_off(self, until: datetime | None) -> None:
        """Nothing begins before that moment; or (None) it has come."""
        if until is None:
            self._note("resumed", {})
        else:
            self._note("waiting", {"why": "at", "until": _moment(until)})
        self.write()

    def accepted(self, flights: Sequence[Flight], answers: Sequence[Answered], at: float) -> None:
        """Calls whose message was accepted."""
        for flight, answer in zip(flights, answers, strict=True):
            self._attempt(flight, answer, State.ACCEPTED.value, at)

    def judged(self, flight: Flight, answer: Answered, state: State | None, at: float) -> None:
        """A call that met something else."""
        self._attempt(flight, answer, "again" if state is None else state.value, at)

    def committed(self, records: Sequence[Record], claims: Sequence[Claim]) -> None:
        """Outcomes and claims, now that they are on disk."""
        for record in records:
            if record.mark in FINAL:
                self._outcome(record)
        for claim in claims:
            message = claim.message
            self._note("claimed", self._whom(message) | {"client_msg_id": self._id(message)})
        self._write_if_many()

    def progress(self, progress: Progress) -> None:
        """Write what has gathered."""
        del progress
        self.write()

    def waiting(self, waiting: Waiting | None) -> None:
        """Nothing is sent for a while, or it goes on."""
        if waiting is None:
            self._note("resumed", {})
            return
        until = None if waiting.until is None else _moment(waiting.until)
        self._note("waiting", {"why": waiting.why.value, "until": until, "detail": waiting.detail or None})

    def notice(self, notice: Notice, detail: str) -> None:
        """Something was said aloud."""
        self._note("notice", {"notice": notice.value, "detail": detail or None})

    def write(self) -> None:
        """Put on disk what has gathered."""
        if not self._lines or self.fault is not None:
            self._lines.clear()
            return
        content = "".join(self._lines).encode()
        self._lines.clear()
        try:
            self._file.write(content)
        except StateError as error:
            self.fault = error

    def close(self) -> None:
        """Write the rest, and let go of the file."""
        self.write()
        self._file.close()

    def trace_id(self, key: str) -> str:
        """What tells this message from every other, in every line about it."""
        state = self._prefix.copy()
        state.update(key.encode())
        return state.hexdigest()[:32]

    def _attempt(self, flight: Flight, answer: Answered, result: str, at: float) -> None:
        verdict: Verdict = answer.verdict
        facts = self._whom(flight.message) | {
            "attempt": flight.attempts,
            "client_msg_id": self._id(flight.message),
            "latency_ms": round(answer.seconds * 1000, 1),
            "arrival": verdict.arrival.value,
            "code": verdict.code,
            "msgid": verdict.msgid,
            "result": result,
            "detail": verdict.detail or None,
        }
        self._note("attempt", facts, at)
        self._write_if_many()

    def _outcome(self, record: Record) -> None:
        facts = {
            "trace_id": self.trace_id(record.key),
            "key": record.key,
            "openid": record.to,
            "line": record.line,
            "state": record.mark.state.value,
            "code": record.code,
            "class": record.cls.value,
            "msgid": record.msgid,
            "attempts": record.attempts,
            "detail": record.detail or None,
        }
        self._note("outcome", facts)

    def _whom(self, message: Message) -> dict[str, Any]:
        return {
            "trace_id": self.trace_id(message.key),
            "key": message.key,
            "openid": message.to,
            "line": message.line,
        }

    def _id(self, message: Message) -> str:
        return self._ids.client_msg_id(message.key, message.epoch)

    def _note(self, event: str, facts: dict[str, Any], at: float | None = None) -> None:
        wall = self._clock.wall() if at is None else at
        time = datetime.fromtimestamp(wall, BEIJING).isoformat("T", "milliseconds")
        known = {name: value for name, value in facts.items() if value is not None}
        line = {"time": time, "event": event, **self._whose, **known}
        self._lines.append(json.dumps(line, separators=(",", ":")) + "\n")

    def _write_if_many(self) -> None:
        if len(self._lines) >= _MOST_BUFFERED:
            self.write()


def _moment(at: datetime) -> str:
    return at.astimezone(BEIJING).isoformat("T", "seconds")
