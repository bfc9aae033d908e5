"""The ledger: what was acknowledged is there, whatever happens; claims are open until a record ends them."""

import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.delivery.ledgers import (
    THEN,
    claim,
    database,
    edit_block,
    message,
    noted,
    record,
    some_ledger,
    tamper,
)
from tests.delivery.world import RUN
from wxpush.clock import Moment
from wxpush.delivery import ledger as ledgers
from wxpush.delivery.ledger import Ledger, Place
from wxpush.delivery.records import (
    FINAL,
    KEEPS_PAYLOAD,
    Claim,
    Invalid,
    Mark,
    Record,
    Touch,
    dump_claims,
    dump_invalid,
    dump_records,
    load_claims,
    load_invalid,
    load_records,
    load_touches,
)
from wxpush.errors import DamagedStateError, StorageError
from wxpush.model import CodeClass, Message

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run" / "ledger"


# What is written is what is read

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
COUNT = st.integers(0, 2**31)
MOMENTS = st.builds(Moment, st.floats(0, 4e9), st.floats(0, 1e9), TEXT)
MESSAGES = st.builds(Message, TEXT, TEXT, TEXT, COUNT, COUNT, TEXT, st.integers(0, 9), st.none())
CODES = st.sampled_from(["0", "-1", "43004", "timeout", "network", "render"])


@st.composite
def records(draw: st.DrawFn) -> Record:
    mark = draw(st.sampled_from(list(Mark)))
    keeps = mark in KEEPS_PAYLOAD
    plain = mark is Mark.ACCEPTED
    code = "0" if plain else draw(CODES)
    return Record(
        key=draw(TEXT),
        to=draw(TEXT),
        row=draw(COUNT),
        line=draw(COUNT),
        mark=mark,
        epoch=draw(st.integers(0, 9)),
        payload_hash=f"{draw(st.integers(0, 2**64 - 1)):016x}",
        code=code,
        cls=CodeClass.UNKNOWN if plain else draw(st.sampled_from(list(CodeClass))),
        msgid=draw(st.none() | st.integers(0, 2**63)),
        attempts=draw(st.integers(0, 99)),
        at=draw(COUNT),
        detail="" if plain else draw(TEXT),
        payload=draw(TEXT) if keeps else "",
        fields=draw(TEXT) if keeps else "",
    )


@given(st.lists(records(), min_size=1, max_size=5))
def test_records_come_back_as_they_were_written(written: list[Record]) -> None:
    text = dump_records(written)
    assert load_records(text) == written
    touched = [(one if type(one) is tuple else (one.key, one.to, one.at)) for one in load_touches(text)]
    assert touched == [(one.key, one.to, one.at) for one in written]


@given(st.lists(MESSAGES, min_size=1, max_size=5), MOMENTS)
def test_claims_come_back_as_they_were_written(claimed: list[Message], made: Moment) -> None:
    written = [Claim(each, made) for each in claimed]
    assert load_claims(dump_claims(written)) == written


@given(st.lists(st.builds(Invalid, COUNT, COUNT, CODES, TEXT, TEXT, st.floats(0, 4e9)), max_size=5))
def test_wrong_rows_come_back_as_they_were_written(written: list[Invalid]) -> None:
    assert load_invalid(dump_invalid(written)) == written


@given(st.text(max_size=60) | st.from_regex(r'[\[\]{}",:0-9a-z]*', fullmatch=True))
def test_any_other_text_is_refused_and_nothing_else_goes_wrong(text: str) -> None:
    for load in (load_records, load_touches, load_claims, load_invalid):
        try:
            load(text)
        except DamagedStateError:
            continue


def test_a_record_that_keeps_its_payload_gives_the_message_back(folder: Path) -> None:
    ledger = Ledger(folder, RUN)
    ledger.commit([], [claim(7)])
    ledger.commit([record(message(7), Mark.FAILED, epoch=2)])
    ((_place, found),) = ledgers.records(folder)
    ledger.close()
    assert found.message() == message(7)._replace(epoch=2)


