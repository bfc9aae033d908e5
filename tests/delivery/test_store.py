"""The store under a ledger: nothing is evicted, nothing unpickled, and what isn't ours is refused."""

import os
import pickle
import random
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import diskcache
import pytest

from tests.delivery.ledgers import (
    database,
    edit_block,
    everything_below,
    noted,
    rewrite_block,
    some_ledger,
    tamper,
)
from tests.delivery.world import RUN
from wxpush.delivery import ledger as ledgers
from wxpush.delivery import store
from wxpush.delivery.identity import RunId, hash64
from wxpush.delivery.ledger import Ledger
from wxpush.delivery.standing import ByKey, ByRow
from wxpush.errors import DamagedStateError, StateError, UnsafeStateError

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run" / "ledger"


@pytest.fixture
def ledger(folder: Path) -> Path:
    return some_ledger(folder)


def opened(folder: Path) -> diskcache.Cache:
    return store.open_store(folder, lock_timeout=0.1)


@pytest.mark.parametrize("times", [1, 2, 3])
def test_nothing_is_ever_evicted_and_every_commit_is_on_disk(folder: Path, times: int) -> None:
    for _ in range(times):
        cache = opened(folder)
        found = cache.eviction_policy, cache.cull_limit, cache.size_limit
        pragmas = [cache._sql(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "journal_mode")]
        cache.close()
    assert found == ("none", 0, 2**62)
    assert pragmas == [2, "wal"]


def test_the_settings_hold_for_a_store_that_was_made_by_an_older_process(folder: Path) -> None:
    opened(folder).close()
    tamper(folder, "DELETE FROM Settings WHERE key IN ('cull_limit', 'eviction_policy', 'size_limit')")
    with opened(folder) as cache:
        assert (cache.eviction_policy, cache.cull_limit, cache.size_limit) == ("none", 0, 2**62)


@pytest.mark.parametrize("length", [0, 1, 32 * 1024, 32 * 1024 + 1, 3_000_000])
def test_a_value_of_any_length_stays_inside_the_database(folder: Path, length: int) -> None:
    text = "礼" * length
    with opened(folder) as cache:
        cache.set("o000000000001", text)
        assert cache.get("o000000000001") == text
    assert {path.name for path in folder.iterdir()} <= {"cache.db", "cache.db-wal", "cache.db-shm"}
    assert list(store.rows(folder)) == [("o000000000001", text)]


@pytest.mark.parametrize("value", [b"bytes", 7, 1.5, None, ["list"], {"a": 1}])
def test_only_text_is_written(folder: Path, value: Any) -> None:
    with opened(folder) as cache, pytest.raises(TypeError):
        cache.set("meta", value)


def test_the_files_are_for_their_owner_only(folder: Path) -> None:
    cache = opened(folder)
    cache.set("meta", "x")
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    cache.close()
    assert set(modes) >= {"cache.db", "cache.db-wal"}
    assert set(modes.values()) == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


