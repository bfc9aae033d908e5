"""The next command to type, and why."""

import shlex

from wxpush.app.results import Summary
from wxpush.i18n import _
from wxpush.model import CodeClass

_MAY_SUCCEED = frozenset({CodeClass.TRANSIENT, CodeClass.THROTTLE})


def after_send(summary: Summary, again: str) -> list[tuple[str, str]]:
    """`again` is the command that was just run, to be typed once more; a rehearsal has no sequel."""
    steps: list[tuple[str, str]] = []
    if summary.unsettled:
        steps.append((again, _("within eight minutes: settles what is in doubt with the same ids")))
    elif summary.pending or summary.state in {"stopped", "interrupted"}:
        steps.append((again, _("sends the rest; nobody gets it twice")))
    return steps + after_failures(summary, again)


def after_failures(summary: Summary, again: str) -> list[tuple[str, str]]:
    """What to do about what failed, whichever command found it out."""
    steps: list[tuple[str, str]] = []
    failed = [group for group in summary.failures if group.state == "failed"]
    retry = f"wxpush retry-failed {shlex.quote(summary.run)}"
    if any(group.cls in _MAY_SUCCEED for group in failed):
        steps.append((retry, _("sends again what failed for a passing reason")))
    people = [group for group in failed if group.cls is CodeClass.RECIPIENT]
    if people:
        code = max(people, key=lambda group: group.count).code
        steps.append((f"{retry} --code {code}", _("when these people can be reached again")))
    if any(group.cls is CodeClass.MESSAGE for group in failed):
        steps.append((again, _("after mending the rows: sends just those")))
    return steps
