"""The same openid and client_msg_id again: one message is shown, and every answer that WeChat may give."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox_caller import OPENID, openid

from wxpush.sandbox.expiring import Expiring


def test_a_repeated_id_is_answered_with_the_first_msgid(start):
    caller = start()
    first, second = caller.send(client_msg_id="M1"), caller.send(client_msg_id="M1")
    assert second == first
    assert len(caller.sandbox.shown()) == 1


def test_a_repeated_id_can_be_answered_40241(start):
    caller = start({"dedupe": {"answer": "40241"}})
    assert [caller.send(client_msg_id="M1")["errcode"] for _ in range(2)] == [0, 40241]
    assert len(caller.sandbox.shown()) == 1


def test_the_content_does_not_matter_but_the_person_does(start):
    caller = start()
    caller.send(client_msg_id="M1")
    caller.send(client_msg_id="M1", url="https://example.com/other")
    caller.send(openid(1), client_msg_id="M1")
    assert len(caller.sandbox.shown()) == 2


def test_messages_without_an_id_are_never_repetitions(start):
    caller = start()
    assert caller.send()["msgid"] != caller.send()["msgid"]
    assert len(caller.sandbox.shown()) == 2


def test_the_window_closes_ten_minutes_after_the_first_call(start, clock):
    caller = start()
    for wait in (0, 300, 299.5):
        clock.advance(wait)
        caller.send(client_msg_id="M1")
    assert len(caller.sandbox.shown()) == 1
    clock.advance(0.5)
    caller.send(client_msg_id="M1")
    assert len(caller.sandbox.shown()) == 2


def test_a_sliding_window_is_prolonged_by_each_call(start, clock):
    caller = start({"dedupe": {"sliding": True}})
    for _ in range(5):
        caller.send(client_msg_id="M1")
        clock.advance(599)
    assert len(caller.sandbox.shown()) == 1
    clock.advance(1)
    caller.send(client_msg_id="M1")
    assert len(caller.sandbox.shown()) == 2


def test_without_a_window_everything_is_shown(start):
    caller = start({"dedupe": {"window_s": 0}})
    caller.send(client_msg_id="M1")
    caller.send(client_msg_id="M1")
    assert len(caller.sandbox.shown()) == 2


@pytest.mark.parametrize(("answer", "code"), [("msgid", 0), ("40241", 40241)])
def test_a_failed_call_can_burn_its_id(start, answer, code):
    caller = start({"dedupe": {"burnt_by_failure": True, "answer": answer}})
    caller.sandbox.set_faults({"send": {"system_error": {"times": 1}}})
    assert [caller.send(client_msg_id="M1")["errcode"] for _ in range(2)] == [-1, code]
    assert caller.sandbox.shown() == []


def test_a_failed_call_leaves_its_id_free_as_a_rule(start):
    caller = start({"faults": {"send": {"system_error": {"times": 1}}}})
    assert [caller.send(client_msg_id="M1")["errcode"] for _ in range(2)] == [-1, 0]
    assert len(caller.sandbox.shown()) == 1


def test_the_same_text_within_a_minute_can_be_refused(start, clock):
    caller = start({"dedupe": {"same_text_s": 60}})
    assert caller.send(client_msg_id="M1")["errcode"] == 0
    assert caller.send(client_msg_id="M2")["errcode"] == 40241
    assert caller.send(openid(1), client_msg_id="M2")["errcode"] == 0
    clock.advance(60)
    assert caller.send(client_msg_id="M2")["errcode"] == 0


def test_old_ids_take_no_memory(start, clock):
    caller = start({"dedupe": {"window_s": 10}})
    for number in range(50):
        caller.send(openid(number), client_msg_id="M1")
        clock.advance(1)
    assert caller.sandbox.remembered_ids <= 11


def test_an_unfollower_is_refused_even_when_the_id_is_known(start):
    caller = start()
    caller.send(client_msg_id="M1")
    caller.sandbox.unfollow(OPENID)
    assert caller.send(client_msg_id="M1")["errcode"] == 43004


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.floats(0, 30)), max_size=60), st.floats(0.5, 60))
def test_expiring_entries_are_those_of_the_last_lifetime(steps, lifetime):
    store, told, now = Expiring(lifetime), {}, 0.0
    for key, wait in steps:
        now += wait
        expected = key in told and told[key] + lifetime > now
        assert (store.get(key, now) is not None) == expected
        store.put(key, 1, now)
        told[key] = now
        assert len(store) == sum(at + lifetime > now for at in told.values())
