"""A template's rules: what they say of whole messages, and the request body they compose."""

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxpush.channels.wechat.addresses import fixed_url_findings, url_findings
from wxpush.channels.wechat.keywords import parse_content
from wxpush.channels.wechat.rules import WeChatRules
from wxpush.channels.wechat.template import Template
from wxpush.model import Finding, Severity

ID = "ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY"
OPENID = "oia2TjuEGTNoeX76QEjQNrcURxG8"
URL = "https://example.com/orders/SO20261123-0001?from=wx&n=1"
MINI = {"appid": "wx0123456789abcdef", "pagepath": "pages/order?id=SO1"}
DATA = {
    "thing1": "小米手机14",
    "character_string2": "SO20261123-0001",
    "time3": "2026-11-23 15:04",
    "amount4": "1299.00元",
}
CONTENT = "\n".join(f"标签:{{{{{name}.DATA}}}}" for name in DATA)


def rules(
    content: str = CONTENT, checks: Mapping[str, str] | None = None, **allowed: tuple[str, ...]
) -> WeChatRules:
    return WeChatRules(Template(ID, "通知", content, allowed, tuple(parse_content(content))), checks)


def check(
    data: Mapping[str, str] | None = None,
    *,
    to: str = OPENID,
    url: str | None = None,
    miniprogram: Mapping[str, str] | None = None,
    by: WeChatRules | None = None,
) -> list[Finding]:
    return (by or rules()).check(DATA | (data or {}), to, url, miniprogram)


def test_the_keywords_are_those_of_the_template_in_its_order() -> None:
    assert rules().keywords == tuple(DATA)


def test_a_good_message_has_nothing_against_it() -> None:
    assert check(url=URL, miniprogram=MINI) == []


def test_each_fault_names_its_part_and_its_rule() -> None:
    found = check(
        {"thing1": "一" * 21, "amount4": "1,299"}, to="", url="ftp://x", miniprogram={"appid": "wx1"}
    )
    assert [(finding.where, finding.rule, finding.code) for finding in found] == [
        ("data.thing1", "thing", "WX511"),
        ("data.amount4", "amount", "WX519"),
        ("to", "openid", "WX501"),
        ("url", "url", "WX503"),
        ("miniprogram.appid", "miniprogram", "WX504"),
    ]
    assert all(finding.severity is Severity.ERROR and finding.message and finding.hint for finding in found)


def test_a_rule_that_is_off_is_silent_and_the_others_speak() -> None:
    lenient = rules(checks={"thing": "off", "openid": "off"})
    assert [finding.rule for finding in check({"thing1": "一" * 21, "time3": "x"}, to="x", by=lenient)] == [
        "time"
    ]


def test_half_a_character_is_refused_even_where_its_rules_are_off() -> None:
    lenient = rules(checks={"thing": "off", "text": "off"})
    assert [finding.code for finding in check({"thing1": "a\ud83d"}, by=lenient)] == ["WX510"]


def test_an_approved_value_passes_and_another_does_not() -> None:
    own = rules("状态:{{const5.DATA}}", const5=("已发货", "已签收"))
    assert own.check({"const5": "已签收"}, OPENID, None, None) == []
    (found,) = own.check({"const5": "已退货"}, OPENID, None, None)
    assert (found.where, found.rule, found.code) == ("data.const5", "const", "WX524")


def test_what_a_historic_template_never_shows_may_be_long() -> None:
    own = rules("{{first.DATA}}\n订单号：{{keyword1.DATA}}\n{{remark.DATA}}")
    long = "您的订单已发货，" * 10
    (found,) = own.check({"first": long + "\n", "keyword1": long, "remark": long}, OPENID, None, None)
    assert (found.where, found.rule, found.severity) == ("data.keyword1", "historic", Severity.WARNING)
    assert [finding.where for finding in own.check({"first": "\udc00"}, OPENID, None, None)] == ["data.first"]


def test_an_empty_value_and_a_foreign_keyword_are_the_campaigns_matter() -> None:
    assert check({"thing1": "", "thing99": "一" * 50}) == []


@pytest.mark.parametrize("to", ["oia2TjuEGTNoeX76QEjQNrcURxG8", "o" + "-" * 27, "o" + "_" * 27])
def test_a_usual_openid_passes(to: str) -> None:
    assert check(to=to) == []


@pytest.mark.parametrize("to", ["oia2TjuEGTNoeX76QEjQNrcURxG", OPENID + "x", "x" * 20, "A" * 64, "1" * 28])
def test_an_unusual_openid_is_a_warning(to: str) -> None:
    (found,) = check(to=to)
    assert (found.severity, found.code) == (Severity.WARNING, "WX501")
    assert str(len(to)) in found.message


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("", "empty"),
        ("1.2E+10", "spreadsheet"),
        ("1E10", "spreadsheet"),
        ("=" + OPENID[1:], "spreadsheet"),
        ("-" + OPENID[1:], "spreadsheet"),
        ("+" + OPENID[1:], "spreadsheet"),
        ("o1", "2 characters"),
        ("A" * 65, "65 characters"),
        (OPENID[:-1] + "８", "character 28"),
        ("oia2\u200bTjuEGTNoeX76QEjQNrcURxG8", "U+200B"),
        (" " + OPENID, "U+0020"),
        (OPENID + "\n", "U+000A"),
        ("张三", "character 1"),
        ("o\ud800" + OPENID[2:], "U+D800"),
    ],
)
def test_what_can_be_no_openid_is_an_error_that_says_why(to: str, said: str) -> None:
    (found,) = check(to=to)
    assert found.severity is Severity.ERROR
    assert said in found.message
    assert found.hint


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "https://example.com:8443/a?b=c#d",
        "https://shop.example.cn/订单/1",
        "https://例子.中国/",
        "HTTPS://EXAMPLE.COM/",
    ],
)
def test_a_web_address_passes(url: str) -> None:
    assert check(url=url) == []


