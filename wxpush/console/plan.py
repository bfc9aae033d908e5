"""The plan: what `send` is about to do, shown before the question."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from wxpush.app.next_steps import settle_command
from wxpush.app.sources.spool import called
from wxpush.console import words
from wxpush.console.layout import Page, Span
from wxpush.console.safe import joined
from wxpush.i18n import _, ngettext

if TYPE_CHECKING:
    from wxpush.app.results import Plan, Sample, Survey

_OWN_API = "https://api.weixin.qq.com"
_MOST_WARNINGS = 5


def lay_out(page: Page, plan: Plan, now: datetime) -> None:
    """Write `plan` on `page`; `now` decides which moments are shown without their date."""
    page.text(_heading(plan), "bold")
    page.pairs(_whom(plan) + _people(plan) + ([] if plan.is_over else _how(plan, now)), indent=2)
    if plan.sample is not None and not plan.is_over:
        page.blank()
        lay_out_sample(page, plan.sample)
    for note in _notes(plan):
        page.text(note, "yellow", hang=2)


def _heading(plan: Plan) -> str:
    if plan.rehearsal == "dry_run":
        return _("Rehearsal: everything is checked, nothing is sent.")
    if plan.rehearsal == "sandbox":
        return _("Rehearsal against a local WeChat: nobody gets anything.")
    if plan.is_over:
        return _("Nothing is left to send in this run.")
    return _("A new run.") if plan.is_new else _("An earlier run goes on.")


def _whom(plan: Plan) -> list[tuple[str, Span]]:
    account = f"{plan.account} ({plan.appid})" if plan.appid else plan.account or _("none set up yet")
    if plan.api_base and plan.api_base != _OWN_API:
        account = _("{account} at {address}").format(account=account, address=plan.api_base)
    return [
        (_("Run"), (plan.run, "bold")),
        (_("Account"), (account, "")),
        (_("Template"), (f"{plan.template_title} ({plan.template_id})", "")),
        (_("Campaign"), (str(plan.campaign), "")),
        (_("List"), (_list(called(plan.list_name), plan.survey), "")),
    ]


def _list(name: str, survey: Survey | None) -> str:
    if survey is None:
        return _("{name} (not checked beforehand)").format(name=name)
    rows = ngettext("{name}: {count} row", "{name}: {count} rows", survey.rows)
    told = rows.format(name=name, count=words.number(survey.rows))
    if not survey.blank:
        return told
    blank = ngettext("{count} blank one passed over", "{count} blank ones passed over", survey.blank)
    return words.listed([told, blank.format(count=words.number(survey.blank))])


def _people(plan: Plan) -> list[tuple[str, Span]]:
    rows: list[tuple[str, Span]] = []
    if any(plan.done.values()):
        rows.append((_("Done before"), (words.counted(plan.done), "")))
    survey = plan.survey
    if survey is not None:
        if skips := words.skips(survey.skips):
            rows.append((_("Skipped"), (skips, "")))
        if survey.wrong:
            bad = _("{count}, counted as failed").format(count=words.number(survey.wrong))
            rows.append((_("Bad rows"), (bad, "red")))
    if plan.recovered:
        rows.append((_("First"), (_recovered(plan.recovered), "")))
    rows.append((_("To send"), (_to_send(plan.people), "bold")))
    return rows


def _recovered(count: int) -> str:
    text = ngettext(
        "{count} message that was cut off on its way, with its old id",
        "{count} messages that were cut off on their way, with their old ids",
        count,
    )
    return text.format(count=words.number(count))


def _to_send(people: int | None) -> str:
    if people is None:
        return _("everybody in the list who has not got it yet")
    return ngettext("{count} message", "{count} messages", people).format(count=words.number(people))


def _how(plan: Plan, now: datetime) -> list[tuple[str, Span]]:
    pace = ngettext("{rate}, {count} worker", "{rate}, {count} workers", plan.workers)
    rows = [(_("Rate"), (pace.format(rate=words.rate(plan.rate), count=plan.workers), ""))]
    if quota := _quota(plan):
        rows.append((_("Quota"), (quota, "")))
    if plan.begins is not None and plan.begins > now:
        rows.append((_("Begins"), (words.coming(plan.begins, now), "")))
    if plan.until is not None:
        rows.append((_("Stops"), (_until(plan, plan.until, now), "yellow" if plan.left_then else "")))
    if plan.ends is not None and not plan.left_then:
        ends = _("about {moment}").format(moment=words.moment(plan.ends, now))
        rows.append((_("Ends"), (ends, "")))
    if plan.days > 1:
        text = _("{count} days; each next day goes on by itself")
        if not plan.goes_on_alone:
            text = _("{count} days: the quota of one day is not enough, the same command goes on each day")
        rows.append((_("Takes"), (text.format(count=plan.days), "yellow")))
    return rows


def _until(plan: Plan, until: datetime, now: datetime) -> str:
    """When it is to stop, and how much will be left."""
    moment = words.coming(until, now)
    if not plan.left_then or plan.people is None:
        return _("{moment} at the latest").format(moment=moment)
    return _("{moment}: by then about {sent} of {count}, about {left} will be left").format(
        moment=moment,
        sent=words.number(plan.people - plan.left_then),
        count=words.number(plan.people),
        left=words.number(plan.left_then),
    )


def _quota(plan: Plan) -> str:
    if plan.quota is None:
        return plan.quota_note
    text = _("{left} left of {limit} a day, {kept} of them kept for other systems").format(
        left=words.number(plan.quota.remain),
        limit=words.number(plan.quota.limit),
        kept=words.number(plan.quota_kept),
    )
    return words.listed([text, plan.quota_note]) if plan.quota_note else text


def lay_out_sample(page: Page, sample: Sample) -> None:
    """One message as its recipient will see it."""
    page.text(_("Line {line}, to {openid}:").format(line=sample.line, openid=sample.to), "dim")
    page.text(sample.title, "bold", indent=2)
    page.pairs([(label or keyword, (value, "")) for label, keyword, value in sample.parts], indent=4)
    if sample.url:
        page.text(_("opens {url}").format(url=sample.url), "dim", indent=4, hang=2)
    if sample.miniprogram:
        program = " ".join(sample.miniprogram.values())
        page.text(_("opens the mini program {program}").format(program=program), "dim", indent=4, hang=2)


def _notes(plan: Plan) -> list[str]:
    notes = [*plan.notes, *_warnings(plan.survey)]
    if plan.is_over and plan.last_accepted is not None:
        when = words.moment(plan.last_accepted)
        notes.append(_("The last message was accepted on {moment}.").format(moment=when))
    if plan.is_over and any(plan.done.values()):
        notes.append(_("To send it to everybody anew, begin another run: --run NAME, or another `name:`."))
    if plan.survey is not None and plan.survey.changed:
        notes.append(words.changed(plan.survey.changed, plan.survey.changed_lines))
    if plan.failures_waiting:
        text = ngettext(
            "{count} message failed before and is left to `wxpush retry-failed`.",
            "{count} messages failed before and are left to `wxpush retry-failed`.",
            plan.failures_waiting,
        )
        notes.append(text.format(count=words.number(plan.failures_waiting)))
    if plan.in_doubt and plan.resends:
        text = ngettext(
            "{count} message in doubt goes again; if the first one arrived, this person gets two.",
            "{count} messages in doubt go again; people whose first one arrived get two.",
            plan.in_doubt,
        )
        notes.append(text.format(count=words.number(plan.in_doubt)))
    elif plan.in_doubt:
        text = ngettext(
            "{count} message is in doubt and not sent again; decide about it: {command}",
            "{count} messages are in doubt and not sent again; decide about them: {command}",
            plan.in_doubt,
        )
        command = settle_command(plan.run)
        notes.append(text.format(count=words.number(plan.in_doubt), command=command))
    return notes


def _warnings(survey: Survey | None) -> list[str]:
    """What is doubtful about single rows: the first five, then how many more."""
    if survey is None:
        return []
    shown = survey.warnings[:_MOST_WARNINGS]
    notes = [joined(f"{found.place}: {found.code}: {found.message}", found.hint) for found in shown]
    more = survey.warnings_total - len(shown)
    if more > 0:
        text = ngettext("… and {count} more doubtful value", "… and {count} more doubtful values", more)
        notes.append(text.format(count=words.number(more)))
    return notes
