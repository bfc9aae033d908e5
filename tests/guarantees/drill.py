"""A place to break wxpush in: a WeChat whose clock can be set, and a check of what people were shown."""

import json
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.cli.command import KNOWN_TEMPLATE, STATES, Desk, Done, Running, openid
from wxpush.delivery import ledger
from wxpush.delivery.records import FINAL, Mark
from wxpush.model import State
from wxpush.sandbox import Call, Sandbox
from wxpush.sandbox.scenario import from_mapping

ENTRY: Final = Path(__file__).with_name("entry.py")
#: Ended by us: killed, or by the alarm inside a call of C.
KILLED: Final = frozenset({-signal.SIGKILL, -signal.SIGALRM})
RETRIES: Final = "{attempts: 4, base: 50ms, cap: 200ms}"


@dataclass
class Times:
    """The clock of a drill: real time, `ahead` by some seconds, or `speed` times as fast."""

    ahead: float = 0.0
    speed: float = 1.0
    since: float = field(default_factory=time.time)

    def __call__(self) -> float:
        return self.since + (time.time() - self.since) * self.speed + self.ahead

    def of_sender(self) -> dict[str, float]:
        """The same for entry.py."""
        return {"ahead": self.ahead, "speed": self.speed, "since": self.since}


class Drill:
    """One campaign, one list and one WeChat."""

    def __init__(self, folder: Path, sandbox: Sandbox, times: Times) -> None:
        self.sandbox, self.times = sandbox, times
        self.desk = Desk(folder, sandbox)
        self._victim: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self._countdown: tuple[str, int] | None = None
        self._act: Callable[[], object] = self.kill
        for moment in ("received", "decided"):
            sandbox.on_send(self._hook(moment), moment)  # type: ignore[arg-type]

    def prepare(self, rows: int, **changes: str) -> None:
        """campaign.yaml and users.csv with so many people."""
        self.rows = rows
        self.desk.prepare(rows, **{"timeout": "2s", "retry": RETRIES, **changes})

    def start(self, *options: str, **wanted: Any) -> Running:
        """Begin the usual `send`; `wanted` is entry.py's."""
        return self.begin("send", "campaign.yaml", "users.csv", "--yes", "--json", *options, **wanted)

    def begin(self, *arguments: str, **wanted: Any) -> Running:
        """Begin any command."""
        ordered = json.dumps(self.times.of_sender() | wanted)
        process = subprocess.Popen(
            [sys.executable, str(ENTRY), ordered, *arguments],
            cwd=self.desk.folder,
            env=self.desk.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        with self._lock:
            self._victim = process
        return Running(process)

    def send(self, *options: str, timeout: float = 120, **wanted: Any) -> Done:
        """The usual `send`, to its end."""
        with self.start(*options, **wanted) as running:
            return running.done(timeout)

    def kill(self) -> None:
        """Kill the command that was begun last."""
        with self._lock:
            if self._victim is not None:
                self._victim.kill()

    def at_send(self, number: int, moment: str = "received", act: Callable[[], object] | None = None) -> None:
        """At the `number`th send from now, kill the sender, or `act`."""
        self._act = act or self.kill
        self._countdown = (moment, number)

    def _hook(self, moment: str) -> Callable[[Call], None]:
        def hook(_call: Call) -> None:
            if self._countdown is None or self._countdown[0] != moment:
                return
            left = self._countdown[1] - 1
            self._countdown = (moment, left) if left else None
            if not left:
                self._act()

        return hook

    @property
    def ledger(self) -> Path:
        """The folder of the one run's ledger."""
        (found,) = self.desk.home.rglob("ledger/cache.db")
        return found.parent

    def is_sound(self) -> bool:
        """Whether SQLite finds nothing wrong with the ledger."""
        try:
            database = self.ledger / "cache.db"
        except ValueError:
            return True  # killed before there was one
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)

    def most_in_doubt(self, rate: float, workers: int) -> int:
        """U of the design's sixth invariant."""
        return 2 * workers + min(200, int(rate / 2))

    def kill_often(
        self,
        kills: int,
        chance: random.Random,
        *options: str,
        most: int,
        each: Callable[[], object] = lambda: None,
    ) -> "Kills":
        """Send and kill so often, at random sends or shortly after; the list isn't finished by then."""
        sound = 0
        for _ in range(kills):
            self.at_send(chance.randint(1, most), chance.choice(["received", "decided"]))
            with self.start(*options) as running:
                code = running.process.wait(120)
            assert code in KILLED, (code, running.process.stderr and running.process.stderr.read())
            sound += self.is_sound()
            each()
        self._countdown = None
        return Kills(kills, sound)


