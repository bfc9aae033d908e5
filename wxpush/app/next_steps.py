"""The next command to type, and why."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from wxpush.i18n import _
from wxpush.model import CodeClass

if TYPE_CHECKING:
    from wxpush.app.results import RunView, Settlement, Summary

_UNTIL = "until"
_MAY_SUCCEED = frozenset({CodeClass.TRANSIENT, CodeClass.THROTTLE})


def settle_command(run: str) -> str:
    """The command that decides about what is in doubt."""
    return f"wxpush runs settle {shlex.quote(run)}"


def suppress_list(account: str) -> str:
    """The command that shows the suppression list of an account."""
    named = "" if account == "default" else f" --account {shlex.quote(account)}"
    return f"wxpush suppress list{named}"


def after_send(summary: Summary, again: str) -> list[tuple[str, str]]:
    """`again` is the command that was just run, to be typed once more; a rehearsal has no sequel."""
    steps: list[tuple[str, str]] = []
    if summary.unsettled:
        steps.append(_by_itself(again))
    elif ended_by_clock(summary):
        steps.append((again, _after_the_clock(again)))
    elif summary.pending > summary.gone_pending or summary.state in {"stopped", "interrupted"}:
        may_double = "resend" in again.split()  # --in-doubt resend
        steps.append(
            (again, _("sends the rest") if may_double else _("sends the rest; nobody gets it twice"))
        )
    steps += after_failures(summary, again)
    if summary.skips.get("suppressed"):
        steps.append((suppress_list(summary.account), _("who is on the suppression list, and why")))
    return steps


def ended_by_clock(summary: Summary) -> bool:
    """Whether it was stopped by --until."""
    return summary.stopped_by is not None and summary.stopped_by.code == _UNTIL


def _after_the_clock(again: str) -> str:
    if "--until" in again.replace("=", " ").split():
        return _("sends the rest tomorrow, within the same hours; nobody gets it twice")
    return _("sends the rest at once, without an end; nobody gets it twice")


def after_settling(settlement: Settlement, again: str) -> list[tuple[str, str]]:
    """`again` is the command that goes on with the run."""
    steps: list[tuple[str, str]] = []
    if settlement.in_window:
        steps.append(_by_itself(again))
    elif settlement.summary.pending:
        steps.append((again, _("sends what is pending, with fresh ids what is to be sent again")))
    if settlement.summary.in_doubt > settlement.in_window:
        steps.append(_settling(settlement.summary.run))
    return steps


def after_view(view: RunView, again: str) -> list[tuple[str, str]]:
    """What to do about a run that somebody looks at; one that is being sent needs nothing.

    `again` is the command that goes on with the run.
    """
    if view.live_pid is not None or not view.counts.get("in_doubt"):
        return []
    return [*([_by_itself(again)] if view.in_window else []), _settling(view.name)]


def _by_itself(again: str) -> tuple[str, str]:
    return again, _("within eight minutes: settles what is in doubt with the same ids")


def _settling(run: str) -> tuple[str, str]:
    return settle_command(run), _("decides about what is in doubt: delivered, or send it again")


def after_failures(summary: Summary, again: str) -> list[tuple[str, str]]:
    """What to do about what failed or is in doubt, whichever command found it out."""
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
    if summary.in_doubt > summary.unsettled:
        steps.append(_settling(summary.run))
    return steps
