"""The log after a crash: unfinished work is no loss, a hole in what was flushed is one."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from wxpush.delivery.wal import has_lost_commits

PAGE = 4096
FRAME = 24 + PAGE


@pytest.fixture(params=[PAGE, 1024, 65536])
def page(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def log_of(folder: Path, commits: int, page: int = PAGE) -> bytes:
    """A log of one page a commit."""
    path = folder / "any.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size = {page}")
        connection.execute("CREATE TABLE people (name TEXT)")
        connection.execute("PRAGMA journal_mode = wal")
        for number in range(commits):
            connection.execute("INSERT INTO people VALUES (?)", (f"o{number:027d}",))
        return (folder / "any.db-wal").read_bytes()


def told(folder: Path, content: bytes, index: bytes = b"") -> bool:
    (folder / "log").write_bytes(content)
    (folder / "index").write_bytes(index)
    return has_lost_commits(folder / "log", folder / "index")


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def test_a_whole_log_has_lost_nothing(tmp_path: Path, page: int) -> None:
    log = log_of(tmp_path, 9, page)
    assert len(log) == 32 + 9 * (24 + page)
    assert not told(tmp_path, log)


def test_a_hole_with_two_commits_behind_it_is_a_loss(tmp_path: Path, page: int) -> None:
    log, frame = log_of(tmp_path, 6, page), 24 + page
    for number in range(6):
        for place in (0, 6, 12, 24, 24 + page // 2, frame - 1):
            assert told(tmp_path, flipped(log, 32 + number * frame + place)) == (number < 4), (number, place)


def test_a_hole_in_a_checksum_spoils_the_frame_behind_it_too(tmp_path: Path) -> None:
    log, checksum = log_of(tmp_path, 6), 32 + 20
    assert [told(tmp_path, flipped(log, checksum + n * FRAME)) for n in range(6)] == [True] * 3 + [False] * 3


def test_what_was_written_after_the_last_flush_may_be_anything(tmp_path: Path) -> None:
    log = log_of(tmp_path, 5)
    for behind in (b"\0", b"\0" * 5000, b"\xff" * 20_000, log[32 : 32 + FRAME] + b"\0" * 100):
        assert not told(tmp_path, log + behind)
        assert not told(tmp_path, log[: -FRAME // 2] + behind)


def test_frames_of_an_earlier_round_are_no_loss(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    log, earlier = log_of(tmp_path, 3), log_of(other, 9)
    assert not told(tmp_path, log + earlier[len(log) :])
    assert not told(tmp_path, log[:32] + earlier[32:])


@pytest.mark.parametrize(
    ("spoil", "lost"),
    [
        (lambda log: log[:0], False),
        (lambda log: log[:20], False),
        (lambda log: log[:32], False),
        (lambda log: bytes(len(log)), False),
        (lambda log: bytes(32) + log[32:], True),
        (lambda log: flipped(log, 3), True),
        (lambda log: flipped(log, 17), True),
        (lambda log: flipped(log, 30), True),
    ],
    ids=["empty", "half a header", "a header", "zeros", "no header", "magic", "salts", "checksum"],
)
def test_a_log_whose_header_is_broken(tmp_path: Path, spoil: Callable[[bytes], bytes], lost: bool) -> None:
    assert told(tmp_path, spoil(log_of(tmp_path, 4))) == lost


def test_no_log_at_all_has_lost_nothing(tmp_path: Path) -> None:
    assert not has_lost_commits(tmp_path / "none", tmp_path / "no index")


def index_of(folder: Path, commits: int, *, saved: bool = False) -> tuple[bytes, bytes]:
    """A log and its index, as a process leaves them that is killed; `saved` once all is in the database."""
    with closing(sqlite3.connect(folder / "another.db", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE people (name TEXT)")
        connection.execute("PRAGMA journal_mode = wal")
        for number in range(commits):
            connection.execute("INSERT INTO people VALUES (?)", (f"o{number:027d}",))
        if saved:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        log, index = folder / "another.db-wal", folder / "another.db-shm"
        return log.read_bytes(), index.read_bytes()


def test_a_log_that_was_cut_off_is_told_by_its_index(tmp_path: Path) -> None:
    log, index = index_of(tmp_path, 6)
    assert not told(tmp_path, log, index)
    for left in (0, 10, 32, 32 + FRAME, len(log) - FRAME, len(log) - 1):
        assert told(tmp_path, log[:left], index), left
    assert told(tmp_path, flipped(log, len(log) - 1), index)


def test_a_log_whose_pages_are_in_the_database_already_may_go(tmp_path: Path) -> None:
    log, index = index_of(tmp_path, 6, saved=True)
    assert not told(tmp_path, b"", index)
    assert not told(tmp_path, log[: 32 + 2 * FRAME], index)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda index: index[:0],
        lambda index: index[:90],
        lambda index: flipped(index, 16),
        lambda index: bytes(len(index)),
    ],
    ids=["empty", "short", "half written", "zeros"],
)
def test_an_index_that_nobody_can_trust_tells_nothing(
    tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    log, index = index_of(tmp_path, 6)
    assert not told(tmp_path, log[: 32 + 2 * FRAME], spoil(index))


def test_the_index_of_another_round_tells_nothing(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    log, _index = index_of(tmp_path, 2)
    _log, index = index_of(other, 6)
    assert not told(tmp_path, log, index)
