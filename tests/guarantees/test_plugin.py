"""The table of the guarantee: numbers that exist, rows in order, several tests of one number as one row."""

from tests.guarantees.plugin import Note, table_rows


def note(number: str, measured: str = "", *, held: bool = True) -> Note:
    return Note(number, f"tests/x.py::{number}{measured}", held, measured, 1.2, "")


def test_a_row_for_each_number_in_order() -> None:
    rows = table_rows([note("T10", "500 of 500 open"), note("T3", "0 lost")])
    assert [row["test"] for row in rows] == ["T3", "T10"]
    assert rows[0]["command"] == "make torture ARGS='-k t03'"


def test_one_that_did_not_hold_spoils_its_number() -> None:
    (row,) = table_rows([note("T16"), note("T16", held=False), note("T16")])
    assert (row["held"], row["measured"]) == (False, "2 of 3 tests hold")
