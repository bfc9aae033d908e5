"""The events that WeChat pushes: what became of each accepted message, and who came and went.

They leave on threads of their own, after a delay in real time; what a push meets never holds a call up.
"""

import hashlib
import heapq
import http.client
import json
import random
import select
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from wxpush.sandbox.sealing import sealed
from wxpush.sandbox.settings import EventSettings

_ORIGINAL_ID: Final = "gh_0123456789ab"
_SENDERS: Final = 16
_TICK_S: Final = 0.1
_PAUSE_S: Final = 1.0
_GROUP: Final = 500
_DONE: Final = frozenset({b"success", b""})

OnEvents = Callable[[Sequence[bytes]], object]


@dataclass(frozen=True, slots=True)
class Pushed:
    """One event and what came of it: `answered` means that the URL took it; `tries` is how often it went out.

    `msgid` is 0 for people who come and go, whose `status` is `subscribe` or `unsubscribe`.
    """

    time: float
    openid: str
    msgid: int
    status: str
    answered: bool
    tries: int


@dataclass(frozen=True, slots=True, order=True)
class _Waiting:
    due: float
    number: int
    openid: str = ""
    msgid: int = 0
    status: str = ""
    tries: int = 0
    request: tuple[str, bytes] | None = None
    """Query and body of an earlier try, which goes out again as it was."""


class Pusher:
    """Pushes events to the URL of `settings`, and to whoever listens in this process."""

    def __init__(
        self,
        settings: EventSettings,
        appid: str,
        seed: int,
        clock: Callable[[], float],
        tick: Callable[[], object],
    ) -> None:
        """`clock` is Unix time for what the events say; `tick` is called now and then, to let time pass."""
        self._settings, self._appid, self._clock, self._tick = settings, appid, clock, tick
        self._chance = random.Random(f"{seed}:events")
        self._waiting: list[_Waiting] = []
        self._numbers = 0
        self._last_due = 0.0
        self._busy = 0
        self._changed = threading.Condition()
        self._pushed: list[Pushed] = []
        self._hooks: list[OnEvents] = []
        self._threads: list[threading.Thread] = []
        self._ended = threading.Event()
        if settings.mode != "plain":
            sealed(b"", settings.aes_key, appid)  # says at once what is lacking

    def start(self) -> None:
        """Begin to push; nothing where it does already."""
        if self._threads:
            return
        self._ended.clear()
        works = [self._keep_time, *([self._send_all] * (_SENDERS if self._settings.url else 1))]
        self._threads = [threading.Thread(target=work, name="wxpush-events", daemon=True) for work in works]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Push no more; what hasn't left is lost, as it is when WeChat gives up."""
        with self._changed:
            self._ended.set()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._threads = []

    def add_hook(self, hook: OnEvents) -> None:
        """Call `hook` with the bodies of events as they become due, on one of the pushing threads."""
        self._hooks.append(hook)

    def pushed(self) -> list[Pushed]:
        """Every event that was taken or given up, in that order."""
        with self._changed:
            return list(self._pushed)

    def left(self) -> int:
        """How many events wait or are on their way."""
        with self._changed:
            return len(self._waiting) + self._busy

    def tell(self, openid: str, msgid: int, status: str) -> None:
        """Something has happened to a message, or (with msgid 0) to a person."""
        chance, settings = self._chance.random, self._settings
        with self._changed:
            if chance() < settings.loss:
                return
            if msgid and chance() < settings.msgid_zero:
                msgid = 0
            for _copy in range(1 + (chance() < settings.duplicate)):
                self._add(_Waiting(self._due(), 0, openid, msgid, status))

    def _due(self) -> float:
        low, high = self._settings.delay_ms.low, self._settings.delay_ms.high
        due = time.monotonic() + self._chance.uniform(low, high) / 1000
        if not self._settings.disorder:
            due = max(due, self._last_due)
        self._last_due = due
        return due

    def _add(self, waiting: _Waiting) -> None:
        self._numbers += 1
        heapq.heappush(self._waiting, replace(waiting, number=self._numbers))
        self._changed.notify()

    def _keep_time(self) -> None:
        # Not by the condition, whose notices are for the senders.
        while not self._ended.wait(_TICK_S):
            self._tick()

    def _send_all(self) -> None:
        sender = _Sender(self._settings)
        while group := self._next():
            bodies = [_body(event, self._settings.format, self._clock()) for event in group]
            for hook in self._hooks:
                hook([body for event, body in zip(group, bodies, strict=True) if not event.tries])
            for event, body in zip(group, bodies, strict=True):
                self._send(sender, event, body)
        sender.close()

    def _send(self, sender: "_Sender", event: _Waiting, body: bytes) -> None:
        tries, answered = event.tries + 1, True
        if self._settings.url:
            request = event.request or self._request(body)
            answered = sender.send(*request)
            if not answered and tries < self._settings.tries:
                again = replace(event, due=time.monotonic() + _PAUSE_S, tries=tries, request=request)
                with self._changed:
                    self._busy -= 1
                    self._add(again)
                return
        done = Pushed(self._clock(), event.openid, event.msgid, event.status, answered, tries)
        with self._changed:
            self._busy -= 1
            self._pushed.append(done)

    def _next(self) -> list[_Waiting]:
        """What is due: all of it where it stays in this process, else one; nothing at the end."""
        most = 1 if self._settings.url else _GROUP
        with self._changed:
            while not self._ended.is_set():
                now = time.monotonic()
                group: list[_Waiting] = []
                while self._waiting and self._waiting[0].due <= now and len(group) < most:
                    group.append(heapq.heappop(self._waiting))
                if group:
                    self._busy += len(group)
                    return group
                self._changed.wait(self._waiting[0].due - now if self._waiting else None)
        return []

    def _request(self, body: bytes) -> tuple[str, bytes]:
        settings = self._settings
        stamp, nonce = str(int(self._clock())), str(random.SystemRandom().randrange(10**9, 10**10))
        query = {"signature": _signature(settings.token, stamp, nonce), "timestamp": stamp, "nonce": nonce}
        if settings.mode == "plain":
            return urlencode(query), body
        text = sealed(body, settings.aes_key, self._appid)
        query |= {"encrypt_type": "aes", "msg_signature": _signature(settings.token, stamp, nonce, text)}
        open_too = (
            body if settings.mode == "compatible" else _written({"ToUserName": _ORIGINAL_ID}, settings.format)
        )
        return urlencode(query), _with_encrypted(open_too, text)


