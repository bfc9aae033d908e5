"""The expression language: what it takes, what it refuses before anything runs, and attacks on it."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import UndefinedError

from wxpush.campaign.expressions import (
    Expression,
    ExpressionError,
    as_written,
    compile_by_jinja,
    compile_parts,
    parse_condition,
    parse_text,
    render_alone,
)
from wxpush.campaign.filters import ValueProblemError

ROW = {
    "openid": "oQ7wK0tXbR3mZpV9cYhJ2nLs4DfA",
    "姓名": "王小明",
    "订单号(必填)": "SN20261123001",
    "amount": "199.00",
    "status": "paid",
    "vip": "否",
    "empty": "",
    "user": {"name": "李四", "items": "2", "tags": ["甲", "乙"]},
}


def run(expression: Expression) -> str:
    return render_alone(expression, {"today": "2026-11-23", **ROW, "row": ROW})


def holds(condition: str) -> bool:
    return run(parse_condition(condition)) == "1"


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("亲爱的{{ 姓名 }}", "亲爱的王小明"),
        ('{{ row["订单号(必填)"] }}', "SN20261123001"),
        ("{{ row.amount }}", "199.00"),
        ("{{ user.name }}/{{ user['name'] }}", "李四/李四"),
        ("{{ user.items }}", "2"),
        ("{{ user.tags[1] }}", "乙"),
        ("{{ openid[:4] }}…", "oQ7w…"),
        ("{{ today }}", "2026-11-23"),
        ("{{ 'VIP' if vip else '会员' }}", "会员"),
        ("{% if status == 'paid' %}已付{% elif vip %}x{% else %}未付{% endif %}", "已付"),
        ("{{ {'paid': '已付', 'open': '未付'}[status] }}", "已付"),
        ("{{ amount ~ '元' }}{{ 'a' + 'b' }}", "199.00元ab"),
        ("{{ amount | float - 0.1 }}", "198.90"),
        ("{{ 1 / 4 }} {{ 7 // 2 }} {{ 7 % 2 }} {{ -3 }}", "0.25 3 1 -3"),
        ("{{ 0.1 + 0.2 }}", "0.3"),
        ("{{ empty or '无' }}", "无"),
        ("{{ nobody if nobody is defined else '无' }}", "无"),
        ("{# a note #}{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
        ("不含变量", "不含变量"),
    ],
)
def test_an_expression_renders(text: str, result: str):
    assert run(parse_text(text)) == result


@pytest.mark.parametrize(
    ("condition", "result"),
    [
        ("status == 'paid'", True),
        ("status != 'paid'", False),
        ("amount | float > 100", True),
        ("amount | float * 2 > 400", False),
        ("status in ['paid', 'shipped']", True),
        ("'小' in 姓名", True),
        ("vip", False),
        ("not vip", True),
        ("openid and not vip", True),
        ("vip or empty", False),
        ("nobody is defined", False),
        ("row['订单号(必填)'] != ''", True),
        ("openid | length == 28", True),
        ("today >= '2026-11-01'", True),
        ("1 < 2 < 3", True),
    ],
)
def test_a_condition_is_true_or_false(condition: str, result: bool):
    assert holds(condition) is result


@pytest.mark.parametrize("word", ["0", "false", "False", "no", "off", "否", "无", "", "  "])
def test_a_text_that_says_no_is_false(word: str):
    condition = compile_parts([parse_condition("x")], "")
    assert condition({"x": word}) == ""
    assert condition({"x": "是"}) == "1"


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("paid == 1", "Write: paid == '1'"),
        ("paid == true", "Write: paid == 'true'"),
        ("1 == paid", "Write: paid == '1'"),
        ("amount > 100", "Write: amount | float > 100"),
        ("amount > '100'", "Write: amount | float > 100"),
        ("user.age >= 18", "| float > 18"),
        ("paid == none", "Ask for a lacking value"),
        ("{{ paid }}", "without {{ }}"),
        ("a }} x {{ b", ""),
        ("a) }}{{ (b", "without {{ }}"),
        (" ", "without {{ }}"),
        ("a b", ""),
    ],
)
def test_a_condition_that_would_silently_mislead_is_refused(condition: str, words: str):
    with pytest.raises(ExpressionError) as caught:
        parse_condition(condition)
    assert words in caught.value.hint


def test_required_and_optional_columns_are_known():
    found = parse_text("{{ a }} {{ b | default('x') }} {{ row['c d'] }} {{ row.e }} {{ f.g.h }} {{ today }}")
    assert found.required == {"a", "c d", "e", "f"}
    assert found.optional == {"b"}
    assert parse_text("{{ a if a is defined else '' }}").required == frozenset()


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("{{ a", "WX205", "{{ is never closed"),
        ("{{ 订单 号 }}", "WX205", "can't follow"),
        ("{{ a | shortn(3) }}", "WX207", "no filter `shortn`"),
        ("{{ a | shorten }}", "WX207", "takes: length"),
        ("{{ a | shorten(1, 2, 3) }}", "WX207", "takes: length"),
        ("{{ a | shorten(size=3) }}", "WX207", "takes: length"),
        ("{{ a is divisibleby 2 }}", "WX207", "no test"),
        ("{{ 订单号(必填) }}", "WX206", "calling"),
        ("{{ ｎａｍｅ }}", "WX206", "plain word"),
        ("{% unknown %}", "WX205", "there is no {% unknown %}"),
        ("{{ 'a" + "\\" + "x00' }}", "WX206", "control characters"),
        ("{{ '\\ud800' }}", "WX206", "control characters"),
        ("{{ none }}", "WX206", "no value"),
    ],
)
def test_a_broken_expression_is_told_with_a_code(text: str, code: str, words: str):
    with pytest.raises(ExpressionError) as caught:
        parse_text(text)
    assert caught.value.code == code
    assert words in caught.value.message


def test_a_column_that_is_no_word_is_told_how_to_write_it():
    with pytest.raises(ExpressionError) as caught:
        parse_text("{{ 订单号(必填) }}")
    assert '{{ row["订单号(必填)"] }}' in caught.value.hint
    assert as_written("订单号(必填)") == '{{ row["订单号(必填)"] }}'
    assert as_written("姓名") == "{{ 姓名 }}"
    assert as_written("if") == '{{ row["if"] }}'


ATTACKS = (Path(__file__).parent / "attacks.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("text", [line for line in ATTACKS if line and not line.startswith("##")])
def test_an_attack_is_refused_or_finds_nothing(text: str):
    with pytest.raises((ExpressionError, UndefinedError, ValueProblemError)):
        run(parse_text(text))


@pytest.mark.parametrize(
    "text",
    [
        "{{ " + "(" * 2000 + "1" + ")" * 2000 + " }}",
        "{{ " + "-" * 3000 + "1 }}",
        "{{ " + "not " * 900 + "a }}",
        "{{ " + "+".join("a" * 1500) + " }}",
        "{{ " + "~".join("a" * 1500) + " }}",
        "{{ a" + "[0]" * 1200 + " }}",
        "{{ a" + ".b" * 1500 + " }}",
        "{{ a" + "|upper" * 600 + " }}",
        "{{ " + "[" * 2000 + "]" * 2000 + " }}",
        "{% if a %}" * 300,
        "{{ " + "9" * 3000 + " }}",
        "{{ 1e400 }}",
        "{{ a }}" * 580,
        "{{ a }}" + "x" * 5000,
    ],
    ids=range(14),
)
def test_a_bomb_of_syntax_is_refused_at_once(text: str):
    with pytest.raises(ExpressionError):
        parse_text(text)


def test_reckoning_stays_in_bounds():
    expression = parse_text("{{ x|float * x|float }}")
    with pytest.raises(ValueProblemError, match="too large"):
        compile_parts([expression], "")({"x": "999999999999999999"})


def test_text_is_not_repeated_or_formatted_by_operators():
    for text in ("{{ a * 1000000000 }}", "{{ '%1000000000d' % 1 }}", "{{ [1] * 100000000 }}"):
        with pytest.raises(ExpressionError):
            parse_text(text)
    with pytest.raises(ValueProblemError):
        compile_parts([parse_text("{{ a | default(1) * 1000000000 }}")], "")({"a": "a"})


@pytest.mark.parametrize(("text", "code", "words"), [
    ("{{ 'a' * 10**9 }}", "WX206", "`**` is not allowed"),
    ("{{ 'a' * 1000000000 }}", "WX403", "`*` works on numbers"),
    ("{{ a['__class__'] }}", "WX206", "`__class__` can't be reached"),
    ("{{ row['__class__'] }}", "WX206", "`__class__` can't be reached"),
    ("{{ today.year }}", "WX206", "`year` can't be reached"),
    ("{{ row }}", "WX206", "`row` is all columns together"),
    ("{{ row | length }}", "WX206", "`row` is all columns together"),
    ("{{ 'x' if row else 'y' }}", "WX206", "`row` is all columns together"),
    ("{{ [1, 2] }}", "WX405", "a list or a group"),
    ("{{ 1 / 0 }}", "WX403", "division by zero"),
    ("{{ a | float % 0 }}", "WX403", "division by zero"),
    ("{{ a ~ 1 // 0 }}", "WX403", "division by zero"),
    ("{{ a if b else 1 / 0 }}", "WX403", "division by zero"),
    ("{{ a | default(1 / 0) }}", "WX403", "division by zero"),
    ("{{ a * 2 }}", "WX403", "`*` works on numbers"),
    ("{{ row['数量'] - 1 }}", "WX403", "`-` works on numbers"),
    ("{{ a + 1 }}", "WX403", "`+` works on numbers"),
    ("{{ a | money * 2 }}", "WX403", "`*` works on numbers"),
    ("{{ '%s' % a }}", "WX403", "`%` works on numbers"),
    ("{{ (a ~ b) / 2 }}", "WX403", "`/` works on numbers"),
    ("{{ (a if b else 'x') // 2 }}", "WX403", "`//` works on numbers"),
    ("{{ a | default('0') * 2 }}", "WX403", "`*` works on numbers"),
    ("{{ -a }}", "WX403", "a text is used as a number"),
    ("{{ 'x' if a > b | float else 'y' }}", "WX403", "a text is used as a number"),
    ("{{ a | shorten(0) }}", "WX402", "0 is not a whole number from 1"),
    ("{{ a | shorten(-1) }}", "WX402", "-1 is not a whole number from 1"),
    ("{{ a | money(decimals=9) }}", "WX402", "not a whole number from 0 to 4"),
    ("{{ a | date('%q') }}", "WX402", "“%q” is unknown"),
    ("{{ a | replace('', 'b') }}", "WX402", "empty"),
    ("{{ a | round('x') }}", "WX402", "not a number"),
])  # fmt: skip
def test_what_fails_for_every_row_is_refused_without_one(text: str, code: str, words: str):
    with pytest.raises(ExpressionError, match=re.escape(words)) as caught:
        parse_text(text)
    assert caught.value.code == code


@pytest.mark.parametrize("text", [
    "{{ a + b }}", "{{ a | float * 2 }}", "{{ a | default(0) * 2 }}", "{{ a if b in ['x', 'y'] else c }}",
    "{{ 'vip' if 'vip' in row else '' }}", "{{ row[a] }}", "{{ a[0] }}", "{{ a[0:3] ~ (1 + 2) }}",
    "{{ today[0:4] }}",
    "{{ a | shorten(n | int) }}", "{{ (a | int) % 7 }}", "{{ 1 + 1 }}", "{{ a if a > b else b }}",
    "{{ today.nothing | default(a) }}", "{{ user.name | default('x') }}", "{{ {'a': '甲'}[a] }}",
    "{{ row['__EMPTY'] }}", "{{ (a | length) * 2 }}", "{{ a | date('%H:%M') }}",
    "{{ ['甲', '乙'][a | int] }}",
])  # fmt: skip
def test_what_some_row_can_be_rendered_with_is_left_alone(text: str):
    assert parse_text(text).source == text


@pytest.mark.parametrize("condition", ["'a' * 3", "a * 2 > 3", "1 / 0 == 1", "row", "a | float > b"])
def test_a_condition_that_fails_for_every_row_is_refused_too(condition: str):
    with pytest.raises(ExpressionError):
        parse_condition(condition)


def test_values_of_the_list_are_never_expressions():
    run_it = compile_parts([parse_text("{{ a }}")], "")
    assert run_it({"a": "{{ openid }}{% for x in y %}"}) == "{{ openid }}{% for x in y %}"


LITERALS = st.text(alphabet=st.sampled_from(list("100%s{}元 \n\0\\")), max_size=6)
PIECES = LITERALS.map(lambda text: text.replace("{", "").replace("}", "")) | st.sampled_from(
    ["{{ a }}", "{{ b }}", "{{订单号}}", "{{ row['a'] }}", "{{ a | upper }}", "{{ none_such }}"]
)
VALUES = (
    st.text(max_size=5) | st.none() | st.booleans() | st.integers() | st.just("x" * 20_000) | st.just(["甲"])
)


@settings(max_examples=400)
@given(
    st.lists(st.lists(PIECES, max_size=4), min_size=1, max_size=4),
    st.fixed_dictionaries({}, optional={"a": VALUES, "b": VALUES, "订单号": VALUES}),
    st.sampled_from(["", "\0", "%s"]),
)
def test_the_short_cut_for_plain_columns_says_what_jinja_says(
    pieces: list[list[str]], row: dict[str, object], separator: str
):
    parts = [parse_text("".join(piece)) for piece in pieces]
    values = {**row, "row": row}

    def result(render: Callable[[Mapping[str, Any]], str]) -> object:
        try:
            return render(values)
        except (UndefinedError, ValueError, TypeError) as error:
            return type(error), str(error)

    quick, slow = compile_parts(parts, separator), compile_by_jinja(parts, separator)
    assert result(quick) == result(slow)


@settings(max_examples=400)
@given(st.text(alphabet=st.sampled_from(list("{}%|~()[]'\".,:=<>!+-*/ ab1_#\\订")), max_size=40))
def test_any_text_is_parsed_or_refused(text: str):
    for parse in (parse_text, parse_condition):
        with suppress(ExpressionError):
            compile_parts([parse(text)], "")


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("status = 'paid'", True),
        ("a == 1 and (status='x')", True),
        ("a == ", False),
        ("a == 'x' 'y", False),
    ],
)
def test_a_single_equals_sign_is_told_to_be_doubled(condition: str, told: bool) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_condition(condition)
    assert caught.value.code == "WX205"
    assert ("Write == to compare" in caught.value.hint) is told
