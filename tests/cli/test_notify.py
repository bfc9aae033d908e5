"""Those who are told how a run ended: robots on loopback, an address, a command; and what goes wrong."""

import hashlib
import hmac
import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.channels.loopback import Loopback, answering
from tests.cli.command import Desk, Done, at_call, counts, openid, people
from tests.cli.test_moments import begun
from wxpush.channels.robots import webhook
from wxpush.sandbox.robots import Robots, RobotSettings

SECRET = "SEC" + "ab12" * 15
WECOM = "{wecom: {url_env: TEAM_ROBOT}}"
DINGTALK = "{dingtalk: {url_env: DING_ROBOT, secret_env: DING_SECRET, keyword: 群发}}"
LOST = "/robot/send?access_token=" + "e" * 64
PLAIN = ("send", "campaign.yaml", "users.csv", "--yes", "--rate", "2000/s")


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


def texts(robots: Robots) -> list[str]:
    return [message.text for message in robots.received()]


def keeps_secrets(done: Done, robots: Robots) -> bool:
    said = done.out + done.err
    return not any(word in said for word in (robots.settings.key, robots.settings.token, SECRET))


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
    assert texts(robots) == ["订单发货通知（order-shipped）：2/2 已受理"]


def test_a_stop_is_told_with_its_cause_and_the_command_that_goes_on(desk: Desk, robots: Robots) -> None:
    assert desk.sandbox is not None
    desk.prepare(40, notify=WECOM)
    desk.sandbox.set_quota(daily=100, used=60)
    assert desk.run(*PLAIN).code == 3
    (text,) = texts(robots)
    assert "30/40 accepted, 10 pending — stopped by quota: " in text
    assert text.endswith(f"; goes on with: wxpush {' '.join(PLAIN)}")


def test_an_account_that_cannot_begin_is_told_too(desk: Desk, robots: Robots) -> None:
    desk.prepare(2, notify=WECOM)
    done = desk.run(*PLAIN, env={"WXPUSH_SECRET": "f" * 32})
    assert done.code == 3
    (text,) = texts(robots)
    assert "0/2 accepted, 2 pending — stopped by " in text


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_an_interruption_is_told(desk: Desk, robots: Robots) -> None:
    assert desk.sandbox is not None
    desk.prepare(60, notify=WECOM)
    with desk.start("send", "campaign.yaml", "users.csv", "--yes", "--rate", "50/s") as running:
        desk.sandbox.on_send(at_call(5, lambda: running.signal(signal.SIGTERM)))
        done = running.done()
    assert done.code == 130
    (text,) = texts(robots)
    assert "— interrupted; goes on with: " in text


def test_trouble_alone_is_told_where_that_is_asked_for(desk: Desk, robots: Robots) -> None:
    assert desk.sandbox is not None
    desk.prepare(3, notify="{wecom: {url_env: TEAM_ROBOT}, when: trouble}")
    assert desk.send().code == 0
    assert texts(robots) == []
    desk.sandbox.unfollow(openid(4))
    desk.list(people(4))
    assert desk.send().code == 1
    assert texts(robots) == ["订单发货通知 (order-shipped): 3/4 accepted, 1 failed"]


def test_a_retry_is_told(desk: Desk, robots: Robots) -> None:
    assert desk.sandbox is not None
    desk.prepare(3, notify=WECOM)
    desk.sandbox.unfollow(openid(2))
    desk.send()
    desk.sandbox.follow(openid(2))
    assert desk.retry("--code", "43004").code == 0
    assert texts(robots)[1:] == ["订单发货通知 (order-shipped): 3/3 accepted"]


def test_a_retry_says_beforehand_who_cannot_be_told(desk: Desk, robots: Robots) -> None:
    assert desk.sandbox is not None
    desk.prepare(2, notify=WECOM)
    desk.sandbox.unfollow(openid(2))
    desk.send()
    desk.variables["TEAM_ROBOT"] = None
    done = desk.retry("--code", "43004")
    assert done.code == 1
    assert "can't be told how it ends: TEAM_ROBOT is not set." in done.err
    assert "was not told how it ended: TEAM_ROBOT is not set. Set TEAM_ROBOT." in done.err
    assert robots.calls == 1


def test_nothing_done_is_not_told(desk: Desk, robots: Robots) -> None:
    desk.prepare(2, notify=WECOM)
    desk.send()
    assert desk.send().json["attempts"] == 0
    desk.list([{"openid": "wrong", "name": "", "order_no": "", "product": "", "amount": ""}])
    assert desk.send("--run", "other").code == 2
    assert len(texts(robots)) == 1


