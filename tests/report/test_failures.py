"""The failures file: readable in a spreadsheet, sent again as it was, and never over somebody else's file."""

import csv
import io
import json
import os
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxpush.campaign.recipients import open_recipients
from wxpush.console.safe import safe
from wxpush.errors import StorageError
from wxpush.model import Recipient
from wxpush.private import ensure_private_dir
from wxpush.report.failures import OWN_COLUMNS, FailureRow, print_csv, write_csv, write_jsonl

OPENID = "oAbCdEfGhIjKlMnOpQrStUvWxYz1"
ROW = FailureRow("failed", 37, "43004", "接收人未关注公众号", "请勿重试", 1, 1795399200.0,
                 {"openid": OPENID, "name": "张三", "amount": "128.00"})  # fmt: skip
CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
FORMULA = st.builds("".join, st.tuples(st.text("' ", max_size=3), st.sampled_from("=+-@\t＝＋－＠"), CELL))


def write(folder: Path, *rows: FailureRow, wanted: str = "users.failures.csv") -> Path | None:
    fallback = folder / "state"
    fallback.mkdir(mode=0o700, exist_ok=True)
    return write_csv(lambda: iter(rows), folder / wanted, fallback=fallback)


def read(path: Path | None) -> list[dict[str, str]]:
    assert path is not None
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def sent_again(path: Path | None) -> list[dict[str, Any]]:
    assert path is not None
    rows = list(open_recipients(path))
    assert all(isinstance(row, Recipient) for row in rows)
    return [row.values for row in rows]


def test_a_row_comes_with_its_own_columns_then_what_became_of_it(tmp_path: Path) -> None:
    path = write(tmp_path, ROW)
    assert path == tmp_path / "users.failures.csv"
    (row,) = read(path)
    assert list(row) == ["openid", "name", "amount", *OWN_COLUMNS]
    assert list(row.values()) == [
        OPENID, "张三", "128.00",
        "failed", "37", "43004", "接收人未关注公众号", "请勿重试", "1", "2026-11-23T10:00:00+08:00",
    ]  # fmt: skip


def test_a_spreadsheet_sees_by_the_bom_that_it_is_utf_8(tmp_path: Path) -> None:
    path = write(tmp_path, ROW)
    assert path is not None
    assert path.read_bytes().startswith(b"\xef\xbb\xbfopenid,")


def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    hostile = "=cmd|'/c calc'!A0"
    row = replace(ROW, code="-1", meaning="@SUM(A1)", hint="+1", values={"openid": OPENID, "=x": hostile})
    path = write(tmp_path, row)
    assert path is not None
    with path.open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for line in csv.reader(file) for cell in line]
    assert f"'{hostile}" in cells
    assert [cell for cell in cells if cell[:1] in {"=", "+", "-", "@"}] == []


@given(st.lists(st.fixed_dictionaries({"openid": st.just(OPENID), "note": CELL | FORMULA}), min_size=1))
def test_a_failures_file_is_read_back_as_the_rows_were(values: list[dict[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), *(replace(ROW, values=value) for value in values))
        assert sent_again(path) == values


def test_columns_of_all_rows_are_joined_in_order_of_appearance(tmp_path: Path) -> None:
    rows = [replace(ROW, values={"a": "1", "b": "2"}), replace(ROW, values={"b": "3", "c": "4"})]
    path = write_csv(lambda: iter(rows), tmp_path / "x.csv", fallback=tmp_path, columns=["c"])
    assert [list(row.values())[:3] for row in read(path)] == [["", "1", "2"], ["4", "", "3"]]


def test_nested_values_are_json_text(tmp_path: Path) -> None:
    path = write(tmp_path, replace(ROW, values={"user": {"name": "张三"}, "tags": ["a", "b"], "none": None}))
    (row,) = read(path)
    assert row["user"] == '{"name": "张三"}'
    assert row["tags"] == '["a", "b"]'
    assert row["none"] == ""


def test_columns_of_an_earlier_failures_file_are_not_repeated(tmp_path: Path) -> None:
    (row,) = read(write(tmp_path, replace(ROW, values={"openid": OPENID, "wxpush_state": "held"})))
    assert row["wxpush_state"] == "failed"


def test_our_earlier_file_is_replaced(tmp_path: Path) -> None:
    write(tmp_path, ROW, ROW)
    assert len(read(write(tmp_path, ROW))) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state", "users.failures.csv"]


def test_our_earlier_file_goes_when_nothing_failed(tmp_path: Path) -> None:
    write(tmp_path, ROW)
    assert write(tmp_path) is None
    assert not (tmp_path / "users.failures.csv").exists()


def test_a_file_of_others_is_left_alone(tmp_path: Path) -> None:
    foreign = tmp_path / "users.failures.csv"
    foreign.write_text("openid,wxpush_state_of_mind\n")
    assert write(tmp_path, ROW) == tmp_path / "users.failures-2.csv"
    assert write(tmp_path) is None
    assert foreign.read_text() == "openid,wxpush_state_of_mind\n"


@pytest.mark.parametrize("kind", ["folder", "link", "pipe"])
def test_what_is_no_file_is_left_alone(tmp_path: Path, kind: str) -> None:
    there = tmp_path / "users.failures.csv"
    if kind == "folder":
        there.mkdir()
    elif kind == "link":
        there.symlink_to(tmp_path / "nowhere.csv")
    else:
        os.mkfifo(there)
    assert write(tmp_path, ROW) == tmp_path / "users.failures-2.csv"
    assert not (tmp_path / "nowhere.csv").exists()


def test_where_the_folder_can_not_be_written_the_state_folder_takes_it(tmp_path: Path) -> None:
    state = ensure_private_dir(tmp_path / "state")
    path = write_csv(lambda: iter([ROW]), tmp_path / "gone" / "users.failures.csv", fallback=state)
    assert path == state / "users.failures.csv"
    assert len(read(path)) == 1


def test_where_nothing_can_be_written_it_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"users\.csv") as told:
        write_csv(lambda: iter([ROW]), tmp_path / "gone" / "users.csv", fallback=tmp_path / "gone, too")
    assert "--failures" in told.value.hint


