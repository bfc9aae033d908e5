"""The JSON Schemas say what wxpush says: the same keys and defaults, the same files good or bad."""

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from tests.test_problems import CAMPAIGN, EXAMPLES, campaign
from wxpush.campaign.schema import (
    Campaign,
    Expires,
    Limits,
    MiniProgram,
    Retry,
    StopWhen,
    Suppress,
    load_campaign,
    read_campaign,
)
from wxpush.channels.wechat.template import KEYS
from wxpush.cli.schema import schema_text

ROOT = Path(__file__).parent.parent
CAMPAIGN_SCHEMA: dict[str, Any] = json.loads(schema_text("campaign"))
TEMPLATE_SCHEMA: dict[str, Any] = json.loads(schema_text("template"))
FILES = sorted([*ROOT.glob("samples/*/campaign.yaml"), *ROOT.glob("templates/*.yaml")])
FILES += [ROOT / "wxpush" / "starter" / name for name in ("campaign.yaml", "template.yaml")]
#: What a schema can see: keys, forms and lacking values; the rest takes an understanding of expressions.
VISIBLE = {"WX120", "WX121", "WX122", "WX123", "WX551", "WX552", "WX553"}


class Editor(yaml.SafeLoader):
    """YAML 1.2 as editors read it: `off`, `yes` and dates are texts."""


Editor.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag not in ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool", "tag:yaml.org,2002:int")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Editor.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), list("tf"))
Editor.add_implicit_resolver("tag:yaml.org,2002:int", re.compile("[-+]?[0-9]+$"), list("-+0123456789"))


def faults(text: str, schema: dict[str, Any]) -> list[str]:
    value = yaml.load(text, Editor)
    return [error.message for error in Draft7Validator(schema).iter_errors(value)]


@pytest.mark.parametrize("schema", [CAMPAIGN_SCHEMA, TEMPLATE_SCHEMA], ids=["campaign", "template"])
def test_a_schema_is_one(schema: dict[str, Any]) -> None:
    Draft7Validator.check_schema(schema)
    assert all(re.search(" · .*[\u4e00-\u9fff]", part["description"]) for part in parts_of(schema))


def parts_of(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The properties of a schema and of the groups in it."""
    found = list(schema.get("properties", {}).values())
    return found + [inner for part in found for inner in parts_of(part)]


def test_the_keys_are_those_of_the_files() -> None:
    keys = CAMPAIGN_SCHEMA["properties"]
    assert list(keys) == list(Campaign.model_fields)
    parts = {
        "retry": Retry, "stop_when": StopWhen, "miniprogram": MiniProgram,
        "limits": Limits, "expires": Expires, "suppress": Suppress,
    }  # fmt: skip
    for name, model in parts.items():
        assert list(keys[name]["properties"]) == list(model.model_fields)
    assert list(TEMPLATE_SCHEMA["properties"]) == list(KEYS)
    assert keys["template"]["anyOf"][1]["properties"] == TEMPLATE_SCHEMA["properties"]


def test_the_defaults_are_those_that_hold(tmp_path: Path) -> None:
    def loaded(more: str) -> Campaign:
        path = tmp_path / "campaign.yaml"
        path.write_text(campaign(more), encoding="utf-8")
        return load_campaign(path, today=date(2026, 11, 23))

    def written(part: dict[str, Any]) -> str | None:
        if "properties" in part:
            inner = {name: written(one) for name, one in part["properties"].items()}
            return "{" + ", ".join(f"{name}: {text}" for name, text in inner.items() if text) + "}"
        return f'"{part["default"]}"' if "default" in part else None

    plain = loaded("").model_dump()
    for name, part in CAMPAIGN_SCHEMA["properties"].items():
        text = written(part)
        if text and name not in CAMPAIGN and name not in ("miniprogram", "expires"):
            assert loaded(f"{name}: {text}").model_dump() == plain, name


@pytest.mark.parametrize("path", FILES, ids=lambda path: "-".join(path.parts[-2:]))
def test_our_own_files_are_good_and_name_their_schema(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    kind = "campaign" if path.name == "campaign.yaml" else "template"
    assert faults(text, CAMPAIGN_SCHEMA if kind == "campaign" else TEMPLATE_SCHEMA) == []
    first = text.splitlines()[0]
    found = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert found is not None
    if "starter" not in path.parts:
        assert (path.parent / found[1]).resolve() == ROOT / "wxpush" / "schemas" / f"{kind}.schema.json"


@pytest.mark.parametrize(
    "entry",
    [entry for entry in EXAMPLES if entry["in"] in ("campaign", "template") and "made" not in entry],
    ids=lambda entry: entry["code"],
)
def test_an_editor_underlines_what_it_can_see_and_nothing_that_is_good(entry: dict[str, Any]) -> None:
    is_campaign = entry["in"] == "campaign"
    schema = CAMPAIGN_SCHEMA if is_campaign else TEMPLATE_SCHEMA
    right, wrong = (campaign(entry[which]) if is_campaign else entry[which] for which in ("right", "wrong"))
    assert faults(right, schema) == []
    if entry["code"] in VISIBLE:
        assert faults(wrong, schema) != []


@pytest.mark.parametrize(
    ("line", "good"),
    [
        ('send_window: "08:00-21:00"', True),
        ('send_window: "Mon-Fri 08:00-21:00"', True),
        ('send_window: "Mon,Wed,Sat 10:00-20:00"', True),
        ('send_window: "周一至周五 08:00-21:00"', True),
        ('send_window: ["Mon-Fri 08:00-21:00", "周六、周日 10:00-18:00"]', True),
        ('send_window: "weekdays"', False),
        ('send_window: ["08:00"]', False),
        ("send_window: []", False),
        ("notify: {wecom: {url_env: TEAM_ROBOT, mentioned_mobile_list: ['@all']}}", True),
        ("notify: {dingtalk: {url_env: A, secret_env: B, keyword: 群发, at: {isAtAll: true}}}", True),
        ("notify: {url: 'https://example.com/hook', hmac_env: KEY, when: trouble}", True),
        ("notify: {url_env: HOOK}", True),
        ("notify: [{command: [tell, --team]}, {wecom: {url_file: robot.txt}}]", True),
        ("notify: []", True),
        ("notify: {wecom: {url: 'https://qyapi.weixin.qq.com/x?key=y'}}", False),
        ("notify: {wecom: {}}", False),
        ("notify: {command: tell}", False),
        ("notify: {wecom: {url_env: A}, url: 'https://x.cn'}", False),
        ("notify: {url: 'https://x.cn', when: never}", False),
        ("notify: {webhook: 'https://x.cn'}", False),
    ],
)
def test_windows_and_targets_are_underlined_as_they_are_refused(
    tmp_path: Path, line: str, good: bool
) -> None:
    path = tmp_path / "campaign.yaml"
    path.write_text(campaign(line), encoding="utf-8")
    assert (read_campaign(path, today=date(2026, 11, 23)).problems == ()) is good
    assert (faults(campaign(line), CAMPAIGN_SCHEMA) == []) is good