@pytest.mark.parametrize("option", ["--dry-run", "--sandbox"])
def test_a_rehearsal_shows_what_it_would_tell(desk: Desk, robots: Robots, option: str) -> None:
    desk.prepare(2, notify=f"[{WECOM}, {DINGTALK}]")
    done = desk.run("send", "campaign.yaml", "users.csv", option, env={"TEAM_ROBOT": None})
    assert done.code == 0
    line = "订单发货通知 (order-shipped): 2/2 accepted"
    assert f"Would tell the WeCom robot (TEAM_ROBOT): {line}" in done.talk
    assert f"Would tell the DingTalk robot (DING_ROBOT): {line}" in done.talk
    assert robots.calls == 0


def test_what_cannot_be_told_is_known_before_the_start(desk: Desk, robots: Robots) -> None:
    desk.prepare(2, notify=WECOM)
    done = desk.send(env={"TEAM_ROBOT": None})
    assert done.code == 0
    assert counts(done.json) == {"accepted": 2}
    plan, _sent, warning = done.err.partition("TEAM_ROBOT) was not told")
    assert "the WeCom robot (TEAM_ROBOT) can't be told how it ends: TEAM_ROBOT is not set." in plan
    assert "TEAM_ROBOT is not set. Set TEAM_ROBOT." in warning
    assert robots.calls == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"DING_SECRET": "SECother"}, "310000 the signature is wrong or lacking (description:机器人"),
        ({"DING_ROBOT": f"https://oapi.dingtalk.com.evil.cn{LOST}"}, "no address of that kind"),
        ({"DING_ROBOT": "nonsense http://["}, "no address of that kind"),
        ({"DING_ROBOT": f"http://127.0.0.1:9{LOST}"}, "network it can't be reached"),
    ],
)
def test_a_failed_notification_is_a_warning_and_nothing_more(
    desk: Desk, robots: Robots, change: dict[str, str], words: str
) -> None:
    desk.prepare(2, notify=f"[{DINGTALK}, {WECOM}]")
    done = desk.send(env=change)
    assert (done.code, done.json["state"]) == (0, "finished")
    assert words in done.err
    assert texts(robots) == [
        "订单发货通知 (order-shipped): 2/2 accepted"
    ]  # the other one is told all the same
    assert keeps_secrets(done, robots)
    assert "e" * 64 not in done.err


def test_a_robot_that_wants_a_signature_is_told_apart_from_a_wrong_clock(desk: Desk) -> None:
    desk.prepare(1, notify="{dingtalk: {url_env: DING_ROBOT}}")
    done = desk.send()
    assert done.code == 0
    assert "310000 the robot wants a signature, and no secret is set" in done.talk
    assert "Set `secret_env:` under `dingtalk:`" in done.talk
    assert "clock" not in done.talk


def test_a_missing_keyword_names_the_key_to_set(desk: Desk, robots: Robots) -> None:
    desk.prepare(2, notify="{dingtalk: {url_env: DING_ROBOT, secret_env: DING_SECRET}}")
    done = desk.send()
    assert "none of the robot's keywords is in the message" in done.err
    assert "Write one of them as `keyword:` under `dingtalk:`." in done.err
    assert robots.calls == 1


def test_an_answer_that_repeats_the_key_does_not_show_it(desk: Desk, robots: Robots) -> None:
    desk.prepare(2, notify=WECOM)
    robots.answer_next({"errcode": 93000, "errmsg": f"invalid webhook url {robots.wecom_url}"})
    done = desk.send()
    assert "93000" in done.err
    assert keeps_secrets(done, robots)


def test_an_address_gets_the_summary_signed(desk: Desk) -> None:
    with Loopback(answering({}, status="204 No Content")) as server:
        desk.prepare(2, notify=f"{{url: {server.url}/hook, hmac_env: HOOK_KEY}}")
        assert desk.send(env={"HOOK_KEY": "k-1"}).code == 0
        (request,) = server.requests
    head, _blank, body = request.partition(b"\r\n\r\n")
    lines = head.decode("ascii").lower().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    stamp = headers["x-wxpush-timestamp"]
    expected = hmac.new(b"k-1", stamp.encode() + body, hashlib.sha256).hexdigest()
    assert headers["x-wxpush-signature"] == f"sha256={expected}"
    facts = json.loads(body)
    assert facts["text"] == "订单发货通知 (order-shipped): 2/2 accepted"
    assert (facts["run"], facts["accepted"], facts["exit_code"], facts["next_command"]) == (
        "order-shipped", 2, 0, None,
    )  # fmt: skip


