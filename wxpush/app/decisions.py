"""What the operator decides about messages in doubt by options or by a file: found in the run, or refused."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from wxpush.app.doubtful import Decision, Doubtful
from wxpush.delivery import ledger
from wxpush.errors import ProblemsError
from wxpush.i18n import _
from wxpush.model import BadRow, Problem, Recipient, State
from wxpush.report.failures import DECISION, OWN_PREFIX, cell_text

_LINE_COLUMN: Final = "wxpush_line"
_LONGEST_LINE: Final = 12
#: How a message stands whose row somebody has decided about before.
_SETTLED: Final = frozenset({State.ACCEPTED, State.PENDING})


@dataclass(frozen=True, slots=True)
class SettleRequest:
    """The options of `runs settle`. Without a decision and a file each message is asked about.

    `decision` goes with one choice of messages: `everything`, or `lines` and `keys`.
    """

    run: str | None = None
    decision: Decision | None = None
    everything: bool = False
    lines: Sequence[int] = ()
    keys: Sequence[str] = ()
    file: Path | None = None
    by_receipts: bool = False
    by_review: bool = False

    @property
    def asks(self) -> bool:
        """Whether the decisions are made one by one."""
        return self.decision is None and self.file is None and not self.asks_nobody

    @property
    def asks_nobody(self) -> bool:
        """Whether WeChat has decided: by receipts, or by its review."""
        return self.by_receipts or self.by_review


@dataclass(slots=True)
class Decided:
    """Messages by what is decided about them; `passed_over` rows of a file were no longer in doubt."""

    messages: dict[Decision, list[Doubtful]] = field(default_factory=lambda: {one: [] for one in Decision})
    passed_over: int = 0

    def add(self, message: Doubtful, decision: Decision) -> None:
        """Take in a decision; what the next start settles by itself is left to it."""
        if not message.in_window:
            self.messages[decision].append(message)


@dataclass(frozen=True, slots=True)
class _Row:
    """A decision as the file has it: in its line `place`, about the list's line `about`."""

    place: int
    about: int
    decision: Decision
    cells: Mapping[str, str]


def decided_by(request: SettleRequest, doubtful: Sequence[Doubtful], folder: Path) -> Decided:
    """What `request` decides about the messages of the ledger in `folder`, of which `doubtful` are in doubt.

    Raises ProblemsError with everything in it that is no use.
    """
    if request.file is not None:
        return _by_file(request.file, doubtful, folder)
    if request.decision is None:
        raise ValueError("nothing is decided")
    decided = Decided()
    for message in doubtful if request.everything else _named(request, doubtful, folder):
        decided.add(message, request.decision)
    return decided


def _named(request: SettleRequest, doubtful: Sequence[Doubtful], folder: Path) -> list[Doubtful]:
    """The messages that --line and --key name, each once."""
    by_line, by_key = _by_line(doubtful), {one.key: one for one in doubtful}
    states = _latest_states(
        folder, lines=set(request.lines) - by_line.keys(), keys=set(request.keys) - by_key.keys()
    )
    found: dict[str, Doubtful] = {}
    problems = []
    for line in request.lines:
        here = by_line.get(line, [])
        found |= {one.key: one for one in here}
        if len(here) != 1:
            option = f"--line {line}"
            problems.append(_several(option, 0) if here else _not_in_doubt(option, 0, states.get(line)))
    for key in request.keys:
        if key in by_key:
            found[key] = by_key[key]
        else:
            problems.append(_not_in_doubt(f"--key {key}", 0, states.get(key)))
    if problems:
        raise ProblemsError(problems)
    return list(found.values())


def _by_file(path: Path, doubtful: Sequence[Doubtful], folder: Path) -> Decided:
    name, by_line = str(path), _by_line(doubtful)
    problems: list[Problem] = []
    rows = list(_rows(path, problems))
    states = _latest_states(folder, lines={row.about for row in rows} - by_line.keys())
    decided = Decided()
    taken: dict[str, _Row] = {}
    for row in rows:
        here = by_line.get(row.about, [])
        fitting = _fitting(here, row.cells)
        if len(fitting) == 1:
            (message,) = fitting
            first = taken.setdefault(message.key, row)
            if first is row:
                decided.add(message, row.decision)
            elif first.decision is not row.decision:
                problems.append(_contradiction(name, row, first))
        elif not here and states.get(row.about) in _SETTLED:
            decided.passed_over += 1
        elif here:
            problems.append(_several(name, row.place) if fitting else _another(name, row))
        else:
            problems.append(_not_in_doubt(name, row.place, states.get(row.about)))
    if problems:
        raise ProblemsError(sorted(problems, key=lambda problem: problem.line))
    return decided


