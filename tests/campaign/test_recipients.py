"""Lists of recipients: what Excel and colleagues really hand over, and one clear line for what is no use."""

import csv
import hashlib
import io
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wxpush.campaign.recipients import open_recipients, quote_formula, unquote_formula
from wxpush.errors import InputError, ProblemsError, WxpushError
from wxpush.model import BadRow, Recipient


def rows_of(folder: Path, content: str | bytes, name: str = "users.csv", **options: Any) -> list[Any]:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(open_recipients(file, name=name, **options))


def values_of(
    folder: Path, content: str | bytes, name: str = "users.csv", **options: Any
) -> list[dict[str, Any]]:
    rows = rows_of(folder, content, name, **options)
    assert all(isinstance(row, Recipient) for row in rows), rows
    return [row.values for row in rows]


def refused(folder: Path, content: str | bytes, name: str = "users.csv", **options: Any) -> str:
    with pytest.raises(WxpushError) as caught:
        rows_of(folder, content, name, **options)
    return str(caught.value)


def the_bad(rows: list[Any]) -> list[str]:
    return [str(row.problems[0]) for row in rows if isinstance(row, BadRow)]


TWO = [{"openid": "o1", "姓名": "张三"}, {"openid": "o2", "姓名": "李四"}]


@pytest.mark.parametrize(
    "content",
    [
        "openid,姓名\no1,张三\no2,李四\n",
        "openid,姓名\r\no1,张三\r\no2,李四",
        "openid,姓名\ro1,张三\ro2,李四\r",
        "openid;姓名\no1;张三\no2;李四\n",
        "openid\t姓名\no1\t张三\no2\t李四\n",
        "sep=;\nopenid;姓名\no1;张三\no2;李四\n",
        " openid ,\u3000姓名\u200b\no1,张三\no2,李四\n",
        '"openid","姓名"\n"o1","张三"\n"o2","李四"\n',
        "openid,姓名,,\no1,张三,,\no2,李四,,\n",
        "openid,姓名\no1,张三,,\no2,李四,\n",
        "\n\nopenid,姓名\no1,张三\n\n,\n  ,  \no2,李四\n\n",
        "\ufeffopenid,姓名\no1,张三\no2,李四\n",
    ],
    ids=range(12),
)
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_a_csv_list_is_read_however_it_was_exported(tmp_path: Path, content: str, encoding: str):
    if encoding != "utf-8":
        content = content.replace("\ufeff", "").replace("\u200b", "")
    assert values_of(tmp_path, content.encode(encoding)) == TWO


def test_places_are_lines_of_the_file_and_rows_are_counted_without_blank_ones(tmp_path: Path):
    rows = rows_of(tmp_path, 'openid,address\n\no1,"一楼\n二楼"\n,\no2,x\n')
    assert [(row.row, row.line) for row in rows] == [(0, 3), (1, 6)]
    assert rows[0].values["address"] == "一楼\n二楼"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_a_list_has_no_more_rows_than_lines(tmp_path: Path, end: str, last: bool):
    file = tmp_path / "users.csv"
    lines = ["openid,a", *(f"o{number},x" for number in range(30_000))]
    file.write_bytes((end.join(lines) + end * last).encode())
    found = open_recipients(file)
    assert len(list(found)) == 30_000
    assert found.lines is not None
    assert 30_000 <= found.lines <= 30_003


def test_blank_rows_are_counted_each_time(tmp_path: Path):
    file = tmp_path / "users.csv"
    file.write_text("openid,a\n\no1,x\n,\n ,\n", encoding="utf-8")
    found = open_recipients(file)
    for _time in range(2):
        assert len(list(found)) == 1
        assert found.blank_rows == 3


def test_utf8_needs_no_note_and_anything_else_is_said_with_a_sample(tmp_path: Path):
    file = tmp_path / "users.csv"
    text = "openid,姓名\no1,张三\n"
    for encoding, word in (
        ("utf-8", None),
        ("utf-8-sig", None),
        ("gb18030", "GB18030"),
        ("utf-16", "UTF-16"),
    ):
        file.write_bytes(text.encode(encoding))
        note = open_recipients(file).encoding_note
        assert (note is None) if word is None else (note is not None and word in note and "姓名=张三" in note)


def test_a_gbk_header_that_begins_like_utf8_is_still_gbk(tmp_path: Path):
    # 模 in GBK happens to be a valid UTF-8 character.
    assert values_of(tmp_path, "模板,openid\n甲,o1\n".encode("gbk")) == [{"模板": "甲", "openid": "o1"}]


