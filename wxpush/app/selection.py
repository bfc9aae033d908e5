"""Goes through a list and says of each row what is to become of it, for the check and for the sending."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

from wxpush.app.damaged import with_others
from wxpush.app.material import Material
from wxpush.app.repeats import Repeats, conflict
from wxpush.app.screening import NEVER, Screening
from wxpush.campaign.checker import Bad, Ready, Skipped
from wxpush.campaign.render import Rendered, RowError
from wxpush.delivery.fingerprints import Seen
from wxpush.delivery.identity import hash64
from wxpush.delivery.ledger import Place
from wxpush.delivery.records import Mark, Record
from wxpush.delivery.screen import Reason
from wxpush.delivery.standing import Entry, Standing
from wxpush.fastjson import loads
from wxpush.model import BadRow, Message, Problem, Recipient, Unmatched

DUPLICATE: Final = "duplicate"


class ToSend(NamedTuple):
    """A row whose message is to be sent; from `expires` on (Unix time) it is too late for it.

    `stands`: the outcome that its message has as long as it isn't sent again.
    """

    message: Message
    rendered: Rendered
    warnings: tuple[Problem, ...] = ()
    expires: float = NEVER
    stands: Mark | None = None


@dataclass(frozen=True, slots=True)
class Passed:
    """A row that gets nothing, by a rule; `values` are its columns, `warnings` why that may be a mistake."""

    reason: str
    line: int = 0
    values: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[Problem, ...] = ()


class Screened(NamedTuple):
    """A row whose message could be sent, and isn't for now: what is known of its person speaks against it."""

    reason: Reason
    message: Message


@dataclass(frozen=True, slots=True)
class Known:
    """A row whose message has an outcome already; `changed` when it would read differently now."""

    mark: Mark
    line: int
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Wrong:
    """A row that can't be sent. `conflict` when another row of the same key differs from it.

    `is_known` when the ledger has a failure of its key already, which then stands for it.
    """

    bad: Bad
    conflict: bool = False
    is_known: bool = False


Decision = ToSend | Passed | Screened | Known | Wrong


@dataclass(frozen=True, slots=True)
class Choices:
    """What the operator chose: which of several rows with one key, and whether doubtful ones go again."""

    keep_first: bool = False
    resend_in_doubt: bool = False


