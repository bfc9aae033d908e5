"""What it costs to look at each person before sending, beside the same sending without it."""

import csv
import random
import shutil
from pathlib import Path
from typing import Any, Final

from benchmarks.material import Material, openid
from benchmarks.measuring import clean_environ, run
from benchmarks.parts.turns import take_turns
from benchmarks.plan import WORKERS, Plan
from benchmarks.senders.lineup import Desk
from benchmarks.servers.nginx import Nginx
from benchmarks.tools import Install, find_nginx

#: All that can be looked up without the network; nobody of the list is left out by it.
_RULES: Final = {
    "limits": {"per_user_per_day": "10", "per_user_per_week": "50"},
    "expires": {"column": "paid_at", "after": "7d"},
    "suppress": {"auto": "24h"},
}


def measure(plan: Plan, folder: Path) -> dict[str, Any]:
    """Messages a second; a tenth as many people as the list has are suppressed, and as many were written
    to by an earlier run. Raises BenchmarkError.
    """
    with Nginx(find_nginx(), folder / "nginx") as nginx:
        bare = Desk(Material(folder, paid=True), folder / "home", nginx.url)
        screened = Desk(
            Material(folder, name="screened", paid=True, rules=_RULES), folder / "screened", nginx.url
        )
        state = _state(bare, plan.rows, folder)
        options = ("--workers", str(WORKERS))
        senders = [
            bare.wxpush("fast", plan.rows, *options).called("bare"),
            screened.wxpush("fast", plan.rows, *options).called("screened", begins_with=state),
        ]
        medians = take_turns("screening", senders, plan.rounds)
    return {"rounds": plan.rounds, "workers": WORKERS, "suppressed": plan.rows // 10, "senders": medians}


def _state(desk: Desk, rows: int, folder: Path) -> Path:
    """A state with a suppression list and an earlier run, for each sending to begin with."""
    environ, program = clean_environ(**desk.environ()), str(Install.of("fast").wxpush)
    desk.wxpush("fast", rows // 10, "--run", "earlier").run()
    run([program, "suppress", "import", str(_suppressed(folder / "suppressed.csv", rows // 10))], environ)
    state = folder / "state"
    shutil.copytree(desk.home, state)
    return state


def _suppressed(path: Path, count: int) -> Path:
    chance = random.Random(2)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["openid", "reason", "until"])
        writer.writerows([openid(chance), "asked us to stop", ""] for _ in range(count))
    return path
