"""What becomes of each row: one decision, in the list's order, beside a model of a few lines."""

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.app.desk import APPLES, TEA, Row, material, once_where_it_is_odd, openid
from tests.delivery.ledgers import record
from wxpush.app.material import Material
from wxpush.app.selection import Choices, Decision, Known, Passed, Selection, ToSend, Wrong
from wxpush.app.survey import by_state, recall_survey, remembered, survey_list
from wxpush.campaign.check import Ready
from wxpush.delivery.identity import hash64
from wxpush.delivery.ledger import Place
from wxpush.delivery.records import Mark, Record
from wxpush.delivery.standing import ByKey, ByRow
from wxpush.model import Message


def rendered(stuff: Material) -> dict[int, Message]:
    """The messages that a list makes, by row."""
    examined = [stuff.checker.examine(row) for row in stuff.recipients]
    return {each.message.row: each.message for each in examined if isinstance(each, Ready)}


@dataclass
class Book:
    """A ledger that is a list."""

    records: list[Record] = field(default_factory=list)

    def write(self, message: Message, mark: Mark, epoch: int = 0) -> Place:
        self.records.append(record(message, mark, epoch=epoch))
        return Place(len(self.records), 0)

    def at(self, place: Place) -> Record:
        return self.records[place.block - 1]


FIRST_WINS, STRICT = Choices(keep_first=True), Choices()


def decided(
    stuff: Material, standing: ByKey | ByRow, book: Book, choices: Choices = STRICT, **known: bool
) -> list[Decision]:
    return list(Selection(stuff, standing, book.at, choices, **known))


def by_key(book: Book) -> ByKey:
    standing = ByKey(hash64)
    for number, known in enumerate(book.records, 1):
        standing.note(Place(number, 0), known)
    return standing


MARKS = st.sampled_from([Mark.ACCEPTED, Mark.FAILED, Mark.HELD, Mark.IN_DOUBT, Mark.RELEASED])
#: What the ledger knows of a person: how it ended, with which product, in which epoch.
PAST = st.dictionaries(
    st.integers(0, 9), st.tuples(MARKS, st.sampled_from([APPLES, TEA]), st.integers(0, 3)), max_size=8
)
ROWS = st.lists(
    st.builds(
        Row,
        st.integers(0, 9),
        st.sampled_from([APPLES, APPLES, TEA, ""]),
        st.sampled_from(["paid", "paid", "paid", "unpaid"]),
    ),
    min_size=1,
    max_size=14,
)
CHOICES = st.builds(Choices, st.booleans(), st.booleans())


def expected(rows: Sequence[Row], past: dict[int, tuple[Mark, str, int]], choices: Choices) -> list[object]:
    """What the contract wants of every row."""
    first: dict[int, str] = {}
    wanted: list[object] = []
    for row in rows:
        mark, product, epoch = past.get(row.person, (None, "", 0))
        doubtful = mark is Mark.IN_DOUBT and choices.resend_in_doubt
        settled = mark is not None and mark is not Mark.RELEASED
        if row.status == "unpaid":
            wanted.append(mark if settled else "condition")
        elif not row.product:
            wanted.append(mark if settled and mark is not Mark.FAILED else "wrong")
        elif row.person in first:
            alike = first[row.person] == row.product
            wanted.append("duplicate" if alike or choices.keep_first else "conflict")
        else:
            first[row.person] = row.product
            if mark is None:
                wanted.append(0)
            elif mark is Mark.RELEASED:
                wanted.append(epoch)
            elif doubtful or (mark is Mark.FAILED and product != row.product):
                wanted.append(epoch + 1)
            else:
                wanted.append(mark)
    return wanted


def named(decision: Decision) -> object:
    """A decision as the model names it; a message to send by its epoch."""
    match decision:
        case ToSend(message):
            return message.epoch
        case Passed(reason):
            return reason
        case Known(mark):
            return mark
        case Wrong(_, conflict):
            return "conflict" if conflict else "wrong"


@settings(max_examples=80)
@given(ROWS.map(once_where_it_is_odd), PAST, CHOICES)
def test_every_row_ends_in_the_one_decision_that_the_contract_wants(
    rows: list[Row], past: dict[int, tuple[Mark, str, int]], choices: Choices
) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder, book = Path(place), Book()
        for person, (mark, product, epoch) in past.items():
            (message,) = rendered(material(folder, [Row(person, product)])).values()
            book.write(message, mark, epoch)
        stuff = material(folder, rows)
        found = decided(stuff, by_key(book), book, choices)
    # Rows that get nothing but have a record are decided last.
    assert Counter(named(each) for each in found) == Counter(expected(rows, past, choices))


def test_the_same_rows_are_decided_alike_in_every_pass(tmp_path: Path) -> None:
    stuff = material(tmp_path, [Row(1), Row(1), Row(2, product=""), Row(3, status="unpaid")])
    selection = Selection(stuff, ByRow(), Book().at, Choices())
    assert [named(each) for each in selection] == [named(each) for each in selection] == [
        0, "duplicate", "wrong", "condition"
    ]  # fmt: skip


def test_a_conflict_is_told_with_its_line_and_what_to_do(tmp_path: Path) -> None:
    found = decided(material(tmp_path, [Row(1), Row(1, TEA)]), ByRow(), Book())[1]
    assert isinstance(found, Wrong)
    (problem,) = found.bad.problems
    assert problem.place == "users.csv:3"
    assert openid(1) in problem.message
    assert "--keep-first" in problem.hint