@pytest.mark.parametrize(
    "url",
    [
        "example.com",
        "http://",
        "https:///x",
        "ftp://example.com",
        "javascript:alert(1)",
        "weixin://dl",
        "https://[::1",
        "https://a.cn:99999/",
        "https://a.cn:0/",
        "https://a.cn/b c",
        "https://a.cn/\n",
        "https://a.cn/\u3000",
        " https://a.cn",
        "https://a.cn/\ud800",
    ],
)
def test_no_web_address_is_an_error(url: str) -> None:
    (found,) = check(url=url)
    assert (found.where, found.severity, found.code) == ("url", Severity.ERROR, "WX503")


def test_a_wrong_scheme_and_a_blank_are_both_told() -> None:
    messages = [finding.message for finding in url_findings("htp://a b")]
    assert messages == ["the link holds U+0020.", '"htp://a b" is no web address.']
    assert len(url_findings("https://a b")) == 1
    assert len(fixed_url_findings(("htp://a b/", None))) == 2


@pytest.mark.parametrize("url", ["", "https://example.com/" + "a" * 1020])
def test_an_empty_or_very_long_link_is_a_warning(url: str) -> None:
    (found,) = check(url=url)
    assert found.severity is Severity.WARNING


@pytest.mark.parametrize(
    "appid", ["", "wx0123", "WX0123456789ABCDEF", "wx0123456789abcdeg", "gh_0123456789ab"]
)
def test_another_shape_is_no_appid(appid: str) -> None:
    (found,) = check(miniprogram={"appid": appid})
    assert (found.code, found.severity) == ("WX504", Severity.ERROR)


def test_a_pagepath_has_no_blank_and_better_no_leading_slash() -> None:
    (found,) = check(miniprogram=MINI | {"pagepath": "/pages/order"})
    assert (found.code, found.severity) == ("WX505", Severity.WARNING)
    (found,) = check(miniprogram=MINI | {"pagepath": "pages/order?id=订 单"})
    assert (found.code, found.severity) == ("WX505", Severity.ERROR)
    assert check(miniprogram={"appid": MINI["appid"]}) == []


def test_the_body_is_raw_compact_utf8_with_only_what_is_given() -> None:
    own = rules("商品:{{thing1.DATA}}")
    assert own.compose(OPENID, {"thing1": "小米&手机"}, None, None) == (
        f'{{"touser":"{OPENID}","template_id":"{ID}","data":{{"thing1":{{"value":"小米&手机"}}}}}}'
    )


def test_the_body_carries_link_and_mini_program() -> None:
    body = json.loads(rules().compose(OPENID, DATA, URL, MINI))
    assert body == {
        "touser": OPENID,
        "template_id": ID,
        "url": URL,
        "miniprogram": MINI,
        "data": {name: {"value": value} for name, value in DATA.items()},
    }


@pytest.mark.parametrize(("url", "miniprogram"), [("", None), (None, {}), ("", {})])
def test_nothing_empty_is_sent(url: str | None, miniprogram: Mapping[str, str] | None) -> None:
    assert set(json.loads(rules().compose(OPENID, DATA, url, miniprogram))) == {
        "touser",
        "template_id",
        "data",
    }
    body = json.loads(rules().compose(OPENID, DATA, None, MINI | {"pagepath": ""}))
    assert body["miniprogram"] == {"appid": MINI["appid"]}


texts = st.text(alphabet=st.characters(codec="utf-8"))


@given(texts, st.dictionaries(texts, texts), texts, st.dictionaries(texts, texts))
def test_any_text_comes_back_from_the_body_unchanged(
    to: str, data: dict[str, str], url: str, miniprogram: dict[str, str]
) -> None:
    text = rules().compose(to, data, url, miniprogram)
    assert text.startswith("{")
    assert text.endswith("}}")
    body = json.loads(text.encode("utf-8"))
    assert body["touser"] == to
    assert body["data"] == {name: {"value": value} for name, value in data.items()}
    assert body.get("url", "") == url
    assert body.get("miniprogram", {}) == {name: value for name, value in miniprogram.items() if value}


@given(st.text(), st.text(), st.text(), st.text())
def test_no_message_breaks_the_check(value: str, to: str, url: str, pagepath: str) -> None:
    found = check({"thing1": value}, to=to, url=url, miniprogram={"appid": to, "pagepath": pagepath})
    assert all(finding.message and finding.hint for finding in found)


@given(st.text(), st.text(), st.text())
def test_what_passes_can_be_written_as_utf8(value: str, to: str, url: str) -> None:
    if not any(finding.severity is Severity.ERROR for finding in check({"thing1": value}, to=to, url=url)):
        assert rules().compose(to, DATA | {"thing1": value}, url, None).encode("utf-8")
