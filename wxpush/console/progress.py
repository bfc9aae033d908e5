"""How the sending goes, told while it goes: a live bar on a terminal, plain lines on a pipe."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rich.cells import cell_len

from wxpush.console import waits, words
from wxpush.console.layout import Page, Span
from wxpush.console.screen import Screen, assembled
from wxpush.delivery.ports import Notice, Progress, Waiting
from wxpush.i18n import _

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

_WINDOW_S = 10.0
_LINE_EVERY_S = 10.0
_PATIENCE_S = 2.0
_WIDEST_BAR = 40
_NARROWEST_BAR = 8


class Speed:
    """Messages decided per second, over the last ten seconds: how long the rest takes is told from it."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def note(self, now: float, finished: int) -> None:
        """Take in a count at a moment of the monotonic clock."""
        self._seen.append((now, finished))
        while len(self._seen) > 2 and self._seen[1][0] <= now - _WINDOW_S:
            self._seen.popleft()

    def per_second(self, now: float) -> float:
        """The rate up to `now`; 0 before there are two counts."""
        if len(self._seen) < 2:
            return 0.0
        since, before = self._seen[0]
        passed = max(now - since, 1e-9)
        return (self._seen[-1][1] - before) / passed if passed >= 0.5 else 0.0


@dataclass(slots=True)
class Course:
    """What is known of the sending so far. `total` counts what was done `before`, too."""

    total: int | None
    before: Mapping[str, int]
    now: Progress = field(default_factory=Progress)
    waiting: Waiting | None = None
    speed: Speed = field(default_factory=Speed)
    noticed: dict[tuple[Notice, str], float] = field(default_factory=dict)

    @property
    def done(self) -> int:
        """Messages of the run with an outcome."""
        return sum(self.before.values()) + self.now.finished

    def is_news(self, notice: Notice, detail: str, at: float) -> bool:
        """Whether `notice` wasn't told in the last ten seconds; `at` is the monotonic clock."""
        last = self.noticed.get((notice, detail))
        if last is not None and at - last < _LINE_EVERY_S:
            return False
        self.noticed[notice, detail] = at
        return True

    def counts(self) -> list[tuple[str, int]]:
        """Counts to show by name, those of zero left out but for the accepted ones."""
        now, before = self.now, self.before
        counts = {
            "accepted": before.get("accepted", 0) + now.accepted,
            "failed": before.get("failed", 0) + now.failed,
            "skipped": before.get("skipped", 0),
            "held": before.get("held", 0) + now.held,
            "in_doubt": before.get("in_doubt", 0) + now.in_doubt,
            "retrying": now.retrying,
        }
        return [(name, count) for name, count in counts.items() if count or name == "accepted"]

    def seconds_left(self, at: float) -> float | None:
        """Until everything is decided at the present rate; None where that can't be told."""
        pace = self.speed.per_second(at)
        if self.total is None or pace <= 0 or self.waiting is not None or self.done >= self.total:
            return None
        return (self.total - self.done) / pace


def _percent(course: Course) -> str:
    if not course.total:
        return ""
    return f"{min(100, course.done * 100 // course.total)}%"


def _of_total(course: Course) -> str:
    done = words.number(course.done)
    return done if course.total is None else f"{done}/{words.number(course.total)}"


def plain_line(course: Course, at: float) -> str:
    """The course in one line, for logs."""
    left = course.seconds_left(at)
    facts = [
        " ".join(filter(None, [_of_total(course), _percent(course)])),
        words.rate(course.now.rate),
        *([] if left is None else [_("{time} left").format(time=words.duration(left))]),
        words.counted(dict(course.counts())),
    ]
    return words.listed(filter(None, facts))


def live_page(course: Course, at: float, wall: float, width: int, glyphs: str) -> Page:
    """The course in two or three lines of at most `width` cells; `glyphs` are the bar's done and to do."""
    page = Page(width)
    page.lines.append(_bar_line(course, at, width, glyphs))
    page.lines.extend(_count_lines(course, width))
    if course.waiting is not None:
        why = waits.wait(course.waiting, words.stamp(wall))
        page.text(_("Waiting: {why}").format(why=why), "yellow", hang=2)
    return page


def _bar_line(course: Course, at: float, width: int, glyphs: str) -> list[Span]:
    """Bar, share, counts, rate and time left: whatever is worth least gives way first."""
    left = course.seconds_left(at)
    facts = [
        _percent(course),
        _of_total(course),
        words.rate(course.now.rate),
        "" if left is None else _("{time} left").format(time=words.duration(left)),
    ]
    facts = [fact for fact in facts if fact]
    while len(facts) > 2 and _taken(facts) > width:
        facts.pop(-2 if left is not None and len(facts) > 3 else -1)
    done, to_do = bar(course.done, course.total, width - _taken(facts) - 2, glyphs)
    spans: list[Span] = [(done, "green"), (to_do, "dim"), ("  ", "")] if to_do or done else []
    return [*spans, ("  ".join(facts), "")]


