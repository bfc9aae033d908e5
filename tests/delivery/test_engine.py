"""The engine's loop, in a world whose clock jumps from event to event."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, time
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.delivery import world as w
from tests.delivery.world import World, message, messages
from wxpush.clock import BEIJING, Moment
from wxpush.delivery.engine import Settings
from wxpush.delivery.flight import Flight
from wxpush.delivery.gate import GateRules
from wxpush.delivery.hand import Hand
from wxpush.delivery.hours import DayHours
from wxpush.delivery.policy import RetryRules, StopRules
from wxpush.delivery.ports import Notice, Progress, Why
from wxpush.delivery.records import Claim, Mark, Record
from wxpush.model import Message, Quota, Verdict

FAST = Settings(rate=1000.0)


def moment(world: World, ago: float) -> Moment:
    clock = world.time.clock().moment()
    return Moment(clock.wall - ago, clock.boot - ago, clock.boot_id)


def test_every_message_is_posted_once_and_recorded() -> None:
    world = World(settings=FAST)
    ending = world.run(messages(500))
    assert ending.state == "finished"
    assert Counter(post.key for post in world.channel.posts) == {f"o{n:027d}": 1 for n in range(500)}
    assert world.ledger.marks() == {Mark.ACCEPTED: 500}
    assert world.ledger.claims == {}


@pytest.mark.parametrize("rate", [0.5, 1.0, 7.0, 30.0, 250.0])
def test_the_rate_is_kept_and_used(rate: float) -> None:
    world = World(settings=Settings(rate=rate, workers=64))
    world.run(messages(int(rate * 20) + 5))
    times = [post.at for post in world.channel.posts]
    burst = max(1.0, rate / 10)
    for start in range(len(times)):
        within = sum(1 for at in times[start:] if at < times[start] + 1)
        assert within <= rate + burst + max(1, 0.02 * rate)
    assert len(times) / (times[-1] - 1000.0) == pytest.approx(rate, rel=0.02)


def test_retries_take_slots_of_the_same_rate() -> None:
    def answer(post: w.Post) -> Verdict:
        return w.SILENT if post.nth == 1 and int(post.key[1:]) % 3 == 0 else w.OK

    world = World(answer, Settings(rate=50.0))
    world.run(messages(600))
    times = [post.at for post in world.channel.posts]
    assert len(times) == 800
    for start in times:
        assert sum(start <= at < start + 1 for at in times) <= 50 + 5 + 1


def test_u_messages_are_claimed_and_not_one_more() -> None:
    """Nobody is accepted: claims pile up to the bound, and no new ones are made."""
    world = World(lambda _post: w.BUSY, Settings(rate=20.0, workers=2, stop=StopRules(None, outage=None)))
    world.run(messages(100))
    assert world.settings.most_in_doubt == 2 * 2 + 10
    assert world.ledger.most_claimed == 14


def test_what_was_silent_a_few_times_is_accepted_in_the_end() -> None:
    def answer(post: w.Post) -> Verdict:
        return w.SILENT if int(post.key[1:]) % 3 == 0 and post.nth < 6 else w.OK

    world = World(answer, Settings(rate=400.0, workers=8))
    world.run(messages(600))
    assert world.ledger.marks() == {Mark.ACCEPTED: 600}


def test_an_ambiguous_message_is_tried_again_with_the_same_id() -> None:
    world = World(lambda post: w.SILENT if post.nth < 3 else w.OK, FAST)
    world.run(messages(1))
    assert len({post.client_msg_id for post in world.channel.posts}) == 1
    assert len(world.channel.posts) == 3
    assert world.ledger.marks() == {Mark.ACCEPTED: 1}


def test_a_message_that_never_gets_an_answer_ends_in_doubt_within_the_window() -> None:
    world = World(lambda _post: w.BUSY, Settings(rate=1000.0, stop=StopRules(None, 200, None)))
    ending = world.run(messages(3))
    assert ending.state == "finished"
    assert world.ledger.marks() == {Mark.IN_DOUBT: 3}
    posts = world.channel.posts
    assert max(post.at for post in posts) - min(post.at for post in posts) < 480


def test_a_duplicate_after_silence_was_accepted_and_after_minus_one_is_in_doubt() -> None:
    answers = {"silent": w.SILENT, "busy": w.BUSY}
    world = World(lambda post: answers[post.key] if post.nth == 1 else w.DUPLICATE, FAST)
    world.run(iter([message("silent"), message("busy", 1)]))
    final = world.ledger.final()
    assert final["silent"].mark is Mark.ACCEPTED
    assert final["busy"].mark is Mark.IN_DOUBT


def test_a_duplicate_at_the_first_attempt_waits_a_minute_and_gets_a_fresh_id_twice() -> None:
    world = World(lambda _post: w.DUPLICATE, FAST)
    world.run(messages(1))
    posts = world.channel.posts
    assert len({post.client_msg_id for post in posts}) == 3
    assert posts[1].at - posts[0].at >= 60
    assert world.ledger.marks() == {Mark.FAILED: 1}


def test_a_recipients_failure_never_stops_the_others() -> None:
    world = World(lambda post: w.UNFOLLOWED if int(post.key[1:]) % 2 else w.OK, FAST)
    ending = world.run(messages(1000))
    assert ending.state == "finished"
    assert world.ledger.marks() == {Mark.ACCEPTED: 500, Mark.FAILED: 500}


def test_a_held_message_is_not_sent_again() -> None:
    world = World(lambda _post: w.HELD, FAST)
    world.run(messages(2))
    assert len(world.channel.posts) == 2
    assert world.ledger.marks() == {Mark.HELD: 2}


def test_an_account_fault_stops_at_once_and_loses_nobody() -> None:
    world = World(lambda post: w.FORBIDDEN if int(post.key[1:]) >= 50 else w.OK, FAST)
    ending = world.run(messages(1000))
    assert (ending.state, ending.code) == ("stopped", "48004")
    assert len(world.channel.posts) <= 50 + 16
    assert world.ledger.claims == {}
    assert world.ledger.marks()[Mark.ACCEPTED] == 50


def test_one_fault_on_eighteen_of_the_first_twenty_answers_stops_the_run() -> None:
    world = World(lambda _post: w.UNFOLLOWED, Settings(rate=30.0))
    ending = world.run(messages(1000))
    assert (ending.state, ending.code) == ("stopped", "43004")
    assert len(world.channel.posts) < 40


def test_too_many_failures_that_are_not_the_recipients_own_spend_the_budget() -> None:
    world = World(lambda post: w.BAD_VALUE if int(post.key[1:]) % 5 == 0 else w.OK, FAST)
    ending = world.run(messages(2000))
    assert (ending.state, ending.code) == ("stopped", "budget")
    assert len(world.channel.posts) < 300


def test_a_person_written_to_too_often_comes_last_and_then_fails() -> None:
    world = World(lambda post: w.TOO_OFTEN if post.key == "o" + "0" * 27 else w.OK, FAST)
    world.run(messages(300))
    posts = [post for post in world.channel.posts if post.key == "o" + "0" * 27]
    assert len(posts) == 2
    assert world.channel.posts[-1] == posts[1]
    assert world.ledger.marks() == {Mark.ACCEPTED: 299, Mark.FAILED: 1}


def test_a_refused_token_costs_the_message_nothing() -> None:
    rules = RetryRules(attempts=1)
    world = World(lambda post: w.TOKEN_REFUSED if post.nth < 3 else w.OK, Settings(rate=1000.0, retry=rules))
    world.run(messages(40))
    assert world.ledger.marks() == {Mark.ACCEPTED: 40}
    assert len({post.client_msg_id for post in world.channel.posts}) == 40


def test_the_minute_limit_pauses_for_a_minute_and_halves_the_rate() -> None:
    first: list[float] = []

    def answer(post: w.Post) -> Verdict:
        if not first and int(post.key[1:]) == 30:
            first.append(post.at)
            return w.MINUTE_LIMIT
        return w.OK

    world = World(answer, Settings(rate=30.0))
    world.run(messages(100))
    resumed = [post.at for post in world.channel.posts if post.at > first[0] + 1]
    assert min(resumed) - first[0] >= 60
    assert (len(resumed) - 1) / (max(resumed) - min(resumed)) < 20
    assert any(wait and wait.why is Why.THROTTLE for wait in world.notes.waits)
    assert world.ledger.marks() == {Mark.ACCEPTED: 100}


def test_an_outage_is_waited_out_with_few_probes() -> None:
    world = World(settings=Settings(rate=30.0))
    down = (world.time.now + 5, world.time.now + 305)
    world.channel.answer = lambda post: w.REFUSED_CONNECTION if down[0] <= post.at < down[1] else w.OK
    ending = world.run(messages(600))
    during = [post for post in world.channel.posts if down[0] + 1 < post.at < down[1]]
    after = [post.at for post in world.channel.posts if post.at >= down[1]]
    assert ending.state == "finished"
    assert len(during) <= 0.01 * 30 * 300
    assert min(after) - down[1] < 60
    assert world.ledger.marks() == {Mark.ACCEPTED: 600}
    assert any(wait and wait.why is Why.OUTAGE for wait in world.notes.waits)


def test_an_outage_beyond_patience_stops_with_everything_pending() -> None:
    world = World(lambda _post: w.REFUSED_CONNECTION, Settings(rate=30.0))
    ending = world.run(messages(600))
    assert (ending.state, ending.code) == ("stopped", "network")
    assert world.time.now - 1000 == pytest.approx(600, abs=60)
    assert world.ledger.marks() == {Mark.RELEASED: len(world.ledger.final())}


def test_the_reserve_of_the_quota_is_kept() -> None:
    world = World(settings=FAST, quota=Quota(limit=1000, used=800, remain=200))
    world.channel.quota = Quota(limit=1000, used=900, remain=100)
    ending = world.run(messages(500))
    assert (ending.state, ending.code) == ("stopped", "quota")
    assert len(world.channel.posts) == 100
    assert world.ledger.claims == {}


def test_answers_that_come_together_are_judged_in_their_order() -> None:
    """People who follow first, then many who don't: the first answers were good, whenever they are read."""
    world = World(
        lambda post: w.OK if int(post.key[1:]) < 22 else w.UNFOLLOWED,
        Settings(rate=1000.0, workers=64),
        GateRules(1000.0, burst=64),
    )
    world.time.now += 1
    ending = world.run(messages(64))
    assert ending.state == "finished"
    assert world.ledger.marks() == {Mark.ACCEPTED: 22, Mark.FAILED: 42}


