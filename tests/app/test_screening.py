"""Who is left out of a sending, over all passes and days: the numbers add up, and nobody is forgotten."""

import csv
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.app.desk import CONTENT, TEMPLATE_ID, Silence, new_sandbox, openid
from tests.app.test_sending import adds_up
from wxpush.app import retrying
from wxpush.app.request import SendRequest
from wxpush.app.results import Plan, Summary, Survey
from wxpush.app.retrying import RetryPlan, RetryRequest
from wxpush.app.sending import opened
from wxpush.app.suppressing import folder_of, note_trouble, welcome
from wxpush.app.suppression_list import suppression_list
from wxpush.app.surroundings import Surroundings
from wxpush.clock import Clock
from wxpush.config import load_account
from wxpush.delivery.identity import hash64
from wxpush.delivery.journal import blocks
from wxpush.delivery.ports import Listener, Waiting
from wxpush.delivery.suppressions import entries, suppressed
from wxpush.errors import ProblemsError, StoppedError
from wxpush.sandbox import Sandbox
from wxpush.sandbox.sandbox import environment
from wxpush.sandbox.scenario import from_mapping

#: 2026-11-26 12:00 in Beijing.
NOON = 1_795_665_600.0
USERS = "/cgi-bin/user/info/batchget"
HOUR, DAY = 3600.0, 86_400.0


@dataclass(frozen=True)
class Order:
    """One row of the list: whose it is, which of his, and when it was paid."""

    person: int
    number: int = 1
    paid: str = "2026-11-26 10:00:00"
    product: str = "苹果"


@dataclass
class Sent:
    """What one call told."""

    survey: Survey | None
    plan: Plan
    summary: Summary


@dataclass
class Desk:
    """Somebody who sends orders from `folder` on days that are wound on."""

    folder: Path
    sandbox: Sandbox
    passed: float = 0.0
    waited: float = 0.0
    around: Surroundings = field(init=False)

    def __post_init__(self) -> None:
        started = time.time()
        variables = environment(self.sandbox) | {"WXPUSH_HOME": str(self.folder / "home")}
        variables["WXPUSH_CONFIG"] = str(self.folder / "config.yaml")
        (self.folder / "config.yaml").write_text("testers: {}\n")
        clock = Clock(
            wall=lambda: NOON + self.passed + time.time() - started,
            monotonic=lambda: time.monotonic() + self.waited,
        )
        self.around = Surroundings(variables, clock=clock)

    def campaign(self, **rules: Any) -> Path:
        template = {"id": TEMPLATE_ID, "title": "订单发货通知", "content": CONTENT}
        data = {"thing1": "{{ product }}", "thing2": "{{ number }}"}
        values = {"name": "orders", "template": template, "data": data, "key": "{{ openid }}:{{ number }}"}
        path = self.folder / "campaign.yaml"
        path.write_text(json.dumps(values | rules, ensure_ascii=False), encoding="utf-8")
        return path

    def list(self, orders: Sequence[Order]) -> Path:
        path = self.folder / "users.csv"
        rows = [[openid(one.person), one.number, one.paid, one.product] for one in orders]
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([["openid", "number", "paid_at", "product"], *rows])
        return path

    def send(
        self,
        orders: Sequence[Order],
        rules: dict[str, Any] | None = None,
        listener: Listener | None = None,
        *,
        meanwhile: Callable[[], object] = lambda: None,
        **options: Any,
    ) -> Sent:
        """`meanwhile` happens while the question stands open."""
        request = SendRequest(
            self.campaign(**rules or {}),
            self.list(orders),
            "users.csv",
            **{"rate": 2000.0, "workers": 4} | options,
        )
        with opened(request, self.around) as sending:
            survey = sending.preflight.survey(lambda _rows: None)
            if sending.preflight.asks_who_follows:
                sending.preflight.check_followers(lambda _people: None)
            plan = sending.plan()
            meanwhile()
            sent = Sent(survey, plan, sending.execute(listener or Silence()))
        assert adds_up(sent.summary)
        return sent

    def retry(self, listener: Listener | None = None, **options: Any) -> tuple[RetryPlan, Summary]:
        with retrying.opened(RetryRequest(**options), self.around, self.folder) as run:
            plan = run.plan()
            summary = run.execute(listener or Silence()) if plan.people else run.summary()
        assert adds_up(summary)
        return plan, summary

    def suppress(self, *people: int, until: str | None = None) -> None:
        self.listed_folder.parent.mkdir(parents=True, exist_ok=True)
        for path in (self.listed_folder.parent, *self.listed_folder.parent.parents[:2]):
            path.chmod(0o700)
        suppression_list(None, self.around).add([openid(one) for one in people], "asked us", until)

    @property
    def listed_folder(self) -> Path:
        return folder_of(self.around.directories, load_account(None, self.around.environ))

    @property
    def suppressed(self) -> dict[str, str]:
        """Who is on the list, and who put him there."""
        return {entry.openid: entry.source for entry in entries(self.listed_folder)}

    def shown(self) -> Counter[str]:
        return Counter(shown.openid for shown in self.sandbox.shown())


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with new_sandbox() as sandbox:
        yield Desk(tmp_path, sandbox)


