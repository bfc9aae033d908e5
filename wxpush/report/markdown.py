"""The report of a run as Markdown, for an issue, a wiki or a chat."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from wxpush.i18n import _
from wxpush.report.escaping import seen
from wxpush.report.paper import Paper

GENERATOR: Final = "<!-- wxpush report -->"
"""By which such a file is known."""
#: What begins markup somewhere in Markdown, or could with HTML allowed.
_MARKUP: Final = re.compile(r"([\\`*_{}\[\]<>#|~!&])")
_AT_START: Final = re.compile(r"^(\s*)(?:([-+=])|(\d+)([.)])(?=\s))")


def markdown(paper: Paper) -> str:
    """The whole report; texts of others can't become markup."""
    return f"{GENERATOR}\n" + "\n\n".join(filter(None, _blocks(paper))) + "\n"


def _blocks(paper: Paper) -> Iterable[str]:
    yield f"# {_plain(paper.run)}"
    yield f"{_plain(paper.subtitle)} · {_plain(paper.state_label)}"
    yield f"**{_plain(paper.headline)}**"
    yield "\n".join(f"> {_plain(remark)}" for remark in paper.remarks)
    yield _table(
        [_("outcome"), _("messages"), _("share")],
        [(part.label, f"{part.count:,}", part.share) for part in paper.parts],
    )
    yield from _section(
        _("What became of the accepted ones, by WeChat's receipts"),
        [_("outcome"), _("messages"), _("share")],
        [(part.label, f"{part.count:,}", part.share) for part in paper.delivery],
    )
    yield _table(["", ""], [(fact.label, _joined(fact.value, fact.note)) for fact in paper.facts])
    for chart in paper.distributions:
        yield f"**{_plain(chart.title)}**: " + ", ".join(
            f"{_plain(fact.label)} {_plain(fact.value)}" for fact in chart.facts
        )
    yield from _section(
        _("Not accepted, by cause"),
        [_("outcome"), _("code"), _("messages"), _("meaning"), _("remedy")],
        [(one.label, one.code, one.count, one.meaning, one.advice) for one in paper.causes],
    )
    yield from _section(
        _("Skipped, by reason"),
        [_("reason"), _("rows")],
        [(one.label, one.value) for one in paper.skips],
    )
    yield from _section(
        _("The slowest minutes, and why"),
        [_("when"), _("rate"), _("why")],
        [(one.when, one.rate, one.why) for one in paper.slow],
    )
    yield _table(["", ""], [(fact.label, fact.value) for fact in paper.details])
    yield f"*{_plain(paper.made)}*"


def _section(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterable[str]:
    if rows:
        yield f"## {title}"
        yield _table(columns, rows)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    lines = [columns, ["---"] * len(columns), *([_plain(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _joined(value: str, note: str) -> str:
    return f"{value} ({note})" if note else value


def _plain(text: str) -> str:
    return _AT_START.sub(_guarded, _MARKUP.sub(r"\\\1", seen(text)))


def _guarded(found: re.Match[str]) -> str:
    """What would begin a list or a heading, taken literally."""
    blank, sign, number, mark = found.groups()
    return f"{blank}\\{sign}" if sign else f"{blank}{number}\\{mark}"
