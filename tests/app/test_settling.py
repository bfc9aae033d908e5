"""What the operator decides about messages in doubt: the ledger, the counts and the next send obey."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.app.desk import TEA, Desk, Row, material, new_sandbox, openid
from tests.app.test_selection import rendered
from tests.delivery.ledgers import record
from wxpush.app.decisions import SettleRequest
from wxpush.app.doubtful import Decision
from wxpush.app.known_runs import find_run, view
from wxpush.app.results import RunView, Settlement
from wxpush.app.settling import opened
from wxpush.clock import Clock
from wxpush.delivery import ledger as ledgers
from wxpush.delivery.ledger import Ledger
from wxpush.delivery.policy import DEDUPE_WINDOW_S
from wxpush.delivery.records import Claim, Mark, Record
from wxpush.delivery.run import RunFolder
from wxpush.errors import InputError, ProblemsError
from wxpush.i18n import set_language

DELIVERED, RESEND = Decision.DELIVERED, Decision.RESEND
STATES = ("accepted", "failed", "skipped", "held", "in_doubt", "pending")


@pytest.fixture(autouse=True)
def in_english() -> None:
    set_language("en")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with new_sandbox() as fresh:
        yield Desk(tmp_path, fresh)


def folder_of(desk: Desk) -> RunFolder:
    return find_run("orders", desk.around, desk.folder)


def doubt(desk: Desk, rows: Sequence[Row], people: Sequence[int], *, age: float | None = None) -> None:
    """Put messages in doubt: noted as such, or claimed `age` seconds ago by a process that was killed."""
    folder = folder_of(desk)
    card = folder.card()
    assert card is not None
    by_key = {message.key: message for message in rendered(material(desk.folder, rows)).values()}
    messages = [by_key[openid(person)] for person in people]
    now = desk.around.clock.moment()
    made = replace(now, wall=now.wall - (age or 0), boot=now.boot - (age or 0))
    with folder.locked():
        book = Ledger(folder.ledger, card.id, may_be_new=False)
        book.commit([], [Claim(message, made) for message in messages])
        if age is None:
            book.commit([record(message, Mark.IN_DOUBT, attempts=2) for message in messages])
        book.close()


def settle(
    desk: Desk, decision: Decision | None, people: Sequence[int] = (), **options: object
) -> Settlement:
    keys = tuple(openid(person) for person in people)
    request = SettleRequest("orders", decision, keys=keys, **options)  # type: ignore[arg-type]
    with opened(request, desk.around, desk.folder) as settling:
        decided = settling.decided()
        for one, messages in decided.messages.items():
            settling.settle(messages, one)
        return settling.settlement(decided.passed_over)


def latest(desk: Desk) -> Mapping[str, Record]:
    return {found.key: found for _place, found in ledgers.records(folder_of(desk).ledger)}


def seen(desk: Desk) -> tuple[RunView, RunView]:
    """The run as its card tells it, and as its ledger does."""
    folder = folder_of(desk)
    return view(folder, desk.around, whole=False), view(folder, desk.around, whole=True)


def people(count: int) -> list[Row]:
    return [Row(person) for person in range(1, count + 1)]


def begun(desk: Desk, count: int = 6, sent: int = 2) -> list[Row]:
    """A run of `count` people, of whom the first `sent` have their message."""
    rows = people(count)
    desk.send(rows, limit=sent, keep_first=False)
    return rows


def test_who_got_it_is_accepted_and_never_sent_again(desk: Desk) -> None:
    rows = begun(desk)
    doubt(desk, rows, [3, 4])
    done = settle(desk, DELIVERED, [3, 4])
    assert (done.delivered, done.to_resend, done.exit_code) == (2, 0, 0)
    ended = desk.send(rows)
    assert (ended.summary.accepted, ended.summary.attempts) == (6, 2)
    assert sorted(desk.shown_to()) == [openid(person) for person in (1, 2, 5, 6)]


def test_the_record_of_a_decision_says_that_it_is_one(desk: Desk) -> None:
    rows = begun(desk)
    doubt(desk, rows, [3, 4])
    settle(desk, DELIVERED, [3])
    settle(desk, RESEND, [4])
    got, again = latest(desk)[openid(3)], latest(desk)[openid(4)]
    assert [(one.mark, one.code, one.epoch, one.attempts) for one in (got, again)] == [
        (Mark.ACCEPTED, "settled", 0, 2),
        (Mark.RELEASED, "settled", 1, 2),
    ]


@pytest.mark.parametrize("age", [None, DEDUPE_WINDOW_S + 60], ids=["noted", "claimed"])
def test_who_is_to_get_it_again_is_sent_it_once_with_a_fresh_id(desk: Desk, age: float | None) -> None:
    rows = begun(desk, 3, 1)
    doubt(desk, rows, [2], age=age)
    done = settle(desk, RESEND, [2])
    assert (done.to_resend, done.summary.pending, done.exit_code) == (1, 2, 0)
    sent = desk.send(rows)
    assert sent.survey is not None
    assert (sent.survey.to_send, sent.plan.people, sent.plan.in_doubt) == (2, 2, 0)
    assert (sent.summary.accepted, sent.summary.attempts) == (3, 2)
    assert latest(desk)[openid(2)].epoch == 1
    assert desk.send(rows).summary.attempts == 0


def test_where_only_claims_that_are_too_old_are_left_nothing_is_sent_or_asked(desk: Desk) -> None:
    rows = begun(desk, 2, 1)
    doubt(desk, rows, [2], age=DEDUPE_WINDOW_S + 60)
    before = desk.sandbox.requests_by_path
    sent = desk.send(rows)
    assert (sent.plan.is_over, sent.plan.recovered, sent.plan.in_doubt) == (True, 0, 1)
    assert (sent.summary.in_doubt, sent.summary.accepted, sent.summary.total) == (1, 1, 2)
    assert desk.sandbox.requests_by_path == before
    again = desk.send(rows, resend_in_doubt=True)
    assert (again.plan.recovered, again.summary.accepted) == (1, 2)


@pytest.mark.parametrize("age", [1.0, DEDUPE_WINDOW_S - 30])
def test_a_young_claim_is_left_to_the_send_that_knows_its_id(desk: Desk, age: float) -> None:
    rows = begun(desk, 4, 1)
    doubt(desk, rows, [2], age=age)
    doubt(desk, rows, [3])
    done = settle(desk, DELIVERED, everything=True)
    assert (done.delivered, done.in_window, done.summary.in_doubt, done.exit_code) == (1, 1, 1, 1)
    assert settle(desk, RESEND, [2]).to_resend == 0
    ended = desk.send(rows).summary
    assert (ended.accepted, ended.attempts) == (4, 2)
    assert latest(desk)[openid(2)].epoch == 0


def test_the_window_is_reckoned_by_the_clock_that_nobody_can_set(desk: Desk) -> None:
    rows = begun(desk, 2, 1)
    doubt(desk, rows, [2], age=60.0)
    an_hour_on = replace(desk.around.clock, wall=lambda: Clock().wall() + 3600)
    desk.around = replace(desk.around, clock=an_hour_on)
    assert settle(desk, DELIVERED, everything=True).in_window == 1
    after_the_window = replace(an_hour_on, boot=lambda: Clock().boot() + DEDUPE_WINDOW_S)
    desk.around = replace(desk.around, clock=after_the_window)
    assert settle(desk, DELIVERED, everything=True).delivered == 1


def test_card_and_ledger_tell_the_same_after_it(desk: Desk) -> None:
    rows = begun(desk)
    doubt(desk, rows, [3, 4, 5])
    settle(desk, DELIVERED, [3])
    done = settle(desk, RESEND, [5])
    card, ledger = seen(desk)
    assert card.counts == ledger.counts
    assert (card.total, card.counts["accepted"], card.counts["in_doubt"], card.counts["pending"]) == (
        6, 3, 1, 2
    )  # fmt: skip
    assert card.state == ledger.state == done.summary.state == "limited"


def test_a_run_that_was_finished_isnt_while_somebody_is_to_get_it_again(desk: Desk) -> None:
    rows = people(3)
    desk.sandbox.unfollow(openid(3))
    desk.send(rows)
    assert seen(desk)[0].state == "finished"
    doubt(desk, rows, [3])
    settle(desk, RESEND, [3])
    assert seen(desk)[0].state == "limited"
    desk.sandbox.follow(openid(3))
    assert desk.send(rows).summary.state == "finished"


def test_a_killed_run_stays_interrupted(desk: Desk) -> None:
    rows = begun(desk)
    folder = folder_of(desk)
    card = folder.card()
    assert card is not None
    with folder.locked():
        folder.write_card(replace(card, call={}))  # as a kill leaves it
    doubt(desk, rows, [3])
    settle(desk, DELIVERED, [3])
    card_view, ledger_view = seen(desk)
    assert card_view.state == ledger_view.state == "interrupted"
    assert card_view.counts == ledger_view.counts
    assert (card_view.counts["accepted"], card_view.counts["pending"], card_view.total) == (3, 3, 6)


def test_nothing_decided_changes_nothing(desk: Desk) -> None:
    rows = begun(desk)
    doubt(desk, rows, [3], age=1.0)
    before = seen(desk)[1]
    settle(desk, DELIVERED, everything=True)
    after = seen(desk)[1]
    assert (after.updated, after.counts) == (before.updated, before.counts)


def test_who_left_the_list_waits_and_is_told_apart(desk: Desk) -> None:
    rows = begun(desk, 4, 2)
    doubt(desk, rows, [3])
    settle(desk, RESEND, [3])
    without = [row for row in rows if row.person != 3]
    ended = desk.send(without)
    assert (ended.summary.total, ended.summary.accepted, ended.summary.pending) == (4, 3, 1)
    assert (ended.summary.gone_pending, ended.summary.state) == (1, "finished")
    assert ended.plan.people == 1
    last = desk.send(rows).summary
    assert (last.accepted, last.attempts, last.gone_pending) == (4, 1, 0)


@pytest.mark.parametrize("now", [Row(3, status="unpaid"), Row(3, product="")], ids=["skipped", "wrong"])
def test_who_gets_nothing_by_the_list_of_then_is_counted_once(desk: Desk, now: Row) -> None:
    rows = begun(desk, 4, 2)
    doubt(desk, rows, [3])
    settle(desk, RESEND, [3])
    ended = desk.send([*rows[:2], now, rows[3]]).summary
    card, ledger = seen(desk)
    assert (ended.total, ended.accepted, ended.skipped + ended.failed, ended.pending) == (4, 3, 1, 0)
    assert (card.total, card.counts) == (ledger.total, ledger.counts)
    assert card.total == 4


def test_what_reads_differently_by_then_is_sent_as_it_reads_now(desk: Desk) -> None:
    rows = begun(desk, 2, 1)
    doubt(desk, rows, [2])
    settle(desk, RESEND, [2])
    assert desk.send([rows[0], Row(2, TEA)]).summary.attempts == 1
    assert [shown.data["thing1"] for shown in desk.sandbox.shown()][-1] == TEA


def test_one_line_of_two_lists_must_be_named_by_its_key(desk: Desk) -> None:
    rows = begun(desk, 3, 1)
    doubt(desk, rows, [2])
    others = [Row(1), Row(9), Row(3)]
    desk.send([rows[0]])
    doubt(desk, others, [9])
    with pytest.raises(ProblemsError, match="several messages"):
        settle(desk, DELIVERED, lines=(3,))
    assert settle(desk, DELIVERED, [9]).delivered == 1
    assert settle(desk, DELIVERED, lines=(3,)).delivered == 1


def test_an_unknown_run_is_refused(desk: Desk) -> None:
    begun(desk)
    with (
        pytest.raises(InputError, match="no run"),
        opened(SettleRequest("christmas"), desk.around, desk.folder),
    ):
        pass


@dataclass
class World:
    """What should be true: the list as it was at first, and how each person's message stands.

    `surveyed` where the card keeps what the check of the list found.
    """

    desk: Desk
    surveyed: bool
    order: list[int]
    stands: dict[int, str]
    before: Counter[str]
    listed: set[int]

    def sends(self) -> Counter[str]:
        """Calls of template/send by person since this world began."""
        calls = self.desk.sandbox.calls("/cgi-bin/message/template/send")
        return Counter(call.openid for call in calls) - self.before

    def settle(self, decision: Decision, some: Sequence[int]) -> None:
        chosen = [person for person in some if self.stands.get(person) in ("in_doubt", "young")]
        done = settle(self.desk, decision, chosen)
        decided = [person for person in chosen if self.stands[person] == "in_doubt"]
        state = "accepted" if decision is DELIVERED else "pending"
        self.stands |= dict.fromkeys(decided, state)
        assert done.delivered + done.to_resend == len(decided)
        self.check_counts(done.to_json())

    def send(self, order: Sequence[int]) -> None:
        """Send to the people of `order`; the others are no longer in the list."""
        self.listed = set(order)
        due = {person for person in order if self.stands[person] in ("untouched", "pending")}
        due |= {person for person, state in self.stands.items() if state == "young"}
        before = self.sends()
        summary = self.desk.send([Row(person) for person in order], keep_first=not self.surveyed).summary
        assert self.sends() - before == Counter(openid(person) for person in due)
        self.stands |= dict.fromkeys(due, "accepted")
        self.check_counts(summary.to_json())

    def check_counts(self, told: Mapping[str, object]) -> None:
        card, ledger = seen(self.desk)
        names = {"young": "in_doubt", "untouched": "pending"}
        # Of whom the ledger knows nothing, only the list can tell.
        known = {p: s for p, s in self.stands.items() if s != "untouched" or p in self.listed}
        wanted = Counter(names.get(state, state) for state in known.values())
        for counts in (told, {"total": card.total, **card.counts}, {"total": ledger.total, **ledger.counts}):
            assert counts["total"] == len(known)
            assert {name: counts[name] for name in STATES if counts[name]} == dict(wanted)


FIRST, OTHERS = 1, range(2, 9)
KINDS = st.sampled_from(["accepted", "in_doubt", "in_doubt", "old", "young", "untouched"])
SOME = st.lists(st.sampled_from(OTHERS), unique=True)
#: Decisions about some people, and sends to the list as it was at first (None) or to another one.
ACTIONS = st.lists(
    st.tuples(st.sampled_from([DELIVERED, RESEND]), SOME)
    | st.tuples(st.just("send"), st.none() | st.permutations([FIRST, *OTHERS]))
    | st.tuples(st.just("send"), SOME.map(lambda some: [FIRST, *some])),
    min_size=1,
    max_size=5,
)


def begin_with(desk: Desk, kinds: Mapping[int, str], *, surveyed: bool) -> World:
    """A run that was sent to those accepted and then killed, with what that leaves."""
    accepted = [FIRST, *(person for person, kind in kinds.items() if kind == "accepted")]
    order = [*accepted, *(person for person in kinds if person not in accepted)]
    rows = [Row(person) for person in order]
    desk.send(rows, limit=len(accepted), keep_first=not surveyed)
    for kind, age in (("in_doubt", None), ("old", DEDUPE_WINDOW_S + 60), ("young", 5.0)):
        if some := [person for person, found in kinds.items() if found == kind]:
            doubt(desk, rows, some, age=age)
    stands = {FIRST: "accepted"} | {person: kind.replace("old", "in_doubt") for person, kind in kinds.items()}
    return World(desk, surveyed, order, stands, Counter(map(openid, accepted)), set(order))


@settings(max_examples=12)
@given(st.fixed_dictionaries(dict.fromkeys(OTHERS, KINDS)), ACTIONS, st.booleans())
def test_after_any_decisions_the_counts_add_up_and_nobody_accepted_is_sent_to(
    kinds: dict[int, str], actions: list[tuple[str, list[int] | None]], surveyed: bool
) -> None:
    with new_sandbox() as sandbox, tempfile.TemporaryDirectory() as place:
        world = begin_with(Desk(Path(place), sandbox), kinds, surveyed=surveyed)
        for what, some in actions:
            if what == "send":
                world.send(some or world.order)
            else:
                world.settle(Decision(what), some or [])
        world.send(world.order)
        assert set(world.stands.values()) <= {"accepted", "in_doubt"}
        assert max(world.sends().values(), default=0) <= 1