PEOPLE = [Order(person) for person in range(6)]
ONCE = {"limits": {"per_user_per_day": "1"}}
EXPIRES = {"expires": {"column": "paid_at", "after": "7d"}}
AUTO = {"suppress": {"auto": "24h"}}


def told(summary: Summary) -> tuple[str, int, dict[str, int], int]:
    return summary.state, summary.accepted, dict(summary.skips), summary.pending


@pytest.mark.parametrize("preflight", [True, False])
def test_whoever_is_on_the_list_gets_nothing_until_he_is_taken_off(desk: Desk, preflight: bool) -> None:
    desk.suppress(1, 2)
    assert told(desk.send(PEOPLE, preflight=preflight).summary) == ("finished", 4, {"suppressed": 2}, 0)
    suppression_list(None, desk.around).remove([openid(1)])
    assert told(desk.send(PEOPLE, preflight=preflight).summary) == ("finished", 5, {"suppressed": 1}, 0)
    assert desk.shown() == Counter({openid(person): 1 for person in (0, 1, 3, 4, 5)})


@pytest.mark.parametrize("preflight", [True, False])
@pytest.mark.parametrize("earlier", [(), (1,)], ids=["the first", "one more"])
def test_who_is_put_on_the_list_while_the_question_stands_open_gets_nothing(
    desk: Desk, preflight: bool, earlier: tuple[int, ...]
) -> None:
    desk.suppress(*earlier)
    sent = desk.send(PEOPLE, meanwhile=lambda: desk.suppress(2, 3), preflight=preflight)
    left_out = 2 + len(earlier)
    assert told(sent.summary) == ("finished", 6 - left_out, {"suppressed": left_out}, 0)
    assert openid(2) not in desk.shown()


def test_who_is_taken_off_the_list_meanwhile_gets_it(desk: Desk) -> None:
    desk.suppress(1)
    listed = suppression_list(None, desk.around)
    sent = desk.send(PEOPLE, meanwhile=lambda: listed.remove([openid(1)]))
    assert told(sent.summary) == ("finished", 6, {}, 0)


def test_what_was_sent_to_a_person_meanwhile_counts(desk: Desk) -> None:
    def an_hour_later() -> None:
        desk.passed += HOUR
        desk.send(PEOPLE[:2], run="another")
        desk.list(PEOPLE)

    sent = desk.send(PEOPLE, ONCE, meanwhile=an_hour_later)
    assert told(sent.summary) == ("finished", 4, {"frequency": 2}, 0)


def test_an_entry_ends_by_itself(desk: Desk) -> None:
    desk.suppress(1, until="2h")
    assert desk.send(PEOPLE).summary.skips == {"suppressed": 1}
    desk.passed = 3 * HOUR
    assert told(desk.send(PEOPLE).summary) == ("finished", 6, {}, 0)


def test_what_was_accepted_stays_accepted(desk: Desk) -> None:
    desk.send(PEOPLE)
    desk.suppress(1)
    desk.passed = 30 * DAY
    sent = desk.send([*PEOPLE, Order(1, 2)], ONCE | EXPIRES)
    assert told(sent.summary) == ("finished", 6, {"suppressed": 1}, 0)