def test_what_slow_calls_would_keep_waiting_is_not_claimed() -> None:
    world = World(settings=Settings(rate=500.0, workers=4, timeout=60.0), latency=10.0)
    world.run(messages(40))
    assert world.ledger.most_claimed <= 8


def test_a_quota_that_has_not_counted_what_is_on_its_way_gives_nothing_back() -> None:
    world = World(settings=FAST, quota=Quota(limit=30, used=0, remain=30))
    world.channel.daily = 30
    ending = world.run(messages(60))
    assert (ending.state, ending.code) == ("stopped", "quota")
    assert len(world.channel.posts) == 27


def test_waiting_for_the_quota_goes_on_the_next_morning() -> None:
    rules = Settings(rate=100.0, wait_for_quota=True)
    world = World(lambda post: w.QUOTA_SPENT if post.nth == 1 and post.at < 1100 else w.OK, rules)
    world.channel.quota = Quota(limit=1000, used=0, remain=1000)
    ending = world.run(messages(20))
    resumed = min(post.at for post in world.channel.posts if post.at > 1100) + world.time.wall_offset
    assert ending.state == "finished"
    assert datetime.fromtimestamp(resumed, BEIJING).strftime("%d %H") == "24 08"
    assert world.ledger.marks() == {Mark.ACCEPTED: 20}


