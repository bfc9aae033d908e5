"""Excel lists: what stands on the screen is what is read, and a broken workbook is told."""

import subprocess
import sys
import zipfile
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from wxpush.campaign.recipients import open_recipients
from wxpush.campaign.recipients.excelcells import CellError, cell_text
from wxpush.errors import ProblemsError
from wxpush.model import BadRow, Recipient


def workbook(folder: Path, *rows: list[Any], formats: dict[str, str] | None = None) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for place, number_format in (formats or {}).items():
        sheet[place].number_format = number_format
    file = folder / "users.xlsx"
    book.save(file)
    return file


@pytest.mark.parametrize(
    ("value", "number_format", "text"),
    [
        (1, "General", "1"),
        (1.0, "General", "1"),
        (0.1 + 0.2, "General", "0.3"),
        (12345678901, "General", "12345678901"),
        (1e-7, "General", "0.0000001"),
        (199, "0.00", "199.00"),
        (1299.5, "#,##0.00", "1,299.50"),
        (1299.555, "#,##0.00_ ", "1,299.56"),
        (1299, '"¥"#,##0.00', "¥1,299.00"),
        (1299, "[$￥-804]#,##0.00", "￥1,299.00"),
        (-5, '"¥"#,##0.00;[Red]-"¥"#,##0.00', "-¥5.00"),
        (0.255, "0.0%", "25.5%"),
        (0.25, "0%", "25%"),
        (7, "00000", "00007"),
        (1.5, "0.##", "1.5"),
        (2, "0.##", "2"),
        (7, '0"元"', "7元"),
        (7, "@", "7"),
        (7.25, "# ?/?", "7.25"),
        (1234567, "0.00E+00", "1234567"),
        (True, "General", "TRUE"),
        ("0012", "@", "0012"),
        (None, "General", ""),
        (datetime.fromisoformat("2026-11-23"), "yyyy-mm-dd", "2026-11-23"),
        (datetime.fromisoformat("2026-11-23"), "yyyy-mm-dd h:mm", "2026-11-23 00:00"),
        (datetime.fromisoformat("2026-11-23 15:04"), 'yyyy"年"m"月"d"日" h:mm', "2026-11-23 15:04"),
        (datetime.fromisoformat("2026-11-23 15:03:59.999900"), "yyyy-mm-dd h:mm", "2026-11-23 15:04"),
        (datetime.fromisoformat("2026-11-23 15:04:05"), "yyyy-mm-dd h:mm:ss", "2026-11-23 15:04:05"),
        (date(2026, 11, 23), "yyyy-mm-dd", "2026-11-23"),
        (time(8, 30), "h:mm", "08:30"),
        (timedelta(hours=30, minutes=5), "[h]:mm", "30:05"),
    ],
)
def test_a_cell_says_what_stands_on_the_screen(value: Any, number_format: str, text: str):
    assert cell_text(value, number_format) == text


def test_a_number_that_excel_has_cut_is_no_value():
    with pytest.raises(CellError):
        cell_text(123456789012345678, "General")


def test_a_workbook_is_a_list(tmp_path: Path):
    file = workbook(
        tmp_path,
        ["openid", " 金额 ", "日期", None],
        ["o1", 199, datetime.fromisoformat("2026-11-23 15:04")],
        [None, None, None],
        ["o2", 0.5, datetime.fromisoformat("2026-11-24")],
        [],
        [],
        formats={"B2": "0.00", "C2": "yyyy-mm-dd h:mm", "C4": "yyyy-mm-dd"},
    )
    found = open_recipients(file)
    assert found.columns == ("openid", "金额", "日期")
    for _time in range(2):
        assert list(found) == [
            Recipient(0, 2, {"openid": "o1", "金额": "199.00", "日期": "2026-11-23 15:04"}),
            Recipient(1, 4, {"openid": "o2", "金额": "0.5", "日期": "2026-11-24"}),
        ]
        assert found.blank_rows == 1
    assert found.encoding_note is None


def test_a_workbook_without_a_header_is_told_so(tmp_path: Path):
    openids = [f"oW3kTzuBGTNqeX76QEj00000000{number}" for number in (1, 2)]
    file = workbook(tmp_path, [openids[0], "咖啡"], [openids[1], "茶"])
    with pytest.raises(ProblemsError, match="the first line looks like a recipient"):
        open_recipients(file)


def test_a_bad_cell_is_named_with_its_row_and_column(tmp_path: Path):
    file = workbook(
        tmp_path,
        ["openid", "订单号"],
        ["o1", 123456789012345678],
        ["o2", "#N/A"],
        ["o3", "x", "y"],
        ["o4", "x"],
    )
    rows = list(open_recipients(file, name="users.xlsx"))
    assert [str(row.problems[0]) for row in rows if isinstance(row, BadRow)] == [
        'users.xlsx:2:2: column "订单号": Excel has cut this number to 15 digits. '
        "Format the column as text, and enter the value again.",
        'users.xlsx:3:2: column "订单号" holds the error #N/A. '
        "Fix the row, or leave it out with `send --skip-invalid`.",
        "users.xlsx:4: a cell stands to the right of the last named column. "
        "Fix the row, or leave it out with `send --skip-invalid`.",
    ]
    assert rows[3].values == {"openid": "o4", "订单号": "x"}