def bar(done: int, total: int | None, room: int, glyphs: str) -> tuple[str, str]:
    """The two parts of a bar in `room` cells; both empty where it would say nothing."""
    room = min(_WIDEST_BAR, room)
    if not total or room < _NARROWEST_BAR:
        return "", ""
    filled = min(room, room * done // total)
    return glyphs[0] * filled, glyphs[1] * (room - filled)


def glyphs_for(screen: Screen) -> str:
    """What a bar's done part and the rest are drawn with."""
    return "━─" if screen.encoding.startswith("utf") else "#-"


def _taken(facts: list[str]) -> int:
    return sum(map(cell_len, facts)) + 2 * (len(facts) - 1)


def _count_lines(course: Course, width: int) -> list[list[Span]]:
    lines: list[list[Span]] = [[]]
    used = 0
    for name, count in course.counts():
        text = f"{words.state(name)} {words.number(count)}"
        if used and used + 2 + cell_len(text) > width:
            lines.append([])
            used = 0
        if used:
            lines[-1].append(("  ", ""))
        lines[-1].append((text, words.STATE_STYLES.get(name, "")))
        used += cell_len(text) + (2 if used else 0)
    return lines


class Silent:
    """Tells nothing."""

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def progress(self, progress: Progress) -> None:
        """Not told."""

    def waiting(self, waiting: Waiting | None) -> None:
        """Not told."""

    def notice(self, notice: Notice, detail: str) -> None:
        """Not told."""


class PlainProgress:
    """A line every ten seconds at most, and at once when a wait begins or ends.

    A wait without a known end is told of when it has lasted two seconds: most are over by then. A wait has
    ended when something is decided again, not when the next attempt is made.
    """

    def __init__(
        self, screen: Screen, course: Course, monotonic: Callable[[], float], wall: Callable[[], float]
    ) -> None:
        self._screen, self._course = screen, course
        self._monotonic, self._wall = monotonic, wall
        self._told_at = self._wait_told_at = self._since = monotonic()
        self._told: Progress | None = None
        self._told_wait: Waiting | None = None
        self._finished_then = 0

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._told != self._course.now:
            self._tell_course()

    def progress(self, progress: Progress) -> None:
        """Tell of it when ten seconds have passed."""
        now, course = self._monotonic(), self._course
        course.now = replace(progress)
        course.speed.note(now, progress.finished)
        if course.waiting is not None:
            self._tell_wait(course.waiting)
        elif self._told_wait is not None and progress.finished > self._finished_then:
            self._told_wait = None
            self._line(_("Going on."))
        elif now - self._told_at >= _LINE_EVERY_S and self._told_wait is None:
            self._tell_course()

    def waiting(self, waiting: Waiting | None) -> None:
        """Tell why nothing is sent, and when it goes on."""
        if self._course.waiting is None:
            self._since = self._monotonic()
        self._course.waiting = waiting
        if waiting is not None:
            self._tell_wait(waiting)

    def notice(self, notice: Notice, detail: str) -> None:
        """Tell of it at once, but not again and again."""
        if self._course.is_news(notice, detail, self._monotonic()):
            self._line(waits.notice(notice, detail))

    def _tell_wait(self, waiting: Waiting) -> None:
        now, told = self._monotonic(), self._told_wait
        if waiting == told or (waiting.until is None and now - self._since < _PATIENCE_S):
            return
        if told is not None and waiting.why is told.why and now - self._wait_told_at < _LINE_EVERY_S:
            return
        self._told_wait, self._wait_told_at = waiting, now
        self._finished_then = self._course.now.finished
        self._line(_("Waiting: {why}").format(why=waits.wait(waiting, words.stamp(self._wall()))))

    def _tell_course(self) -> None:
        self._told_at, self._told = self._monotonic(), self._course.now
        self._line(plain_line(self._course, self._told_at))

    def _line(self, text: str) -> None:
        page = self._screen.page()
        page.text(f"{words.stamp(self._wall()):%H:%M:%S} {text}", hang=2)
        self._screen.show(page)


class LiveProgress:
    """A bar that moves, with the reason for a wait beneath it and notices above."""

    def __init__(
        self, screen: Screen, course: Course, monotonic: Callable[[], float], wall: Callable[[], float]
    ) -> None:
        self._screen, self._course = screen, course
        self._monotonic, self._wall = monotonic, wall
        self._glyphs = glyphs_for(screen)
        self._live: Live | None = None

    def __enter__(self) -> LiveProgress:
        from rich.live import Live

        # Drawn by a thread of its own: the engine's loop must not wait for a slow terminal.
        self._live = Live(
            console=self._screen.rich,
            get_renderable=self._drawn,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def progress(self, progress: Progress) -> None:
        """Keep it for the next drawing."""
        self._course.now = replace(progress)
        self._course.speed.note(self._monotonic(), progress.finished)

    def waiting(self, waiting: Waiting | None) -> None:
        """Keep it for the next drawing."""
        self._course.waiting = waiting

    def notice(self, notice: Notice, detail: str) -> None:
        """Tell of it above the bar, but not again and again."""
        if not self._course.is_news(notice, detail, self._monotonic()):
            return
        page = self._screen.page()
        page.text(waits.notice(notice, detail), "yellow", hang=2)
        self._screen.show(page)

    def _drawn(self) -> RenderableType:
        from rich.console import Group

        width = self._screen.width or 80
        page = live_page(self._course, self._monotonic(), self._wall(), width - 1, self._glyphs)
        return Group(*map(assembled, page.lines))
