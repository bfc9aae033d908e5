"""`retry-failed`: sends again what failed, as it was rendered then or anew from a mended list."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from wxpush.app.delivering import Delivered, Delivering
from wxpush.app.known_runs import campaign_file, held_run, send_command
from wxpush.app.material import Material, read_material
from wxpush.app.notified import notifier_of
from wxpush.app.observing import LogRequest, Observers
from wxpush.app.outgoing import TellSkip
from wxpush.app.pace import Pace
from wxpush.app.place import Scene
from wxpush.app.results import Summary
from wxpush.app.run_receipts import RunReceipts
from wxpush.app.screening import NEVER, Screening, open_screening
from wxpush.app.selection import Choices, Selection, ToSend, Wrong
from wxpush.app.stocktaking import look_back_by_key, take_stock
from wxpush.app.suppressing import folder_of
from wxpush.app.surroundings import Surroundings
from wxpush.app.tally import tally_by_card
from wxpush.app.watch import Watch
from wxpush.campaign.expiry import Expiry
from wxpush.campaign.schema import Campaign, load_campaign
from wxpush.config import Account, load_account
from wxpush.delivery import ledger as ledgers
from wxpush.delivery.identity import hash64
from wxpush.delivery.ledger import Ledger
from wxpush.delivery.ports import Listener
from wxpush.delivery.records import Mark, Record
from wxpush.delivery.run import (
    RunCard,
    RunFolder,
    refuse_changes,
    refuse_older_ledger,
    refuse_other_account,
)
from wxpush.delivery.standing import ByKey
from wxpush.errors import ProblemsError, StorageError
from wxpush.model import CodeClass, Message

if TYPE_CHECKING:
    from wxpush.app.notifying import Notifier

_USUAL = frozenset({CodeClass.TRANSIENT, CodeClass.THROTTLE})


@dataclass(frozen=True, slots=True)
class RetryRequest:
    """The options of `retry-failed`. Without codes, classes or `everything`: what may succeed now."""

    run: str | None = None
    codes: frozenset[str] = frozenset()
    classes: frozenset[CodeClass] = frozenset()
    everything: bool = False
    recipients: Path | None = None
    list_format: str | None = None
    rate: float | None = None
    workers: int | None = None
    log: LogRequest | None = None

    def wants(self, record: Record) -> bool:
        """Whether a failed message is chosen."""
        if self.everything:
            return True
        if self.codes or self.classes:
            return record.code in self.codes or record.cls in self.classes
        return record.cls in _USUAL


@dataclass(frozen=True, slots=True)
class RetryPlan:
    """What `retry-failed` is about to do: how many messages, by code, of how many that failed."""

    run: str
    account: str
    people: int
    codes: Counter[str]
    failed: int
    rate: float
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Who was chosen and gets nothing now, by the reason."""
    notes: Sequence[str] = ()


@contextmanager
def opened(request: RetryRequest, around: Surroundings, here: Path) -> Iterator["Retrying"]:
    """Find, lock and open the run. Raises InputError, LockedError, StateError."""
    with (
        held_run(request.run, around, here) as (folder, card),
        closing(Retrying(request, around, folder, card)) as retrying,
    ):
        yield retrying


