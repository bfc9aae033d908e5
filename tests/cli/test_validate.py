"""`wxpush validate`: everything that is wrong in one go, in each format, and nothing that is right."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.cli.command import COLUMNS, Desk, Done, people

WRONG = """
  thing1: "{{ prodct }}"
  charcter_string2: "{{ order_no }}"
  amount4: 六十八元"""


@pytest.fixture
def offline(tmp_path: Path) -> Desk:
    """A folder without a WeChat."""
    return Desk(tmp_path)


@pytest.fixture
def wrong(offline: Desk) -> Desk:
    """A campaign with four mistakes, whose list has them too."""
    offline.campaign(data=WRONG, when="1 == 1")
    offline.list(people(2))
    return offline


def validate(desk: Desk, *arguments: str) -> Done:
    return desk.run("validate", *arguments)


def told(done: Done) -> list[tuple[str, int, int, str, str]]:
    """File, line, column, severity and code of each problem."""
    return [
        (problem["file"], problem["line"], problem["column"], problem["severity"], problem["code"])
        for problem in done.json["problems"]
    ]


def test_good_files_are_good_and_nothing_is_said_on_standard_output(offline: Desk) -> None:
    offline.campaign(checks="{unused_column: off}")
    offline.list(people(3))
    done = validate(offline, "campaign.yaml", "--recipients", "users.csv")
    assert (done.code, done.out) == (0, "")
    assert done.err == "Checked: 3 files, 3 rows; nothing is wrong.\n"


def test_all_mistakes_are_told_at_once_and_nothing_else(wrong: Desk) -> None:
    done = validate(wrong, "campaign.yaml", "--recipients", "users.csv", "--json")
    assert done.code == 1
    assert told(done) == [
        ("campaign.yaml", 5, 3, "error", "WX203"),
        ("campaign.yaml", 6, 12, "error", "WX519"),
        ("campaign.yaml", 7, 7, "warning", "WX211"),
        ("users.csv", 1, 0, "error", "WX204"),
        ("users.csv", 1, 0, "warning", "WX210"),
    ]
    assert (done.json["files"], done.json["errors"], done.json["warnings"]) == (3, 3, 2)


def test_a_problem_is_shown_with_its_line_and_a_mark_below_the_place(wrong: Desk) -> None:
    done = validate(wrong, "campaign.yaml")
    assert "campaign.yaml:5:3: error WX203: the template has no keyword `charcter_string2`." in done.out
    assert '  5 |   charcter_string2: "{{ order_no }}"\n    |   ^\n' in done.out


def test_a_line_of_the_list_is_shown_in_the_lists_own_encoding(offline: Desk) -> None:
    offline.campaign(checks="{unused_column: off}")
    rows = people(2)
    rows[1]["amount"] = "六十八"
    text = "\n".join([",".join(COLUMNS), *(",".join(row.values()) for row in rows)])
    offline.write("users.csv", text.encode("gb18030"))
    done = validate(offline, "campaign.yaml", "--recipients", "users.csv")
    assert done.code == 1
    assert "users.csv:3:58: error WX519: data.amount4" in done.out
    line = "  3 | oW3kTzuBGTNqeX76QEj000000002,李晓雯,SO2026112300002,云南小粒咖啡豆,六十八\n"
    mark = "    | " + " " * (57 + 3 + 7) + "^\n"  # a Chinese character is two cells wide
    assert line + mark in done.out


DAMAGED = """\
name,openid,order_no,product,amount
"张，三",oW3kTzuBGTNqeX76QEj000000001,1.2E+10,"咖啡""豆""!",68.00
李四,oW3kTzuBGTNqeX76QEj000000002,SO2,"两行的
商品",#N/A
王五,oW3kTzuBGTNqeX76QEj000000003,=A1,"咖啡
豆",68.00
"""


def test_a_rows_problem_has_the_place_of_its_cell_in_every_format(offline: Desk) -> None:
    offline.campaign(checks="{unused_column: off, thing: off}")
    offline.write("users.csv", DAMAGED)
    check = ("campaign.yaml", "--recipients", "users.csv")
    places = [(2, 36), (3, 0), (5, 33)]
    done = validate(offline, *check, "--json")
    assert told(done) == [
        ("users.csv", 2, 36, "error", "WX411"),
        ("users.csv", 3, 0, "error", "WX410"),  # its cell begins in line 4
        ("users.csv", 5, 33, "error", "WX412"),
    ]
    text = validate(offline, *check).out
    assert f"  2 | {DAMAGED.splitlines()[1]}\n    | {' ' * (35 + 3)}^\n" in text
    assert "users.csv:2:36: error WX411: " in text
    assert "users.csv:3: error WX410: " in text
    annotations = validate(offline, *check, "--format", "github").out
    assert re.findall(r"line=(\d+)(?:,col=(\d+))?,", annotations) == [("2", "36"), ("3", ""), ("5", "33")]
    results = json.loads(validate(offline, *check, "--format", "sarif").out)["runs"][0]["results"]
    regions = [one["locations"][0]["physicalLocation"]["region"] for one in results]
    assert [(one["startLine"], one.get("startColumn", 0)) for one in regions] == places
    cases = ElementTree.fromstring(validate(offline, *check, "--format", "junit").out).iter("testcase")
    assert [case.get("name") for case in cases if case.get("classname") == "users.csv"] == [
        "WX411 2:36", "WX410 3", "WX412 5:33"
    ]  # fmt: skip


def test_a_sending_that_is_refused_tells_the_places_too(offline: Desk) -> None:
    offline.campaign(checks="{thing: off}")
    offline.write("users.csv", DAMAGED)
    done = offline.run("send", "campaign.yaml", "users.csv", "--dry-run", "--json")
    assert done.code == 2
    assert [(one["line"], one["column"], one["code"]) for one in done.json["problems"]] == [
        (2, 36, "WX411"), (3, 0, "WX410"), (5, 33, "WX412")
    ]  # fmt: skip


def test_in_a_list_of_json_the_place_is_that_of_the_value(offline: Desk) -> None:
    offline.campaign(checks="{unused_column: off}")
    good = '"openid": "oW3kTzuBGTNqeX76QEj000000001", "product": "咖啡", "amount": 68'
    offline.write("users.jsonl", f'{{{good}, "order_no": "SO1"}}\n  {{{good}, "order_no" : "1.2E+10"}}\n')
    (problem,) = told(validate(offline, "campaign.yaml", "--recipients", "users.jsonl", "--json"))
    assert problem == ("users.jsonl", 2, len(f'  {{{good}, "order_no" : "'), "error", "WX411")
    offline.write("users.json", f'[{{"order_no": "1.2E+10",\n {good}}},\n {{{good},\n "order_no": "=A1"}}]\n')
    assert told(validate(offline, "campaign.yaml", "--recipients", "users.json", "--json")) == [
        ("users.json", 1, 15, "error", "WX411"),
        ("users.json", 3, 0, "error", "WX412"),  # the value stands in another line than the row
    ]


def test_who_goes_unsent_for_a_damaged_value_is_told_of_before_the_sending(offline: Desk) -> None:
    offline.campaign(when="name == '李晓雯'")
    rows = people(2)
    rows[0]["name"] = "#N/A"
    offline.list(rows)
    done = offline.run("send", "campaign.yaml", "users.csv", "--dry-run")
    assert done.code == 0
    assert "users.csv:2:30: WX410: the condition leaves this row out" in " ".join(done.err.split())


def test_a_mark_is_left_out_where_the_line_is_cut_before_it(offline: Desk) -> None:
    offline.campaign(checks="{unused_column: off}")
    row = f"{'o' * 28},{'x' * 2000},咖啡,SO1,#N/A"
    offline.write("users.csv", f"openid,note,product,order_no,amount\n{row}\n")
    text = validate(offline, "campaign.yaml", "--recipients", "users.csv").out
    assert "users.csv:2:2038: error WX410: " in text
    assert "^" not in text


def test_warnings_fail_only_where_they_are_to(offline: Desk) -> None:
    offline.campaign(when="true")
    assert validate(offline, "campaign.yaml").code == 0
    assert validate(offline, "campaign.yaml", "--strict").code == 1
    assert validate(offline, "campaign.yaml", "--strict", "--json").json["ok"] is False
    offline.campaign(when="true", checks="{condition: error}")
    assert validate(offline, "campaign.yaml").code == 1
    offline.campaign(when="true", checks="{condition: off}")
    assert validate(offline, "campaign.yaml", "--strict").code == 0


def test_github_shows_each_problem_beside_its_line(wrong: Desk) -> None:
    done = validate(wrong, "campaign.yaml", "--format", "github")
    assert done.code == 1
    lines = done.out.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(
        "::error file=campaign.yaml,line=5,col=3,title=WX203::the template has no keyword"
    )
    assert lines[2].startswith("::warning file=campaign.yaml,line=7,col=7,title=WX211::")


def test_junit_has_a_failed_test_for_each_error_and_a_passed_one_for_each_good_file(wrong: Desk) -> None:
    done = validate(wrong, "campaign.yaml", "template.yaml", "--format", "junit")
    suite = ElementTree.fromstring(done.out)[0]
    assert (suite.get("tests"), suite.get("failures")) == ("4", "2")
    failed = [case.get("name") for case in suite if case.find("failure") is not None]
    assert failed == ["WX203 5:3", "WX519 6:12"]
    assert [case.get("name") for case in suite if len(case) == 0] == ["template.yaml"]


def test_sarif_says_where_each_problem_is(wrong: Desk) -> None:
    log = json.loads(validate(wrong, "campaign.yaml", "--format", "sarif").out)
    (run,) = log["runs"]
    assert log["version"] == "2.1.0"
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    told = run["tool"]["driver"]["rules"][rules.index("WX203")]
    assert told["shortDescription"] == {"text": "a keyword that the template doesn't have"}
    assert told["fullDescription"]["text"].startswith("a keyword that the template doesn't have")
    assert told["help"]["markdown"].count("```") == 4, "a wrong and a right example"
    assert "```" not in told["help"]["text"]
    results = run["results"]
    assert [rules[result["ruleIndex"]] for result in results] == [result["ruleId"] for result in results]
    place: dict[str, Any] = results[0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "campaign.yaml"}
    assert place["region"] == {"startLine": 5, "startColumn": 3}


@pytest.mark.parametrize("form", ["json", "github", "junit", "sarif"])
def test_what_machines_read_is_the_same_in_every_language(wrong: Desk, form: str) -> None:
    english, chinese = (
        wrong.run("--lang", lang, "validate", "campaign.yaml", "--format", form) for lang in ("en", "zh")
    )
    assert english.out == chinese.out
    assert english.err == chinese.err == ""


def test_chinese_words_are_as_good(wrong: Desk) -> None:
    done = wrong.run("--lang", "zh", "validate", "campaign.yaml")
    assert "campaign.yaml:5:3: 错误 WX203: 模板没有关键词" in done.out
    assert done.err.startswith("已检查 2 个文件：2 个错误，1 个警告。")


def test_a_folder_is_looked_through_and_other_yaml_is_passed_over(offline: Desk) -> None:
    offline.campaign("a/one.yaml", template="../template.yaml")
    offline.write("a/docker-compose.yml", "services:\n  web: {image: shop}\n")
    offline.write("a/.hidden/campaign.yaml", "name: [\n")
    offline.write("a/broken.yaml", "name: x\ndata:\n  thing1: {{ product }}\n")
    done = validate(offline, ".", "--json")
    assert [problem["file"] for problem in done.json["problems"]] == ["a/broken.yaml"] * 2
    assert done.json["files"] == 3
    text = validate(offline, "a")
    assert "Passed over, being neither campaigns nor templates: a/docker-compose.yml\n" in text.err


FOREIGN = {
    "compose.yaml": "name: shop\nservices:\n  web: {image: nginx}\n",
    "environment.yml": "name: shop\nchannels: [conda-forge]\ndependencies: [python]\n",
    "gitlab.yml": ".base: &base\n  image: python\ntest:\n  <<: *base\n  script: [pytest]\n",
    "stack.yaml": "Resources:\n  Bucket: !Ref Other\n",
    "kube.yaml": "apiVersion: v1\nkind: ConfigMap\ndata: {a: b}\n---\napiVersion: v1\nkind: Secret\n",
    "map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: b}\n",
    "playbook.yml": "- hosts: all\n  tasks: []\n",
    "workflow.yaml": "name: CI\non: [push]\njobs: {a: {runs-on: x}}\n",
    "lock.yaml": "lockfileVersion: '9'\nimporters: {}\n" + "# x\n" * 70_000,
}
CHART = {
    "Chart.yaml": "apiVersion: v2\nname: shop\nversion: 0.1.0\n",
    "values.yaml": "name: shop\nimage: nginx\n",
    "templates/deployment.yaml": "apiVersion: v1\nkind: Deployment\nmetadata:\n  name: {{ .Values.name }}\n",
    "templates/_helpers.yaml": '{{- define "shop.name" -}}\n{{- end }}\n',
    "templates/campaign.yaml": "kind: Job\n{{- if .Values.x }}\nspec: {}\n{{- end }}\n",
}


def test_what_is_clearly_not_ours_fails_no_folder(offline: Desk) -> None:
    offline.campaign("a/campaign.yaml", template="../template.yaml")
    for name, content in FOREIGN.items():
        offline.write(f"a/{name}", content)
    for name, content in CHART.items():
        offline.write(f"a/chart/{name}", content)
    done = validate(offline, "a", "--json")
    assert (done.code, told(done), done.json["files"]) == (0, [], 2)


@pytest.mark.parametrize(
    "content",
    [
        "nmae: x\ntempalte: ../template.yaml\ndta: {thing1: a}\n",
        "name: x\nvorlage: ../template.yaml\ndata: {thing1: a}\nkind: x\nfoo: y\nbar: z\n",
        "name: x\nrate: 30/s\nto: y\ndaten: {thing1: a}\n",
        "idd: x\ntitle: y\ncontnt: z\n",
        "name: x\ntemplate: {{ x }}\ndata: {{\n",
    ],
)
def test_a_campaign_of_a_folder_is_found_by_its_keys_though_they_are_misspelt(
    offline: Desk, content: str
) -> None:
    offline.write("a/orders.yaml", content)
    done = validate(offline, "a", "--json")
    assert done.code == 1
    assert {problem["file"] for problem in done.json["problems"]} == {"a/orders.yaml"}
    assert "WX130" not in {problem["code"] for problem in done.json["problems"]}


def test_files_of_a_chart_fail_no_hook_that_names_them(offline: Desk) -> None:
    for name, content in CHART.items():
        offline.write(f"chart/{name}", content)
    names = [f"chart/{name}" for name in CHART if "/" in name]
    done = validate(offline, *names)
    assert (done.code, done.out) == (0, "")
    assert f"Passed over, being neither campaigns nor templates: {', '.join(names)}\n" in done.err
    offline.write("chart/templates/orders.yaml", "id: x\ntitle: y\n")
    assert validate(offline, *names, "chart/templates/orders.yaml").code == 1, "ours may lie there, too"


@pytest.mark.parametrize("form", ["json", "github", "junit", "sarif"])
def test_all_that_is_not_there_is_told_at_once_and_is_bad_input(offline: Desk, form: str) -> None:
    offline.campaign()
    beside = ("campaign.yaml", "one.yaml", "two.yaml")
    done = validate(
        offline, *beside, "--recipients", "users.csv", "--join", "more.csv", "--on", "x", "--format", form
    )
    assert done.code == 2
    for name in ("one.yaml", "two.yaml", "users.csv", "more.csv"):
        assert name in done.out
        assert f"{name}: error WX" in done.err
    offline.list(people(1))
    done = validate(offline, "campaign.yaml", "--recipients", "none.csv", "--format", form)
    assert (done.code, "none.csv" in done.out) == (2, True)


@pytest.mark.parametrize(
    "content", [b"", "name: 发货\n".encode("utf-16"), b"name: \x00\n", b"a: &a [1]\nb: *a\n", b"\tname: x\n"]
)
def test_a_file_of_a_folder_that_cannot_be_read_is_never_passed_over(offline: Desk, content: bytes) -> None:
    offline.write("f/campaign.yaml", content)
    done = validate(offline, "f", "--json")
    assert done.code == 1
    assert {problem["file"] for problem in done.json["problems"]} == {"f/campaign.yaml"}


@pytest.mark.skipif(os.name != "posix", reason="needs a named pipe")
def test_a_pipe_is_not_waited_for(offline: Desk) -> None:
    os.mkfifo(offline.folder / "x.yaml")
    os.mkfifo(offline.folder / "users.csv")
    assert told(validate(offline, "x.yaml", "--json")) == [("x.yaml", 0, 0, "error", "WX101")]
    offline.campaign()
    done = validate(offline, "campaign.yaml", "--recipients", "users.csv", "--json")
    assert told(done) == [("users.csv", 0, 0, "error", "WX301")]


def test_a_template_that_is_not_there_is_told_where_the_campaign_names_it(offline: Desk) -> None:
    offline.campaign(template="nowhere.yaml")
    assert told(validate(offline, "campaign.yaml", "--json")) == [("campaign.yaml", 2, 11, "error", "WX101")]


def test_a_long_line_of_many_problems_is_shown_at_once(offline: Desk) -> None:
    wrong = ", ".join(f"测{number}: x" for number in range(900))
    offline.campaign(data=f"{{thing1: a, {wrong}}}")
    began = time.monotonic()
    done = validate(offline, "campaign.yaml")
    assert done.code == 1
    assert done.out.count("error WX203") == 900
    assert time.monotonic() - began < 10, "it took 48 s when each mark was looked for from the line's start"


def test_no_error_is_lost_behind_many_warnings(offline: Desk) -> None:
    offline.campaign(checks="{unused_column: off}")
    rows = people(1101)
    for row in rows:
        row["product"] = "红包"
    rows[-1]["amount"] = "很多"
    offline.list(rows)
    line = ("campaign.yaml", "--recipients", "users.csv", "--format")
    assert "::error file=users.csv,line=1102" in validate(offline, *line, "github").out
    suite = ElementTree.fromstring(validate(offline, *line, "junit").out)[0]
    assert suite.get("failures") == "2", "the error, and that more was found than is listed"
    assert len([case for case in suite if len(case) == 0]) == 0


@pytest.mark.parametrize("form", ["github", "junit", "sarif"])
def test_nothing_that_a_terminal_obeys_reaches_a_log(offline: Desk, form: str) -> None:
    offline.campaign()
    offline.write("users.csv", "openid,product,order_no,amount,na\x1b[31mme\x9b2J\u202e\n" + "o1,a,b,1,x\n")
    done = validate(offline, "campaign.yaml", "--recipients", "users.csv", "--format", form)
    assert "WX210" in done.out
    assert not set("\x1b\x9b\u202e") & set(done.out) - (set("\u202e") if form == "junit" else set())


def test_a_file_that_is_named_must_be_one_of_ours(offline: Desk) -> None:
    offline.write("x.yaml", "services: {}\n")
    done = validate(offline, "x.yaml", "--json")
    assert told(done) == [("x.yaml", 1, 1, "error", "WX130")]


def test_a_template_that_two_campaigns_share_is_told_of_once(offline: Desk) -> None:
    offline.write("template.yaml", "id: short\ntitle: t\ncontent: '商品:{{thing1.DATA}}'\n")
    offline.campaign("one.yaml")
    offline.campaign("two.yaml")
    done = validate(offline, "one.yaml", "two.yaml", "template.yaml", "--json")
    assert [problem for problem in told(done) if problem[0] == "template.yaml"] == [
        ("template.yaml", 1, 5, "error", "WX553")
    ]


def test_what_is_wrong_with_a_list_says_for_which_of_several_campaigns(offline: Desk) -> None:
    offline.campaign("one.yaml")
    offline.campaign("two.yaml", data='{thing1: "{{ name }}", character_string2: x, amount4: "{{ amount }}"}')
    rows = [*people(2), people(1)[0] | {"product": "", "name": "陈静"}]
    offline.list(rows)
    line = ("--recipients", "users.csv", "--json")
    messages = [one["message"] for one in validate(offline, "one.yaml", "two.yaml", *line).json["problems"]]
    assert sorted(messages) == [
        'one.yaml: no value for "product".',
        "one.yaml: used nowhere in the campaign: name.",
        f'two.yaml: another row with the key "{rows[0]["openid"]}" has a different content.',
        "two.yaml: used nowhere in the campaign: order_no, product.",
    ]
    alone = [one["message"] for one in validate(offline, "one.yaml", *line).json["problems"]]
    assert alone[0] == "used nowhere in the campaign: name."


@pytest.mark.parametrize("form", ["json", "junit", "sarif", "github"])
def test_an_option_is_no_file(offline: Desk, form: str) -> None:
    offline.campaign(checks="{unused_column: off}")
    offline.list(people(1))
    done = validate(
        offline, "campaign.yaml", "--recipients", "users.csv", "--where", "a = 1", "--format", form
    )
    assert done.code == 1
    match form:
        case "json":
            assert (done.json["files"], done.json["errors"]) == (3, 1)
            assert told(done) == [("--where", 1, 3, "error", "WX205")]
        case "junit":
            suite = ElementTree.fromstring(done.out)[0]
            assert (suite.get("tests"), suite.get("failures")) == ("4", "1")
        case "sarif":
            (result,) = json.loads(done.out)["runs"][0]["results"]
            assert "locations" not in result
            assert result["message"]["text"].startswith("--where:1:3: ")
        case _:
            assert done.out.startswith("::error title=WX205::--where:1:3: ")


@pytest.mark.parametrize(
    ("arguments", "words", "remedy"),
    [
        (("--sample", "5"), "--sample goes with --online.", "Add --online, or leave --sample out."),
        (("--account", "shop"), "--account goes with --online.", "leave --account out."),
        (("--list-format", "csv"), "--list-format, --where", "Name it with --recipients"),
        (("--json", "--format", "sarif"), "--json and --format sarif contradict", "Leave one of them out."),
        (("--lang", "fr"), "--lang: “fr” is not known here.", "Write one of: zh, en."),
        (("--lang=fr", "--json"), "--lang: “fr” is not known here.", "Write one of: zh, en."),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(
    offline: Desk, arguments: tuple[str, ...], words: str, remedy: str
) -> None:
    offline.campaign()
    done = validate(offline, "campaign.yaml", *arguments)
    assert done.code == 2
    assert words in done.talk
    assert remedy in done.talk
    assert (done.out == "") is ("--json" not in arguments)


def test_the_same_format_twice_and_a_language_by_its_locale_are_no_contradiction(offline: Desk) -> None:
    offline.campaign()
    for options in (("--json", "--format", "json"), ("--lang", "zh_CN"), ("--lang", "en-US")):
        assert validate(offline, "campaign.yaml", *options).code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nowhere.yaml",), "nowhere.yaml: error WX101: there is no such file or folder."),
        (("empty",), "There is neither a campaign nor a template to check."),
        (("template.yaml", "--recipients", "users.csv"), "A list is checked against a campaign"),
        (("template.yaml", "--format", "yaml"), "--format"),
        ((), "PATH... is missing."),
    ],
)
def test_bad_usage_exits_2(offline: Desk, arguments: tuple[str, ...], words: str) -> None:
    (offline.folder / "empty").mkdir()
    offline.list(people(1))
    done = validate(offline, *arguments)
    assert done.code == 2
    assert words in done.talk


def failure_in(done: Done, form: str) -> str:
    """What a document says why there was no check; it is whole in itself."""
    match form:
        case "json":
            assert done.json["ok"] is False
            assert done.json["errors"] == len(done.json["problems"])
            return " ".join(str(problem["message"]) for problem in done.json["problems"])
        case "junit":
            suite = ElementTree.fromstring(done.out)[0]
            assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("1", "0", "1")
            (error,) = suite.iter("error")
            return str(error.get("message"))
        case "sarif":
            (run,) = json.loads(done.out)["runs"]
            (invocation,) = run["invocations"]
            assert (invocation["executionSuccessful"], invocation["exitCode"]) == (False, done.code)
            assert run["results"] == []
            return " ".join(one["message"]["text"] for one in invocation["toolExecutionNotifications"])
    assert re.match("::error( [a-zA-Z0-9.,=]+)?::", done.out)
    return done.out


@pytest.mark.parametrize("form", ["json", "github", "junit", "sarif"])
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nowhere.yaml",), "there is no such file or folder."),
        (("template.yaml", "--strickt"), "There is no option --strickt. Did you mean --strict?"),
        ((), "PATH... is missing."),
        (("template.yaml", "--online", "--sample", "x"), "--sample takes a number, or all."),
        (("template.yaml", "--recipients"), "--recipients needs a value."),
        (("template.yaml", "--online", "--account", "nobody"), "nobody"),
    ],
)
def test_a_check_that_cannot_be_done_says_so_in_its_own_format(
    offline: Desk, form: str, arguments: tuple[str, ...], words: str
) -> None:
    done = offline.run("--lang", "zh", "validate", f"--format={form}", *arguments)
    assert done.code == 2
    assert words in failure_in(done, form)
    assert words in done.talk


@pytest.mark.parametrize("form", ["json", "github", "junit", "sarif"])
def test_a_network_that_fails_is_told_in_the_format_too(desk: Desk, form: str) -> None:
    desk.campaign()
    assert desk.sandbox is not None
    desk.sandbox.go_down()
    done = validate(desk, "campaign.yaml", "--online", "--format", form)
    assert done.code == 3
    assert failure_in(done, form)


def test_a_broken_config_is_told_with_its_place(offline: Desk) -> None:
    offline.campaign()
    offline.write("config.yaml", "accounts: {shop: {apid: x}}\n")
    offline.variables["WXPUSH_CONFIG"] = str(offline.folder / "config.yaml")
    done = validate(offline, "campaign.yaml", "--online", "--format", "sarif")
    (run,) = json.loads(done.out)["runs"]
    notes = run["invocations"][0]["toolExecutionNotifications"]
    assert {"startLine": 1, "startColumn": 19} in [
        note["locations"][0]["physicalLocation"]["region"] for note in notes
    ]


def test_a_list_beside_the_campaign_as_send_takes_it_is_told_how_to_be_given(offline: Desk) -> None:
    offline.campaign()
    offline.list(people(1))
    done = validate(offline, "campaign.yaml", "users.csv")
    assert done.code == 2
    assert "users.csv is a list, neither a campaign nor a template." in done.talk
    assert "Give the list with --recipients." in done.talk


def test_a_list_on_standard_input_is_checked(offline: Desk) -> None:
    offline.campaign(checks="{unused_column: off}")
    rows = people(2)
    rows[0]["openid"] = "1.2E+10"
    text = "\n".join([",".join(COLUMNS), *(",".join(row.values()) for row in rows)])
    done = offline.run("validate", "campaign.yaml", "--recipients", "-", "--json", stdin=text.encode())
    assert told(done) == [("-", 2, 1, "error", "WX501")]


def test_rows_that_disagree_conditions_that_never_hold_and_blocked_words_are_found(offline: Desk) -> None:
    offline.write("words.txt", "# no advertising\n刷单\nVIP\n")
    offline.campaign(when="name == '陈静'", blocked_words="words.txt", checks="{unused_column: off}")
    offline.list(people(2))
    done = validate(offline, "campaign.yaml", "--recipients", "users.csv", "--json")
    assert [(code, severity) for *_place, severity, code in told(done)] == [("WX211", "warning")]
    rows = [*people(2), *people(1)]
    rows[2]["product"] = "ｖｉｐ礼盒"
    offline.campaign(blocked_words="[words.txt]", checks="{unused_column: off}")
    offline.list(rows)
    done = validate(offline, "campaign.yaml", "--recipients", "users.csv", "--json")
    assert told(done) == [("users.csv", 4, 50, "error", "WX408")]
    (problem,) = done.json["problems"]
    assert problem["message"] == 'data.thing1: the blocked word "ｖｉｐ" (words.txt, line 3).'
    rows[2]["product"] = "另一种咖啡"
    offline.list(rows)
    done = validate(offline, "campaign.yaml", "--recipients", "users.csv", "--json")
    assert told(done) == [("users.csv", 4, 1, "error", "WX330")]


def test_a_topic_is_a_blocked_word_and_a_comment_is_none(offline: Desk) -> None:
    offline.write("words.txt", "# 咖啡\n#\n## 云南\n#红包\n")
    offline.campaign(blocked_words="words.txt", checks="{unused_column: off, marketing: off}")
    rows = people(2)
    rows[1]["product"] = "转发 #红包 咖啡"
    offline.list(rows)
    done = validate(offline, "campaign.yaml", "--recipients", "users.csv", "--json")
    assert told(done) == [("users.csv", 3, 50, "error", "WX408")]
    assert '"#红包" (words.txt, line 4)' in done.json["problems"][0]["message"]


def test_both_faults_of_a_link_are_told(offline: Desk) -> None:
    offline.campaign(url='"htp://a b"')
    assert [code for *_place, code in told(validate(offline, "campaign.yaml", "--json"))] == ["WX503"] * 2


def test_a_refund_is_a_doubt_in_an_amount_as_in_a_number(offline: Desk) -> None:
    """WeChat's table speaks of digits and says nothing of a sign, for both."""
    offline.campaign(checks="{unused_column: off}")
    offline.list([people(1)[0] | {"amount": "-68.00"}])
    done = validate(offline, "campaign.yaml", "--recipients", "users.csv", "--json")
    assert told(done) == [("users.csv", 2, 58, "warning", "WX519")]


