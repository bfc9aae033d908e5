"""Who is left out: the order of the reasons, the days of a week, and the suppression list beside models."""

import math
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.delivery.world import MORNING
from wxpush.delivery.contacts import DAYS, MOST, Contacts, counted, noted
from wxpush.delivery.hashed import Hashed
from wxpush.delivery.identity import hash64
from wxpush.delivery.journal import Blocks, Journal, blocks
from wxpush.delivery.screen import Facts, Limits, Reason, day_of, judged
from wxpush.delivery.suppressions import (
    Change,
    Entry,
    Reading,
    Removal,
    Return,
    Suppressed,
    Suppressions,
    entries,
    is_empty,
    shortened,
    suppressed,
)
from wxpush.errors import DamagedStateError

NOW = MORNING
ALL = Facts(suppressed_until=math.inf, expires=NOW - 1, today=1, week=3, not_following=True)
LIMITS = Limits(1, 3)


def test_the_reasons_are_looked_for_in_their_order() -> None:
    facts, met = ALL, []
    for cleared in (
        {"suppressed_until": 0.0},
        {"expires": math.inf},
        {"today": 0, "week": 0},
        {"not_following": False},
    ):
        met.append(judged(facts, LIMITS, NOW))
        facts = facts._replace(**cleared)  # type: ignore[arg-type]  # each is a field of its type
    assert met == list(Reason)
    assert judged(facts, LIMITS, NOW) is None


@pytest.mark.parametrize(
    ("facts", "limits", "reason"),
    [
        (Facts(suppressed_until=NOW), Limits(), None),
        (Facts(suppressed_until=NOW + 1), Limits(), Reason.SUPPRESSED),
        (Facts(expires=NOW), Limits(), Reason.EXPIRED),
        (Facts(expires=NOW + 1), Limits(), None),
        (Facts(today=5, week=9), Limits(), None),
        (Facts(today=1, week=1), Limits(2, None), None),
        (Facts(today=2, week=2), Limits(2, None), Reason.FREQUENCY),
        (Facts(today=0, week=3), Limits(1, 4), None),
        (Facts(today=0, week=4), Limits(1, 4), Reason.FREQUENCY),
        (Facts(), LIMITS, None),
    ],
)
def test_each_reason_begins_and_ends_where_it_should(
    facts: Facts, limits: Limits, reason: Reason | None
) -> None:
    assert judged(facts, limits, NOW) is reason


def test_a_day_begins_at_midnight_in_beijing() -> None:
    midnight = 1_795_363_200.0  # 2026-11-23 00:00 +08:00
    assert day_of(midnight - 1) + 1 == day_of(midnight) == day_of(midnight + 86_399)


@given(st.lists(st.integers(20_000, 20_012), max_size=90), st.integers(20_000, 20_014))
def test_the_week_in_a_number_is_that_of_a_list(days: list[int], today: int) -> None:
    week = 0
    for day in days:
        week = noted(week, day)
    latest = max(days, default=0)
    # What is older than a week at its latest day is forgotten; a clock that went back hides nothing.
    seen = Counter(day for day in days if day > latest - DAYS)
    wanted = max(today, latest)
    window = [min(seen[day], MOST) for day in range(wanted - DAYS + 1, wanted + 1)]
    assert counted(week, today) == (window[-1], sum(window))
    assert week < 1 << 64


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1) | st.integers(0, 3).map(lambda n: n << 12),
                          st.integers(0, 2**64 - 1) | st.just(0))))  # fmt: skip
def test_numbers_by_hash_are_those_of_a_dict(changes: list[tuple[int, int]]) -> None:
    model: dict[int, int] = {}
    table = Hashed()
    for key, value in changes:
        table.put(key, value)
        model[key] = value
    held = {key: value for key, value in model.items() if value}
    assert {key: table.get(key) for key in model} == model
    assert (len(table), sorted(table.values())) == (len(held), sorted(held.values()))


def test_contacts_are_noted_as_one_by_one() -> None:
    contacts = Contacts()
    for day in (20_001, 20_001, 20_003):
        contacts.note(7, day)
    assert counted(contacts.get(7), 20_003) == (1, 3)
    assert (contacts.get(8), len(contacts)) == (0, 1)


