"""How a run ended, in one line for the people who didn't watch it, and as JSON for their systems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from wxpush.i18n import _

if TYPE_CHECKING:
    from wxpush.app.results import Summary


@dataclass(frozen=True, slots=True)
class Announcement:
    """`title` says what was sent, `news` how it went, both in the language in force; `facts` is JSON."""

    title: str
    news: str
    facts: dict[str, Any]
    is_trouble: bool = False
    """Whether something is left that a person should look at."""

    @property
    def line(self) -> str:
        """All of it in one line."""
        return _("{title}: {news}").format(title=self.title, news=self.news)


def announce(
    summary: Summary, title: str, now: datetime, *, exit_code: int, next_command: str = ""
) -> Announcement:
    """`title` is the template's; `next_command` goes on with the run, where something is left."""
    told = _one_line(_("{title} ({run})").format(title=title, run=summary.run))
    facts = {
        "text": "",
        "title": title,
        **summary.to_json(),
        "exit_code": exit_code,
        "next_command": next_command or None,
        "time": now.isoformat(timespec="seconds"),
    }
    news = _one_line(_news(summary, next_command))
    found = Announcement(told, news, facts, is_trouble=exit_code != 0)
    facts["text"] = found.line
    return found


def sample(run: str, now: datetime) -> Announcement:
    """One that says that it is only to try."""
    time = now.isoformat(timespec="seconds")
    facts: dict[str, Any] = {"text": "", "schema": 1, "run": run, "state": "test", "time": time}
    news = _("this is a test by `wxpush notify test`; nothing was sent to anybody")
    found = Announcement(_one_line(run), news, facts)
    facts["text"] = found.line
    return found


def _news(summary: Summary, next_command: str) -> str:
    counts: Sequence[tuple[str, int]] = (
        (_("{count} failed"), summary.failed),
        (_("{count} skipped"), summary.skipped),
        (_("{count} held for review"), summary.held),
        (_("{count} in doubt"), summary.in_doubt),
        (_("{count} pending"), summary.pending),
    )
    accepted = _("{accepted}/{total} accepted").format(
        accepted=_number(summary.accepted), total=_number(summary.total)
    )
    parts = [accepted, *(text.format(count=_number(count)) for text, count in counts if count)]
    news = _(", ").join(parts)
    if cause := _cause(summary):
        news = _("{news} — {cause}").format(news=news, cause=cause)
    if next_command:
        news = _("{news}; goes on with: {command}").format(news=news, command=next_command)
    return news


def _cause(summary: Summary) -> str:
    """Why it isn't finished; empty where it is."""
    stop = summary.stopped_by
    if stop is not None:
        return _("stopped by {code}: {meaning}").format(code=stop.code, meaning=stop.meaning)
    return _("interrupted") if summary.state == "interrupted" else ""


def _number(count: int) -> str:
    return f"{count:,}"


def _one_line(text: str) -> str:
    """Without line breaks and what no screen can show."""
    return "".join(char if char.isprintable() else " " for char in text)
