"""A message on its way: what its attempts have met, and what is written of it."""

from dataclasses import replace

import pytest

from tests.delivery import world as w
from tests.delivery.ledgers import THEN, claim, message
from wxpush.delivery.flight import Flight
from wxpush.delivery.identity import hash64
from wxpush.delivery.policy import History
from wxpush.delivery.records import KEEPS_PAYLOAD, Mark
from wxpush.model import Verdict

LATER = replace(THEN, wall=THEN.wall + 100, boot=THEN.boot + 100)


def test_a_fresh_flight_has_no_history() -> None:
    assert Flight(message(1)).history(LATER) == History(attempts=0)


def test_a_recovered_claim_keeps_its_moment_and_what_it_met() -> None:
    flight = Flight.recovered(claim(1)._replace(attempts=2, unanswered=True))
    assert flight.history(LATER) == History(attempts=2, unanswered=True, orphan=True, age=100.0)
    assert flight.ambiguous


@pytest.mark.parametrize(("seconds", "outside"), [(0, False), (479.9, False), (480, True), (9999, True)])
def test_the_window_closes_eight_minutes_after_the_claim(seconds: float, outside: bool) -> None:
    now = replace(THEN, boot=THEN.boot + seconds)
    assert Flight(message(1), THEN).outside_window(now) is outside


def test_a_flight_without_a_claim_is_outside_no_window() -> None:
    assert not Flight(message(1)).outside_window(LATER)


@pytest.mark.parametrize(
    ("verdict", "unanswered", "busy", "refusals"),
    [
        (w.SILENT, True, False, 0),
        (w.BUSY, False, True, 0),
        (w.REFUSED_CONNECTION, False, False, 0),
        (w.TOKEN_REFUSED, False, False, 0),
        (w.TOO_OFTEN, False, False, 0),
        (w.TOO_OFTEN._replace(recipient_last=False), False, False, 1),
        (w.MINUTE_LIMIT, False, False, 0),
        (w.OK, False, False, 0),
    ],
)
def test_an_answer_leaves_its_trace(verdict: Verdict, unanswered: bool, busy: bool, refusals: int) -> None:
    flight = Flight(message(1), THEN)
    news = flight.judged(verdict)
    assert (flight.unanswered, flight.busy, flight.refusals) == (unanswered, busy, refusals)
    assert news is (unanswered or busy)
    assert not flight.judged(verdict), "the same again is no news"


def test_silence_is_never_forgotten() -> None:
    flight = Flight(message(1), THEN)
    for verdict in (w.SILENT, w.BUSY, w.REFUSED_CONNECTION, w.MINUTE_LIMIT):
        flight.judged(verdict)
    assert flight.unanswered


def test_the_next_epoch_changes_nothing_but_the_id() -> None:
    flight = Flight(message(1))
    flight.next_epoch()
    assert flight.message == message(1)._replace(epoch=1)
    assert flight.repeats == 1


@pytest.mark.parametrize("mark", list(Mark))
def test_a_record_keeps_what_can_be_listed_or_sent_again(mark: Mark) -> None:
    flight = Flight(message(1), THEN, attempts=3)
    verdict = w.UNFOLLOWED._replace(detail="require subscribe " * 100)
    record = flight.record(mark, verdict, 1_795_399_200.9)
    assert (record.key, record.row, record.line, record.attempts) == (message(1).key, 1, 3, 3)
    assert (record.mark, record.code, record.cls) == (mark, "43004", w.UNFOLLOWED.cls)
    assert record.at == 1_795_399_200
    assert len(record.detail) == 500
    assert record.payload_hash == f"{hash64(message(1).payload):016x}"
    kept = (message(1).payload, message(1).fields) if mark in KEEPS_PAYLOAD else ("", "")
    assert (record.payload, record.fields) == kept