def test_a_campaign_whose_word_list_is_lacking_says_so_where_it_names_it(offline: Desk) -> None:
    offline.campaign(blocked_words="nowhere.txt")
    assert told(validate(offline, "campaign.yaml", "--json")) == [("campaign.yaml", 7, 16, "error", "WX213")]


def test_send_refuses_a_blocked_word_and_a_wrong_text_once_for_all_rows(desk: Desk) -> None:
    desk.write("words.txt", "咖啡\n")
    desk.campaign(blocked_words="words.txt")
    desk.list(people(2))
    done = desk.send()
    assert (done.code, desk.sends()) == (2, 0)
    assert [problem["code"] for problem in done.json["problems"]] == ["WX408", "WX408"]
    desk.campaign(data='\n  thing1: "{{ product }}"\n  character_string2: 订单\n  amount4: "{{ amount }}"')
    done = desk.send()
    assert (done.code, desk.sends()) == (2, 0)
    assert [(problem["file"], problem["code"]) for problem in done.json["problems"]] == [
        ("campaign.yaml", "WX516")
    ]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"checks": "{marketing: error}"}, "WX506"),
        ({"checks": "{unused_column: error}"}, "WX210"),
        ({"checks": "{rate: error}", "rate": "500/s"}, "WX212"),
        ({"checks": "{condition: error}", "when": "true"}, "WX211"),
    ],
)
def test_advice_that_was_made_an_error_stops_a_sending(
    desk: Desk, changes: dict[str, str], code: str
) -> None:
    desk.campaign(**changes)
    rows = people(2)
    rows[1]["product"] = "新人红包"
    desk.list(rows)
    done = desk.send()
    assert (done.code, desk.sends()) == (2, 0)
    assert [problem["code"] for problem in done.json["problems"]] == [code]
    desk.campaign(**(changes | {"checks": "{condition: warn}"}))
    assert desk.send().code == 0


