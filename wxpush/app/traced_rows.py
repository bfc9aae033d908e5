"""The rows of a run's list that hold what is looked for, in the list itself or in the one joined to it."""

import hashlib
import mmap
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from wxpush.app.known_runs import campaign_file
from wxpush.campaign.recipients import open_recipients
from wxpush.campaign.recipients.joined import On, parse_on
from wxpush.delivery.run import RunCard, RunFolder
from wxpush.errors import InputError, WxpushError
from wxpush.model import Recipient

#: So many rows, and messages, of one run are looked at.
MOST: Final = 1_000
#: What a list of text has as it is, whatever its format and encoding.
_VERBATIM: Final = re.compile(r"[\w.@:+-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a run's list that hold what is looked for: line by position, and their values by line.

    So does a row that holds it only in the columns of the list that is joined to it.
    """

    lines: Mapping[int, int] = field(default_factory=dict)
    by_line: Mapping[int, frozenset[str]] = field(default_factory=dict)

    @property
    def values(self) -> frozenset[str]:
        """All their values."""
        return frozenset().union(*self.by_line.values())


def rows_of(what: str, folder: RunFolder, card: RunCard, remarks: list[str]) -> tuple[Rows, bool]:
    """The rows of the run's list that hold it, and whether there are such lists still, the joined one too.

    What could not be read is added to `remarks`.
    """
    path = _list_file(folder, card)
    joined, is_there = _joined_list(card)
    if path is None:
        return Rows(), False
    lines: dict[int, int] = {}
    by_line: dict[int, frozenset[str]] = {}
    try:
        keys = _joined_keys(what, joined)
        if not keys and not _may_hold(path, what):
            return Rows(), is_there
        pairs: dict[int, str] = {}
        for row in open_recipients(path):
            if not isinstance(row, Recipient):
                continue
            key = _cell(row, joined.on.ours) if joined is not None else ""
            own = values_of(row.values)
            if what in own or (key and key in keys):
                lines[row.row], by_line[row.line] = row.line, frozenset(own)
                pairs[row.line] = key
                if len(lines) >= MOST:
                    break
        if joined is not None:
            added = _added(joined, set(pairs.values()) - {""})
            by_line = {line: own | added.get(pairs[line], frozenset()) for line, own in by_line.items()}
    except WxpushError as error:
        remarks.append(str(error))
    return Rows(lines, by_line), is_there


@dataclass(frozen=True, slots=True)
class _Joined:
    """The list that was joined, unchanged, and by which columns."""

    path: Path
    on: On


def _joined_list(card: RunCard) -> tuple[_Joined | None, bool]:
    """The list that was joined to the run's latest one; and whether none is lacking."""
    if "--join" not in card.options:
        return None, True
    digest, _blank, columns = card.joined.partition(" ")
    path = Path(card.options[card.options.index("--join") + 1])
    with suppress(OSError, InputError):
        if path.is_file() and _digest(path) == (digest,):
            return _Joined(path, parse_on(columns)), True
    return None, False


def _joined_keys(what: str, joined: _Joined | None) -> set[str]:
    """The values by which rows of the joined list that hold it belong to rows of the list."""
    if joined is None or not _may_hold(joined.path, what):
        return set()
    keys: set[str] = set()
    for row in open_recipients(joined.path):
        if (
            isinstance(row, Recipient)
            and what in values_of(row.values)
            and (key := _cell(row, joined.on.theirs))
        ):
            keys.add(key)
            if len(keys) >= MOST:
                break
    return keys


def _added(joined: _Joined, keys: set[str]) -> dict[str, frozenset[str]]:
    """What the joined list adds to rows, by the value that brings them together."""
    found: dict[str, frozenset[str]] = {}
    for row in open_recipients(joined.path) if keys else ():
        if len(found) == len(keys):
            break
        if isinstance(row, Recipient) and (key := _cell(row, joined.on.theirs)) in keys:
            found.setdefault(key, frozenset(values_of(row.values)))
    return found


def _cell(row: Recipient, column: str) -> str:
    value = row.values.get(column)
    return value.strip() if isinstance(value, str) else ""


def _list_file(folder: RunFolder, card: RunCard) -> Path | None:
    """The list that the run was last sent with, unchanged: where it was, or beside the campaign."""
    known = Path(card.list)
    for path in (known, campaign_file(folder, card).with_name(known.name)):
        with suppress(OSError):
            if path.is_file() and _digest(path) == card.lists[-1:]:
                return path
    return None


def _digest(path: Path) -> tuple[str]:
    with path.open("rb") as file:
        return (hashlib.file_digest(file, "sha256").hexdigest(),)


def _may_hold(path: Path, what: str) -> bool:
    """Whether it is worth reading the rows; a million of them take seconds."""
    if path.suffix.lower() in (".xlsx", ".xlsm") or not _VERBATIM.fullmatch(what):
        return True
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        utf16 = content[:2] in (b"\xff\xfe", b"\xfe\xff")
        return utf16 or content.find(what.encode()) >= 0


def values_of(values: Any) -> set[str]:
    """Every value of a row as text, nested ones too."""
    if isinstance(values, dict):
        return set().union(*map(values_of, values.values()))
    if isinstance(values, list):
        return set().union(*map(values_of, values))
    return set() if values is None else {str(values).strip()}
