"""Any choices of people, one after the other in one run: the numbers add up, and nobody gets two."""

import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.app.desk import APPLES, TEA, Desk, Row, new_sandbox, once_where_it_is_odd, openid
from tests.app.test_sending import adds_up
from wxpush.app.sieve import Sieve

CONDITIONS = {
    None: lambda _row: True,
    f"product == '{TEA}'": lambda row: row.product == TEA,
    f"product != '{TEA}'": lambda row: row.product != TEA,
    "status == 'paid'": lambda row: row.status == "paid",
}
ROWS = st.lists(
    st.builds(
        Row, st.integers(0, 7), st.sampled_from([APPLES, TEA, ""]), st.sampled_from(["paid", "unpaid"])
    ),
    min_size=1,
    max_size=8,
).map(once_where_it_is_odd)
CALLS = st.lists(
    st.tuples(
        st.sampled_from(list(CONDITIONS)),
        st.sets(st.integers(0, 7), max_size=4),
        st.booleans(),
        st.sampled_from([None, 1, 2]),
    ),
    min_size=1,
    max_size=4,
)


@given(rows=ROWS, calls=CALLS)
@settings(max_examples=40)
def test_the_numbers_add_up_and_nobody_gets_two_whoever_is_chosen(
    rows: list[Row], calls: list[tuple[str | None, set[int], bool, int | None]]
) -> None:
    with tempfile.TemporaryDirectory() as folder, new_sandbox() as sandbox:
        desk = Desk(Path(folder), sandbox)
        people = desk.folder / "out.csv"
        for where, left_out, preflight, limit in calls:
            before = Counter(desk.shown_to())
            people.write_text("openid\n" + "".join(f"{openid(person)}\n" for person in sorted(left_out)))
            exclude = (str(people),) if left_out else ()
            sieve = Sieve(where, exclude, around=desk.around)
            summary = desk.send(rows, sieve=sieve, preflight=preflight, limit=limit).summary
            assert adds_up(summary)
            assert set(summary.skips) <= {"where", "excluded", "condition", "duplicate"}
            shown = Counter(desk.shown_to())
            assert set(shown.values()) <= {1}
            meant = {
                openid(row.person)
                for row in rows
                if CONDITIONS[where](row) and row.status == "paid" and row.product
            } - {openid(person) for person in left_out}
            assert set(shown - before) <= meant
            if limit is None:
                assert meant <= set(shown)
            assert summary.accepted == len(shown)
