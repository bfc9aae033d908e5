"""Group robots: what is posted, how it is signed, and what each answer means."""

import csv
import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxpush.channels.http.reply import Reply
from wxpush.channels.http.transport import Transport
from wxpush.channels.http.wire import Request
from wxpush.channels.robots import answer, dingtalk, program, webhook, wecom
from wxpush.channels.robots.answer import Fate, cut, verdict
from wxpush.channels.robots.posting import post
from wxpush.model import Arrival
from wxpush.sandbox.robots import Robots

WEBHOOK = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=0b1c"
ROBOT = "https://oapi.dingtalk.com/robot/send?access_token=" + "ab" * 32


def answered(body: dict[str, Any] | str, status: int = 200) -> Reply:
    raw = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return Reply(Arrival.ANSWERED, status, raw.encode())


@pytest.mark.parametrize(
    ("milliseconds", "secret", "expected"),
    [
        (1_700_000_000_000, "SECtest0001", "iK9eW9jtGBT4TttaiEbfCz5U5QFsyS/Rb/r8GW+V/x4="),
        (1_600_000_000_123, "SECabcdef", "339SR0gZS22P5MK/XTg/9n40oze4WsybVMAq80qrbQI="),
    ],
)
def test_a_signature_is_that_of_the_reference(milliseconds: int, secret: str, expected: str) -> None:
    assert dingtalk.signature(secret, milliseconds) == expected


def test_a_signature_is_encoded_once() -> None:
    assert dingtalk.signed(ROBOT, "SECtest0001", 1_700_000_000_000) == (
        f"{ROBOT}&timestamp=1700000000000&sign=iK9eW9jtGBT4TttaiEbfCz5U5QFsyS%2FRb%2Fr8GW%2BV%2Fx4%3D"
    )


OLD_SIGN = "sign not match, more: [https://ding-doc.dingtalk.com/doc#/serverapi2/qf2nxq]"
NEW_SIGN = "description:机器人发送签名不匹配;solution:请确认签名和生成签名的时间戳都放在网址中;link:x"
NEW_WORD = "description:关键词不匹配;solution:请联系群管理员查看此机器人的关键词;"
EXPIRED = "description:机器人发送签名过期;solution:签名生成时间和发送时间请保持在1小时以内;link:x"

