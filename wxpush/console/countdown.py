"""The wait for the moment of --at: a line that counts down on a terminal, a line now and then on a pipe."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from rich.cells import cell_len

from wxpush.console import words
from wxpush.console.layout import cropped
from wxpush.console.screen import Screen
from wxpush.i18n import _

_EVERY_S: Final = 0.5
#: On a pipe: with more than so many seconds left, a line every so often.
_STEPS: Final = ((7200, 3600), (1200, 600), (0, 60))


class Countdown:
    """A context that gives a function to call with the seconds that are left; silent without a screen."""

    def __init__(
        self,
        screen: Screen | None,
        until: datetime,
        monotonic: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self._screen, self._until = screen, until
        self._monotonic, self._wall = monotonic, wall
        self._told_at: float | None = None

    def __enter__(self) -> Callable[[float], None]:
        return self._tell

    def __exit__(self, kind: object, *_exception: object) -> None:
        if self._screen is None or self._told_at is None:
            return
        if self._screen.animated:
            self._screen.write("\r\x1b[K")
            self._screen.flush()
        elif kind is None:
            self._line(self._screen, _("Going on."))

    def _tell(self, left: float) -> None:
        screen, now = self._screen, self._monotonic()
        if screen is None or (self._told_at is not None and now - self._told_at < self._pause(screen, left)):
            return
        self._told_at = now
        if screen.animated:
            screen.write(f"\r{cropped(self._widest(screen, left), (screen.width or 80) - 1)}\x1b[K")
            screen.flush()
        else:
            self._line(screen, self._texts(left)[0])

    def _pause(self, screen: Screen, left: float) -> float:
        if screen.animated:
            return _EVERY_S
        return next(every for more_than, every in _STEPS if left > more_than or not more_than)

    def _widest(self, screen: Screen, left: float) -> str:
        """The longest text that fits."""
        texts = self._texts(left)
        return next((text for text in texts if cell_len(text) < (screen.width or 80)), texts[-1])

    def _texts(self, left: float) -> tuple[str, str, str]:
        moment = words.coming(self._until, words.stamp(self._wall()))
        time = words.duration(left)
        return (
            _("Begins at {moment}, {time} left; Ctrl-C: nothing is sent").format(moment=moment, time=time),
            _("{time} left; Ctrl-C: nothing is sent").format(time=time),
            _("{time} left").format(time=time),
        )

    def _line(self, screen: Screen, text: str) -> None:
        page = screen.page()
        page.text(f"{words.stamp(self._wall()):%H:%M:%S} {text}", hang=2)
        screen.show(page)