def test_a_command_reads_the_summary(desk: Desk) -> None:
    script = desk.write(
        "tell.py", "import sys; open('told.json', 'wb').write(sys.stdin.buffer.read()); print(1)"
    )
    desk.prepare(2, notify=json.dumps({"command": [sys.executable, str(script)]}))
    done = desk.send()
    assert done.json["accepted"] == 2  # what the command prints is not in it
    assert json.loads((desk.folder / "told.json").read_text("utf-8"))["accepted"] == 2


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([sys.executable, "-c", "raise SystemExit(3)"], "the command failed (exit code 3)"),
        (["/nonexistent/tell"], "the command can't be started (No such file or directory)"),
        ([sys.executable, "-c", "import sys; sys.stdin.close()"], ""),
    ],
)
def test_a_command_that_fails_is_a_warning(desk: Desk, argv: list[str], words: str) -> None:
    desk.prepare(2, notify=json.dumps({"command": argv}))
    done = desk.send()
    assert done.code == 0
    assert words in done.err
    assert ("warning" in done.err) == bool(words)


def test_the_account_has_a_default_and_a_campaign_may_do_without(desk: Desk, robots: Robots) -> None:
    assert desk.sandbox is not None
    config = desk.write(
        "config.yaml",
        f"accounts:\n  shop:\n    appid: {desk.sandbox.appid}\n    secret_env: WXPUSH_SECRET\n"
        f"    notify: {WECOM}\n",
    )
    env = {"WXPUSH_CONFIG": str(config)}
    desk.prepare(2, account="shop")
    assert desk.send(env=env).code == 0
    desk.campaign(account="shop", notify="[]")
    assert desk.send("--run", "silent", env=env).code == 0
    assert len(texts(robots)) == 1


def test_a_line_can_be_sent_to_try_it(desk: Desk, robots: Robots) -> None:
    desk.campaign(notify=f"[{{wecom: {{url_env: TEAM_ROBOT}}, when: trouble}}, {DINGTALK}]")
    done = desk.run("notify", "test", "campaign.yaml")
    assert (done.code, done.out) == (
        0,
        "the WeCom robot (TEAM_ROBOT): told.\nthe DingTalk robot (DING_ROBOT): told.\n",
    )
    assert all("order-shipped: this is a test" in text for text in texts(robots))
    wrong = desk.run("notify", "test", "campaign.yaml", "--json", env={"DING_SECRET": "SECother"})
    assert wrong.code == 1
    found = wrong.json["targets"]
    assert [(one["kind"], one["source"], one["told"], one["code"]) for one in found] == [
        ("wecom", "TEAM_ROBOT", True, None),
        ("dingtalk", "DING_ROBOT", False, "310000"),
    ]
    assert "secret_env" in found[1]["hint"]


def test_without_anybody_to_tell_the_test_says_so(desk: Desk) -> None:
    desk.campaign()
    done = desk.run("notify", "test", "campaign.yaml")
    assert done.code == 2
    assert "have no `notify:`" in done.err


@pytest.mark.parametrize(
    ("notify", "place", "words"),
    [
        ("{wecom: {url: 'KEY'}}", "5:18", "must not stand in the file"),
        ("{wecom: {url_env: 'KEY'}}", "5:27", "must not stand in the file"),
        ("{url: 'KEY'}", "5:15", "the address of a group robot, with its key"),
        ("{wecom: {url_env: SECabcdefabcdefabcdef}}", "5:27", "must not stand in the file"),
        ("{wecom: {url_env: a-b}}", "5:27", "no name of an environment variable"),
        ("{wecom: {url_evn: A}}", "5:18", "Did you mean `url_env`?"),
        ("{wecom: {}}", "5:17", "it isn't said where the address is kept"),
        ("{wecom: A}", "5:17", "a group of `key: value` lines"),
        ("{wechat: {url_env: A}}", "5:9", "exactly one of wecom, dingtalk, url and command"),
        ("{wecom: {url_env: A}, url: https://x.cn}", "5:9", "exactly one of"),
        ("{command: tell --team}", "5:19", "a command is a list"),
        ("{url: http://example.com/hook}", "5:15", "must begin with https://"),
        ("{wecom: {url_env: A}, when: never}", "5:37", "Write one of: always, trouble."),
        ("[{wecom: {url_env: A}}, {dingtalk: {url_env: A, at: {all: yes}}}]", "5:62", "`all` is unknown"),
        ("[{wecom: {url_env: A, url_file: b}}]", "5:41", "stand together"),
        ("{wecom: {url_env: A, format: markdown, mentioned_mobile_list: ['1']}}", "5:71", "in markdown"),
        ("", "5:8", "exactly one of"),
    ],
)  # fmt: skip
def test_every_fault_has_its_place_and_no_key_is_shown(
    desk: Desk, notify: str, place: str, words: str
) -> None:
    key = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0"
    desk.write("campaign.yaml", 'name: orders\ntemplate: template.yaml\ndata:\n  thing1: "{{ product }}"\n')
    with (desk.folder / "campaign.yaml").open("a", encoding="utf-8") as file:
        file.write(f"notify: {notify.replace('KEY', key)}\n")
    done = desk.run("validate", "campaign.yaml")
    assert done.code == 1
    found = [line for line in done.talk.split("campaign.yaml:") if words in line]
    assert found, done.talk
    assert found[0].startswith(place), done.talk
    assert "0b1c2d3e" not in done.talk
    assert "SECabcdef" not in done.talk


