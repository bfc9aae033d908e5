"""A diskcache that forgets nothing, runs no pickle, opens no side file, and refuses what it didn't write.

The defaults of diskcache evict records past 1 GiB, unpickle whatever a tampered row says and join
file names from the database unchecked. Every record here is text under a text key, inside the database.
"""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

import diskcache

from wxpush.delivery import wal
from wxpush.errors import DamagedStateError, StorageError, UnsafeStateError
from wxpush.i18n import _
from wxpush.private import ensure_private_dir, held, named, refuse_unsafe_file, write_private

_DATABASE: Final = "cache.db"
_MODE_RAW: Final = diskcache.core.MODE_RAW
_MAX_VALUE: Final = 64 * 1024 * 1024
_LOCK_TRIES: Final = 8
_LOOK_TRIES: Final = 3
_LOOK_TIMEOUT: Final = 1.0
#: So many of SQLite's steps between two looks at the time: some milliseconds.
_LOOK_STEPS: Final = 20_000

_MAGIC: Final = b"SQLite format 3\0"
_SETTINGS: Final[dict[str, Any]] = {
    "eviction_policy": "none",
    "cull_limit": 0,  # with the default, expired rows are deleted even where the policy is none
    "size_limit": 2**62,
    "statistics": 0,
    "tag_index": 0,
    "disk_min_file_size": 32768,
    "disk_pickle_protocol": 0,
    "sqlite_journal_mode": "wal",
    "sqlite_synchronous": 2,  # FULL: an acknowledged commit outlives a power cut
    "sqlite_auto_vacuum": 0,
    "sqlite_cache_size": 1024,
    "sqlite_mmap_size": 0,
}
_PRAGMAS: Final = [
    f"PRAGMA {name.removeprefix('sqlite_')} = {value}"
    for name, value in _SETTINGS.items()
    if name.startswith("sqlite_")
]
_COUNTERS: Final = {"count", "size", "hits", "misses"}
_TABLES: Final = {"Settings", "Cache"}
_INDEXES: Final = {"sqlite_autoindex_Settings_1", "Cache_key_raw", "Cache_expire_time"}
_TRIGGERS: Final = {
    f"Settings_{what}"
    for what in ("count_insert", "count_delete", "size_insert", "size_update", "size_delete")
}


#: Held while the files of a store are opened or let go: under a handle that another thread lets go meanwhile,
#: what is opened next looks as if it had been open before. A run has its account's list on two threads.
_FILES: Final = threading.Lock()

_Open = tuple[int, int, int]
"""An open file: its handle, and what it is on the disk (device and inode)."""
_Row = tuple[str, str]


class SafeDisk(diskcache.Disk):  # type: ignore[misc]  # diskcache ships no types
    """Text in, text out; raises DamagedStateError for a row of any other kind, before looking into it."""

    def put(self, key: Any) -> tuple[str, bool]:
        """The database form of a key."""
        if type(key) is not str:
            raise TypeError("keys are text")
        return key, True

    def get(self, key: Any, raw: Any) -> str:
        """The key of a row."""
        if not raw or type(key) is not str:
            raise _foreign_row()
        return key

    def store(self, value: Any, read: bool, key: Any = diskcache.core.UNKNOWN) -> tuple[int, int, None, str]:
        """The database form of a value: always in the row itself, however long."""
        del key
        if read or type(value) is not str or len(value) > _MAX_VALUE:
            raise TypeError("values are text")
        return 0, _MODE_RAW, None, value

    def fetch(self, mode: Any, filename: Any, value: Any, read: bool) -> str:
        """The value of a row."""
        del read
        return _checked_value(mode, filename, value)

    def remove(self, file_path: Any) -> None:
        """Delete nothing: no row of ours has a file, so a path found there is somebody else's."""