#: robot, answer, fate, code, a word of the advice
TABLE: list[tuple[str, dict[str, Any], Fate, str, str]] = [
    ("wecom", {"errcode": 0, "errmsg": "ok"}, Fate.TOLD, "0", ""),
    ("wecom", {"errcode": 93000, "errmsg": "invalid webhook url"}, Fate.NOT_TOLD, "93000", "Copy"),
    ("wecom", {"errcode": 93004, "errmsg": "x"}, Fate.NOT_TOLD, "93004", "owner"),
    ("wecom", {"errcode": 93008, "errmsg": "x"}, Fate.NOT_TOLD, "93008", "group again"),
    ("wecom", {"errcode": 40058, "errmsg": "max length 4096"}, Fate.NOT_TOLD, "40058", "report"),
    ("wecom", {"errcode": 40008, "errmsg": "x"}, Fate.NOT_TOLD, "40008", "report"),
    ("wecom", {"errcode": 44004, "errmsg": "x"}, Fate.NOT_TOLD, "44004", "report"),
    ("wecom", {"errcode": 45009, "errmsg": "api freq out of limit"}, Fate.AGAIN, "45009", "own"),
    ("wecom", {"errcode": -1, "errmsg": "system busy"}, Fate.AGAIN, "-1", "later"),
    ("wecom", {"errcode": 12345, "errmsg": "?"}, Fate.NOT_TOLD, "12345", "documentation"),
    ("dingtalk", {"errcode": 0, "errmsg": "ok"}, Fate.TOLD, "0", ""),
    ("dingtalk", {"errcode": 310000, "errmsg": OLD_SIGN}, Fate.NOT_TOLD, "310000", "secret_env"),
    ("dingtalk", {"errcode": 310000, "errmsg": NEW_SIGN}, Fate.NOT_TOLD, "310000", "secret_env"),
    (
        "dingtalk",
        {"errcode": 310000, "errmsg": "keywords not in content, more: [告警]"},
        Fate.NOT_TOLD, "310000", "keyword:",
    ),
    ("dingtalk", {"errcode": 310000, "errmsg": NEW_WORD}, Fate.NOT_TOLD, "310000", "keyword:"),
    ("dingtalk", {"errcode": 310000, "errmsg": EXPIRED}, Fate.NOT_TOLD, "310000", "clock"),
    ("dingtalk", {"errcode": 310000, "errmsg": "invalid timestamp"}, Fate.NOT_TOLD, "310000", "clock"),
    ("dingtalk", {"errcode": 310000, "errmsg": "ip not in whitelist"}, Fate.NOT_TOLD, "310000", "address"),
    ("dingtalk", {"errcode": 310000, "errmsg": "?"}, Fate.NOT_TOLD, "310000", "Compare"),
    ("dingtalk", {"errcode": 300001, "errmsg": "token is not exist"}, Fate.NOT_TOLD, "300001", "Copy"),
    ("dingtalk", {"errcode": 300005, "errmsg": "token is not exist"}, Fate.NOT_TOLD, "300005", "Copy"),
    ("dingtalk", {"errcode": 130101, "errmsg": "send too fast"}, Fate.AGAIN, "130101", "own"),
    ("dingtalk", {"status": 1111, "wait": 5, "source": "x5", "punish": "deny"}, Fate.AGAIN, "130101", "own"),
    ("dingtalk", {"errcode": 302033, "errmsg": "send too fast"}, Fate.AGAIN, "302033", "own"),
    ("dingtalk", {"errcode": 410100, "errmsg": "speed"}, Fate.AGAIN, "410100", "own"),
    ("dingtalk", {"errcode": 660026, "errmsg": "too many"}, Fate.AGAIN, "660026", "own"),
    ("dingtalk", {"errcode": 90030, "errmsg": "webhook over limit"}, Fate.NOT_TOLD, "90030", "console"),
    ("dingtalk", {"errcode": 430101, "errmsg": "link"}, Fate.NOT_TOLD, "430101", "title"),
    ("dingtalk", {"errcode": 400013, "errmsg": "group"}, Fate.NOT_TOLD, "400013", "another group"),
    (
        "dingtalk",
        {"errcode": 88, "sub_code": "300001", "sub_msg": "x", "errmsg": "ding talk error"},
        Fate.NOT_TOLD, "300001", "Copy",
    ),
    ("dingtalk", {"errcode": 88, "errmsg": "ding talk error"}, Fate.NOT_TOLD, "88", "documentation"),
    ("dingtalk", {"errcode": -1, "errmsg": "系统繁忙"}, Fate.AGAIN, "-1", "later"),
]  # fmt: skip


@pytest.mark.parametrize(("robot", "body", "fate", "code", "advice"), TABLE)
def test_what_an_answer_means(robot: str, body: dict[str, Any], fate: Fate, code: str, advice: str) -> None:
    found = verdict(robot, answered(body))
    assert (found.fate, found.code) == (fate, code)
    assert advice in found.advice.en
    assert bool(found.meaning.zh) == bool(found.advice.zh) == (fate is not Fate.TOLD)


@pytest.mark.parametrize(
    ("reply", "fate", "code"),
    [
        (Reply(Arrival.NEVER_LEFT, failure="network"), Fate.AGAIN, "network"),
        (Reply(Arrival.SILENT, failure="timeout"), Fate.AGAIN, "timeout"),
        (Reply(Arrival.SILENT, failure="bad_reply", detail="too large"), Fate.NOT_TOLD, "bad_reply"),
        (answered("<html>login</html>"), Fate.NOT_TOLD, "bad_reply"),
        (answered('{"errcode": "0"}'), Fate.NOT_TOLD, "bad_reply"),
        (answered("[" * 100_000), Fate.NOT_TOLD, "bad_reply"),
        (answered("", 302), Fate.NOT_TOLD, "http 302"),
        (answered("", 403), Fate.NOT_TOLD, "http 403"),
        (answered("", 429), Fate.AGAIN, "http 429"),
        (answered("gateway", 502), Fate.AGAIN, "http 502"),
    ],
)
def test_what_is_no_answer_of_a_robot(reply: Reply, fate: Fate, code: str) -> None:
    found = verdict("wecom", reply)
    assert (found.fate, found.code) == (fate, code)
    assert found.meaning.en
    assert found.meaning.zh


