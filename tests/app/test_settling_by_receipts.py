"""A receipt settles what is in doubt or held; it never settles what nobody was shown."""

import os
import random
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.app.desk import CONTENT, TEMPLATE_ID, Desk, Row, Silence, new_sandbox, openid
from tests.app.test_settling import begun, folder_of, latest, people, seen
from tests.app.test_settling import doubt as left_by_a_killed_process
from tests.delivery.ledgers import record, tamper
from tests.delivery.world import MORNING, message
from wxpush.app.decisions import SettleRequest
from wxpush.app.delivered import delivery_of
from wxpush.app.doubtful import Decision
from wxpush.app.known_runs import find_run
from wxpush.app.receipted import view
from wxpush.app.request import SendRequest
from wxpush.app.retrying import RetryRequest
from wxpush.app.retrying import opened as opened_again
from wxpush.app.settling import opened
from wxpush.app.settling_by_receipts import Settled, settle, settle_known_runs, told
from wxpush.app.surroundings import Surroundings
from wxpush.app.trying import prepare
from wxpush.clock import Moment
from wxpush.config import load_account
from wxpush.delivery import ledger as ledgers
from wxpush.delivery.identity import RunId
from wxpush.delivery.ledger import Ledger
from wxpush.delivery.policy import DEDUPE_WINDOW_S
from wxpush.delivery.receipts import ReceiptLog
from wxpush.delivery.records import Claim, Mark, Record
from wxpush.delivery.run import RunCard, RunFolder
from wxpush.delivery.trials import TrialLog, review
from wxpush.errors import DamagedStateError, InputError
from wxpush.i18n import set_language
from wxpush.model import Receipt
from wxpush.private import ensure_private_dir
from wxpush.sandbox import Sandbox
from wxpush.sandbox.scenario import from_mapping

LONG_AGO = DEDUPE_WINDOW_S + 60


@pytest.fixture(autouse=True)
def in_english() -> None:
    set_language("en")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with new_sandbox() as fresh:
        yield Desk(tmp_path, fresh)


def take_in(desk: Desk, *receipts: Receipt) -> None:
    """Put receipts into the log of the desk's account."""
    account = load_account(None, desk.around.environ)
    with closing(ReceiptLog(desk.around.directories.receipts_path(account.origin, account.appid))) as log:
        log.append(receipts)


def now(desk: Desk) -> int:
    return int(desk.around.clock.wall())


def doubt(desk: Desk, rows: Sequence[Row], persons: Sequence[int], *, age: float | None = None) -> None:
    """Put messages in doubt: noted as such just now, or claimed `age` seconds ago by a killed process."""
    left_by_a_killed_process(desk, rows, persons, age=age or 0.0)
    if age is None:
        folder = folder_of(desk)
        card = folder.card()
        assert card is not None
        with folder.locked(), closing(Ledger(folder.ledger, card.id, may_be_new=False)) as book:
            book.commit(
                [
                    record(claim.message, Mark.IN_DOUBT, attempts=2)._replace(at=now(desk))
                    for claim in book.recovered
                ]
            )


def card_of(desk: Desk) -> RunCard:
    card = folder_of(desk).card()
    assert card is not None
    return card


def receipt(desk: Desk, person: int, status: str = "success", *, msgid: int = 0, ago: float = 0) -> Receipt:
    at = now(desk) - int(ago)
    return Receipt(msgid or 4_000_000_000_000_000_000 + person, openid(person), status, at, at + 0.5)


def settle_run(desk: Desk, run: str = "orders", **options: Any) -> Any:
    request = SettleRequest(run, **{"by_receipts": True, **options})
    with opened(request, desk.around, desk.folder) as settling:
        if request.by_receipts:
            settling.settle_by_receipts()
        if request.by_review:
            settling.fail_rejected()
        return settling.settlement()


