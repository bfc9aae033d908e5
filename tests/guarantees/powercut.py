"""A power cut, and worse, imitated on the bytes of a ledger's files.

What a disk owes us after a power cut is what it was asked to flush before: the state at the last
acknowledged commit. Of what was written later, each sector may be there or not, hold zeros or nonsense, and
the files may have any length on the way to the new one. SQLite flushes in this order, which the imitation
keeps: the header of a log that begins anew, then the log's frames, and only when these are safe the pages of
the database. The log's index is never flushed: it is lost, or as it was at some moment before.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from wxpush.private import ensure_private_dir

_SECTOR = 512
_HEADER = 32
_FRAME_HEADER = 24
_PAGE = 4096
_FRAME = _FRAME_HEADER + _PAGE
_NAMES = ("cache.db", "cache.db-wal", "cache.db-shm")


@dataclass(frozen=True)
class Files:
    """A ledger's files: the database, its write-ahead log and the log's index."""

    database: bytes
    log: bytes
    index: bytes

    @classmethod
    def of(cls, folder: Path) -> "Files":
        """As they lie in `folder`."""
        paths = (folder / name for name in _NAMES)
        return cls(*(path.read_bytes() if path.exists() else b"" for path in paths))

    def write(self, folder: Path) -> Path:
        """Put them into `folder` in place of what is there; one that is empty is left out."""
        ensure_private_dir(folder)
        for name, content in zip(_NAMES, (self.database, self.log, self.index), strict=True):
            path = folder / name
            path.unlink(missing_ok=True)
            if content:
                path.touch(mode=0o600)
                path.write_bytes(content)
        return folder

    def log_end(self) -> int:
        """Where the log's last commit ends; what lies behind is of an earlier round."""
        end = start = min(_HEADER, len(self.log))
        salts = self.log[16:24]
        while self.log[start + 8 : start + 16] == salts:
            ends = self.log[start + 4 : start + 8] != bytes(4)
            start += _FRAME
            end = start if ends else end
        return end


def power_cut(acknowledged: Files, later: Files, chance: random.Random) -> Files:
    """What may be on the disk when the power goes while the step from one to the other is under way."""
    index = chance.choice([b"", acknowledged.index])
    if acknowledged.database != later.database and chance.random() < 0.5:
        shortest = len(acknowledged.database)
        database = _torn(acknowledged.database, later.database, 0, shortest, chance)
        return Files(database, later.log, index)
    flushed, safe = acknowledged.log, acknowledged.log_end()
    if flushed[:_HEADER] != later.log[:_HEADER]:
        flushed, safe = later.log[:_HEADER] + flushed[_HEADER:], _HEADER
    return Files(acknowledged.database, _torn(flushed, later.log, safe, safe, chance), index)


def unfinished_work(files: Files, chance: random.Random) -> Files:
    """`files` with frames of a transaction behind the log's end that was never flushed."""
    end = files.log_end()
    own = files.log[_HEADER : _HEADER + _FRAME]
    later = files.log[:end] + b"".join(with_flipped_bits(own, chance) for _ in range(chance.randint(1, 9)))
    return power_cut(replace(files, log=files.log[:end]), replace(files, log=later), chance)


@dataclass(frozen=True)
class Damage:
    """What a broken disk or a person did: to which file, and to which of its bytes."""

    file: str
    start: int
    end: int
    cut_off: bool
    files: Files


def damage(files: Files, chance: random.Random) -> Damage:
    """Something done to any bytes of the database or the log."""
    in_log = bool(files.log) and chance.random() < 0.5
    content = files.log if in_log else files.database
    start = chance.randrange(len(content))
    end = min(len(content), start + chance.choice([1, _SECTOR, _PAGE, 64 * 1024]))
    part = content[start:end]
    cut_off = chance.random() < 0.2
    spoilt = chance.choice(
        [
            with_flipped_bits(part, chance),
            bytes(len(part)),
            chance.randbytes(len(part)),
            content[:_PAGE].ljust(len(part), b"\0")[: len(part)],
        ]
    )
    whole = content[:start] if cut_off else content[:start] + spoilt + content[end:]
    changed = replace(files, log=whole) if in_log else replace(files, database=whole)
    return Damage("log" if in_log else "database", start, end, cut_off, changed)


def with_flipped_bits(content: bytes, chance: random.Random, most: int = 8) -> bytes:
    """`content` with one to `most` bits turned over."""
    flipped = bytearray(content)
    for _ in range(chance.randint(1, most)):
        flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
    return bytes(flipped)


def _torn(old: bytes, new: bytes, safe: int, shortest: int, chance: random.Random) -> bytes:
    """`new` half written over `old`; the first `safe` bytes were flushed before."""
    length = chance.choice([max(shortest, len(old)), len(new), chance.randint(shortest, len(new))])
    torn = bytearray(new[:safe])
    arrived = chance.random()
    for start in _sectors(safe, length):
        end = min(length, (start // _SECTOR + 1) * _SECTOR)
        before = old[start:end].ljust(end - start, b"\0")
        after = new[start:end].ljust(end - start, b"\0")
        torn += before if before == after else _sector(before, after, arrived, chance)
    return bytes(torn)


def _sectors(start: int, end: int) -> Iterator[int]:
    while start < end:
        yield start
        start = (start // _SECTOR + 1) * _SECTOR


def _sector(before: bytes, after: bytes, arrived: float, chance: random.Random) -> bytes:
    if chance.random() < arrived:
        return after
    if chance.random() < 0.9:
        return before
    return chance.choice([bytes(len(after)), chance.randbytes(len(after)), with_flipped_bits(after, chance)])