class _Store(diskcache.Cache):  # type: ignore[misc]  # diskcache ships no types
    """A cache whose every connection is to the very database that was found safe, with our settings."""

    def __init__(self, database: Path, lock_timeout: float) -> None:
        self._database, self._lock_timeout = database, lock_timeout
        # diskcache would make a folder that is lacking, with another mode, and expand variables in its name.
        super().__init__(os.sep, timeout=lock_timeout, disk=SafeDisk, **_SETTINGS)

    @property
    def _con(self) -> sqlite3.Connection:
        if getattr(self._local, "con", None) is None:
            self._local.con = _connect(self._database, "rw", self._lock_timeout, _PRAGMAS)
        connection: sqlite3.Connection = self._local.con
        return connection

    def close(self) -> None:
        """Let go of the files."""
        with _FILES:
            super().close()


def open_store(folder: Path, *, lock_timeout: float) -> diskcache.Cache:
    """Open the store in `folder`, or make a new one.

    `lock_timeout` is how long a write waits for another process's lock, in seconds; a write that waits
    longer raises diskcache.Timeout. Raises DamagedStateError, UnsafeStateError, StorageError.
    """
    ensure_private_dir(folder)
    database = folder / _DATABASE
    _refuse_unsafe(folder)
    try:
        if not _make(database):
            _refuse_other_file(database)
            _refuse_lost_commits(database)
            _inspect(database)
        store = _Store(database, lock_timeout)
        ((mode,),) = store._sql("PRAGMA journal_mode").fetchall()
    except (sqlite3.Error, diskcache.Timeout, OSError) as error:
        raise StorageError(
            _("The ledger in {path} can't be opened: {reason}.").format(path=folder, reason=error),
            _space_hint(),
        ) from None
    if mode != "wal":
        store.close()
        raise StorageError(
            _("The disk under {path} can't hold a ledger safely (no write-ahead log).").format(path=folder),
            _("Network drives can't. Put the state on a local disk with --home or WXPUSH_HOME."),
        )
    return store


@contextmanager
def transaction(opened: diskcache.Cache, folder: Path) -> Iterator[None]:
    """One durable transaction; waits a bounded time for another process's lock. Raises StorageError."""
    try:
        with _begun(opened, folder):
            yield
    except UnicodeDecodeError:
        raise _damaged(folder) from None
    except (sqlite3.Error, diskcache.Timeout, OSError) as failure:
        raise StorageError(
            _("The ledger in {path} can't be written: {reason}.").format(path=folder, reason=failure),
            _("Free some space on the disk; the same command continues."),
        ) from None


@contextmanager
def _begun(opened: diskcache.Cache, folder: Path) -> Iterator[None]:
    """diskcache's `retry=True` would spin for ever where the disk refuses; this ends."""
    for _attempt in range(_LOCK_TRIES):
        begun = opened.transact(retry=False)
        try:
            begun.__enter__()
        except diskcache.Timeout:
            continue
        break
    else:
        raise StorageError(
            _("The ledger in {path} can't be written: another program holds it, or the disk refuses.").format(
                path=folder
            ),
            _space_hint(),
        )
    try:
        yield
    except BaseException as error:
        begun.__exit__(type(error), error, error.__traceback__)
        raise
    begun.__exit__(None, None, None)


def value_of(opened: diskcache.Cache, folder: Path, key: str) -> str | None:
    """The value under `key`; None where there is none. Raises DamagedStateError, StorageError."""
    with _damage_told(folder):
        value: str | None = opened.get(key)
        return value


def rows(folder: Path, kinds: Sequence[str] = (), after: str = "") -> Iterator[_Row]:
    """Every key and value of the store in `folder`, in the order of writing, without writing anything.

    With `kinds` only the keys that begin with one of them, and with `after` only those that sort behind it.
    Reads through a connection of its own while another process may be writing; sees one moment.
    Raises DamagedStateError.
    """
    with reading(folder) as read:
        yield from read(kinds, after)


