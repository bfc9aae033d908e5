"""Each fault as a caller sees it over real HTTP, whether the message was shown, and the seed's sequence."""

import gzip
import http.client
import json
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox_caller import OPENID, SEND, Caller, openid

from wxpush.sandbox import EndpointFaults, Fault, Faults, Sandbox, Scenario, Span
from wxpush.sandbox.faults import KINDS, Dice


def under(start, kind, timeout=5.0, **particulars):
    return start({"faults": {"send": {kind: particulars}}}, timeout=timeout)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("system_error", -1),
        ("minute_limit", 45011),
        ("daily_limit", 45009),
        ("token_refused", 40001),
        ("too_frequent", 43117),
        ("duplicate", 40241),
        ("wrong_template", 40037),
    ],
)
@pytest.mark.parametrize("accepted", [False, True])
def test_a_business_error_can_be_made_up_and_the_message_accepted_or_not(start, kind, code, accepted):
    caller = under(start, kind, accepted=accepted)
    assert caller.send()["errcode"] == code
    assert len(caller.sandbox.shown()) == accepted


def test_business_errors_are_not_accepted_as_a_rule(start):
    caller = under(start, "system_error")
    caller.send()
    assert caller.sandbox.shown() == []


def test_the_minute_limit_separates_its_rid_by_a_comma(start):
    assert "next minute, rid: " in under(start, "minute_limit").send()["errmsg"]


@pytest.mark.parametrize(
    ("kind", "status"), [("bad_gateway", 502), ("unavailable", 503), ("too_many", 429), ("redirect", 302)]
)
def test_http_failures_have_their_status_and_accept_nothing(start, kind, status):
    caller = under(start, kind)
    assert caller.send_raw()[0] == status
    assert caller.sandbox.shown() == []


def test_a_bad_gateway_answers_in_html(start):
    _status, headers, body = under(start, "bad_gateway").send_raw()
    assert headers["Content-Type"] == "text/html"
    assert b"<html>" in body


@pytest.mark.parametrize("asked", ["0", "5", "1e9", "-1", "NaN", "Wed, 21 Oct 2026 07:28:00 GMT", "soon"])
@pytest.mark.parametrize("kind", ["too_many", "unavailable"])
def test_retry_after_is_sent_as_it_stands(start, kind, asked):
    assert under(start, kind, retry_after=asked).send_raw()[1]["Retry-After"] == asked


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_points_where_it_is_told(start, status):
    answer = under(start, "redirect", status=status, location="http://127.0.0.1:1/elsewhere").send_raw()
    assert (answer[0], answer[1]["Location"]) == (status, "http://127.0.0.1:1/elsewhere")


@pytest.mark.parametrize(("kind", "shown"), [("cut_before", 0), ("cut_after", 1)])
def test_a_connection_is_cut_before_or_after_acceptance(start, kind, shown):
    caller = under(start, kind)
    with pytest.raises(ConnectionError):
        caller.send_raw()
    assert len(caller.sandbox.shown()) == shown


@pytest.mark.parametrize(("kind", "shown"), [("silence_before", 0), ("silence_after", 1)])
def test_silence_before_or_after_acceptance(start, kind, shown):
    caller = under(start, kind, timeout=0.2)
    caller.token = caller.stable()["access_token"]
    with pytest.raises(TimeoutError):
        caller.send_raw()
    assert len(caller.sandbox.shown()) == shown


def test_broken_json_comes_as_a_whole_answer_and_is_accepted(start):
    caller = under(start, "broken_json")
    status, _headers, body = caller.send_raw()
    assert status == 200
    with pytest.raises(ValueError, match=r"Unterminated|Expecting|delimiter"):
        json.loads(body)
    assert len(caller.sandbox.shown()) == 1


def test_a_truncated_answer_ends_within_its_body(start):
    caller = under(start, "truncated")
    with pytest.raises(http.client.IncompleteRead):
        caller.send_raw()
    assert len(caller.sandbox.shown()) == 1


def test_a_dripping_answer_arrives_byte_by_byte(start):
    caller = under(start, "drip", seconds=0.001)
    began = time.monotonic()
    assert caller.send()["errcode"] == 0
    assert time.monotonic() - began > 0.15  # some 250 bytes


def test_a_huge_body_is_as_long_as_it_says(start):
    body = under(start, "huge_body", size=3_000_001).send_raw()[2]
    assert len(body) == 3_000_001


def test_a_gzip_bomb_unpacks_to_its_size(start):
    _status, headers, body = under(start, "gzip_bomb", size=8 * 1024 * 1024).send_raw()
    assert headers["Content-Encoding"] == "gzip"
    assert len(body) < 100_000
    assert len(gzip.decompress(body)) == 8 * 1024 * 1024


def test_a_late_call_is_accepted_although_the_caller_has_gone(start):
    caller = under(start, "late", timeout=0.1, seconds=0.3)
    caller.token = caller.stable()["access_token"]
    decided = threading.Event()
    caller.sandbox.on_send(lambda _call: decided.set(), "decided")
    with pytest.raises(TimeoutError):
        caller.send_raw()
    assert caller.sandbox.shown() == []
    assert decided.wait(5)
    assert len(caller.sandbox.shown()) == 1


def test_latency_holds_the_answer_back_and_not_the_acceptance(start):
    caller = start({"faults": {"send": {"latency_ms": "80-90"}}})
    decided = threading.Event()
    caller.sandbox.on_send(lambda _call: decided.set(), "decided")
    caller.token = caller.stable()["access_token"]
    began = time.monotonic()
    caller.send()
    assert time.monotonic() - began >= 0.079
    assert decided.is_set()