@pytest.mark.parametrize("preflight", [True, False])
def test_a_person_gets_one_message_a_day_over_all_campaigns(desk: Desk, preflight: bool) -> None:
    first = desk.send(PEOPLE[:3], ONCE, run="one", preflight=preflight)
    assert told(first.summary) == ("finished", 3, {}, 0)
    second = desk.send([*PEOPLE, Order(5, 2)], ONCE, run="two", preflight=preflight)
    assert told(second.summary) == ("finished", 3, {"frequency": 4}, 0)
    desk.passed = 13 * HOUR
    third = desk.send([*PEOPLE, Order(5, 2)], ONCE, run="two", preflight=preflight)
    assert told(third.summary) == ("finished", 7, {}, 0)
    assert desk.shown() == Counter({openid(one): 2 for one in (0, 1, 2, 5)} | {openid(3): 1, openid(4): 1})


def test_a_week_is_today_and_the_six_days_before(desk: Desk) -> None:
    rules = {"limits": {"per_user_per_week": "2"}}
    accepted = []
    for day in (0, 1, 2, 6, 7, 8):
        desk.passed = day * DAY
        accepted.append(desk.send([Order(1)], rules, run=f"day-{day}").summary.accepted)
    assert accepted == [1, 1, 0, 0, 1, 1]


def test_runs_without_limits_count_and_other_accounts_do_not(desk: Desk, tmp_path: Path) -> None:
    desk.send(PEOPLE[:2], run="free")
    other = desk.around.directories.home
    assert other is not None
    with new_sandbox() as elsewhere:
        (tmp_path / "there").mkdir()
        there = Desk(tmp_path / "there", elsewhere)
        there.around = replace(there.around, environ={**there.around.environ, "WXPUSH_HOME": str(other)})
        assert there.send(PEOPLE, ONCE, run="there").summary.accepted == 6
    assert desk.send(PEOPLE, ONCE).summary.skips == {"frequency": 2}


def test_a_run_that_cannot_be_read_is_told_of_and_counts_for_nobody(desk: Desk) -> None:
    desk.send(PEOPLE[:2], run="broken")
    (card,) = (desk.folder / "home" / "runs").glob("broken-*/run.json")
    card.write_text("{}")
    sent = desk.send(PEOPLE, ONCE)
    assert sent.summary.accepted == 6
    assert [note for note in sent.plan.notes if "run.json" in note]


def test_a_message_expires_while_the_run_goes_on(desk: Desk) -> None:
    """The clock moves when the third message is on its way, so that the others are too late by then."""
    orders = [replace(one, paid="2026-11-19 13:00") for one in PEOPLE]
    calls: list[object] = []

    def wind_on(call: object) -> None:
        calls.append(call)
        if len(calls) == 3:
            desk.passed = 2 * HOUR

    desk.sandbox.on_send(wind_on)
    first = desk.send(orders, EXPIRES, rate=5.0, workers=1)
    accepted = first.summary.accepted
    assert first.plan.people == 6
    assert 3 <= accepted < 6
    assert told(first.summary) == ("finished", accepted, {"expired": 6 - accepted}, 0)
    assert told(desk.send(orders, EXPIRES).summary) == told(first.summary)
    assert desk.shown().total() == accepted


@pytest.mark.parametrize("preflight", [True, False])
@pytest.mark.parametrize("earlier", [(), (1,)], ids=["the first", "one more"])
def test_who_is_put_on_the_list_while_the_run_goes_on_gets_nothing(
    desk: Desk, preflight: bool, earlier: tuple[int, ...]
) -> None:
    desk.suppress(*earlier)
    calls: list[object] = []

    def complain(call: object) -> None:
        calls.append(call)
        if len(calls) == 2:
            desk.suppress(5)
            desk.waited = 10.0

    desk.sandbox.on_send(complain)
    sent = desk.send(PEOPLE, rate=5.0, workers=1, preflight=preflight)
    left_out = 1 + len(earlier)
    assert told(sent.summary) == ("finished", 6 - left_out, {"suppressed": left_out}, 0)
    assert openid(5) not in desk.shown()