@pytest.mark.parametrize("age", [None, 1.0, LONG_AGO], ids=["noted", "claimed just now", "claimed long ago"])
def test_a_receipt_settles_what_is_in_doubt(desk: Desk, age: float | None) -> None:
    rows = begun(desk)
    doubt(desk, rows, [3, 4, 5], age=age)
    took = receipt(desk, 3, ago=age or 0)
    take_in(desk, took, took, receipt(desk, 4, "failed:user block", ago=age or 0), receipt(desk, 99))
    done = settle_run(desk)
    assert (done.delivered, done.undelivered, done.summary.in_doubt, done.exit_code) == (1, 1, 1, 1)
    records = latest(desk)
    assert [(records[openid(n)].mark, records[openid(n)].code) for n in (3, 4)] == [
        (Mark.ACCEPTED, "receipt")
    ] * 2
    assert (records[openid(3)].msgid, records[openid(3)].at) == (took.msgid, took.at)
    figures = view(folder_of(desk), desk.around, whole=True).delivery
    assert figures is not None
    assert (figures.delivered, figures.undelivered, figures.unconfirmed) == (1, {"user block": 1}, 2)


def test_what_a_receipt_settled_is_never_sent_again(desk: Desk) -> None:
    rows = begun(desk)
    doubt(desk, rows, [3, 4], age=LONG_AGO)
    take_in(desk, receipt(desk, 3, ago=LONG_AGO))
    sent = desk.send(rows, resend_in_doubt=True)
    assert sent.plan.notes == ["1 message that was in doubt or held has its receipt: it was accepted."]
    assert sent.plan.recovered == 1
    assert (sent.summary.accepted, sent.summary.attempts) == (6, 3)
    assert openid(3) not in desk.shown_to()
    assert desk.send(rows, resend_in_doubt=True).summary.attempts == 0


def test_a_young_claim_that_has_its_receipt_is_not_tried_again(desk: Desk) -> None:
    rows = begun(desk, 4, 1)
    doubt(desk, rows, [2, 3], age=1.0)
    take_in(desk, receipt(desk, 2))
    sent = desk.send(rows)
    assert (sent.plan.recovered, sent.summary.accepted) == (1, 4)
    assert openid(2) not in desk.shown_to()
    assert latest(desk)[openid(2)].code == "receipt"


def test_what_was_to_be_sent_again_is_not_where_its_receipt_came_meanwhile(desk: Desk) -> None:
    rows = begun(desk, 3, 1)
    doubt(desk, rows, [2, 3])
    with opened(SettleRequest("orders", Decision.RESEND, everything=True), desk.around, desk.folder) as one:
        one.settle(one.doubtful, Decision.RESEND)
        one.settlement()
    take_in(desk, receipt(desk, 2))
    sent = desk.send(rows)
    assert (sent.summary.accepted, sent.summary.attempts) == (3, 1)
    assert Counter(desk.shown_to()) == Counter([openid(1), openid(3)])


def test_a_receipt_that_comes_long_after_the_claim_was_given_up_settles_it_too(desk: Desk) -> None:
    rows = begun(desk, 3, 1)
    doubt(desk, rows, [2], age=20_000)
    assert desk.send(rows).summary.in_doubt == 1
    take_in(desk, receipt(desk, 2, ago=19_998))
    assert settle_run(desk).delivered == 1


def test_retry_failed_settles_before_it_sends(desk: Desk) -> None:
    rows = begun(desk, 3, 1)
    doubt(desk, rows, [2], age=1.0)
    take_in(desk, receipt(desk, 2))
    with opened_again(RetryRequest("orders"), desk.around, desk.folder) as retrying:
        retrying.plan()
        summary = retrying.summary()
    assert (summary.accepted, summary.in_doubt, list(summary.notes)) == (
        2, 0, ["1 message that was in doubt or held has its receipt: it was accepted."]
    )  # fmt: skip


def test_receipts_of_other_times_people_and_messages_settle_nothing(desk: Desk) -> None:
    rows = begun(desk)
    doubt(desk, rows, [3])
    accepted = latest(desk)[openid(1)].msgid or 0
    take_in(
        desk,
        receipt(desk, 3, ago=700),
        receipt(desk, 3, ago=-700, msgid=77),
        receipt(desk, 3, msgid=accepted),
        receipt(desk, 4),
    )
    done = settle_run(desk)
    assert (done.delivered, done.undelivered, done.summary.in_doubt) == (0, 0, 1)


