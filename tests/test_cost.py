"""What a message costs, counted in calls, statements and bytes instead of seconds: the same on any machine.

A bound is a fifth above what was counted when it was set. Who exceeds one has added work to every message
of every campaign: it may be worth it, and then the bound moves with the change that needs it.
"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from types import FrameType
from typing import Any

import wxpush
from tests.channels.loopback import Loopback, answering
from tests.delivery.world import OK, RUN, World, message, messages
from wxpush.app.material import read_material
from wxpush.app.screening import Screening
from wxpush.app.selection import Choices, Selection, ToSend
from wxpush.channels.http.courier import Courier
from wxpush.channels.http.curl import CurlCourier
from wxpush.channels.http.wire import Request
from wxpush.clock import SYSTEM
from wxpush.delivery.contacts import Contacts
from wxpush.delivery.engine import Settings
from wxpush.delivery.flight import Flight
from wxpush.delivery.identity import hash64
from wxpush.delivery.ledger import Ledger
from wxpush.delivery.minutes import Meter
from wxpush.delivery.records import Claim, Mark, Record
from wxpush.delivery.screen import Limits
from wxpush.delivery.standing import ByKey
from wxpush.delivery.suppressions import Entry, Suppressed

OURS = str(Path(wxpush.__file__).parent)
CAMPAIGN = {
    "name": "cost",
    "template": {
        "id": "B" * 43,
        "title": "订单发货通知",
        "content": "商品名称:{{thing1.DATA}}\n订单编号:{{character_string2.DATA}}\n金额:{{amount3.DATA}}\n",
    },
    "data": {"thing1": "{{ product }}", "character_string2": "{{ order_no }}", "amount3": "{{ amount }}元"},
}


class Calls:
    """How many calls our own code receives and makes."""

    count = 0

    def note(self, frame: FrameType, event: str, _argument: Any) -> None:
        if event in ("call", "c_call") and frame.f_code.co_filename.startswith(OURS):
            self.count += 1


@contextmanager
def counted() -> Iterator[Calls]:
    calls, before = Calls(), sys.getprofile()
    sys.setprofile(calls.note)
    try:
        yield calls
    finally:
        sys.setprofile(before)


def per_message(work: Callable[[int], object]) -> float:
    """Calls for each message more, so that what is done once doesn't count."""
    work(10)  # what is compiled and cached at the first time
    counts = []
    for number in (500, 1500):
        with counted() as calls:
            work(number)
        counts.append(calls.count)
    return (counts[1] - counts[0]) / 1000


def write_list(folder: Path, rows: int) -> None:
    (folder / "campaign.yaml").write_text(json.dumps(CAMPAIGN, ensure_ascii=False), encoding="utf-8")
    lines = [f"o{row:027d},云南小粒咖啡豆,SO{row:010},68.00" for row in range(rows)]
    text = "\n".join(["openid,product,order_no,amount", *lines, ""])
    (folder / "users.csv").write_text(text, encoding="utf-8")


def test_reading_rendering_and_checking_a_row(tmp_path: Path) -> None:
    def decide(rows: int) -> None:
        write_list(tmp_path, rows)
        material = read_material(
            tmp_path / "campaign.yaml", tmp_path / "users.csv",
            list_name="users.csv", list_format=None, today=date(2026, 11, 26),
        )  # fmt: skip
        ledger: Callable[..., Any] = lambda _place: None  # noqa: E731
        decisions = list(Selection(material, ByKey(hash64), ledger, Choices()))
        assert all(isinstance(one, ToSend) for one in decisions)
        assert len(decisions) == rows

    assert per_message(decide) <= 85


def test_looking_at_a_person(tmp_path: Path) -> None:
    suppressed = Suppressed([Entry("o" + "x" * 27, "", 1.8e9, None, "operator")])
    recall = lambda _tell: (Contacts(), [])  # noqa: E731 - nobody was written to
    screening = Screening(lambda: 1.8e9, Limits(1, 3), suppressed, recall, several_each=False)
    people = [f"o{row:027d}" for row in range(1500)]

    def screen(number: int) -> None:
        screening.begin()
        assert not any(screening.reason(person, 1.9e9) for person in people[:number])

    assert per_message(screen) <= 15


def test_taking_a_message_through_the_engine(tmp_path: Path) -> None:
    commits: list[float] = []

    def send(number: int) -> None:
        # As every run is sent: with the statistics of its minutes.
        world = World(
            settings=Settings(rate=2000.0), observer=lambda clock: Meter(tmp_path / "stats.jsonl", clock)
        )
        assert world.run(messages(number)).state == "finished"
        commits.append(world.ledger.commits / number)

    assert per_message(send) <= 130
    assert commits[-1] <= 0.06


def test_a_call_over_libcurl() -> None:
    def call(courier: Courier, request: Request, number: int) -> None:
        started = answered = 0
        while answered < number:
            for _ in range(min(courier.free(), number - started)):
                courier.start(started, request, b'{"touser":"o"}')
                started += 1
            answered += len(courier.arrived(5.0))

    with Loopback(answering()) as server:
        request = Request("POST", f"{server.url}/send")
        courier = CurlCourier(16, 5.0)
        assert per_message(lambda number: call(courier, request, number)) <= 50
        courier.close()


def test_the_ledgers_room_on_the_disk(tmp_path: Path) -> None:
    ledger, records = Ledger(tmp_path / "ledger", RUN), list[Record]()
    for block in range(20):
        flights = [Flight(message(f"o{row:027d}", row)) for row in range(block * 100, block * 100 + 100)]
        ledger.commit(records, [Claim(flight.message, SYSTEM.moment()) for flight in flights])
        records = [flight.record(Mark.ACCEPTED, OK, 1.8e9) for flight in flights]
    ledger.commit(records)
    ledger.close()
    size = sum(path.stat().st_size for path in (tmp_path / "ledger").iterdir())
    assert size / 2000 <= 300
