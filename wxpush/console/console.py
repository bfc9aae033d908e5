"""The one object through which the commands speak: data to standard output, talk to standard error."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TextIO

from wxpush.console import pages, words
from wxpush.console.question import is_yes, question, says_yes
from wxpush.console.safe import safe, safe_json
from wxpush.console.screen import Screen
from wxpush.errors import InterruptedRunError, ProblemsError, WxpushError
from wxpush.i18n import _

if TYPE_CHECKING:
    from datetime import datetime

    from wxpush.app.doubtful import Doubtful
    from wxpush.app.previewing import Chosen
    from wxpush.app.results import Plan, RunView, Sample, Settlement, Summary
    from wxpush.app.templates import Entry
    from wxpush.app.traced import Event
    from wxpush.channels.wechat.users import Tag
    from wxpush.console.question import Asked
    from wxpush.console.settling import Answer
    from wxpush.console.tables import Explained, Suppression
    from wxpush.delivery.ports import Listener
    from wxpush.model import Problem, Quota
    from wxpush.report.failures import FailureRow
    from wxpush.report.paper import Paper


class Console:
    """Shows everything in the language in force, as safe text, in the width and encoding of its streams.

    `quiet` leaves errors, warnings, data, and a summary of a run that needs attention. With `json`,
    standard output belongs to the one object of `json()`; what else would go there goes to standard error.
    """

    def __init__(
        self,
        *,
        quiet: bool = False,
        json: bool = False,
        out: TextIO | None = None,
        err: TextIO | None = None,
        inp: TextIO | None = None,
        environ: Mapping[str, str] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """The streams are those of the process unless given; `wall` is Unix time in seconds."""
        self._out = Screen(sys.stdout if out is None else out, environ)
        self._err = Screen(sys.stderr if err is None else err, environ, enduring=True)
        self._inp = sys.stdin if inp is None else inp
        self._quiet, self._json = quiet, json
        self._monotonic, self._wall = monotonic, wall
        self._told: Counter[str] = Counter()
        """What the plan has said, which needn't be said again."""

    # Talk

    def say(self, text: str) -> None:
        """A remark; not when quiet."""
        if not self._quiet:
            self._talk(text)

    def warn(self, text: str) -> None:
        """A warning."""
        self._talk(_("warning: {text}").format(text=text), "yellow")

    def error(self, error: WxpushError) -> None:
        """What went wrong and how to mend it; a list of problems one by one. A no is no error."""
        if isinstance(error, ProblemsError):
            self.problems(error.problems, error.total)
            return
        if isinstance(error, InterruptedRunError):
            self._talk(str(error))
            return
        page = self._err.page()
        page.text(_("error: {text}").format(text=error), "red", hang=2)
        if error.hint:
            page.text(error.hint, indent=2)
        self._err.show(page)

    def problems(self, problems: Sequence[Problem], total: int | None = None) -> None:
        """Each as `file:line:column: message hint`; the first 20, then how many more of `total`."""
        page = self._err.page()
        pages.problems.lay_out(page, problems, len(problems) if total is None else total)
        self._err.show(page)

    def plan(self, plan: Plan) -> None:
        """What is about to be done; not when quiet."""
        if not self._quiet:
            page = self._err.page()
            pages.plan.lay_out(page, plan, words.stamp(self._wall()))
            self._err.show(page)
            self._told.update(plan.notes)

    def can_ask(self) -> bool:
        """Whether there is a person at a terminal to ask."""
        try:
            return self._err.is_terminal and self._inp.isatty()
        except (AttributeError, ValueError):  # no standard input, or a closed one
            return False

    def ask(self, plan: Asked, at: datetime | None = None) -> bool:
        """Whether to go ahead, now or `at` a moment; end of input and Ctrl-C mean no."""
        when = None if at is None else words.coming(at, words.stamp(self._wall()))
        return is_yes(plan, self._answer(question(plan, when)))

    def confirm(self, text: str) -> bool:
        """Whether the answer to `text` is yes; end of input and Ctrl-C mean no."""
        return says_yes(self._answer(_yes_or_no(text)))

    def _answer(self, prompt: str) -> str:
        self._err.write(prompt)
        self._err.flush()
        try:
            answer = self._inp.readline()
        except (KeyboardInterrupt, EOFError, UnicodeError):
            answer = ""
        if not answer.endswith("\n"):
            self._err.write("\n")
        return answer

    def doubts(self, run: str, count: int) -> None:
        """How many messages of a run are in doubt, and what can be answered about each."""
        page = self._err.page()
        pages.settling.lay_out_doubts(page, run, count)
        self._err.show(page)

    def decide(self, message: Doubtful, number: int, total: int) -> Answer | None:
        """What is decided about the `number`-th of `total`; None at end of input and Ctrl-C."""
        left = total - number + 1
        page = self._err.page()
        pages.settling.lay_out_doubtful(page, message, number, total)
        pages.settling.lay_out_question(page, several=left > 1)
        self._err.show(page)
        typed = "\n"
        while typed.endswith("\n"):
            typed = self._answer("> ")
            answer = pages.settling.understood(typed)
            if answer is None:
                page = self._err.page()
                pages.settling.lay_out_answers(page, several=left > 1)
                self._err.show(page)
            elif answer.decides_many(left):
                typed = self._answer(_yes_or_no(pages.settling.really(answer, left)))
                if says_yes(typed):
                    return answer
            elif typed.endswith("\n"):
                return answer
        return None

    def decisions(self, counts: Mapping[str, int]) -> None:
        """What is about to be decided, by decision."""
        for text in pages.settling.decisions(counts):
            self._talk(text)

    def settlement(self, settlement: Settlement, next_commands: Sequence[tuple[str, str]] = ()) -> None:
        """What was decided, how the run stands, then (command, why) to type next."""
        page = self._main.page()
        pages.settling.lay_out_settlement(page, settlement, next_commands)
        self._main.show(page)

    def checking(self, lines: int | None) -> AbstractContextManager[Callable[[int], None]]:
        """Tells on a terminal how many rows of a list have been checked; the context gives what to call.

        The list has `lines` lines, which are at least as many as its rows; None where that isn't known.
        """
        screen = self._err if self._err.animated and not self._quiet else None
        return pages.checking.Checking(screen, lines, self._monotonic)

    def fetching(self) -> AbstractContextManager[Callable[[int], None]]:
        """The same for people that are fetched from the account."""
        return self._telling(pages.checking.fetching)

    def importing(self) -> AbstractContextManager[Callable[[int], None]]:
        """The same for entries that are taken in from files."""
        return self._telling(pages.checking.importing)

    def asking_who_follows(self) -> AbstractContextManager[Callable[[int], None]]:
        """Tells on a terminal how many people were asked about; the context gives what to call."""
        return self._telling(pages.checking.asking)

    def looking_back(self) -> AbstractContextManager[Callable[[int], None]]:
        """Tells on a terminal how many messages of the last days were seen, likewise."""
        return self._telling(pages.checking.looking_back)

    def countdown(self, until: datetime) -> AbstractContextManager[Callable[[float], None]]:
        """Tells how long it is until `until`; the context gives what to call with the seconds left."""
        screen = None if self._quiet else self._err
        return pages.countdown.Countdown(screen, until, self._monotonic, self._wall)

    def _telling(self, wording: Callable[[int], str]) -> AbstractContextManager[Callable[[int], None]]:
        screen = self._err if self._err.animated and not self._quiet else None
        return pages.checking.Checking(screen, None, self._monotonic, wording)

    def failures(self, rows: Iterable[FailureRow]) -> None:
        """Who didn't get the message, one line each: the first 20, then how many more."""
        page = self._main.page()
        pages.tables.failure_rows(page, rows)
        self._main.show(page)

    def progress(self, total: int | None, already: Mapping[str, int]) -> AbstractContextManager[Listener]:
        """Tells how the sending goes, while the context lasts.

        `already` counts what the run has behind it, by state; `total` counts those messages, too, and is
        None where it isn't known.
        """
        course = pages.progress.Course(total, dict(already))
        if self._quiet:
            return pages.progress.Silent()
        if self._err.animated:
            return pages.progress.LiveProgress(self._err, course, self._monotonic, self._wall)
        return pages.progress.PlainProgress(self._err, course, self._monotonic, self._wall)

    def help(self, usage: str, text: str, sections: Sequence[tuple[str, Sequence[tuple[str, str]]]]) -> None:
        """How a command is used; each section is a title with (name, what it does)."""
        page = self._out.page()
        page.text(usage, "bold", hang=2)
        page.blank()
        page.text(text)
        for title, rows in sections:
            if rows:
                page.blank()
                page.text(title, "bold")
                page.pairs([(name, (told, "")) for name, told in rows], indent=2)
        self._out.show(page)

    # Data

    def data(self, text: str) -> None:
        """A line of data, safe to show; with `json`, talk."""
        page = self._main.page()
        page.unbroken(text)
        self._main.show(page)

    def json(self, obj: Mapping[str, Any]) -> None:
        """The one JSON object, on standard output; escapes for what a terminal could act on or not show."""
        import json

        text = safe_json(json.dumps(obj, ensure_ascii=False, indent=2, allow_nan=False))
        if not self._out.can_show(text):
            text = json.dumps(obj, indent=2, allow_nan=False)
        self._out.write(text + "\n")
        self._out.flush()

    def findings(self, problems: Sequence[Problem], lines: Mapping[tuple[str, int], str], total: int) -> None:
        """What a check found, each problem with its line (`lines` by file and number); `total` of them."""
        page = self._main.page()
        pages.findings.lay_out(page, problems, lines, total)
        self._main.show(page)

    def checked(self, files: int, rows: int, errors: int, warnings: int) -> None:
        """The result of a check in one sentence; not when quiet."""
        if not self._quiet:
            style = "bold red" if errors else "yellow" if warnings else "green"
            self._talk(pages.findings.in_all(files, rows, errors, warnings), style)

    def raw(self, text: str) -> None:
        """A whole document in a format of its own, or a part of one, on standard output."""
        self._out.write(text)
        self._out.flush()

    def give_up(self) -> None:
        """Write nothing more to standard output, which can't be written to."""
        self._out.give_up()

    @property
    def is_read(self) -> bool:
        """Whether anybody still reads standard output, as far as writing to it has shown."""
        return not self._out.is_gone

    def summary(self, summary: Summary, next_commands: Sequence[tuple[str, str]] = ()) -> None:
        """How a run stands after a call, then (command, why) to type next; without what the plan has said."""
        if self._quiet and not pages.summary.needs_attention(summary):
            return
        summary = replace(summary, notes=list(self._not_told(summary.notes)))
        page = self._main.page()
        pages.summary.lay_out(page, summary, next_commands, words.stamp(self._wall()))
        self._main.show(page)

    def sample(self, sample: Sample) -> None:
        """One message as its recipient will see it."""
        page = self._main.page()
        pages.plan.lay_out_sample(page, sample)
        self._main.show(page)

    def cards(self, chosen: Sequence[Chosen]) -> None:
        """Messages as a phone shows them."""
        page, plain = self._main.page(), not self._main.encoding.startswith("utf")
        for one in chosen:
            pages.cards.lay_out(page, one, plain=plain)
        self._main.show(page)

    def commands(self, next_commands: Sequence[tuple[str, str]]) -> None:
        """(command, why) to type next; not when quiet."""
        if not self._quiet:
            page = self._err.page()
            pages.summary.commands(page, next_commands)
            self._err.show(page)

    def runs(self, views: Sequence[RunView]) -> None:
        """One line for each run."""
        page = self._main.page()
        pages.tables.runs(page, views)
        self._main.show(page)

    def run(self, view: RunView) -> None:
        """All that is known of one run."""
        page = self._main.page()
        pages.tables.run(page, view)
        self._main.show(page)

    def report(self, paper: Paper) -> None:
        """How a run went in time."""
        page = self._main.page()
        pages.reports.lay_out(page, paper)
        self._main.show(page)

    def trace(self, events: Sequence[Event]) -> None:
        """What happened to a message or a person."""
        page = self._main.page()
        pages.traces.lay_out(page, events)
        self._main.show(page)

    def token(self, info: Mapping[str, object]) -> None:
        """Facts about the token by name (account, token, expires, …), masked by the caller."""
        page = self._main.page()
        pages.tables.token(page, info)
        self._main.show(page)

    def quota(self, account: str, quota: Quota, kept: int = 0) -> None:
        """The day's quota; `kept` messages of it are left to the account's other systems."""
        page = self._main.page()
        pages.tables.quota(page, account, quota, kept)
        self._main.show(page)

    def examined(self, topic: str, verdict: str, text: str, remedy: str) -> None:
        """One line of an examination, and what to do about it."""
        page = self._main.page()
        pages.tables.examined(page, topic, verdict, text, remedy)
        self._main.show(page)

    def suppressed(self, entries: Iterable[Suppression]) -> None:
        """Who is on the suppression list, one line each: the first 50, then how many more."""
        page = self._main.page()
        pages.tables.suppressed(page, entries)
        self._main.show(page)

    def templates(self, entries: Sequence[Entry]) -> None:
        """The account's templates, one line each."""
        page = self._main.page()
        pages.tables.templates(page, entries)
        self._main.show(page)

    def tags(self, tags: Sequence[Tag]) -> None:
        """The account's tags, one line each."""
        page = self._main.page()
        pages.tables.tags(page, tags)
        self._main.show(page)

    def pulled(self, change: str, file: str) -> None:
        """What became of one template's file."""
        page = self._main.page()
        pages.tables.pulled(page, change, file)
        self._main.show(page)

    def diff(self, lines: Sequence[str]) -> None:
        """The lines of a unified diff."""
        page = self._main.page()
        pages.tables.diff(page, lines)
        self._main.show(page)

    def explain(self, known: Explained, then: Explained | None = None) -> None:
        """One error code: meaning, whose fault it is, what to do; `then` is a rejection that can follow."""
        page = self._main.page()
        pages.tables.explain(page, known, then)
        self._main.show(page)

    @property
    def _main(self) -> Screen:
        return self._err if self._json else self._out

    def _not_told(self, notes: Iterable[str]) -> Iterator[str]:
        for note in notes:
            if self._told[note]:
                self._told[note] -= 1
            else:
                yield note

    def _talk(self, text: str, style: str = "") -> None:
        page = self._err.page()
        page.text(text, style, hang=2)
        self._err.show(page)


def _yes_or_no(text: str) -> str:
    return f"{safe(text)} [y/N] "