def test_two_messages_of_one_person_in_two_runs_need_two_receipts(desk: Desk) -> None:
    rows = begun(desk)
    doubt(desk, rows, [3])
    desk.send(rows[:1], run="another")
    other = next(path for path in (desk.folder / "home").rglob("run.json") if "another" in path.parent.name)
    folder = RunFolder(other.parent)
    card = folder.card()
    assert card is not None
    with folder.locked(), closing(Ledger(folder.ledger, card.id, may_be_new=False)) as book:
        book.commit([], [Claim(message(openid(3), 5), desk.around.clock.moment())])
    take_in(desk, receipt(desk, 3))
    assert settle_run(desk).delivered == 0
    take_in(desk, receipt(desk, 3, msgid=78))
    assert settle_run(desk).delivered == 1
    account = load_account(None, desk.around.environ)
    assert [(card.name, done.delivered) for card, done in settle_known_runs(account, desk.around).runs] == [
        ("another", 1)
    ]


def test_known_runs_are_settled_but_those_that_somebody_holds(desk: Desk) -> None:
    rows = begun(desk)
    account = load_account(None, desk.around.environ)
    doubt(desk, rows, [3], age=1.0)
    assert settle_known_runs(account, desk.around).runs == []
    take_in(desk, receipt(desk, 3))
    with folder_of(desk).locked():
        assert settle_known_runs(account, desk.around).runs == []
    assert settle_known_runs(replace(account, appid="wx0000000000000000"), desk.around).runs == []
    ((card, done),) = settle_known_runs(account, desk.around).runs
    assert (card.name, done.total, done.delivered) == ("orders", 1, 1)
    assert settle_known_runs(account, desk.around).runs == []
    card_view, whole = seen(desk)
    assert card_view.counts == whole.counts
    assert whole.counts["in_doubt"] == 0


def test_a_ledger_from_before_the_cards_last_call_is_not_settled_either(desk: Desk) -> None:
    rows = begun(desk, 6, 2)
    backup = desk.folder / "backup"
    shutil.copytree(folder_of(desk).ledger, backup)
    assert desk.send(rows[:5]).summary.accepted == 5
    shutil.rmtree(folder_of(desk).ledger)
    shutil.copytree(backup, folder_of(desk).ledger)
    doubt(desk, rows, [6], age=1.0)
    take_in(desk, receipt(desk, 6))
    with pytest.raises(DamagedStateError, match="knows of 2 accepted"):
        settle_known_runs(load_account(None, desk.around.environ), desk.around)
    with pytest.raises(DamagedStateError, match="knows of 2 accepted"):
        desk.send(rows)


def test_another_run_that_is_gone_or_damaged_keeps_nobody_from_sending(desk: Desk) -> None:
    rows = begun(desk, 3, 1)
    doubt(desk, rows, [2], age=1.0)
    take_in(desk, receipt(desk, 2))
    desk.send(rows[:1], run="another")
    other = next(path for path in (desk.folder / "home").rglob("run.json") if "another" in path.parent.name)
    shutil.rmtree(other.parent / "ledger")
    settled = desk.send(rows)
    assert (settled.summary.accepted, settled.summary.pending) == (3, 0)
    assert len(settled.plan.notes) == 1


def test_a_run_in_which_nothing_is_open_is_not_locked_or_opened(desk: Desk) -> None:
    begun(desk, 3, 3)
    take_in(desk, receipt(desk, 3, msgid=5))
    view(folder_of(desk), desk.around, whole=True)  # reading leaves traces beside the database
    written = (folder_of(desk).ledger / "cache.db").stat().st_mtime_ns
    account = load_account(None, desk.around.environ)
    with folder_of(desk).locked():
        assert settle_known_runs(account, desk.around).all_seen
    assert settle_known_runs(account, desk.around).runs == []
    assert (folder_of(desk).ledger / "cache.db").stat().st_mtime_ns == written


def test_a_failures_file_that_somebody_edited_is_left_as_it_is(desk: Desk) -> None:
    rows = begun(desk, 4, 1)
    doubt(desk, rows, [2, 3])
    settle_run(desk, by_receipts=False)  # writes the failures file
    account = load_account(None, desk.around.environ)
    (file,) = desk.folder.glob("*.failures.csv")
    file.write_text(file.read_text("utf-8") + "mine\n", "utf-8")
    later = now(desk) + 60
    os.utime(file, (later, later))
    take_in(desk, receipt(desk, 2))
    assert len(settle_known_runs(account, desk.around).runs) == 1
    assert file.read_text("utf-8").endswith("mine\n")