def test_a_list_that_cannot_be_read_any_more_stops_no_run_and_is_told_of(desk: Desk) -> None:
    desk.suppress(1)
    calls: list[object] = []

    def break_it(call: object) -> None:
        calls.append(call)
        if len(calls) == 2:
            (desk.listed_folder / "cache.db").write_bytes(b"x" * 8192)
            desk.waited = 10.0

    desk.sandbox.on_send(break_it)
    sent = desk.send(PEOPLE, rate=5.0, workers=1)
    assert told(sent.summary) == ("finished", 5, {"suppressed": 1}, 0)
    assert [note for note in sent.summary.notes if str(desk.listed_folder) in note]


class NextMorning(Silence):
    """A listener for whom the night is over as soon as the run has to wait for it."""

    def __init__(self, desk: "Desk") -> None:
        self._desk = desk
        self.waits = 0

    def waiting(self, waiting: Waiting | None) -> None:
        if waiting is not None:
            self.waits += 1
            self._desk.passed = 21 * HOUR


@pytest.mark.parametrize("preflight", [True, False])
def test_what_was_claimed_and_given_back_for_the_night_is_looked_at_again(
    desk: Desk, preflight: bool
) -> None:
    """Evening falls with the fifth message, when others are claimed; in the morning all are too late."""
    orders = [Order(person, paid="2026-11-19 20:00") for person in range(60)]
    calls: list[object] = []

    def evening(call: object) -> None:
        calls.append(call)
        if len(calls) == 5:
            desk.passed = 10 * HOUR

    desk.sandbox.on_send(evening)
    listener = NextMorning(desk)
    sent = desk.send(
        orders,
        EXPIRES | {"send_window": "08:00-21:00"},
        rate=100.0,
        workers=1,
        preflight=preflight,
        listener=listener,
    )
    accepted = sent.summary.accepted
    assert told(sent.summary) == ("finished", accepted, {"expired": 60 - accepted}, 0)
    assert (accepted, listener.waits) == (len(calls), 1)
    assert 5 <= accepted <= 8  # what was on its way in the evening


@pytest.mark.parametrize(
    ("paid", "expired"),
    [
        ("2026-11-19 12:00:30", False),
        ("2026-11-19 11:59:59", True),
        ("2026/11/19 11:59", True),
        ("2026年11月19日 12:01", False),
        ("2026-11-19", True),
        ("2026-11-20", False),
        ("2026-11-19T04:01:00Z", False),
        ("2026-11-18T23:59:00-04:00", True),
        ("2026-11-19T00:01:00-04:00", False),
        ("1795060830", False),
        ("1795060790000", True),
    ],
)
def test_the_moment_is_read_as_people_write_it(desk: Desk, paid: str, expired: bool) -> None:
    summary = desk.send([Order(1, paid=paid), Order(2)], EXPIRES).summary
    assert summary.skips == ({"expired": 1} if expired else {})


def test_a_day_that_something_is_valid_until_counts_whole(desk: Desk) -> None:
    until = {"expires": {"column": "paid_at"}}
    orders = [Order(1, paid="2026-11-25"), Order(2, paid="2026-11-26"), Order(3, paid="2026-11-26 11:59")]
    assert told(desk.send(orders, until).summary) == ("finished", 1, {"expired": 2}, 0)


@pytest.mark.parametrize(
    ("paid", "words"),
    [("", 'no value for "paid_at"'), ("soon", "“soon” is not a date"), ("2026-02-30", "date")],
)
def test_a_moment_that_cannot_be_read_is_a_fault_of_the_row(desk: Desk, paid: str, words: str) -> None:
    with pytest.raises(ProblemsError, match=words) as caught:
        desk.send([*PEOPLE, Order(7, paid=paid)], EXPIRES)
    (problem,) = caught.value.problems
    assert (problem.code, problem.line) == ("WX409", 8)
    assert problem.hint
    assert desk.shown() == Counter()
    summary = desk.send([*PEOPLE, Order(7, paid=paid)], EXPIRES, skip_invalid=True).summary
    assert (summary.accepted, summary.failed) == (6, 1)


def test_a_limit_counts_what_is_sent_and_the_rest_is_as_the_check_has_it(desk: Desk) -> None:
    desk.suppress(0, 5)
    first = desk.send(PEOPLE, limit=2)
    assert told(first.summary) == ("limited", 2, {"suppressed": 2}, 2)
    assert told(desk.send(PEOPLE, limit=1, preflight=False).summary) == ("limited", 3, {"suppressed": 1}, 2)
    assert told(desk.send(PEOPLE).summary) == ("finished", 4, {"suppressed": 2}, 0)


