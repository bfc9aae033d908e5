"""Whether the rate that is asked for is the rate that the server sees."""

from pathlib import Path
from typing import Any

from benchmarks.material import Material
from benchmarks.plan import LATENCY_S, Plan
from benchmarks.senders.lineup import INSTALLS, Desk
from benchmarks.servers.observer import Observer, Seen
from benchmarks.show import say


def measure(plan: Plan, folder: Path) -> dict[str, Any]:
    """By rate; the number of workers is left to wxpush. Raises BenchmarkError."""
    material = Material(folder)
    rates = {}
    for rate, seconds in plan.steady.items():
        seen = {
            install: _send(install, rate, round(rate * seconds), material, folder / "home")
            for install in INSTALLS
        }
        allowed = {"allowed_in_1_s": allowed_in_1_s(rate), "allowed_in_10_s": allowed_in_10_s(rate)}
        rates[str(rate)] = {**allowed, **{install: _facts(one, rate) for install, one in seen.items()}}
    return {"latency_ms": LATENCY_S * 1000, "rates": rates}


def allowed_in_1_s(rate: float) -> float:
    """The most in any second (design.md, what always holds): rate, burst, and one or 2 %."""
    return rate + max(1.0, rate / 10) + max(1.0, 0.02 * rate)


def allowed_in_10_s(rate: float) -> float:
    """The most in any ten seconds."""
    return 1.01 * rate * 10


def _send(install: str, rate: int, rows: int, material: Material, home: Path) -> Seen:
    with Observer(LATENCY_S) as server:
        Desk(material, home, server.url).wxpush(install, rows, rate=f"{rate}/s").run()
        seen = server.seen()
    say(f"rate {rate}/s  {install:<15}{seen.rate:9,.2f} messages/s")
    return seen


def _facts(seen: Seen, rate: int) -> dict[str, Any]:
    return {
        "messages": seen.posts,
        "achieved": seen.rate / rate,
        "most_in_1_s": seen.most_in_1_s,
        "most_in_10_s": seen.most_in_10_s,
    }