def test_without_receipts_the_operator_is_told_where_they_come_from(desk: Desk) -> None:
    rows = begun(desk)
    doubt(desk, rows, [3])
    with pytest.raises(InputError, match="no receipts") as caught:
        settle_run(desk)
    assert "wxpush receipts import" in caught.value.hint


def test_a_run_that_cant_be_read_keeps_receipts_from_settling(desk: Desk) -> None:
    """Its messages could be those that the receipts are of."""
    rows = begun(desk)
    doubt(desk, rows, [3])
    desk.send(rows[:1], run="another")
    other = next(path for path in (desk.folder / "home").rglob("run.json") if "another" in path.parent.name)
    other.write_text("{")
    take_in(desk, receipt(desk, 3))
    sent = desk.send(rows, resend_in_doubt=False)
    assert sent.summary.in_doubt == 1
    assert any("settled nothing" in note for note in sent.summary.notes)


# Test messages


def try_out(desk: Desk, *people: int) -> list[Receipt]:
    """Send a test of the list's first row to these people; returns the receipts that they cause."""
    known = len(desk.sandbox.shown())
    request = SendRequest(desk.folder / "campaign.yaml", desk.folder / "users.csv", "users.csv")
    trial = prepare(request, [openid(person) for person in people], None, desk.around)
    assert [one.accepted for one in trial.send(Silence())] == [True] * len(people)
    return [
        Receipt(one.msgid, one.openid, "success", int(one.time), one.time + 1)
        for one in desk.sandbox.shown()[known:]
    ]


@pytest.mark.parametrize("age", [None, 1.0], ids=["noted", "claimed just now"])
def test_the_receipt_of_a_test_settles_no_message_of_a_run(desk: Desk, age: float | None) -> None:
    """The tester is in the list, too, and what was sent to him then has never arrived."""
    rows = begun(desk)
    of_test, of_other_test = try_out(desk, 3), try_out(desk, 4)
    doubt(desk, rows, [3, 4], age=age)
    take_in(desk, *of_test, *of_other_test)
    assert settle_run(desk).delivered == 0
    take_in(desk, receipt(desk, 3))
    assert settle_run(desk).delivered == 1
    assert latest(desk)[openid(3)].code == "receipt"
    sent = desk.send(rows, resend_in_doubt=True)
    assert (sent.summary.accepted, desk.shown_to().count(openid(4))) == (6, 2)


def test_a_receipt_of_a_tester_that_names_no_message_settles_nothing(desk: Desk) -> None:
    rows = begun(desk)
    (of_test,) = try_out(desk, 3)
    doubt(desk, rows, [3])
    take_in(desk, of_test._replace(msgid=0))
    assert settle_run(desk).delivered == 0


@pytest.mark.parametrize("mark", [None, Mark.SILENT, Mark.IN_DOUBT], ids=["killed", "silent", "in doubt"])
def test_a_test_without_an_answer_may_own_a_receipt(desk: Desk, mark: Mark | None) -> None:
    rows = begun(desk)
    doubt(desk, rows, [3])
    card, tested = card_of(desk), message(openid(3))
    folder = desk.around.directories.trials_path(card.origin, card.appid)
    with closing(TrialLog(folder, "test-1")) as log:
        log.commit([], [Claim(tested, desk.around.clock.moment())])
        if mark is not None:
            log.commit([record(tested, mark)._replace(at=now(desk))])
    take_in(desk, receipt(desk, 3))
    assert settle_run(desk).delivered == 0
    take_in(desk, receipt(desk, 3, msgid=77))
    assert settle_run(desk).delivered == 1


def test_of_a_test_no_text_is_kept(desk: Desk) -> None:
    begun(desk)
    (of_test,) = try_out(desk, 3)
    card, kept = card_of(desk), list[Record]()
    folder = desk.around.directories.trials_path(card.origin, card.appid)
    assert review(folder, kept.append) == []
    assert [(one.to, one.msgid) for one in kept] == [(openid(3), of_test.msgid)]
    assert not any("苹果".encode() in file.read_bytes() for file in folder.iterdir())


