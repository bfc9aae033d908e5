"""What is wrong in files and options is told in one go, with place and remedy, before anything is sent."""

import re
from collections.abc import Callable

import pytest

from tests.cli.command import DATA, TEMPLATE_FILE, TEMPLATE_ID, Desk, Done, counts, openid, people
from wxpush.sandbox import Sandbox

HEADER = "openid,name,order_no,product,amount\n"
GOOD = f"{openid(1)},李晓雯,SO2026112300001,景德镇青花盖碗,129.00\n"


def send(desk: Desk, *options: str) -> Done:
    return desk.run("send", "campaign.yaml", "users.csv", "--yes", "--rate", "2000/s", *options)


def refused(desk: Desk, done: Done) -> bool:
    """Exit 2, and WeChat was never asked for anything."""
    assert desk.sandbox is not None
    return done.code == 2 and desk.sandbox.requests_by_path == {}


def test_five_mistakes_of_a_campaign_are_all_told_with_place_and_remedy(desk: Desk) -> None:
    desk.list(people(2))
    desk.campaign(
        colour="red", rate="fast", timeout="500s", when="status = 'x'", data=DATA.replace("1:", "9:")
    )
    done = send(desk)
    assert refused(desk, done)
    lines = [line for line in done.err.splitlines() if re.match(r"campaign\.yaml:\d+:\d+: ", line)]
    assert len(lines) == 5
    told = {
        word: line
        for line in lines
        for word in ("colour", "fast", "timeout", "when", "thing9")
        if word in line
    }
    assert set(told) == {"colour", "fast", "timeout", "when", "thing9"}
    assert "Known keys" in told["colour"]
    assert "30/s" in told["fast"]
    assert "100ms" in told["timeout"]
    assert "`thing1`" in told["thing9"]


def test_the_same_five_are_in_the_json(desk: Desk) -> None:
    desk.list(people(2))
    desk.campaign(
        colour="red", rate="fast", timeout="500s", when="status = 'x'", data=DATA.replace("1:", "9:")
    )
    result = send(desk, "--json").json
    assert result["state"] == "refused"
    keys = {"file", "line", "column", "severity", "code", "message", "hint"}
    assert [set(problem) for problem in result["problems"]] == [keys] * 5
    assert {problem["file"] for problem in result["problems"]} == {"campaign.yaml"}
    assert all(problem["line"] > 0 and problem["column"] > 0 for problem in result["problems"])
    assert {problem["severity"] for problem in result["problems"]} == {"error"}
    assert counts(result) == {}


LISTS = {
    "an empty list": ("", r"^users\.csv:1: error WX\d{3}: .*empty"),
    "a header without rows": (HEADER, r"^users\.csv:1: error WX\d{3}: .*no recipients"),
    "a list without the needed column": (
        "openid,name,order_no,amount\n" + f"{openid(1)},李晓雯,SO1,1.00\n",
        r'^users\.csv:1: error WX\d{3}: .*"product".*campaign\.yaml, line \d',
    ),
    "a ragged row": (
        HEADER + GOOD + f"{openid(2)},李晓雯,SO2,盖碗\n",
        r"^users\.csv:3: error WX\d{3}: 4 cells.* 5",
    ),
    "an unclosed quote": (
        HEADER + GOOD + f'{openid(2)},李晓雯,SO2,"盖碗,1\n',
        r"^users\.csv:3: error WX\d{3}: .*quote",
    ),
    "a NUL": (HEADER + GOOD + f"{openid(2)},李晓雯,SO2,盖\0碗,1\n", r"^users\.csv:3: error WX\d{3}: .*NUL"),
    "a duplicate header": (
        HEADER.replace("name", "amount") + GOOD,
        r'^users\.csv:1: error WX\d{3}: .*"amount"',
    ),
    "a row without a needed value": (
        HEADER + GOOD + f"{openid(2)},李晓雯,SO2,,1\n",
        r'^users\.csv:3:38: error WX\d{3}: no value for "product"\. Fix the row, or leave it out',
    ),
    "a row without an openid": (
        HEADER + GOOD + ",李晓雯,SO2,盖碗,1\n",
        r'^users\.csv:3:1: error WX\d{3}: no value for "openid"',
    ),
    "an openid of the wrong shape": (
        HEADER + GOOD + "李晓雯,李晓雯,SO2,盖碗,1\n",
        r"^users\.csv:3:1: error WX\d{3}: to: .*openid",
    ),
    "an openid that is far too short": (
        HEADER + GOOD + "oW3kTz,李晓雯,SO2,盖碗,1\n",
        r"^users\.csv:3:1: error WX\d{3}: to: .*6 char",
    ),
    "a value that breaks its keyword's rule": (
        HEADER + GOOD + f"{openid(2)},李晓雯,SO2,景德镇手绘青花缠枝莲纹三才盖碗茶具礼盒套装,1\n",
        r"^users\.csv:3:38: error WX\d{3}: data\.thing1: .*20.*shorten\(20\)",
    ),
    "an amount that is none": (
        HEADER + GOOD + f"{openid(2)},李晓雯,SO2,盖碗,很多\n",
        r"^users\.csv:3:41: error WX\d{3}: data\.amount4: ",
    ),
}