class _Sender:
    """One connection to the URL, made anew when it is lost."""

    def __init__(self, settings: EventSettings) -> None:
        parts = urlsplit(settings.url)
        self._path = parts.path or "/"
        self._query = f"{parts.query}&" if parts.query else ""
        self._type = "text/xml" if settings.format == "xml" else "application/json"
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname or "", parts.port, timeout=settings.timeout_s)

    def send(self, query: str, body: bytes) -> bool:
        """Whether the event was taken: an answer in time, and no error of the server's."""
        try:
            if self._connection.sock is not None and _has_hung_up(self._connection.sock):
                self._connection.close()
            self._connection.request(
                "POST", f"{self._path}?{self._query}{query}", body, {"Content-Type": self._type}
            )
            answer = self._connection.getresponse()
            return answer.read() in _DONE and answer.status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return False

    def close(self) -> None:
        self._connection.close()


def _has_hung_up(connection: socket.socket) -> bool:
    """Whether the other side has ended the connection since the last push: it sends nothing else unasked."""
    return bool(select.select([connection], [], [], 0)[0])


def _signature(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()


def _body(event: _Waiting, form: str, now: float) -> bytes:
    fields: dict[str, Any] = {
        "ToUserName": _ORIGINAL_ID,
        "FromUserName": event.openid,
        "CreateTime": int(now),
        "MsgType": "event",
    }
    if event.status in ("subscribe", "unsubscribe"):
        return _written(fields | {"Event": event.status, "EventKey": ""}, form)
    told = {"Event": "TEMPLATESENDJOBFINISH", "MsgID": event.msgid, "Status": event.status}
    return _written(fields | told, form)


def _written(fields: Mapping[str, Any], form: str) -> bytes:
    if form == "json":
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
    inner = (
        f"<{name}>{value}</{name}>\n" if isinstance(value, int) else f"<{name}><![CDATA[{value}]]></{name}>\n"
        for name, value in fields.items()
    )
    return f"<xml>{''.join(inner)}</xml>".encode()


def _with_encrypted(body: bytes, text: str) -> bytes:
    if body.startswith(b"{"):
        return body[:-1] + f',"Encrypt":"{text}"}}'.encode()
    return body.removesuffix(b"</xml>") + f"<Encrypt><![CDATA[{text}]]></Encrypt>\n</xml>".encode()
