"""One output stream as people read it: how wide it is, what it can show, and pages written to it."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import IO, TYPE_CHECKING, TextIO, cast

from wxpush.console.layout import Page, Span

if TYPE_CHECKING:
    from rich.console import Console as RichConsole
    from rich.text import Text

_NARROWEST = 20


def give_up(stream: TextIO) -> None:
    """Let all that is in a stream's buffers, or comes, go nowhere, else Python tries it at its end."""
    with suppress(OSError, ValueError), open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device
        os.dup2(nowhere.fileno(), stream.fileno())


def has_no_reader(stream: TextIO) -> bool:
    """Whether nobody reads the pipe that `stream` writes to; True where that can't be asked (Windows)."""
    if not hasattr(select, "poll"):
        return True
    asked = select.poll()
    asked.register(stream.fileno(), select.POLLOUT)
    return any(told & (select.POLLERR | select.POLLHUP) for _fd, told in asked.poll(0))


class Screen:
    """A stream and the Rich console on it; a character that its encoding lacks is replaced.

    When its reader is gone, it goes silent; an `enduring` one does so whatever keeps it from being written
    (a closed terminal, a full disk), since no work should end because nobody hears of it.
    """

    def __init__(
        self, stream: TextIO, environ: Mapping[str, str] | None = None, *, enduring: bool = False
    ) -> None:
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
        self.stream = stream
        self._environ = os.environ if environ is None else environ
        self.is_terminal = _is_terminal(stream)
        self.animated = self.is_terminal and self._environ.get("TERM", "").lower() not in ("dumb", "unknown")
        self._endured = OSError if enduring else BrokenPipeError
        self.is_gone = False
        """Whether nobody reads it any more."""
        self.encoding = (stream.encoding or "utf-8").lower()

    @cached_property
    def rich(self) -> RichConsole:
        """The Rich console; loaded with the first thing there is to show."""
        from rich.console import Console as RichConsole

        return RichConsole(
            file=cast("IO[str]", _Guarded(self)),
            force_terminal=self.is_terminal,
            no_color=True if self._environ.get("NO_COLOR") else None,
            markup=False,
            emoji=False,
            highlight=False,
            _environ=self._environ,
        )

    def write(self, text: str) -> None:
        """Write `text` as it is."""
        with self._guard():
            self.stream.write(text)

    def flush(self) -> None:
        """Let what was written be seen."""
        with self._guard():
            self.stream.flush()

    def give_up(self) -> None:
        """Write nothing more; what waits in the buffers goes nowhere."""
        self.is_gone = True
        give_up(self.stream)

    @contextmanager
    def _guard(self) -> Iterator[None]:
        try:
            yield
        except self._endured:
            self.give_up()

    @property
    def width(self) -> int | None:
        """Cells in a line; None where lines may be of any length."""
        return max(_NARROWEST, self.rich.width) if self.is_terminal else None

    def page(self) -> Page:
        """An empty page of this screen's width."""
        return Page(self.width)

    def show(self, page: Page) -> None:
        """Write the lines of `page`."""
        if not self.is_terminal:
            # Without colours and a width there is nothing for Rich to do.
            self.write("".join(f"{''.join(text for text, _style in line).rstrip()}\n" for line in page.lines))
            self.flush()
            return
        for line in page.lines:
            self.rich.print(assembled(line), soft_wrap=True)

    def can_show(self, text: str) -> bool:
        """Whether the stream's encoding has every character of `text`."""
        try:
            text.encode(self.encoding)
        except (UnicodeError, LookupError):
            return False
        return True


class _Guarded:
    """The stream as Rich writes to it."""

    def __init__(self, screen: Screen) -> None:
        self.write, self.flush = screen.write, screen.flush
        self.isatty, self.fileno = screen.stream.isatty, screen.stream.fileno
        self.encoding = screen.encoding


def assembled(line: list[Span]) -> Text:
    """A line as Rich takes it; a text in it is never markup."""
    from rich.text import Text

    while line and not line[-1][0].strip():
        line = line[:-1]
    return Text.assemble(*line, no_wrap=True)


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # it is closed
        return False
