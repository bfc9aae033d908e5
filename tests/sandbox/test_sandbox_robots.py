"""The stand-ins of the group robots refuse what the real ones refuse, in both shapes of their words."""

import base64
import hashlib
import hmac
import http.client
import json
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from wxpush.sandbox import ManualClock
from wxpush.sandbox.robots import Robots, RobotSettings

SECRET = "SECtest0001"
NOW_MS = 1_795_000_000_000


def post(url: str, body: dict[str, Any]) -> dict[str, Any]:
    """The robot's answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    try:
        connection.request("POST", f"{parts.path}?{parts.query}", json.dumps(body).encode())
        found = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    assert isinstance(found, dict)
    return found


def text(content: str, **more: Any) -> dict[str, Any]:
    return {"msgtype": "text", "text": {"content": content}, **more}


def sign(milliseconds: int, secret: str = SECRET) -> str:
    digest = hmac.new(secret.encode(), f"{milliseconds}\n{secret}".encode(), hashlib.sha256).digest()
    return f"&timestamp={milliseconds}&sign={quote(base64.b64encode(digest), safe='')}"


def test_a_group_is_shown_what_is_in_order() -> None:
    with Robots() as robots:
        assert post(robots.wecom_url, text("完成")) == {"errcode": 0, "errmsg": "ok"}
        markdown = {"msgtype": "markdown", "markdown": {"content": "**完成**"}}
        assert post(robots.wecom_url, markdown)["errcode"] == 0
        markdown = {"msgtype": "markdown", "markdown": {"title": "群发", "text": "完成"}}
        assert post(robots.dingtalk_url, markdown)["errcode"] == 0
        assert [one.text for one in robots.received()] == ["完成", "**完成**", "完成"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (text("字" * 682), 0),
        (text("字" * 683), 40058),
        ({"msgtype": "markdown", "markdown": {"content": "a" * 4096}}, 0),
        ({"msgtype": "markdown", "markdown": {"content": "a" * 4097}}, 40058),
        (text(""), 44004),
        ({"msgtype": "poem", "poem": {"content": "a"}}, 40008),
    ],
)
def test_wecom_refuses_what_is_too_long_and_never_cuts(body: dict[str, Any], code: int) -> None:
    with Robots() as robots:
        assert post(robots.wecom_url, body)["errcode"] == code
        assert post(robots.wecom_url + "x", body)["errcode"] == 93000


def test_twenty_a_minute_and_dingtalk_is_silent_for_ten() -> None:
    clock = ManualClock()
    with Robots(clock=clock) as robots:
        for url, code, silent in ((robots.wecom_url, 45009, 60), (robots.dingtalk_url, 130101, 600)):
            assert {post(url, text("a"))["errcode"] for _ in range(20)} == {0}
            assert post(url, text("a"))["errcode"] == code
            clock.advance(silent - 1)
            if code == 130101:
                assert post(url, text("a"))["errcode"] == code
                clock.advance(silent)
            clock.advance(2)
            assert post(url, text("a"))["errcode"] == 0


@pytest.mark.parametrize("old_words", [False, True])
def test_dingtalk_checks_signature_clock_and_keyword(old_words: bool) -> None:
    settings = RobotSettings(secret=SECRET, keywords=("告警",), old_words=old_words)
    with Robots(settings, clock=ManualClock()) as robots:
        url = robots.dingtalk_url
        wrong = {
            "sign": post(url + sign(NOW_MS, "SECother"), text("告警")),
            "time": post(url + sign(NOW_MS - 3_600_001), text("告警")),
            "none": post(url, text("告警")),
            "word": post(url + sign(NOW_MS), text("完成")),
        }
        assert {answer["errcode"] for answer in wrong.values()} == {310000}
        assert all(("description:" in answer["errmsg"]) is not old_words for answer in wrong.values())
        assert ("keywords not in content" if old_words else "关键词不匹配") in wrong["word"]["errmsg"]
        assert ("sign not match" if old_words else "签名不匹配") in wrong["sign"]["errmsg"]
        assert post(url + sign(NOW_MS - 3_599_000), text("告警：完成"))["errcode"] == 0
        assert post(url + "x", text("告警"))["errcode"] == (300001 if old_words else 300005)


def test_a_repeated_id_is_shown_once() -> None:
    with Robots() as robots:
        for _ in range(2):
            assert post(robots.dingtalk_url, text("完成", msgUuid="7f"))["errcode"] == 0
        assert len(robots.received()) == 1