@dataclass(frozen=True)
class Kills:
    """How many there were, and after how many the ledger was sound."""

    kills: int
    sound: int


@dataclass(frozen=True)
class Balance:
    """What people were shown beside what ledger and summary say."""

    rows: int
    shown: Counter[str]
    states: Mapping[str, State]
    counts: Mapping[str, int]
    listed: frozenset[str]

    @property
    def doubles(self) -> int:
        """Messages that somebody was shown beyond his first."""
        return sum(self.shown.values()) - len(self.shown)

    @property
    def lost(self) -> list[str]:
        """People who were shown nothing and of whom nothing says so."""
        told = {State.FAILED, State.IN_DOUBT, State.HELD}
        everybody = (openid(number) for number in range(1, self.rows + 1))
        return [
            person
            for person in everybody
            if not self.shown[person] and not (self.states.get(person) in told and person in self.listed)
        ]

    @property
    def in_doubt(self) -> int:
        """How many the ledger has in doubt."""
        return sum(state is State.IN_DOUBT for state in self.states.values())

    @property
    def contradictions(self) -> list[str]:
        """Accepted and never shown, or shown and called failed."""
        return [
            person
            for person, state in self.states.items()
            if (state is State.ACCEPTED and not self.shown[person])
            or (state in (State.FAILED, State.PENDING) and self.shown[person])
        ]


def balance(drill: Drill, result: Mapping[str, Any]) -> Balance:
    """Compare people's screens with the ledger and with the summary `result`, which must add up."""
    assert result["total"] == drill.rows == sum(result[state] for state in STATES), result
    states: dict[str, State] = {}
    for _place, record in ledger.records(drill.ledger):
        if record.mark in FINAL or record.mark in (Mark.BUSY, Mark.SILENT):
            states[record.key] = record.mark.state
    for claim in ledger.review(drill.ledger):
        states[claim.message.key] = State.IN_DOUBT
    counted = Counter(state.value for state in states.values())
    for state in ("accepted", "failed", "held", "in_doubt"):
        assert counted[state] == result[state], (state, counted, result)
    listed = frozenset(row["openid"] for row in listed_rows(drill))
    return Balance(drill.rows, drill.desk.shown(), states, result, listed)


def listed_rows(drill: Drill) -> Iterator[dict[str, Any]]:
    """The rows of the run's exact record of failures."""
    file = drill.ledger.parent / "failures.jsonl"
    if file.exists():
        with file.open(encoding="utf-8") as stream:
            yield from map(json.loads, stream)


@contextmanager
def drilling(
    folder: Path, *, times: Times | None = None, shown: Path | None = None, **parts: Any
) -> Iterator[Drill]:
    """A drill against a WeChat with these parts of a scenario; `shown` is a file for what people see."""
    times = times or Times()
    usual = {"templates": [KNOWN_TEMPLATE], "remember_calls": 200_000, "quota": {"daily": 10_000_000}}
    mapping = {"version": 1, **usual, **parts}
    with Sandbox(from_mapping(mapping), clock=times, shown=shown) as sandbox:
        drill = Drill(folder, sandbox, times)
        try:
            yield drill
        finally:
            drill.kill()
