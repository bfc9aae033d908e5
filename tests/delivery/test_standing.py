"""How every message stands, and which keys a list has shown: arrays that must equal plain dictionaries."""

from collections import Counter
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.delivery.ledgers import claim, message, record
from wxpush.delivery.fingerprints import Fingerprints, Seen
from wxpush.delivery.identity import hash64
from wxpush.delivery.ledger import Place
from wxpush.delivery.records import Mark, Record
from wxpush.delivery.standing import ByKey, ByRow, Entry
from wxpush.model import State

MARKS = st.sampled_from(list(Mark))
PLACES = st.builds(Place, st.integers(1, 2**39 - 1), st.integers(0, 2**20 - 1))
TEXTS = ["有机红富士苹果", "龙井茶礼盒"]
NOTES = st.lists(st.tuples(st.integers(0, 60), st.sampled_from(TEXTS), MARKS, PLACES, st.booleans()))
Note = tuple[int, str, Mark, Place, bool]


def taken_in(standing: ByRow | ByKey, notes: list[Note]) -> dict[int, Entry]:
    """Note everything, and remember it as a dictionary does."""
    model: dict[int, Entry] = {}
    for number, text, mark, place, is_claim in notes:
        of = message(number, text)
        payload16 = hash64(of.payload) & 0xFFFF
        if is_claim:
            standing.note_claim(claim(0)._replace(message=of))
            model[number] = Entry(Mark.SILENT, Place(0, 0), payload16)
        else:
            standing.note(place, record(of, mark))
            model[number] = Entry(mark, place, payload16)
    return model


@given(NOTES)
def test_by_row_the_latest_of_every_row_is_known(notes: list[Note]) -> None:
    standing = ByRow()
    model = taken_in(standing, notes)
    for number in range(70):
        known = model.get(number)
        assert standing.find(number, 0) == (known and replace(known, payload16=None))
    assert standing.counts() == Counter(entry.mark for entry in model.values())
    assert standing.orphans() == Counter()


@given(NOTES)
def test_by_key_the_latest_of_every_key_is_known_wherever_its_row_is(notes: list[Note]) -> None:
    standing = ByKey(hash64)
    model = taken_in(standing, notes)
    for number in range(70):
        assert standing.find(999_999, hash64(message(number).key)) == model.get(number)
    assert standing.counts() == Counter(entry.mark for entry in model.values())


@given(NOTES, st.sets(st.integers(0, 70)))
def test_orphans_are_the_keys_that_the_list_was_never_seen_to_have(
    notes: list[Note], listed: set[int]
) -> None:
    standing = ByKey(hash64)
    model = taken_in(standing, notes)
    for number in listed:
        standing.find(number, hash64(message(number).key))
    expected = Counter(entry.mark for number, entry in model.items() if number not in listed)
    assert standing.orphans() == expected
    assert standing.counts().total() == len(model)


@given(NOTES.filter(bool), st.booleans())
def test_only_the_last_record_of_a_key_is_its_latest(notes: list[Note], by_row: bool) -> None:
    standing = ByRow() if by_row else ByKey(hash64)
    unique = [
        (number, text, mark, Place(block, 0), is_claim)
        for block, (number, text, mark, _place, is_claim) in enumerate(notes, 1)
    ]
    model = taken_in(standing, unique)
    for number, text, mark, place, is_claim in unique:
        if is_claim:
            continue
        found: Record = record(message(number, text), mark)
        assert standing.is_latest(place, found) == (model[number].place == place)
        standing.find(number, hash64(found.key))
        assert standing.is_latest(place, found) == (model[number].place == place)


def test_a_key_that_was_never_noted_has_no_latest() -> None:
    assert not ByKey(hash64).is_latest(Place(1, 0), record(message(1)))


def test_an_open_claim_stands_in_doubt() -> None:
    standing = ByKey(hash64)
    standing.note_claim(claim(1))
    (mark,) = standing.counts()
    assert mark.state is State.IN_DOUBT


@given(st.permutations(range(40)))
def test_the_order_in_which_keys_come_does_not_matter(order: list[int]) -> None:
    standing = ByKey(hash64)
    for number in order:
        standing.note(Place(number + 1, 0), record(message(number)))
    found = [standing.find(0, hash64(message(number).key)) for number in range(40)]
    assert [entry and entry.place.block for entry in found] == list(range(1, 41))


def test_keys_of_one_bucket_are_told_apart() -> None:
    """4096 buckets: among 20,000 keys every bucket has several."""
    standing, seen = ByKey(hash64), Fingerprints()
    for number in range(20_000):
        standing.note(Place(1, number), record(message(number)))
        assert seen.add(hash64(message(number).key), 1) is Seen.NEW
    assert standing.counts() == {Mark.ACCEPTED: 20_000}
    for number in range(0, 20_000, 97):
        entry = standing.find(0, hash64(message(number).key))
        assert entry is not None
        assert entry.place.index == number


# Hashes that differ in more than what a fingerprint leaves out: 4 bits of a key, 48 of a payload.
KEYS = st.integers(0, 30).map(lambda number: hash64(f"o{number:027d}"))
PAYLOADS = st.integers(0, 0xFFFF)


@settings(max_examples=200)
@given(st.lists(st.tuples(KEYS, PAYLOADS), max_size=80))
def test_fingerprints_are_a_dictionary_that_keeps_the_first_payload(pairs: list[tuple[int, int]]) -> None:
    seen, model = Fingerprints(), dict[int, int]()
    for key, payload in pairs:
        if key not in model:
            expected = Seen.NEW
        else:
            expected = Seen.ALIKE if model[key] == payload else Seen.DIFFERENT
        model.setdefault(key, payload)
        assert seen.add(key, payload) is expected


def test_colliding_keys_come_out_as_a_difference_that_is_shown() -> None:
    seen = Fingerprints()
    assert seen.add(0xABCD_0000_0000_1234, 1) is Seen.NEW
    assert seen.add(0xABCD_0000_0000_1234 | 0xF000, 2) is Seen.DIFFERENT
