"""JSON by two libraries: what one has written the other reads, in the ledgers of runs that go on."""

import json

from hypothesis import given
from hypothesis import strategies as st

from wxpush import fastjson

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(-1e15, 1e15) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_what_one_writes_the_other_reads(value: object) -> None:
    plain = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert json.loads(fastjson.dumps(value)) == value
    assert fastjson.loads(plain) == value


@given(VALUES)
def test_what_has_no_place_in_orjson_is_written_all_the_same(value: object) -> None:
    odd = [value, 2**70, "\ud800"]
    assert json.loads(fastjson.dumps(odd)) == odd
