"""The samples look real, belong to nobody, and do what their comments say."""

import json
import re
import urllib.request
from collections import Counter
from contextlib import nullcontext
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from wxpush.app.validating import ListToCheck, validate
from wxpush.campaign.checker import Bad, Checker, Ready, Skipped
from wxpush.campaign.recipients import open_recipients
from wxpush.campaign.render import Renderer
from wxpush.campaign.schema import load_campaign
from wxpush.channels.wechat.rules import WeChatRules
from wxpush.channels.wechat.template import Template, load_template
from wxpush.sandbox import Sandbox, Scenario

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "samples"

USERS = SAMPLES / "order-shipped" / "users.csv"
USERS_500 = SAMPLES / "order-shipped" / "users-500.csv"
PATIENTS = SAMPLES / "appointment-reminder" / "patients.jsonl"
STUDENTS = SAMPLES / "school-notice" / "students.csv"
STUDENTS_XLSX = SAMPLES / "school-notice" / "students.xlsx"

every_list = pytest.mark.parametrize(
    "path", [USERS, USERS_500, PATIENTS, STUDENTS, STUDENTS_XLSX], ids=lambda path: path.name
)


def template_of(path: Path) -> Template:
    campaign = load_campaign(path.parent / "campaign.yaml", today=date(2026, 11, 23))
    assert isinstance(campaign.template, Path)
    return load_template(campaign.template)


@cache
def examined(path: Path) -> list[Ready | Skipped | Bad]:
    """What becomes of every row of a sample list under the campaign beside it."""
    campaign = load_campaign(path.parent / "campaign.yaml", today=date(2026, 11, 23))
    checker = Checker(campaign, Renderer(campaign), WeChatRules(template_of(path)), path.name)
    return [checker.examine(row) for row in open_recipients(path, list_format=None)]


def ready(path: Path) -> list[Ready]:
    return [one for one in examined(path) if isinstance(one, Ready)]


def payloads(path: Path) -> list[dict[str, Any]]:
    return [json.loads(one.message.payload) for one in ready(path)]


def values(path: Path, keyword: str) -> list[str]:
    return [payload["data"][keyword]["value"] for payload in payloads(path)]


@every_list
def test_no_row_of_a_sample_is_bad(path: Path) -> None:
    assert [one for one in examined(path) if isinstance(one, Bad)] == []
    assert ready(path) != []


@every_list
def test_no_row_of_a_sample_gives_reason_for_a_warning(path: Path) -> None:
    assert [one.warnings for one in ready(path) if one.warnings] == []


@every_list
def test_ids_have_the_shape_of_real_ones(path: Path) -> None:
    assert [
        one.message.to for one in ready(path) if not re.fullmatch(r"o[0-9A-Za-z_-]{27}", one.message.to)
    ] == []
    assert re.fullmatch(r"[0-9A-Za-z_-]{43}", template_of(path).id)


def test_the_samples_share_no_person() -> None:
    people = [{one.message.to for one in ready(path)} for path in (USERS, USERS_500, PATIENTS, STUDENTS)]
    assert sum(map(len, people)) == len(set().union(*people))


def send(sandbox: Sandbox, path: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(sandbox.url + path, json.dumps(body, ensure_ascii=False).encode())
    with urllib.request.urlopen(request, timeout=10) as answer:
        return dict(json.load(answer))


@every_list
def test_the_sandbox_takes_every_message_of_a_sample(path: Path) -> None:
    template = template_of(path)
    known = {
        "template_id": template.id,
        "title": template.title,
        "content": template.content,
        "allowed": {name: list(choices) for name, choices in template.allowed.items()},
    }
    with Sandbox(Scenario().with_templates([known])) as sandbox:
        question = {"grant_type": "client_credential", "appid": sandbox.appid, "secret": sandbox.secret}
        token = send(sandbox, "/cgi-bin/stable_token", question)["access_token"]
        url = f"/cgi-bin/message/template/send?access_token={token}"
        answers = [send(sandbox, url, payload) for payload in payloads(path)]
    assert [answer["errmsg"] for answer in answers if answer["errcode"]] == []


def test_a_customer_with_two_orders_gets_two_messages() -> None:
    messages = [one.message for one in ready(USERS)]
    assert len({message.to for message in messages}) == len(messages) - 1
    assert len({message.key for message in messages}) == len(messages)


def test_a_refunded_order_is_skipped() -> None:
    assert [one.reason for one in examined(USERS) if isinstance(one, Skipped)] == ["condition"]


def test_a_long_product_name_is_shortened_to_what_wechat_takes() -> None:
    assert [name for name in values(USERS, "thing1") if name.endswith("…")] != []
    assert max(map(len, values(USERS, "thing1"))) == 20


def test_the_list_of_the_demo_has_500_rows_with_a_few_to_skip() -> None:
    assert len(examined(USERS_500)) == 500
    assert sum(isinstance(one, Skipped) for one in examined(USERS_500)) == 7
    orders = Counter(one.message.key for one in ready(USERS_500))
    assert sorted(orders.values())[-4:] == [1, 2, 2, 2]


def test_a_patients_full_name_does_not_show() -> None:
    people = [json.loads(line)["patient"]["name"] for line in PATIENTS.read_text("utf-8").splitlines()]
    text = json.dumps(payloads(PATIENTS), ensure_ascii=False)
    assert [name for name in people if name in text] == []


def test_a_patient_without_a_note_gets_the_usual_one() -> None:
    assert "请按时就诊" in values(PATIENTS, "thing5")
    assert len(set(values(PATIENTS, "thing5"))) > 1


def test_the_reminder_is_another_run_every_day() -> None:
    path = PATIENTS.parent / "campaign.yaml"
    names = [load_campaign(path, today=date(2026, 11, day)).name for day in (23, 24)]
    assert names == ["appointment-reminder-2026-11-23", "appointment-reminder-2026-11-24"]


def test_the_list_of_students_is_what_excel_in_china_exports() -> None:
    raw = STUDENTS.read_bytes()
    with pytest.raises(UnicodeDecodeError):
        raw.decode("utf-8")
    assert raw.decode("gbk").splitlines()[0] == "学生姓名,班级,家长openid,通知类型,通知标题(必填),日期"
    assert raw.endswith(b"\r\n,,,,,\r\n")


def test_the_workbook_gives_the_same_messages_as_the_csv() -> None:
    assert payloads(STUDENTS_XLSX) == payloads(STUDENTS)


def test_a_parent_of_two_children_gets_one_notice_each() -> None:
    people = Counter(one.message.to for one in ready(STUDENTS))
    parent, count = people.most_common(1)[0]
    assert count == 2
    children = [
        payload["data"]["name3"]["value"] for payload in payloads(STUDENTS) if payload["touser"] == parent
    ]
    assert children == ["林子涵", "林子轩"]


@every_list
def test_a_sample_has_nothing_that_validate_would_say_a_word_about(path: Path) -> None:
    wanted = ListToCheck(path, path.name)
    today = date(2026, 11, 23)
    found = validate([path.parent], wanted, today=today, checking=lambda _lines: nullcontext(lambda _: None))
    assert found.problems == []
    assert found.rows > 0
