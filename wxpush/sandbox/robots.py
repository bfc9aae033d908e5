"""Group robots of WeCom and DingTalk on loopback, for practice and tests, as their references describe them.

Checked are address, signature (an hour of skew), keyword, kind of message, size and 20 messages a minute;
DingTalk is then silent for ten minutes. WeCom's bounds of a minute aren't documented: here they slide.
Not imitated: IP lists, cards and files.
"""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Literal, Self

from wxpush.sandbox.ask import Ask
from wxpush.sandbox.server import LOOPBACK, Server
from wxpush.sandbox.wire import Connection, Whole, response

Robot = Literal["wecom", "dingtalk"]
WECOM_PATH: Final = "/cgi-bin/webhook/send"
DINGTALK_PATH: Final = "/robot/send"
_A_MINUTE: Final = 60
_MOST: Final = 20
_BLOCK_S: Final = 600
_SKEW_MS: Final = 3_600_000
_SIZES: Final = {"text": 2048, "markdown": 4096}
_MOST_DINGTALK: Final = 20_000


@dataclass(frozen=True, slots=True)
class RobotSettings:
    """What the robots ask for; `old_words` are DingTalk's error texts of before 2022."""

    key: str = "693a91f6-7eb1-4bc4-97a0-0ec2f1fa5aaa"
    token: str = "d9" * 32  # of a robot that doesn't exist
    secret: str = ""
    keywords: tuple[str, ...] = ()
    old_words: bool = False


@dataclass(frozen=True, slots=True)
class Received:
    """A message that a group was shown; `body` is what was posted, `query` the address's parameters."""

    robot: Robot
    text: str
    body: dict[str, Any] = field(repr=False)
    query: dict[str, str] = field(default_factory=dict, repr=False)


Refusal = tuple[int, str]
"""errcode and errmsg."""


