"""T25 to T28: what people and attackers write into campaigns and lists, and what is made of it."""
# ruff: noqa: E501 - tables of texts

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jinja2 import UndefinedError

from tests.campaign.test_expressions import ATTACKS
from tests.cli.command import TEMPLATE_FILE
from tests.guarantees.plugin import Measured, Scale
from wxpush.campaign.expressions import ExpressionError, compile_parts, parse_condition, parse_text
from wxpush.campaign.filters import ValueProblemError
from wxpush.campaign.recipients import open_recipients
from wxpush.channels.wechat.addresses import openid_findings, url_findings
from wxpush.channels.wechat.keywords import parse_content
from wxpush.channels.wechat.values import TYPES, check_value
from wxpush.errors import InputError, ProblemsError
from wxpush.model import BadRow, Recipient
from wxpush.yamlfile import parse_yaml

ROW = "oW3kTzuBGTNqeX76QEj000000001,{},SO1,1\n"
HEAD = "openid,product,order_no,amount\n"
GOOD = HEAD + ROW.format("茶" * 3)
LIMIT_MB = 512


@pytest.mark.guarantee("T25")
def test_t25_expressions_that_attack(measured: Measured) -> None:
    attacks = [line for line in ATTACKS if line and not line.startswith("##")]
    for text in attacks:
        with pytest.raises((ExpressionError, UndefinedError, ValueProblemError)):
            compile_parts([parse_text(text)], "")({"a": "甲", "row": {"a": "甲"}})
    assert len(attacks) >= 60
    measured(f"{len(attacks)} of {len(attacks)} attacks blocked")


BOMBS = [
    "{{ 10 ** 10 ** 10 }}",
    "{{ product * 1000000000 }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ [1] * 100000000 }}",
    "{% for a in range(100000000) %}x{% endfor %}",
    "{% set a = product %}" * 40,
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{{ product | replace('茶', product) | replace('茶', product) | replace('茶', product) }}",
    "{{ product }}" * 390,
    "{{ product }}" * 580,
    "{{ " + "(" * 1500 + "product" + ")" * 1500 + " }}",
    "{{ " + "-" * 3000 + "1 }}",
    "{{ " + "not " * 900 + "product }}",
    "{{ " + "+".join("a" * 1500) + " }}",
    "{{ " + "~".join("a" * 1500) + " }}",
    "{{ product" + "[0]" * 1200 + " }}",
    "{{ product" + "|upper" * 600 + " }}",
    "{{ " + "[" * 2000 + "]" * 2000 + " }}",
    "{{ " + "9" * 3000 + " }}",
    "{{ product }}" + "x" * 5000,
    "{{ lipsum(n=100000) }}",
]