@contextmanager
def reading(folder: Path) -> Iterator[Callable[..., Iterator[_Row]]]:
    """What reads the rows of the store in `folder`, as `rows` does, all times as they are at one moment."""
    _refuse_unsafe(folder)
    with _damage_told(folder), _connected(folder / _DATABASE) as connection:
        connection.execute("BEGIN")
        is_made = _tables(connection, folder / _DATABASE) >= _TABLES  # else somebody is just about it
        yield partial(_rows, connection) if is_made else lambda *_: iter(())


def _rows(connection: sqlite3.Connection, kinds: Sequence[str] = (), after: str = "") -> Iterator[_Row]:
    # A key of another type is none of ours, and must not slip through.
    wanted = " OR ".join(["typeof(key) <> 'text'", *["substr(key, 1, ?) = ? AND key > ?"] * len(kinds)])
    where = f" WHERE {wanted}" if kinds else ""
    cursor = connection.execute(
        f"SELECT key, raw, mode, filename, value FROM Cache{where} ORDER BY rowid",  # noqa: S608 - ours
        [part for kind in kinds for part in (len(kind), kind, after)],
    )
    for key, raw, mode, filename, value in cursor:
        if raw != 1 or type(key) is not str:
            raise _foreign_row()
        yield key, _checked_value(mode, filename, value)


def look_over(folder: Path, enough: Callable[[], bool]) -> bool:
    """See that the store in `folder` is whole, by reading alone, also while another process writes to it.

    False where `enough` said so before the end. Raises DamagedStateError, UnsafeStateError, StorageError.
    """
    database = folder / _DATABASE
    _refuse_unsafe(folder)
    _refuse_other_file(database)
    if _lost_while_still(database):
        raise _lost_entries(database)
    with _damage_told(folder), _connected(database, _LOOK_TIMEOUT) as connection:
        connection.set_progress_handler(enough, _LOOK_STEPS)
        try:
            connection.execute("BEGIN")  # all of it as of one moment
            _inspect_by(connection, database)
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_INTERRUPT:
                raise
            return False
    return True


def last_written(folder: Path) -> float:
    """When the store in `folder` was last written, as its files have it; 0 where there is none.

    Who reads it makes an empty log, which goes again at any moment.
    """
    latest = 0.0
    for path in (folder / _DATABASE, folder / f"{_DATABASE}-wal"):
        with suppress(OSError):
            found = path.stat()
            latest = max(latest, found.st_mtime if found.st_size else 0.0)
    return latest


def exists(folder: Path) -> bool:
    """Whether there is a store in `folder`."""
    return (folder / _DATABASE).exists()


def _refuse_unsafe(folder: Path) -> None:
    for path in (folder / _DATABASE, *_side_files(folder / _DATABASE)):
        refuse_unsafe_file(path)
    journal = folder / f"{_DATABASE}-journal"
    if os.path.lexists(journal):  # SQLite would play it back, and delete whatever it names
        raise DamagedStateError(
            _("{path} is not what this version of wxpush wrote.").format(path=journal), _damage_hint()
        )


def _make(database: Path) -> bool:
    """Make an empty database, unless there is one already; whole, or not at all.

    SQLite gives its -wal and -shm files the mode of the database.
    """
    if any(os.path.lexists(log) for log in _side_files(database)):
        return False
    with suppress(FileNotFoundError), held(database.parent) as folder:
        if os.stat(named(database, folder), dir_fd=folder, follow_symlinks=False).st_size:
            return False
    write_private(database, _empty_database())
    return True


