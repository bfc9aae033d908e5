"""How far the check of a list has come, on a terminal, on one line that goes when it is done."""

from collections.abc import Callable

from wxpush.console import words
from wxpush.console.screen import Screen
from wxpush.i18n import _


class Checking:
    """A context that gives a function to call with the number of rows done; silent without a screen."""

    def __init__(self, screen: Screen | None) -> None:
        self._screen = screen
        self._written = False

    def __enter__(self) -> Callable[[int], None]:
        return self._tell

    def __exit__(self, *_exception: object) -> None:
        if self._screen is not None and self._written:
            self._screen.write("\r\x1b[K")
            self._screen.flush()

    def _tell(self, rows: int) -> None:
        if self._screen is None:
            return
        self._written = True
        text = _("Checking the list: {count} rows").format(count=words.number(rows))
        self._screen.write(f"\r{text}\x1b[K")
        self._screen.flush()
