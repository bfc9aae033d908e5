"""How far the check of a list, or its fetching, has come: on a terminal, on one line that goes when done."""

from collections.abc import Callable
from typing import Final

from rich.cells import cell_len

from wxpush.console import words
from wxpush.console.progress import bar, glyphs_for
from wxpush.console.screen import Screen
from wxpush.i18n import _

_EVERY_S: Final = 0.1


class Checking:
    """A context that gives a function to call with the number of rows done; silent without a screen.

    With the list's `lines`, which are at least as many as its rows, a bar is drawn, too.
    """

    def __init__(
        self,
        screen: Screen | None,
        lines: int | None,
        monotonic: Callable[[], float],
        wording: Callable[[int], str] | None = None,
    ) -> None:
        self._wording = wording or checking
        self._screen, self._lines, self._monotonic = screen, lines, monotonic
        self._drawn_at: float | None = None

    def __enter__(self) -> Callable[[int], None]:
        return self._tell

    def __exit__(self, *_exception: object) -> None:
        if self._screen is not None and self._drawn_at is not None:
            self._screen.write("\r\x1b[K")
            self._screen.flush()

    def _tell(self, rows: int) -> None:
        if self._screen is None:
            return
        now = self._monotonic()
        if self._drawn_at is None or now - self._drawn_at >= _EVERY_S:
            self._drawn_at = now
            self._screen.write(f"\r{self._line(self._screen, rows)}\x1b[K")
            self._screen.flush()

    def _line(self, screen: Screen, rows: int) -> str:
        text = self._wording(rows)
        room = (screen.width or 0) - cell_len(text) - 3
        drawn = "".join(bar(rows, self._lines, room, glyphs_for(screen)))
        return f"{drawn}  {text}" if drawn else text


def checking(rows: int) -> str:
    """How far the check is."""
    return _("Checking the list: {count} rows").format(count=words.number(rows))


def asking(people: int) -> str:
    """How far the question is who follows."""
    return _("Asking WeChat who follows: {count} people").format(count=words.number(people))


def fetching(people: int) -> str:
    """How many people have come from the account."""
    return _("Fetched: {count} people").format(count=words.number(people))


def looking_back(messages: int) -> str:
    """How far the look at earlier messages is."""
    return _("Looking up the messages of the last days: {count}").format(count=words.number(messages))


def importing(entries: int) -> str:
    """How many entries of the files were read."""
    return _("Taking in: {count} entries").format(count=words.number(entries))
