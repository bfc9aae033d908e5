"""The report of a run as a page that people would rather look at than a table.

One file with nothing loaded from elsewhere and no script: colours follow the reader's light or dark, it fits
a phone, and it prints.
"""

from collections.abc import Sequence
from typing import Final

from wxpush.i18n import _, language
from wxpush.report import charts
from wxpush.report.escaping import prose, shown
from wxpush.report.paper import Cause, Distribution, Fact, Paper, Part, SlowTime, Timeline

GENERATOR: Final = '<meta name="generator" content="wxpush report">'
"""By which a page is known as one of these."""
_STYLE: Final = """
:root { color-scheme: light dark; --ground: #f3f4f6; --card: #fff; --text: #16181d; --soft: #626873;
  --line: #e3e6ea; --accepted: #14a05f; --failed: #d9434e; --skipped: #b3b9c4; --held: #e3a008;
  --in-doubt: #8b5cd6; --pending: #d5dbe5; --latency: #3f7fd8; --delivery: #0d9aa5; --mark: #14a05f; }
@media (prefers-color-scheme: dark) { :root { --ground: #101215; --card: #1b1e23; --text: #e4e6ea;
  --soft: #979eaa; --line: #2e333b; --accepted: #2dbd79; --failed: #ef6a73; --skipped: #666e7b;
  --held: #e9b53a; --in-doubt: #a583e6; --pending: #3c434e; --latency: #669be8; --delivery: #35b8c2;
  --mark: #2dbd79; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 15px/1.55 system-ui, -apple-system,
  "Segoe UI", Roboto, "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "Noto Sans CJK SC",
  "Source Han Sans SC", "WenQuanYi Micro Hei", sans-serif; font-variant-numeric: tabular-nums;
  overflow-wrap: anywhere; }
main { max-width: 1080px; margin: 0 auto; padding: 28px 16px 40px; display: grid; gap: 16px;
  grid-template-columns: repeat(12, minmax(0, 1fr)); }
header, section, footer { grid-column: 1 / -1; }
.half { grid-column: span 6; }
section, .hero { background: var(--card); border-radius: 12px; padding: 18px 20px 20px; min-width: 0; }
h1 { font-size: 24px; line-height: 1.3; margin: 0; }
h2 { font-size: 15px; margin: 0 0 12px; }
p { margin: 0; }
.soft, .note { color: var(--soft); }
.note { font-size: 13px; margin-top: 10px; }
.top { display: flex; flex-wrap: wrap; gap: 4px 12px; align-items: baseline; margin-bottom: 16px; }
.top p { flex-basis: 100%; color: var(--soft); }
.badge { font-size: 13px; padding: 1px 10px; border-radius: 20px; border: 1px solid var(--line);
  color: var(--soft); white-space: nowrap; }
.badge.finished { border-color: var(--accepted); color: var(--accepted); }
.badge.stopped, .badge.interrupted, .badge.limited { border-color: var(--held); color: var(--held); }
.headline { font-size: 19px; font-weight: 600; margin: 0 0 10px; }
.share { display: flex; gap: 2px; height: 26px; border-radius: 7px; overflow: hidden; }
.share i { flex-basis: 0; min-width: 4px; }
.legend { display: flex; flex-wrap: wrap; gap: 6px 22px; list-style: none; margin: 12px 0 0; padding: 0;
  font-size: 14px; }
.legend i, .causes i { display: inline-block; width: 10px; height: 10px; border-radius: 3px;
  margin-right: 7px; }
.legend b { font-weight: 600; margin-left: 4px; }
.legend span { color: var(--soft); margin-left: 4px; }
i.delivered { background: var(--delivery); }
i.accepted { background: var(--accepted); } i.failed { background: var(--failed); }
i.skipped { background: var(--skipped); } i.held { background: var(--held); }
i.in_doubt { background: var(--in-doubt); } i.pending { background: var(--pending); }
rect.accepted { fill: var(--accepted); } rect.failed { fill: var(--failed); }
rect.held { fill: var(--held); } rect.in_doubt { fill: var(--in-doubt); }
rect.latency { fill: var(--latency); } rect.delivery { fill: var(--delivery); }
rect.rest { fill: transparent; } g:hover rect.rest { fill: var(--line); }
rect.wait, i.wait { fill: var(--held); background: var(--held); opacity: .22; }
rect.pause { fill: var(--line); opacity: .6; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(200px, 100%), 1fr));
  gap: 14px 20px; margin: 0; }
.facts div { min-width: 0; }
dt { color: var(--soft); font-size: 13px; }
dd { margin: 0; font-size: 17px; font-weight: 600; }
dd small { display: block; font-weight: 400; font-size: 13px; color: var(--soft); }
.details { grid-template-columns: minmax(5em, max-content) 1fr; display: grid; gap: 5px 16px; margin: 0; }
.details dd { font-size: 14px; font-weight: 400; }
.chart { display: grid; grid-template-columns: max-content 1fr; gap: 6px 8px; }
.scale { position: relative; font-size: 12px; color: var(--soft); }
.scale span { position: absolute; right: 0; transform: translateY(50%); line-height: 1; white-space: nowrap; }
.plot { position: relative; height: 190px; min-width: 0; }
.plot > i { position: absolute; left: 0; right: 0; border-top: 1px solid var(--line); }
.plot svg { position: absolute; inset: 0; width: 100%; height: 100%; }
.feet { grid-column: 2; position: relative; height: 18px; font-size: 12px; color: var(--soft); }
.feet span { position: absolute; white-space: nowrap; }
.figures { display: flex; flex-wrap: wrap; gap: 4px 22px; list-style: none; margin: 0 0 14px; padding: 0;
  font-size: 14px; color: var(--soft); }
.figures b { color: var(--text); margin-left: 6px; }
.causes { list-style: none; margin: 0; padding: 0; display: grid; gap: 16px; }
.causes .line { display: flex; gap: 4px 12px; align-items: baseline; flex-wrap: wrap; }
.causes .count { font-size: 17px; font-weight: 600; }
code { font: 0.93em ui-monospace, Menlo, Consolas, monospace; }
.line code { font-size: 13px; color: var(--soft); }
.causes .advice { font-size: 14px; color: var(--soft); }
.meter { height: 6px; border-radius: 3px; background: var(--line); margin: 5px 0 4px; overflow: hidden; }
.meter i { display: block; height: 100%; width: auto; margin: 0; border-radius: 3px; }
.meter .usual { background: var(--held); }
table { width: 100%; border-collapse: collapse; font-size: 14px; }
td, th { text-align: left; padding: 8px 12px 8px 0; border-top: 1px solid var(--line); vertical-align: top;
  font-weight: 400; }
tr:first-child > * { border-top: 0; padding-top: 0; }
tr:last-child > * { padding-bottom: 0; }
th { white-space: nowrap; font-weight: 600; }
td.number { text-align: right; padding-right: 0; font-weight: 600; white-space: nowrap; }
.remarks { border-left: 4px solid var(--held); }
footer { color: var(--soft); font-size: 13px; text-align: center; }
@media (max-width: 900px) { .minor { display: none; } }
@media (max-width: 640px) {
  main { padding: 14px 10px 28px; gap: 10px; } .half { grid-column: 1 / -1; }
  section, .hero { padding: 15px 15px 16px; border-radius: 10px; } h1 { font-size: 20px; }
  .facts { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 12px 14px; } dd { font-size: 16px; }
  .plot { height: 150px; }
  .details { grid-template-columns: 1fr; gap: 0; } .details dd { margin-bottom: 8px; }
  .slow tr { display: grid; grid-template-columns: 1fr auto; padding: 9px 0;
    border-top: 1px solid var(--line); }
  .slow tr:first-child { border-top: 0; padding-top: 0; } .slow tr > * { border: 0; padding: 0; }
  .slow .why { grid-column: 1 / -1; color: var(--soft); }
}
@media print {
  :root { color-scheme: light; --ground: #fff; --card: #fff; --text: #000; --soft: #555; --line: #ddd;
    --accepted: #14a05f; --failed: #d9434e; --skipped: #b3b9c4; --held: #e3a008; --in-doubt: #8b5cd6;
    --pending: #d5dbe5; --latency: #3f7fd8; --delivery: #0d9aa5; }
  @page { size: A4; margin: 14mm; }
  body { font-size: 12px; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  main { padding: 0; max-width: none; gap: 10px; }
  section, .hero { border: 1px solid #ddd; padding: 12px 14px; break-inside: avoid; }
  .long { break-inside: auto; } .causes li, tr { break-inside: avoid; }
  .plot { height: 130px; } .minor { display: none; }
}
"""