def test_in_doubt_stays_in_doubt(desk: Desk) -> None:
    desk.send(PEOPLE[:2])
    settle_as_doubtful(desk, openid(1))
    desk.suppress(1)
    sent = desk.send(PEOPLE[:2], resend_in_doubt=True)
    assert (sent.summary.accepted, sent.summary.in_doubt, sent.summary.skips) == (1, 1, {})


def settle_as_doubtful(desk: Desk, who: str) -> None:
    """Write into the ledger that this person's message is in doubt."""
    from wxpush.delivery.ledger import Ledger, records
    from wxpush.delivery.records import Mark
    from wxpush.delivery.run import runs_in

    (folder,) = runs_in(desk.folder / "home")
    card = folder.card()
    assert card is not None
    (found,) = [record for _place, record in records(folder.ledger) if record.to == who]
    ledger = Ledger(folder.ledger, card.id)
    ledger.commit([found._replace(mark=Mark.IN_DOUBT, code="timeout")])
    ledger.close()
    folder.write_card(replace(card, call=card.call | {"accepted": card.call["accepted"] - 1}))


def test_a_failure_that_reads_differently_now_stays_one_while_its_person_is_suppressed(desk: Desk) -> None:
    desk.sandbox.unfollow(openid(1))
    assert desk.send(PEOPLE).summary.failed == 1
    desk.sandbox.follow(openid(1))
    desk.suppress(1)
    mended = [replace(one, product="梨") if one.person == 1 else one for one in PEOPLE]
    summary = desk.send(mended).summary
    assert (summary.accepted, summary.failed, summary.skips) == (5, 1, {})
    suppression_list(None, desk.around).remove([openid(1)])
    assert desk.send(mended).summary.accepted == 6


def test_retry_failed_leaves_out_who_is_suppressed_or_too_late(desk: Desk) -> None:
    for person in (1, 2, 3):
        desk.sandbox.unfollow(openid(person))
    orders = [replace(one, paid="2026-11-19 13:00") if one.person == 2 else one for one in PEOPLE]
    assert desk.send(orders, EXPIRES).summary.failed == 3
    for person in (1, 2, 3):
        desk.sandbox.follow(openid(person))
    desk.suppress(1)
    desk.passed = 2 * HOUR
    plan, summary = desk.retry(everything=True)
    assert (plan.people, dict(plan.left_out)) == (1, {"suppressed": 1, "expired": 1})
    assert (summary.accepted, summary.failed) == (4, 2)
    assert desk.shown()[openid(3)] == 1


def test_retry_failed_looks_again_at_what_it_gave_back_for_the_night(desk: Desk) -> None:
    orders = [Order(person, paid="2026-11-19 20:00") for person in range(60)]
    for person in range(0, 60, 2):
        desk.sandbox.unfollow(openid(person))
    assert desk.send(orders, EXPIRES | {"send_window": "08:00-21:00"}, workers=1).summary.failed == 30
    calls: list[object] = []

    def evening(call: object) -> None:
        calls.append(call)
        if len(calls) == 5:
            desk.passed = 10 * HOUR

    for person in range(0, 60, 2):
        desk.sandbox.follow(openid(person))
    desk.sandbox.on_send(evening)
    listener = NextMorning(desk)
    plan, summary = desk.retry(listener, everything=True, rate=100.0, workers=1)
    assert (plan.people, listener.waits) == (30, 1)
    assert 5 <= len(calls) <= 8  # what was on its way in the evening
    assert (summary.accepted, summary.failed) == (30 + len(calls), 30 - len(calls))
    assert desk.shown().total() == summary.accepted


def test_a_limit_by_day_reads_no_run_of_another_day(desk: Desk) -> None:
    """The damage of yesterday's run is noticed only where its messages are counted."""
    desk.send(PEOPLE, {"limits": {"per_user_per_day": 1}}, run="yesterday")
    desk.passed = 25 * HOUR
    (ledger,) = desk.folder.glob("**/runs/*/ledger/cache.db")
    ledger.write_bytes(b"x" * 4096)
    os.utime(ledger, (NOON + HOUR, NOON + HOUR))
    by_day = desk.send(PEOPLE, {"limits": {"per_user_per_day": 1}}, run="today")
    assert (by_day.plan.notes, by_day.summary.accepted) == ([], len(PEOPLE))
    by_week = desk.send(PEOPLE, {"limits": {"per_user_per_week": 3}}, run="week")
    assert len([note for note in by_week.plan.notes if "aren't counted" in note]) == 1


