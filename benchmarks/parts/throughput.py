"""Messages a second against a server that answers at once, beside the others."""

from pathlib import Path
from typing import Any

from benchmarks.material import Material
from benchmarks.parts.turns import take_turns
from benchmarks.plan import WORKERS, Plan
from benchmarks.senders.lineup import Desk, Sender, co_wechat_api, requests_loop, wechatpy, wire
from benchmarks.servers.nginx import Nginx
from benchmarks.tools import find_nginx, find_wrk, node_with_package


def measure(plan: Plan, folder: Path) -> dict[str, Any]:
    """Raises BenchmarkError."""
    with Nginx(find_nginx(), folder / "nginx") as nginx:
        desk = Desk(Material(folder), folder / "home", nginx.url)
        senders = [*desk.all_wxpush(plan.rows, WORKERS), *_others(plan, nginx.url)]
        medians = take_turns("throughput", senders, plan.rounds)
    return {"rounds": plan.rounds, "workers": WORKERS, "senders": medians}


def _others(plan: Plan, api: str) -> list[Sender]:
    found = [wechatpy(api, plan.rival_rows, WORKERS), requests_loop(api, plan.rival_rows)]
    if (node := node_with_package()) is not None:
        found.append(co_wechat_api(node, api, plan.rows, WORKERS))
    if (wrk := find_wrk()) is not None:
        found.append(wire(wrk, api, plan.wire_s, WORKERS))
    return found
