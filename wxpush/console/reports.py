"""What a report says beyond how the run stands, on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxpush.console.layout import Page, Span
from wxpush.i18n import _

if TYPE_CHECKING:
    from wxpush.report.paper import Fact, Paper


def lay_out(page: Page, paper: Paper) -> None:
    """How it went in time, and why it was slow at times."""
    page.lines.append([])  # what is above is a page of its own, and so is what follows
    if paper.delivery:
        page.text(_("What became of the accepted ones, by WeChat's receipts"), "bold")
        page.numbers([(part.label, (f"{part.count:,}", "")) for part in paper.delivery], indent=2)
        page.blank()
    if paper.facts:
        page.pairs([(fact.label, (_told(fact), "")) for fact in paper.facts])
    if paper.slow:
        page.blank()
        page.text(_("The slowest minutes, and why"), "bold")
        rows: list[tuple[str, Span]] = [(slow.when, (f"{slow.rate}  {slow.why}", "")) for slow in paper.slow]
        page.pairs(rows, indent=2)
    for remark in paper.remarks:
        page.blank()
        page.text(remark, hang=2)
    if paper.causes:
        page.lines.append([])


def _told(fact: Fact) -> str:
    return f"{fact.value} ({fact.note})" if fact.note else fact.value
