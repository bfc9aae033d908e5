"""Those who are told how a run ended: robots on loopback, an address, a command; and what goes wrong."""

from collections.abc import Iterator

import pytest

from tests.cli.command import Desk, counts
from wxpush.sandbox.robots import Robots, RobotSettings

SECRET = "SEC" + "ab12" * 15
WECOM = "{wecom: {url_env: TEAM_ROBOT}}"
DINGTALK = "{dingtalk: {url_env: DING_ROBOT, secret_env: DING_SECRET, keyword: 群发}}"


@pytest.fixture
def robots() -> Iterator[Robots]:
    with Robots(RobotSettings(secret=SECRET, keywords=("群发", "发布"))) as robots:
        yield robots


@pytest.fixture
def desk(desk: Desk, robots: Robots) -> Desk:
    """A desk that knows both robots by their variables."""
    desk.variables |= {
        "TEAM_ROBOT": robots.wecom_url,
        "DING_ROBOT": robots.dingtalk_url,
        "DING_SECRET": SECRET,
    }
    return desk


def test_both_robots_are_told_in_one_line_how_it_ended(desk: Desk, robots: Robots) -> None:
    desk.prepare(3, notify=f"[{WECOM}, {DINGTALK}]")
    done = desk.send()
    assert (done.code, counts(done.json)) == (0, {"accepted": 3})
    line = "订单发货通知 (order-shipped): 3/3 accepted"
    assert [(one.robot, one.text) for one in robots.received()] == [
        ("wecom", line),
        ("dingtalk", f"群发 {line}"),
    ]
    assert "warning" not in done.err


def test_it_is_told_in_the_language_in_force(desk: Desk, robots: Robots) -> None:
    desk.prepare(2, notify=WECOM)
    desk.send(env={"WXPUSH_LANG": "zh"})
    assert [one.text for one in robots.received()] == ["订单发货通知 (order-shipped)：2/2 已接受"]


def test_a_stop_is_told_with_its_cause_and_the_command_that_goes_on(desk: Desk, robots: Robots) -> None:
    assert desk.sandbox is not None
    desk.prepare(40, notify=WECOM)
    desk.sandbox.set_quota(daily=100, used=60)
    done = desk.run("send", "campaign.yaml", "users.csv", "--yes", "--rate", "2000/s")
    assert done.code == 3
    (text,) = [one.text for one in robots.received()]
    assert "30/40 accepted, 10 pending — stopped by quota: " in text
    assert text.endswith("; goes on with: wxpush send campaign.yaml users.csv --yes --rate 2000/s")
