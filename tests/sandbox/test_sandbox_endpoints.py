"""The endpoints beside sending: templates, people, quota and its reset, request ids."""

import pytest
from sandbox_caller import SEND, TEMPLATE, openid

TEMPLATES = "/cgi-bin/template/get_all_private_template"
USERS = "/cgi-bin/user/info/batchget"
QUOTA = "/cgi-bin/openapi/quota/get"
CLEAR = "/cgi-bin/clear_quota"
RID = "/cgi-bin/openapi/rid/get"
REJECTED = "/wxa/sec/queryblocktmplmsg"


def rid_of(answer):
    return answer["errmsg"].rpartition("rid: ")[2]


@pytest.mark.parametrize(
    ("method", "path"),
    [("get", TEMPLATES)] + [("post", path) for path in (USERS, QUOTA, CLEAR, RID, REJECTED)],
)
def test_every_business_call_wants_a_good_token(start, method, path):
    caller = start()
    caller.token = "92_" + "x" * 132
    answer = caller.get(path) if method == "get" else caller.post(path, {})
    assert answer["errcode"] == 40001


@pytest.mark.parametrize("path", [USERS, QUOTA, CLEAR, RID, REJECTED])
@pytest.mark.parametrize(("body", "code"), [(b"", 44002), (b"[1]", 47001)])
def test_every_posted_call_wants_a_json_object(start, path, body, code):
    assert start().post(path, body)["errcode"] == code


def test_the_templates_are_listed_as_wechat_lists_them(start):
    answer = start().get(TEMPLATES)
    assert "errcode" not in answer
    (listed,) = answer["template_list"]
    assert {key: listed[key] for key in TEMPLATE} == TEMPLATE
    assert set(listed) - set(TEMPLATE) == {"primary_industry", "deputy_industry", "example"}


def test_people_are_looked_up_in_batches(start):
    caller = start({"followers": {"states": {openid(1): "unfollowed", openid(2): "refused"}}})
    answer = caller.post(USERS, {"user_list": [{"openid": openid(n), "lang": "zh_CN"} for n in range(3)]})
    assert [person["subscribe"] for person in answer["user_info_list"]] == [1, 0, 1]
    assert [person["openid"] for person in answer["user_info_list"]] == [openid(n) for n in range(3)]


@pytest.mark.parametrize(
    ("people", "code"),
    [
        ([{"openid": openid(n)} for n in range(101)], 40032),
        ([], 40032),
        ([{"openid": "nobody"}], 40003),
        (["o" * 28], 47001),
        (None, 47001),
    ],
)
def test_a_wrong_batch_is_refused(start, people, code):
    assert start().post(USERS, {"user_list": people})["errcode"] == code


def test_a_hundred_people_are_a_full_batch(start):
    answer = start().post(USERS, {"user_list": [{"openid": openid(n)} for n in range(100)]})
    assert len(answer["user_info_list"]) == 100


def quota_of(caller, path=SEND):
    return caller.post(QUOTA, {"cgi_path": path})


def test_the_quota_counts_accepted_and_refused_sends(start):
    caller = start()
    caller.send()
    caller.send("nobody")
    assert quota_of(caller)["quota"] == {"daily_limit": 100_000, "used": 2, "remain": 99_998}
    assert "rate_limit" not in quota_of(caller)


def test_the_day_ends_at_midnight_in_beijing(start, clock):
    caller = start({"quota": {"daily": 2}})
    midnight = 86_400 - (clock() + 8 * 3600) % 86_400
    assert [caller.send(openid(n))["errcode"] for n in range(3)] == [0, 0, 45009]
    clock.advance(midnight - 1)
    caller.token = None
    assert caller.send()["errcode"] == 45009
    clock.advance(1)
    assert caller.send()["errcode"] == 0
    assert quota_of(caller)["quota"]["used"] == 1