class Bomb:
    """What a pickle in the ledger would do, were it ever loaded."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.mark),))


def as_pickle(folder: Path) -> None:
    value = pickle.dumps(Bomb(folder.parent / "exploded"))
    tamper(folder, "UPDATE Cache SET mode = 4, value = ? WHERE key LIKE 'o%2'", sqlite3.Binary(value))


def as_pickled_meta(folder: Path) -> None:
    value = pickle.dumps(Bomb(folder.parent / "exploded"))
    tamper(folder, "UPDATE Cache SET mode = 4, value = ? WHERE key = 'meta'", sqlite3.Binary(value))


def with_pickled_key(folder: Path) -> None:
    key = pickle.dumps(Bomb(folder.parent / "exploded"))
    tamper(folder, "UPDATE Cache SET key = ?, raw = 0 WHERE key LIKE 'o%2'", sqlite3.Binary(key))


def with_a_side_file(folder: Path) -> None:
    tamper(folder, "UPDATE Cache SET filename = '../precious.txt' WHERE key LIKE 'o%2'")


def with_a_side_file_to_read(folder: Path) -> None:
    tamper(folder, "UPDATE Cache SET mode = 3, filename = '../precious.txt', value = NULL WHERE key = 'meta'")


def with_a_claim_in_a_side_file(folder: Path) -> None:
    tamper(folder, "UPDATE Cache SET filename = '../precious.txt' WHERE key LIKE 'c%'")


def changed(statement: str) -> Callable[[Path], None]:
    return lambda folder: tamper(folder, statement)


def changed_all(*statements: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        for statement in statements:
            tamper(folder, statement)

    return change


def edited(key: str, edit: Callable[[Any], Any]) -> Callable[[Path], None]:
    return lambda folder: edit_block(folder, key, edit)


def first_record(place: int, value: Any) -> Callable[[Path], None]:
    def edit(block: list[list[Any]]) -> list[list[Any]]:
        block[0][place] = value
        return block

    return edited("o000000000002", edit)


def overwritten(content: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        database(folder).write_bytes(content(database(folder).read_bytes()))

    return write


O2 = "o000000000002"
LAST_O = "key = (SELECT max(key) FROM Cache WHERE key LIKE 'o%')"
C4 = "c000000000004"

ATTACKS: dict[str, Callable[[Path], None]] = {
    "a pickled value": as_pickle,
    "a pickled meta": as_pickled_meta,
    "a pickled key": with_pickled_key,
    "a key that is bytes": changed(f"UPDATE Cache SET key = x'6f32' WHERE key = '{O2}'"),
    "a last key that is bytes": changed(f"UPDATE Cache SET key = CAST(key AS BLOB) WHERE {LAST_O}"),
    "a last key that is nothing": changed(f"UPDATE Cache SET key = NULL WHERE {LAST_O}"),
    "raw 0": changed(f"UPDATE Cache SET raw = 0 WHERE key = '{O2}'"),
    "raw 0 for meta": changed("UPDATE Cache SET raw = 0 WHERE key = 'meta'"),
    "a value that is bytes": changed(f"UPDATE Cache SET value = x'5b5d' WHERE key = '{O2}'"),
    "a value that is a number": changed(f"UPDATE Cache SET value = 7 WHERE key = '{O2}'"),
    "no value": changed(f"UPDATE Cache SET value = NULL WHERE key = '{O2}'"),
    "a file name": with_a_side_file,
    "a file to read": with_a_side_file_to_read,
    "a file name at a claim": with_a_claim_in_a_side_file,
    "broken JSON": lambda folder: rewrite_block(folder, O2, "[["),
    "deep JSON": lambda folder: rewrite_block(folder, O2, "[" * 200_000),
    "a digit of a key": changed(
        f"UPDATE Cache SET value = replace(value, '000003\"', '000004\"') WHERE key = '{O2}'"
    ),
    "a block without its seal": changed(f"UPDATE Cache SET value = substr(value, 17) WHERE key = '{O2}'"),
    "another schema": edited("meta", lambda meta: meta | {"schema": 1}),
    "a count that isn't the entries'": changed("UPDATE Settings SET value = 99 WHERE key = 'count'"),
    "JSON of another kind": edited(O2, lambda _block: {"A": 1}),
    "JSON null": edited(O2, lambda _block: None),
    "an emptied block": edited(O2, lambda _block: []),
    "a block that is an empty object": edited(O2, lambda _block: {}),
    "a record without fields": edited(O2, lambda _block: [[]]),
    "a record with too many fields": edited(O2, lambda block: [block[0] + [0] * 9]),
    "an unknown mark": first_record(0, "Z"),
    "a key that is a number": first_record(1, 5),
    "a key that no file can hold": first_record(1, "\ud800"),
    "a row below zero": first_record(2, -1),
    "a row beyond any list": first_record(2, 2**62),
    "a row that is true": first_record(2, True),
    "a hash that is none": first_record(5, "not hexadecimal"),
    "an empty hash": first_record(5, ""),
    "claims that are a list": edited(C4, lambda _block: []),
    "claims without a moment": edited(C4, lambda block: {"c": block["c"]}),
    "claims of a moment beyond numbers": edited(C4, lambda block: block | {"t": 10**400}),
    "a claim that lacks its payload": edited(C4, lambda block: block | {"c": [block["c"][0][:4]]}),
    "a claim with a null for its payload": edited(
        C4, lambda block: block | {"c": [[*block["c"][0][:4], None, None]]}
    ),
    "the first records gone": changed("DELETE FROM Cache WHERE key = 'o000000000001'"),
    "records in the middle gone": changed(f"DELETE FROM Cache WHERE key = '{O2}'"),
    "records twice": changed(
        "INSERT INTO Cache SELECT NULL, 'o000000000003x', raw, store_time, expire_time, access_time,"
        f" access_count, tag, size, mode, filename, value FROM Cache WHERE key = '{O2}'"
    ),
    "records renamed": changed(f"UPDATE Cache SET key = 'o000000000009' WHERE key = '{O2}'"),
    "records in another order": changed(f"UPDATE Cache SET rowid = 1000 WHERE key = '{O2}'"),
    "an unknown entry": changed(f"UPDATE Cache SET key = 'x000000000002' WHERE key = '{O2}'"),
    "meta gone": changed("DELETE FROM Cache WHERE key = 'meta'"),
    "meta of a newer version": edited("meta", lambda meta: meta | {"schema": 3}),
    "meta of another run": edited("meta", lambda meta: meta | {"run": "0" * 16}),
    "meta that is no JSON": changed("UPDATE Cache SET value = 'mine' WHERE key = 'meta'"),
    "everything gone": changed("DELETE FROM Cache"),
    "an eviction policy": changed(
        "UPDATE Settings SET value = 'least-recently-stored' WHERE key = 'eviction_policy'"
    ),
    "a size limit": changed("UPDATE Settings SET value = 1 WHERE key = 'size_limit'"),
    "a cull limit": changed("UPDATE Settings SET value = 10 WHERE key = 'cull_limit'"),
    "a fast and loose disk": changed("UPDATE Settings SET value = 0 WHERE key = 'sqlite_synchronous'"),
    "a setting of nobody's": changed("INSERT INTO Settings VALUES ('disk_directory', '/tmp')"),
    "a counter that is text": changed("UPDATE Settings SET value = 'many' WHERE key = 'count'"),
    "another table": changed("CREATE TABLE Guests (name TEXT)"),
    "a view": changed("CREATE VIEW Guests AS SELECT key FROM Cache"),
    "a trigger": changed(
        "CREATE TRIGGER forget AFTER INSERT ON Cache BEGIN DELETE FROM Cache WHERE key LIKE 'o%'; END"
    ),
    "a view in place of the records": changed_all(
        "DROP TABLE Cache",
        "CREATE VIEW Cache AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT 1 FROM n) SELECT x FROM n",
    ),
    "a journal to be played back": lambda folder: (folder / "cache.db-journal").write_bytes(b"x" * 512),
    "a lost Cache table": changed("DROP TABLE Cache"),
    "half a file": overwritten(lambda content: content[: len(content) // 2]),
    "a page of a file": overwritten(lambda content: content[:4096]),
    "an empty file": overwritten(lambda _content: b""),
    "a file of zeros": overwritten(lambda content: bytes(len(content))),
    "zeros in the middle": overwritten(
        lambda content: content[:8192] + bytes(len(content) - 12288) + content[-4096:]
    ),
    "not a database": overwritten(lambda _content: "姓名,openid\n".encode() * 900),
}


def nothing_outside_changed(folder: Path) -> bool:
    precious = folder.parent / "precious.txt"
    return precious.read_text() == "keep me" and not (folder.parent / "exploded").exists()


@pytest.mark.guarantee("T24")
@pytest.mark.parametrize("standing", [ByRow, lambda: ByKey(hash64)], ids=["by row", "by key"])
@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_a_ledger_with_something_foreign_is_refused(
    ledger: Path, attack: Callable[[Path], None], standing: Callable[[], ByRow | ByKey]
) -> None:
    (ledger.parent / "precious.txt").write_text("keep me")
    attack(ledger)
    with pytest.raises(StateError):
        Ledger(ledger, RUN, standing().note, may_be_new=False).close()
    assert nothing_outside_changed(ledger)


@pytest.mark.parametrize(
    "attack", ["a pickled value", "a file name", "raw 0", "broken JSON", "records in the middle gone",
               "half a file", "not a database", "a file of zeros", "a view in place of the records",
               "a journal to be played back", "another table"]
)  # fmt: skip
def test_reading_refuses_it_too(ledger: Path, attack: str) -> None:
    (ledger.parent / "precious.txt").write_text("keep me")
    ATTACKS[attack](ledger)
    with pytest.raises(StateError):
        list(ledgers.records(ledger))
    with pytest.raises(StateError):
        ledgers.review(ledger)
    assert nothing_outside_changed(ledger)


def test_a_refused_ledger_is_left_as_it_was(ledger: Path) -> None:
    tamper(ledger, "UPDATE Settings SET value = 1 WHERE key = 'size_limit'")
    before = database(ledger).read_bytes()
    with pytest.raises(DamagedStateError):
        noted(ledger)
    assert database(ledger).read_bytes() == before


def test_the_ledger_of_another_run_is_refused_whole(folder: Path) -> None:
    Ledger(folder, RunId(RUN.origin, RUN.appid, "another")).close()
    with pytest.raises(DamagedStateError, match="another run"):
        noted(folder)


def test_a_database_of_another_program_is_refused_and_not_written_to(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True)
    database(folder).touch(mode=0o600)
    with closing(sqlite3.connect(database(folder))) as connection, connection:
        connection.execute("CREATE TABLE Customers (name TEXT)")
    before = database(folder).read_bytes()
    with pytest.raises(DamagedStateError, match="not a ledger"):
        noted(folder)
    assert database(folder).read_bytes() == before


def test_a_file_that_a_killed_process_left_before_its_first_table_is_used(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True)
    database(folder).touch(mode=0o600)
    assert noted(folder) == []


def test_whoever_reads_a_store_that_is_just_being_made_finds_it_empty(folder: Path) -> None:
    opened(folder).close()
    with closing(sqlite3.connect(database(folder))) as connection:
        for table in ("Cache", "Settings"):
            connection.execute(f"DROP TABLE {table}")
        connection.execute("PRAGMA schema_version = 0")
    assert list(store.rows(folder)) == []


MAKE = """
import itertools, sys
from pathlib import Path
from tests.delivery.world import RUN
from wxpush.delivery.ledger import Ledger
print("ready", flush=True)
for number in itertools.count():
    Ledger(Path(sys.argv[1]) / str(number), RUN).close()
