"""Whole sendings through a WeChat on loopback: the numbers add up whatever happens between the calls."""

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.app.desk import APPLES, TEA, Desk, Row, new_sandbox, openid
from wxpush.app.results import Summary
from wxpush.delivery.ledger import records
from wxpush.delivery.records import load_records
from wxpush.delivery.run import runs_in
from wxpush.errors import InputError, ProblemsError


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with new_sandbox() as sandbox:
        yield Desk(tmp_path, sandbox)


def adds_up(summary: Summary) -> bool:
    parts = [
        summary.accepted,
        summary.failed,
        summary.skipped,
        summary.held,
        summary.in_doubt,
        summary.pending,
    ]
    assert min(parts) >= 0
    assert summary.skipped == sum(summary.skips.values())
    assert summary.failed == sum(group.count for group in summary.failures if group.state == "failed")
    return summary.total == sum(parts)


PEOPLE = [Row(person) for person in range(6)]


def test_everybody_gets_one_message_and_a_second_call_sends_none(desk: Desk) -> None:
    first = desk.send(PEOPLE).summary
    second = desk.send(PEOPLE)
    assert (first.state, first.total, first.accepted, first.pending) == ("finished", 6, 6, 0)
    assert second.plan.is_over
    assert (second.summary.accepted, second.summary.attempts) == (6, 0)
    assert Counter(desk.shown_to()) == {openid(person): 1 for person in range(6)}


def test_a_limit_sends_the_next_ones_until_nobody_is_left(desk: Desk) -> None:
    ended = [desk.send(PEOPLE, limit=4).summary for _ in range(3)]
    assert [(each.state, each.accepted, each.pending) for each in ended] == [
        ("limited", 4, 2), ("finished", 6, 0), ("finished", 6, 0)
    ]  # fmt: skip
    assert len(desk.shown_to()) == 6


def test_without_a_check_beforehand_the_numbers_are_the_same(desk: Desk) -> None:
    rows = [*PEOPLE, Row(2), Row(7, status="unpaid"), Row(8, product="")]
    checked = desk.send(rows).summary
    unchecked = desk.send(rows, run="again", preflight=False).summary
    for name in ("total", "accepted", "failed", "skipped", "pending", "skips", "state"):
        assert getattr(unchecked, name) == getattr(checked, name), name


@pytest.mark.parametrize("preflight", [True, False])
def test_what_a_first_sending_wrote_is_not_read_back_to_sum_it_up(desk: Desk, preflight: bool) -> None:
    read: list[str] = []

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and frame.f_code is load_records.__code__:
            read.append(frame.f_code.co_name)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        summary = desk.send(PEOPLE, preflight=preflight).summary
    finally:
        sys.setprofile(before)
    assert (summary.accepted, read) == (6, [])


def test_without_a_check_beforehand_a_limit_leaves_the_rest_pending(desk: Desk) -> None:
    ended = desk.send(PEOPLE, preflight=False, limit=2).summary
    assert (ended.total, ended.accepted, ended.pending, ended.state) == (6, 2, 4, "limited")


def test_new_rows_are_sent_and_removed_ones_are_still_counted(desk: Desk) -> None:
    desk.send(PEOPLE)
    ended = desk.send([*PEOPLE[3:], Row(10), Row(11)]).summary
    assert (ended.total, ended.accepted, ended.pending) == (8, 8, 0)
    assert len(desk.shown_to()) == 8


def test_a_changed_text_goes_only_to_those_who_got_nothing_yet(desk: Desk) -> None:
    desk.send(PEOPLE, limit=2)
    with pytest.raises(InputError, match="text has changed"):
        desk.send(PEOPLE, "京东包邮")
    ended = desk.send(PEOPLE, "京东包邮", accept_changes=True).summary
    assert (ended.accepted, ended.changed, ended.changed_lines) == (6, 2, [2, 3])
    assert Counter(desk.shown_to()).most_common(1)[0][1] == 1


def test_one_bad_row_refuses_everything_unless_it_may_be_skipped(desk: Desk) -> None:
    with pytest.raises(ProblemsError, match=r"users\.csv:8"):
        desk.send([*PEOPLE, Row(9, product="")], skip_invalid=False)
    assert desk.shown_to() == []
    ended = desk.send([*PEOPLE, Row(9, product="")]).summary
    assert (ended.accepted, ended.failed) == (6, 1)
    mended = desk.send([*PEOPLE, Row(9)]).summary
    assert (mended.accepted, mended.failed) == (7, 0)


def test_a_failed_row_waits_until_it_reads_differently(desk: Desk) -> None:
    desk.sandbox.unfollow(openid(3))
    assert desk.send(PEOPLE).summary.failed == 1
    desk.sandbox.follow(openid(3))
    assert desk.send(PEOPLE).summary.failed == 1
    ended = desk.send([row if row.person != 3 else Row(3, TEA) for row in PEOPLE]).summary
    assert (ended.accepted, ended.failed) == (6, 0)
    assert desk.shown_to().count(openid(3)) == 1


@pytest.mark.parametrize("turned", [False, True], ids=["after", "before"])
@pytest.mark.parametrize("other", [Row(1, TEA, "unpaid"), Row(1, product="")], ids=["unwanted", "wrong"])
def test_who_has_another_row_that_is_not_sent_is_counted_once(desk: Desk, other: Row, turned: bool) -> None:
    """With the default key, a list of orders has such people."""
    rows = [other, Row(1)] if turned else [Row(1), other]
    first = desk.send([*rows, Row(2)]).summary
    second = desk.send([*rows, Row(2), Row(3)]).summary
    assert adds_up(first)
    assert adds_up(second)
    assert (first.accepted, first.pending, first.state) == (2, 0, "finished")
    assert (second.accepted, second.pending, second.state) == (3, 0, "finished")


ROWS = st.lists(
    st.builds(
        Row,
        st.integers(0, 6),
        st.sampled_from([APPLES, APPLES, TEA, ""]),
        st.sampled_from(["paid", "paid", "unpaid"]),
    ),
    min_size=1,
    max_size=8,
)
STEPS = st.lists(
    st.tuples(
        ROWS, st.sampled_from([None, None, 1, 2]), st.sampled_from(["顺丰包邮", "京东包邮"]), st.booleans()
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=12)
@given(STEPS)
def test_the_numbers_add_up_over_any_calls_lists_and_texts(
    steps: list[tuple[list[Row], int | None, str, bool]],
) -> None:
    with tempfile.TemporaryDirectory() as place, new_sandbox() as sandbox:
        desk = Desk(Path(place), sandbox)
        for rows, limit, remark, preflight in steps:
            sent = desk.send(rows, remark, limit=limit, preflight=preflight, accept_changes=True)
            assert adds_up(sent.summary)
            (folder,) = runs_in(desk.folder / "home")
            recorded = {record.key for _place, record in records(folder.ledger)}
            gone = recorded - {openid(row.person) for row in rows}
            assert sent.summary.total == len(rows) + len(gone)
            assert sent.summary.accepted == len(set(desk.shown_to()))
            if limit is None:
                assert (sent.summary.state, sent.summary.pending) == ("finished", 0)
        assert len(set(desk.shown_to())) == len(desk.shown_to()), "somebody got it twice"