def test_writing_down_how_a_rule_is_by_itself_changes_nothing(offline: Desk) -> None:
    """Its doubts stay doubts; only advice is made an error by it, and --strict lets any warning fail."""
    rows = people(2)
    rows[0] |= {"product": "咖啡☕", "openid": rows[0]["openid"] + "x"}
    rows[1]["amount"] = "很多"
    offline.list(rows)
    line = ("campaign.yaml", "--recipients", "users.csv", "--json")
    url = "http://{{ order_no }}" + "/x" * 520
    offline.campaign(url=url, checks="{unused_column: off}")
    by_itself = told(validate(offline, *line))
    assert {severity for *_place, severity, _code in by_itself} == {"warning", "error"}
    rules = ["thing", "amount", "openid", "url", "miniprogram", "blocked_words"]
    levels = ", ".join(f"{rule}: error" for rule in rules)
    offline.campaign(url=url, checks=f"{{unused_column: off, {levels}}}")
    assert told(validate(offline, *line)) == by_itself
    offline.campaign(url=url, checks="{unused_column: off, thing: warn, amount: warn, url: off, openid: off}")
    assert {severity for *_place, severity, _code in told(validate(offline, *line))} == {"warning"}


def test_more_problems_than_anybody_reads_are_counted(offline: Desk) -> None:
    offline.campaign(checks="{unused_column: off}")
    rows = people(1200)
    for row in rows:
        row["amount"] = "很多"
    offline.list(rows)
    done = validate(offline, "campaign.yaml", "--recipients", "users.csv")
    assert done.out.endswith("… and 200 more\n")
    assert "1,200 errors" in done.err


