"""Small tables and details: runs, a run, the token, the quota, an error code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from rich.cells import cell_len

from wxpush.app.sources.spool import called
from wxpush.channels.wechat.errcodes import info_of, worded
from wxpush.console import words
from wxpush.console.layout import Column, Page, Span, cropped
from wxpush.console.summary import count_rows, delivered, failures, skipped
from wxpush.i18n import _

if TYPE_CHECKING:
    from wxpush.app.results import RunView
    from wxpush.app.templates import Entry
    from wxpush.channels.wechat.users import Tag
    from wxpush.model import CodeClass, Quota
    from wxpush.report.failures import FailureRow

_STATES = ("accepted", "failed", "skipped", "held", "in_doubt", "pending")

_MOST_FAILURES = 20
_MOST_SUPPRESSED = 50
_LEAST_REASON = 12
#: What WeChat wants to be told when it is asked about a call; the failures file has it.
_RID = re.compile(r"[\s,，]*\brid: ?[0-9A-Za-z-]+")


class Explained(Protocol):
    """An error code in words; `meaning` and `advice` turn into text of the language in force."""

    @property
    def code(self) -> str:
        """The code."""

    @property
    def meaning(self) -> object:
        """What it says."""

    @property
    def advice(self) -> object:
        """What to do."""

    @property
    def cls(self) -> CodeClass:
        """Whose fault it is."""


class Suppression(Protocol):
    """Somebody on the suppression list; moments are Unix time, `until` None for one who stays on it."""

    @property
    def openid(self) -> str:
        """Who."""

    @property
    def reason(self) -> str:
        """Why, in the operator's words."""

    @property
    def since(self) -> float:
        """Since when."""

    @property
    def until(self) -> float | None:
        """Until when."""

    @property
    def source(self) -> str:
        """Who put him on it: `operator`, or what was found out."""


def runs(page: Page, views: Sequence[RunView]) -> None:
    """One line for each run."""
    if not views:
        page.text(_("No runs yet."))
        return
    with_receipts = any(view.delivery is not None for view in views)
    columns = [
        Column(_("run")),
        Column(_("state"), rank=1),
        Column(words.state("accepted"), right=True, rank=2),
        *([Column(_("delivered"), right=True, rank=6)] if with_receipts else []),
        Column(words.state("failed"), right=True, rank=3),
        Column(_("total"), right=True, rank=5),
        Column(words.state("in_doubt"), right=True, rank=4),
        Column(_("account"), rank=8),
        Column(_("last change"), rank=7),
    ]
    page.table(columns, [_run_row(view, with_receipts) for view in views])


def _run_row(view: RunView, with_receipts: bool) -> list[Span]:
    known = view.delivery
    delivered: Span = ("–", "dim") if known is None else (words.number(known.delivered), "green")
    return [
        (view.name, ""),
        _run_state(view),
        _count(view, "accepted"),
        *([delivered] if with_receipts else []),
        _count(view, "failed"),
        (words.number(view.total), ""),
        _count(view, "in_doubt"),
        (view.account, "dim"),
        (words.moment(view.updated), "dim"),
    ]


def _run_state(view: RunView) -> Span:
    if view.live_pid is not None:
        return _("running (pid {pid})").format(pid=view.live_pid), "green"
    return words.state(view.state), words.STATE_STYLES.get(view.state, "")


def _count(view: RunView, name: str) -> Span:
    count = view.counts.get(name, 0)
    return words.number(count), words.STATE_STYLES.get(name, "") if count else ""


def run(page: Page, view: RunView) -> None:
    """All that is known of one run."""
    page.pairs(
        [
            (_("Run"), (view.name, "bold")),
            (_("State"), _run_state(view)),
            (_("Account"), (f"{view.account} ({view.appid})", "")),
            (_("Template"), (f"{view.template_title} ({view.template_id})", "")),
            (_("Campaign"), (str(view.campaign), "")),
            (_("List"), (called(view.list_name), "")),
            (_("Begun"), (words.moment(view.created), "")),
            (_("Last change"), (words.moment(view.updated), "")),
            *([(_("Approved"), (view.approved, ""))] if view.approved else []),
            (_("Folder"), (str(view.folder), "")),
        ]
    )
    page.blank()
    page.numbers(count_rows({name: view.counts.get(name, 0) for name in _STATES}, view.total), indent=2)
    delivered(page, view.delivery)
    skipped(page, view.skips)
    if view.failures:
        page.blank()
        failures(page, view.failures)


