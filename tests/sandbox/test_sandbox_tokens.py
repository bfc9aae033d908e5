"""Tokens: two families, generations, overlap, force rules, and who is let in."""

import pytest
from sandbox_caller import OPENID, TOKEN, Caller

from wxpush.sandbox import Sandbox


def code_with(caller, token):
    caller.token = token
    return caller.send(OPENID)["errcode"]


def test_a_classic_call_gives_a_new_token_and_the_old_one_works_five_minutes(start, clock):
    caller = start()
    old, new = caller.classic()["access_token"], caller.classic()["access_token"]
    assert old != new
    clock.advance(299)
    assert [code_with(caller, token) for token in (old, new)] == [0, 0]
    clock.advance(1)
    assert [code_with(caller, token) for token in (old, new)] == [40001, 0]


def test_the_last_but_one_token_dies_at_once(start):
    caller = start()
    tokens = [caller.classic()["access_token"] for _ in range(3)]
    assert [code_with(caller, token) for token in tokens] == [40001, 0, 0]


def test_stable_gives_the_same_token_with_what_is_left(start, clock):
    caller = start()
    first = caller.stable()
    clock.advance(1000)
    again = caller.stable()
    assert first["expires_in"] == 7200
    assert again == {"access_token": first["access_token"], "expires_in": 6200}


def test_stable_replaces_in_the_last_five_minutes_and_both_work(start, clock):
    caller = start()
    old = caller.stable()["access_token"]
    clock.advance(6901)
    new = caller.stable()
    assert new["access_token"] != old
    assert new["expires_in"] == 7200
    assert [code_with(caller, token) for token in (old, new["access_token"])] == [0, 0]
    clock.advance(299)
    assert [code_with(caller, token) for token in (old, new["access_token"])] == [42001, 0]


def test_a_token_that_ends_naturally_is_expired_not_invalid(start, clock):
    caller = start({"tokens": {"lifetime_s": 60}})
    token = caller.classic()["access_token"]
    clock.advance(60)
    assert code_with(caller, token) == 42001


def test_the_families_do_not_touch_each_other(start):
    caller = start()
    stable, classic = caller.stable()["access_token"], caller.classic()["access_token"]
    caller.classic()
    caller.classic()
    caller.stable(force_refresh=True)
    assert code_with(caller, classic) == 40001
    assert caller.classic()["access_token"] != classic
    assert code_with(caller, stable) == 40001  # by its own family's forced refresh


def test_a_forced_refresh_kills_the_former_token(start, clock):
    caller = start()
    old = caller.stable()["access_token"]
    clock.advance(31)
    new = caller.stable(force_refresh=True)["access_token"]
    assert [code_with(caller, token) for token in (old, new)] == [40001, 0]


def test_a_forced_refresh_can_leave_an_overlap(start, clock):
    caller = start({"tokens": {"force_overlap_s": 300}})
    old = caller.stable()["access_token"]
    caller.stable(force_refresh=True)
    assert code_with(caller, old) == 0
    clock.advance(300)
    assert code_with(caller, old) == 40001


def test_forced_refreshes_stand_thirty_seconds_apart(start, clock):
    caller = start()
    first = caller.stable(force_refresh=True)
    clock.advance(29)
    assert caller.stable(force_refresh=True)["access_token"] == first["access_token"]
    clock.advance(1)
    assert caller.stable(force_refresh=True)["access_token"] != first["access_token"]


def test_there_are_twenty_forced_refreshes_a_day(start, clock):
    caller = start()
    for _ in range(20):
        assert "access_token" in caller.stable(force_refresh=True)
        clock.advance(30)
    assert caller.stable(force_refresh=True)["errcode"] == 45009
    clock.advance(86_400)
    assert "access_token" in caller.stable(force_refresh=True)


@pytest.mark.parametrize("kind", ["classic", "stable"])
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"grant_type": "password"}, 40002),
        ({"appid": ""}, 41002),
        ({"appid": "wx0000000000000002"}, 40013),
        ({"secret": ""}, 41004),
        ({"secret": "short"}, 40125),
        ({"secret": "f" * 32}, 40001),
    ],
)
def test_wrong_credentials_have_their_codes(start, kind, changes, code):
    caller = start()
    answer = getattr(caller, kind)(**changes)
    assert answer["errcode"] == code
    assert "access_token" not in answer


@pytest.mark.parametrize("code", [40243, 50004, 89503])
def test_the_token_call_can_be_refused_as_a_whole(start, code):
    caller = start({"account": {"token_refused": code}})
    assert caller.stable()["errcode"] == code
    assert caller.classic()["errcode"] == code


@pytest.mark.parametrize(("token", "code"), [("", 41001), ("junk", 40014), ("92_" + "A" * 132, 40001)])
def test_strange_tokens_have_their_codes(start, token, code):
    assert code_with(start(), token) == code


def test_the_allow_list_can_be_asked_on_the_token_call_alone(start):
    caller = start({"allow_list": {"calls": "token", "addresses": ["203.0.113.5"], "seen_as": "203.0.113.7"}})
    answer = caller.stable()
    assert answer["errcode"] == 40164
    assert answer["errmsg"].startswith(
        "invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist rid: "
    )
    caller.sandbox.allow_address("203.0.113.7")
    assert caller.send()["errcode"] == 0


def test_the_allow_list_can_be_asked_on_every_call(start):
    for calls, code in (("token", 0), ("every", 40164)):
        caller = start(
            {"allow_list": {"calls": calls, "addresses": ["203.0.113.5"], "seen_as": "203.0.113.5"}}
        )
        caller.authorised("")
        caller.sandbox.deny_address("203.0.113.5")
        assert caller.send()["errcode"] == code


def test_another_system_replaces_the_token(start, clock):
    caller = start()
    old = caller.stable()["access_token"]
    caller.sandbox.replace_token()
    assert code_with(caller, old) == 40001
    assert code_with(caller, caller.stable()["access_token"]) == 0
    middle = caller.token
    caller.sandbox.replace_token(overlap=10)
    assert code_with(caller, middle) == 0
    clock.advance(10)
    assert code_with(caller, middle) == 40001


def test_the_classic_token_call_has_a_daily_quota_and_names_the_other(start):
    caller = start({"quota": {"tokens_daily": 2}})
    caller.classic()
    caller.classic()
    answer = caller.classic()
    assert answer["errcode"] == 45009
    assert "getStableAccessToken" in answer["errmsg"]


def test_the_stable_call_must_be_posted(start):
    caller = start()
    assert caller.json("GET", "/cgi-bin/stable_token")["errcode"] == 43002
    assert caller.json("POST", "/cgi-bin/stable_token", b"")["errcode"] == 44002
    assert caller.json("POST", TOKEN, {})["errcode"] == 43001


def test_a_token_of_an_earlier_sandbox_is_refused(start, calm):
    token = start().stable()["access_token"]
    with Sandbox(calm) as other:
        caller = Caller(other)
        assert code_with(caller, token) == 40001
        caller.close()
