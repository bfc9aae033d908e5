"""Lines laid out by terminal cells: wrapped text, label and value, and tables that drop what doesn't fit.

Everything that enters a `Page` is made safe here, so that no text of others gets round it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len, set_cell_size

from wxpush.console.safe import safe

#: Closing marks don't begin a line and opening ones don't end it.
_NOT_FIRST = frozenset("，。、；：！？）】》」』”’…％·,.;:!?)]}%")
_NOT_LAST = frozenset("（【《「『“‘([{")
_LEAST_VALUE = 20
_MORE = "…"

Span = tuple[str, str]
"""A text and its Rich style."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. Those with the highest `rank` are left out first; rank 0 always stays."""

    title: str
    right: bool = False
    rank: int = 0


@dataclass(slots=True)
class Page:
    """Lines for an output of `width` cells; None where lines may be of any length (a pipe)."""

    width: int | None
    lines: list[list[Span]] = field(default_factory=list)

    def text(self, text: str, style: str = "", *, indent: int = 0, hang: int = 0) -> None:
        """A paragraph; its second and later lines stand `hang` cells further in."""
        self.value([], indent, text, style, hang=hang)

    def value(self, lead: Sequence[Span], at: int, text: str, style: str = "", *, hang: int = 0) -> None:
        """`text` from cell `at` on, with `lead` before it on its first line."""
        before = [(safe(part), part_style) for part, part_style in lead]
        used = sum(cell_len(part) for part, _ in before)
        begin = max(at, used + 1) if used else at
        pieces = wrap(safe(text), self._room(begin), self._room(at + hang))
        self.lines.append([*before, (" " * (begin - used), ""), (pieces[0], style)])
        self.lines.extend([(" " * (at + hang), ""), (piece, style)] for piece in pieces[1:])

    def unbroken(self, text: str, style: str = "", *, indent: int = 0) -> None:
        """A line that stays whole however long, so that it can be copied."""
        self.lines.append([(" " * indent, ""), (safe(text), style)])

    def whole(self, spans: Sequence[Span]) -> None:
        """The same with several styles."""
        self.lines.append([(safe(text), style) for text, style in spans])

    def blank(self) -> None:
        """An empty line between two parts; none at the start."""
        if self.lines:
            self.lines.append([])

    def pairs(self, rows: Sequence[tuple[str, Span]], *, indent: int = 0) -> None:
        """Labels in one column, values in the next; below their labels where there is no room beside."""
        at = indent + max((cell_len(safe(label)) for label, _ in rows), default=0) + 2
        beside = self.width is None or self.width - at >= _LEAST_VALUE
        for label, (text, style) in rows:
            lead = [(" " * indent, ""), (safe(label), "dim")]
            if beside:
                self.value(lead, at, text, style)
            else:
                self.lines.append(lead)
                self.text(text, style, indent=indent + 2)

    def numbers(self, rows: Sequence[tuple[str, Span]], *, indent: int = 0) -> None:
        """Labels in one column, numbers flush right in the next."""
        at = indent + max((cell_len(safe(label)) for label, _ in rows), default=0) + 2
        widest = max((cell_len(text) for _, (text, _) in rows), default=0)
        for label, (text, style) in rows:
            self.value([(" " * indent, ""), (safe(label), style)], at, text.rjust(widest), style)

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[Span]]) -> None:
        """A head and its rows, one line each; columns that don't fit are left out by their rank."""
        cells = [[(safe(text), style) for text, style in row] for row in rows]
        widths = [
            max([cell_len(column.title), *(cell_len(row[number][0]) for row in cells)])
            for number, column in enumerate(columns)
        ]
        kept = fitting(widths, [column.rank for column in columns], self.width)
        self._shrink_first(widths, kept)
        for row in [[(column.title, "bold") for column in columns], *cells]:
            self.lines.append(_row(columns, widths, kept, row))

    def _shrink_first(self, widths: list[int], kept: Sequence[int]) -> None:
        over = 0 if self.width is None else _taken(widths, kept) - self.width
        if over > 0:
            widths[kept[0]] = max(6, widths[kept[0]] - over)

    def _room(self, at: int) -> int | None:
        return None if self.width is None else max(8, self.width - at)


def _row(
    columns: Sequence[Column], widths: Sequence[int], kept: Sequence[int], row: Sequence[Span]
) -> list[Span]:
    line: list[Span] = []
    for number in kept:
        text, style = row[number]
        text = cropped(text, widths[number])
        gap = " " * (widths[number] - cell_len(text))
        line.extend([(gap, ""), (text, style)] if columns[number].right else [(text, style), (gap, "")])
        if number != kept[-1]:
            line.append(("  ", ""))
    return line


def fitting(widths: Sequence[int], ranks: Sequence[int], width: int | None) -> list[int]:
    """The numbers of the columns that fit into `width` cells, two between them; rank 0 always stays."""
    kept = list(range(len(widths)))
    while width is not None and _taken(widths, kept) > width:
        worst = max(kept, key=lambda number: ranks[number])
        if ranks[worst] == 0:
            break
        kept.remove(worst)
    return kept


def _taken(widths: Sequence[int], kept: Sequence[int]) -> int:
    return sum(widths[number] for number in kept) + 2 * (len(kept) - 1)


def cropped(text: str, width: int) -> str:
    """`text` in at most `width` cells, with `…` where something was cut off."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(0, width - 1)).rstrip() + _MORE


def wrap(text: str, first: int | None, rest: int | None) -> list[str]:
    """`text` in lines of at most `first`, then `rest` cells; Chinese breaks between any two characters."""
    if first is None or cell_len(text) <= first:
        return [text]
    lines, line, room = [], "", first
    for unit in _units(text):
        if line.strip() and cell_len((line + unit).rstrip()) > room:
            lines.append(line.rstrip())
            line, room = "", rest or first
            unit = unit.lstrip()
        line += unit
        while cell_len(line.rstrip()) > room:
            piece = _head(line, room)
            lines.append(piece)
            line, room = line[len(piece) :], rest or first
    return [*lines, line.rstrip()] if line.strip() else lines


def _head(text: str, room: int) -> str:
    taken = 0
    for place, char in enumerate(text):
        taken += cell_len(char)
        if taken > room and place:
            return text[:place]
    return text


def _units(text: str) -> list[str]:
    """What a line may not break: words with the blanks after them, wide characters with their marks."""
    units: list[str] = []
    previous = ""
    for char in text:
        if not previous or not _may_break(previous, char):
            units[-1:] = [(units[-1] if units else "") + char]
        else:
            units.append(char)
        previous = char
    return units


def _may_break(before: str, after: str) -> bool:
    if after == " " or after in _NOT_FIRST or before in _NOT_LAST:
        return False
    return before == " " or cell_len(before) == 2 or cell_len(after) == 2