def report_page(paper: Paper) -> str:
    """The whole page, in the language in force; every text in it is escaped."""
    lang = "zh-CN" if language() == "zh" else "en"
    parts = [
        _hero(paper),
        _remarks(paper.remarks),
        _delivery(paper.delivery),
        _facts(paper.facts),
        *([_timeline(paper.timeline)] if paper.timeline else []),
        *(_distribution(one, half=len(paper.distributions) > 1) for one in paper.distributions),
        _causes(paper.causes),
        _skips(paper.skips),
        _slow(paper.slow),
        _details(paper.details),
    ]
    title = _("Report on {run}").format(run=paper.run)
    return f"""<!DOCTYPE html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{GENERATOR}
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{shown(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
{"".join(parts)}<footer>{shown(paper.made)}</footer>
</main>
</body>
</html>
"""


def _hero(paper: Paper) -> str:
    return f"""<header class="hero">
<div class="top"><h1>{shown(paper.run)}</h1>
<span class="badge {shown(paper.state)}">{shown(paper.state_label)}</span>
<p lang="zh-CN">{shown(paper.subtitle)}</p></div>
<p class="headline">{shown(paper.headline)}</p>
{charts.share_bar(paper.parts)}<ul class="legend">{"".join(map(_legend, paper.parts))}</ul>
</header>
"""


