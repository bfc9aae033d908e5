"""Accepted and delivered apart: a run's records and the account's receipts, joined."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.delivery.ledgers import record
from tests.delivery.world import MORNING, RUN, message
from wxpush.app.delivered import Delivery, delivery_of, receipts_folder
from wxpush.app.doubtful import SETTLED
from wxpush.app.imported_runs import count_by_run
from wxpush.app.surroundings import Surroundings
from wxpush.config import Account
from wxpush.delivery.fates import Fates
from wxpush.delivery.ledger import Ledger
from wxpush.delivery.receipts import ReceiptLog
from wxpush.delivery.records import Claim, Record
from wxpush.delivery.run import RunCard, RunFolder
from wxpush.delivery.trials import TrialLog
from wxpush.model import Receipt
from wxpush.private import ensure_private_dir

THEN = int(MORNING)
CARD = RunCard(
    name=RUN.name, origin=RUN.origin, appid=RUN.appid, account="default", campaign="c.yaml", list="users.csv",
    template_id="T", template_title="t", content="", selection="", created=MORNING,
)  # fmt: skip


class Books:
    """A run's ledger and its account's log of receipts."""

    def __init__(self, home: Path, card: RunCard = CARD) -> None:
        self.around, self.card = Surroundings({}, home), card
        self.folder = RunFolder.of(home, card.id)
        ensure_private_dir(self.folder.path.parent)
        ensure_private_dir(self.folder.path)
        self.folder.write_card(card)

    def accepted(self, *records: Record) -> None:
        moment = self.around.clock.moment()
        with closing(Ledger(self.folder.ledger, self.card.id)) as ledger:
            ledger.commit([], [Claim(message(one.key, one.row), moment) for one in records])
            ledger.commit(records)

    def told(self, *receipts: Receipt) -> None:
        with closing(ReceiptLog(receipts_folder(CARD, self.around))) as log:
            log.append(receipts)

    def delivery(self) -> Delivery:
        found = delivery_of(self.folder, self.card, self.around)
        assert found is not None
        return found


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path)


def sent(number: int, at: int = THEN, *, to: str = "", msgid: int | None = -1, code: str = "0") -> Record:
    """Message `number`, accepted; its msgid is `number`, too."""
    made = record(message(f"k{number}", number))
    return made._replace(
        to=to or f"o{number}", at=at, msgid=(number or None) if msgid == -1 else msgid, code=code
    )


def about(number: int, status: str = "success", at: int = THEN + 2, *, to: str = "") -> Receipt:
    return Receipt(number, to or f"o{number}", status, at, at + 0.25)


def nameless(to: str, at: int = THEN + 2, status: str = "success") -> Receipt:
    return Receipt(0, to, status, at, at + 0.25)


def test_without_receipts_nothing_is_told_and_nothing_is_made(books: Books) -> None:
    books.accepted(sent(1))
    assert delivery_of(books.folder, CARD, books.around) is None
    assert not receipts_folder(CARD, books.around).parent.exists()


def test_accepted_messages_by_their_receipts(books: Books) -> None:
    books.accepted(*(sent(number) for number in range(1, 8)))
    books.told(
        about(1), about(2, at=THEN + 9), about(3, "failed:user block"), about(4, "failed:user block"),
        about(5, "failed:system failed"), about(6, "weird"), about(99), about(1),
    )  # fmt: skip
    found = books.delivery()
    assert (found.accepted, found.delivered, found.undelivered, found.unconfirmed) == (7, 2, 4, 1)
    assert list(found.reasons.items()) == [("user block", 2), ("system failed", 1), ("weird", 1)]
    assert (found.rate, found.median_s, found.p99_s) == (2 / 6, 2, 9)
    assert list(found.refused()) == [("o3", THEN + 2), ("o4", THEN + 2)]
    assert [(one.key, told and told.status) for one, told in found] == [
        ("k1", "success"), ("k2", "success"), ("k3", "failed:user block"), ("k4", "failed:user block"),
        ("k5", "failed:system failed"), ("k6", "weird"), ("k7", None),
    ]  # fmt: skip
    assert found.figures().to_json() == {
        "delivered": 2,
        "undelivered": [
            {"status": "user block", "count": 2},
            {"status": "system failed", "count": 1},
            {"status": "weird", "count": 1},
        ],
        "unconfirmed": 1,
        "delivery": {"rate": 0.3333, "median_s": 2, "p99_s": 9},
    }


def test_a_log_of_others_receipts_leaves_everything_unconfirmed(books: Books) -> None:
    books.accepted(sent(1))
    books.told(about(2))
    found = books.delivery()
    assert (found.delivered, found.unconfirmed, found.rate, found.median_s) == (0, 1, None, None)


def test_a_receipt_that_came_before_the_answer_took_no_time(books: Books) -> None:
    books.accepted(sent(1), sent(2))
    books.told(about(1, at=THEN - 3), about(2, at=THEN + 3 * 86400))
    assert (books.delivery().median_s, books.delivery().p99_s) == (0, 86400)


def test_messages_that_a_decision_or_a_receipt_settled_tell_no_time(books: Books) -> None:
    books.accepted(sent(1, code="settled"), sent(2, code="receipt"), sent(3))
    books.told(about(1, at=THEN + 500), about(2), about(3, at=THEN + 4))
    assert (books.delivery().delivered, books.delivery().median_s, books.delivery().p99_s) == (3, 4, 4)


@pytest.mark.parametrize(
    ("late", "counts"), [(-6, False), (-5, True), (0, True), (86400, True), (86401, False)]
)
def test_a_receipt_without_a_msgid_goes_by_person_and_time(books: Books, late: int, counts: bool) -> None:
    books.accepted(sent(1), sent(2))
    books.told(nameless("o1", THEN + late))
    assert [told is not None for _record, told in books.delivery()] == [counts, False]


def test_of_several_messages_it_is_that_of_the_nearest_before_it(books: Books) -> None:
    books.accepted(sent(1, THEN, to="o"), sent(2, THEN + 100, to="o"), sent(3, THEN + 104, to="o"))
    books.told(
        nameless("o", THEN + 101), nameless("o", THEN + 105, "failed:user block"), nameless("o", THEN + 500)
    )
    assert [told and (told.at - THEN) for _record, told in books.delivery()] == [500, 101, 105]


def test_messages_of_one_second_share_their_receipts(books: Books) -> None:
    books.accepted(*(sent(number, to="o") for number in (1, 2, 3)))
    books.told(nameless("o", THEN + 1), nameless("o", THEN + 2, "failed:user block"), nameless("o", THEN + 1))
    found = books.delivery()
    assert (found.delivered, found.undelivered, found.unconfirmed) == (1, 1, 1)
    assert len([told for _record, told in found if told is not None]) == 2
    assert list(found) == list(found)


def test_a_receipt_of_another_run_is_not_taken_for_ours(books: Books, tmp_path: Path) -> None:
    other = Books(tmp_path, replace(CARD, name="another"))
    books.accepted(sent(1, to="o"), sent(2, to="p"))
    other.accepted(sent(7, THEN + 60, to="o"), sent(8, to="p"), sent(9, THEN - 60, to="p"))
    books.told(nameless("o", THEN + 61), nameless("p", THEN + 1), nameless("p", THEN + 2))
    assert [told is not None for _record, told in books.delivery()] == [False, True]
    assert [told is not None for _record, told in other.delivery()] == [True, True, False]


def tested(books: Books, *records: Record) -> None:
    """Test messages of the account, accepted."""
    with closing(TrialLog(books.around.directories.trials_path(CARD.origin, CARD.appid), "a test")) as log:
        log.commit(records)


def test_a_receipt_of_a_test_message_is_not_taken_for_the_runs(books: Books) -> None:
    books.accepted(sent(1, to="o"), sent(2, to="p"), sent(3, to="q"))
    tested(books, sent(7, THEN + 60, to="o"), sent(8, THEN + 60, to="q"))
    books.told(nameless("o", THEN + 61), nameless("p", THEN + 1), about(8, at=THEN + 61, to="q"))
    books.told(nameless("q", THEN + 61), nameless("q", THEN + 1, "failed:user block"))
    told = [told and (told.status, told.at - THEN) for _record, told in books.delivery()]
    assert told == [None, ("success", 1), ("failed:user block", 1)]


ACCOUNT = Account("default", CARD.appid, api_base=CARD.origin)


def counted(books: Books, *imported: Receipt) -> tuple[dict[str, int], int]:
    """Of how many messages of which run these receipts are, once they are stored, and of how many in all."""
    books.told(*imported)
    told = Fates(imported)
    return count_by_run(told, receipts_folder(CARD, books.around), ACCOUNT, books.around), told.count


def test_imported_receipts_are_counted_by_the_join_of_the_figures(books: Books, tmp_path: Path) -> None:
    other = Books(tmp_path, replace(CARD, name="another"))
    books.accepted(sent(1), sent(2), sent(3, to="o"))
    other.accepted(sent(7), sent(1, to="else"), sent(8, THEN + 60, to="o"))
    tested(books, sent(9, to="t"))
    imported = [
        about(1),
        about(1),  # once more
        about(7, "failed:user block"),
        about(2, to="a stranger"),  # of another message that happens to have that msgid
        about(9, to="t"),
        nameless("o", THEN + 61),  # the other run's
        nameless("t", THEN + 2),  # what the test's receipt says
    ]
    assert counted(books, *imported) == ({"orders": 1, "another": 2}, 6)
    assert counted(books, about(1, to="else"), nameless("o", THEN + 5)) == (
        {"orders": 1, "another": 1},
        2,
    )


def test_a_receipt_is_of_the_message_of_which_nobody_knows_the_msgid(books: Books) -> None:
    books.accepted(sent(1, msgid=None, code=SETTLED), sent(2))
    assert counted(books, about(77, to="o1"), about(78, to="o2"))[0] == {"orders": 1}


def test_who_has_a_receipt_of_his_own_takes_no_other(books: Books) -> None:
    books.accepted(sent(1, to="o"), sent(2, THEN + 10, to="o"))
    books.told(about(2, at=THEN + 12, to="o"), nameless("o", THEN + 13))
    assert [told and (told.msgid, told.at - THEN) for _record, told in books.delivery()] == [(1, 13), (2, 12)]


def test_the_msgid_of_another_person_proves_nothing(books: Books) -> None:
    books.accepted(sent(1), sent(2), sent(3))
    books.told(
        about(1, to="stranger"), about(2, to="stranger", at=THEN), about(2, "failed:user block"),
        about(3, to="stranger"), nameless("o3", THEN + 4),
    )  # fmt: skip
    found = books.delivery()
    assert (found.delivered, found.undelivered, found.unconfirmed) == (1, 1, 1)
    assert [told and (told.status, told.at - THEN) for _record, told in found] == [
        None, ("failed:user block", 2), ("success", 4),
    ]  # fmt: skip


def test_where_the_ledger_knows_the_key_alone_the_msgid_is_enough(books: Books) -> None:
    whole = "o" + "A" * 27
    books.accepted(sent(1, to="k1"), sent(2, to=whole)._replace(key=whole))
    books.told(about(1), about(2))
    assert [told is not None for _record, told in books.delivery()] == [True, False]


@settings(max_examples=60)  # each writes two stores
@given(
    messages=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 400)), min_size=1, max_size=12),
    fates=st.data(),
)
def test_the_counts_add_up_and_no_receipt_counts_twice(
    tmp_path_factory: pytest.TempPathFactory, messages: Sequence[tuple[int, int]], fates: st.DataObject
) -> None:
    """However many are lost, come twice or in disorder, name no message or another's."""
    books = Books(tmp_path_factory.mktemp("books"))
    records = [sent(n, THEN + at, to=f"p{who}") for n, (who, at) in enumerate(messages, 1)]
    books.accepted(*records)
    came = []
    for one in records:
        kind = fates.draw(st.sampled_from(["named", "nameless", "lost", "foreign"]))
        status = fates.draw(st.sampled_from(["success", "failed:user block"]))
        msgid = {"named": one.msgid or 0, "nameless": 0, "foreign": 1000 + one.row, "lost": -1}[kind]
        if msgid >= 0:
            came.append(Receipt(msgid, one.to, status, one.at + fates.draw(st.integers(0, 9)), 0.0))
    shuffled = fates.draw(st.permutations(came + came[:3]))
    books.told(*shuffled)
    found = books.delivery()
    assert found.accepted == len(records) == found.delivered + found.undelivered + found.unconfirmed
    ours = {(told.msgid, told.to, told.status, told.at) for told in came if told.msgid < 1000}
    assert found.delivered + found.undelivered <= len(ours)
    for one, told in found:
        if told is not None:
            assert told.to == one.to
            assert {(msgid, told.to, told.status, told.at) for msgid in (0, one.msgid or 0)} & ours
    named = {told.msgid for told in came if 0 < told.msgid < 1000}
    assert all(told is not None for one, told in found if one.msgid in named)
