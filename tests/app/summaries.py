"""A summary that the tests of the app room vary."""

from dataclasses import replace
from typing import Any

from wxpush.app.results import FailureGroup, StoppedBy, Summary
from wxpush.model import CodeClass

FINISHED = Summary(
    run="order-shipped-2026-11-23",
    account="shop",
    state="finished",
    total=100,
    accepted=100,
    failed=0,
    skipped=0,
    held=0,
    in_doubt=0,
    pending=0,
    failures=(),
    skips={},
    attempts=100,
    token_fetches=1,
    elapsed_s=3.34,
    rate_per_s=29.94,
    stopped_by=None,
    failures_file=None,
)


def summary(*groups: FailureGroup, **changes: Any) -> Summary:
    """`groups` of what wasn't accepted; the accepted ones are the rest."""
    counts = {
        state: sum(g.count for g in groups if g.state == state) for state in ("failed", "held", "in_doubt")
    }
    counts |= {name: changes[name] for name in ("skipped", "pending") if name in changes}
    total = changes.get("total", 100)
    return replace(FINISHED, accepted=total - sum(counts.values()), failures=groups, **counts | changes)


def group(cls: CodeClass, count: int = 1, code: str = "43004", state: str = "failed") -> FailureGroup:
    return FailureGroup(state, code, count, cls, "未关注", "require subscribe", "…")


def stopped(code: str) -> StoppedBy:
    return StoppedBy(code, "含义", "meaning", "hint")