def test_only_this_user_may_read_it(tmp_path: Path) -> None:
    path = write(tmp_path, ROW)
    assert path is not None
    write_jsonl([ROW], tmp_path / "failures.jsonl")
    for written in (path, tmp_path / "failures.jsonl"):
        assert stat.S_IMODE(written.stat().st_mode) == 0o600


def test_a_fault_on_the_way_leaves_the_earlier_file_and_no_litter(tmp_path: Path) -> None:
    write(tmp_path, ROW)
    passes: list[int] = []

    def rows() -> Iterator[FailureRow]:
        yield ROW
        passes.append(1)
        if len(passes) > 1:
            raise KeyError

    with pytest.raises(KeyError):
        write_csv(rows, tmp_path / "users.failures.csv", fallback=tmp_path / "state")
    assert len(read(tmp_path / "users.failures.csv")) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state", "users.failures.csv"]


def test_half_a_character_does_not_keep_the_rest_from_being_written(tmp_path: Path) -> None:
    (row,) = read(write(tmp_path, replace(ROW, values={"name": "\ud800x"})))
    assert row["name"] == "?x"


def test_the_jsonl_file_has_the_exact_values(tmp_path: Path) -> None:
    values = {"openid": OPENID, "note": "=1+1", "user": {"name": "张三\ud800"}}
    assert write_jsonl([replace(ROW, values=values)], tmp_path / "f.jsonl") == 1
    line = json.loads((tmp_path / "f.jsonl").read_text(encoding="utf-8"))
    assert {name: line[name] for name in values} == values
    assert line["wxpush_code"] == "43004"


def test_the_jsonl_file_is_a_list_that_can_be_sent(tmp_path: Path) -> None:
    write_jsonl([ROW, ROW], tmp_path / "f.jsonl")
    assert sent_again(tmp_path / "f.jsonl") == [ROW.values, ROW.values]


def test_an_earlier_jsonl_file_goes_when_nothing_failed(tmp_path: Path) -> None:
    write_jsonl([ROW], tmp_path / "f.jsonl")
    assert write_jsonl([], tmp_path / "f.jsonl") == 0
    assert list(tmp_path.iterdir()) == []


def test_a_jsonl_file_that_can_not_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="can't be written"):
        write_jsonl([ROW], tmp_path / "gone" / "f.jsonl")


def test_a_terminal_can_be_spared_what_it_would_obey() -> None:
    sly = FailureRow(
        "failed", 3, "invalid", "\x1b[2J", "", 0, 0.0, {"na\u202eme": "李\x1b]0;晓\x07雯", "tags": ["\u202e"]}
    )
    exact, clean = io.StringIO(), io.StringIO()
    print_csv(lambda: iter([sly]), exact)
    print_csv(lambda: iter([sly]), clean, safe)
    assert "\x1b[2J" in exact.getvalue()
    assert "\u202e" in exact.getvalue()
    assert not any(char in clean.getvalue() for char in "\x1b\x07\u202e")
    assert "李\\u001b]0;晓\\u0007雯" in clean.getvalue()
