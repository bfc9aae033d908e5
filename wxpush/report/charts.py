"""Charts as inline SVG that stretch to any width, with their texts beside them as HTML that doesn't.

Colours are classes (`accepted`, `failed`, `latency` …), which the page's style gives. A tip shows where the
pointer rests, and is what a screen reader reads; there is no script.
"""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple
from unicodedata import east_asian_width

from wxpush.report.escaping import shown
from wxpush.report.paper import Distribution, Part, Timeline

_HEIGHT: Final = 100
_SLOT: Final = 10
_TICKS: Final = 4
_DIGIT_EM: Final = 0.62
_WIDE_EM: Final = 1.0
_BLANK_EM: Final = 0.4
_GAP_EM: Final = 0.8
#: How wide a chart is at least, in heights of its letters: alone or beside another on a screen; on a phone.
_ROOM_EM: Final = 62
_HALF_ROOM_EM: Final = 27
_PHONE_EM: Final = 17
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
    return _figure("".join(groups), len(chart.slots), top, _feet(labels, _ROOM_EM), chart.title)


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
    return _figure("".join(groups), len(chart.classes), top, _feet(labels, _HALF_ROOM_EM), chart.title)


def nice_top(most: float) -> int:
    """A round number at or above `most`, whose quarters people can read; at least 4."""
    if most <= _TICKS:
        return _TICKS
    size = int(10 ** math.floor(math.log10(most / _TICKS)))
    tops = [math.ceil(step * size) * _TICKS for step in _ROUND]
    return next(top for top in tops if top >= most)


def _rect(left: float, width: float, top: float, height: float, name: str) -> str:
    return (
        f'<rect class="{shown(name)}" x="{_short(left)}" y="{_short(top)}" '
        f'width="{_short(width)}" height="{_short(height)}"/>'
    )


def _band(left: float, name: str, tip: str, bars: str = "") -> str:
    """A slot from top to bottom, so that the tip is found above a low bar, too."""
    whole = f'<rect class="{name}" x="{left}" y="0" width="{_SLOT}" height="{_HEIGHT}"/>'
    return f"<g><title>{shown(tip)}</title>{whole}{bars}</g>"


def _figure(drawn: str, slots: int, top: int, feet: str, title: str) -> str:
    ticks = [(number / _TICKS, round(top * number / _TICKS)) for number in range(_TICKS + 1)]
    scale = "".join(f'<span style="bottom:{at:.0%}">{value:,}</span>' for at, value in ticks)
    lines = "".join(f'<i style="bottom:{at:.0%}"></i>' for at, _value in ticks)
    wide = len(f"{top:,}") * _DIGIT_EM
    svg = f'<svg viewBox="0 0 {slots * _SLOT} {_HEIGHT}" preserveAspectRatio="none">{drawn}</svg>'
    return f"""<div class="chart" role="img" aria-label="{shown(title)}">
<div class="scale" style="width:{wide:.1f}em" aria-hidden="true">{scale}</div>
<div class="plot">{lines}{svg}</div>
<div class="feet" aria-hidden="true">{feet}</div>
</div>
"""


class _Foot(NamedTuple):
    """A label below a chart, at a share of its width; near to an edge it begins or ends at its place."""

    at: float
    text: str

    @property
    def shift(self) -> float:
        """How much of itself it stands to the left of its place; what fits on a phone fits everywhere."""
        half = _wide(self.text) / 2
        return 0.0 if self.at * _PHONE_EM < half else 1.0 if (1 - self.at) * _PHONE_EM < half else 0.5

    def touches(self, other: "_Foot", room: float) -> bool:
        """Whether the two are too near to each other where the chart is so wide."""
        first, second = sorted([self._extent(room), other._extent(room)])
        return second[0] < first[1] + _GAP_EM

    def _extent(self, room: float) -> tuple[float, float]:
        wide = _wide(self.text)
        begin = self.at * room - self.shift * wide
        return begin, begin + wide

    def drawn(self, *, is_minor: bool) -> str:
        """It as HTML; a phone has no room for what is minor."""
        minor = ' class="minor"' if is_minor else ""
        style = f"left:{self.at:.2%};transform:translateX({-self.shift:.0%})"
        return f'<span{minor} style="{style}">{shown(self.text)}</span>'


def _feet(labels: Sequence[tuple[float, str]], room: float) -> str:
    """As many labels as don't touch each other, from the first on; on a phone fewer of these."""
    feet = _apart([_Foot(at, text) for at, text in labels], room)
    major = _apart(feet, _PHONE_EM)
    return "".join(foot.drawn(is_minor=foot not in major) for foot in feet)


def _apart(feet: Sequence[_Foot], room: float) -> list[_Foot]:
    """Those of `feet` that don't touch one before them."""
    found: list[_Foot] = []
    for foot in feet:
        if not any(foot.touches(other, room) for other in found):
            found.append(foot)
    return found


def _wide(text: str) -> float:
    """How wide a text is at most, in heights of its letters."""
    return sum(
        _BLANK_EM if letter == " " else _WIDE_EM if east_asian_width(letter) in "WF" else _DIGIT_EM
        for letter in text
    )


def _short(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")
