"""The people whose message WeChat accepted and couldn't deliver, as a list."""

from collections.abc import Iterator
from pathlib import Path

from wxpush.app.delivered import Delivery, delivery_of
from wxpush.app.surroundings import Surroundings
from wxpush.delivery.run import RunFolder
from wxpush.errors import InputError
from wxpush.i18n import _
from wxpush.report.failures import FailureRow, write_csv

STATE = "undelivered"


def write_undelivered(folder: RunFolder, around: Surroundings, wanted: Path) -> Path | None:
    """Write them to `wanted`, in the form of a failures file; None where there are none.

    Raises InputError where the account has no receipts, StateError.
    """
    card = folder.card()
    delivery = None if card is None else delivery_of(folder, card, around)
    if card is None or delivery is None:
        raise no_receipts("" if card is None else card.account)
    return write_csv(lambda: _rows(delivery), wanted, fallback=folder.path)


def no_receipts(account: str) -> InputError:
    """What to say where there is nothing to go by."""
    return InputError(
        _("There are no receipts of the account {account} yet.").format(account=account),
        _("Take in what WeChat tells: wxpush receipts serve, or wxpush receipts import FILE"),
    )


def _rows(delivery: Delivery) -> Iterator[FailureRow]:
    meanings = {
        "failed:user block": (_("refused by the user"), _("Leave these people out of the next sending.")),
        "failed:system failed": (
            _("failed in WeChat's system"),
            _("WeChat tells no more; send it to these people once more at most."),
        ),
        "failed:freq limit": (_("too many for the user"), _("Write to these people less often.")),
    }
    for record, receipt in delivery:
        if receipt is not None and receipt.status != "success":
            meaning, hint = meanings.get(receipt.status, (receipt.status, ""))
            key = {} if record.key == record.to else {"key": record.key}
            yield FailureRow(
                STATE,
                record.line,
                receipt.status,
                meaning,
                hint,
                record.attempts,
                float(receipt.at),
                {"openid": record.to, **key},
            )
