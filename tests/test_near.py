"""Which known word is meant by a misspelt one, and that none is where chance is as good a reason."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxpush.campaign.expressions import column_hint
from wxpush.near import nearest


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("nmae", ["to", "name", "data"], "name"),
        ("dat", ["to", "name", "data"], "data"),
        ("tempalte", ["template"], "template"),
        ("charcter_string2", ["thing1", "character_string2"], "character_string2"),
        ("thing2", ["amount4", "thing1"], "thing1"),
        ("idd", ["id"], "id"),
        ("Name", ["name"], "name"),
        ("ID", ["to", "id"], "id"),
        ("订单号", ["姓名", "订单编号"], "订单编号"),
        ("no", ["to", "on", "nr"], None),
        ("kind", ["id"], None),
        ("metadata", ["data"], None),
        ("date3", ["name3", "time3"], None),
        ("channels", ["name", "channel"], "channel"),
        ("姓名", ["城市", "名字"], None),
        ("image", ["name"], None),
        ("", ["a", ""], None),
    ],
)
def test_a_slip_of_the_hand_is_seen_through_and_chance_is_not(
    word: str, known: list[str], meant: str | None
) -> None:
    assert nearest(word, known) == meant


def test_what_is_lacking_anyway_is_found_sooner() -> None:
    assert nearest("templ", ["template"]) is None
    assert nearest("templ", ["template"], sought=True) == "template"
    assert nearest("metadata", ["data"], sought=True) is None


@given(st.text("abcdefghij_0123456789", min_size=6, max_size=30), st.data())
def test_one_letter_that_was_left_out_never_hides_a_long_word(word: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(word) - 1))
    assert nearest(word[:place] + word[place + 1 :], [word]) == word


@given(st.lists(st.text(max_size=12), max_size=6), st.text(max_size=12))
def test_it_is_one_of_those_that_are_known_and_never_the_word_itself(known: list[str], word: str) -> None:
    assert nearest(word, known) in {*known, None} - {word}


def test_no_word_is_too_long_to_be_looked_at_quickly() -> None:
    began = time.monotonic()
    assert nearest("a" * 1_000_000, ["b" * 1_000_000]) is None
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    ("name", "columns", "hint"),
    [
        ("no", ["name", "phone", "openid"], "The columns are: name, phone, openid."),
        ("o", ["openid"], "The columns are: openid."),
        ("age", ["message", "openid"], "The columns are: message, openid."),
        ("to", ["total", "photo"], "The columns are: total, photo."),
        ("no", ["order_no", "name"], "Did you mean {{ order_no }}?"),
        ("order_no", ["order_no(必填)"], 'Did you mean {{ row["order_no(必填)"] }}?'),
        ("订单", ["姓名", "订单号"], "Did you mean {{ 订单号 }}?"),
        ("单", ["订单号", "单"], "The columns are: 订单号, 单."),
    ],
)
def test_a_column_is_meant_by_its_misspelt_name_or_by_a_word_of_it(
    name: str, columns: list[str], hint: str
) -> None:
    assert column_hint(name, columns) == hint
