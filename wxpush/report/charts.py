"""Charts as inline SVG that stretch to any width, with their texts beside them as HTML that doesn't.

Colours are classes (`accepted`, `failed`, `latency` …), which the page's style gives. A tip shows where the
pointer rests, and is what a screen reader reads; there is no script.
"""

import math
from collections.abc import Sequence
from typing import Final

from wxpush.report.escaping import shown
from wxpush.report.paper import Distribution, Part, Timeline

_HEIGHT: Final = 100
_SLOT: Final = 10
_TICKS: Final = 4
_DIGIT_EM: Final = 0.62
#: Labels nearer to the edge than this, in per cent, begin or end there.
_EDGE: Final = 5
_ROUND: Final = (1, 2, 2.5, 5, 10)


def share_bar(parts: Sequence[Part]) -> str:
    """One bar for the whole, divided; each part is seen, however small."""
    pieces = "".join(
        f'<i class="{shown(part.name)}" style="flex-grow:{part.count}" '
        f'title="{shown(f"{part.label}: {part.count:,}")}"></i>'
        for part in parts
    )
    return f'<div class="share">{pieces}</div>\n'


def timeline(chart: Timeline) -> str:
    """Stacked bars over time."""
    top = nice_top(max((sum(slot.counts) for slot in chart.slots), default=0))
    gap = 2 if len(chart.slots) <= 60 else 1
    groups = []
    labels = []
    for place, slot in enumerate(chart.slots):
        left = place * _SLOT
        if slot.is_pause:
            groups.append(_band(left, "pause", slot.tip))
            continue
        stack, below = "", 0.0
        for name, count in zip(chart.names, slot.counts, strict=True):
            high = count / top * _HEIGHT
            if count:
                stack += _rect(left, _SLOT - gap, _HEIGHT - below - high, high, name)
            below += high
        groups.append(_band(left, "wait" if slot.is_wait else "rest", slot.tip, stack))
        if slot.label:
            labels.append((place / len(chart.slots), slot.label))
    return _figure("".join(groups), len(chart.slots), top, labels, chart.title)


def distribution(chart: Distribution) -> str:
    """Bars for classes that lie side by side, labelled at their bounds."""
    top = nice_top(max((one.count for one in chart.classes), default=0))
    groups = []
    labels = []
    for place, one in enumerate(chart.classes):
        high = one.count / top * _HEIGHT
        bar = _rect(place * _SLOT, _SLOT - 0.6, _HEIGHT - high, high, chart.name) if one.count else ""
        groups.append(_band(place * _SLOT, "rest", one.tip, bar))
        if one.label:
            at = place + (0.5 if chart.labels_name_classes else 1)
            labels.append((at / len(chart.classes), one.label))
    return _figure("".join(groups), len(chart.classes), top, _thinned(labels), chart.title)


def nice_top(most: float) -> int:
    """A round number at or above `most`, whose quarters people can read; at least 4."""
    if most <= _TICKS:
        return _TICKS
    size = int(10 ** math.floor(math.log10(most / _TICKS)))
    tops = [math.ceil(step * size) * _TICKS for step in _ROUND]
    return next(top for top in tops if top >= most)


def _thinned(labels: list[tuple[float, str]]) -> list[tuple[float, str]]:
    """At most eight labels, evenly chosen."""
    every = max(1, math.ceil(len(labels) / 8))
    return labels[every - 1 :: every]


def _rect(left: float, width: float, top: float, height: float, name: str) -> str:
    return (
        f'<rect class="{shown(name)}" x="{_short(left)}" y="{_short(top)}" '
        f'width="{_short(width)}" height="{_short(height)}"/>'
    )


def _band(left: float, name: str, tip: str, bars: str = "") -> str:
    """A slot from top to bottom, so that the tip is found above a low bar, too."""
    whole = f'<rect class="{name}" x="{left}" y="0" width="{_SLOT}" height="{_HEIGHT}"/>'
    return f"<g><title>{shown(tip)}</title>{whole}{bars}</g>"


def _figure(drawn: str, slots: int, top: int, labels: Sequence[tuple[float, str]], title: str) -> str:
    ticks = [(number / _TICKS, round(top * number / _TICKS)) for number in range(_TICKS + 1)]
    scale = "".join(f'<span style="bottom:{at:.0%}">{value:,}</span>' for at, value in ticks)
    lines = "".join(f'<i style="bottom:{at:.0%}"></i>' for at, _value in ticks)
    feet = "".join(_foot(number, at, text) for number, (at, text) in enumerate(labels))
    wide = len(f"{top:,}") * _DIGIT_EM
    svg = f'<svg viewBox="0 0 {slots * _SLOT} {_HEIGHT}" preserveAspectRatio="none">{drawn}</svg>'
    return f"""<div class="chart" role="img" aria-label="{shown(title)}">
<div class="scale" style="width:{wide:.1f}em" aria-hidden="true">{scale}</div>
<div class="plot">{lines}{svg}</div>
<div class="feet" aria-hidden="true">{feet}</div>
</div>
"""


def _foot(number: int, at: float, text: str) -> str:
    where = at * 100
    shift = "0" if where < _EDGE else "-100%" if where > 100 - _EDGE else "-50%"
    minor = ' class="minor"' if number % 2 else ""
    return f'<span{minor} style="left:{where:.2f}%;transform:translateX({shift})">{shown(text)}</span>'


def _short(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")