def inside(desk: Desk, before: str, after: str) -> str:
    """Standard output of `validate campaign.yaml` run by a program with lines `before` and `after` it."""
    script = (
        f"import sys\n{before}\nfrom wxpush.cli import main\n"
        "sys.argv = ['wxpush', '--lang', 'en', 'validate', 'campaign.yaml']\n"
        f"try: main()\nexcept SystemExit as end: print(end.code)\n{after}"
    )
    return subprocess.run(
        [sys.executable, "-c", script], cwd=desk.folder, capture_output=True, text=True, check=True
    ).stdout


def test_blocked_words_without_their_library_say_how_to_install_it(offline: Desk) -> None:
    offline.write("words.txt", "刷单\n")
    offline.campaign(blocked_words="words.txt")
    shown = inside(offline, "sys.modules['ahocorasick_rs'] = None", "")
    assert "campaign.yaml:7:16: error WX214: blocked_words: " in shown
    assert "pip install 'wxpush[words]'" in shown


def test_nothing_of_the_network_or_the_ledger_is_imported(offline: Desk) -> None:
    offline.campaign()
    heavy = "{'requests', 'urllib3', 'diskcache', 'pycurl', 'openpyxl', 'sqlite3', 'ahocorasick_rs'}"
    assert inside(offline, "", f"print(sorted({heavy} & set(sys.modules)))") == "0\n[]\n"