PEOPLE = ("oA", "oB", "oC")
SOURCES = st.sampled_from(["operator", "43004", "43101", "not_following", "failed:user block"])
MOMENTS = st.integers(0, 12).map(lambda hours: NOW + hours * 3600.0)
REASONS = st.sampled_from(["", "asked us"])
ENTRY = st.builds(Entry, st.sampled_from(PEOPLE), REASONS, MOMENTS, st.none() | MOMENTS, SOURCES)
CHANGE = ENTRY | st.builds(Removal, st.sampled_from(PEOPLE), MOMENTS, st.booleans())
BACK = st.builds(Return, st.sampled_from(PEOPLE), MOMENTS)
CHANGES = st.lists(CHANGE | BACK, max_size=12)


def model_of(changes: Sequence[Change]) -> dict[str, Entry]:
    """Who is on the list after these changes, in plain words."""
    held: dict[str, Entry] = {}
    removed: dict[str, float] = {}
    for change in changes:
        there = held.get(change.openid)
        if isinstance(change, Return):
            removed.pop(change.openid, None)
        elif isinstance(change, Removal):
            removed[change.openid] = max(change.at, removed.get(change.openid, 0.0))
            if there and not (change.automatic and (there.source == "operator" or change.at < there.since)):
                del held[change.openid]
        elif change.source == "operator" or (
            change.since > removed.get(change.openid, 0.0)
            and not (there and there.source == "operator" and there.holds(change.since))
        ):
            held[change.openid] = change
    return held


@given(CHANGES)
def test_the_list_is_what_its_changes_come_to(changes: list[Change]) -> None:
    known, model = Suppressed(changes), model_of(changes)
    for person in PEOPLE:
        entry, key = model.get(person), hash64(person)
        until = 0.0 if entry is None else math.inf if entry.until is None else entry.until
        assert known.until(key) == until
        assert known.is_automatic(key) == (entry is not None and entry.source != "operator")
        assert known.is_unfollowed(key) == (entry is not None and entry.source in ("43004", "not_following"))
    assert known.any_automatic == any(entry.source != "operator" for entry in model.values())


TIDY = "put the log together"


def shorten(store: Path) -> None:
    """What `tidy` does to a log that has grown long."""
    journal = Journal(store)
    journal.put_together(shortened)
    journal.close()


@settings(max_examples=25)
@given(st.lists(CHANGE | st.just(TIDY) | ENTRY.map(lambda entry: [entry]), max_size=14))
def test_the_list_on_disk_is_the_same(steps: list[Change | str | list[Entry]]) -> None:
    """However often it is put together on the way, for whoever reads it anew and whoever holds it open.

    A list with an entry is one that is taken back from a file.
    """
    changes: list[Change] = []
    for step in steps:
        if isinstance(step, list):
            changes += [Return(step[0].openid, NOW), step[0]]
        elif not isinstance(step, str):
            changes.append(step)
    model, known = model_of(changes), Suppressed(changes)
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "suppressions"
        assert is_empty(store)
        writer, reading = Suppressions(store), Reading(store)
        for number, step in enumerate(steps):
            if isinstance(step, str):
                shorten(store)
            elif isinstance(step, list):
                writer.take_back(step, NOW)
            elif isinstance(step, Entry):
                writer.add([step])
            elif isinstance(step, Removal):
                writer.remove([step.openid], step.at, automatic=step.automatic)
            if number % 3 == 0:  # others read now and then, and go on from there
                reading.now()
        assert {entry.openid: entry for entry in entries(store)} == model
        assert sum(1 for _ in entries(store)) == len(model) == len(writer.now())
        for seen in (writer.now(), reading.now(), suppressed(store)):
            assert seen.removed == known.removed
            for key in map(hash64, PEOPLE):
                assert seen.until(key) == known.until(key)
                assert seen.comes_off(key, NOW) == known.comes_off(key, NOW)
                assert seen.is_unfollowed(key) == known.is_unfollowed(key)
        writer.close()