def examined(page: Page, topic: str, verdict: str, text: str, remedy: str) -> None:
    """One line of an examination: verdict, topic, what was found; below it the remedy."""
    verdicts = {
        "ok": (_("ok"), "green"),
        "warning": (_("warning"), "yellow"),
        "problem": (_("problem"), "bold red"),
        "skipped": ("–", "dim"),
    }
    topics = {
        "python": _("installation"),
        "sqlite": "SQLite",
        "state": _("state"),
        "runs": _("runs"),
        "ledgers": _("ledgers"),
        "records": _("records"),
        "account": _("account"),
        "network": _("network"),
        "clock": _("clock"),
        "token": _("token"),
        "allow_list": _("IP allow-list"),
        "quota": _("quota"),
    }
    told, style = verdicts.get(verdict, (verdict, ""))
    at = max(cell_len(word) for word, _style in verdicts.values()) + 2
    beside = at + max(cell_len(name) for name in topics.values()) + 2
    name = topics.get(topic, topic)
    lead = [(told + " " * (at - cell_len(told)), style), (name, "bold")]
    page.value(lead, beside, text)
    if remedy:
        page.text(f"→ {remedy}", "yellow" if verdict in ("warning", "problem") else "dim", indent=beside)


def templates(page: Page, entries: Sequence[Entry]) -> None:
    """One line for each template of the account."""
    if not entries:
        page.text(_("The account has no template that can be sent."))
        return
    columns = [
        Column(_("title")),
        Column(_("id"), rank=1),
        Column(_("file"), rank=2),
        Column(_("keywords"), rank=3),
    ]
    page.table(columns, [_template_row(entry) for entry in entries])


def _template_row(entry: Entry) -> list[Span]:
    file: Span = ("–", "dim")
    if entry.file is not None:
        file = (
            (_("{file} (differs)").format(file=entry.file), "yellow")
            if entry.is_stale
            else (str(entry.file), "")
        )
    return [
        (entry.listed.title, ""),
        (entry.listed.id, ""),
        file,
        (" ".join(entry.listed.keywords), "dim"),
    ]


def tags(page: Page, found: Sequence[Tag]) -> None:
    """One line for each tag of the account."""
    if not found:
        page.text(_("The account has no tags."))
        return
    columns = [Column(_("id")), Column(_("name"), rank=1), Column(_("people"), right=True, rank=2)]
    page.table(columns, [[(str(tag.id), ""), (tag.name, ""), (words.number(tag.count), "")] for tag in found])


def pulled(page: Page, change: str, file: str) -> None:
    """What became of one template's file."""
    told = {"new": _("written"), "updated": _("brought up to date"), "unchanged": _("unchanged")}
    styles = {"new": "green", "updated": "yellow", "unchanged": "dim"}
    page.text(f"{file}: {told.get(change, change)}", styles.get(change, ""))


def diff(page: Page, lines: Sequence[str]) -> None:
    """A unified diff in the usual colours."""
    styles = {"+": "green", "-": "red", "@": "cyan"}
    for line in lines:
        page.unbroken(line, "bold" if line.startswith(("---", "+++")) else styles.get(line[:1], ""))


def token(page: Page, info: Mapping[str, object]) -> None:
    """What is known of the token; the caller has masked it. Moments are ISO 8601, spans in seconds."""
    page.pairs([(_token_label(name), (_token_fact(name, value), "")) for name, value in info.items()])


def _token_label(name: str) -> str:
    labels = {
        "account": _("Account"),
        "appid": _("appid"),
        "token": _("Token"),
        "fetched_at": _("Fetched"),
        "expires_at": _("Expires"),
        "seconds_left": _("Time left"),
        "generation": _("Generation"),
    }
    return labels.get(name, name)