TWENTY = """\
name: "orders-{{ openid }}"
template:
  id: TM00015
  title: 订单发货通知
  content: |
    商品名称:{{thing1.DATA}}
    订单编号:{{character_string2.DATA}}
    当前状态:{{phrase3.DATA}}
    订单金额:{{amount4.DATA}}
    发货时间:{{time5.DATA}}
  alowed: {}
chanel: wechat
to: "{{ openid }"
when: status = 'paid'
url: shop.example.com
miniprogram: {pagepath: pages/order}
data:
  thing1: "{{ product | shorter(20) }}"
  character_string2: "{{ order_no.upper() }}"
  phrase3: {{ status }}
  amout4: "{{ amount }}元"
rate: fast
burst: 0
workers: 1000
timeout: 5min
keep_quota: 110%
on_quota: sleep
send_window: "25:00-26:00"
tolerate:
rate: 30/s
"""


def test_a_campaign_with_twenty_planted_mistakes_shows_all_of_them_and_nothing_else(offline: Desk) -> None:
    offline.write("twenty.yaml", TWENTY)
    found = [
        (line, code)
        for _file, line, _column, _severity, code in told(validate(offline, "twenty.yaml", "--json"))
    ]
    assert found == [
        (1, "WX201"),  # a name from the list
        (3, "WX553"),  # a library's number for an id
        (11, "WX552"),  # alowed
        (12, "WX120"),  # chanel
        (13, "WX205"),  # a brace is lacking
        (14, "WX205"),  # = for ==
        (15, "WX503"),  # no https://
        (16, "WX121"),  # no appid
        (17, "WX202"),  # time5 is lacking
        (18, "WX207"),  # shorter
        (19, "WX206"),  # a call
        (20, "WX113"),  # no quotes
        (21, "WX203"),  # amout4
        (22, "WX122"),  # fast
        (23, "WX122"),  # 0
        (24, "WX122"),  # 1000
        (25, "WX122"),  # 5min
        (26, "WX122"),  # 110%
        (27, "WX122"),  # sleep
        (28, "WX122"),  # 25:00
        (29, "WX123"),  # no value
        (30, "WX108"),  # rate again
    ]


