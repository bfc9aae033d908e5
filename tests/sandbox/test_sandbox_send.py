"""How a send is judged: token, form, person, template, values; each answer as WeChat's."""

import json
import re

import pytest
from sandbox_caller import DATA, OPENID, SEND, TEMPLATE, TEMPLATE_ID, Caller, message, openid

from wxpush.sandbox import FollowerState, Sandbox, Scenario
from wxpush.sandbox.scenario import ORDER

REJECTED = "/wxa/sec/queryblocktmplmsg"
RID = re.compile(r" rid: ([0-9a-f]{8})-[0-9a-f]{8}-[0-9a-f]{8}$")


def test_a_good_message_is_accepted_with_a_19_digit_msgid_and_shown(start, clock):
    caller = start()
    answer = caller.send(client_msg_id="M1", url="https://example.com/orders/1")
    assert answer["errcode"] == 0
    assert answer["errmsg"] == "ok"
    assert len(str(answer["msgid"])) == 19
    (shown,) = caller.sandbox.shown()
    assert (shown.openid, shown.msgid, shown.client_msg_id) == (OPENID, answer["msgid"], "M1")
    assert (shown.template_id, shown.data, shown.time) == (TEMPLATE_ID, DATA, clock())
    assert shown.url == "https://example.com/orders/1"


def test_msgids_rise(start):
    caller = start()
    ids = [caller.send(openid(number))["msgid"] for number in range(20)]
    assert ids == sorted(set(ids))


def test_a_refusal_is_http_200_with_the_time_in_its_rid(start, clock):
    caller = start()
    status, headers, body = caller.raw("POST", caller.authorised(SEND), b"{}")
    answer = json.loads(body)
    assert status == 200
    assert headers["Content-Type"] == "application/json; encoding=utf-8"
    assert answer["errcode"] == 47001
    assert int(RID.search(answer["errmsg"])[1], 16) == int(clock())


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", 44002),
        (b"{", 47001),
        (b"[]", 47001),
        (b"touser=o1", 47001),
        ('{"touser":"王"}'.encode("gbk"), 47001),
        (b"[" * 100_000, 47001),
        (message() | {"data": "{}"}, 47001),
        (message() | {"data": {"thing1": "龙井"}}, 47001),
        (message() | {"data": {"thing1": {"value": ["龙井"]}}}, 47001),
        (message("oShort"), 40003),
        (message() | {"touser": None}, 40003),
        (message(template_id="A" * 43), 40037),
        (message() | {"miniprogram": "wx0123456789abcdef"}, 47001),
        (message() | {"miniprogram": {"appid": "shop", "pagepath": "pages/index"}}, 40013),
    ],
)
def test_a_malformed_message_is_refused(start, body, code):
    caller = start()
    assert caller.post(SEND, body)["errcode"] == code
    assert caller.sandbox.shown() == []


@pytest.mark.parametrize(
    ("keyword", "value", "text"),
    [
        ("thing1", "", "argument invalid! data.thing1.value is empty"),
        ("thing1", None, "argument invalid! data.thing1.value is empty"),
        ("thing1", "字" * 21, "argument invalid! data.thing1.value invalid"),
        ("amount4", "268块", "argument invalid! data.amount4.value invalid"),
    ],
)
def test_a_bad_value_is_named(start, keyword, value, text):
    answer = start().send(data={**DATA, keyword: value})
    assert answer["errcode"] == 47003
    assert answer["errmsg"].startswith(f"{text} rid: ")


def test_the_first_of_several_bad_values_is_named(start):
    answer = start().send(data={"amount4": "x", "character_string2": "订单"})
    assert "data.thing1.value is empty" in answer["errmsg"]


def test_a_key_with_the_data_suffix_leaves_its_keyword_empty(start):
    data = {key: value for key, value in DATA.items() if key != "thing1"} | {"thing1.DATA": "龙井"}
    assert "data.thing1.value is empty" in start().send(data=data)["errmsg"]


def test_an_old_template_never_fails_and_is_folded_and_stripped(start):
    old = {**TEMPLATE, "content": "{{first.DATA}}\n单号:{{keyword1.DATA}}\n{{remark.DATA}}"}
    caller = start({"templates": [old]})
    data = {"first": "您好", "keyword1": "单号🎉" + "1" * 30 + "\n第二行", "remark": "谢谢"}
    assert caller.send(data=data)["errcode"] == 0
    assert caller.sandbox.shown()[0].data == {"keyword1": "单号" + "1" * 18 + "…"}


def test_an_old_template_takes_empty_values(start):
    caller = start({"templates": [{**TEMPLATE, "content": "{{first.DATA}}{{keyword1.DATA}}"}]})
    assert caller.send(data={"keyword1": ""})["errcode"] == 0


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("following", 0),
        ("never_followed", 43004),
        ("unfollowed", 43004),
        ("blacklisted", 43019),
        ("refused", 43101),
        ("foreign", 40003),
        ("too_frequent", 43117),
    ],
)
def test_each_state_of_a_person_has_its_answer(start, state, code):
    assert start({"followers": {"states": {OPENID: state}}}).send()["errcode"] == code


def test_people_can_leave_and_come_back(start):
    caller = start()
    caller.sandbox.unfollow(OPENID)
    assert caller.send()["errcode"] == 43004
    caller.sandbox.follow(OPENID)
    assert caller.send()["errcode"] == 0
    caller.sandbox.set_state(OPENID, FollowerState.BLACKLISTED)
    assert caller.send()["errcode"] == 43019
    with pytest.raises(ValueError, match="asleep"):
        caller.sandbox.set_state(OPENID, "asleep")


