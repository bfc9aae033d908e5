"""Lines fit their width in cells, and say all that they were given."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from wxpush.console.layout import Column, Page, cropped, fitting, wrap

MIXED = st.text(st.sampled_from("ab 微信公众号，。（）1"), max_size=80)


def plain(page: Page) -> list[str]:
    return ["".join(text for text, _ in line).rstrip() for line in page.lines]


@given(MIXED, st.integers(4, 40))
def test_no_wrapped_line_is_wider_than_it_may_be(text: str, width: int) -> None:
    assert all(cell_len(line) <= width for line in wrap(text, width, width))


@given(MIXED, st.integers(4, 40))
def test_wrapping_loses_nothing_but_blanks(text: str, width: int) -> None:
    assert "".join(wrap(text, width, width)).replace(" ", "") == text.replace(" ", "")


def test_chinese_breaks_between_characters_and_fills_its_lines() -> None:
    assert wrap("微信公众号群发模板消息", 8, 8) == ["微信公众", "号群发模", "板消息"]


def test_a_closing_mark_does_not_begin_a_line() -> None:
    assert wrap("微信公众，号", 8, 8) == ["微信公", "众，号"]


def test_a_word_is_not_broken_where_it_fits_into_the_next_line() -> None:
    assert wrap("run wxpush validate", 12, 12) == ["run wxpush", "validate"]


def test_a_pipe_gets_whole_lines() -> None:
    page = Page(None)
    page.text("word " * 100)
    assert len(page.lines) == 1


def test_values_stand_in_one_column_whatever_script_their_labels_have() -> None:
    page = Page(60)
    page.pairs([("商品名称", ("苹果", "")), ("id", ("7", ""))])
    starts = [cell_len(line[: line.index(value)]) for line, value in zip(plain(page), "苹7", strict=True)]
    assert starts == [10, 10]


def test_a_value_without_room_beside_its_label_stands_below_it() -> None:
    page = Page(24)
    page.pairs([("a rather long label", ("value", ""))])
    assert plain(page) == ["a rather long label", "  value"]


def test_a_table_leaves_out_what_is_worth_least() -> None:
    page = Page(14)
    page.table(
        [Column("run"), Column("state", rank=1), Column("changed", rank=2)],
        [[("order", ""), ("stopped", ""), ("2026-11-23", "")]],
    )
    assert plain(page) == ["run    state", "order  stopped"]


def test_a_name_that_is_too_long_for_its_table_is_cut_with_a_mark() -> None:
    page = Page(10)
    page.table([Column("run")], [[("订单发货通知提醒", "")]])
    assert plain(page)[1] == "订单发货…"


@given(st.lists(st.integers(1, 30), min_size=1, max_size=6), st.integers(1, 100))
def test_the_first_column_always_stays(widths: list[int], width: int) -> None:
    assert fitting(widths, list(range(len(widths))), width)[0] == 0


@given(MIXED, st.integers(1, 20))
def test_a_cropped_text_fits(text: str, width: int) -> None:
    assert cell_len(cropped(text, width)) <= width
