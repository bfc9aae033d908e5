"""A message as a card, as a phone shows it: title, labels with their values, and what a tap opens."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len

from wxpush.console.layout import Page, Span, wrap
from wxpush.console.safe import safe
from wxpush.i18n import _

if TYPE_CHECKING:
    from wxpush.app.previewing import Chosen
    from wxpush.app.results import Sample

_WIDEST: Final = 46
_LINES: Final = "╭─╮│├┤╰╯"
_PLAIN: Final = "+-+|++++"


def lay_out(page: Page, chosen: "Chosen", *, plain: bool) -> None:
    """One card under a line that says whose it is; `plain` draws it with ASCII alone."""
    about = _("Line {line}, to {openid}").format(line=chosen.sample.line, openid=chosen.sample.to)
    if chosen.labels:
        about += " · " + _(", ").join(chosen.labels)
    page.text(about, "dim", hang=2)
    _card(page, chosen.sample, _PLAIN if plain else _LINES)
    page.blank()


def _card(page: Page, sample: "Sample", glyphs: str) -> None:
    inner = max(16, min(_WIDEST, (page.width or _WIDEST + 4) - 4))
    top_left, dash, top_right, side, left, right, bottom_left, bottom_right = tuple(glyphs)
    page.whole([(top_left + dash * (inner + 2) + top_right, "dim")])
    for line in _body(sample, inner):
        used = sum(cell_len(text) for text, _style in line)
        page.whole([(f"{side} ", "dim"), *line, (" " * (inner - used), ""), (f" {side}", "dim")])
    if sample.url or sample.miniprogram:
        page.whole([(left + dash * (inner + 2) + right, "dim")])
        details = "查看详情"  # WeChat's own word, in every language
        gap = " " * (inner - cell_len(details) - 1)
        page.whole([(f"{side} ", "dim"), (details, ""), (gap, ""), (">", "dim"), (f" {side}", "dim")])
    page.whole([(bottom_left + dash * (inner + 2) + bottom_right, "dim")])
    target = sample.url or " ".join((sample.miniprogram or {}).values())
    if target:
        page.text(_("opens {url}").format(url=target), "dim", indent=2, hang=2)


def _body(sample: "Sample", inner: int) -> list[list[Span]]:
    lines: list[list[Span]] = [[(piece, "bold")] for piece in wrap(safe(sample.title), inner, inner)]
    lines.append([])
    labels = [safe(label or keyword) for label, keyword, _value in sample.parts]
    at = min(max(map(cell_len, labels), default=0) + 2, inner // 2)
    for label, (_label, _keyword, value) in zip(labels, sample.parts, strict=True):
        lines += _pair(label, safe(value), at, inner)
    return lines


def _pair(label: str, value: str, at: int, inner: int) -> Sequence[list[Span]]:
    """A label and its value beside it; below it where the label is too long."""
    if cell_len(label) + 2 > at:
        return [[(piece, "dim")] for piece in wrap(label, inner, inner)] + [
            [(" " * 2 + piece, "")] for piece in wrap(value, inner - 2, inner - 2)
        ]
    first, *rest = wrap(value, inner - at, inner - at) or [""]
    lead: list[Span] = [(label + " " * (at - cell_len(label)), "dim"), (first, "")]
    return [lead, *([(" " * at + piece, "")] for piece in rest)]
