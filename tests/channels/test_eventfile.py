"""Files of pushes are split the same however they are read, and a broken entry costs no other."""

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pushes import as_json, fields, xml
from wxpush.channels.wechat.eventfile import Entry, entries, event_of
from wxpush.model import Receipt

MIB = 1024 * 1024


class Trickle(io.BufferedIOBase):
    """A file that gives what it has in pieces of its own choosing."""

    def __init__(self, content: bytes, sizes: list[int]) -> None:
        self._content, self._sizes, self._turn = content, sizes, 0

    def read1(self, size: int = -1, /) -> bytes:
        del size
        piece = self._sizes[self._turn % len(self._sizes)]
        self._turn += 1
        taken, self._content = self._content[:piece], self._content[piece:]
        return taken


def split(content: bytes, sizes: list[int] | None = None) -> list[Entry]:
    stream: Any = io.BytesIO(content) if sizes is None else Trickle(content, sizes)
    return list(entries(stream))


def good(content: bytes) -> list[tuple[int, int]]:
    """Line and msgid of each receipt that can be read."""
    found = []
    for entry in split(content):
        if not entry.fault:
            receipt = event_of(entry.body, None, [], 1_800_000_000)
            assert isinstance(receipt, Receipt)
            found.append((entry.line, receipt.msgid - 3_500_000_000_000_000_000))
    return found


def event(number: int) -> dict[str, object]:
    return fields(number, CreateTime=1_764_000_000)


FORMS = [
    lambda number: xml(event(number)),
    lambda number: xml(event(number)) + b"\n",
    lambda number: b"\n" + as_json(event(number)) + b"\n",
    lambda number: b"\n10:00 INFO " + xml(event(number)).replace(b"<MsgType", b"\n  <MsgType") + b"\r\n",
    lambda number: b"\n<?xml version='1.0'?>\n" + xml(event(number)) + b"\n\n",
]


@given(
    st.lists(st.sampled_from(FORMS), max_size=8),
    st.lists(st.integers(1, 700), min_size=1, max_size=4),
)
def test_entries_are_found_in_whatever_pieces_they_come(forms: list[Any], sizes: list[int]) -> None:
    content = b"".join(form(number) for number, form in enumerate(forms))
    assert [number for _line, number in good(content)] == list(range(len(forms)))
    assert split(content, sizes) == split(content)


@given(st.binary(max_size=400), st.lists(st.integers(1, 50), min_size=1, max_size=4))
def test_any_bytes_are_split_the_same_and_to_their_end(content: bytes, sizes: list[int]) -> None:
    assert split(content, sizes) == split(content)


def test_lines_are_counted() -> None:
    content = b"\n\n" + xml(event(1)) + b"\n" + FORMS[3](2) + b"\r\n" + as_json(event(3))
    assert good(content) == [(3, 1), (5, 2), (8, 3)]


@pytest.mark.parametrize("after", [FORMS[0], FORMS[2], FORMS[3], FORMS[4]])
def test_half_a_document_costs_no_other(after: Any) -> None:
    half = xml(event(1)).replace(b"><", b">\n<").removesuffix(b"</xml>")
    content = half + b"\n" + after(2)
    assert [number for _line, number in good(content)] == [2]
    assert [entry.line for entry in split(content) if entry.fault] == [1]


def test_half_a_document_at_the_end_is_one_fault() -> None:
    half = xml(event(1)).replace(b"><", b">\n<").removesuffix(b"</xml>")
    assert [entry.line for entry in split(b"\n" + half) if entry.fault] == [2]


@pytest.mark.parametrize("long", [b"{" + b"x" * 3 * MIB, b"<xml>" + b"x" * 3 * MIB, b"x" * 3 * MIB])
def test_a_line_without_end_is_told_and_left_behind(long: bytes) -> None:
    content = as_json(event(1)) + b"\n" + long + b"\n" + as_json(event(2)) + b"\n" + xml(event(3))
    assert [number for _line, number in good(content)] == [1, 2, 3]
    assert all(len(entry.body) <= 2 * MIB for entry in split(content))
