"""Messages a second against a server that takes its time."""

import time
from pathlib import Path
from typing import Any

from benchmarks.material import Material
from benchmarks.parts.turns import take_turns
from benchmarks.plan import LATENCY_S, WAITING_WORKERS, Plan
from benchmarks.senders.lineup import Desk, wechatpy
from benchmarks.servers.observer import Observer


def measure(plan: Plan, folder: Path) -> dict[str, Any]:
    """`limit` is what so many workers can do if nothing but the server took time; `server_load` is the
    share of a core that the server itself needed. Raises BenchmarkError.
    """
    with Observer(LATENCY_S) as server:
        began = time.monotonic()
        desk = Desk(Material(folder), folder / "home", server.url)
        rivals = min(plan.rival_rows, plan.waiting_rows)
        senders = [
            *desk.all_wxpush(plan.waiting_rows, WAITING_WORKERS),
            wechatpy(server.url, rivals, WAITING_WORKERS),
        ]
        medians = take_turns("latency", senders, plan.waiting_rounds)
        seconds = time.monotonic() - began
        load = server.seen().cpu_s / seconds
    return {
        "rounds": plan.waiting_rounds,
        "workers": WAITING_WORKERS,
        "latency_ms": LATENCY_S * 1000,
        "limit": WAITING_WORKERS / LATENCY_S,
        "server_load": load,
        "senders": medians,
    }
