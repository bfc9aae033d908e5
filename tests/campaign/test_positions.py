"""Where the cells of a row begin in its line."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxpush.campaign.recipients import open_recipients
from wxpush.campaign.recipients.positions import csv_starts, json_starts
from wxpush.model import Problem


@given(st.lists(st.text(alphabet='a,;"\n咖 ', max_size=6), min_size=1, max_size=5), st.sampled_from(",;\t"))
def test_the_cells_of_a_row_are_found_as_far_as_they_begin_in_its_line(cells: list[str], sign: str) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=sign).writerow(cells)
    line = text.getvalue().split("\n")[0]
    starts = csv_starts(line, sign)
    wanted, before = [], ""
    for cell in cells:
        wanted.append(len(before) + 1)
        written = io.StringIO()
        csv.writer(written, delimiter=sign, lineterminator="").writerow([cell, "x"])
        before += written.getvalue().removesuffix("x")
        if "\n" in cell:
            break
    assert starts == wanted


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.text(max_size=4), VALUES, max_size=4), st.text(alphabet=" \t[],}", max_size=3))
def test_the_values_of_an_object_are_found_in_its_line(values: dict[str, Any], before: str) -> None:
    line = before + json.dumps(values, ensure_ascii=False)
    starts = json_starts(line + ",\n")
    assert list(starts) == list(values)
    for key, start in starts.items():
        value, _end = json.JSONDecoder().raw_decode(line, start - 1)
        assert value == values[key]


@pytest.mark.parametrize("line", [
    '{"a": 1}, {"a": 2}', '"a": 1', "", "x", '"}", {"a": 1}', "[1]", "{" * 3,
])  # fmt: skip
def test_where_it_can_not_be_told_which_row_it_is_nothing_is_found(line: str) -> None:
    assert json_starts(line) == {}


def test_in_a_workbook_the_place_is_the_number_of_the_column(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(["openid", "product"])
    book.active.append(["o1", "x"])
    book.save(tmp_path / "users.xlsx")
    opened = open_recipients(tmp_path / "users.xlsx", name="users.xlsx")
    problem = Problem("users.xlsx", 2, 0, "WX410", "", cell="product")
    elsewhere = Problem("campaign.yaml", 2, 0, "WX410", "", cell="product")
    assert [one.column for one in opened.placed([problem, elsewhere])] == [2, 0]


def test_in_a_failures_file_of_ours_columns_are_counted_with_ours(tmp_path: Path) -> None:
    file = tmp_path / "users.csv"
    file.write_text("openid,wxpush_state,product\n'-o1,failed,x\n", encoding="utf-8")
    opened = open_recipients(file, name="users.csv")
    (problem,) = opened.placed([Problem("users.csv", 2, 0, "WX410", "", cell="product")])
    assert problem.column == 13