"""


def test_a_process_killed_while_it_makes_a_ledger_leaves_one_that_can_be_used(tmp_path: Path) -> None:
    for kill in range(12):
        command = [sys.executable, "-c", MAKE, str(tmp_path / str(kill))]
        with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline() == "ready\n"
                with suppress(subprocess.TimeoutExpired):
                    process.wait(random.uniform(0, 0.1))
            finally:
                process.kill()
        for folder in (tmp_path / str(kill)).glob("*"):
            assert noted(folder) == []


def test_a_new_ledger_never_needs_a_rollback_journal(folder: Path) -> None:
    opened(folder).close()
    assert database(folder).read_bytes()[18:20] == b"\2\2", "the format of a write-ahead log"


@pytest.mark.parametrize("options", [{}, {"may_be_new": False}])
def test_a_link_in_place_of_the_database_is_refused(ledger: Path, options: dict[str, bool]) -> None:
    elsewhere = ledger.parent / "elsewhere.db"
    database(ledger).rename(elsewhere)
    database(ledger).symlink_to(elsewhere)
    before = elsewhere.read_bytes()
    with pytest.raises(UnsafeStateError):
        noted(ledger, **options)
    assert elsewhere.read_bytes() == before


def test_a_dangling_link_is_refused_and_makes_no_file(folder: Path, tmp_path: Path) -> None:
    folder.mkdir(mode=0o700, parents=True)
    database(folder).symlink_to(tmp_path / "made-elsewhere.db")
    with pytest.raises(UnsafeStateError):
        noted(folder)
    assert not (tmp_path / "made-elsewhere.db").exists()


def test_a_second_name_of_the_database_is_refused(ledger: Path) -> None:
    (ledger.parent / "second.db").hardlink_to(database(ledger))
    with pytest.raises(UnsafeStateError, match="hard link"):
        noted(ledger)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o666])
def test_a_database_that_others_can_open_is_refused(ledger: Path, mode: int) -> None:
    database(ledger).chmod(mode)
    with pytest.raises(UnsafeStateError, match="other users"):
        noted(ledger)


@pytest.mark.parametrize("mode", [0o750, 0o705, 0o777])
def test_a_folder_that_others_can_enter_is_refused(ledger: Path, mode: int) -> None:
    ledger.chmod(mode)
    with pytest.raises(UnsafeStateError):
        noted(ledger)


def test_a_linked_folder_is_refused(ledger: Path) -> None:
    other = ledger.with_name("other")
    ledger.rename(other)
    ledger.symlink_to(other)
    with pytest.raises(UnsafeStateError):
        noted(ledger)


@pytest.mark.parametrize("name", ["cache.db-wal", "cache.db-shm"])
def test_a_linked_side_file_of_sqlite_is_refused_and_its_target_left_alone(ledger: Path, name: str) -> None:
    precious = ledger.parent / "precious.txt"
    precious.write_text("keep me")
    (ledger / name).symlink_to(precious)
    with pytest.raises(UnsafeStateError):
        noted(ledger)
    assert precious.read_text() == "keep me"


READ_FIFO = """
import sys
from pathlib import Path
from tests.delivery.ledgers import noted
from wxpush.delivery import ledger as ledgers
from wxpush.errors import StateError
folder = Path(sys.argv[1])
try:
    noted(folder) if sys.argv[2] == "write" else ledgers.review(folder)
