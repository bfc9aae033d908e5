"""Scenario files: read with every fault and its line, and the ones that come with wxpush."""

import pytest
from sandbox_caller import TEMPLATE

from wxpush.errors import InputError, ProblemsError
from wxpush.sandbox import FollowerState, Scenario, Span, scenario_names, templates_from_folder
from wxpush.sandbox.scenario import ORDER, from_mapping, load

FULL = """\
version: 1
seed: 42
account: {appid: wx00000000000000aa, secret: fedcba9876543210fedcba9876543210}
tokens: {lifetime_s: 600, overlap_s: 30}
dedupe: {window_s: 60, answer: "40241", sliding: true, burnt_by_failure: yes}
quota: {daily: 500, minute: 60}
followers:
  shares: {unfollowed: 2%, refused: 0.01}
  states: {oia2TjuEGTNoeX76QEjQNrcURxG8: blacklisted}
allow_list: {calls: every, addresses: [203.0.113.5], seen_as: 203.0.113.7}
review: {chance: 5%, words: [抽奖]}
templates:
  - template_id: ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY
    title: 订单发货通知
    content: "商品名称:{{thing1.DATA}}"
    allowed: {const5: [已发货]}
miniprograms: {wx0123456789abcdef: [pages/order]}
faults:
  send:
    latency_ms: 10-50
    system_error: {chance: 2%, accepted: true}
    bad_gateway: {every: 500}
    silence_after: {chance: 0.1%}
  token: {latency_ms: 20}
remember_shown: false
"""


def test_a_full_scenario_is_read(tmp_path):
    path = tmp_path / "busy.yaml"
    path.write_text(FULL, encoding="utf-8")
    scenario = load(path)
    assert scenario.seed == 42
    assert scenario.account.appid == "wx00000000000000aa"
    assert (scenario.tokens.lifetime_s, scenario.tokens.renewal_s) == (600, 30)
    assert (scenario.dedupe.answer, scenario.dedupe.sliding, scenario.dedupe.burnt_by_failure) == (
        "40241",
        True,
        True,
    )
    assert scenario.followers.shares == {FollowerState.UNFOLLOWED: 0.02, FollowerState.REFUSED: 0.01}
    assert scenario.allow_list.addresses == ("203.0.113.5",)
    assert scenario.templates[0].allowed == {"const5": ("已发货",)}
    assert scenario.faults.send.latency_ms == Span(10, 50)
    assert scenario.faults.send.system_error.accepted is True
    assert scenario.faults.send.bad_gateway.every == 500
    assert scenario.faults.token.latency_ms == Span(20, 20)
    assert scenario.remember_shown is False


def test_all_faults_of_a_file_are_named_with_their_lines(tmp_path):
    path = tmp_path / "wrong.yaml"
    path.write_text(
        "version: 1\n"
        "sed: 1\n"
        "quota: {daily: many}\n"
        "followers:\n"
        "  shares: {asleep: 1%}\n"
        "faults:\n"
        "  send:\n"
        "    system_error: {chance: 2}\n"
        "    cut_befor: {}\n"
        "templates: {}\n"
        "any_template: perhaps\n",
        encoding="utf-8",
    )
    with pytest.raises(ProblemsError) as caught:
        load(path)
    found = sorted((problem.line, problem.code) for problem in caught.value.problems)
    assert found == [
        (2, "WX701"),
        (3, "WX704"),
        (5, "WX704"),
        (8, "WX704"),
        (9, "WX701"),
        (10, "WX702"),
        (11, "WX704"),
    ]
    text = str(caught.value)
    assert f"{path}:2:" in text
    assert "Did you mean `seed`?" in text
    assert "faults.send.cut_befor: no such setting. Did you mean `cut_before`?" in text


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ({}, "`version` is missing"),
        ({"version": 2}, "version 1 only"),
        ({"version": 1, "order": ["token"]}, "each of these once"),
        ({"version": 1, "order": ["touser", *(step for step in ORDER if step != "touser")]}, "before json"),
        ({"version": 1, "followers": {"shares": {"refused": "60%", "unfollowed": "60%"}}}, "more than 100%"),
        ({"version": 1, "templates": [{"title": "x"}]}, "`template_id` is missing"),
        ({"version": 1, "tokens": {"lifetime_s": -1}}, "from 0 on"),
        ({"version": 1, "tokens": {"lifetime_s": "nan"}}, "from 0 on"),
        ({"version": 1, "tokens": []}, "key: value"),
        ({"version": 1, "faults": {"send": {"latency_ms": "50-10"}}}, "smaller to the larger"),
        ({"version": 1, "seed": 1.5}, "no whole number"),
        ({"version": 1, "dedupe": {"answer": "maybe"}}, "none of: msgid, 40241"),
    ],
)
def test_a_wrong_scenario_is_refused(mapping, said):
    with pytest.raises(ProblemsError, match=said):
        from_mapping(mapping)


def test_an_empty_setting_keeps_its_default():
    assert from_mapping({"version": "1", "faults": None, "seed": None}) == Scenario()


def test_the_packaged_scenarios_can_be_read():
    assert scenario_names() == ("calm", "demo")
    assert Scenario.named("demo").faults.send.token_replaced.every == 260
    assert Scenario.named("calm").any_template is True
    with pytest.raises(InputError, match="calm, demo"):
        Scenario.named("storm")


def test_a_folder_of_template_files_becomes_the_accounts_templates(tmp_path):
    (tmp_path / "order.yaml").write_text(
        f"id: {TEMPLATE['template_id']}\ntitle: 订单发货通知\ncontent: |\n  商品名称:{{{{thing1.DATA}}}}\n",
        encoding="utf-8",
    )
    (template,) = templates_from_folder(tmp_path)
    assert template.template_id == TEMPLATE["template_id"]
    assert template.keywords == ("thing1",)


def test_a_folder_without_or_with_wrong_templates_is_refused(tmp_path):
    with pytest.raises(InputError, match="no template file"):
        templates_from_folder(tmp_path)
    (tmp_path / "a.yaml").write_text("title: x\n", encoding="utf-8")
    (tmp_path / "b.yml").write_text("id: [x]\n", encoding="utf-8")
    with pytest.raises(ProblemsError) as caught:
        templates_from_folder(tmp_path)
    assert {problem.file for problem in caught.value.problems} == {
        str(tmp_path / "a.yaml"),
        str(tmp_path / "b.yml"),
    }
