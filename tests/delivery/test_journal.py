"""The logs of an account say themselves what is wrong with them, and what to do."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.delivery.ledgers import tamper
from wxpush.delivery import journal, trials
from wxpush.delivery.receipts import ReceiptLog, receipts
from wxpush.delivery.suppressions import Entry, Reading, Suppressions, entries
from wxpush.delivery.trials import TrialLog
from wxpush.errors import DamagedStateError, StateError
from wxpush.model import Receipt

USES: dict[str, Callable[[Path], object]] = {
    "opening receipts": ReceiptLog,
    "reading receipts": lambda folder: list(receipts(folder)),
    "opening trials": lambda folder: TrialLog(folder, "t"),
    "reading trials": lambda folder: trials.review(folder, lambda _record: None),
    "opening the suppression list": Suppressions,
    "reading the suppression list": lambda folder: list(entries(folder)),
}


@pytest.mark.parametrize("use", USES)
def test_a_damaged_log_names_itself_and_the_way_out(tmp_path: Path, use: str) -> None:
    folder = tmp_path / "some folder" / "log"
    log = ReceiptLog(folder)
    log.append([Receipt(1, "oA", "success", 1, 1.0)])
    log.close()
    (folder / "cache.db").write_bytes(b"x" * 4096)
    with pytest.raises(DamagedStateError) as told:
        USES[use](folder)
    assert str(folder) in str(told.value)
    assert f"mv '{folder}' '{folder}.damaged'" in told.value.hint
    assert "ledger" not in f"{told.value} {told.value.hint}"
    folder.rename(f"{folder}.damaged")
    USES[use](folder)


def test_a_block_that_was_changed_on_the_disk_is_damage_of_the_list(tmp_path: Path) -> None:
    opened = Suppressions(tmp_path / "log")
    opened.add([Entry("oA" + "x" * 26, "", 1.0, None, "operator")])
    opened.close()
    database = tmp_path / "log" / "cache.db"
    database.write_bytes(database.read_bytes().replace(b"oAxxxx", b"oBxxxx"))
    with pytest.raises(DamagedStateError, match="suppression list"):
        list(entries(tmp_path / "log"))


@pytest.mark.parametrize(
    ("statement", "sees"),
    [
        ("DELETE FROM Cache WHERE key = 'j000000000003'", True),
        ("DELETE FROM Cache WHERE key = 'j000000000001'", True),
        ("UPDATE Cache SET value = '2' WHERE key = 'n'", True),
        ("UPDATE Cache SET value = 'x' WHERE key = 'n'", True),
        ("UPDATE Cache SET value = value", False),
    ],
)
def test_a_look_sees_that_a_block_is_gone(tmp_path: Path, statement: str, sees: bool) -> None:
    folder = tmp_path / "log"
    log = ReceiptLog(folder)
    for number in range(3):
        log.append([Receipt(number, "oA", "success", 1, 1.0)])
    log.close()
    tamper(folder, statement)
    if not sees:
        assert journal.look_over(folder, lambda: False)
        return
    with pytest.raises(DamagedStateError):
        journal.look_over(folder, lambda: False)


def test_a_number_that_is_none_is_damage_for_who_adds(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    ReceiptLog(folder).close()
    log = ReceiptLog(folder)
    log.append([Receipt(1, "oA", "success", 1, 1.0)])
    tamper(folder, "UPDATE Cache SET value = 'x' WHERE key = 'n'")
    with pytest.raises(DamagedStateError):
        log.append([Receipt(2, "oA", "success", 1, 1.0)])
    log.close()


def test_two_threads_of_a_process_open_one_log_and_let_it_go_again(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    over, wrong = Event(), []

    def write() -> None:
        try:
            for number in range(60):
                with closing(Suppressions(folder)) as opened:
                    opened.add([Entry(f"o{number:027d}", "", 1.0, None, "operator")])
        except StateError as error:
            wrong.append(error)
        over.set()

    with closing(Suppressions(folder)):
        pass
    writer = Thread(target=write)
    writer.start()
    reading = Reading(folder)
    while not over.is_set():
        reading.now()
    writer.join()
    assert wrong == []
    assert len(reading.now()) == 60
