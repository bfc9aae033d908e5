"""The receipts of a run's account while the run is sent: what they settle of it, and the wait for them."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from wxpush.app.doubtful import SETTLED_BY_RECEIPT
from wxpush.app.surroundings import Surroundings
from wxpush.delivery.ledger import Ledger, RecordVisitor
from wxpush.delivery.ports import Listener
from wxpush.delivery.receipts import any_receipts
from wxpush.delivery.run import RunCard, RunFolder
from wxpush.delivery.standing import Standing
from wxpush.errors import StateError
from wxpush.i18n import _


@dataclass(frozen=True, slots=True)
class RunReceipts:
    """`log` is where the account's receipts are, if it has any, `around` where its other runs are."""

    log: Path
    folder: RunFolder
    around: Surroundings

    def settle(self, ledger: Ledger, card: RunCard, follow: RecordVisitor | None = None) -> list[str]:
        """A receipt proves that a message was accepted: it isn't in doubt, and must not be sent again.

        Returns what to say of it. Raises StorageError.
        """
        if not any_receipts(self.log):
            return []
        from wxpush.app.settling_by_receipts import settle_and_tell

        return settle_and_tell(ledger, self.folder, card, self.around, self.log, follow=follow)

    def settle_before(self, ledger: Ledger, card: RunCard, standing: Standing) -> list[str]:
        """The same for what was left open, of which `standing` is told; nothing where nothing was."""
        if not standing.counts().keys() & SETTLED_BY_RECEIPT:
            return []
        return self.settle(ledger, card, follow=standing.note)

    def wait_for_all(self, seconds: float, listener: Listener, is_over: Callable[[], bool]) -> list[str]:
        """Wait so long at most until every accepted message has its receipt; returns what to say of it."""
        from wxpush.app.awaiting import await_receipts

        clock = self.around.clock
        until = self.around.at(clock.wall() + seconds)
        with suppress(StateError):
            await_receipts(self.folder, self.log, until, clock, listener, is_over)
        if any_receipts(self.log):
            return []
        return [_("No receipt came: is `wxpush receipts serve` running for this account?")]