def test_an_unreadable_quota_is_said_and_sending_goes_on() -> None:
    world = World(settings=FAST)
    world.run(messages(2500))
    assert world.notes.notices == [Notice.QUOTA_UNREADABLE]
    assert len(world.channel.posts) == 2500


def test_nothing_is_begun_outside_the_hours() -> None:
    world = World(rules=GateRules(30.0, hours=DayHours(time(12), time(13))), settings=Settings(rate=30.0))
    world.run(messages(30))
    hours = {datetime.fromtimestamp(p.at + world.time.wall_offset, BEIJING).hour for p in world.channel.posts}
    assert hours == {12}


def until(seconds: float) -> datetime:
    """So many seconds after a world begins."""
    return datetime.fromtimestamp(w.MORNING + seconds, UTC)


@pytest.mark.parametrize("latency", [0.05, 3.0])
def test_from_the_end_that_was_set_nothing_is_begun_and_answers_are_taken(latency: float) -> None:
    rules = GateRules(30.0, until=until(10))
    world = World(rules=rules, settings=Settings(rate=30.0, workers=200), latency=latency)
    ending = world.run(messages(1000))
    assert (ending.state, ending.code, ending.unsettled) == ("stopped", "until", 0)
    assert 290 <= len(world.channel.posts) <= 303
    assert max(post.at for post in world.channel.posts) < 1010
    assert world.ledger.marks()[Mark.ACCEPTED] == len(world.channel.posts)
    assert world.ledger.claims == {}


