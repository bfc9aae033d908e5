"""SQLite's write-ahead log as a crash left it: whether bytes are gone that had been flushed before.

SQLite believes the log up to the first frame whose checksum is wrong, and takes the rest for the unfinished
work of the process that died. With `synchronous=FULL` that rest is one transaction at most, since each is
flushed before the next begins. Where two whole ones stand behind the broken frame, or the log's index knows
of more, claims that were acknowledged are lost, and SQLite would not say so. A log that was cut off and has
no index (nothing vouches for one after a restart of the machine) can't be told from a shorter one.

The formats: https://www.sqlite.org/fileformat2.html#walformat, https://www.sqlite.org/walformat.html.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_HEADER: Final = struct.Struct(">8I")
_FRAME: Final = struct.Struct(">6I")
_INDEX: Final = struct.Struct("=3I2BH4I8s2I")
_INDEX_VERSION: Final = 3007000
_BACKFILLED: Final = struct.Struct("=I")
_ORDERS: Final = {0x377F0682: "<", 0x377F0683: ">"}
"""The byte order of the words that are summed, by the log's magic number."""
_WORD: Final = 0xFFFFFFFF

_Sums = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Frame:
    """One page as a transaction left it; `ends` marks a transaction's last one."""

    ends: bool
    salts: tuple[int, int]
    sums: _Sums
    summed: bytes
    """What the checksums are of, beside those of the frame before."""


def has_lost_commits(log: Path, index: Path) -> bool:
    """Whether transactions in `log` that were acknowledged can't be read any more."""
    content = _content(log)
    salts, frames = _indexed(_content(index))
    if len(content) < _HEADER.size:
        return frames > 0
    magic, _version, page_size, _round, *own_salts, sum1, sum2 = _HEADER.unpack_from(content)
    order, before = _ORDERS.get(magic, "<"), (sum1, sum2)
    if magic not in _ORDERS or _summed(content[: _HEADER.size - 8], (0, 0), order) != before:
        return any(content)  # the header is flushed before the first frame; zeros are a file just made
    whole = commits = 0
    broken = False
    for frame in _frames(content, page_size):
        sound = frame.salts == tuple(own_salts) and frame.sums == _summed(frame.summed, before, order)
        before = frame.sums
        broken = broken or not sound
        whole += not broken
        commits += broken and sound and frame.ends
    return commits > 1 or (salts == content[16:24] and whole < frames)


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def _indexed(index: bytes) -> tuple[bytes, int]:
    """The salts of the log that `index` is of, and how many frames it must have; none where all are safe."""
    twice = 2 * _INDEX.size
    if len(index) < twice + _BACKFILLED.size or index[: _INDEX.size] != index[_INDEX.size : twice]:
        return b"", 0
    version, _, _, is_made, _, _, frames, *_, salts, _, _ = _INDEX.unpack_from(index)
    (backfilled,) = _BACKFILLED.unpack_from(index, twice)
    return salts, frames if version == _INDEX_VERSION and is_made and backfilled < frames else 0


def _frames(content: bytes, page_size: int) -> Iterator[_Frame]:
    """Every frame that is there to its end; those of an earlier round have other salts."""
    length = _FRAME.size + page_size
    for start in range(_HEADER.size, len(content) - length + 1, length):
        _page, size, salt1, salt2, sum1, sum2 = _FRAME.unpack_from(content, start)
        page = content[start + _FRAME.size : start + length]
        yield _Frame(size > 0, (salt1, salt2), (sum1, sum2), content[start : start + 8] + page)


def _summed(content: bytes, sums: _Sums, order: str) -> _Sums:
    one, two = sums
    for first, second in struct.iter_unpack(f"{order}2I", content):
        one = (one + first + two) & _WORD
        two = (two + second + one) & _WORD
    return one, two