def test_people_in_trouble_come_onto_the_list_and_a_success_takes_them_off(desk: Desk) -> None:
    desk.sandbox.unfollow(openid(1))
    desk.sandbox.set_state(openid(2), "refused")
    assert desk.send(PEOPLE).summary.failed == 2
    assert desk.suppressed == {}
    assert desk.send(PEOPLE, AUTO).summary.failed == 2
    assert desk.suppressed == {openid(1): "43004", openid(2): "43101"}
    assert told(desk.send(PEOPLE, AUTO, run="next").summary)[2] == {"suppressed": 2}
    desk.sandbox.follow(openid(1))
    desk.passed = 25 * HOUR
    assert desk.send(PEOPLE[:2], AUTO, run="later").summary.accepted == 2
    assert desk.suppressed == {openid(2): "43101"}


def test_what_the_operator_said_outlives_what_is_found_out(desk: Desk) -> None:
    desk.suppress(1)
    desk.sandbox.unfollow(openid(1))
    note_trouble(desk.listed_folder, openid(1), "failed:user block", NOON + 1, NOON + HOUR)
    welcome(desk.listed_folder, [openid(1), openid(2)], NOON + 2)
    assert desk.suppressed == {openid(1): "operator"}
    note_trouble(desk.listed_folder, openid(2), "failed:user block", NOON, None)
    assert suppressed(desk.listed_folder).until(hash64(openid(2))) == float("inf")
    welcome(desk.listed_folder, [openid(1), openid(2)], NOON + 2)
    assert desk.suppressed == {openid(1): "operator"}
    # What happened before he was welcomed, and is only told now, is over.
    before = len(list(blocks(desk.listed_folder)))
    note_trouble(desk.listed_folder, openid(2), "43004", NOON + 1, None)
    assert desk.suppressed == {openid(1): "operator"}
    assert len(list(blocks(desk.listed_folder))) == before, "what has no effect isn't written"
    # He was welcomed before what happened now, and it is only told now.
    note_trouble(desk.listed_folder, openid(2), "43004", NOON + 3, None)
    welcome(desk.listed_folder, [openid(2)], NOON + 2.5)
    assert desk.suppressed == {openid(1): "operator", openid(2): "43004"}


def test_only_those_who_follow_are_sent_to(desk: Desk) -> None:
    for person in (1, 2):
        desk.sandbox.unfollow(openid(person))
    rules = {"check_followers": "true"} | AUTO
    desk.suppress(3)
    desk.sandbox.set_state(openid(3), "foreign")  # whoever asks about him gets no answer about anybody
    sent = desk.send([*PEOPLE, Order(1, 2)], rules)
    assert sent.plan.people == 3
    assert told(sent.summary) == ("finished", 3, {"suppressed": 1, "not_following": 3}, 0)
    assert (sent.summary.failed, sent.summary.attempts) == (0, 3)
    assert desk.sandbox.requests_by_path[USERS] == 1
    assert desk.suppressed == {openid(3): "operator"} | dict.fromkeys((openid(1), openid(2)), "not_following")


def test_a_follower_check_takes_off_the_list_who_follows_again(desk: Desk) -> None:
    for person in (1, 2):
        desk.sandbox.unfollow(openid(person))
    desk.send(PEOPLE, AUTO, run="before")
    desk.sandbox.follow(openid(1))
    sent = desk.send(PEOPLE, {"check_followers": "true"} | AUTO)
    assert told(sent.summary) == ("finished", 5, {"suppressed": 1}, 0)
    assert sent.plan.people == 5
    assert desk.suppressed.keys() == {openid(2)}


