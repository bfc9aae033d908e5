"""Receipts from files: events that another system of the company wrote down."""

import gzip
import zlib
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from io import BufferedIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from wxpush.app.apart import kept_apart
from wxpush.app.imported_runs import count_by_run
from wxpush.app.people_news import PeopleNews
from wxpush.app.receiving import Intake, mark_of, require_libraries
from wxpush.app.settling_by_receipts import settle_known_runs
from wxpush.app.suppressing import folder_of
from wxpush.app.surroundings import Surroundings
from wxpush.config import Account, load_account, load_callback
from wxpush.delivery.fates import Fates
from wxpush.delivery.receipts import receipts
from wxpush.errors import InputError, ProblemsError
from wxpush.i18n import _
from wxpush.model import Problem, Receipt

if TYPE_CHECKING:
    from wxpush.channels.wechat.crypto import Cipher
    from wxpush.channels.wechat.events import BadEventError, Event, Following

SHOWN: Final = 20
_GROUP: Final = 1000
_BUCKETS: Final = 4096
_GZIP: Final = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Source:
    """A file of events: `name` as the operator wrote it, `path` where it can be read."""

    name: str
    path: Path


@dataclass(slots=True)
class Imported:
    """What an import found."""

    receipts: int = 0
    new: int = 0
    """Of them, those that the log hadn't."""
    statuses: Counter[str] = field(default_factory=Counter)
    """Of the messages, each once, how they ended."""
    people: int = 0
    others: int = 0
    """Events of other kinds, and lines without the field."""
    wrong: int = 0
    problems: list[Problem] = field(default_factory=list)
    """The first of the wrong ones."""
    messages: int = 0
    """Messages that the receipts tell of, each once."""
    runs: dict[str, int] = field(default_factory=dict)
    """Of them, those of each run."""
    settled: dict[str, int] = field(default_factory=dict)
    """Messages that were in doubt or held and have their receipt now, by run."""
    notes: Sequence[str] = ()
    """What to say of it first."""

    @property
    def repeats(self) -> int:
        """Receipts that say what another one has said, in the files or in the log."""
        return self.receipts - self.new

    @property
    def entries(self) -> int:
        """All that was read."""
        return self.receipts + self.people + self.others + self.wrong

    @property
    def is_nothing(self) -> bool:
        """Whether there was something to read, and not one event in it."""
        return self.wrong > 0 and self.wrong == self.entries

    @property
    def strangers(self) -> int:
        """Messages of no run that is known here, test messages among them."""
        return self.messages - sum(self.runs.values())

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "receipts": self.receipts,
            "new": self.new,
            "repeats": self.repeats,
            "messages": self.messages,
            "statuses": dict(self.statuses.most_common()),
            "people": self.people,
            "others": self.others,
            "wrong": self.wrong,
            "runs": [{"run": run, "count": count} for run, count in self.runs.items()],
            "unknown": self.strangers,
            "settled": [{"run": run, "count": count} for run, count in self.settled.items()],
        }


def import_events(
    sources: Sequence[Source],
    name: str | None,
    around: Surroundings,
    *,
    inner: str | None,
    strict: bool,
    suppress: float | None,
    tell: Callable[[int], None] = lambda _entries: None,
) -> Imported:
    """Take in the events of files; `inner` is the field of a JSON object that holds the push.

    `tell` hears now and then how many entries were read. Cut off, it has kept what came before.

    Who refuses the messages is put on the suppression list for `suppress` seconds, or with None isn't.
    With `strict` nothing is taken in unless everything is right, else ProblemsError. Raises InputError,
    StateError.
    """
    require_libraries()
    account = load_account(name, around.environ, need_secret=False)
    reader = _Reader(sources, inner, _ciphers(name, account, around), around, tell)
    if strict:
        _refuse_wrong(reader)
    found, told = Imported(notes=kept_apart(account, around)), Fates()
    log = around.directories.receipts_dir(account)
    known = _ever(log)
    people = PeopleNews(folder_of(around.directories, account), suppress)
    with closing(people), closing(Intake(log, people.hear, known)) as intake:
        group: list[Receipt | Following] = []
        for event in reader.events(found):
            if isinstance(event, Receipt):
                told.add(event)
            group.append(event)
            if len(group) == _GROUP:
                found.new += intake.take_in(group)
                people.settle()
                group = []
        found.new += intake.take_in(group)
        people.settle()
    found.messages, found.statuses = told.count, told.statuses()
    if told.count:
        found.runs = count_by_run(told, log, account, around)
    found.settled = {card.name: settled.total for card, settled in settle_known_runs(account, around).runs}
    return found