class Retrying:
    """A run that is locked and open. Call `plan`, then `execute`."""

    def __init__(self, request: RetryRequest, around: Surroundings, folder: RunFolder, card: RunCard) -> None:
        self._request, self._around, self._folder, self._card = request, around, folder, card
        self._campaign = _campaign(folder, card, around.today())
        self._account = _account(card, around)
        self._material = self._read_list()
        self._expiry = Expiry(self._campaign.expires) if self._campaign.expires else None
        self._codes: frozenset[str] = frozenset()
        self._pace = Pace.of(self._campaign, request.rate, request.workers)
        self._delivering = Delivering(self._account, around.directories, around.clock)
        self._standing = ByKey(hash64)
        scene = Scene(self._account, card.origin, folder.path.parents[1], around.directories)
        self._screening = open_screening(self._campaign, scene, around)
        self._watch = Watch(folder_of(scene.directories, self._account), self._campaign.suppress.auto)
        if self._screening is not None:
            self._watch.look_for(self._screening.suppressed)
        self._left_out: Counter[str] = Counter()
        self._tell: TellSkip | None = None
        visit = self._watch.beside_earlier(self._standing.note)
        self._ledger = Ledger(folder.ledger, card.id, visit, may_be_new=False)
        for claim in self._ledger.recovered:
            self._standing.note_claim(claim)
        refuse_older_ledger(card, self._standing.counts()[Mark.ACCEPTED], folder.ledger)
        log = around.directories.receipts_path(card.origin, card.appid)
        self._receipts = RunReceipts(log, folder, around)
        self._notes = self._receipts.settle_before(self._ledger, card, self._standing)
        self._observers = Observers(folder, card.id, self._account.name, request.log, around.clock)

    def close(self) -> None:
        """Let go of the files."""
        self._ledger.close()
        self._observers.close()

    @property
    def send_command(self) -> str:
        """The command that sends what is still pending."""
        return send_command(self._folder, self._card)

    @property
    def run(self) -> str:
        """The run's name."""
        return self._card.name

    @property
    def account(self) -> str:
        """The name of the account that it is sent with."""
        return self._account.name

    @cached_property
    def notifier(self) -> "Notifier | None":
        """Who is told how it ends; None where nobody is."""
        return notifier_of(self._campaign, self._account, self._around)

    @property
    def title(self) -> str:
        """What is sent, as the template calls it."""
        return self._card.template_title

    def counts(self) -> dict[str, int]:
        """How the run stands as a whole, by state."""
        return tally_by_card(self._card, look_back_by_key(self._folder, self._card).states).counts

    @property
    def tolerate(self) -> float:
        """The share of recipients' own failures that still counts as success."""
        return self._campaign.tolerate

    def plan(self) -> RetryPlan:
        """What is chosen. Raises StoppedError for an account that can't send."""
        codes = self._chosen_codes()
        self._codes, people = frozenset(codes), codes.total()
        if people:
            self._delivering.connect()
        failed = self._standing.counts()[Mark.FAILED]
        return RetryPlan(
            self._card.name,
            self._account.name,
            people,
            codes,
            failed,
            self._pace.rate,
            dict(self._left_out),
            self._screening.notes if self._screening else (),
        )

    def execute(self, listener: Listener) -> Summary:
        """Send what is chosen, after what a killed process left open."""
        if not self._delivering.is_connected:
            self._delivering.connect()
        if self._material is not None:
            # Rows of this list bear other numbers: from now on the run's records go by their keys.
            self._card = self._card.with_basis(self._material.recipients.digest(), self._material.basis)
            self._folder.write_card(self._card)
        visit = self._watch.beside(None)
        if visit is not None:
            self._ledger.follow(visit)
        listener = self._observers.beside(listener)
        self._observers.begin(
            campaign=self._card.campaign,
            list=self._card.list,
            rate=self._pace.rate,
            workers=self._pace.workers,
        )
        self._tell = self._observers.skipped
        with self._watch.keeping_up(self._around.clock.wall):
            delivered = self._delivering.send(
                self._card.id,
                self._ledger,
                self._campaign,
                self._pace,
                listener,
                messages=self._messages(),
                recovered=self._ledger.recovered,
                expected_codes=self._codes,
                still_wanted=lambda message: not self._is_too_late(message),
                witnesses=self._observers.all,
            )
        notes = self._watch.settle(self._around.clock.wall())
        summary = self._summed_up(delivered)
        return self._observers.end(replace(summary, notes=[*summary.notes, *notes]))

    def stop(self) -> None:
        """End in seconds; called again, at once. Signal-safe."""
        self._delivering.stop()

    def summary(self) -> Summary:
        """How the run stands, when nothing is chosen."""
        return self._summed_up(None)

    def _messages(self) -> Iterator[Message]:
        """The chosen messages but those that are screened out, which go on standing as failed."""
        self._left_out.clear()
        screening = self._screening
        if self._material is None:
            chosen: Iterator[Message] = map(self._again, self._chosen_records())
        else:
            chosen = self._rendered_anew(self._material)
        if screening is None:
            return chosen
        screening.begin()
        return (message for message in chosen if self._may_go(message, screening))

    def _may_go(self, message: Message, screening: Screening) -> bool:
        reason = screening.reason(message.to, 0.0 if self._is_too_late(message) else NEVER)
        if reason is not None:
            self._left_out[reason.value] += 1
            if self._tell is not None:
                self._tell(message.line, reason.value, message)
        return reason is None

    def _is_too_late(self, message: Message) -> bool:
        expiry = self._expiry
        return expiry is not None and expiry.is_past(message.fields, self._around.clock.wall())

    def _chosen_codes(self) -> Counter[str]:
        """What the messages that will go failed with. Raises ProblemsError for a list with faults."""
        return Counter(message.failed_as.code for message in self._messages() if message.failed_as)

    def _chosen_records(self) -> Iterator[Record]:
        for place, record in ledgers.records(self._folder.ledger):
            chosen = record.mark is Mark.FAILED and self._request.wants(record)
            if chosen and self._standing.is_latest(place, record):
                yield record

    def _again(self, record: Record) -> Message:
        """The same payload with a fresh id: its refusal was definite, and the old id may be burnt."""
        return record.message()._replace(epoch=record.epoch + 1, failed_as=record.verdict())

    def _rendered_anew(self, material: Material) -> Iterator[Message]:
        """The chosen messages of the list; raises ProblemsError for rows that are wrong or contradict."""
        selection = Selection(material, ByKey(hash64), self._ledger.record_at, Choices())
        for decision in selection:
            if isinstance(decision, Wrong):
                raise ProblemsError(material.recipients.placed(decision.bad.problems))
            if not isinstance(decision, ToSend):
                continue
            message = decision.message
            entry = self._standing.find(message.row, hash64(message.key))
            if entry is None or entry.mark is not Mark.FAILED:
                continue
            record = self._ledger.record_at(entry.place)
            if self._request.wants(record):
                yield message._replace(epoch=record.epoch + 1, failed_as=record.verdict())

    def _read_list(self) -> Material | None:
        path = self._request.recipients
        if path is None:
            return None
        material = read_material(
            self._campaign.source,
            path,
            list_name=str(path),
            list_format=self._request.list_format,
            today=self._around.today(),
        )
        now = replace(self._card, content=material.content, selection=material.selection)
        refuse_changes(self._card, now, accept=False)
        return material

    def _summed_up(self, delivered: Delivered | None) -> Summary:
        if delivered is not None and delivered.ending.code != "storage":
            with suppress(StorageError):
                self._notes += self._receipts.settle(self._ledger, self._card)
        return take_stock(
            self._folder,
            self._card,
            self._around,
            state=delivered.ending.state if delivered else "finished",
            delivered=delivered,
            token_fetches=self._delivering.token_fetches,
            notes=self._notes,
        )


def _campaign(folder: RunFolder, card: RunCard, today: date) -> Campaign:
    """The campaign as its file has it now. Raises ProblemsError."""
    return load_campaign(campaign_file(folder, card), today=today)


def _account(card: RunCard, around: Surroundings) -> Account:
    name = None if card.account == "default" else card.account
    account = load_account(name, around.environ)
    refuse_other_account(card, account.origin, account.appid)
    return account