def test_what_is_done_by_then_is_finished() -> None:
    world = World(rules=GateRules(30.0, until=until(10)), settings=Settings(rate=30.0))
    assert world.run(messages(200)).state == "finished"


@pytest.mark.parametrize(
    "rules",
    [
        GateRules(30.0, hours=DayHours(time(12), time(13)), until=until(600)),
        GateRules(30.0, until=until(-1)),
        GateRules(30.0, until=until(600)),
    ],
    ids=["closed hours", "past already", "no quota"],
)
def test_a_wait_ends_with_the_end_that_was_set(rules: GateRules) -> None:
    settings = Settings(rate=30.0, wait_for_quota=True)
    world = World(rules=rules, settings=settings, quota=Quota(1000, 950, 50))
    ending = world.run(messages(1000))
    assert (ending.state, ending.code) == ("stopped", "until")
    assert world.channel.posts == []
    assert world.time.now <= 1601


def test_a_clock_that_is_set_forward_ends_it() -> None:
    world = World(rules=GateRules(30.0, until=until(3600)), settings=Settings(rate=30.0))

    def answer(_post: w.Post) -> Verdict:
        if len(world.channel.posts) == 100:
            world.time.wall_offset += 3600
        return w.OK

    world.channel.answer = answer
    assert world.run(messages(1000)).code == "until"
    assert 100 <= len(world.channel.posts) <= 110


@pytest.mark.parametrize(
    ("rate", "latency"), [(200.0, 0.2), (30.0, 0.05)], ids=["no worker free", "claimed ahead"]
)
def test_stopping_takes_the_answers_under_way_and_leaves_nothing_in_doubt(
    rate: float, latency: float
) -> None:
    world = World(settings=Settings(rate=rate), latency=latency)

    def answer(_post: w.Post) -> Verdict:
        if len(world.channel.posts) == 100:
            world.engine.stop()
        return w.OK

    world.channel.answer = answer
    ending = world.run(messages(1000))
    assert ending.state == "interrupted"
    assert ending.unsettled == 0
    assert world.ledger.claims == {}
    assert len(world.channel.posts) == 100
    assert world.ledger.marks()[Mark.ACCEPTED] == 100


def test_a_ledger_that_cannot_be_written_stops_the_posts() -> None:
    world = World(settings=Settings(rate=100.0))
    world.ledger.fail_after = 5
    ending = world.run(messages(1000))
    assert (ending.state, ending.code) == ("stopped", "storage")
    assert len(world.channel.posts) <= 5 * 20