def test_a_changed_row_of_an_accepted_message_is_told_and_not_sent(tmp_path: Path) -> None:
    book = Book()
    book.write(rendered(material(tmp_path, [Row(1)]))[0], Mark.ACCEPTED)
    found = decided(material(tmp_path, [Row(1, TEA)]), by_key(book), book)
    assert found == [Known(Mark.ACCEPTED, 2, changed=True)]


def test_a_failed_message_whose_text_reads_as_before_waits(tmp_path: Path) -> None:
    book = Book()
    stuff = material(tmp_path, [Row(1)])
    book.write(rendered(stuff)[0], Mark.FAILED)
    assert decided(stuff, by_key(book), book) == [Known(Mark.FAILED, 2)]


@pytest.mark.parametrize("mark", [Mark.RELEASED, None])
def test_a_wrong_row_whose_message_has_no_outcome_counts_as_wrong_itself(
    tmp_path: Path, mark: Mark | None
) -> None:
    """Else the summary would call it pending, and no call would ever send it."""
    book = Book()
    if mark is not None:
        book.write(rendered(material(tmp_path, [Row(1)]))[0], mark)
    (found,) = decided(material(tmp_path, [Row(1, product="")]), by_key(book), book)
    assert isinstance(found, Wrong)
    assert not found.is_known


@settings(max_examples=40)
@given(ROWS.map(once_where_it_is_odd), st.data())
def test_an_unchanged_list_is_decided_alike_by_row_and_by_key(rows: list[Row], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as place:
        stuff, book, rows_known = material(Path(place), rows), Book(), ByRow()
        fresh = decided(stuff, ByRow(), book, Choices(keep_first=True))
        for decision in fresh:
            if isinstance(decision, ToSend) and data.draw(st.booleans()):
                mark = data.draw(MARKS)
                rows_known.note(book.write(decision.message, mark), record(decision.message, mark))
        choices = Choices(keep_first=True)
        one = decided(stuff, rows_known, book, choices, unchanged=True)
        other = decided(stuff, by_key(book), book, choices)
    assert [named(each) for each in one] == [named(each) for each in other]


def test_rows_that_need_nothing_are_not_even_rendered_when_nothing_changed(tmp_path: Path) -> None:
    stuff, book, standing = material(tmp_path, [Row(1), Row(2)]), Book(), ByRow()
    first = rendered(stuff)[0]
    standing.note(book.write(first, Mark.ACCEPTED), book.records[0])
    found = decided(stuff, standing, book, unchanged=True, no_duplicates=True)
    assert [named(each) for each in found] == [Mark.ACCEPTED, 0]


def test_the_rows_that_were_not_reached_are_counted_and_belong_to_the_list(tmp_path: Path) -> None:
    stuff, book = material(tmp_path, [Row(1), Row(2), Row(3)]), Book()
    book.write(rendered(stuff)[2], Mark.ACCEPTED)
    standing = by_key(book)
    selection = Selection(stuff, standing, book.at, Choices())
    next(iter(selection))
    assert list(selection.leftovers()) == [None, None]
    assert standing.orphans() == Counter()


# The survey is these decisions, counted


@settings(max_examples=40)
@given(ROWS, st.booleans())
def test_a_survey_counts_every_row_once(rows: list[Row], keep_first: bool) -> None:
    with tempfile.TemporaryDirectory() as place:
        stuff, standing = material(Path(place), rows), ByRow()
        selection = Selection(stuff, standing, Book().at, Choices(keep_first))
        survey = survey_list(stuff, selection, standing, lambda _rows: None)
    assert survey.rows == len(rows)
    counted = survey.to_send + survey.wrong + sum(survey.skips.values()) + sum(survey.known.values())
    assert counted == len(rows)
    assert len(survey.problems) <= 20
    assert (survey.sample is not None) == (survey.to_send > 0)


@settings(max_examples=40)
@given(ROWS.map(once_where_it_is_odd), st.data())
def test_a_remembered_survey_says_what_a_new_one_would(rows: list[Row], data: st.DataObject) -> None:
    rows = [row for row in rows if row.product] or [Row(0)]
    with tempfile.TemporaryDirectory() as place:
        stuff, book, standing = material(Path(place), rows), Book(), ByRow()
        choices = Choices(keep_first=True)

        def surveyed() -> object:
            selection = Selection(stuff, standing, book.at, choices, unchanged=True)
            return survey_list(stuff, selection, standing, lambda _rows: None)

        kept = remembered(surveyed())
        for message in rendered(stuff).values():
            if standing.find(message.row, 0) is None and data.draw(st.booleans()):
                first = next(m for m in rendered(stuff).values() if m.key == message.key)
                if first.row == message.row:
                    mark = data.draw(MARKS)
                    standing.note(book.write(message, mark), record(message, mark))
        again, recalled = surveyed(), recall_survey(kept, standing, None)
    for name in ("rows", "blank", "to_send", "wrong", "skips", "known", "gone"):
        assert getattr(recalled, name) == getattr(again, name), name


def test_a_survey_tells_of_its_way_through_a_long_list(tmp_path: Path) -> None:
    stuff, standing, told = material(tmp_path, [Row(n) for n in range(4001)]), ByRow(), list[int]()
    survey_list(stuff, Selection(stuff, standing, Book().at, Choices()), standing, told.append)
    assert told == [2000, 4000]


def test_marks_are_counted_as_states() -> None:
    marks = Counter({Mark.ACCEPTED: 5, Mark.SILENT: 1, Mark.BUSY: 1, Mark.IN_DOUBT: 1, Mark.RELEASED: 2})
    assert by_state(marks) == {"accepted": 5, "in_doubt": 3, "pending": 2}