def test_damaged_utf8_is_not_taken_for_gbk(tmp_path: Path):
    content = "openid,姓名\no1,张三李四\n".encode() + b"o2,\xd5\xc5\n"
    assert refused(tmp_path, content).startswith("users.csv:3: the text can't be decoded.")


def test_what_no_encoding_fits_is_refused_with_its_line(tmp_path: Path):
    assert refused(tmp_path, b"openid,a\no1,x\no2,\xff\xff\n").startswith(
        "users.csv:3: the text can't be decoded"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "users.csv:1: the list is empty."),
        ("\n\n", "users.csv:1: the list is empty."),
        ("openid,name\n", "users.csv:1: the list has no recipients. There is a header"),
        ("openid,name\n,\n", "users.csv:1: the list has no recipients."),
        (
            "openid,name,openid\no1,a,b\n",
            'users.csv:1: two columns are called "openid": number 1 and number 3.',
        ),
        ("openid,,name\no1,a,b\n", "users.csv:1: column 2 has no name."),
        ("openid,name\no1,a\x00b\n", "users.csv:2: the list holds a NUL character."),
        ('openid,name\no1,"张三\no2,b\no3,c\n', "users.csv:2: a quote that opens in this row is not closed"),
        ('openid,name\no1,"张三\no2,b\no3,"c"\n', "users.csv:2: a quote that opens in this row"),
        ('openid,name\no1,a\no2,"b"c\n', "users.csv:3: a quote that opens in this row"),
        ('openid,"name\no1,a\n', "users.csv:1: a quote that opens in this row"),
        ("openid,name\no1," + "x" * 200_000 + "\n", "users.csv:2: a cell is longer than 131072 characters."),
        ("x" * 2_100_000, "users.csv:1: the line is longer than 1024 KiB."),
        (b"PK\x03\x04rest", "users.csv: this is a workbook, not text."),
        (b"\xd0\xcf\x11\xe0rest", "users.csv: this is an old or encrypted Excel file."),
    ],
    ids=range(15),
)
def test_a_csv_file_that_can_not_be_trusted_is_refused_in_one_line(
    tmp_path: Path, content: str | bytes, message: str
):
    assert refused(tmp_path, content).startswith(message)


def test_all_faults_of_a_header_are_told_at_once(tmp_path: Path):
    assert refused(tmp_path, "a,,a,b,b\n1,2,3,4,5\n").count("users.csv:1:") == 3


def test_a_ragged_row_is_named_with_its_line_and_the_others_are_read(tmp_path: Path):
    rows = rows_of(tmp_path, "openid,name\no1,a\no2,b,c\no3\no4,d\n")
    assert the_bad(rows) == [
        'users.csv:3: 3 cells, but the header has 2. Put a value that holds the separator in quotes: "a, b". '
        "Or leave the row out with `send --skip-invalid`.",
        'users.csv:4: 1 cell, but the header has 2. Put a value that holds the separator in quotes: "a, b". '
        "Or leave the row out with `send --skip-invalid`.",
    ]
    assert [row.row for row in rows] == [0, 1, 2, 3]
    assert rows[1].values == {"openid": "o2", "name": "b"}


def test_a_quote_that_swallowed_rows_is_told_although_it_was_closed(tmp_path: Path):
    rows = rows_of(tmp_path, 'openid,name\no1,"张三\no2,b\no3,"\no4,d\n')
    (bad,) = the_bad(rows)
    assert bad.startswith("users.csv:2: a quoted cell runs from line 2 to line 4")
    assert rows[1].values == {"openid": "o4", "name": "d"}
    assert rows[1].line == 5


def test_a_failures_file_is_a_list_again(tmp_path: Path):
    content = (
        "\ufeffopenid,formula,wxpush_state,wxpush_line,wxpush_code\n"
        "'-o1,'=1+1,failed,2,43004\n"
        "'o2,' ＝x,held,3,\n"
        "o3,''+1,in_doubt,4,timeout\n"
    )
    assert values_of(tmp_path, content) == [
        {"openid": "-o1", "formula": "=1+1"},
        {"openid": "'o2", "formula": " ＝x"},
        {"openid": "o3", "formula": "'+1"},
    ]
    assert open_recipients(tmp_path / "users.csv").columns == ("openid", "formula")


def test_quotes_of_other_files_stay(tmp_path: Path):
    assert values_of(tmp_path, "openid,a\n'-o1,'=1\n") == [{"openid": "'-o1", "a": "'=1"}]


@given(st.text() | st.text(" '\u200b\u3000\t=+-@＝a"))
def test_quoting_a_formula_is_taken_back_exactly(cell: str):
    quoted = quote_formula(cell)
    assert unquote_formula(quoted) == cell
    assert not quoted.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))