def test_nothing_is_shown_that_is_not_on_the_ledger() -> None:
    world = World(lambda post: w.UNFOLLOWED if int(post.key[1:]) % 7 == 0 else w.OK, Settings(rate=300.0))
    told: list[tuple[int, int]] = []

    def progress(shown: Progress) -> None:
        marks = world.ledger.marks()
        told.append((shown.accepted, shown.failed))
        assert told[-1] == (marks[Mark.ACCEPTED], marks[Mark.FAILED])

    world.notes.progress = progress  # type: ignore[method-assign]
    world.run(messages(600))
    assert len(set(told)) > 10
    assert told[-1] == (514, 86)


def test_recovered_claims_go_first_with_their_own_ids() -> None:
    world = World(settings=FAST)
    claims = [Claim(message(f"old{n}", n), moment(world, 60 - n), unanswered=True) for n in range(3)]
    world.run(messages(5), claims)
    assert [post.key for post in world.channel.posts[:3]] == ["old0", "old1", "old2"]
    assert world.ledger.marks() == {Mark.ACCEPTED: 8}


@pytest.mark.parametrize("attempts", [0, 1])
def test_an_orphan_answered_as_a_repeat_is_in_doubt(attempts: int) -> None:
    """The -1 that used its id up may have been lost with the process that was killed."""
    world = World(lambda post: w.DUPLICATE if post.key == "old" else w.OK, settings=FAST)
    claim = Claim(message("old"), moment(world, 60), attempts=attempts, unanswered=True)
    world.run(messages(5), [claim])
    assert [post.client_msg_id for post in world.channel.posts if post.key == "old"] == [
        world.engine._ids("old", 0)
    ]
    assert world.ledger.marks() == {Mark.ACCEPTED: 5, Mark.IN_DOUBT: 1}


def test_a_full_disk_ends_it_with_the_answers_taken_and_says_so() -> None:
    world = World(settings=Settings(rate=1000.0, workers=64), latency=0.3)
    world.ledger.fail_after = 6
    ending = world.run(messages(2000))
    assert (ending.state, ending.code) == ("stopped", "storage")
    assert not world.engine._hand.flying


def asleep_after_the_first_claim(world: World) -> None:
    """Let the machine sleep for an hour as soon as something is claimed."""
    commit = world.ledger.commit
    slept = False

    def sleep_after_the_first_claim(records: Sequence[Record], claims: Sequence[Claim] = ()) -> None:
        nonlocal slept
        commit(records, claims)
        if claims and not slept:
            slept = True
            world.time.now += 3600

    world.ledger.commit = sleep_after_the_first_claim  # type: ignore[method-assign]


def test_claims_that_never_left_are_pending_after_a_sleep_of_the_machine() -> None:
    world = World(settings=Settings(rate=50.0))
    asleep_after_the_first_claim(world)
    world.run(messages(100))
    assert world.ledger.marks() == {Mark.ACCEPTED: 100}


def test_after_a_sleep_of_the_machine_it_is_asked_again_whether_they_are_wanted() -> None:
    """Nobody was sent anything before; by now every message is too late."""
    asked: list[str] = []

    def still_wanted(message: Message) -> bool:
        asked.append(message.key)
        return False

    world = World(settings=Settings(rate=50.0), still_wanted=still_wanted)
    asleep_after_the_first_claim(world)
    world.run(messages(100))
    assert 0 < len(asked) < 100
    assert world.ledger.marks() == {Mark.ACCEPTED: 100 - len(asked), Mark.RELEASED: len(asked)}
    assert world.ledger.claims == {}
    assert not {post.key for post in world.channel.posts} & set(asked)


def test_any_number_of_people_written_to_too_often_come_after_the_others() -> None:
    def answer(post: w.Post) -> Verdict:
        return w.TOO_OFTEN if int(post.key[1:]) < 2_600 and post.nth == 1 else w.OK

    world = World(answer, settings=Settings(rate=900.0))
    world.run(messages(4_000))
    assert world.ledger.marks() == {Mark.ACCEPTED: 4_000}


def test_those_due_longest_go_first() -> None:
    hand = Hand()
    for row in range(4):
        hand.later_at(float(row), Flight(message(f"o{row}", row), busy=True))
    assert hand.wake_due(10.0, 3) == 3
    assert [flight.message.key for flight in hand.staged] == ["o0", "o1", "o2"]


