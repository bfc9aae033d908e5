"""How time, memory and ledger grow with the list, and how soon the first message leaves."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import linear_regression, median
from typing import Any, Final

from benchmarks.material import Material
from benchmarks.plan import WORKERS, Plan
from benchmarks.senders.lineup import Desk, Sender
from benchmarks.servers.nginx import Nginx
from benchmarks.servers.observer import Observer
from benchmarks.show import say
from benchmarks.tools import find_nginx

_SIZES: Final = ("small", "middle", "large")
_DONE: Final = 0.9
_INTERRUPTED: Final = 130


def measure(plan: Plan, folder: Path) -> dict[str, Any]:
    """Raises BenchmarkError."""
    nginx = Nginx(find_nginx(), folder / "nginx")
    desk = Desk(Material(folder), folder / "home", nginx.url)
    with nginx:
        whole = [_whole(desk, rows) for rows in plan.sizes]
    seconds = [one["seconds"] for one in whole]
    return {
        "workers": WORKERS,
        **dict(zip(_SIZES, whole, strict=True)),
        "exponent": exponent(plan.sizes, seconds),
        "last_exponent": exponent(plan.sizes[1:], seconds[1:]),
        "resume": _resume(desk, nginx, plan.sizes[-1]),
        "first": _first(desk, plan.sizes[-1], plan.first_posts),
    }


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """The power of the size with which time grows: 1 is linear. Least squares of the logarithms."""
    return linear_regression([*map(math.log, sizes)], [*map(math.log, seconds)]).slope


def _sender(desk: Desk, rows: int, *options: str, messages: int | None = None) -> Sender:
    return desk.wxpush("fast", rows, "--workers", str(WORKERS), *options, messages=messages)


def _whole(desk: Desk, rows: int) -> dict[str, Any]:
    sent = _sender(desk, rows).run()
    ledger = sum(path.stat().st_size for path in desk.home.glob("runs/*/ledger/**/*") if path.is_file())
    say(f"scale {rows:,} rows  {sent.seconds:.1f} s, ledger {ledger / rows:.0f} bytes a message")
    return {
        "rows": rows,
        "seconds": sent.seconds,
        "rate": rows / sent.seconds,
        "memory_mb": sent.memory_mb,
        "ledger_bytes": ledger / rows,
    }


def _resume(desk: Desk, nginx: Nginx, rows: int) -> dict[str, Any]:
    """The rest is sent to a server that tells when its first message came; a run belongs to an address, so
    that server takes nginx's place.
    """
    done = round(_DONE * rows)
    with nginx:
        _sender(desk, rows, "--limit", str(done), messages=done).run()
    with Observer(port=nginx.port) as server:
        rest = replace(_sender(desk, rows), home=None)
        started = rest.start()
        seconds = server.first_post(started) - started.began
        rest.sent(started.finish())
        posts = server.seen().posts
    say(f"scale resume with {done:,} of {rows:,} done  first message after {seconds:.2f} s, {posts:,} sent")
    return {"rows": rows, "done": done, "seconds": seconds, "sent": posts}


def _first(desk: Desk, rows: int, times: int) -> dict[str, Any]:
    found = [_first_post(desk, rows) for _ in range(times)]
    say(f"scale first message of {rows:,} without preflight  after {median(found):.2f} s")
    return {"rows": rows, "seconds": median(found)}


def _first_post(desk: Desk, rows: int) -> float:
    with Observer() as server:
        started = _sender(replace(desk, api=server.url), rows, "--no-preflight").start()
        seconds = server.first_post(started) - started.began
        started.terminate()
        started.finish(_INTERRUPTED)
    return seconds