def checked(folder: Path, *arguments: str) -> tuple[int, dict[str, Any], float]:
    """Exit code and JSON of `wxpush validate`, and the seconds that it took."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "wxpush", "--lang", "en", "validate", "--json", *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout), time.monotonic() - began


@pytest.mark.guarantee("T25")
def test_t25_expressions_that_blow_up(tmp_path: Path, measured: Measured) -> None:
    (tmp_path / "template.yaml").write_text(TEMPLATE_FILE, encoding="utf-8")
    (tmp_path / "users.csv").write_text(HEAD + ROW.format("茶" * 4000), encoding="utf-8")
    slowest = 0.0
    for text in BOMBS:
        data = {"thing1": text, "character_string2": "{{ order_no }}", "amount4": "{{ amount }}"}
        campaign = {"name": "bomb", "template": "template.yaml", "data": data}
        (tmp_path / "campaign.yaml").write_text(json.dumps(campaign, ensure_ascii=False), encoding="utf-8")
        code, found, took = checked(tmp_path, "campaign.yaml", "--recipients", "users.csv")
        assert (code, found["ok"]) == (1, False), text[:60]
        slowest = max(slowest, took)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    measured(f"{len(BOMBS)} of {len(BOMBS)} bombs refused, slowest {slowest:.1f} s, {memory:.0f} MB at most")
    assert len(BOMBS) >= 20
    assert slowest < 3
    assert memory < LIMIT_MB


def aliases(depth: int) -> str:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    return "\n".join(rows + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, depth)])


YAML: list[str | bytes] = [
    aliases(10), "a: &x [*x]\n", "a: &x {b: *x}\n", "a: &x 1\nb: *x\n", "a: *nowhere\n", "<<: {a: 1}\nb: *c\n",
    "a: " + "[" * 200_000, "a: " + "[" * 100_000 + "]" * 100_000, "a: " + "{b: " * 50_000, "- " * 100_000,
    "? " * 100_000, "a: [" + "1," * 100_000 + "]", "".join(f"k{number}: v\n" for number in range(21_000)),
    "a: !!python/object/apply:os.system [id]\n", "a: !!python/name:os.system\n", "a: !secret x\n", "!!map {a: 1}\n",
    "a: !!binary R0lG\n", "a: 1\na: 2\n", "data:\n  thing1: x\n  thing1: y\n", "a: {b: 1, b: 2}\n",
    b"a: 1\n" * 2_000_000, b"a: '" + b"x" * 300_000 + b"'\n", "", "# nothing\n", "just words\n", "- a\n- b\n",
    "a: 1\n---\nb: 2\n", "[a]: 1\n", "'': 1\n", "a: \x00b\n", 'a: "\\ud800"\n', "a: x\x1b[31m\n",
    "a: 1\n\tb: 2\n", "a: 'x\nb: 2\n", "a: b: c\n", "a: @b\n", "a: [1, 2\nb: 3\n", "a: {{ product }}\n", "a: %x\n",
    "name: 发货\n".encode("gb18030"), "name: 发货\n".encode("utf-16"), b"\xff\xfe\x00\xd8", b"\x80\x81\x82",
]  # fmt: skip


@pytest.mark.guarantee("T26")
def test_t26_yaml_that_breaks_others(tmp_path: Path, measured: Measured) -> None:
    slowest, without_line = 0.0, 0
    for number, text in enumerate(YAML):
        path = tmp_path / f"{number:02}.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
        began = time.monotonic()
        problems = parse_yaml(path).problems
        slowest = max(slowest, time.monotonic() - began)
        assert problems, text[:60]
        whole_file = {"WX103", "WX104"}  # too large, or nothing of it can be read: no line is to blame
        assert all(problem.line or problem.code in whole_file for problem in problems), text[:60]
        without_line += not problems[0].line
    code, found, took = checked(tmp_path, *sorted(path.name for path in tmp_path.iterdir()))
    assert code == 1
    assert {problem["file"] for problem in found["problems"]} == {f"{n:02}.yaml" for n in range(len(YAML))}
    measured(
        f"{len(YAML)} of {len(YAML)} refused with their place, slowest {slowest:.2f} s, all at once {took:.1f} s"
    )
    assert len(YAML) >= 40
    assert without_line <= 4
    assert slowest < 2


#: A list and what it is: how many rows, or the line of the error (0: the file as a whole).
LISTS: list[tuple[str | bytes, str, int | str]] = [
    (GOOD, "csv", 1), (GOOD.encode("utf-8-sig"), "csv", 1), (GOOD.encode("gb18030"), "csv", 1),
    (GOOD.encode("gbk"), "csv", 1), (GOOD.encode("utf-16"), "csv", 1), (GOOD.replace("\n", "\r\n"), "csv", 1),
    (GOOD.replace("\n", "\r"), "csv", 1), (GOOD.replace(",", ";"), "csv", 1), (GOOD.replace(",", "\t"), "csv", 1),
    (GOOD + "\n\n", "csv", 1), (GOOD + ",,,\n", "csv", 1), ("\n" + GOOD, "csv", 1), ("sep=,\n" + GOOD, "csv", 1),
    (GOOD.rstrip("\n"), "csv", 1), (GOOD + ROW.format('"a, b"'), "csv", 2), (GOOD + ROW.format('"一\n二"'), "csv", 2),
    (GOOD + ROW.format('"a ""b"""'), "csv", 2), (" openid ,product,order_no,amount\n" + ROW.format("x"), "csv", 1),
    (GOOD + ROW.format("='cmd'!A1"), "csv", 2), (GOOD + ROW.format("\u202eabc"), "csv", 2),
    (GOOD + ROW.format("x" * 131_072), "csv", 2), (GOOD + ROW.format("😀"), "csv", 2),
    ("", "csv", "1"), ("\n\n", "csv", "1"), (HEAD, "csv", "1"), (HEAD + ",,,\n", "csv", "1"),
    ("openid,a,openid\no1,a,b\n", "csv", "1"), ("openid,,a\no1,a,b\n", "csv", "1"),
    (GOOD + ROW.format("a\x00b"), "csv", "3"), (GOOD + ROW.format('"open'), "csv", "3"),
    (GOOD + ROW.format('"b"c'), "csv", "3"), ('openid,"a\no1,x\n', "csv", "1"),
    (GOOD + ROW.format("x" * 200_000), "csv", "3"), (HEAD + "x" * 2_100_000, "csv", "2"),
    (b"PK\x03\x04rest", "csv", "0"), (b"\xd0\xcf\x11\xe0rest", "csv", "0"),
    (GOOD.encode() + b"o2,\xd5\xc5,x,1\n", "csv", "3"), (GOOD.encode()[:-6] + b"\xff\xff\n", "csv", "2"),
    (GOOD + "o2,a,b\n", "csv", "3"), (GOOD + "o2,a,b,1,2\n", "csv", "3"), (GOOD + "o2\n", "csv", "3"),
    (GOOD + 'o2,"a,b,1\no3,"c",d,2\n', "csv", "3"), (GOOD + 'o2,"a,b,1\no3,c,d,2\no4,e",f,3\n', "csv", "3"),
    ('{"openid": "o1"}\n', "jsonl", 1), ('{"openid": "o1"}\n\n{"openid": "o2"}\n', "jsonl", 2),
    ('\ufeff{"openid": "o1"}\n', "jsonl", 1), ('{"openid": "o1", "n": 1.50, "b": true}\n', "jsonl", 1),
    ('{"openid": "o1", "u": {"name": "李"}}\n', "jsonl", 1), ('{"openid": null}\n', "jsonl", 1),
    ('{"openid": "o1"}\n{"openid": "o2"\n', "jsonl", "2"), ('["o1"]\n', "jsonl", "1"), ("o1\n", "jsonl", "1"),
    ('{"openid": "o1", "openid": "o2"}\n', "jsonl", "1"), ('{"a": NaN}\n', "jsonl", "1"),
    ('{"a": ' + "[" * 1_000 + "]" * 1_000 + "}\n", "jsonl", "1"), ('{"a": "\\ud800"}\n', "jsonl", "1"),
    ('{"a": "\\u0000"}\n', "jsonl", "1"), ('{"a": [null]}\n', "jsonl", "1"), ("{" + "x" * 70_000 + "\n", "jsonl", "1"),
    ('{"openid": "o1"}\x00\n', "jsonl", "1"), ("{'openid': 'o1'}\n", "jsonl", "1"), ("", "jsonl", "1"),
    (b"no workbook", "xlsx", "0"), (b"PK\x03\x04broken", "xlsx", "0"),
]  # fmt: skip