def test_a_record_is_found_again_by_its_place(folder: Path) -> None:
    some_ledger(folder)
    ledger = Ledger(folder, RUN)
    everything = list(ledgers.records(folder))
    assert [place for place, _record in everything[:4]] == [
        Place(1, 0),
        Place(1, 1),
        Place(1, 2),
        Place(2, 0),
    ]
    assert all(ledger.record_at(place) == found for place, found in everything)
    ledger.close()


def test_a_writer_that_comes_later_is_shown_every_record_in_order(folder: Path) -> None:
    some_ledger(folder)
    assert noted(folder) == list(ledgers.records(folder))


def test_a_run_that_has_begun_is_never_given_an_empty_ledger(folder: Path) -> None:
    with pytest.raises(DamagedStateError, match="lost its ledger"):
        Ledger(folder, RUN, may_be_new=False)
    some_ledger(folder)
    for path in folder.iterdir():
        path.unlink()
    with pytest.raises(DamagedStateError, match="lost its ledger"):
        Ledger(folder, RUN, may_be_new=False)


def test_a_run_that_was_begun_before_blocks_had_seals_goes_on(folder: Path) -> None:
    some_ledger(folder)
    before = noted(folder)
    edit_block(folder, "meta", lambda meta: meta | {"schema": 1})
    tamper(folder, "UPDATE Cache SET value = substr(value, 17) WHERE key != 'meta'")
    assert noted(folder) == before
    ledger = Ledger(folder, RUN)
    ledger.commit([record(message(901))], [claim(902)])
    assert ledger.record_at(Place(1, 0)) == before[0][1]
    ledger.close()
    assert [found.row for _place, found in noted(folder)] == [found.row for _place, found in before] + [901]
    assert open_keys(folder) == [message(902).key]


def test_wrong_rows_are_written_with_the_next_commit_and_dropped_by_the_next_call(folder: Path) -> None:
    wrong = Invalid(3, 5, "render", 'no value for "product".', '{"openid":"o1"}', THEN.wall)
    ledger = Ledger(folder, RUN)
    ledger.note_invalid(wrong)
    assert list(ledgers.invalid_rows(folder)) == []
    ledger.commit([])
    ledger.note_invalid(replace(wrong, row=4))
    ledger.commit([])
    assert [row.row for row in ledgers.invalid_rows(folder)] == [3, 4]
    ledger.close()
    ledger = Ledger(folder, RUN)
    ledger.forget_invalid()
    ledger.note_invalid(replace(wrong, row=9))
    ledger.commit([])
    ledger.close()
    assert [row.row for row in ledgers.invalid_rows(folder)] == [9]


# Claims


def open_keys(folder: Path) -> list[str]:
    return [found.message.key for found in ledgers.review(folder)]


def test_a_claim_is_open_until_a_record_ends_it(folder: Path) -> None:
    ledger = Ledger(folder, RUN)
    ledger.commit([], [claim(1), claim(2)])
    assert open_keys(folder) == [message(1).key, message(2).key]
    ledger.commit([record(message(1))])
    assert open_keys(folder) == [message(2).key]
    ledger.commit([record(message(2), Mark.RELEASED)])
    assert open_keys(folder) == []
    ledger.close()


def test_a_claim_that_a_killed_process_left_counts_as_unanswered_with_its_payload(folder: Path) -> None:
    ledger = Ledger(folder, RUN)
    ledger.commit([], [claim(1)])
    assert ledgers.review(folder) == [Claim(message(1), THEN, unanswered=True)]
    ledger.close()
    again = Ledger(folder, RUN)
    assert again.recovered == [Claim(message(1), THEN, unanswered=True)]
    again.close()


@pytest.mark.parametrize(
    ("mark", "unanswered", "busy"), [(Mark.SILENT, True, False), (Mark.BUSY, False, True)]
)
def test_what_attempts_have_met_stays_with_the_claim(
    folder: Path, mark: Mark, unanswered: bool, busy: bool
) -> None:
    ledger = Ledger(folder, RUN)
    ledger.commit([], [claim(1)])
    ledger.commit([record(message(1), mark, attempts=3)])
    ledger.close()
    assert ledgers.review(folder) == [Claim(message(1), THEN, 3, unanswered, busy)]