@pytest.mark.parametrize("case", LISTS)
def test_a_mistake_in_the_list_is_one_line_with_its_place_and_remedy(desk: Desk, case: str) -> None:
    content, line = LISTS[case]
    desk.campaign()
    desk.write("users.csv", content)
    done = send(desk)
    assert refused(desk, done)
    told = [one for one in done.err.splitlines() if re.search(line, one)]
    assert len(told) == 1, done.err
    assert len(re.findall(r"[.!?]( |$)", told[0])) >= 2, f"no remedy: {told[0]}"


def test_an_openid_of_an_unusual_length_is_at_least_remarked_on(desk: Desk) -> None:
    desk.campaign()
    desk.write("users.csv", HEADER + GOOD + f"{openid(2)[:-2]},李晓雯,SO2,盖碗,1\n")
    done = send(desk, "--limit", "1")
    assert "users.csv:3:1: " in done.err
    assert "26 characters" in done.err
    assert desk.sends() == 1


def test_a_missing_list_is_named(desk: Desk) -> None:
    desk.campaign()
    done = send(desk)
    assert refused(desk, done)
    assert re.search(r"^users\.csv: error WX301: there is no such", done.err, re.MULTILINE)


def test_a_missing_campaign_and_a_missing_template_are_named(desk: Desk) -> None:
    desk.list(people(1))
    assert "campaign.yaml: " in send(desk).err
    desk.campaign(template="nowhere.yaml")
    done = send(desk)
    assert refused(desk, done)
    assert "no file nowhere.yaml" in done.err


def test_a_folder_in_place_of_a_file_is_no_fault_of_ours(desk: Desk) -> None:
    desk.campaign()
    done = desk.run("send", "campaign.yaml", ".", "--yes", "--list-format", "csv")
    assert refused(desk, done)
    assert refused(desk, desk.run("send", ".", "users.csv", "--yes"))


def test_a_template_id_of_the_wrong_shape_is_named_with_its_line(desk: Desk) -> None:
    desk.prepare(1)
    desk.write("template.yaml", TEMPLATE_FILE.replace(TEMPLATE_ID, "TM00015"))
    done = send(desk)
    assert refused(desk, done)
    assert re.search(r'^template\.yaml:1:\d+: error WX553: "TM00015".*43', done.err, re.MULTILINE)


def test_a_hint_names_only_commands_that_exist(desk: Desk) -> None:
    desk.prepare(1)
    desk.write("template.yaml", TEMPLATE_FILE.replace(TEMPLATE_ID, TEMPLATE_ID[:-1]))
    for command in re.findall(r"`wxpush ([a-z-]+)[^`]*`", send(desk).err):
        assert desk.run(command, "--help").code == 0, command


def test_all_bad_rows_are_told_up_to_20_then_counted(desk: Desk) -> None:
    desk.campaign()
    desk.list([{**row, "product": ""} for row in people(33)])
    done = send(desk)
    assert refused(desk, done)
    assert len(re.findall(r"^users\.csv:\d+:50: ", done.err, re.MULTILINE)) == 20
    assert "13" in done.err


@pytest.mark.parametrize(
    "missing", [("WXPUSH_APPID", "WXPUSH_SECRET"), ("WXPUSH_SECRET",), ("WXPUSH_APPID",)]
)
def test_missing_credentials_say_what_to_set(desk: Desk, missing: tuple[str, ...]) -> None:
    desk.prepare(1)
    desk.variables |= dict.fromkeys(missing)
    done = send(desk)
    assert refused(desk, done)
    assert all(name in done.err for name in missing)


@pytest.mark.parametrize(
    ("variable", "value", "code"),
    [("WXPUSH_SECRET", "f" * 32, "40001"), ("WXPUSH_APPID", "wxffffffffffffffff", "40013")],
)
def test_wrong_credentials_say_what_wechat_said_and_the_remedy(
    desk: Desk, variable: str, value: str, code: str
) -> None:
    desk.prepare(1)
    desk.variables[variable] = value
    done = send(desk, "--json")
    assert (done.code, done.json["state"], desk.sends()) == (3, "stopped", 0)
    assert done.json["stopped_by"]["code"] == code
    assert done.json["stopped_by"]["hint"]
    assert code in done.err
    assert "Check" in done.err
    assert value not in done.err or variable == "WXPUSH_APPID"