def test_a_log_that_goes_on_growing_stays_short(tmp_path: Path) -> None:
    people = [f"o{number:027d}" for number in range(300)]
    with closing(Suppressions(tmp_path / "s")) as opened:
        for day in range(50):
            opened.add(Entry(one, f"day {day}", NOW + day, None, "operator") for one in people)
            opened.tidy()
        assert len(list(blocks(tmp_path / "s"))) < 50
        assert opened.now().changes <= 10_000 + len(people)
    assert [(one.openid, one.reason) for one in entries(tmp_path / "s")] == [
        (one, "day 49") for one in people
    ]


def test_many_small_blocks_are_put_together(tmp_path: Path) -> None:
    with closing(Suppressions(tmp_path / "s")) as opened:
        for number in range(1_000):
            opened.add([Entry(f"o{number:027d}", "", NOW, None, "43004")])
        opened.tidy()
        assert len(opened.now()) == 1_000
    assert len(list(blocks(tmp_path / "s"))) == 1


def test_a_log_that_cannot_be_put_together_stays_as_it_was(tmp_path: Path) -> None:
    with closing(Suppressions(tmp_path / "s")) as opened:
        opened.add([Entry("oA", "", NOW, None, "operator")])
        opened.add([Entry("oB", "", NOW, None, "operator")])
    before = list(blocks(tmp_path / "s"))

    def cut_off(texts: Blocks) -> Iterator[str]:
        yield next(texts())
        raise DamagedStateError("the second can't be read")

    with closing(Journal(tmp_path / "s")) as journal, pytest.raises(DamagedStateError):
        journal.put_together(cut_off)
    assert list(blocks(tmp_path / "s")) == before


def test_people_are_welcomed_at_once_each_at_his_moment(tmp_path: Path) -> None:
    people = [f"o{number:027d}" for number in range(300)]
    with closing(Suppressions(tmp_path / "s")) as opened:
        opened.add(Entry(one, "", NOW + 1, None, "43004") for one in people)
        opened.welcome({one: NOW + number % 3 for number, one in enumerate(people)})
        assert [opened.now().until(hash64(one)) for one in people] == [math.inf, 0.0, 0.0] * 100
        # What happened after he was welcomed counts, if another's moment was later or not.
        opened.add(Entry(one, "", NOW + 1.5, None, "43004") for one in people)
        assert [opened.now().until(hash64(one)) for one in people] == [math.inf, math.inf, 0.0] * 100
    assert len(list(blocks(tmp_path / "s"))) == 3


@given(CHANGES, st.builds(Entry, st.sampled_from(PEOPLE), REASONS, MOMENTS, st.none() | MOMENTS, SOURCES))
def test_whether_an_entry_would_count_is_told_before(changes: list[Change], entry: Entry) -> None:
    assert Suppressed(changes).counts(entry) == (model_of([*changes, entry]).get(entry.openid) is entry)


def test_whoever_holds_the_list_open_sees_what_others_write(tmp_path: Path) -> None:
    one, other = Suppressions(tmp_path / "s"), Suppressions(tmp_path / "s")
    assert len(one.now()) == 0
    other.add([Entry("oA", "", NOW, None, "operator")])
    other.add([Entry("oB", "", NOW, None, "operator")])
    assert len(one.now()) == 2
    other.remove(["oA"], NOW)
    assert (one.now().until(hash64("oA")), one.now().until(hash64("oB"))) == (0.0, math.inf)
    one.close()
    other.close()


@pytest.mark.parametrize(
    "block",
    [
        "[]",
        "{",
        '{"add":[["oA","",1]]}',
        '{"add":[[1,"",1,null,"operator"]]}',
        '{"remove":["oA"]}',
        "1",
        '{"welcome":["oA"]}',
        '{"welcome":[[1,2]]}',
        '{"welcome":[["oA",null]]}',
    ],
)
def test_a_block_of_another_kind_is_damage(tmp_path: Path, block: str) -> None:
    journal = Journal(tmp_path / "s")
    journal.append(block)
    journal.close()
    with pytest.raises(DamagedStateError, match="suppression list"):
        suppressed(tmp_path / "s")