def _delivery(parts: Sequence[Part]) -> str:
    if not parts:
        return ""
    title = _("What became of the accepted ones, by WeChat's receipts")
    return f"""<section>
<h2>{shown(title)}</h2>
{charts.share_bar(parts)}<ul class="legend">{"".join(map(_legend, parts))}</ul>
</section>
"""


def _legend(part: Part) -> str:
    return (
        f'<li><i class="{shown(part.name)}"></i>{shown(part.label)}'
        f"<b>{part.count:,}</b><span>{shown(part.share)}</span></li>"
    )


def _remarks(remarks: Sequence[str]) -> str:
    told = "".join(f"<p>{prose(remark)}</p>\n" for remark in remarks)
    return f'<section class="remarks">\n{told}</section>\n' if told else ""


def _facts(facts: Sequence[Fact]) -> str:
    told = "".join(
        f"<div><dt>{shown(fact.label)}</dt><dd>{shown(fact.value)}{_small(fact.note)}</dd></div>\n"
        for fact in facts
    )
    return f'<section>\n<dl class="facts">\n{told}</dl>\n</section>\n' if told else ""


def _small(text: str) -> str:
    return f"<small>{shown(text)}</small>" if text else ""


def _timeline(chart: Timeline) -> str:
    keys = "".join(
        f'<li><i class="{shown(name)}"></i>{shown(label)}</li>'
        for name, label in zip(chart.names, chart.labels, strict=True)
    )
    if any(slot.is_wait for slot in chart.slots):
        waiting = _("waiting")
        keys += f'<li><i class="wait"></i>{shown(waiting)}</li>'
    note = f'<p class="note">{shown(chart.note)}</p>\n' if chart.note else ""
    return f"""<section>
<h2>{shown(chart.title)}</h2>
{charts.timeline(chart)}<ul class="legend">{keys}</ul>
{note}</section>
"""


def _distribution(chart: Distribution, *, half: bool) -> str:
    figures = "".join(f"<li>{shown(fact.label)}<b>{shown(fact.value)}</b></li>" for fact in chart.facts)
    return f"""<section{' class="half"' if half else ""}>
<h2>{shown(chart.title)}</h2>
<ul class="figures">{figures}</ul>
{charts.distribution(chart)}</section>
"""


def _causes(causes: Sequence[Cause]) -> str:
    if not causes:
        return ""
    title = _("Not accepted, by cause")
    return f"""<section class="long">
<h2>{shown(title)}</h2>
<ul class="causes">
{"".join(map(_cause, causes))}</ul>
</section>
"""


def _cause(cause: Cause) -> str:
    advice = f'<p class="advice">{prose(cause.advice)}</p>\n' if cause.advice else ""
    name = shown(cause.name)
    return f"""<li>
<p class="line"><span class="count">{shown(cause.count)}</span><span><i class="{name}"></i>\
{shown(cause.label)}</span><code>{shown(cause.code)}</code></p>
<div class="meter"><i class="{name}" style="margin-right:{1 - cause.share:.1%}"></i></div>
<p>{prose(cause.meaning)}</p>
{advice}</li>
"""


def _skips(skips: Sequence[Fact]) -> str:
    if not skips:
        return ""
    rows = "".join(
        f'<tr><td>{prose(skip.label)}</td><td class="number">{shown(skip.value)}</td></tr>\n'
        for skip in skips
    )
    title = _("Skipped, by reason")
    return f"<section>\n<h2>{shown(title)}</h2>\n<table>\n{rows}</table>\n</section>\n"


def _slow(slow: Sequence[SlowTime]) -> str:
    if not slow:
        return ""
    title = _("The slowest minutes, and why")
    rows = "".join(map(_slow_row, slow))
    return f'<section>\n<h2>{shown(title)}</h2>\n<table class="slow">\n{rows}</table>\n</section>\n'


def _slow_row(slow: SlowTime) -> str:
    return f"""<tr><th>{shown(slow.when)}</th><td>{shown(slow.rate)}\
<div class="meter"><i class="usual" style="margin-right:{1 - min(1, slow.share):.1%}"></i></div></td>\
<td class="why">{shown(slow.why)}</td></tr>
"""


def _details(details: Sequence[Fact]) -> str:
    told = "".join(f"<dt>{shown(fact.label)}</dt><dd>{shown(fact.value)}</dd>\n" for fact in details)
    return f'<section>\n<dl class="details">\n{told}</dl>\n</section>\n'