def test_a_failures_file_saved_as_a_workbook_is_a_list_again(tmp_path: Path):
    file = workbook(tmp_path, ["openid", "wxpush_state", "wxpush_code"], ["'-o1", "failed", 43004])
    found = open_recipients(file)
    assert found.columns == ("openid",)
    assert [row.values for row in found] == [{"openid": "-o1"}]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "the list is empty"),
        ([["openid", "a"]], "the list has no recipients"),
        ([["a", "b", "a"], [1, 2, 3]], 'two columns are called "a"'),
        ([["a", None, "b"], [1, 2, 3]], "column 2 has no name"),
    ],
)
def test_a_workbook_without_a_proper_table_is_refused(tmp_path: Path, rows: list[list[Any]], message: str):
    file = workbook(tmp_path, *rows)
    with pytest.raises(ProblemsError, match=message):
        list(open_recipients(file))


def test_a_broken_archive_is_told(tmp_path: Path):
    whole = workbook(tmp_path, ["openid"], ["o1"]).read_bytes()
    for content in (b"PK\x03\x04", whole[: len(whole) // 2], whole.replace(b"sheet1", b"sheet9")):
        (tmp_path / "broken.xlsx").write_bytes(content)
        with pytest.raises(ProblemsError, match=r"broken\.xlsx: the workbook (can't be read|has no sheet)"):
            list(open_recipients(tmp_path / "broken.xlsx"))


def test_what_is_no_workbook_is_told(tmp_path: Path):
    file = tmp_path / "users.xlsx"
    file.write_text("openid\no1\n", encoding="utf-8")
    with pytest.raises(ProblemsError, match=r"this is no Excel workbook"):
        open_recipients(file)


def rewritten(file: Path, change: dict[str, bytes]) -> Path:
    """A copy of a workbook with some of its parts replaced."""
    copy = file.with_name("hostile.xlsx")
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change.get(name, old.read(name)))
    return copy


def test_an_archive_that_unpacks_without_end_is_refused_before_it_is_parsed(tmp_path: Path):
    file = workbook(tmp_path, ["openid"], ["o1"])
    bomb = tmp_path / "hostile.xlsx"
    with (
        zipfile.ZipFile(file) as old,
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
        with new.open("xl/media/zeros.bin", "w", force_zip64=True) as part:
            for _mebibyte in range(520):
                part.write(bytes(1 << 20))
    with pytest.raises(ProblemsError, match="unpacks to more than 512 MiB"):
        open_recipients(bomb)


DOCTYPE = '<!DOCTYPE x [<!ENTITY a "b">]><worksheet/>'


@pytest.mark.parametrize(
    "part",
    [
        f'<?xml version="1.0"?>{DOCTYPE}'.encode(),
        f"<?xml version='1.0'?><!-- {'<x> ' * 50_000}-->{DOCTYPE}".encode(),
        f"<?xml version='1.0' encoding='utf-16'?>{DOCTYPE}".encode("utf-16"),
        b"\xff\xfe" + DOCTYPE.encode("utf-16-le"),
        b"<?xml version='1.0'?><!--" + b"x" * 3_000_000,
    ],
    ids=["at the beginning", "behind a long comment", "in UTF-16", "in UTF-16, untold", "no end"],
)
@pytest.mark.parametrize("name", ["xl/worksheets/sheet1.xml", "xl/workbook.xml"])
def test_entities_are_refused(tmp_path: Path, part: bytes, name: str):
    file = workbook(tmp_path, ["openid"], ["o1"])
    with pytest.raises(ProblemsError, match="forbidden XML"):
        open_recipients(rewritten(file, {name: part}))


def test_a_row_far_below_ends_the_reading(tmp_path: Path):
    file = workbook(tmp_path, ["openid"], ["o1"])
    with zipfile.ZipFile(file) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
    far = sheet.replace(b'<row r="2"', b'<row r="99999999999"').replace(b'r="A2"', b'r="A99999999999"')
    assert far != sheet
    with pytest.raises(ProblemsError, match=r"more rows than Excel allows|can't be read"):
        list(open_recipients(rewritten(file, {"xl/worksheets/sheet1.xml": far})))


def test_without_the_library_the_command_that_installs_it_is_told(tmp_path: Path):
    file = workbook(tmp_path, ["openid"], ["o1"])
    program = f"""
import sys
from pathlib import Path
sys.modules["openpyxl"] = None  # as Python marks a module that can't be imported
from wxpush.campaign.recipients import open_recipients
from wxpush.errors import InputError
try:
    open_recipients(Path({str(file)!r}))
except InputError as error:
    print(error, error.hint)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == 'Excel lists need the library openpyxl. Run: pip install "wxpush[excel]"'