def test_a_glance_at_whom_messages_reached_sees_the_same_claims(folder: Path) -> None:
    ledger = Ledger(folder, RUN)
    ledger.commit([], [claim(1), claim(2), claim(3), claim(4)])
    ledger.commit([record(message(1)), record(message(2), Mark.FAILED), record(message(3), Mark.SILENT)])
    ledger.close()
    seen: list[Touch | Record] = []
    assert ledgers.review_touches(folder, seen.extend) == ledgers.review(folder)
    assert [one if type(one) is tuple else one[4] for one in seen] == [
        (message(1).key, message(1).to, record(message(1)).at), Mark.FAILED, Mark.SILENT,
    ]  # fmt: skip


def test_recovered_claims_are_the_oldest_first(folder: Path) -> None:
    ledger = Ledger(folder, RUN)
    for number in (1, 2, 3):
        ledger.commit([], [claim(number, replace(THEN, wall=THEN.wall - number))])
    ledger.close()
    assert open_keys(folder) == [message(number).key for number in (3, 2, 1)]


def test_a_key_is_claimed_anew_in_the_step_that_ends_its_last_claim(folder: Path) -> None:
    ledger = Ledger(folder, RUN)
    ledger.commit([], [claim(1), claim(2)])
    ledger.commit([record(message(1), Mark.RELEASED)], [claim(1)])
    ledger.commit([record(message(2))])
    ledger.close()
    assert open_keys(folder) == [message(1).key]


def test_blocks_of_claims_that_are_over_leave_the_file(folder: Path) -> None:
    ledger = Ledger(folder, RUN)
    for number in range(30):
        ledger.commit([], [claim(number)])
        ledger.commit([record(message(number))])
    ledger.close()
    with closing(sqlite3.connect(database(folder))) as connection:
        assert connection.execute("SELECT count(*) FROM Cache WHERE key LIKE 'c%'").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM Cache WHERE key LIKE 'o%'").fetchone() == (30,)


class AnyLife(RuleBasedStateMachine):
    """Commits of any kind, with processes that end in between, beside a dictionary of the open claims."""

    def __init__(self) -> None:
        super().__init__()
        self.place = tempfile.TemporaryDirectory()
        self.folder = Path(self.place.name) / "ledger"
        self.ledger = Ledger(self.folder, RUN)
        self.open: dict[str, Claim] = {}
        self.records: list[Record] = []
        self.now = THEN.wall

    def teardown(self) -> None:
        self.ledger.close()
        self.place.cleanup()

    @rule(data=st.data())
    def commit(self, data: st.DataObject) -> None:
        learnt = []
        keys = st.lists(st.sampled_from(sorted(self.open)), unique=True) if self.open else st.just([])
        for key in data.draw(keys):
            mark = data.draw(st.sampled_from(list(Mark)))
            learnt.append(record(self.open[key].message, mark, attempts=len(self.records)))
        ended = {found.key for found in learnt if found.mark in FINAL}
        busy = set(self.open) - ended
        numbers = data.draw(st.lists(st.integers(0, 7), unique=True, max_size=4))
        self.now += 1
        made = replace(THEN, wall=self.now)
        claims = [claim(number, made) for number in numbers if message(number).key not in busy]
        self.ledger.commit(learnt, claims)
        self.records += learnt
        for found in learnt:
            self.follow(found)
        self.open |= {found.message.key: found._replace(unanswered=True) for found in claims}

    def follow(self, found: Record) -> None:
        if found.mark in FINAL:
            del self.open[found.key]
        else:
            silent = found.mark is Mark.SILENT
            known = self.open[found.key]
            self.open[found.key] = known._replace(attempts=found.attempts, unanswered=silent, busy=not silent)

    @rule()
    def another_process(self) -> None:
        self.ledger.close()
        seen: list[Record] = []
        self.ledger = Ledger(self.folder, RUN, lambda _place, found: seen.append(found), may_be_new=False)
        assert seen == self.records
        assert {found.message.key: found for found in self.ledger.recovered} == self.open

    @precondition(lambda self: self.records)
    @rule(data=st.data())
    def look_up(self, data: st.DataObject) -> None:
        everything = list(ledgers.records(self.folder))
        place, found = data.draw(st.sampled_from(everything))
        assert self.ledger.record_at(place) == found

    @invariant()
    def what_is_open_is_known(self) -> None:
        found = ledgers.review(self.folder)
        assert {each.message.key: each for each in found} == self.open
        assert [each.made.wall for each in found] == sorted(each.made.wall for each in found)
        assert [each for _place, each in ledgers.records(self.folder)] == self.records