def test_notes_of_tests_that_cant_be_read_keep_receipts_from_settling(desk: Desk) -> None:
    rows = begun(desk)
    try_out(desk, 4)
    doubt(desk, rows, [3])
    take_in(desk, receipt(desk, 3))
    card = card_of(desk)
    folder = desk.around.directories.trials_path(card.origin, card.appid)
    tamper(folder, "UPDATE Cache SET value = replace(value, ?, ?)", "test-", "best-")
    with pytest.raises(DamagedStateError):
        settle_run(desk)


def test_a_message_accepted_without_its_msgid_finds_its_receipt_too(desk: Desk) -> None:
    """As one that the operator settled."""
    rows = begun(desk)
    doubt(desk, rows, [3, 4])
    with opened(
        SettleRequest("orders", Decision.DELIVERED, everything=True), desk.around, desk.folder
    ) as one:
        one.settle(one.doubtful, Decision.DELIVERED)
        one.settlement()
    take_in(desk, receipt(desk, 3), receipt(desk, 4, ago=5000), receipt(desk, 5))
    found = delivery_of(folder_of(desk), card_of(desk), desk.around)
    assert found is not None
    assert {one.key: told is not None for one, told in found} == {
        openid(1): False, openid(2): False, openid(3): True, openid(4): False
    }  # fmt: skip
    assert (found.delivered, found.unconfirmed) == (1, 3)


# Held messages


def with_review(passes: float) -> Sandbox:
    """A WeChat that takes everything into review, which is over at once."""
    template = {"template_id": TEMPLATE_ID, "title": "订单发货通知", "content": CONTENT}
    review = {"chance": "100%", "passes": f"{passes:.0%}", "after_s": 0}
    return Sandbox(from_mapping({"version": 1, "templates": [template], "review": review}))


def test_a_held_message_that_was_delivered_is_accepted(tmp_path: Path) -> None:
    with with_review(1) as sandbox:
        desk = Desk(tmp_path, sandbox)
        assert desk.send(people(3)).summary.held == 3
        take_in(desk, receipt(desk, 1), receipt(desk, 2, ago=-1800))
        done = settle_run(desk)
        assert (done.delivered, done.summary.accepted, done.summary.held) == (2, 2, 1)


def test_a_held_message_that_was_rejected_has_failed(tmp_path: Path) -> None:
    with with_review(0) as sandbox:
        desk = Desk(tmp_path, sandbox)
        assert desk.send(people(250)).summary.held == 250
        done = settle_run(desk, by_receipts=False, by_review=True)
        assert (done.rejected, done.summary.failed, done.summary.held) == (250, 250, 0)
        assert {(one.code, one.detail) for one in latest(desk).values()} == {
            ("40252", "rejected after review")
        }
        with opened_again(RetryRequest("orders"), desk.around, desk.folder) as retrying:
            assert retrying.plan().people == 0
        with opened_again(
            RetryRequest("orders", codes=frozenset({"40252"})), desk.around, desk.folder
        ) as one:
            assert one.plan().people == 250
        assert settle_run(desk, by_receipts=False, by_review=True).rejected == 0


def put(desk: Desk, run: str, person: int, mark: Mark | None, *, ago: int = 0) -> None:
    """Let a run have a message to this person that WeChat has not rejected; without a mark, just claimed."""
    folder = find_run(run, desk.around, desk.folder)
    card = folder.card()
    assert card is not None
    moment, one = desk.around.clock.moment(), message(openid(person))
    made = replace(moment, wall=moment.wall - ago, boot=moment.boot - ago)
    with folder.locked(), closing(Ledger(folder.ledger, card.id, may_be_new=False)) as book:
        book.commit([], [Claim(one, made)])
        if mark is not None:
            book.commit([record(one, mark)._replace(at=now(desk) - ago)])


def reviewed(desk: Desk, run: str = "orders") -> int:
    rejected: int = settle_run(desk, run, by_receipts=False, by_review=True).rejected
    return rejected


@pytest.mark.parametrize(
    "mark", [Mark.HELD, Mark.IN_DOUBT, Mark.SILENT, None], ids=["held", "in doubt", "silent", "killed"]
)
def test_of_two_runs_messages_nobody_can_tell_which_was_rejected(tmp_path: Path, mark: Mark | None) -> None:
    """Whoever is called failed can be sent it again, and this one might get it twice then."""
    with with_review(0) as sandbox:
        desk = Desk(tmp_path, sandbox)
        desk.send(people(3)[1:])
        desk.send([Row(1)], run="another")
        put(desk, "orders", 1, mark)
        assert (reviewed(desk), reviewed(desk, "another")) == (2, 0)
        take_in(desk, receipt(desk, 1))  # of one of them
        assert settle_run(desk).delivered == 0