class Robots:
    """Two groups with a robot each; `clock` is Unix time in seconds. Safe from any thread."""

    def __init__(
        self,
        settings: RobotSettings | None = None,
        *,
        port: int = 0,
        clock: Callable[[], float] = time.time,
        on_message: Callable[[Received], object] = lambda _message: None,
    ) -> None:
        self.settings = settings or RobotSettings()
        self._clock, self._on_message = clock, on_message
        self._lock = threading.Lock()
        self._received: list[Received] = []
        self._known_ids: set[str] = set()
        self._times: dict[str, deque[float]] = {"wecom": deque(), "dingtalk": deque()}
        self._blocked_until = 0.0
        self._next: list[tuple[int, bytes]] = []
        self.calls = 0
        """How many requests came in."""
        self._server = Server(self._serve, port, clock)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()

    @property
    def wecom_url(self) -> str:
        """The address of the WeCom robot, key included; made up, so it may be shown."""
        return f"http://{LOOPBACK}:{self._server.port}{WECOM_PATH}?key={self.settings.key}"

    @property
    def dingtalk_url(self) -> str:
        """The address of the DingTalk robot, token included; made up, so it may be shown."""
        return f"http://{LOOPBACK}:{self._server.port}{DINGTALK_PATH}?access_token={self.settings.token}"

    def received(self) -> list[Received]:
        """What the groups were shown, oldest first."""
        with self._lock:
            return list(self._received)

    def answer_next(self, body: dict[str, Any] | bytes, status: int = 200) -> None:
        """Answer the next call that isn't answered so yet with this, whatever it says."""
        raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        with self._lock:
            self._next.append((status, raw))

    def _serve(self, ask: Ask, connection: Connection) -> None:
        now = self._clock()
        with self._lock:
            self.calls += 1
            status, body = self._next.pop(0) if self._next else self._answer(ask, now)
        connection.deliver(Whole(response(status, body, now)))

    def _answer(self, ask: Ask, now: float) -> tuple[int, bytes]:
        if ask.method != "POST" or ask.path not in (WECOM_PATH, DINGTALK_PATH):
            return 404, b""
        refusal = self._wecom(ask, now) if ask.path == WECOM_PATH else self._dingtalk(ask, now)
        code, words = refusal or (0, "ok")
        return 200, json.dumps({"errcode": code, "errmsg": words}, ensure_ascii=False).encode()

    def _wecom(self, ask: Ask, now: float) -> Refusal | None:
        if ask.parameters.get("key") != self.settings.key:
            return 93000, "invalid webhook url, hint: [1754461450424274146823225], from ip: 127.0.0.1"
        if self._too_fast("wecom", now):
            return 45009, "api freq out of limit, hint: [1754461450424274146823225], from ip: 127.0.0.1"
        kind, content = _content(ask, "content")
        if kind not in _SIZES:
            return 40008, "invalid message type"
        if not content:
            return 44004, "empty content"
        if len(content.encode()) > _SIZES[kind]:
            return 40058, f"{kind}.content exceed max length {_SIZES[kind]}. invalid Request Parameter"
        self._show("wecom", content, ask)
        return None

    def _dingtalk(self, ask: Ask, now: float) -> Refusal | None:
        if ask.token != self.settings.token:
            return (300001 if self.settings.old_words else 300005), "token is not exist"
        if now < self._blocked_until or self._too_fast("dingtalk", now):
            self._blocked_until = max(self._blocked_until, now + _BLOCK_S)
            return 130101, "send too fast, exceed 20 times per minute"
        kind, content = _content(ask, "content" if ask.text("msgtype") == "text" else "text")
        if (refusal := self._unsafe(ask, content, now)) is not None:
            return refusal
        if kind not in ("text", "markdown"):
            return 400105, "unsupported msgtype"
        if not content or len(ask.body) > _MOST_DINGTALK:
            return 40035, "invalid parameter"
        self._show("dingtalk", content, ask)
        return None

    def _unsafe(self, ask: Ask, content: str, now: float) -> Refusal | None:
        """What the security settings refuse: the signature before the keyword."""
        settings = self.settings
        if settings.secret:
            stamp = ask.parameters.get("timestamp", "")
            if not stamp.isdecimal() or abs(int(stamp) - now * 1000) > _SKEW_MS:
                return 310000, self._words("invalid timestamp", "机器人发送签名过期，时间戳不在1小时内")
            if ask.parameters.get("sign") != _signature(stamp, settings.secret):
                return 310000, self._words("sign not match", "机器人发送签名不匹配")
        if settings.keywords and not any(word in content for word in settings.keywords):
            old = f"keywords not in content, more: [{', '.join(settings.keywords)}]"
            return 310000, self._words(old, "关键词不匹配")
        return None

    def _words(self, old: str, new: str) -> str:
        return old if self.settings.old_words else f"description:{new};solution:请参考文档;link:请参考"

    def _too_fast(self, robot: Robot, now: float) -> bool:
        times = self._times[robot]
        while times and times[0] <= now - _A_MINUTE:
            times.popleft()
        if len(times) >= _MOST:
            return True
        times.append(now)
        return False

    def _show(self, robot: Robot, text: str, ask: Ask) -> None:
        message_id = ask.text("msgUuid")
        if message_id and message_id in self._known_ids:
            return
        self._known_ids.add(message_id)
        message = Received(robot, text, ask.json or {}, ask.parameters)
        self._received.append(message)
        self._on_message(message)


def environment_of(robots: Robots) -> dict[str, str]:
    """Variables for `url_env` and `secret_env`, as the documentation names them."""
    return {
        "TEAM_ROBOT": robots.wecom_url,
        "DING_ROBOT": robots.dingtalk_url,
        "DING_SECRET": robots.settings.secret,
    }


def _content(ask: Ask, key: str) -> tuple[str, str]:
    """The kind of message, and its text."""
    kind = ask.text("msgtype")
    part = (ask.json or {}).get(kind)
    text = part.get(key) if isinstance(part, dict) else None
    return kind, text if isinstance(text, str) else ""


def _signature(stamp: str, secret: str) -> str:
    digest = hmac.new(secret.encode(), f"{stamp}\n{secret}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()