def test_orphans_in_doubt_are_no_reason_to_stop() -> None:
    world = World(lambda post: w.DUPLICATE if post.key.startswith("old") else w.OK, settings=FAST)
    claims = [Claim(message(f"old{n}", n), moment(world, 60), unanswered=True) for n in range(60)]
    ending = world.run(messages(300), claims)
    assert ending.state == "finished"
    assert world.ledger.marks() == {Mark.ACCEPTED: 300, Mark.IN_DOUBT: 60}


def test_many_held_messages_slow_it_and_say_so() -> None:
    world = World(lambda post: w.HELD if int(post.key[1:]) % 4 == 0 else w.OK, settings=Settings(rate=100.0))
    world.run(messages(1000))
    assert Notice.MANY_HELD in world.notes.notices
    assert Notice.SLOWED_DOWN not in world.notes.notices
    posts = [post.at for post in world.channel.posts]
    assert posts[-1] - posts[0] > 1000 / 100 * 1.2


def test_retries_in_trouble_take_a_tenth_of_the_rate() -> None:
    """Half of the first attempts get -1: what follows is paced, and nobody is given up."""
    world = World(lambda post: w.BUSY if post.nth <= 2 else w.OK, settings=Settings(rate=200.0))
    world.run(messages(400))
    again = [post.at for post in world.channel.posts if post.nth > 1]
    assert world.ledger.marks() == {Mark.ACCEPTED: 400}
    busiest = max(sum(at <= other < at + 1 for other in again) for at in again)
    assert busiest <= 100 + 1 + 10


def test_a_recovered_claim_outside_the_window_is_left_in_doubt() -> None:
    world = World(settings=FAST)
    ending = world.run(messages(0), [Claim(message("old"), moment(world, 481), unanswered=True)])
    assert world.channel.posts == []
    assert world.ledger.marks() == {Mark.IN_DOUBT: 1}
    assert (ending.state, world.engine.progress.in_doubt) == ("finished", 1)


def test_resending_what_is_in_doubt_gives_it_a_fresh_id() -> None:
    world = World(settings=Settings(rate=1000.0, resend_in_doubt=True))
    claim = Claim(message("old"), moment(world, 500), unanswered=True)
    world.run(messages(0), [claim])
    assert [post.client_msg_id for post in world.channel.posts] == [world.engine._ids("old", 1)]
    assert world.ledger.marks() == {Mark.ACCEPTED: 1}


FAULTS = st.sampled_from(
    [w.OK, w.BUSY, w.SILENT, w.REFUSED_CONNECTION, w.UNFOLLOWED, w.BAD_VALUE, w.HELD, w.DUPLICATE,
     w.MINUTE_LIMIT, w.TOO_OFTEN, w.TOKEN_REFUSED]
)  # fmt: skip


@settings(max_examples=60)
@given(
    script=st.lists(st.lists(FAULTS, max_size=6), min_size=1, max_size=40), rate=st.sampled_from([3, 50, 900])
)
def test_whatever_is_answered_every_message_gets_one_outcome(script: list[list[Verdict]], rate: int) -> None:
    def answer(post: w.Post) -> Verdict:
        faults = script[int(post.key[1:])]
        return faults[post.nth - 1] if post.nth <= len(faults) else w.OK

    world = World(answer, Settings(rate=float(rate), stop=StopRules(None, 1, None)))
    ending = world.run(messages(len(script)))
    final = world.ledger.final()
    assert world.ledger.claims == {}
    if ending.state == "finished":
        assert len(final) == len(script)
        assert Mark.RELEASED not in world.ledger.marks()
    epochs = {post.client_msg_id: post.key for post in world.channel.posts}
    assert Counter(epochs.values()).most_common(1)[0][1] <= 3


def test_a_source_that_has_nothing_yet_is_asked_again() -> None:
    world = World(settings=FAST)
    found = list(islice(messages(3), 3))
    ending = world.run(iter([None, found[0], None, None, found[1], found[2], None]))
    assert ending.state == "finished"
    assert len(world.channel.posts) == 3
