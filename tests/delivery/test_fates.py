"""Receipts in memory: each message's once, whatever order, doubles and contradictions they come in."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxpush.delivery.fates import Fate, Fates, Unowned
from wxpush.delivery.identity import hash64
from wxpush.model import Receipt

PEOPLE = st.sampled_from(["oA", "oB", "oC"])
STATUSES = st.sampled_from(["success", "failed:user block", "failed:system failed", "failed:new"])
NAMED = st.builds(Receipt, st.integers(1, 6), PEOPLE, STATUSES, st.integers(1000, 1003), st.just(2000.0))
NAMELESS = st.builds(Receipt, st.just(0), PEOPLE, STATUSES, st.integers(1000, 1003), st.just(2000.0))


def receipt(msgid: int = 7, status: str = "success", at: int = 1_795_600_000, to: str = "oA") -> Receipt:
    return Receipt(msgid, to, status, at, at + 0.5)


def told(fates: Fates) -> object:
    nameless = [sorted(map(fates.unpacked, fates.nameless.of(hash64(to)))) for to in ("oA", "oB", "oC")]
    return [fates.fate(msgid) for msgid in range(8)], nameless, fates.count


@given(came=st.lists(NAMED | NAMELESS, max_size=20), seed=st.integers())
def test_order_and_doubles_change_nothing(came: list[Receipt], seed: int) -> None:
    chance = random.Random(seed)
    again = came + chance.choices(came, k=5) if came else []
    chance.shuffle(again)
    assert told(Fates(came)) == told(Fates(again))


@given(came=st.lists(NAMED, max_size=20))
def test_of_contradictions_the_earliest_counts_and_of_one_second_success(came: list[Receipt]) -> None:
    fates = Fates(came)
    for msgid in range(1, 7):
        about = [one for one in came if one.msgid == msgid]
        first = min(about, key=lambda one: (one.at, one.status != "success", one.status), default=None)
        assert fates.fate(msgid) == (first and Fate(first.status, first.at))


@given(came=st.lists(NAMED, max_size=20))
def test_a_receipt_is_of_the_person_that_it_names(came: list[Receipt]) -> None:
    fates = Fates(came)
    for msgid, to in itertools.product(range(1, 7), ("oA", "oB", "oC")):
        about = [one for one in came if (one.msgid, one.to) == (msgid, to)]
        first = min(about, key=lambda one: (one.at, one.status != "success", one.status), default=None)
        assert fates.fate(msgid, hash64(to)) == (first and Fate(first.status, first.at))
        fates.take(msgid)
    assert fates.count == len({(one.msgid, one.to) for one in came})
    assert list(fates.unowned({hash64(to) for to in ("oA", "oB", "oC")})) == []


@given(msgids=st.sets(st.integers(1, 2**64 - 1), max_size=200))
def test_every_msgid_is_found_again(msgids: set[int]) -> None:
    fates = Fates([receipt(msgid, at=msgid % 4_000_000_000) for msgid in msgids])
    assert all(fates.fate(msgid) == Fate("success", msgid % 4_000_000_000) for msgid in msgids)
    assert fates.count == len(msgids)
    assert fates.fate(0) is None


@pytest.mark.parametrize("at", [-1, 0, 2**40, 2**70])
def test_a_time_that_is_none_harms_nothing(at: int) -> None:
    fates = Fates([receipt(1, at=at), receipt(2)])
    assert fates.fate(1) == Fate("success", min(max(at, 0), 2**40))
    assert fates.fate(2) == Fate("success", 1_795_600_000)


def test_statuses_without_end_are_bounded() -> None:
    fates = Fates(receipt(number, f"failed:{number}") for number in range(1, 5000))
    assert fates.fate(1) == Fate("failed:1", 1_795_600_000)
    assert fates.fate(4094) == Fate("failed:4094", 1_795_600_000)
    assert fates.fate(4999) == Fate("failed:other", 1_795_600_000)


def test_what_was_taken_for_a_message_is_not_unowned() -> None:
    fates = Fates([receipt(1), receipt(2, "failed:user block", to="oB"), receipt(0, at=5)])
    fates.take(1)
    fates.take(99)
    assert fates.fate(1) == Fate("success", 1_795_600_000)
    everybody = {hash64("oA"), hash64("oB")}
    assert sorted(fates.unowned(everybody)) == [
        Unowned(0, hash64("oA"), Fate("success", 5)),
        Unowned(2, hash64("oB"), Fate("failed:user block", 1_795_600_000)),
    ]
    assert [one.msgid for one in fates.unowned({hash64("oB")})] == [2]


def test_a_receipt_that_another_system_took_in_without_its_msgid_is_the_same_one() -> None:
    fates = Fates([receipt(0), receipt(1), receipt(0, at=6), receipt(0, to="oB")])
    fates.take(1)
    everybody = {hash64("oA"), hash64("oB")}
    assert {(one.who, one.fate.at) for one in fates.unowned(everybody)} == {
        (hash64("oA"), 6),
        (hash64("oB"), 1_795_600_000),
    }
    fates.drop_double(1, hash64("oA"))
    fates.drop_double(7, hash64("oB"))
    assert [fates.unpacked(fact).at for fact in fates.nameless.of(hash64("oA"))] == [6]
    assert len(fates.nameless.of(hash64("oB"))) == 1
