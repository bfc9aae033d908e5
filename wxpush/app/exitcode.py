"""The exit code that a summary earns (contract §3)."""

from wxpush.app.results import Summary
from wxpush.model import CodeClass


def exit_code(summary: Summary, tolerate: float = 0.0) -> int:
    """`tolerate` is the share of recipients' own failures that still counts as success."""
    if summary.state == "interrupted":
        return 130
    if summary.stopped_by is not None:
        return 4 if summary.stopped_by.code == "storage" else 3
    if summary.held or summary.in_doubt:
        return 1
    own = sum(group.count for group in summary.failures if group.cls is CodeClass.RECIPIENT)
    # A hair more, because 0.29 * 100 is a little less than 29.
    within = own == summary.failed and summary.failed <= tolerate * summary.total + 1e-6
    return 0 if within else 1