def test_jsonl_values_are_text_as_they_are_spelled(tmp_path: Path):
    numbers = '"n": 1.50, "big": 12345678901234567890, "e": 1e5'
    line = f'{{"openid": "o1", {numbers}, "yes": true, "no": false, "nil": null}}'
    assert values_of(tmp_path, line, "users.jsonl") == [
        {"openid": "o1", "n": "1.50", "big": "12345678901234567890", "e": "1e5", "yes": "true", "no": "false"}
    ]


def test_jsonl_values_may_be_nested(tmp_path: Path):
    patient = '"patient": {"name": "王小明", "age": 8, "x": null}'
    line = f'{{"openid": "o1", {patient}, "tags": [1, true, "甲", {{"a": 2}}]}}'
    assert values_of(tmp_path, line + "\n\n", "users.jsonl") == [
        {"openid": "o1", "patient": {"name": "王小明", "age": "8"}, "tags": ["1", "true", "甲", {"a": "2"}]}
    ]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{bad", "not JSON"),
        ("[1]", "an object is expected"),
        ('"o1"', "an object is expected"),
        ('{"a": NaN}', "NaN is no JSON value"),
        ('{"a": -Infinity}', "-Infinity is no JSON value"),
        ('{"a": 1, "a": 2}', 'the key "a" appears twice'),
        ('{"a": {"b": 1, "b": 2}}', 'the key "b" appears twice'),
        ('{"a": "\\ud800"}', "half a character"),
        ('{"\\udfff": 1}', "half a character"),
        ('{"a": ["\\u0000"]}', "NUL"),
        ('{"a": ' + "[" * 5000, "too deep"),
        ('{"a": ' + "[" * 20 + "]" * 20 + "}", "too deep"),
        ('{"a": [null]}', "null stands in a list"),
        ('{"a": "' + "x" * 70_000 + '"}', "longer than 64 KiB"),
        ('{"a": 1} {"b": 2}', "not JSON"),
        ('{"a": "tab\there"}', "not JSON"),
    ],
    ids=range(16),
)
def test_a_bad_line_of_jsonl_is_named_and_the_others_are_read(tmp_path: Path, line: str, words: str):
    rows = rows_of(tmp_path, f'{{"openid": "o1"}}\n{line}\n{{"openid": "o3"}}\n', "users.jsonl")
    assert [isinstance(row, BadRow) for row in rows] == [False, True, False]
    (bad,) = the_bad(rows)
    assert bad.startswith("users.jsonl:2:")
    assert words in bad


OPENID = "oW3kTzuBGTNqeX76QEj00000000"


@pytest.mark.parametrize("content", [
    f"{OPENID}1,咖啡,SO1\n{OPENID}2,茶,SO2\n",
    f"{OPENID}1\n",
    f"\n咖啡;{OPENID}1\n茶;{OPENID}2\n",
    "13800000001,王小明\n13800000002,李晓雯\n",
    "王小明,2026-11-23 09:00\n李晓雯,2026-11-24 10:30\n",
    "a@example.com,1\nb@example.com,2\n",
    f"{OPENID}1,咖啡,咖啡\n{OPENID}2,茶,茶\n",  # which also has two columns of one name
])  # fmt: skip
def test_a_list_without_a_header_is_told_so(tmp_path: Path, content: str):
    problem = refused(tmp_path, content)
    assert problem.startswith(
        f"users.csv:{2 if content.startswith(chr(10)) else 1}: the first line looks like"
    )
    assert "Put a line above it that names the columns" in problem


def test_the_header_that_is_lacking_is_shown_as_it_could_be(tmp_path: Path):
    problem = refused(tmp_path, f"{OPENID}1,咖啡,13800000001\n{OPENID}2,茶,13800000002\n")
    assert problem.endswith("such as: openid,column2,phone")


@pytest.mark.parametrize("content", [
    "openid,2026-11-23,2026-11-24\no1,3,5\n",  # a table by days
    "orderConfirmationTimestamp01,openid\n2026-11-23,o1\n",
    "order_confirmation_timestamp\n2026-11-23\n",
    "openid,13800000001\no1,yes\n",
    f"openid\n{OPENID}1\n",
    "2026-11-23\n",
])  # fmt: skip
def test_an_odd_header_is_one_all_the_same(tmp_path: Path, content: str):
    file = tmp_path / "users.csv"
    file.write_text(content, encoding="utf-8")
    assert open_recipients(file).columns