@dataclass(frozen=True, slots=True)
class _Reader:
    sources: Sequence[Source]
    inner: str | None
    ciphers: "Sequence[Cipher]"
    around: Surroundings
    tell: Callable[[int], None]

    def events(self, found: Imported) -> "Iterator[Receipt | Following]":
        """Every event that is for us; the others, and what is wrong, are counted in `found`."""
        from wxpush.channels.wechat.events import BadEventError

        for source in self.sources:
            for line, result in self._results(source):
                if isinstance(result, BadEventError):
                    _blame(found, source.name, line, str(result))
                elif result is None:
                    found.others += 1
                else:
                    _count(found, result)
                    yield result
                if not found.entries % _GROUP:
                    self.tell(found.entries)

    def _results(self, source: Source) -> "Iterator[tuple[int, Event | BadEventError]]":
        from wxpush.channels.wechat.eventfile import LacksFieldError, entries, event_of
        from wxpush.channels.wechat.events import BadEventError

        now = self.around.clock.wall()
        with _opened(source) as stream:
            for entry in entries(stream):
                if entry.fault:
                    yield entry.line, BadEventError(entry.fault)
                    continue
                try:
                    yield entry.line, event_of(entry.body, self.inner, self.ciphers, now)
                except LacksFieldError:
                    yield entry.line, None
                except BadEventError as bad:
                    yield entry.line, bad


def _count(found: Imported, event: "Receipt | Following") -> None:
    if isinstance(event, Receipt):
        found.receipts += 1
    else:
        found.people += 1


def _blame(found: Imported, file: str, line: int, reason: str) -> None:
    found.wrong += 1
    if len(found.problems) < SHOWN:
        message = _("this is no event that can be read: {reason}").format(reason=reason)
        found.problems.append(Problem(file, line, 0, "WX801", message))


def _refuse_wrong(reader: _Reader) -> None:
    looked = Imported()
    for _event in reader.events(looked):
        pass
    if looked.wrong:
        raise ProblemsError(looked.problems, total=looked.wrong)


@contextmanager
def _opened(source: Source) -> Iterator[BufferedIOBase]:
    """The file, unpacked where it is gzipped. Raises InputError, also while it is being read."""
    try:
        with source.path.open("rb") as raw:
            packed = raw.peek(2)[:2] == _GZIP
            yield gzip.GzipFile(fileobj=raw) if packed else raw
    except EOFError:
        raise InputError(
            _("{path} ends too early: the packed file is not whole.").format(path=source.name),
            _("Copy it again. What was read before its end is kept, and taken in only once."),
        ) from None
    except (OSError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise InputError(
            _("{path} can't be read: {reason}.").format(path=source.name, reason=reason)
        ) from None


def _ciphers(name: str | None, account: Account, around: Surroundings) -> "list[Cipher]":
    from wxpush.channels.wechat.crypto import Cipher

    keys = load_callback(name, around.environ)
    return [Cipher(key.reveal(), account.appid) for key in (keys.aes_key, keys.previous_aes_key) if key]


class _Ever:
    """All receipts of the log, by 64 bits of their marks: 8 bytes each.

    A receipt that is new is taken for an old one once in a thousand million imports of a million into a
    million.
    """

    def __init__(self) -> None:
        self._buckets = [array("Q") for _ in range(_BUCKETS)]

    def __contains__(self, mark: bytes) -> bool:
        number, bucket = self._place(mark)
        place = bisect_left(bucket, number)
        return place < len(bucket) and bucket[place] == number

    def add(self, mark: bytes) -> None:
        number, bucket = self._place(mark)
        bucket.insert(bisect_left(bucket, number), number)

    def _place(self, mark: bytes) -> tuple[int, "array[int]"]:
        number = int.from_bytes(mark[:8], "big")
        return number, self._buckets[number % _BUCKETS]


def _ever(log: Path) -> _Ever:
    known = _Ever()
    for receipt in receipts(log):
        known.add(mark_of(receipt))
    return known
