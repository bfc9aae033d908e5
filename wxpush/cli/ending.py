"""The end of a sending: shown, with the next command to type, and told to those who didn't watch it.

Imported before the sending begins: it may take a day, and the installation may be another one by then.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from wxpush.app.announcement import announce
from wxpush.app.exitcode import exit_code
from wxpush.app.moments import is_over, is_time_of_day
from wxpush.app.next_steps import after_send, ended_by_clock
from wxpush.cli.base import surroundings, this_command, typed
from wxpush.console import Console
from wxpush.i18n import _

if TYPE_CHECKING:
    from wxpush.app.notifying import Notifier
    from wxpush.app.results import Summary

Tell = Callable[[], None]
"""To be called when everything else is said and done."""


class Source(Protocol):
    """What was sent."""

    @property
    def title(self) -> str:
        """The template's."""

    @property
    def tolerate(self) -> float:
        """The share of recipients' own failures that still counts as success."""

    @property
    def notifier(self) -> "Notifier | None":
        """Who is told how it ended; None where nobody is."""


def ended(
    source: Source, summary: "Summary", console: Console, *, again: str, rehearsal: bool = False
) -> tuple[int, Tell]:
    """Show how it ended; the exit code, and what tells the others. A rehearsal has no sequel."""
    code = exit_code(summary, source.tolerate)
    console.summary(summary, [] if rehearsal else after_send(summary, again))
    tell = telling(
        source.notifier,
        summary,
        source.title,
        console,
        exit_code=code,
        next_command=again,
        rehearsal=rehearsal,
    )
    return code, tell


def telling(
    notifier: "Notifier | None",
    summary: "Summary",
    title: str,
    console: Console,
    *,
    exit_code: int,
    next_command: str = "",
    rehearsal: bool = False,
) -> Tell:
    """Tells how a run ended, or in a rehearsal what would be told; nothing where nothing was done."""
    if notifier is None or (summary.state == "finished" and not summary.attempts):
        return lambda: None
    going_on = next_command if summary.pending > summary.gone_pending else ""
    news = announce(summary, title, surroundings().now(), exit_code=exit_code, next_command=going_on)

    def tell() -> None:
        if rehearsal:
            for target, text in notifier.would_tell(news):
                console.say(_("Would tell {target}: {text}").format(target=target, text=text))
            return
        for told in notifier.tell(news):
            if not told.is_told:
                console.warn(told.warning)

    return tell


def the_same_again(summary: "Summary") -> str:
    """The command that goes on: as it was typed, but for moments that have passed.

    A time of day comes again tomorrow: after it, the rest goes without it, or tomorrow within the same hours.
    """
    now, is_late = surroundings().now(), ended_by_clock(summary)
    if is_late and is_time_of_day(typed("--at")) and is_time_of_day(typed("--until")):
        return this_command()

    def has_passed(option: str, value: str) -> bool:
        return option == "--at" or (option == "--until" and (is_late or is_over(value, now)))

    return this_command(has_passed)