def test_a_rejection_is_of_the_message_that_has_failed_by_it(tmp_path: Path) -> None:
    with with_review(0) as sandbox:
        desk = Desk(tmp_path, sandbox)
        desk.send(people(1))
        desk.send([Row(2)], run="another")
        assert reviewed(desk) == 1
        put(desk, "another", 1, Mark.HELD)
        assert reviewed(desk, "another") == 1
        assert settle_run(desk, "another", by_receipts=False, by_review=True).summary.held == 1


def test_messages_of_another_time_or_that_were_accepted_are_no_rejected_ones(tmp_path: Path) -> None:
    with with_review(0) as sandbox:
        desk = Desk(tmp_path, sandbox)
        desk.send(people(3))
        desk.send([Row(9)], run="another")
        put(desk, "another", 1, Mark.HELD, ago=900)
        put(desk, "another", 2, Mark.ACCEPTED)
        assert reviewed(desk) == 3


def test_a_test_may_be_what_was_rejected(tmp_path: Path) -> None:
    with with_review(0) as sandbox:
        desk = Desk(tmp_path, sandbox)
        desk.send(people(2))
        request = SendRequest(desk.folder / "campaign.yaml", desk.folder / "users.csv", "users.csv")
        (tried,) = prepare(request, [openid(7)], None, desk.around).send(Silence())
        assert (tried.accepted, tried.code) == (False, "40252")
        put(desk, "orders", 7, Mark.HELD)
        assert reviewed(desk) == 2


# Never what wasn't shown


@dataclass(frozen=True)
class Sent:
    """A message of the account: in which run, to whom, when, and what the sender knows of it.

    What is in no run was a test.
    """

    run: int | None
    person: int
    at: int
    known: str
    was_shown: bool


THEN = int(MORNING)
RUNS = [RunId("https://api.weixin.qq.com", "wx0123456789abcdef", f"run{number}") for number in range(2)]
SENT = st.builds(
    Sent,
    run=st.sampled_from([0, 0, 1, 1, None]),
    person=st.integers(0, 2),
    at=st.sampled_from([0, 0, 1, 300, 900, 4000]),
    known=st.sampled_from(["accepted", "accepted", "in_doubt", "in_doubt", "claimed", "held", "repeat"]),
    was_shown=st.booleans(),
).map(lambda one: replace(one, was_shown=one.was_shown or one.known in ("accepted", "repeat")))


class Account:
    """Two runs of one account with their ledgers, and what its people were really shown."""

    def __init__(self, home: Path, sent: Sequence[Sent]) -> None:
        self.around, self.sent = Surroundings({}, home), sent
        self.folders = [RunFolder.of(home, run) for run in RUNS]
        for number, (run, folder) in enumerate(zip(RUNS, self.folders, strict=True)):
            ensure_private_dir(folder.path.parent)
            ensure_private_dir(folder.path)
            folder.write_card(self.card(run))
            with closing(Ledger(folder.ledger, run)) as book:
                for key, one in enumerate(sent):
                    if one.run == number:
                        self.write(book, key, one)
        trials = self.around.directories.trials_path(RUNS[0].origin, RUNS[0].appid)
        for key, one in enumerate(sent):
            if one.run is None:
                ensure_private_dir(trials.parent.parent)
                ensure_private_dir(trials.parent)
                with closing(TrialLog(trials, f"test-{key}")) as log:
                    self.write(log, key, one)

    def card(self, run: RunId) -> RunCard:
        return RunCard(
            name=run.name, origin=run.origin, appid=run.appid, account="default", campaign="c", list="l",
            template_id="T", template_title="t", content="", selection="", created=MORNING,
        )  # fmt: skip

    def write(self, book: Ledger | TrialLog, key: int, one: Sent) -> None:
        made = message(f"m{key}", key)._replace(to=f"o{one.person}")
        at = THEN + one.at
        book.commit([], [Claim(made, Moment(at, 0.0, "boot"))])
        if one.known == "claimed":
            return
        mark = {"in_doubt": Mark.IN_DOUBT, "held": Mark.HELD}.get(one.known, Mark.ACCEPTED)
        msgid = 1000 + key if one.known == "accepted" else None
        code = {"accepted": "0", "repeat": "40241"}.get(one.known, "-1")
        book.commit([record(made, mark)._replace(at=at, msgid=msgid, code=code)])

    def take_in(self, receipts: Sequence[Receipt]) -> None:
        run = RUNS[0]
        with closing(ReceiptLog(self.around.directories.receipts_path(run.origin, run.appid))) as log:
            log.append(receipts)

    def settle(self, number: int) -> set[int]:
        """The messages that are accepted by a receipt now."""
        run, folder = RUNS[number], self.folders[number]
        with closing(Ledger(folder.ledger, run, may_be_new=False)) as book:
            done = settle(book, folder, self.card(run), self.around)
        found = {int(one.key[1:]) for _place, one in ledgers.records(folder.ledger) if one.code == "receipt"}
        assert done.total <= len(found)
        return found