except StateError:
    print("refused")
"""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs on this system")
@pytest.mark.parametrize("way", ["write", "read"])
def test_a_pipe_in_place_of_the_database_is_refused_without_waiting(folder: Path, way: str) -> None:
    folder.mkdir(mode=0o700, parents=True)
    os.mkfifo(database(folder), 0o600)
    command = [sys.executable, "-c", READ_FIFO, str(folder), way]
    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=5, check=False)
    assert ended.stdout.strip() == "refused", ended.stderr


def test_a_dollar_sign_in_the_path_is_no_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP", "elsewhere")
    folder = tmp_path / "$SHOP" / "ledger"
    try:
        some_ledger(folder)
    except StateError:
        pass  # saying that it can't be done is as good as doing it
    else:
        assert len(noted(folder)) == 10
    assert not (tmp_path / "elsewhere").exists()


def test_a_percent_sign_and_a_question_mark_in_the_path_do_no_harm(tmp_path: Path) -> None:
    folder = some_ledger(tmp_path / "双11 100%?mode=rw#1" / "ledger")
    assert len(noted(folder)) == 10
    assert [path.name for path in tmp_path.iterdir()] == ["双11 100%?mode=rw#1"]


def test_reading_changes_nothing(ledger: Path) -> None:
    before = dict(everything_below(ledger))["cache.db"]
    assert len(list(ledgers.records(ledger))) == 10
    assert len(ledgers.review(ledger)) == 1
    assert dict(everything_below(ledger))["cache.db"] == before


def test_a_look_over_a_ledger_ends_when_it_is_told_to(ledger: Path) -> None:
    assert ledgers.look_over(ledger, RUN, lambda: False) is True
    assert ledgers.look_over(ledger, RUN, lambda: True) is False
    with opened(ledger) as cache:
        for number in range(20_000):
            cache.set(f"x{number}", "礼" * 100)
    asked = iter([False, False, True])
    assert store.look_over(ledger, lambda: next(asked)) is False, "SQLite asks while it goes through"


@pytest.mark.parametrize("lacking", ["c", "o000000000002", "meta"])
def test_a_look_over_a_ledger_sees_what_is_lacking(ledger: Path, lacking: str) -> None:
    tamper(ledger, "DELETE FROM Cache WHERE substr(key, 1, ?) = ?", len(lacking), lacking)
    tamper(ledger, "UPDATE Settings SET value = (SELECT count(*) FROM Cache) WHERE key = 'count'")
    if lacking == "c":
        assert ledgers.look_over(ledger, RUN, lambda: False) is True, "claims go when they are over"
        return
    with pytest.raises(DamagedStateError):
        ledgers.look_over(ledger, RUN, lambda: False)


def test_a_look_over_a_ledger_sees_that_it_is_another_runs(ledger: Path) -> None:
    with pytest.raises(DamagedStateError, match="another run"):
        ledgers.look_over(ledger, RunId("https://api.weixin.qq.com", "wx1", "other"), lambda: False)


def without_logs(folder: Path, content: bytes) -> None:
    """The ledger with this database and no log beside it."""
    for path in folder.iterdir():
        path.unlink()
    (folder / "cache.db").write_bytes(content)
    (folder / "cache.db").chmod(0o600)


def test_one_changed_byte_anywhere_is_at_most_damage(ledger: Path) -> None:
    whole, chance = (ledger / "cache.db").read_bytes(), random.Random(20260713)
    places = [(3230, 0x80)]  # in the schema, so that SQLite's own message is no text
    places += [(chance.randrange(len(whole)), chance.randrange(1, 256)) for _time in range(299)]
    uses: dict[str, Callable[[], object]] = {
        "doctor": lambda: ledgers.look_over(ledger, RUN, lambda: False),
        "runs show": lambda: ledgers.review(ledger),
        "send": lambda: Ledger(ledger, RUN, may_be_new=False).close(),
    }
    told: dict[tuple[int, int], set[str]] = {}
    for place, mask in places:
        content = bytearray(whole)
        content[place] ^= mask
        told[place, mask] = set()
        for name, use in uses.items():
            without_logs(ledger, bytes(content))
            try:
                use()
            except StateError:
                told[place, mask].add(name)
    assert told[places[0]] == {"doctor", "runs show", "send"}
    unseen = [place for place, names in told.items() if "send" in names and "doctor" not in names]
    assert not unseen, "doctor finds whatever keeps a sending from its ledger"
    assert sum(map(bool, told.values())) > 50


@pytest.mark.parametrize("number", [0, 1])
def test_an_index_that_does_not_fit_its_table_is_seen_by_looking(ledger: Path, number: int) -> None:
    """A setting's name stands in the table and in its index; SQLite's quick check compares them not."""
    content = bytearray((ledger / "cache.db").read_bytes())
    places = [found.start() for found in re.finditer(b"disk_min_file_size", bytes(content))]
    content[places[number] + 3] ^= 1
    without_logs(ledger, bytes(content))
    with pytest.raises(DamagedStateError):
        ledgers.look_over(ledger, RUN, lambda: False)


def test_a_file_that_is_no_database_is_not_said_to_lack_entries(ledger: Path) -> None:
    noise = random.Random(5).randbytes(20_000)
    without_logs(ledger, noise)
    (ledger / "cache.db-wal").write_bytes(noise)
    (ledger / "cache.db-wal").chmod(0o600)
    for use in (lambda: ledgers.look_over(ledger, RUN, lambda: False), lambda: opened(ledger)):
        with pytest.raises(DamagedStateError, match="is damaged"):
            use()
