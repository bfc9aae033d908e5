"""The end of a command, told to those who didn't watch it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from wxpush.cli.base import surroundings
from wxpush.console import Console
from wxpush.i18n import _

if TYPE_CHECKING:
    from wxpush.app.notifying import Notifier
    from wxpush.app.results import Summary

Tell = Callable[[], None]
"""To be called when everything else is said and done."""


def tell_nobody() -> None:
    """Nobody is to be told."""


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
        return tell_nobody
    from wxpush.app.announcement import announce

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