def receipts_of(sent: Sequence[Sent], chance: random.Random) -> list[Receipt]:
    """Those of what was shown, some lost, doubled or without a msgid, and those of strangers, in disorder."""
    found = []
    for key, one in enumerate(sent):
        if one.was_shown and chance.random() < 0.8:
            msgid = chance.choice([1000 + key, 1000 + key, 0])
            at = THEN + one.at + chance.randint(0, 3)
            status = chance.choice(["success", "success", "failed:user block"])
            found += [Receipt(msgid, f"o{one.person}", status, at, at + 0.5)] * chance.choice([1, 1, 2])
            if chance.random() < 0.1:
                found.append(Receipt(0, f"o{one.person}", status, at, at + 9.5))
    found += [Receipt(5000 + n, f"stranger{n}", "success", THEN + n, 0.0) for n in range(3)]
    found += [Receipt(6000 + n, f"o{n}", "success", THEN - 90_000, 0.0) for n in range(3)]
    chance.shuffle(found)
    return found


@settings(max_examples=150)
@given(sent=st.lists(SENT, min_size=1, max_size=6), seed=st.integers(0, 2**32))
def test_nothing_is_settled_that_nobody_was_shown(
    tmp_path_factory: pytest.TempPathFactory, sent: list[Sent], seed: int
) -> None:
    chance = random.Random(seed)
    account = Account(tmp_path_factory.mktemp("account"), sent)
    account.take_in(receipts_of(sent, chance))
    settled = account.settle(0) | account.settle(1) | account.settle(0)
    assert all(sent[key].was_shown for key in settled)
    assert all(sent[key].known in ("in_doubt", "claimed", "held") for key in settled)
    assert all(sent[key].run is not None for key in settled)


def test_in_a_plain_case_everything_that_was_shown_is_settled(tmp_path: Path) -> None:
    """Else the test above could pass with nothing settled at all."""
    sent = [
        Sent(n % 2, n, 0, known, n % 3 > 0) for n, known in enumerate(["in_doubt", "claimed", "held"] * 4)
    ]
    account = Account(tmp_path, sent)
    account.take_in(
        [Receipt(2000 + n, f"o{n}", "success", THEN + 2, 0.0) for n, one in enumerate(sent) if one.was_shown]
    )
    assert account.settle(0) | account.settle(1) == {n for n, one in enumerate(sent) if one.was_shown}


def test_what_was_settled_is_told_in_words() -> None:
    assert told(Settled()) == []
    assert told(Settled(1200, 34)) == [
        "1,234 messages that were in doubt or held have their receipts: they were accepted."
    ]


def test_waiting_for_receipts_ends_when_all_have_come(desk: Desk) -> None:
    rows = people(3)
    shown = desk.send(rows, wait_receipts=0.1)
    assert shown.summary.notes == ["No receipt came: is `wxpush receipts serve` running for this account?"]
    take_in(
        desk,
        *(Receipt(one.msgid, one.openid, "success", int(one.time) + 1, 0.0) for one in desk.sandbox.shown()),
    )
    begun_at = desk.around.clock.monotonic()
    again = desk.send(rows, wait_receipts=600)
    assert desk.around.clock.monotonic() - begun_at < 60
    figures = again.summary.delivery
    assert figures is not None
    assert (figures.delivered, figures.unconfirmed) == (3, 0)