AnyLife.TestCase.settings = settings(max_examples=25, stateful_step_count=15)
TestAnyLife = AnyLife.TestCase


# Other processes


def killed_after(folder: Path, first: int, commits: int) -> set[str]:
    """All that a writer said: `commits` lines that are waited for, and what came before the kill."""
    command = [sys.executable, "-m", "tests.delivery.writer", str(folder), str(first)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(commits)]
        process.kill()
        lines += process.stdout.read().splitlines(keepends=True)
    assert len(lines) >= commits
    return {line.strip() for line in lines if line.endswith("\n")}


def numbers(acknowledged: set[str], word: str) -> set[int]:
    starts = [int(line.split()[1]) for line in acknowledged if line.startswith(word)]
    return {number for start in starts for number in range(start, start + 10)}


def test_every_acknowledged_commit_outlives_kill_9(folder: Path) -> None:
    chance = random.Random(20261123)
    acknowledged: set[str] = set()
    for life in range(5):
        acknowledged |= killed_after(folder, life * 1_000_000, chance.randrange(2, 60))
        recorded = {found.row for _place, found in ledgers.records(folder)}
        claimed = {found.message.row for found in ledgers.review(folder)}
        assert numbers(acknowledged, "recorded") <= recorded
        assert numbers(acknowledged, "claimed") <= recorded | claimed
        assert recorded.isdisjoint(claimed)
        assert len(recorded) % 10 == len(claimed) % 10 == 0, "half a commit"


@contextmanager
def writing(folder: Path, first: int) -> Iterator[IO[str]]:
    """A writer's process; killed at the end with whatever it has under way."""
    command = [sys.executable, "-m", "tests.delivery.writer", str(folder), str(first)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout
        finally:
            process.kill()


def test_a_run_is_read_while_another_process_writes_it(folder: Path) -> None:
    before = 0
    with writing(folder, 0) as said:
        for _ in range(15):
            said.readline()
            said.readline()
            rows = [found.row for _place, found in ledgers.records(folder)]
            claimed = [found.message.row for found in ledgers.review(folder)]
            assert rows == list(range(len(rows)))
            assert len(rows) >= before + 10
            assert len(claimed) in (0, 10)
            before += 10


@contextmanager
def locked_by_another_program(folder: Path) -> Iterator[None]:
    with closing(sqlite3.connect(database(folder), isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


def test_a_database_that_another_program_holds_is_told_in_bounded_time(folder: Path) -> None:
    some_ledger(folder)
    ledger = Ledger(folder, RUN)
    before = time.monotonic()
    with locked_by_another_program(folder), pytest.raises(StorageError, match="another program"):
        ledger.commit([], [claim(77)])
    assert time.monotonic() - before < 25
    ledger.commit([], [claim(77)])
    ledger.close()
    assert message(77).key in open_keys(folder)


def test_a_disk_that_refuses_is_told_and_nothing_of_the_commit_is_kept(folder: Path) -> None:
    some_ledger(folder)
    ledger = Ledger(folder, RUN)
    cache_db = sqlite3.connect(database(folder))
    pages = cache_db.execute("PRAGMA page_count").fetchone()[0]
    cache_db.close()
    ledger._store._sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StorageError, match="full"):
        ledger.commit([record(message(901))], [claim(number) for number in range(1000, 1400)])
    before = open_keys(folder)
    ledger._store._sql("PRAGMA max_page_count = 1073741823")
    assert before == [message(901).key]
    ledger.commit([record(message(901))])
    ledger.close()
    assert open_keys(folder) == []


def test_an_accepted_message_takes_at_most_300_bytes(folder: Path) -> None:
    ledger = Ledger(folder, RUN)
    for start in range(0, 20_000, 50):
        batch = [message(number) for number in range(start, start + 50)]
        ledger.commit([], [Claim(each, THEN) for each in batch])
        ledger.commit([record(each) for each in batch])
    ledger.close()
    size = sum(path.stat().st_size for path in folder.iterdir())
    assert size <= 300 * 20_000