def _empty_database() -> bytes:
    """With a write-ahead log from the first: a later change takes a rollback journal, which a kill leaves."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("PRAGMA user_version = 0")  # writes the first page
        content = bytearray(connection.serialize())
    content[18:20] = b"\2\2"  # the file format's read and write versions: WAL
    return bytes(content)


def _side_files(database: Path) -> tuple[Path, Path]:
    """The write-ahead log, and its index."""
    return database.with_name(f"{database.name}-wal"), database.with_name(f"{database.name}-shm")


def _refuse_other_file(database: Path) -> None:
    """See that it is a database at all, before its log is asked what is lacking. Raises DamagedStateError."""
    with suppress(FileNotFoundError), database.open("rb") as file:
        if file.read(len(_MAGIC)) not in (_MAGIC, b""):
            raise _damaged(database)


def _refuse_lost_commits(database: Path) -> None:
    if _has_lost_commits(database):
        raise _lost_entries(database)


def _has_lost_commits(database: Path) -> bool:
    with _FILES:
        return wal.has_lost_commits(*_side_files(database))


def _lost_while_still(database: Path) -> bool:
    """Whether the log has lost commits, told without a lock: one that grows meanwhile isn't judged."""
    log, _index = _side_files(database)
    for _attempt in range(_LOOK_TRIES):
        before = _stamp(log)
        if not _has_lost_commits(database):
            return False
        if _stamp(log) == before:
            return True
    return False


def _stamp(path: Path) -> tuple[int, int] | None:
    with suppress(FileNotFoundError):
        found = path.stat()
        return found.st_mtime_ns, found.st_size
    return None


def _inspect(database: Path) -> None:
    """See that a database is one of ours before diskcache takes its settings for its own."""
    with _damage_told(database.parent), _connected(database) as connection:
        _inspect_by(connection, database)


def _inspect_by(connection: sqlite3.Connection, database: Path) -> None:
    tables = _tables(connection, database)
    if not tables:
        return  # the process that made the file was killed before it wrote the first table
    # Not the quick one, which leaves out whether what lies in the indexes is what lies in the tables.
    if connection.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",):
        raise _damaged(database)
    if "Settings" in tables:
        for key, value in connection.execute("SELECT key, value FROM Settings"):
            _check_setting(database, key, value)
    if tables == _TABLES:
        _refuse_lost_rows(connection, database)


def _refuse_lost_rows(connection: sqlite3.Connection, database: Path) -> None:
    """A page that fell back to what it once held is sound by itself; the count lies on another page."""
    counted = connection.execute("SELECT value FROM Settings WHERE key = 'count'").fetchone() or (0,)
    if connection.execute("SELECT count(*) FROM Cache").fetchone() != counted:
        raise _lost_entries(database)


def _tables(connection: sqlite3.Connection, database: Path) -> set[str]:
    """The tables of a database that holds nothing else than diskcache makes. Raises DamagedStateError."""
    found = connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    emptied = not found and connection.execute("PRAGMA schema_version").fetchone() != (0,)
    if emptied or not all(_is_diskcaches(kind, name, sql) for kind, name, sql in found):
        raise DamagedStateError(_("{path} is not a ledger of wxpush.").format(path=database))
    return {name for kind, name, _sql in found if kind == "table"}


def _is_diskcaches(kind: str, name: str, sql: str | None) -> bool:
    """Whether diskcache makes such a thing; its triggers do no more than count."""
    if kind == "trigger":
        counts = sql is not None and sql.count(";") == 1 and "BEGIN UPDATE Settings SET value = value" in sql
        return name in _TRIGGERS and counts
    return name in (_TABLES if kind == "table" else _INDEXES if kind == "index" else ())


def _check_setting(database: Path, key: Any, value: Any) -> None:
    known = key in _COUNTERS and type(value) is int
    if not known and (key not in _SETTINGS or _SETTINGS[key] != value):
        raise DamagedStateError(
            _("{path} has a setting that wxpush never writes: {key}.").format(path=database, key=key),
            _damage_hint(),
        )


@contextmanager
def _connected(database: Path, timeout: float = 10.0) -> Iterator[sqlite3.Connection]:
    """A connection that only reads, as long as the context lasts."""
    connection = _connect(database, "ro", timeout)
    try:
        yield connection
    finally:
        with _FILES:
            connection.close()