@pytest.mark.parametrize(
    "arguments",
    [
        ("send", "campaign.yaml"),
        ("send",),
        ("send", "campaign.yaml", "users.csv", "--yess"),
        ("send", "campaign.yaml", "users.csv", "--limit", "many"),
        ("send", "campaign.yaml", "users.csv", "--limit", "-1"),
        ("send", "campaign.yaml", "users.csv", "--workers", "0"),
        ("send", "campaign.yaml", "users.csv", "--in-doubt", "maybe", "--yes"),
        ("send", "campaign.yaml", "users.csv", "--list-format", "docx", "--yes"),
        ("send", "campaign.yaml", "users.csv", "--sandbox", "--scenario", "stormy"),
        ("send", "campaign.yaml", "users.csv", "extra"),
        ("sned",),
        ("retry-failed", "--class", "bad"),
        ("retry-failed", "--all", "--code", "1"),
        ("report", "--format", "pdf"),
        ("runs", "show", "nothing"),
        ("explain",),
        ("explain", "tea"),
        ("sandbox", "--port", "70000"),
        ("sandbox", "--scenario", "stormy"),
        ("--lang",),
        ("token",),
    ],
    ids=" ".join,
)
def test_a_command_line_that_makes_no_sense_exits_2_with_a_word(
    desk: Desk, arguments: tuple[str, ...]
) -> None:
    desk.prepare(1)
    done = desk.run(*arguments)
    assert refused(desk, done)
    assert (done.err + done.out).strip()


@pytest.mark.parametrize(
    "options",
    [
        ("--in-doubt", "maybe"),
        ("--rate", "zzz"),
        ("--colour",),
        ("--limit", "many"),
        ("--to", openid(9)),
        ("--row", "2"),
    ],
    ids=" ".join,
)
def test_a_refusal_of_options_is_json_too(desk: Desk, options: tuple[str, ...]) -> None:
    desk.prepare(1)
    done = send(desk, "--json", *options)
    assert refused(desk, done)
    assert done.json["state"] == "refused"
    assert options[0] in done.json["problems"][0]["message"]


@pytest.mark.parametrize(
    ("campaign", "options"),
    [
        ({"rate": "fast", "when": "amount = 1"}, ()),
        ({"template": "nowhere.yaml"}, ()),
        ({}, ("--where", "a = 1")),
        ({}, ("--rate", "zzz")),
        ({}, ("--account", "nobody")),
        ({}, ("--colour",)),
        ({}, ("--in-doubt", "maybe")),
    ],
)
def test_the_json_of_a_refusal_is_english_whatever_people_are_told_in(
    desk: Desk, campaign: dict[str, str], options: tuple[str, ...]
) -> None:
    desk.prepare(1)
    desk.campaign(**campaign)
    line = ("send", "campaign.yaml", "users.csv", "--yes", "--json", *options)
    english, chinese = (desk.run("--lang", lang, *line) for lang in ("en", "zh"))
    assert english.json == chinese.json
    assert english.json["state"] == "refused"
    assert english.err != chinese.err, "people are still told in their own language"


def test_a_refusal_of_retry_is_json_too(desk: Desk) -> None:
    done = desk.run("--lang", "en", "retry-failed", "--json", "--class", "bad")
    assert (done.code, done.json["state"], len(done.json["problems"])) == (2, "refused", 1)


@pytest.mark.parametrize("option", ["--dry-run", "--sandbox"])
def test_a_rehearsal_never_reaches_a_tester(desk: Desk, option: str) -> None:
    desk.prepare(2)
    send(desk, option, "--to", openid(900))
    assert desk.sends() == 0


def test_without_a_terminal_and_without_yes_nothing_is_sent(desk: Desk) -> None:
    desk.prepare(3)
    done = desk.run("send", "campaign.yaml", "users.csv", "--json")
    assert (done.code, done.json["state"], desk.sends()) == (2, "refused", 0)
    assert "--yes" in done.err


def test_an_address_of_the_api_that_is_plain_http_elsewhere_is_refused(desk: Desk) -> None:
    desk.prepare(1)
    desk.variables["WXPUSH_API_BASE"] = "http://api.weixin.qq.com"
    done = send(desk)
    assert refused(desk, done)
    assert "https" in done.err


def test_the_template_may_stand_in_the_campaign(desk: Desk, open_wechat: Callable[..., Sandbox]) -> None:
    desk.list(people(1))
    content = '"商品名称:{{thing1.DATA}}\\n"'
    desk.campaign(
        template=f"{{id: {TEMPLATE_ID}, title: 订单, content: {content}}}", data='\n  thing1: "{{ product }}"'
    )
    desk.sandbox = open_wechat(any_template=True, templates=[])
    assert send(desk).code == 0


def test_a_rate_beyond_the_fastest_is_told_the_limit(desk: Desk) -> None:
    desk.prepare(1)
    done = desk.run("send", "campaign.yaml", "users.csv", "--yes", "--rate", "200000/s")
    assert done.code == 2
    assert "more than the fastest rate, 100000/s" in done.err
    assert desk.sends() == 0