MIXED = """\
name: orders
template: template.yaml
blocked_words: [words.txt, nowhere.txt, lost.txt]
checks: {thing: yes, amuont: off}
url: shop.example.com/orders/1
miniprogram: {apid: wx123, pagepath: /pages/order}
when: status == 'paid'
rate: 500/s
bursts: 0
timeout: 5min
retry: {atempts: 0}
dat:
  thing1: 这段文字是固定的，不过它实在是太长了，微信最多只收二十个字
  character_string2: 订单
  amount4: "{{ amount | mony }}元"
  thing5: 刷单
"""


def test_a_fault_of_form_hides_no_fault_of_a_value(offline: Desk) -> None:
    """Each in the same go, also below a misspelt key; and a misspelt key is told once."""
    offline.write("words.txt", "刷单\n")
    offline.write("mixed.yaml", MIXED)
    done = validate(offline, "mixed.yaml", "--json")
    assert [(line, severity, code) for _file, line, _column, severity, code in told(done)] == [
        (3, "error", "WX213"),  # nowhere.txt
        (3, "error", "WX213"),  # lost.txt
        (4, "error", "WX122"),  # yes
        (4, "warning", "WX215"),  # amuont
        (5, "error", "WX503"),  # no https://
        (6, "error", "WX120"),  # apid
        (6, "error", "WX504"),  # no appid
        (6, "warning", "WX505"),  # a slash
        (8, "warning", "WX212"),  # too fast for long
        (9, "error", "WX120"),  # bursts
        (9, "error", "WX122"),  # 0
        (10, "error", "WX122"),  # 5min
        (11, "error", "WX120"),  # atempts
        (11, "error", "WX122"),  # 0
        (12, "error", "WX120"),  # dat
        (13, "error", "WX511"),  # too long
        (14, "error", "WX516"),  # Chinese
        (15, "error", "WX207"),  # mony
        (16, "error", "WX203"),  # thing5
        (16, "error", "WX408"),  # a blocked word
    ]
    assert [problem["hint"] for problem in done.json["problems"] if problem["code"] == "WX120"] == [
        f"Did you mean `{key}`?" for key in ("appid", "burst", "attempts", "data")
    ]


def test_rows_are_checked_beside_a_fault_of_form_unless_it_decides_about_them(offline: Desk) -> None:
    rows = people(2)
    rows[1]["amount"] = "很多"
    offline.list(rows)
    line = ("campaign.yaml", "--recipients", "users.csv", "--json")
    offline.campaign(rate="fast", checks="{unused_column: off}")
    assert [(file, line) for file, line, *_rest in told(validate(offline, *line))] == [
        ("campaign.yaml", 7),
        ("users.csv", 3),
    ]
    offline.campaign(when="amount = 1", checks="{unused_column: off}")
    assert [code for *_place, code in told(validate(offline, *line))] == ["WX205"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("idd: {id}\ntitle: t\ncontent: 'a:{{{{thing1.DATA}}}}'\n", 1),
        ("id: {id}\ncontnt: 'a:{{{{thing1.DATA}}}}'\n", 2),
    ],
)
def test_a_misspelt_key_of_a_template_is_told_once(offline: Desk, text: str, line: int) -> None:
    offline.write("template.yaml", text.format(id="x" * 43))
    assert told(validate(offline, "template.yaml", "--json")) == [
        ("template.yaml", line, 1, "error", "WX552")
    ]


def test_a_template_with_a_fault_still_has_its_values_checked(offline: Desk) -> None:
    offline.write("template.yaml", "id: short\ntitle: t\ncontent: '单号:{{character_string1.DATA}}'\n")
    offline.campaign(data="{character_string1: 订单}")
    assert [code for *_place, code in told(validate(offline, "campaign.yaml", "--json"))] == [
        "WX516",
        "WX553",
    ]
    offline.write("template.yaml", f"id: {'x' * 43}\ncontent: '单号:{{{{character_string1.DATA}}'\n")
    assert [code for *_place, code in told(validate(offline, "campaign.yaml", "--json"))] == ["WX554"]


FIXED = """\
name: orders
template:
  id: mvfAq5sOBf4RH7pITKym3qm_CvU7epPNufQkYrXJ8LP
  title: 订单发货通知
  content: |
    {{thing1.DATA}} {{character_string2.DATA}} {{amount3.DATA}} {{phrase4.DATA}} {{thing5.DATA}}
    {{time6.DATA}} {{thing7.DATA}} {{car_number8.DATA}}
url: "shop.example.com/orders/{{ order_no }}"
miniprogram: {appid: wx123, pagepath: "/pages/order?id={{ order_no }}"}
blocked_words: words.txt
checks: {unused_column: off}
data:
  thing1: "您购买的商品{{ product }}已经由我们的仓库发出，请注意查收"
  character_string2: "订单{{ order_no }}"
  amount3: "约{{ amount }}元"
  phrase4: "{{ '已发货' if name else '' }}ok"
  thing5: "红{{ name }}包 红包"
  time6: "2026年1月1日 {{ amount }}点"
  thing7: "刷{{ name }}单 刷单"
  car_number8: "粤·{{ name }}"
"""


def test_what_is_the_same_for_all_is_told_once_in_the_campaign(offline: Desk) -> None:
    offline.write("words.txt", "刷单\n咖啡\n")
    offline.write("campaign.yaml", FIXED)
    offline.list(people(3))
    done = validate(offline, "campaign.yaml", "--recipients", "users.csv", "--json")
    assert told(done) == [
        ("campaign.yaml", 8, 6, "error", "WX503"),
        ("campaign.yaml", 9, 22, "error", "WX504"),
        ("campaign.yaml", 9, 39, "warning", "WX505"),
        ("campaign.yaml", 13, 11, "error", "WX511"),
        ("campaign.yaml", 14, 22, "error", "WX516"),
        ("campaign.yaml", 15, 12, "error", "WX519"),
        ("campaign.yaml", 16, 12, "error", "WX523"),
        ("campaign.yaml", 17, 11, "warning", "WX506"),
        ("campaign.yaml", 18, 10, "error", "WX517"),
        ("campaign.yaml", 19, 11, "error", "WX408"),
        ("campaign.yaml", 20, 16, "error", "WX521"),
        *[("users.csv", line, 50, "error", "WX408") for line in (2, 3, 4)],
    ], "the blocked word in the list's own column is the rows' matter"
    (long,) = (one for one in done.json["problems"] if one["code"] == "WX511")
    assert long["message"].startswith("data.thing1, what is the same for all: 22 characters;")


