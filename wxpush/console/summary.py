"""The summary: how a run stands after a call, and what can be done next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from wxpush.console import words
from wxpush.console.layout import Page, Span
from wxpush.i18n import _, ngettext

if TYPE_CHECKING:
    from wxpush.app.results import DeliveryFigures, FailureGroup, StoppedBy, Summary

_HEADLINE_STYLES = {"finished": "bold green", "dry_run": "bold"}


def lay_out(page: Page, summary: Summary, next_commands: Sequence[tuple[str, str]], now: datetime) -> None:
    """Write `summary` on `page`; `next_commands` are (command, why) in the order of their worth."""
    page.text(headline(summary), _headline_style(summary), hang=2)
    if summary.stopped_by is not None:
        _stopped(page, summary.stopped_by, now)
    page.blank()
    page.numbers(counts_of(summary), indent=2)
    delivered(page, summary.delivery)
    skipped(page, summary.skips)
    if summary.state != "dry_run":
        page.text(_effort(summary), "dim", indent=2, hang=2)
    if summary.failures:
        page.blank()
        failures(page, summary.failures)
    remarks = _remarks(summary)
    if remarks:
        page.blank()
    for remark in remarks:
        page.text(remark, hang=2)
    if summary.failures_file is not None:
        page.blank()
        page.text(_("All of these, with their rows, as a list to mend and send again:"))
        page.unbroken(str(summary.failures_file), "bold", indent=2)
    if summary.skips_file is not None:
        page.blank()
        page.text(_("The rows that were left out, with the reason:"))
        page.unbroken(str(summary.skips_file), "bold", indent=2)
    commands(page, next_commands)


def needs_attention(summary: Summary) -> bool:
    """Whether something is left that a person should look at."""
    left = summary.failed + summary.held + summary.in_doubt + summary.pending
    return bool(left) or summary.stopped_by is not None or summary.state in ("stopped", "interrupted")


def headline(summary: Summary) -> str:
    """How it ended, in one sentence."""
    accepted, total = words.number(summary.accepted), words.number(summary.total)
    if summary.state == "dry_run":
        text = ngettext(
            "Rehearsed: {count} message is ready; nothing was sent.",
            "Rehearsed: {count} messages are ready; nothing was sent.",
            summary.pending,
        )
        return text.format(count=words.number(summary.pending))
    if summary.state == "interrupted":
        return _(
            "Interrupted: {accepted} of {total} accepted. Nothing is lost; the same command goes on."
        ).format(accepted=accepted, total=total)
    if summary.stopped_by is not None and summary.stopped_by.code == "until":
        return _("Stopped: {accepted} of {total} accepted. Nothing is lost.").format(
            accepted=accepted, total=total
        )
    if summary.state == "stopped":
        return _(
            "Stopped: {accepted} of {total} accepted. Nothing is lost; the same command goes on."
        ).format(accepted=accepted, total=total)
    if summary.state == "limited":
        return _("As many as --limit says: {accepted} of {total} accepted so far.").format(
            accepted=accepted, total=total
        )
    if summary.accepted == summary.total:
        return _("Finished: all {total} accepted.").format(total=total)
    return _("Finished: {accepted} of {total} accepted.").format(accepted=accepted, total=total)


def _headline_style(summary: Summary) -> str:
    if summary.state == "finished" and summary.failed + summary.held + summary.in_doubt:
        return "bold yellow"
    return _HEADLINE_STYLES.get(summary.state, "bold yellow")


def _stopped(page: Page, stop: StoppedBy, now: datetime) -> None:
    cause = stop.meaning
    if stop.code.lstrip("-").isdigit():
        cause = _("WeChat says {code}: {meaning}").format(code=stop.code, meaning=cause)
    rows: list[tuple[str, Span]] = [(_("Cause"), (cause, "red"))]
    if stop.hint:
        rows.append((_("Remedy"), (stop.hint, "")))
    if stop.goes_on is not None:
        rows.append((_("Can go on"), (words.moment(stop.goes_on, now), "")))
    page.pairs(rows, indent=2)


def counts_of(summary: Summary) -> list[tuple[str, Span]]:
    counts = {
        "accepted": summary.accepted,
        "failed": summary.failed,
        "skipped": summary.skipped,
        "held": summary.held,
        "in_doubt": summary.in_doubt,
        "pending": summary.pending,
    }
    return count_rows(counts, summary.total)


def count_rows(counts: Mapping[str, int], total: int) -> list[tuple[str, Span]]:
    """A row for each state that has messages, and their total."""
    rows = [
        (words.state(name), (words.number(count), words.STATE_STYLES.get(name, "")))
        for name, count in counts.items()
        if count or name == "accepted"
    ]
    return [*rows, (_("total"), (words.number(total), "bold"))]


def delivered(page: Page, figures: DeliveryFigures | None) -> None:
    """What receipts say of the accepted messages, where there are any."""
    if figures is not None and figures.accepted:
        page.text(words.delivery(figures), indent=2, hang=2)


def skipped(page: Page, skips: Mapping[str, int]) -> None:
    """Why rows were skipped, where any were."""
    if told := words.skips(skips):
        page.text(_("Skipped: {skips}").format(skips=told), "dim", indent=2, hang=2)


def _effort(summary: Summary) -> str:
    text = ngettext(
        "{count} attempt in {time}, {rate}",
        "{count} attempts in {time}, {rate}",
        summary.attempts,
    )
    return text.format(
        count=words.number(summary.attempts),
        time=words.duration(summary.sending_s),
        rate=words.rate(summary.rate_per_s),
    )


def failures(page: Page, groups: Sequence[FailureGroup]) -> None:
    """What failed, is held or in doubt, by cause: how many, what it means, what to do."""
    widest = max(len(words.number(group.count)) for group in groups)
    longest = max(len(group.code) for group in groups)
    at = min(4 + widest + 2 + longest + 2, 24)
    for name in ("failed", "held", "in_doubt"):
        of_state = [group for group in groups if group.state == name]
        if of_state:
            page.text(_group_title(name), words.STATE_STYLES[name])
        for group in of_state:
            lead = [
                (f"    {words.number(group.count):>{widest}}  ", words.STATE_STYLES[name]),
                (f"{group.code:<{longest}}", ""),
            ]
            page.value(lead, at, group.meaning)
            if group.advice:
                page.text(group.advice, "dim", indent=at)


def _group_title(name: str) -> str:
    titles = {
        "failed": _("Failed, by cause:"),
        "held": _("Held: WeChat reviews them and delivers them by itself if they pass; never sent again."),
        "in_doubt": _("In doubt: they may have reached WeChat, but no answer was recorded; not sent again."),
    }
    return titles[name]


def _remarks(summary: Summary) -> list[str]:
    remarks = []
    if summary.unsettled:
        text = ngettext(
            "{count} message was cut off on its way; the next start finds out what became of it.",
            "{count} messages were cut off on their way; the next start finds out what became of them.",
            summary.unsettled,
        )
        remarks.append(text.format(count=words.number(summary.unsettled)))
    if summary.gone_pending:
        text = ngettext(
            "{count} pending message is no longer in the list; it waits until its row comes back.",
            "{count} pending messages are no longer in the list; they wait until their rows come back.",
            summary.gone_pending,
        )
        remarks.append(text.format(count=words.number(summary.gone_pending)))
    if summary.changed:
        remarks.append(words.changed(summary.changed, summary.changed_lines))
    return [*remarks, *summary.notes]


def commands(page: Page, next_commands: Sequence[tuple[str, str]]) -> None:
    """What to type next and why; commands stay in one piece, to be copied."""
    if not next_commands:
        return
    page.blank()
    page.text(_("Next:"), "bold")
    for command, why in next_commands:
        page.unbroken(command, "bold", indent=2)
        page.text(why, "dim", indent=6)