def _connect(
    database: Path, mode: str, timeout: float = 10.0, pragmas: Iterable[str] = ()
) -> sqlite3.Connection:
    """A connection to a database that is there. SQLite goes by paths, so what it has opened is looked at.

    Raises UnsafeStateError where a folder on the way was exchanged meanwhile; sqlite3.Error.
    """
    with _FILES:
        return _connected_to_ours(database, mode, timeout, pragmas)


def _connected_to_ours(
    database: Path, mode: str, timeout: float, pragmas: Iterable[str]
) -> sqlite3.Connection:
    before = _open_files()
    uri = f"{database.absolute().as_uri()}?mode={mode}"
    connection = sqlite3.connect(uri, uri=True, timeout=timeout, isolation_level=None)
    try:
        # Its handle may be one that an earlier connection left, as that of the -shm file always is.
        _refuse_exchanged(database, set())
        for pragma in pragmas:
            connection.execute(pragma)
        if connection.execute("PRAGMA journal_mode").fetchone() == ("wal",):
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            log, index = _side_files(database)
            _refuse_exchanged(index, set())
            _refuse_exchanged(log, before)
    except BaseException:
        connection.close()
        raise
    return connection


def _refuse_exchanged(path: Path, before: set[_Open]) -> None:
    """See that one of the files opened since `before` is that of our folder, and not of one in its place."""
    opened = _open_files()
    if not opened:
        return  # the system doesn't tell
    with suppress(OSError), held(path.parent) as folder:
        wanted = os.stat(named(path, folder), dir_fd=folder, follow_symlinks=False)
        if any(found[1:] == (wanted.st_dev, wanted.st_ino) for found in opened - before):
            return
    raise UnsafeStateError(
        _("{path} was exchanged while it was being opened.").format(path=path),
        _("See who moves folders there; then run the same command again."),
    )


def _open_files() -> set[_Open]:
    """Every file that this process has open; none where the system doesn't tell."""
    opened = set()
    with suppress(OSError):
        for handle in map(int, os.listdir("/dev/fd")):  # noqa: PTH208 - numbers, not paths
            with suppress(OSError):  # that of the listing itself is gone by now
                found = os.fstat(handle)
                opened.add((handle, found.st_dev, found.st_ino))
    return opened


@contextmanager
def _damage_told(folder: Path) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError:
        # SQLite quotes the schema that it can't read, and the module can't read the quotation.
        raise _damaged(folder) from None
    except sqlite3.OperationalError as error:
        code = getattr(error, "sqlite_errorcode", None)
        # None is the module's own: a text that is no UTF-8. It would be quoted, and with it people's data.
        # The general one is of a statement that doesn't fit the tables: ours fit those that we make.
        if code in (None, sqlite3.SQLITE_ERROR):
            raise _damaged(folder) from None
        raise StorageError(
            _("The ledger in {path} can't be read: {reason}.").format(path=folder, reason=error),
            _space_hint(),
        ) from None
    except sqlite3.DatabaseError as error:
        raise DamagedStateError(
            _("The ledger in {path} is damaged: {reason}.").format(path=folder, reason=error), _damage_hint()
        ) from None


def _checked_value(mode: Any, filename: Any, value: Any) -> str:
    if mode != _MODE_RAW or filename is not None or type(value) is not str:
        raise _foreign_row()
    return value


def _damaged(path: Path) -> DamagedStateError:
    return DamagedStateError(_("{path} is damaged.").format(path=path), _damage_hint())


def _lost_entries(database: Path) -> DamagedStateError:
    return DamagedStateError(_("{path} has lost entries.").format(path=database), _damage_hint())


def _foreign_row() -> DamagedStateError:
    return DamagedStateError(_("The ledger holds a row that wxpush never writes."), _damage_hint())


def _space_hint() -> str:
    return _("See what has cache.db open and how much space is left; the same command continues.")


def _damage_hint() -> str:
    return _(
        "Nothing was sent and nothing was changed. Restore the folder from a backup, or send under "
        "another run name (--run) only to people who surely got nothing."
    )