def test_what_may_yet_be_right_with_a_row_is_not_told_of_the_campaign(offline: Desk) -> None:
    offline.campaign(
        url="'{{ name }}/orders'",
        miniprogram="{appid: '{{ name }}', pagepath: '{{ name }}/x'}",
        data="""
  thing1: "商品 {{ product }}"
  character_string2: "NO. {{ order_no }}"
  amount4: "¥{{ amount }}元\"""",
    )
    assert validate(offline, "campaign.yaml").out == ""
    offline.campaign(url="'https://{{ name }}/orders'")
    assert validate(offline, "campaign.yaml").out == ""


HOSTILE = """\
name: spring
template: template.yaml
acount: shop
url: shop.example.com/orders/{{ order_no }}
miniprogram: {appid: wx12, pagepath: "/pages/order?no={{ order_no }}"}
when: order_no != ''
rate: 300/s
retries: 3
timeout: 1h
blocked_words: [words.txt, lost.txt]
checks: {thing: wran, unused_colum: warn, marketing: warn}
data:
  thing1: "您好，{{ product }}已从杭州仓库发出，预计三日内送到您家"
  character_string2: "单号{{ order_no }}"
  amout3: "{{ amount }}元"
  phrase4: "{{ status | shorten(5, '') }}"
  const5: 待发货
  thing6: "领取红包"
  time7: "{{ shipped_at }}"
  thing8: "刷单返现请回复"
  number9: "{{ count.upper() }}"
"""
HOSTILE_TEMPLATE = """\
id: TM00017
titel: 发货
content: |
  {{first.DATA}}
  商品:{{thing1.DATA}}
  单号:{{character_string2.DATA}}
  金额:{{amount3.DATA}}
  状态:{{phrase4.DATA}}
  进度:{{const5.DATA}}
  活动:{{thing6.DATA}}
  时间:{{time7.DATA}}
  说明:{{thing8.DATA}}
  件数:{{number9.DATA}}
allowed: {const5: [已发货, 已签收]}
"""
HOSTILE_LIST = """\
openid,product,order_no,amount,status,shipped_at,count,remark
oW3kTzuBGTNqeX76QEj000000001,咖啡,SO1,68.00,已发货,2026-11-23 09:00,1,x
1.2E+10,咖啡,SO2,68.00,已发货,2026-11-23 09:00,1,x
=oW3kTzuBGTNqeX76QEj00000004,咖啡,SO3,68.00,,2026-11-23 09:00,1,x
oW3kTzuBGTNqeX76QEj000000005,咖啡,SO4,很多,已发货,2026年2月30日 09:00,1,x
oW3kTzuBGTNqeX76QEj000000001,咖啡,SO1,68.00,已签收,2026-11-23 09:00,1,x
"""


def test_mistakes_of_every_kind_in_campaign_template_and_list_are_told_in_one_go(offline: Desk) -> None:
    """Faults of form beside those of values, keywords, advice and rows: each once, and nothing else."""
    offline.write("words.txt", "刷单\n")
    offline.write("hostile.yaml", HOSTILE)
    offline.write("template.yaml", HOSTILE_TEMPLATE)
    offline.write("users.csv", HOSTILE_LIST)
    done = validate(offline, "hostile.yaml", "--recipients", "users.csv", "--json")
    assert [(file, line, code) for file, line, _column, _severity, code in told(done)] == [
        ("hostile.yaml", 3, "WX120"),  # acount
        ("hostile.yaml", 4, "WX503"),  # no https://
        ("hostile.yaml", 5, "WX504"),  # wx12
        ("hostile.yaml", 5, "WX505"),  # a slash
        ("hostile.yaml", 6, "WX211"),  # always true
        ("hostile.yaml", 7, "WX212"),  # above what an account bears
        ("hostile.yaml", 8, "WX120"),  # retries
        ("hostile.yaml", 9, "WX122"),  # 1h
        ("hostile.yaml", 10, "WX213"),  # lost.txt
        ("hostile.yaml", 11, "WX122"),  # wran
        ("hostile.yaml", 11, "WX215"),  # unused_colum
        ("hostile.yaml", 12, "WX202"),  # no first
        ("hostile.yaml", 13, "WX511"),  # too long whatever the product; a warning, as `wran` meant
        ("hostile.yaml", 14, "WX516"),  # Chinese before the number
        ("hostile.yaml", 15, "WX203"),  # amout3
        ("hostile.yaml", 17, "WX524"),  # not approved
        ("hostile.yaml", 18, "WX506"),  # advertising
        ("hostile.yaml", 20, "WX408"),  # a blocked word
        ("hostile.yaml", 20, "WX506"),  # advertising
        ("hostile.yaml", 21, "WX206"),  # a call
        ("template.yaml", 1, "WX553"),  # a library's number
        ("template.yaml", 2, "WX552"),  # titel
        ("template.yaml", 3, "WX556"),  # first is not seen
        ("users.csv", 3, "WX501"),  # 1.2E+10
        ("users.csv", 4, "WX501"),  # a formula
        ("users.csv", 4, "WX401"),  # an empty cell
        ("users.csv", 5, "WX519"),  # no amount, below the misspelt keyword
        ("users.csv", 5, "WX517"),  # 30 February
        ("users.csv", 6, "WX330"),  # another row of this person
    ]
    assert (done.json["errors"], done.json["warnings"]) == (21, 8)


def test_a_send_tells_the_same_of_the_files_and_sends_nothing(desk: Desk) -> None:
    desk.write("words.txt", "刷单\n")
    desk.write("campaign.yaml", HOSTILE)
    desk.write("template.yaml", HOSTILE_TEMPLATE)
    desk.write("users.csv", HOSTILE_LIST)
    done = desk.send()
    assert (done.code, desk.sends()) == (2, 0)
    checked = validate(desk, "campaign.yaml", "--json")
    errors = [one for one in told(checked) if one[3] == "error"]
    assert [one[:1] + one[4:] for one in told(done)] == [one[:1] + one[4:] for one in errors]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("pipe.yaml",), "WX101"),
        (("inside",), "WX101"),
        (("campaign.yaml", "--recipients", "pipe.yaml", "--list-format", "csv"), "WX301"),
        (("words.yaml",), "WX213"),
        (("template.yml",), "WX101"),
    ],
)
@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_a_pipe_is_told_of_and_not_waited_for(
    offline: Desk, arguments: tuple[str, ...], code: str, as_json: tuple[str, ...]
) -> None:
    (offline.folder / "inside").mkdir()
    for name in ("pipe.yaml", "inside/pipe.yaml"):
        os.mkfifo(offline.folder / name)
    offline.campaign()
    text = (offline.folder / "campaign.yaml").read_text("utf-8")
    offline.write("words.yaml", text + "blocked_words: pipe.yaml\n")
    offline.write("template.yml", text.replace("template: template.yaml", "template: pipe.yaml"))
    done = validate(offline, *arguments, *as_json)
    assert done.code == 1
    assert code in done.out
    assert "no regular file" in done.out


