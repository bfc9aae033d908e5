"""What WeChat's review has rejected, read page by page whatever form the answer has."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxpush.channels.wechat.rejected import Rejected, rejected_messages
from wxpush.errors import StoppedError

TEMPLATE = "ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY"


def entry(number: int, at: Any = 1_795_600_000) -> dict[str, Any]:
    return {"id": number, "tmpl_msg_id": TEMPLATE, "send_timestamp": at, "openid": f"o{number}"}


class Account:
    """Answers with pages of what it holds, in any order."""

    def __init__(self, numbers: list[int]) -> None:
        self.numbers, self.asked = numbers, list[dict[str, Any]]()

    def __call__(self, body: dict[str, Any]) -> Mapping[str, Any]:
        self.asked.append(body)
        left = sorted(number for number in self.numbers if number > body["largest_id"])
        return {"errcode": 0, "msginfo": [entry(number) for number in reversed(left[: body["limit"]])]}


@given(numbers=st.sets(st.integers(1, 1000), max_size=350))
def test_all_pages_are_read_once(numbers: set[int]) -> None:
    account = Account(list(numbers))
    found = list(rejected_messages(account, TEMPLATE))
    assert sorted(one.id for one in found) == sorted(numbers)
    assert len(account.asked) <= len(numbers) // 100 + 2
    assert all(body["tmpl_msg_id"] == TEMPLATE and body["limit"] == 100 for body in account.asked)


def read(*answers: Any) -> list[Rejected]:
    given_out = iter(answers)
    return list(rejected_messages(lambda _body: {"errcode": 0, **next(given_out)}, TEMPLATE))


def test_a_single_object_stands_for_a_list() -> None:
    """As the documentation has it."""
    assert read({"msginfo": entry(7)}, {"msginfo": {}}) == [Rejected(7, "o7", 1_795_600_000)]


@pytest.mark.parametrize(
    "empty", [{}, {"msginfo": None}, {"msginfo": []}, {"msginfo": {}}, {"msginfo": [{}]}]
)
def test_nothing_is_nothing_in_any_form(empty: dict[str, Any]) -> None:
    assert read(empty) == []


def test_numbers_may_be_text_and_times_milliseconds() -> None:
    found = read({"msginfo": [entry(1, "1795600000"), entry(2, 1_795_600_000_123)]}, {})
    assert [one.at for one in found] == [1_795_600_000] * 2


def test_an_account_that_answers_the_same_page_for_ever_ends_the_reading() -> None:
    same = {"msginfo": [entry(1), entry(2)]}
    assert len(read(same, same, same)) == 2


@pytest.mark.parametrize(
    "wrong", ["text", 7, [7], [{"id": 1}], [{"id": "x", "send_timestamp": 1, "openid": "o"}], [["id"]]]
)
def test_what_cant_be_read_says_so(wrong: Any) -> None:
    with pytest.raises(StoppedError, match="rejected messages") as caught:
        read({"msginfo": wrong})
    assert caught.value.code == "bad_reply"