def _token_fact(name: str, value: object) -> str:
    if isinstance(value, str) and name.endswith("_at"):
        return words.moment(datetime.fromisoformat(value))
    if isinstance(value, int | float) and name.startswith("seconds"):
        return words.duration(value)
    return _("none") if value is None else str(value)


def quota(page: Page, account: str, figures: Quota, kept: int) -> None:
    """The day's quota; `kept` messages of it are left to the account's other systems."""
    page.text(_("Quota of {account} for template messages today").format(account=account), "bold")
    rows: list[tuple[str, Span]] = [
        (_("limit"), (words.number(figures.limit), "")),
        (_("used"), (words.number(figures.used), "")),
        (_("left"), (words.number(figures.remain), "green" if figures.remain > kept else "yellow")),
    ]
    if kept:
        rows.append((_("kept for other systems"), (words.number(kept), "dim")))
    page.numbers(rows, indent=2)


def explain(page: Page, known: Explained, then: Explained | None = None) -> None:
    """One error code: meaning, whose fault it is, what to do; `then` is a rejection that can follow."""
    page.pairs([(_("Code"), (known.code, "bold")), *_explained(known)])
    if then is not None:
        page.blank()
        page.text(_("If the review rejects it:"), "bold")
        page.pairs(_explained(then), indent=2)


def _explained(known: Explained) -> list[tuple[str, Span]]:
    return [
        (_("Meaning"), (str(known.meaning), "")),
        (_("Whose fault"), (words.code_class(known.cls.value), "")),
        (_("Remedy"), (str(known.advice) or _("none known"), "")),
    ]


def failure_rows(page: Page, rows: Iterable[FailureRow]) -> None:
    """One line each: place, code, meaning; the first 20, then how many more."""
    shown: list[FailureRow] = []
    more = 0
    for row in rows:
        if len(shown) < _MOST_FAILURES:
            shown.append(row)
        else:
            more += 1
    if not shown:
        return
    page.blank()
    for row in shown:
        place = _("line {line}").format(line=row.line)
        page.text(f"{place}  {row.code}  {_meaning(row)}", hang=4, indent=2)
    if more:
        page.text(_("… and {count} more").format(count=words.number(more)), indent=2)


def _meaning(row: FailureRow) -> str:
    """What happened, without the rid and what is the meaning once more but for it."""
    known, told = info_of(row.code, row.state), _RID.sub("", row.meaning)
    meaning = str(known.meaning)
    if not told.startswith(f"{meaning} ("):
        return told
    return worded(known, told.removeprefix(f"{meaning} (").removesuffix(")"))


def suppressed(page: Page, entries: Iterable[Suppression]) -> None:
    """Who is on the suppression list: the first 50, then how many more."""
    shown, total = list[list[Span]](), 0
    for total, entry in enumerate(entries, 1):
        if total <= _MOST_SUPPRESSED:
            shown.append(_suppressed(entry))
    if not shown:
        page.text(_("Nobody is on the suppression list."))
        return
    if page.width is not None:  # a long reason is cut, rather than the dates left out
        room = page.width - max(sum(cell_len(row[column][0]) + 2 for column in (0, 2, 3)) for row in shown)
        for row in shown:
            row[1] = cropped(row[1][0], max(_LEAST_REASON, room)), row[1][1]
    columns = [
        Column(_("openid")),
        Column(_("reason"), rank=1),
        Column(_("since"), rank=3),
        Column(_("until"), rank=2),
    ]
    page.table(columns, shown)
    if total > len(shown):
        text = _("… and {count} more; all of them: {command}")
        page.text(text.format(count=words.number(total - len(shown)), command="wxpush suppress export"))


def _suppressed(entry: Suppression) -> list[Span]:
    until = _("for ever") if entry.until is None else words.day(entry.until)
    found_out = [] if entry.source == "operator" else [words.trouble(entry.source)]
    why = words.listed(filter(None, [*found_out, entry.reason]))
    return [(entry.openid, ""), (why, ""), (words.day(entry.since), "dim"), (until, "")]