def lines_of(path: Path, kind: str) -> int | str:
    """How many rows a list has, or the line of its first fault."""
    try:
        rows = list(open_recipients(path, list_format=kind, name=path.name))
    except ProblemsError as error:
        return str(error.problems[0].line)
    bad = [row for row in rows if isinstance(row, BadRow)]
    assert all(isinstance(row, Recipient | BadRow) for row in rows)
    return str(bad[0].problems[0].line) if bad else len(rows)


@pytest.mark.guarantee("T27")
def test_t27_lists_as_they_come(tmp_path: Path, measured: Measured) -> None:
    wrong = []
    for number, (content, kind, expected) in enumerate(LISTS):
        path = tmp_path / f"{number:02}.{kind}"
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
        found = lines_of(path, kind)
        if found != expected:
            wrong.append((number, content[-40:], expected, found))
    measured(f"{len(LISTS) - len(wrong)} of {len(LISTS)} read right, or refused with their line")
    assert len(LISTS) >= 60
    assert wrong == []


ODD = st.text(
    alphabet=st.sampled_from(list("ab:-[]{}&*!|>'\"%@`#?,~ \n\t0,.<{}订\x00\ud800\\xUuF1")), max_size=60
)
EXPRESSION = st.text(alphabet=st.sampled_from(list("{}%|~()[]'\".,:=<>!+-*/ ab1_#\\订")), max_size=40)
BYTES = st.binary(max_size=80) | st.text(
    alphabet=st.sampled_from(list('ab,;"\n\r\t{}[]:\\u张 1')), max_size=80
).map(str.encode)
ANY = st.text(max_size=40) | st.text(
    alphabet=st.sampled_from(list("0123456789年月日:-~.元¥+ ABoO_/\n张")), max_size=24
)


def expressions(text: str) -> None:
    for parse in (parse_text, parse_condition):
        with suppress(ExpressionError):
            compile_parts([parse(text)], "")


def lists(folder: Path, kind: str) -> Callable[[bytes], None]:
    path = folder / f"fuzz.{kind}"

    def read(content: bytes) -> None:
        path.write_bytes(content)
        with suppress(InputError):
            assert all(isinstance(row, Recipient | BadRow) for row in open_recipients(path, list_format=kind))

    return read


def values(text: str) -> None:
    for kind in TYPES:
        check_value(kind, text, where="data.x")
    openid_findings(text)
    url_findings(text)
    parse_content(text)


@pytest.mark.guarantee("T28")
@pytest.mark.parametrize("parser", ["yaml", "expressions", "csv", "jsonl", "values"])
def test_t28_anything_at_all(parser: str, tmp_path: Path, scale: Scale, measured: Measured) -> None:
    inputs, read = {
        "yaml": (ODD, lambda text: parse_yaml(Path("x.yaml"), text=text)),
        "expressions": (EXPRESSION, expressions),
        "csv": (BYTES, lists(tmp_path, "csv")),
        "jsonl": (BYTES, lists(tmp_path, "jsonl")),
        "values": (ANY, values),
    }[parser]
    count = scale(200, 100_000)
    seen = 0

    @settings(max_examples=count, database=None, suppress_health_check=list(HealthCheck))
    @given(inputs)
    def fuzz(given_input: Any) -> None:
        nonlocal seen
        seen += 1
        read(given_input)

    fuzz()
    measured(f"{parser}: {seen:,} inputs, 0 exceptions")
    assert seen >= count * 0.9