@pytest.mark.parametrize(
    ("status", "fate"),
    [(200, "told"), (204, "told"), (301, "not_told"), (404, "not_told"), (500, "again"), (429, "again")],
)
def test_an_address_is_told_by_any_2xx(status: int, fate: str) -> None:
    assert webhook.verdict(answered("whatever", status)).fate == fate


@given(st.text(), st.integers(4, 300))
def test_a_text_is_cut_between_characters(text: str, limit: int) -> None:
    found = cut(text, limit)
    size = len(found.encode("utf-8", "replace"))
    assert size <= max(limit, 0)
    assert found == text or (found.endswith("…") and text.startswith(found[:-1]) and size > limit - 7)


@given(st.text(max_size=5000))
def test_what_a_robot_gets_is_never_too_long(text: str) -> None:
    part = json.loads(wecom.body(text))["text"]["content"]
    assert len(part.encode()) <= 2048
    part = json.loads(wecom.markdown_body(text, text))["markdown"]["content"]
    assert len(part.encode()) <= 4096
    assert len(dingtalk.body(text, keyword="告警", mobiles=["13800138000"])) <= 20_000


def test_people_are_called_where_they_are_named() -> None:
    assert json.loads(wecom.body("完成", ["13800138000", "@all"])) == {
        "msgtype": "text",
        "text": {"content": "完成", "mentioned_mobile_list": ["13800138000", "@all"]},
    }
    assert json.loads(wecom.body("完成")) == {"msgtype": "text", "text": {"content": "完成"}}
    found = json.loads(dingtalk.body("完成", mobiles=["13800138000"], users=["u1"], message_id="7f"))
    assert found["at"] == {"atMobiles": ["13800138000"], "atUserIds": ["u1"], "isAtAll": False}
    assert found["msgUuid"] == "7f"
    assert "at" not in json.loads(dingtalk.body("完成"))


def test_a_keyword_is_put_before_a_text_that_lacks_it() -> None:
    texts = [
        json.loads(dingtalk.body(text, keyword="群发"))["text"]["content"] for text in ("完成", "群发完成")
    ]
    assert texts == ["群发 完成", "群发完成"]


@pytest.mark.parametrize(
    ("check", "url", "fits"),
    [
        (wecom.is_address, WEBHOOK, True),
        (wecom.is_address, WEBHOOK.replace("https", "http"), False),
        (wecom.is_address, WEBHOOK.replace("qyapi.weixin.qq.com", "qyapi.weixin.qq.com.evil.cn"), False),
        (wecom.is_address, WEBHOOK.replace("qyapi.weixin.qq.com", "qyapi.weixin.qq.com:8443"), False),
        (wecom.is_address, WEBHOOK.replace("qyapi", "user@qyapi"), False),
        (wecom.is_address, WEBHOOK.partition("?")[0], False),
        (wecom.is_address, WEBHOOK.replace("webhook/send", "message/send"), False),
        (wecom.is_address, "http://127.0.0.1:8077/cgi-bin/webhook/send?key=x", True),
        (wecom.is_address, ROBOT, False),
        (dingtalk.is_address, ROBOT, True),
        (dingtalk.is_address, ROBOT.replace(".com", ".io"), True),
        (dingtalk.is_address, ROBOT.replace(".com", ".cn"), False),
        (dingtalk.is_address, "http://localhost:8077/robot/send?access_token=x", True),
        (dingtalk.is_address, "http://10.0.0.1/robot/send?access_token=x", False),
        (dingtalk.is_address, WEBHOOK, False),
    ],
)
def test_a_key_goes_to_its_robot_only(check: Any, url: str, fits: bool) -> None:
    assert check(url) is fits