def test_hundreds_of_slow_calls_wait_side_by_side(start):
    caller = start({"faults": {"send": {"latency_ms": 300}}})
    token = caller.stable()["access_token"]
    answers = []

    def one(number):
        own = Caller(caller.sandbox, timeout=20)
        own.token = token
        answers.append(own.send(openid(number))["errcode"])
        own.close()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(200)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [0] * 200
    assert time.monotonic() - began < 10  # one after another it would be a minute


def test_another_system_takes_the_token_at_every_third_send(start):
    caller = under(start, "token_replaced", every=3)
    codes = []
    for number in range(9):
        code = caller.send(openid(number))["errcode"]
        codes.append(code)
        if code == 40001:
            caller.token = caller.stable()["access_token"]
    assert codes == [0, 0, 40001] * 3


def test_a_fault_meets_every_nth_call_after_some_and_so_many_times(start):
    caller = under(start, "system_error", every=2, after=3, times=2)
    codes = [caller.send(openid(number))["errcode"] for number in range(10)]
    assert codes == [0, 0, 0, 0, -1, 0, -1, 0, 0, 0]


def test_the_same_seed_meets_the_same_calls(start):
    faults = {"send": {"system_error": {"chance": "30%"}, "too_frequent": {"chance": 0.1}}}
    callers = [start({"seed": seed, "faults": faults}) for seed in (5, 5, 6)]
    first, same, other = ([c.send(openid(n))["errcode"] for n in range(100)] for c in callers)
    assert first == same
    assert first != other
    assert {0, -1, 43117} == set(first)


def test_faults_can_be_set_anew_while_it_runs(start):
    caller = start()
    caller.sandbox.set_faults(Faults(send=EndpointFaults(system_error=Fault(times=1))))
    assert [caller.send()["errcode"] for _ in range(2)] == [-1, 0]
    caller.sandbox.set_faults({})
    assert caller.send()["errcode"] == 0


def test_the_token_call_has_faults_of_its_own(start):
    caller = start(
        {"faults": {"token": {"system_error": {"times": 1}, "bad_gateway": {"after": 1, "times": 1}}}}
    )
    assert caller.stable()["errcode"] == -1
    with pytest.raises(AssertionError):
        caller.stable()
    assert "access_token" in caller.stable()


def test_calls_tell_what_met_them(start, clock):
    caller = start({"faults": {"send": {"cut_after": {"every": 2}}}})
    caller.send(client_msg_id="M1")
    with pytest.raises(ConnectionError):
        caller.send_raw(client_msg_id="M2")
    first, second = caller.sandbox.calls(SEND)
    assert (first.openid, first.client_msg_id, first.code, first.fault) == (OPENID, "M1", 0, "")
    assert (second.client_msg_id, second.code, second.fault) == ("M2", None, "cut_after")
    assert (first.token, first.time) == (caller.token, clock())


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_fault_can_be_written_in_a_scenario(start, kind):
    caller = under(start, kind, after=1)
    assert caller.send()["errcode"] == 0


def test_wrong_particulars_are_refused():
    for wrong, said in (
        ({"chance": 1.1}, "share"),
        ({"chance": 0.5, "every": 2}, "exclude"),
        ({"status": 200}, "redirect"),
        ({"every": -1}, "negative"),
    ):
        with pytest.raises(ValueError, match=said):
            Fault(**wrong)
    with pytest.raises(ValueError, match="range"):
        Span(2, 1)


@given(st.integers(0, 50), st.floats(0, 1), st.floats(0, 1))
def test_one_fault_more_does_not_move_another(seed, one, two):
    alone = Dice(EndpointFaults(system_error=Fault(chance=one)), f"{seed}")
    both = Dice(EndpointFaults(system_error=Fault(chance=one), late=Fault(chance=two)), f"{seed}")
    for _ in range(50):
        first, second = alone.throw(), both.throw()
        assert (first.kind == "system_error") == (second.kind == "system_error")


def test_the_hook_sees_a_send_before_it_is_looked_at(start):
    caller = start()
    seen = []
    caller.sandbox.on_send(lambda call: seen.append((call.openid, call.code, len(caller.sandbox.shown()))))
    caller.sandbox.on_send(
        lambda call: seen.append((call.openid, call.code, len(caller.sandbox.shown()))), "decided"
    )
    caller.send()
    assert seen == [(OPENID, None, 0), (OPENID, 0, 1)]


def test_a_hook_may_disturb_the_sandbox(start):
    caller = start()
    caller.sandbox.on_send(lambda call: caller.sandbox.unfollow(call.openid))
    assert caller.send()["errcode"] == 43004


def test_a_broken_hook_is_logged_and_cuts_the_call(start, caplog):
    caller = start()
    caller.sandbox.on_send(lambda _call: 1 / 0)
    with pytest.raises(ConnectionError):
        caller.send_raw()
    assert "ZeroDivisionError" in caplog.text


def test_the_demo_scenario_has_leavers_busy_answers_and_one_lost_token_in_five_hundred():
    with Sandbox(Scenario.named("demo")) as sandbox:
        sandbox.set_faults(Faults(send=EndpointFaults(**_without_latency(sandbox.scenario.faults.send))))
        caller = Caller(sandbox)
        codes = []
        for number in range(500):
            code = caller.send(openid(number))["errcode"]
            codes.append(code)
            if code == 40001:
                caller.token = caller.stable()["access_token"]
        caller.close()
    assert codes.count(40001) == 1
    assert 2 <= codes.count(43004) <= 20
    assert 2 <= codes.count(-1) <= 20
    assert codes.count(0) + codes.count(43004) + codes.count(-1) == 499


def _without_latency(faults):
    return {kind: getattr(faults, kind) for kind in (*KINDS, "token_replaced")}