@pytest.mark.parametrize("preflight", [True, False])
def test_only_those_still_to_be_sent_to_are_asked_about(desk: Desk, preflight: bool) -> None:
    rules = {"check_followers": "true"}
    desk.send(PEOPLE, rules, limit=2, preflight=preflight)
    for person in (0, 1):
        desk.sandbox.set_state(openid(person), "foreign")
    desk.sandbox.unfollow(openid(4))
    sent = desk.send(PEOPLE, rules, preflight=preflight)
    assert told(sent.summary) == ("finished", 5, {"not_following": 1}, 0)
    assert desk.sandbox.requests_by_path[USERS] == 2
    desk.send(PEOPLE[:4], rules, preflight=preflight)
    assert desk.sandbox.requests_by_path[USERS] == 2


def test_nothing_is_sent_where_followers_cannot_be_told(tmp_path: Path) -> None:
    known = {"template_id": TEMPLATE_ID, "title": "订单发货通知", "content": CONTENT}
    scenario = {"version": 1, "templates": [known], "account": {"refused": 48001}}
    with Sandbox(from_mapping(scenario)) as sandbox:
        desk = Desk(tmp_path, sandbox)
        with pytest.raises(StoppedError) as caught:
            desk.send(PEOPLE, {"check_followers": "true"})
        assert (caught.value.code, desk.shown()) == ("48001", Counter())
        assert "check_followers" in caught.value.hint


def test_a_thousand_people_are_asked_about_in_hundreds(desk: Desk) -> None:
    orders = [Order(person) for person in range(1, 951)]
    for person in range(1, 951, 19):
        desk.sandbox.unfollow(openid(person))
    sent = desk.send(orders, {"check_followers": "true"})
    assert told(sent.summary) == ("finished", 900, {"not_following": 50}, 0)
    assert desk.sandbox.requests_by_path[USERS] == 10


def test_an_openid_of_another_account_is_named_and_stops_unless_it_may_be_skipped(desk: Desk) -> None:
    desk.sandbox.set_state(openid(2), "foreign")
    rules = {"check_followers": "true"}
    with pytest.raises(StoppedError, match=f"line 4: {openid(2)}") as caught:
        desk.send(PEOPLE, rules)
    assert (caught.value.code, desk.shown()) == ("40003", Counter())
    summary = desk.send(PEOPLE, rules, skip_invalid=True).summary
    assert (summary.accepted, summary.failed) == (5, 1)


ROWS = st.lists(
    st.builds(
        Order,
        st.integers(0, 6),
        st.integers(1, 3),
        st.sampled_from(["2026-11-26 10:00:00", "2026-11-10", "2026-11-19 12:30"]),
    ),
    min_size=1,
    max_size=14,
    unique_by=lambda order: (order.person, order.number),
)
RULES = st.builds(
    lambda limits, expires, followers: limits | expires | followers,
    st.sampled_from([{}, ONCE, {"limits": {"per_user_per_day": "2", "per_user_per_week": "2"}}]),
    st.sampled_from([{}, EXPIRES]),
    st.sampled_from([{}, {"check_followers": "true"}]),
)
CALLS = st.lists(
    st.tuples(RULES, st.booleans(), st.none() | st.integers(1, 4), st.sampled_from([0.0, HOUR, DAY])),
    min_size=1,
    max_size=3,
)


@settings(max_examples=20)
@given(ROWS, CALLS, st.sets(st.integers(0, 6), max_size=2), st.sets(st.integers(0, 6), max_size=2))
def test_whatever_is_screened_the_numbers_add_up(
    rows: list[Order],
    calls: list[tuple[dict[str, Any], bool, int | None, float]],
    suppressed: set[int],
    gone: set[int],
) -> None:
    with tempfile.TemporaryDirectory() as folder, new_sandbox() as sandbox:
        desk = Desk(Path(folder), sandbox)
        if suppressed:
            desk.suppress(*suppressed)
        for person in gone:
            desk.sandbox.unfollow(openid(person))
        for rules, preflight, limit, passed in calls:
            desk.passed += passed
            summary = desk.send(rows, rules, preflight=preflight, limit=limit).summary
            assert summary.total == len(rows)
            if limit is None and summary.state == "finished":
                assert summary.pending == 0
        shown = desk.shown()
        assert not shown.keys() & {openid(person) for person in suppressed | gone}
        assert all(count <= sum(row.person == person for row in rows)
                   for person in range(7) if (count := shown[openid(person)]))  # fmt: skip