def test_a_share_of_people_is_the_same_people_each_time(start):
    callers = [start({"seed": 7, "followers": {"shares": {"unfollowed": "20%"}}}) for _ in range(2)]
    first, second = ([caller.send(openid(n))["errcode"] for n in range(300)] for caller in callers)
    assert first == second
    assert 30 < first.count(43004) < 90


def test_a_person_gets_no_more_than_his_number_of_messages(start, clock):
    caller = start({"followers": {"per_person": 2, "per_person_s": 60}})
    assert [caller.send()["errcode"] for _ in range(3)] == [0, 0, 43117]
    assert caller.send(openid(1))["errcode"] == 0
    clock.advance(60)
    assert caller.send()["errcode"] == 0


@pytest.mark.parametrize("code", [43116, 48011, 40249])
def test_a_template_can_be_banned(start, code):
    assert start({"templates": [{**TEMPLATE, "refused": code}]}).send()["errcode"] == code


@pytest.mark.parametrize("code", [48001, 48004, 50002])
def test_an_account_can_be_punished(start, code):
    caller = start({"account": {"refused": code}})
    assert caller.send()["errcode"] == code
    assert caller.get("/cgi-bin/template/get_all_private_template")["errcode"] == code


def test_mini_programs_must_be_linked_and_have_the_page(start):
    caller = start({"miniprograms": {"wx0123456789abcdef": ["pages/order"]}})

    def code(appid, page):
        return caller.send(miniprogram={"appid": appid, "pagepath": page})["errcode"]

    assert code("wx0123456789abcdef", "pages/order?id=1") == 0
    assert code("wx0123456789abcdef", "pages/other") == 40165
    assert code("wxfedcba9876543210", "pages/order") == 40013


def test_the_order_of_the_checks_can_be_changed(start):
    order = [*(step for step in ORDER if step != "quota"), "quota"]
    parts = {"quota": {"daily": 0}, "followers": {"states": {OPENID: "unfollowed"}}}
    assert start(parts).send()["errcode"] == 45009
    assert start({**parts, "order": order}).send()["errcode"] == 43004


def test_any_template_takes_every_id_of_the_right_length_and_no_keyword_rules(calm):
    with Sandbox(calm) as sandbox:
        caller = Caller(sandbox)
        assert caller.send(template_id="z" * 43, data={"thing1": "字" * 100})["errcode"] == 0
        assert caller.send(template_id="z" * 42)["errcode"] == 40037
        caller.close()


def test_templates_can_be_added_from_python():
    scenario = Scenario().with_templates([TEMPLATE])
    assert scenario.templates[0].keywords == ("thing1", "character_string2", "amount4")


def test_a_reviewed_message_is_held_and_shown_later_without_another_call(start, clock):
    caller = start({"review": {"words": ["抽奖"], "after_s": 600}})
    answer = caller.send(data={**DATA, "thing1": "抽奖活动"})
    assert answer["errcode"] == 40252
    assert "msgid" not in answer
    clock.advance(599)
    assert caller.sandbox.shown() == []
    clock.advance(1)
    (shown,) = caller.sandbox.shown()
    assert shown.reviewed


def test_a_message_that_fails_its_review_is_never_shown(start, clock):
    caller = start({"review": {"chance": "100%", "passes": 0, "after_s": 1}})
    assert caller.send()["errcode"] == 40252
    clock.advance(3600)
    assert caller.sandbox.shown() == []


def test_the_messages_that_failed_their_review_are_listed_when_it_is_over(start, clock):
    caller = start({"review": {"chance": "100%", "passes": 0, "after_s": 600}})
    wanted = {"tmpl_msg_id": TEMPLATE["template_id"], "largest_id": 0, "limit": 2}
    for number in range(3):
        assert caller.send(openid(number + 1))["errcode"] == 40252
    sent = int(clock())
    assert caller.post(REJECTED, wanted)["msginfo"] == []
    clock.advance(601)
    caller.token = None
    first = caller.post(REJECTED, wanted)["msginfo"]
    assert [(one["openid"], one["send_timestamp"]) for one in first] == [(openid(1), sent), (openid(2), sent)]
    second = caller.post(REJECTED, {**wanted, "largest_id": first[-1]["id"]})["msginfo"]
    assert [one["openid"] for one in second] == [openid(3)]
    assert caller.post(REJECTED, {**wanted, "tmpl_msg_id": "another"})["msginfo"] == []
    assert caller.post(REJECTED, {**wanted, "limit": 101})["errcode"] == 47001


def test_a_blocked_word_is_refused(start):
    caller = start({"review": {"blocked_words": ["返现"]}})
    assert caller.send(data={**DATA, "thing1": "好评返现"})["errcode"] == 40249


def test_a_get_is_told_to_post(start):
    caller = start()
    assert caller.get(SEND)["errcode"] == 43002
    assert caller.post("/cgi-bin/template/get_all_private_template", {})["errcode"] == 43001


def test_an_unknown_path_is_an_invalid_url(start):
    caller = start()
    assert caller.get("/cgi-bin/menu/get")["errcode"] == 40066
    assert caller.sandbox.requests_by_path["other"] == 1
