"""The suppression list while a run goes on: it never keeps the run waiting."""

import sqlite3
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.delivery.ledgers import message, record
from wxpush.app.watch import Watch
from wxpush.delivery.ledger import Place
from wxpush.delivery.records import Mark
from wxpush.delivery.suppressions import Entry, Suppressions

DAY = 86_400.0


def handles(path: Path) -> int:
    """How often this process has the file open."""
    found = 0
    for handle in Path("/dev/fd").iterdir():
        with suppress(OSError):  # that of the listing itself is gone by now
            found += handle.readlink() == path
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/fd with links")
def test_a_list_that_another_process_holds_keeps_no_run_from_its_end(tmp_path: Path) -> None:
    folder = tmp_path / "suppressions"
    with closing(Suppressions(folder)) as opened:
        opened.add([Entry("oA" + "x" * 26, "", 1.0, None, "operator")])
    watch = Watch(folder, DAY)
    note = watch.beside(None)
    assert note is not None
    with closing(sqlite3.connect(folder / "cache.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        before = handles(folder / "cache.db")
        with watch.keeping_up(time.time):
            note(Place(1, 1), record(message(1), Mark.FAILED)._replace(at=time.time()))
            deadline = time.monotonic() + 30
            while handles(folder / "cache.db") <= before:
                assert time.monotonic() < deadline
        told = watch.settle(time.time())
    assert len(told) == 1
    assert "another process holds it" in told[0]