class Selection:
    """The decisions for every row of a list, in its order; iterate anew for each pass."""

    def __init__(
        self,
        material: Material,
        standing: Standing,
        record_at: Callable[[Place], Record],
        choices: Choices,
        *,
        unchanged: bool = False,
        no_duplicates: bool = False,
        screening: Screening | None = None,
    ) -> None:
        """`unchanged`: whatever the ledger knows was rendered from this very campaign and list.

        `no_duplicates`: the list is known to have no two rows with one key. `screening` is asked last of all.
        """
        self._screening = screening
        self._material, self._standing = material, standing
        self._record_at, self._choices = record_at, choices
        self._unchanged, self._no_duplicates = unchanged, no_duplicates
        self._nothing_known = False
        self._repeats = Repeats()
        self._rows: Iterator[Recipient | BadRow | Unmatched] = iter(())
        self._put_off: list[tuple[int, int, int, Passed | Wrong]] = []

    @property
    def screens(self) -> bool:
        """Whether any row may be screened out."""
        return self._screening is not None

    def screen_with(self, screening: Screening) -> None:
        """From the next row on ask `screening`, too."""
        if screening is not self._screening:
            screening.begin()
            self._screening = screening

    def __iter__(self) -> Iterator[Decision]:
        self._repeats, self._put_off = Repeats(), []
        self._standing.begin()
        if self._screening is not None:
            self._screening.begin()
        self._nothing_known = self._standing.is_empty()
        nothing_to_compare = self._no_duplicates and self._nothing_known
        self._rows = iter(self._material.recipients)
        examine = self._material.checker.examine
        for row in self._rows:
            if self._unchanged and self._no_duplicates:
                entry = self._standing.find(row.row, 0)
                if entry is not None and self._is_settled(entry):
                    yield Known(entry.mark, row.line)
                    continue
            examined = examine(row)
            if isinstance(examined, Ready):
                decision = ToSend(*examined) if nothing_to_compare else self._ready(examined)
                yield decision if self._screening is None else self._screened(decision, self._screening)
                continue
            plain = _passed(examined) if isinstance(examined, Skipped) else self._wrong(examined, row)
            key_hash = None if examined.key is None else hash64(examined.key)
            if key_hash is None or not self._standing.knows(row.row, key_hash):
                yield plain
            else:
                self._put_off.append((row.row, row.line, key_hash, plain))
        yield from self._second_thoughts()

    def _screened(self, decision: Decision, screening: Screening) -> Decision:
        """The decision, where nothing speaks against it; what a message stands as, it goes on standing as."""
        if not isinstance(decision, ToSend):
            return decision
        reason = screening.reason(decision.message.to, decision.expires)
        if reason is None:
            return decision
        if decision.stands is not None:
            return Known(decision.stands, decision.message.line)
        return Screened(reason, decision.message)

    def _second_thought(self, row: int, line: int, key_hash: int, plain: Passed | Wrong) -> Decision:
        """A row that gets nothing, of a key with a record: the record is counted for one row only.

        A row of that key which can be sent has it; else the first of these. Known only at the list's end.
        """
        entry = self._standing.find(row, key_hash)
        if entry is None or entry.met or entry.mark is Mark.RELEASED:
            return plain
        if isinstance(plain, Passed):
            return Known(entry.mark, line)
        if entry.mark is Mark.FAILED:
            return replace(plain, is_known=True)
        return Known(entry.mark, line, changed=True)

    def leftovers(self) -> Iterator[Decision | None]:
        """What an unfinished iteration left: None for each row that was not reached, without rendering it."""
        for row in self._rows:
            self._glance_at(row)
            yield None
        yield from self._second_thoughts()

    def _glance_at(self, row: Recipient | BadRow | Unmatched) -> None:
        """Let the standing know that the list has this row's key."""
        if not self._unchanged and isinstance(row, Recipient):
            with suppress(RowError):
                self._standing.find(row.row, hash64(self._material.renderer.key(row)))

    def _second_thoughts(self) -> Iterator[Decision]:
        put_off, self._put_off = self._put_off, []
        for row, line, key_hash, plain in put_off:
            yield self._second_thought(row, line, key_hash, plain)

    def _wrong(self, bad: Bad, row: Recipient | BadRow | Unmatched) -> Wrong:
        """A row that can't be sent, with all that is wrong with it."""
        return Wrong(with_others(bad, self._material.checker, self._material.recipients, row))

    def _ready(self, ready: Ready) -> Decision:
        message = ready.message
        if not self._no_duplicates:
            seen = self._repeats.meet(message)
            if seen is Seen.ALIKE or (seen is Seen.DIFFERENT and self._choices.keep_first):
                return Passed(DUPLICATE, message.line, loads(message.fields))
            if seen is Seen.DIFFERENT:
                cell = self._material.checker.cell_of("key")
                problem = conflict(ready, self._material.recipients.name, cell)
                return Wrong(Bad(message.key, (problem,), {}, message.line, message.row), conflict=True)
        if self._nothing_known:
            return ToSend(*ready)
        entry = self._standing.find(message.row, hash64(message.key))
        if entry is None:
            return ToSend(*ready)
        return self._known(entry, ready, hash64(message.payload))

    def _known(self, entry: Entry, ready: Ready, payload_hash: int) -> Decision:
        message = ready.message
        if entry.mark is Mark.RELEASED:
            epoch = self._record_at(entry.place).epoch
            return ToSend(message._replace(epoch=epoch), *ready[1:])
        if entry.mark is Mark.IN_DOUBT and self._choices.resend_in_doubt:
            return self._again(entry, ready)
        changed = entry.payload16 is not None and entry.payload16 != payload_hash & 0xFFFF
        if entry.mark is Mark.FAILED and (changed or self._differs(entry, payload_hash)):
            return self._again(entry, ready)
        return Known(entry.mark, message.line, changed)

    def _again(self, entry: Entry, ready: Ready) -> ToSend:
        """Once more at the operator's wish, with a fresh id: the old one may be burnt."""
        record = self._record_at(entry.place)
        message = ready.message._replace(epoch=record.epoch + 1)
        if entry.mark is Mark.FAILED:
            message = message._replace(failed_as=record.verdict())
        return ToSend(message, *ready[1:], stands=entry.mark)

    def _differs(self, entry: Entry, payload_hash: int) -> bool:
        if entry.payload16 is None:
            return False
        return self._record_at(entry.place).payload_hash != f"{payload_hash:016x}"

    def _is_settled(self, entry: Entry) -> bool:
        doubtful = entry.mark is Mark.IN_DOUBT and self._choices.resend_in_doubt
        return entry.mark is not Mark.RELEASED and not doubtful


def _passed(skipped: Skipped) -> Passed:
    return Passed(skipped.reason, skipped.line, skipped.values, skipped.warnings)