def test_a_sliding_minute_lets_so_many_through(start, clock):
    caller = start({"quota": {"minute": 2}})
    codes = []
    for wait in (0, 30, 1, 28, 1, 1):
        clock.advance(wait)
        codes.append(caller.send()["errcode"])
    assert codes == [0, 0, 45011, 45011, 0, 45011]
    assert quota_of(caller)["rate_limit"] == {"call_count": 2, "refresh_second": 60}


def test_a_fixed_minute_starts_at_the_full_minute(start, clock):
    caller = start({"quota": {"minute": 1, "minute_window": "fixed"}})
    clock.advance(59 - clock() % 60)
    assert caller.send()["errcode"] == 0
    assert caller.send()["errcode"] == 45011
    clock.advance(1)
    assert caller.send()["errcode"] == 0


def test_a_call_refused_for_the_minute_does_not_cost_the_day(start):
    caller = start({"quota": {"minute": 1}})
    caller.send()
    caller.send()
    assert quota_of(caller)["quota"]["used"] == 1


def test_the_quota_can_be_changed_while_it_runs(start):
    caller = start()
    caller.sandbox.set_quota(daily=10, used=9)
    assert [caller.send(openid(n))["errcode"] for n in range(2)] == [0, 45009]
    caller.sandbox.set_quota(daily=20, minute=1)
    assert [caller.send(openid(n))["errcode"] for n in range(2)] == [0, 45011]


def test_a_spent_quota_is_of_one_path_only(start):
    caller = start({"quota": {"daily": 0}})
    assert caller.send()["errcode"] == 45009
    assert "template_list" in caller.get(TEMPLATES)


@pytest.mark.parametrize(
    ("path", "code"), [("message/send", 76021), ("/cgi-bin/nothing", 76021), ("/sns/jscode2session", 76022)]
)
def test_the_quota_of_an_unknown_path_is_refused(start, path, code):
    assert quota_of(start(), path)["errcode"] == code


def test_the_quota_can_be_cleared_ten_times_a_month(start, clock):
    caller = start({"quota": {"daily": 1}})
    appid = caller.sandbox.appid
    for _ in range(10):
        assert caller.send()["errcode"] == 0
        assert caller.send()["errcode"] == 45009
        assert caller.post(CLEAR, {"appid": appid})["errcode"] == 0
    assert caller.post(CLEAR, {"appid": appid})["errcode"] == 48006
    clock.advance(32 * 86_400)
    caller.token = None
    assert caller.post(CLEAR, {"appid": appid})["errcode"] == 0


def test_only_the_own_quota_can_be_cleared(start):
    assert start().post(CLEAR, {"appid": "wx0000000000000002"})["errcode"] == 40013


def test_a_rid_finds_its_request(start, clock):
    caller = start()
    refused = caller.send("nobody")
    request = caller.post(RID, {"rid": rid_of(refused)})["request"]
    assert request["invoke_time"] == int(clock())
    assert '"touser": "nobody"' in request["request_body"]
    assert str(refused["errcode"]) in request["response_body"]
    assert caller.token not in request["request_url"]


def test_the_secret_is_in_no_rid(start):
    caller = start()
    answer = caller.stable(grant_type="password")
    assert caller.sandbox.secret not in str(caller.post(RID, {"rid": rid_of(answer)}))
    answer = caller.classic(grant_type="password")
    assert caller.sandbox.secret not in str(caller.post(RID, {"rid": rid_of(answer)}))


def test_a_rid_ends_after_seven_days_and_others_are_unknown_or_malformed(start, clock):
    caller = start()
    rid = rid_of(caller.send("nobody"))
    assert caller.post(RID, {"rid": rid[:-1] + ("0" if rid[-1] != "0" else "1")})["errcode"] == 76001
    assert caller.post(RID, {"rid": "rid"})["errcode"] == 76002
    clock.advance(7 * 86_400 + 1)
    caller.token = None
    assert caller.post(RID, {"rid": rid})["errcode"] == 76004
