"""`runs settle`: the operator says what became of messages in doubt, and the ledger is told."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from wxpush.app.decisions import Decided, SettleRequest, decided_by
from wxpush.app.delivered import receipts_folder
from wxpush.app.doubtful import Decision, Doubtful
from wxpush.app.known_runs import held_run, send_command
from wxpush.app.results import Settlement
from wxpush.app.settling_by_receipts import NOTHING
from wxpush.app.settling_by_receipts import settle as settle_by_receipts
from wxpush.app.stocktaking import look_back_by_key, take_stock
from wxpush.app.surroundings import Surroundings
from wxpush.app.tally import tally_by_card
from wxpush.app.undelivered import no_receipts
from wxpush.delivery.ledger import Ledger, Place
from wxpush.delivery.receipts import any_receipts
from wxpush.delivery.records import Mark, Record
from wxpush.delivery.run import RunCard, RunFolder, refuse_older_ledger

_AT_ONCE: Final = 10_000


@contextmanager
def opened(request: SettleRequest, around: Surroundings, here: Path) -> Iterator["Settling"]:
    """Find, lock and open the run. Raises InputError, LockedError, StateError."""
    with (
        held_run(request.run, around, here) as (folder, card),
        closing(Settling(request, around, folder, card)) as settling,
    ):
        yield settling


class Settling:
    """A run that is locked and open. Call `settle` as often as there are decisions, then `settlement`."""

    def __init__(
        self, request: SettleRequest, around: Surroundings, folder: RunFolder, card: RunCard
    ) -> None:
        self._request, self._around, self._folder, self._card = request, around, folder, card
        self._latest: dict[str, Record] = {}
        self._accepted = 0
        self._ledger = Ledger(folder.ledger, card.id, self._note, may_be_new=False)
        refuse_older_ledger(card, self._accepted, folder.ledger)
        doubtful = {key: Doubtful.of_record(record, around) for key, record in self._latest.items()}
        doubtful |= {claim.message.key: Doubtful.of_claim(claim, around) for claim in self._ledger.recovered}
        self._doubtful = sorted(doubtful.values(), key=lambda one: (one.line, one.message.row))
        self._counts: Counter[Decision] = Counter()
        self._by_receipts, self._rejected = NOTHING, 0

    def close(self) -> None:
        """Let go of the ledger."""
        self._ledger.close()

    @property
    def run(self) -> str:
        """The run's name."""
        return self._card.name

    @property
    def account(self) -> str:
        """The name of the account that it was sent with."""
        return self._card.account

    @property
    def send_command(self) -> str:
        """The command that goes on with the run."""
        return send_command(self._folder, self._card)

    @property
    def doubtful(self) -> Sequence[Doubtful]:
        """What can be decided about, in the order of the list."""
        return [one for one in self._doubtful if not one.in_window]

    @property
    def in_window(self) -> int:
        """How many messages the next start settles by itself, and so are left."""
        return sum(one.in_window for one in self._doubtful)

    def counts(self) -> Mapping[str, int]:
        """How the run stands as a whole, by state."""
        return tally_by_card(self._card, look_back_by_key(self._folder, self._card).states).counts

    def decided(self) -> Decided:
        """What the options decide. Raises ProblemsError for rows and values that are no use, all at once."""
        return decided_by(self._request, self._doubtful, self._folder.ledger)

    def settle(self, messages: Sequence[Doubtful], decision: Decision) -> None:
        """Carry out a decision; durable when it returns. Raises StorageError."""
        now = self._around.clock.wall()
        for begin in range(0, len(messages), _AT_ONCE):
            some = messages[begin : begin + _AT_ONCE]
            self._ledger.commit([one.settled(decision, now) for one in some])
            self._counts[decision] += len(some)

    def settle_by_receipts(self) -> None:
        """Settle what receipts prove. Raises InputError where the account has none, StateError."""
        log = receipts_folder(self._card, self._around)
        if not any_receipts(log):
            raise no_receipts(self._card.account)
        self._by_receipts = settle_by_receipts(
            self._ledger, self._folder, self._card, self._around, log=log, follow=self._drop
        )

    def fail_rejected(self) -> None:
        """Let those fail that WeChat's review has rejected. Raises InputError, StoppedError, StateError."""
        from wxpush.app.reviewing import fail_rejected  # the one way of deciding that needs the network

        self._rejected = fail_rejected(self._ledger, self._folder, self._card, self._around)

    def settlement(self, passed_over: int = 0, *, interrupted: bool = False) -> Settlement:
        """How the run stands now; its card and its failures file say the same from now on."""
        summary = take_stock(
            self._folder,
            self._card,
            self._around,
            state=str(self._card.call.get("state", "interrupted")),
            keep=self._request.file,
            changed=self._counts.total() + self._by_receipts.total + self._rejected > 0,
        )
        return Settlement(
            summary=summary,
            state="interrupted" if interrupted else "finished",
            delivered=self._counts[Decision.DELIVERED] + self._by_receipts.delivered,
            to_resend=self._counts[Decision.RESEND],
            in_window=self.in_window,
            passed_over=passed_over,
            undelivered=self._by_receipts.undelivered,
            rejected=self._rejected,
        )

    def _drop(self, _place: Place, record: Record) -> None:
        self._doubtful = [one for one in self._doubtful if one.key != record.key]

    def _note(self, _place: Place, record: Record) -> None:
        self._accepted += record.mark is Mark.ACCEPTED
        if record.mark is Mark.IN_DOUBT:
            self._latest[record.key] = record
        else:
            self._latest.pop(record.key, None)
