"""The lines of a file that problems speak of, to be shown with them."""

from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path

_LONGEST = 1_000


def lines_at(path: Path, numbers: Collection[int], encoding: str = "utf-8-sig") -> dict[int, str]:
    """The lines of `numbers` (from 1) without their ends, cut after 1,000 characters.

    A line that isn't there, or a file that can't be read, is left out: the problem stands without it.
    """
    return {number: line.rstrip("\r\n")[:_LONGEST] for number, line in whole_lines(path, numbers, encoding)}


def whole_lines(path: Path, numbers: Collection[int], encoding: str) -> Iterator[tuple[int, str]]:
    """The same one after the other, as long as they are, with their ends."""
    if not path.is_file():  # a pipe would be waited for
        return
    try:
        with path.open(encoding=encoding, errors="replace", newline="") as stream:
            for number, line in enumerate(islice(stream, max(numbers, default=0)), 1):
                if number in numbers:
                    yield number, line
    except OSError:
        return