def _rows(path: Path, problems: list[Problem]) -> Iterator[_Row]:
    """The rows with a decision; what can't be read goes to `problems`. Raises ProblemsError for no list."""
    from wxpush.campaign.recipients import open_recipients  # the one way of deciding that reads a list

    opened = open_recipients(path).with_ours()
    has_column = False
    for row in opened:
        has_column = has_column or DECISION in row.values
        if isinstance(row, BadRow):
            problems += [replace(problem, hint="") for problem in row.problems]
        elif isinstance(row, Recipient) and (found := _row(row, opened.name, problems)) is not None:
            yield found
    if not has_column:
        message = _('there is no column "{name}".').format(name=DECISION)
        hint = _("Add it to a copy of the failures file: delivered, resend, or nothing to leave a row.")
        problems.append(Problem(opened.name, opened.header_line, 0, "WX340", message, hint))


def _row(row: Recipient, name: str, problems: list[Problem]) -> _Row | None:
    cells = {column: cell_text(value) for column, value in row.values.items()}
    written = cells.get(DECISION, "").strip()
    if not written:
        return None
    line = cells.get(_LINE_COLUMN, "").strip()
    if written.lower() not in set(Decision):
        message = _('"{value}" is no decision.').format(value=written)
        hint = _("Write delivered or resend, or leave the cell empty.")
        problems.append(Problem(name, row.line, 0, "WX341", message, hint))
        return None
    if not (line.isascii() and line.isdecimal() and len(line) < _LONGEST_LINE):
        message = _('no line of the list stands in "{name}".').format(name=_LINE_COLUMN)
        hint = _("Decide in the failures file itself, with all its columns.")
        problems.append(Problem(name, row.line, 0, "WX342", message, hint))
        return None
    own = {column: text for column, text in cells.items() if not column.startswith(OWN_PREFIX)}
    return _Row(row.line, int(line), Decision(written.lower()), own)


def _fitting(here: Sequence[Doubtful], cells: Mapping[str, str]) -> list[Doubtful]:
    """Which of the messages of one line the row of a file is: untouched, else by the person in it.

    A spreadsheet may have changed numbers and dates, which is no reason to take it for another row.
    """
    untouched = [one for one in here if _is_untouched(one, cells)]
    return untouched or [one for one in here if any(one.to in text for text in cells.values())]


def _is_untouched(message: Doubtful, cells: Mapping[str, str]) -> bool:
    return all(cells.get(name, "") == cell_text(value) for name, value in message.columns.items())


def _by_line(doubtful: Sequence[Doubtful]) -> dict[int, list[Doubtful]]:
    by_line: dict[int, list[Doubtful]] = {}
    for message in doubtful:
        by_line.setdefault(message.line, []).append(message)
    return by_line


def _latest_states(
    folder: Path, *, lines: Set[int], keys: Set[str] = frozenset()
) -> Mapping[int | str, State]:
    """How the messages of these lines and keys stand; read only where somebody asks."""
    states: dict[int | str, State] = {}
    for _place, record in ledger.records(folder) if lines or keys else ():
        if record.line in lines:
            states[record.line] = record.mark.state
        if record.key in keys:
            states[record.key] = record.mark.state
    return states


def _not_in_doubt(place: str, line: int, state: State | None) -> Problem:
    message, hint = _("no message of this run that is in doubt stands there."), ""
    if state is State.ACCEPTED:
        message = _("this message is not in doubt: it was accepted.")
    elif state is State.PENDING:
        message = _("this message is not in doubt: it is pending.")
        hint = _("The next `wxpush send` sends it.")
    elif state is State.FAILED:
        message = _("this message is not in doubt: it failed.")
        hint = _("To send it again: wxpush retry-failed")
    elif state is State.HELD:
        message = _(
            "this message is not in doubt: WeChat reviews it, and delivers it by itself if it passes."
        )
    return Problem(place, line, 0, "WX343", message, hint)


def _another(name: str, row: _Row) -> Problem:
    message = _("line {line} of this run's list is another row.").format(line=row.about)
    hint = _("Is this the failures file of another run? Else name the message: --key")
    return Problem(name, row.place, 0, "WX344", message, hint)


def _several(place: str, line: int) -> Problem:
    message = _("several messages in doubt stand there, of different lists.")
    return Problem(place, line, 0, "WX345", message, _("Name the one that you mean: --key"))


def _contradiction(name: str, row: _Row, first: _Row) -> Problem:
    message = _("line {line} of this file decides otherwise about the same message.").format(line=first.place)
    return Problem(name, row.place, 0, "WX346", message, _("Keep one of the two."))
