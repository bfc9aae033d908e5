"""The log of receipts: nothing that was taken in is lost, whoever writes and reads meanwhile."""

import multiprocessing
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.delivery.ledgers import tamper
from wxpush.delivery.receipts import ReceiptLog, receipts
from wxpush.errors import DamagedStateError
from wxpush.model import Receipt

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
RECEIPTS = st.builds(
    Receipt, st.integers(0, 2**63), TEXT, TEXT, st.integers(0, 2**40), st.floats(0, 4e9).map(float)
)


def receipt(number: int) -> Receipt:
    openid = f"oQ7wK0tXbR3mZpV9cY{number:010d}"
    return Receipt(3_717_005_636_572_528_642 + number, openid, "success", 1_795_600_000, 1_795_600_001.5)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "receipts"


@given(written=st.lists(st.lists(RECEIPTS, max_size=4), max_size=4))
def test_receipts_come_back_as_they_came(
    tmp_path_factory: pytest.TempPathFactory, written: list[list[Receipt]]
) -> None:
    folder = tmp_path_factory.mktemp("log") / "receipts"
    with closing(ReceiptLog(folder)) as log:
        for some in written:
            log.append(some)
    assert list(receipts(folder)) == [one for some in written for one in some]


def test_where_no_receipt_ever_came_there_is_none(folder: Path) -> None:
    assert list(receipts(folder)) == []
    assert not folder.exists()


def _write(folder: Path, first: int) -> None:
    with closing(ReceiptLog(folder)) as log:
        for number in range(first, first + 50):
            log.append([receipt(number)])


def test_two_processes_may_write_at_once(folder: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_write, args=(folder, first)) for first in (0, 50)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(receipts(folder)) == [receipt(number) for number in range(100)]


def test_a_receipt_that_was_tampered_with_is_refused(folder: Path) -> None:
    with closing(ReceiptLog(folder)) as log:
        log.append([receipt(1)])
    tamper(folder, "UPDATE Cache SET value = replace(value, ?, ?)", "success", "failure")
    with pytest.raises(DamagedStateError):
        list(receipts(folder))
