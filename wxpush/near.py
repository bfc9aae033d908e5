"""Which known word a misspelt one stands for, going by the slips of the hand that lie between, if any."""

from collections.abc import Iterable
from typing import Final

_LONGEST: Final = 64
_MOST_SLIPS: Final = 3


def nearest(word: str, known: Iterable[str], *, sought: bool = False) -> str | None:
    """The one of `known` that is meant by `word`, or None: a third of it may be wrong, three letters at most.

    So two letters stand for nothing else, and up to five may have one slip. Capitals are no slip. `sought`:
    something is lacking anyway, so that two fifths may be wrong.
    """
    found: tuple[int, str] | None = None
    for other in known:
        slips = _slips(word.casefold(), other.casefold(), sought=sought)
        if slips is not None and other != word and (found is None or slips < found[0]):
            found = slips, other
    return None if found is None else found[1]


def _slips(word: str, other: str, *, sought: bool) -> int | None:
    """How many slips lie between two words; None where they are too many."""
    length = max(len(word), len(other))
    most = min(2 * length // 5 if sought else length // 3, _MOST_SLIPS)
    if length > _LONGEST or abs(len(word) - len(other)) > most:
        return None
    slips = _distance(word, other)
    return slips if slips <= most else None


def _distance(word: str, other: str) -> int:
    """The least number of letters to add, to leave out, to exchange, or to swap with their neighbours."""
    earlier: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(word, 1):
        line = [row]
        for column, its in enumerate(other, 1):
            cost = min(last[column] + 1, line[-1] + 1, last[column - 1] + (letter != its))
            if row > 1 < column and letter == other[column - 2] and word[row - 2] == its:
                cost = min(cost, earlier[column - 2] + 1)
            line.append(cost)
        earlier, last = last, line
    return last[-1]
