"""The lists of followers and of tags: pages of 10,000, what the last one looks like, who is on them."""

import pytest
from sandbox_caller import openid

FOLLOWERS = "/cgi-bin/user/get"
TAGS = "/cgi-bin/tags/get"
TAGGED = "/cgi-bin/user/tag/get"


def followers(caller, after=""):
    return (
        caller.get(FOLLOWERS)
        if not after
        else caller.json("GET", f"{caller.authorised(FOLLOWERS)}&next_openid={after}")
    )


@pytest.mark.parametrize("last_page", ["empty", "set"])
def test_followers_come_in_pages_of_ten_thousand(start, last_page):
    caller = start({"followers": {"listed": 20_003, "last_page": last_page}})
    first = followers(caller)
    assert (first["total"], first["count"], len(first["data"]["openid"])) == (20_003, 10_000, 10_000)
    assert first["next_openid"] == first["data"]["openid"][-1]
    second = followers(caller, first["next_openid"])
    last = followers(caller, second["next_openid"])
    assert last["count"] == 3
    assert last["next_openid"] == ("" if last_page == "empty" else last["data"]["openid"][-1])
    everybody = [one for page in (first, second, last) for one in page["data"]["openid"]]
    assert len(set(everybody)) == 20_003
    exhausted = followers(caller, last["data"]["openid"][-1])
    assert exhausted == {"total": 20_003, "count": 0, "next_openid": ""}


def test_a_full_last_page_is_the_last(start):
    caller = start({"followers": {"listed": 10_000}})
    assert followers(caller)["next_openid"] == ""
    caller = start({"followers": {"listed": 10_000, "last_page": "set"}})
    assert "data" not in followers(caller, followers(caller)["next_openid"])


def test_who_is_named_is_listed_after_the_others_and_who_left_is_not(start):
    states = {openid(1): "following", openid(2): "unfollowed", openid(3): "refused"}
    caller = start({"followers": {"listed": 2, "states": states}})
    page = followers(caller)
    assert page["total"] == 4
    assert page["data"]["openid"][2:] == [openid(1), openid(3)]
    caller.sandbox.unfollow(page["data"]["openid"][0])
    caller.sandbox.follow(openid(2))
    assert followers(caller)["data"]["openid"] == [page["data"]["openid"][1], *map(openid, (1, 2, 3))]
    assert followers(caller)["total"] == 4
    assert followers(caller, "x")["errcode"] == 40003


def test_a_share_of_the_made_up_people_does_not_follow(start):
    caller = start({"followers": {"listed": 1_000, "shares": {"unfollowed": "10%"}}})
    page = followers(caller)
    assert page["total"] == page["count"] == len(page["data"]["openid"])
    assert 850 < page["total"] < 950


def test_tags_have_members_and_a_share_of_the_made_up_people(start):
    tags = [
        {"id": 2, "name": "星标组", "members": [openid(1), openid(2)]},
        {"id": 134, "name": "会员", "share": "20%"},
    ]
    caller = start({"followers": {"listed": 1_000, "states": {openid(2): "unfollowed"}}, "tags": tags})
    found = caller.get(TAGS)["tags"]
    assert [(tag["id"], tag["name"]) for tag in found] == [(2, "星标组"), (134, "会员")]
    assert found[0]["count"] == 1
    assert 150 < found[1]["count"] < 250
    page = caller.post(TAGGED, {"tagid": 2, "next_openid": ""})
    assert page == {"count": 1, "data": {"openid": [openid(1)]}, "next_openid": ""}
    assert caller.post(TAGGED, {"tagid": 2, "next_openid": openid(1)}) == {"count": 0, "next_openid": ""}
    members = caller.post(TAGGED, {"tagid": 134})["data"]["openid"]
    assert len(members) == found[1]["count"]
    assert caller.post(TAGGED, {"tagid": 7})["errcode"] == 45159
    assert caller.get(TAGGED)["errcode"] == 43002
    people = caller.post(
        "/cgi-bin/user/info/batchget", {"user_list": [{"openid": members[0]}, {"openid": openid(1)}]}
    )
    assert [person["tagid_list"] for person in people["user_info_list"]] == [[134], [2]]


def test_the_list_of_followers_has_a_quota_of_its_own(start):
    caller = start({"followers": {"listed": 1}, "quota": {"lists_daily": 2}})
    assert [followers(caller).get("errcode", 0) for _ in range(3)] == [0, 0, 45009]
    assert caller.get(TAGS) == {"tags": []}