@pytest.mark.parametrize("options", [("--recipients", "users.csv"), ()])
def test_a_campaign_that_is_no_yaml_hides_behind_no_list(offline: Desk, options: tuple[str, ...]) -> None:
    offline.prepare(1)
    offline.write("campaign.yaml", 'name: "a\ntemplate: template.yaml\n')
    done = validate(offline, "campaign.yaml", *options, "--json")
    assert (done.code, [one["code"] for one in done.json["problems"]]) == (1, ["WX105"])


def test_a_list_without_anything_that_could_be_a_campaign_is_misuse(offline: Desk) -> None:
    offline.prepare(1)
    offline.write("other.yaml", "colour: red\n")
    for path in ("template.yaml", "other.yaml"):
        done = validate(offline, path, "--recipients", "users.csv")
        assert done.code == 2
        assert "A list is checked against a campaign" in done.err


def test_a_hint_names_no_option_without_the_command_that_has_it(offline: Desk) -> None:
    offline.campaign(key='"{{ openid }}"')
    first, second = people(2)
    offline.list([{**first, "product": ""}, second, {**second, "product": "别的"}])
    done = validate(offline, "campaign.yaml", "--recipients", "users.csv", "--json")
    assert {"WX401", "WX330"} <= {one["code"] for one in done.json["problems"]}
    hints = " ".join(one["hint"] for one in done.json["problems"])
    assert "`send --skip-invalid`" in hints
    assert "`send --keep-first`" in hints
    assert not re.search(r"(?<!send )--(skip-invalid|keep-first)", hints)


def test_who_has_no_account_is_led_to_a_command_that_is_there(offline: Desk) -> None:
    done = validate(offline, "template.yaml", "--online")
    assert done.code == 2
    assert "practise without an account: wxpush sandbox." in done.talk


@pytest.mark.parametrize(
    "part", ["expires: {after: 7d}", "miniprogram: {pagepath: pages/a}", "suppress: {auto: x}", "retry: 3"]
)
def test_a_group_that_lacks_a_key_hides_nothing_else(offline: Desk, part: str) -> None:
    offline.campaign(url="ftp://shop.example.com", data=WRONG, checks="{unused_column: off}")
    offline.list(people(1))
    command = ("campaign.yaml", "--recipients", "users.csv", "--json")
    without = set(told(validate(offline, *command)))
    with (offline.folder / "campaign.yaml").open("a", encoding="utf-8") as file:
        file.write(part + "\n")
    found = set(told(validate(offline, *command)))
    assert {code for *_place, code in without} >= {"WX503", "WX203", "WX204"}
    assert len(without - found) == 0
    assert len(found - without) >= 1


def test_a_misspelt_key_at_the_beginning_hides_not_what_is_lacking(offline: Desk) -> None:
    offline.write("campaign.yaml", "nme: x\n")
    done = validate(offline, "campaign.yaml", "--json")
    assert [code for *_place, code in told(done)] == ["WX120", "WX121", "WX121"]


BAD_ROWS = [
    people(1)[0],
    people(2)[1] | {"openid": "unionid"},
    people(3)[2] | {"product": "#N/A"},
    people(4)[3] | {"order_no": ""},
]


@pytest.mark.parametrize(
    ("changes", "codes", "reason"),
    [
        ({"when": '"amount ||"'}, {"WX205", "WX501", "WX410"}, "`when` in campaign.yaml"),
        ({"to": '""'}, {"WX123", "WX410", "WX401"}, "`to` in campaign.yaml"),
        ({"key": ""}, {"WX123", "WX501", "WX410", "WX401"}, "`key` in campaign.yaml"),
        ({"url": '"https://a.cn/{{ nope }}"'}, {"WX204", "WX501", "WX410", "WX401"}, "reads a column that"),
        ({"when": "\"nope == '1'\""}, {"WX204", "WX501", "WX410"}, "reads a column that"),
    ],
)
def test_the_rows_are_checked_with_what_is_understood_and_it_is_said(
    offline: Desk, changes: dict[str, str], codes: set[str], reason: str
) -> None:
    offline.campaign(checks="{unused_column: off}", **changes)
    offline.list(BAD_ROWS)
    done = validate(offline, "campaign.yaml", "--recipients", "users.csv", "--json")
    assert {code for *_place, code in told(done)} == codes
    (unchecked,) = done.json["unchecked"]
    assert (unchecked["campaign"], unchecked["list"]) == ("campaign.yaml", "users.csv")
    assert (reason in unchecked["why"], unchecked["in_part"]) == (True, True)
    done = validate(offline, "campaign.yaml", "--recipients", "users.csv")
    assert "The rows of users.csv were checked in part only: " in done.err
    assert "Checked: 3 files;" in done.err, "no number of rows, as if they had been"


@pytest.mark.parametrize("broken", ["url: [\n", "checks: none\n", "data: [a]\n&\n"])
def test_what_keeps_the_list_from_being_checked_at_all_is_said(offline: Desk, broken: str) -> None:
    offline.list(BAD_ROWS)
    with (offline.folder / "users.csv").open("a", encoding="utf-8") as file:
        file.write("one cell too few\n")
    offline.campaign()
    with (offline.folder / "campaign.yaml").open("a", encoding="utf-8") as file:
        file.write(broken)
    done = validate(offline, "campaign.yaml", "--recipients", "users.csv")
    assert "The rows of users.csv were not checked: " in done.err
    assert "WX310" in done.out, "a row that is none is wrong whatever the campaign says"
    done = validate(offline, "campaign.yaml", "--recipients", "users.csv", "--json")
    assert [one["in_part"] for one in done.json["unchecked"]] == [False]


def test_nothing_is_said_of_rows_that_were_checked(offline: Desk) -> None:
    offline.campaign()
    offline.list(people(2))
    done = validate(offline, "campaign.yaml", "--recipients", "users.csv", "--json")
    assert (done.json["unchecked"], done.json["rows"]) == ([], 2)
    assert validate(offline, "campaign.yaml", "--json").json["unchecked"] == []


def test_a_damaged_cell_of_a_workbook_hides_nothing_that_it_does_not_in_a_text(offline: Desk) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    offline.campaign(checks="{unused_column: off}")
    rows = [people(1)[0] | {"openid": "unionid", "product": "#N/A", "order_no": "", "amount": "#REF!"}]
    offline.list(rows)
    book = openpyxl.Workbook()
    book.active.append(COLUMNS)
    book.active.append([rows[0].get(column, "") for column in COLUMNS])
    book.save(offline.folder / "users.xlsx")
    found = {}
    for file in ("users.csv", "users.xlsx"):
        done = validate(offline, "campaign.yaml", "--recipients", file, "--json")
        found[file] = sorted(code for *_place, code in told(done))
    assert found["users.csv"] == ["WX401", "WX410", "WX410", "WX501"]
    assert found["users.xlsx"] == ["WX315", "WX315", "WX401", "WX501"]
    done = offline.run("send", "campaign.yaml", "users.xlsx", "--dry-run")
    assert (done.code, [code in done.err for code in ("WX315", "WX401", "WX501")]) == (2, [True] * 3)