def test_a_line_of_jsonl_that_breaks_says_where(tmp_path: Path):
    (bad,) = the_bad(rows_of(tmp_path, '{"a": 1}\n  {"a": x}\n', "users.jsonl"))
    assert bad.startswith("users.jsonl:2:9: not JSON: Expecting value at character 9.")


def test_a_pair_of_surrogates_is_one_character(tmp_path: Path):
    assert values_of(tmp_path, '{"a": "\\ud83d\\ude00"}', "users.jsonl") == [{"a": "😀"}]


def test_our_own_jsonl_loses_our_columns_but_keeps_its_exact_values(tmp_path: Path):
    line = '{"openid": "\'=o1", "wxpush_state": "failed", "wxpush_code": "43004"}'
    assert values_of(tmp_path, line, "users.jsonl") == [{"openid": "'=o1"}]


def test_the_format_is_chosen_by_ending_option_or_first_bytes(tmp_path: Path):
    assert values_of(tmp_path, "openid\no1\n", "USERS.TXT") == [{"openid": "o1"}]
    assert values_of(tmp_path, '{"openid": "o1"}\n', "users.log", list_format="jsonl") == [{"openid": "o1"}]
    assert values_of(tmp_path, '\ufeff{"openid": "o1"}\n', "-") == [{"openid": "o1"}]
    assert values_of(tmp_path, "openid\no1\n", "-") == [{"openid": "o1"}]
    assert "--list-format: csv, jsonl, json, xlsx" in refused(tmp_path, "a\n1\n", "users.log")
    assert "old Excel format" in refused(tmp_path, "a\n1\n", "users.xls")
    with pytest.raises(InputError, match="no format of a list"):
        rows_of(tmp_path, "a\n1\n", list_format="yaml")


def test_a_missing_list_and_a_folder_are_named(tmp_path: Path):
    with pytest.raises(ProblemsError, match=r"nobody\.csv: there is no such list"):
        open_recipients(tmp_path / "nobody.csv")
    with pytest.raises(ProblemsError, match="can't be read"):
        open_recipients(tmp_path)


def test_the_digest_is_that_of_the_bytes(tmp_path: Path):
    content = "openid,姓名\no1,张三\n".encode("gb18030")
    file = tmp_path / "users.csv"
    file.write_bytes(content)
    assert open_recipients(file).digest() == hashlib.sha256(content).hexdigest()


def test_a_list_that_breaks_while_it_is_read_is_told(tmp_path: Path):
    file = tmp_path / "users.csv"
    file.write_text("openid,name\no1,a\n", encoding="utf-8")
    found = open_recipients(file)
    file.write_bytes(b"openid,name\no1,\xff\n")
    with pytest.raises(ProblemsError, match="can't be read any more"):
        list(found)


@pytest.mark.parametrize("name", ["users.csv", "users.jsonl"])
def test_memory_does_not_grow_with_the_list(tmp_path: Path, name: str):
    def peak(count: int) -> int:
        file = tmp_path / name
        line = (
            '{{"openid": "o{:027d}", "name": "王小明"}}\n' if name.endswith("jsonl") else "o{:027d},王小明\n"
        )
        with file.open("w", encoding="utf-8") as stream:
            stream.write("" if name.endswith("jsonl") else "openid,name\n")
            stream.writelines(line.format(number) for number in range(count))
        found = open_recipients(file)
        tracemalloc.start()
        for _row in found:
            pass
        _now, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(20_000) < peak(2_000) + 50_000


CELL = st.text(alphabet=st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=6), st.sampled_from(["utf-8", "utf-16"]))
def test_what_the_csv_module_writes_is_read_or_told_never_lost(
    tmp_path: Path, rows: list[Any], encoding: str
):
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerows([("openid", "a", "b"), *rows])
    file = tmp_path / "users.csv"
    file.write_bytes(out.getvalue().encode(encoding))
    expected = [row for row in rows if "".join(row).strip()]
    if not expected:
        with pytest.raises(ProblemsError, match="no recipients"):
            list(open_recipients(file))
    else:
        assert [tuple(row.values.values()) for row in open_recipients(file)] == expected


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=80)
    | st.text(alphabet=st.sampled_from(list('ab,;"\n\r\t{}[]:\\u张 1')), max_size=80).map(str.encode),
    st.sampled_from(["csv", "jsonl", "xlsx"]),
)
def test_any_bytes_are_a_list_or_an_error_of_ours(tmp_path: Path, content: bytes, list_format: str):
    file = tmp_path / "list"
    file.write_bytes(content)
    try:
        for row in open_recipients(file, list_format=list_format):
            assert isinstance(row, Recipient | BadRow)
    except InputError as error:
        message = str(error)
        assert message.startswith(str(file))
