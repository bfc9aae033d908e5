"""The senders that take turns: how each one is started, and what it has sent when it ends."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.material import APPID, SECRET, Material, body
from benchmarks.measuring import BenchmarkError, Usage, Watched, clean_environ
from benchmarks.place import ROOT, SENDERS
from benchmarks.plan import RATE
from benchmarks.servers.latency import SEND, TOKEN
from benchmarks.tools import NODE_FOLDER, Install

INSTALLS: Final = ("fast", "base")


@dataclass(frozen=True, slots=True)
class Sent:
    """What one run of a sender gave."""

    messages: int
    seconds: float
    cpu_s: float
    memory_mb: float | None


@dataclass(frozen=True, slots=True)
class Sender:
    """A program that sends `messages` (None: as many as it can in its time) and tells it as JSON."""

    name: str
    command: Sequence[str]
    messages: int | None
    environ: dict[str, str] = field(default_factory=dict)
    home: Path | None = None
    """Its state, which is removed before it starts."""
    begins_with: Path | None = None
    """A state that is put into its place."""

    def called(self, name: str, *, begins_with: Path | None = None) -> "Sender":
        """The same under another name, and with a state to begin with."""
        return replace(self, name=name, begins_with=begins_with)

    def start(self) -> Watched:
        """Start it, with no state from before but that which it is to begin with."""
        if self.home is not None:
            shutil.rmtree(self.home, ignore_errors=True)
        if self.home is not None and self.begins_with is not None:
            shutil.copytree(self.begins_with, self.home)
        return Watched(self.command, clean_environ(**self.environ))

    def run(self) -> Sent:
        """Send. Raises BenchmarkError where not every message was accepted."""
        return self.sent(self.start().finish())

    def sent(self, usage: Usage) -> Sent:
        """What it says that it sent. Raises BenchmarkError where not every message was accepted."""
        told = usage.told()
        accepted = told["accepted"]
        if told.get("failed") or accepted != (self.messages or accepted):
            raise BenchmarkError(f"{self.name} should have sent {self.messages}: {told}")
        # wrk measures its own time; all others are measured from the outside.
        return Sent(accepted, told.get("seconds", usage.seconds), usage.cpu_s, usage.memory_mb)


@dataclass(frozen=True, slots=True)
class Desk:
    """Where wxpush sends from and to: the lists, the state, and the API's address."""

    material: Material
    home: Path
    api: str

    def environ(self) -> dict[str, str]:
        """What points wxpush at the API and at its state."""
        return {
            "WXPUSH_APPID": APPID,
            "WXPUSH_SECRET": SECRET,
            "WXPUSH_API_BASE": self.api,
            "WXPUSH_HOME": str(self.home),
            "WXPUSH_LANG": "en",
        }

    def wxpush(
        self, install: str, rows: int, *options: str, rate: str = RATE, messages: int | None = None
    ) -> Sender:
        """wxpush with a list of `rows`, of which it has accepted `messages` when it ends (default: all)."""
        words = ["send", str(self.material.campaign), str(self.material.people(rows))]
        command = [str(Install.of(install).wxpush), *words, "--yes", "--json", "--quiet", "--rate", rate]
        name = install + ("_no_preflight" if "--no-preflight" in options else "")
        return Sender(name, [*command, *options], messages or rows, self.environ(), self.home)

    def all_wxpush(self, rows: int, workers: int) -> list[Sender]:
        """Both installs, with preflight and without."""
        fixed = ("--workers", str(workers))
        return [
            self.wxpush(install, rows, *fixed, *more)
            for install in INSTALLS
            for more in ((), ("--no-preflight",))
        ]


def _python(name: str, program: str, api: str, messages: int, *options: str) -> Sender:
    module = f"benchmarks.senders.{program}"
    command = [str(Install.of("rivals").python), "-m", module, api, str(messages), *options]
    return Sender(name, command, messages, {"PYTHONPATH": str(ROOT)})


def wechatpy(api: str, messages: int, workers: int) -> Sender:
    """wechatpy in a pool of threads."""
    return _python("wechatpy", "wechatpy_pool", api, messages, str(workers))


def requests_loop(api: str, messages: int) -> Sender:
    """A bare loop of requests."""
    return _python("requests", "requests_loop", api, messages)


def co_wechat_api(node: Path, api: str, messages: int, in_flight: int) -> Sender:
    """co-wechat-api with so many calls in flight."""
    command = [str(node), str(SENDERS / "co_wechat_api.cjs"), api, str(messages), str(in_flight)]
    return Sender("co_wechat_api", command, messages, {"NODE_PATH": str(NODE_FOLDER / "node_modules")})


def wire(wrk: Path, api: str, seconds: int, connections: int) -> Sender:
    """wrk: no sender at all, but the most that server and loopback give."""
    url = f"{api}{SEND.decode()}?access_token={TOKEN}"
    script = str(SENDERS / "wrk.lua")
    load = ["-t1", f"-c{connections}", f"-d{seconds}s", "-s", script, url, "--", body(client_msg_id="b" * 32)]
    return Sender("wrk", [str(wrk), *load], None)


def facts(sent: Sequence[Sent]) -> dict[str, Any]:
    """The medians of several runs, and each run."""
    known = [run.memory_mb for run in sent if run.memory_mb is not None]
    return {
        "messages": round(median(run.messages for run in sent)),
        "rate": median(run.messages / run.seconds for run in sent),
        "cpu_us": median(run.cpu_s / run.messages * 1e6 for run in sent),
        "memory_mb": median(known) if known else None,
        "rates": [round(run.messages / run.seconds, 1) for run in sent],
    }
