"""Strict YAML: what stays text, what is refused, and that every fault is named with its place."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wxpush.errors import ProblemsError
from wxpush.model import Problem
from wxpush.yamlfile import Document, load_yaml, parse_yaml

FILE = Path("campaign.yaml")


def read(text: str) -> Document:
    return load_yaml(FILE, text=text)


def problems(text: str) -> list[Problem]:
    with pytest.raises(ProblemsError) as caught:
        read(text)
    return list(caught.value.problems)


def places(text: str) -> list[tuple[int, int, str]]:
    return [(found.line, found.column, found.code) for found in problems(text)]


def test_scalars_stay_the_text_that_was_written():
    text = "a: no\nb: 12:30\nc: 0123\nd: 2026-01-01\ne: 1_000\nf: 1e5\ng: 0x1F\nno: yes\n"
    assert read(text).value == {
        "a": "no",
        "b": "12:30",
        "c": "0123",
        "d": "2026-01-01",
        "e": "1_000",
        "f": "1e5",
        "g": "0x1F",
        "no": "yes",
    }


def test_nothing_and_null_are_none_but_quoted_nothing_is_text():
    assert read("a:\nb: ~\nc: null\nd: ''\ne: 'null'\n").value == {
        "a": None,
        "b": None,
        "c": None,
        "d": "",
        "e": "null",
    }


def test_lists_and_mappings_nest():
    assert read("a: [x, {b: 1}]\nc:\n  d: [ ]\n").value == {"a": ["x", {"b": "1"}], "c": {"d": []}}


def test_a_number_of_5000_digits_is_just_text():
    assert read("a: " + "9" * 5000).value["a"] == "9" * 5000


def test_values_and_keys_know_their_place():
    document = read("name: x\ndata:\n  thing1: 订单\n  list: [a, b]\n")
    assert document.place(("data", "thing1")) == (3, 11)
    assert document.key_place(("data", "thing1")) == (3, 3)
    assert document.place(("data", "list", 1)) == (4, 13)
    assert document.key_place(("data", "list", 1)) == (4, 13)


def test_a_lacking_value_is_placed_at_its_parent():
    document = read("name: x\ndata:\n  thing1: 订单\n")
    assert document.place(("data", "thing2")) == (3, 3)
    assert document.place(("retry", "base")) == (1, 1)


def test_a_problem_carries_file_place_and_remedy():
    found = read("a: 1\nb: 2\n").problem(("b",), "WX120", "unknown key.", "Remove it.", at_key=True)
    assert str(found) == "campaign.yaml:2:1: unknown key. Remove it."


def test_five_faults_are_told_in_one_go():
    text = "a: 1\na: 2\nb: &x 3\nc: *x\nd: !!python/object:os.system 1\ne: {{ name }}\n"
    assert places(text) == [
        (2, 1, "WX108"),
        (3, 4, "WX106"),
        (5, 4, "WX107"),
        (6, 4, "WX113"),
    ]


def test_bare_braces_followed_by_text_are_one_problem_and_reading_goes_on():
    assert places("data:\n  amount4: {{ amount }}元\n  thing1: {{ product }}\n  thing1: x\n") == [
        (2, 12, "WX113"),
        (3, 11, "WX113"),
        (4, 3, "WX108"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("a: 1\n\tb: 2\n", 2, 1, "tab"),
        ("a: 1\nb: 'x\nc: 2\n", 2, 4, "never closed"),
        ("a: b: c\n", 1, 5, "second"),
        ("a: @b\n", 1, 4, "can't start"),
        ('a: "x"元\n', 1, 7, "indentation"),
        ("a: [1, 2\nb: 3\n", 2, 2, "bracket"),
        ("a: 1\nbcd\ne: 2\n", 3, 1, "colon"),
        ("a: !e!tag 2\n", 1, 4, "can't be read"),
    ],
)
def test_broken_syntax_is_said_in_plain_words(text: str, line: int, column: int, words: str):
    (found,) = problems(text)
    assert (found.code, found.line, found.column) == ("WX105", line, column)
    assert words in found.message


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", (1, 1, "WX111")),
        ("# only a comment\n", (1, 1, "WX111")),
        ("just words\n", (1, 1, "WX111")),
        ("- a\n- b\n", (1, 1, "WX111")),
        ("a: 1\n---\nb: 2\n", (2, 1, "WX110")),
        ("[a]: 1\n", (1, 1, "WX112")),
        ("? {x: [1]}\n: 1\n", (1, 3, "WX112")),
        ("'': 1\n", (1, 1, "WX112")),
        ("a: \x00b\n", (1, 4, "WX104")),
        ('a: "x\\0"\n', (1, 4, "WX104")),
        ('a: "\\ud800"\n', (1, 4, "WX104")),
        ('a: "\\U00110000"\n', (0, 0, "WX104")),
        ("a: 1\nb: x\x1b[31m\n", (2, 5, "WX104")),
    ],
)
def test_what_is_no_mapping_of_text_is_refused(text: str, place: tuple[int, int, str]):
    assert places(text) == [place]


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "[" * 100_000,
        "a: " + "[" * 100_000 + "]" * 100_000,
        "a: " + "{b: " * 50_000,
        "- " * 100_000,
        "? " * 100_000,
        "a: [" + "1," * 100_000 + "]",
        "".join(f"k{number}: v\n" for number in range(21_000)),
    ],
    ids=["open brackets", "closed brackets", "braces", "dashes", "complex keys", "many items", "many keys"],
)
def test_deep_and_large_trees_are_refused_before_they_are_built(text: str):
    assert "WX109" in {found.code for found in problems(text)}


def test_thirty_levels_are_fine():
    value = read("a: " + "[" * 30 + "]" * 30).value["a"]
    for _level in range(29):
        (value,) = value
    assert value == []


def test_an_alias_bomb_is_refused_and_never_expanded():
    rows = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    rows += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    found = parse_yaml(FILE, text="\n".join(rows))
    (problem,) = found.problems
    assert (problem.line, problem.column, problem.code) == (1, 5, "WX106")
    assert "There are 91 of them." in problem.message
    assert found.document is not None
    assert found.document.value["a9"] == [None] * 9


def test_a_cycle_is_refused():
    assert places("a: &x [*x]\n") == [(1, 4, "WX106")]


def test_one_anchor_or_tag_is_not_counted_and_many_tags_are_told_once():
    text = "a: &x 1\nb: !x 1\nc: !x 2\nd: {{ e }}\n"
    told = [problem.message for problem in parse_yaml(FILE, text=text).problems]
    assert told == [
        "anchors and aliases (`&name`, `*name`) are not allowed.",
        "tags (`!name`) are not allowed. There are 2 of them.",
        "text that starts with `{{` needs quotes.",
    ]


def test_the_readable_part_is_handed_over_with_its_problems():
    parsed = parse_yaml(FILE, text="a: 1\na: 2\nb: 3\n")
    assert parsed.document is not None
    assert parsed.document.value == {"a": "1", "b": "3"}
    assert [found.code for found in parsed.problems] == ["WX108"]


def test_a_byte_order_mark_does_not_shift_the_first_key(tmp_path: Path):
    file = tmp_path / "campaign.yaml"
    file.write_bytes("\ufeffname: 发货\n".encode())
    document = load_yaml(file)
    assert document.value == {"name": "发货"}
    assert document.key_place(("name",)) == (1, 1)


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16"])
def test_another_encoding_is_refused_with_the_remedy(tmp_path: Path, encoding: str):
    file = tmp_path / "campaign.yaml"
    file.write_bytes("a: 1\nname: 发货\n".encode(encoding))
    with pytest.raises(ProblemsError, match=r"not UTF-8 text\. Save it as UTF-8") as caught:
        load_yaml(file)
    assert caught.value.problems[0].line == (2 if encoding == "gb18030" else 1)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path):
    with pytest.raises(ProblemsError, match=r"none\.yaml: there is no such file"):
        load_yaml(tmp_path / "none.yaml")
    with pytest.raises(ProblemsError, match="can't be read"):
        load_yaml(tmp_path)


@pytest.mark.parametrize("name", ["\ud800.yaml", "a\0b.yaml"], ids=ascii)
def test_a_name_that_no_file_can_have_is_that_of_no_file(name: str):
    with pytest.raises(ProblemsError, match="no such file"):
        load_yaml(Path(name))


def test_a_file_of_ten_megabytes_is_not_read(tmp_path: Path):
    file = tmp_path / "campaign.yaml"
    file.write_bytes(b"a: 1\n" * 2_000_000)
    with pytest.raises(ProblemsError, match="larger than 256 KiB"):
        load_yaml(file)


@settings(max_examples=300)
@given(
    st.text(
        alphabet=st.sampled_from(list("ab:-[]{}&*!|>'\"%@`#?,~ \n\t0,.<{}订\x00\ud800\\xUuF1")), max_size=60
    )
)
def test_no_text_crashes_the_reader(text: str):
    parsed = parse_yaml(FILE, text=text)
    assert parsed.document is not None or parsed.problems


@given(
    st.dictionaries(st.text("abc订单_", min_size=1), st.text("abc: '\"{}[]#&*!订\n"), min_size=1, max_size=5)
)
def test_quoted_text_comes_back_as_it_was(values: dict[str, str]):
    def quoted(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'

    text = "\n".join(f"{quoted(key)}: {quoted(value)}" for key, value in values.items())
    assert read(text).value == values