def test_a_signed_body_can_be_checked_as_the_docs_say() -> None:
    import hashlib
    import hmac

    body, key = b'{"run": "orders"}', "k-1"
    headers = dict(webhook.headers(body, key, 1_795_399_200))
    expected = hmac.new(key.encode(), b"1795399200" + body, hashlib.sha256).hexdigest()
    assert headers["X-Wxpush-Timestamp"] == "1795399200"
    assert headers["X-Wxpush-Signature"] == f"sha256={expected}"
    assert "X-Wxpush-Signature" not in dict(webhook.headers(body, None, 1))


class Time:
    """A clock that the pauses move."""

    def __init__(self) -> None:
        self.now, self.pauses = 100.0, list[float]()

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def posted(robots: Robots, url: str) -> tuple[Fate, str, Time]:
    """One notification by a clock that only the pauses move."""
    time, transport = Time(), Transport(1, 5)
    try:
        found = post(
            transport,
            lambda: Request("POST", url, wecom.body("完成")),
            lambda reply: verdict("wecom", reply),
            sleep=time.pause,
            clock=lambda: time.now,
        )
    finally:
        transport.close()
    return found.fate, found.code, time


def test_what_may_pass_is_tried_three_times() -> None:
    with Robots() as robots:
        for _try in range(3):
            robots.answer_next({"errcode": 45009, "errmsg": "api freq out of limit"})
        fate, code, time = posted(robots, robots.wecom_url)
        assert (fate, code, robots.calls) == (Fate.AGAIN, "45009", 3)
        assert sum(time.pauses) < 15


def test_a_try_may_help() -> None:
    with Robots() as robots:
        robots.answer_next(b"gateway", 502)
        assert posted(robots, robots.wecom_url)[:2] == (Fate.TOLD, "0")
        assert robots.calls == 2


def test_what_will_not_pass_is_tried_once() -> None:
    with Robots() as robots:
        assert posted(robots, robots.wecom_url.replace("key=", "key=x"))[:2] == (Fate.NOT_TOLD, "93000")
        assert robots.calls == 1
        robots.answer_next(b"", 302)
        assert posted(robots, robots.wecom_url)[:2] == (Fate.NOT_TOLD, "http 302")
        assert robots.calls == 2


def test_a_command_that_takes_too_long_is_ended_with_what_it_started(tmp_path: Path) -> None:
    child = "import time, pathlib; pathlib.Path('child').write_text('begun'); time.sleep(60)"
    parent = f"import subprocess as s, sys; s.run([sys.executable, '-c', {child!r}], cwd={str(tmp_path)!r})"
    found = program.run([sys.executable, "-c", parent], b"{}", patience=3.0)
    assert (found.fate, found.code, found.detail) == (Fate.NOT_TOLD, "too_slow", "3 s")
    assert (tmp_path / "child").exists()
    if Path("/proc").is_dir():
        deadline = time.monotonic() + 10
        while alive(child[:60]):
            assert time.monotonic() < deadline, "what it started goes on"


def alive(words: str) -> bool:
    """Whether a process has these words in its command line."""
    return any(words in read(path) for path in Path("/proc").glob("[0-9]*/cmdline"))


def read(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""


def test_a_command_reads_what_it_wants_of_a_large_summary() -> None:
    argv = [sys.executable, "-c", "import sys; sys.stdin.read(1)"]
    found = program.run(argv, b"x" * 10_000_000, patience=30.0)
    assert found.fate is Fate.TOLD


def test_every_code_of_the_table_says_what_it_means_in_both_languages() -> None:
    table = Path(answer.__file__).with_name("errcodes.csv")
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({(row["robot"], row["code"]) for row in rows}) == len(rows) > 35
    assert [
        row for row in rows if not all(row[name] for name in ("en", "zh", "advice_en", "advice_zh"))
    ] == []
    assert {row["fate"] for row in rows} == {"again", "not_told"}