def test_faults_in_config_have_their_place(desk: Desk) -> None:
    config = desk.write(
        "config.yaml",
        "accounts:\n  shop:\n    appid: wx0123456789abcdef\n    secret_env: S\n    notify:\n"
        "      - wecom: {url_evn: TEAM_ROBOT}\n",
    )
    desk.prepare(1, account="shop")
    done = desk.send(env={"WXPUSH_CONFIG": str(config)})
    assert done.code == 2
    assert "config.yaml:6:17: error WX601: the key `url_evn` is unknown. Did you mean `url_env`?" in done.err


def test_a_robot_address_may_come_from_a_private_file(desk: Desk, robots: Robots) -> None:
    kept = desk.write("robot.txt", robots.wecom_url + "\n")
    kept.chmod(0o600)
    desk.prepare(1, notify="{wecom: {url_file: robot.txt}}")
    assert desk.send().code == 0
    assert len(texts(robots)) == 1
    if os.name == "posix":
        kept.chmod(0o644)
        done = desk.send("--run", "again")
        assert done.code == 0
        assert "can be read or changed by other users" in done.err


def test_relative_files_are_seen_from_the_campaign(desk: Desk, robots: Robots) -> None:
    kept = desk.write("sub/robot.txt", robots.wecom_url)
    kept.chmod(0o600)
    desk.campaign("sub/campaign.yaml", template="../template.yaml", notify="{wecom: {url_file: robot.txt}}")
    assert desk.run("notify", "test", str(Path("sub") / "campaign.yaml")).code == 0
    assert len(texts(robots)) == 1


PAGES = [Path(__file__).parents[2] / "docs" / name for name in ("notify.md", "notify.zh-CN.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_check_of_the_docs_knows_our_signature(page: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(program, names)
    body = b'{"run": "orders"}'
    headers = dict(webhook.headers(body, "k-1", int(time.time())))
    assert names["is_ours"](headers, body, b"k-1")
    assert not names["is_ours"](headers, body + b" ", b"k-1")
    assert not names["is_ours"](headers, body, b"k-2")
    late = dict(webhook.headers(body, "k-1", int(time.time()) - 301))
    assert not names["is_ours"](late, body, b"k-1")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_examples_of_the_docs_are_good(desk: Desk, page: Path) -> None:
    examples = re.findall(r"```yaml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        path = desk.campaign()
        path.write_text(path.read_text("utf-8") + example, encoding="utf-8")
        assert desk.run("validate", "campaign.yaml").code == 0


def test_no_log_of_a_library_shows_a_key(desk: Desk, robots: Robots) -> None:
    desk.prepare(2, notify=f"[{WECOM}, {DINGTALK}]")
    with begun(desk, *PLAIN, debug=True) as running:
        done = running.done()
    assert done.code == 0
    assert "POST /cgi-bin/webhook/send" in done.err
    assert keeps_secrets(done, robots)
    assert len(texts(robots)) == 2


def test_a_rehearsal_that_cannot_begin_tells_nobody(desk: Desk, robots: Robots) -> None:
    """Its local WeChat refuses the token; the robots are real all the same."""
    desk.write(
        "refusing.yaml",
        "version: 1\nallow_list: {calls: token, addresses: [203.0.113.5], seen_as: 198.51.100.7}\n",
    )
    desk.prepare(2, notify=WECOM)
    done = desk.run("send", "campaign.yaml", "users.csv", "--sandbox", "--scenario", "refusing.yaml")
    assert done.code == 3
    assert "Would tell the WeCom robot (TEAM_ROBOT)" in done.talk
    assert robots.calls == 0
