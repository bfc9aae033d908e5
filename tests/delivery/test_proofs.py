"""A receipt proves a message only where no other one can have been meant."""

from collections.abc import Sequence
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from wxpush.delivery.fates import Fate, Unowned
from wxpush.delivery.proofs import Suspect, proofs

A, B, C = ("run", "a"), ("run", "b"), ("other", "a")


def receipt(at: int = 100, who: int = 1, status: str = "success", msgid: int = 0) -> Unowned:
    return Unowned(msgid or at, who, Fate(status, at))


def suspect(
    name: tuple[str, str] = A, earliest: int = 50, latest: int = 150, who: int = 1, copies: int = 1
) -> Suspect:
    return Suspect(name, who, earliest, latest, copies)


def test_one_receipt_of_the_person_in_that_time_proves_one_message() -> None:
    assert proofs([suspect()], [receipt()]) == {A: receipt()}
    refused = receipt(status="failed:user block")
    assert proofs([suspect()], [refused]) == {A: refused}


def test_a_receipt_of_another_person_or_time_proves_nothing() -> None:
    for other in (receipt(who=2), receipt(49), receipt(151)):
        assert proofs([suspect()], [other]) == {}


def test_two_messages_need_two_receipts() -> None:
    both = [suspect(A), suspect(B)]
    assert proofs(both, [receipt()]) == {}
    assert set(proofs(both, [receipt(100), receipt(101)])) == {A, B}


def test_one_receipt_too_many_proves_nothing() -> None:
    assert proofs([suspect()], [receipt(100), receipt(101)]) == {}


def test_messages_that_share_no_receipt_dont_disturb_each_other() -> None:
    apart = [suspect(A, 0, 99), suspect(B, 200, 300)]
    assert proofs(apart, [receipt(60)]) == {A: receipt(60)}
    assert set(proofs(apart, [receipt(60), receipt(250)])) == {A, B}


def test_a_message_between_two_others_entangles_them() -> None:
    chain = [suspect(A, 0, 100), suspect(B, 50, 250), suspect(C, 200, 300)]
    assert proofs(chain, [receipt(75), receipt(225)]) == {}
    assert set(proofs(chain, [receipt(75), receipt(225), receipt(240)])) == {A, B, C}


def test_each_receipt_goes_where_it_fits() -> None:
    found = proofs([suspect(A, 0, 300), suspect(B, 50, 150)], [receipt(20), receipt(100)])
    assert found == {A: receipt(20), B: receipt(100)}
    found = proofs([suspect(A, 0, 300), suspect(B, 50, 150)], [receipt(100), receipt(200)])
    assert found == {A: receipt(200), B: receipt(100)}


def test_of_a_message_sent_under_several_ids_any_receipt_proves_it() -> None:
    twice = suspect(A, copies=2)
    assert proofs([twice], [receipt()]) == {A: receipt()}
    failed, shown = receipt(100, status="failed:system failed"), receipt(120)
    assert proofs([twice], [failed, shown]) == {A: shown}
    assert proofs([twice], [receipt(100), receipt(101), receipt(102)]) == {}
    assert proofs([twice, suspect(B)], [receipt(100), receipt(101)]) == {A: receipt(100)}


WINDOWS = st.tuples(st.integers(0, 12), st.integers(0, 6), st.integers(1, 2))


def worlds(suspects: Sequence[Suspect], receipts: Sequence[Unowned]) -> list[set[tuple[str, str]]]:
    """Whom each way of giving every receipt to somebody makes accepted."""
    found = []
    for owners in product(suspects, repeat=len(receipts)):
        fits = all(owner.may_own(one) for owner, one in zip(owners, receipts, strict=True))
        if fits and all(owners.count(one) <= one.copies for one in suspects):
            found.append({owner.name for owner in owners})
    return found


@given(
    windows=st.lists(WINDOWS, min_size=1, max_size=4),
    times=st.lists(st.integers(0, 18), max_size=4, unique=True),
)
def test_what_is_proven_holds_however_the_receipts_are_given_out(
    windows: list[tuple[int, int, int]], times: list[int]
) -> None:
    suspects = [
        Suspect(("run", str(number)), 1, start, start + length, copies)
        for number, (start, length, copies) in enumerate(windows)
    ]
    receipts = [receipt(at) for at in times]
    relevant = [one for one in receipts if any(suspect.may_own(one) for suspect in suspects)]
    proven = proofs(suspects, receipts)
    possible = worlds(suspects, relevant)
    assert all(set(proven) <= world for world in possible)
    for name, one in proven.items():
        (owner,) = [suspect for suspect in suspects if suspect.name == name]
        assert owner.may_own(one)
    assert len(set(proven.values())) == len(proven)
