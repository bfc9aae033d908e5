"""A list that is changed while it is read: not one row may be joined from two versions."""

import io
import os
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from wxpush.campaign.recipients import open_recipients
from wxpush.errors import ProblemsError
from wxpush.model import BadRow, Recipient

COUNT = 12_000


def csv_list(name: str) -> bytes:
    rows = (f"o{number:027d},{name},{name}的订单{number}\n" for number in range(COUNT))
    return ("openid,name,order\n" + "".join(rows)).encode()


def jsonl_list(name: str) -> bytes:
    rows = (
        f'{{"openid": "o{number:027d}", "name": "{name}", "order": "{name}的订单{number}"}}\n'
        for number in range(COUNT)
    )
    return "".join(rows).encode()


def excel_list(name: str) -> bytes:
    book, file = openpyxl.Workbook(write_only=True), io.BytesIO()
    sheet = book.create_sheet()
    sheet.append(["openid", "name", "order"])
    for number in range(COUNT):
        sheet.append([f"o{number:027d}", name, f"{name}的订单{number}"])
    book.save(file)
    return file.getvalue()


KINDS = {"users.csv": csv_list, "users.jsonl": jsonl_list, "users.xlsx": excel_list}


@cache
def content(kind: str, name: str) -> bytes:
    return KINDS[kind](name)


@pytest.fixture(params=KINDS)
def two_versions(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    """A list, and another version of it with a name of another length."""
    path, later = tmp_path / request.param, tmp_path / "later" / request.param
    later.parent.mkdir()
    path.write_bytes(content(request.param, "李晓雯"))
    later.write_bytes(content(request.param, "欧阳建国"))
    return path, later


def in_the_middle(path: Path, act: Callable[[], Any]) -> Iterator[Recipient | BadRow]:
    for number, row in enumerate(open_recipients(path)):
        if number == 100:
            act()
        yield row


def is_whole(row: Recipient | BadRow, name: str) -> bool:
    return isinstance(row, Recipient) and row.values["order"] == f"{name}的订单{row.row}"


def test_a_list_that_is_written_over_ends_the_reading(two_versions: tuple[Path, Path]) -> None:
    path, later = two_versions
    seen: list[Recipient | BadRow] = []
    with pytest.raises(ProblemsError, match="changed while it was being read") as caught:
        seen.extend(in_the_middle(path, lambda: path.write_bytes(later.read_bytes())))
    assert 100 < len(seen) < COUNT
    assert all(is_whole(row, "李晓雯") for row in seen)
    assert caught.value.problems[0].hint == "Run the same command again."
    assert all(is_whole(row, "欧阳建国") for row in open_recipients(path))


@pytest.mark.parametrize("left", [0, 5_000])
def test_a_list_that_is_cut_off_ends_the_reading(two_versions: tuple[Path, Path], left: int) -> None:
    path, _later = two_versions
    with pytest.raises(ProblemsError, match="changed"):
        list(in_the_middle(path, lambda: os.truncate(path, left)))


def test_a_list_that_is_replaced_is_read_to_its_end(two_versions: tuple[Path, Path]) -> None:
    path, later = two_versions
    rows = list(in_the_middle(path, lambda: later.replace(path)))
    assert len(rows) == COUNT
    assert all(is_whole(row, "李晓雯") for row in rows)


@pytest.mark.parametrize("act", [os.utime, lambda path: shutil.copy(path, path.with_name("copy"))])
def test_a_list_that_is_only_touched_or_copied_is_read_to_its_end(
    two_versions: tuple[Path, Path], act: Callable[[Path], Any]
) -> None:
    path, _later = two_versions
    assert len(list(in_the_middle(path, lambda: act(path)))) == COUNT


def test_a_list_that_is_written_anew_as_it_was_is_read_to_its_end(two_versions: tuple[Path, Path]) -> None:
    path, _later = two_versions
    before = path.read_bytes()
    rows = list(in_the_middle(path, lambda: path.write_bytes(before)))
    assert len(rows) == COUNT
    assert all(is_whole(row, "李晓雯") for row in rows)
