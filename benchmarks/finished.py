"""A finished run of any size, written by the functions that write real ones: ledger, statistics, receipts."""

import itertools
import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from wxpush.clock import Clock, Moment
from wxpush.config.directories import Directories
from wxpush.delivery.flight import Flight
from wxpush.delivery.identity import RunId
from wxpush.delivery.ledger import Ledger
from wxpush.delivery.minutes import Meter
from wxpush.delivery.receipts import ReceiptLog
from wxpush.delivery.records import Claim, Mark, Record
from wxpush.delivery.run import RunCard, RunFolder
from wxpush.model import Answered, Arrival, CodeClass, Message, Receipt, State, Verdict, VerdictKind
from wxpush.private import ensure_private_dir

RUN: Final = RunId("https://api.weixin.qq.com", "wx0123456789abcdef", "finished")
_BEGUN: Final = 1_795_399_200.0
_RATE: Final = 100
"""Messages a second, which is how many are committed at once."""
_BUSY: Final = Verdict(VerdictKind.AGAIN, "-1", CodeClass.TRANSIENT, Arrival.BUSY)
_UNFOLLOWED: Final = Verdict(VerdictKind.FAIL, "43004", CodeClass.RECIPIENT, Arrival.ANSWERED)
_FIRST_MSGID: Final = 3_717_005_636_572_528_642


class Sending:
    """Pretends to have sent: 1 % don't follow, 2 % take two attempts, 97 % of the accepted have a receipt."""

    def __init__(self, home: Path, rows: int) -> None:
        ensure_private_dir(home / "runs")
        self._folder, self._rows = RunFolder.of(home, RUN), rows
        self._receipts = Directories(home).receipts_path(RUN.origin, RUN.appid)
        ensure_private_dir(self._receipts.parent)
        self._now, self._chance = _BEGUN, random.Random(1)
        self._told: list[Receipt] = []
        self._meter = Meter(self._folder.minutes, Clock(wall=lambda: self._now))

    def write(self) -> None:
        """All of it. Raises StateError."""
        with (
            self._folder.locked(),
            closing(Ledger(self._folder.ledger, RUN)) as ledger,
            closing(ReceiptLog(self._receipts)) as receipts,
        ):
            for numbers in _batched(self._rows):
                flights = [Flight(_message(number), attempts=1) for number in numbers]
                ledger.commit([], [Claim(flight.message, self._moment()) for flight in flights])
                ledger.commit([self._sent(flight) for flight in flights])
                receipts.append(self._told)
                self._told.clear()
                self._now += 1
                if self._now % 10 == 0:
                    self._meter.write()
            self._meter.write()
            self._folder.write_card(self._card())

    def _sent(self, flight: Flight) -> Record:
        luck, seconds = self._chance.random(), self._chance.lognormvariate(-2.5, 0.5)
        if luck < 0.01:
            self._meter.judged(flight, Answered(0, _UNFOLLOWED, seconds), State.FAILED, self._now)
            return flight.record(Mark.FAILED, _UNFOLLOWED, self._now)
        if luck < 0.03:
            self._meter.judged(flight, Answered(0, _BUSY, seconds), None, self._now)
            flight.attempts += 1
        msgid = _FIRST_MSGID + flight.message.row
        accepted = Verdict(VerdictKind.ACCEPTED, "0", CodeClass.UNKNOWN, Arrival.ANSWERED, msgid)
        self._meter.accepted([flight], [Answered(0, accepted, seconds)], self._now)
        if luck < 0.97:
            delivered = int(self._now + self._chance.lognormvariate(1, 1))
            self._told.append(Receipt(msgid, flight.message.to, "success", delivered, float(delivered)))
        return flight.record(Mark.ACCEPTED, accepted, self._now)

    def _moment(self) -> Moment:
        return Moment(self._now, self._now, "boot")

    def _card(self) -> RunCard:
        return RunCard(
            name=RUN.name, origin=RUN.origin, appid=RUN.appid, account="default", campaign="campaign.yaml",
            list="users.csv", template_id="B" * 43, template_title="订单发货通知", content="", selection="",
            created=_BEGUN, updated=self._now, lists=("d",), bases=("b",),
            call={"state": "finished", "total": self._rows},
        )  # fmt: skip


def _batched(rows: int) -> Iterator[range]:
    for begin in itertools.count(0, _RATE):
        if begin >= rows:
            return
        yield range(begin, min(begin + _RATE, rows))


def _message(number: int) -> Message:
    key = f"o{number:027d}"
    return Message(key, key, "{}", number, number + 2, f'{{"openid":"{key}"}}')
