"""Tells those under `notify:` how a run ended; whatever goes wrong with that is a warning, nothing more."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import parse_qs, urlsplit

from wxpush.channels.robots.answer import Answer, Fate, ours
from wxpush.config.account import is_loopback, url_fault
from wxpush.config.targets import DingtalkRobot, Program, SecretSource, Target, Webhook, WecomRobot
from wxpush.errors import InputError
from wxpush.i18n import _

if TYPE_CHECKING:
    from wxpush.app.announcement import Announcement
    from wxpush.app.surroundings import Surroundings
    from wxpush.channels.http.reply import Reply
    from wxpush.channels.http.wire import Request
    from wxpush.config import Account, Secret

Way: TypeAlias = "Callable[[Callable[[], Request], Callable[[Reply], Answer]], Answer]"
"""Takes a request to its address, a few times if need be, and judges the replies."""
_JSON: Final = (("Content-Type", "application/json; charset=utf-8"),)
_SHORTEST_KEY: Final = 8


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one target's notification; `fault` is a setting that kept it from being tried."""

    target: Target
    answer: Answer | None = None
    fault: InputError | None = None

    @property
    def is_told(self) -> bool:
        """Whether it arrived."""
        return self.answer is not None and self.answer.fate is Fate.TOLD

    @property
    def warning(self) -> str:
        """What went wrong, with its cause and its remedy."""
        if self.fault is not None:
            code, cause, advice = "", str(self.fault), self.fault.hint
        elif self.answer is not None:
            found = self.answer
            code, cause, advice = found.code, str(found.meaning), str(found.advice)
            if found.detail and found.detail not in cause:
                cause = f"{cause} ({found.detail})"
        else:
            return ""
        text = _("{target} was not told how it ended: {cause}").format(
            target=self.target, cause=f"{code} {cause}".strip()
        )
        return f"{text.rstrip('.。')}. {advice}".strip()


class Notifier:
    """Those who are told at the end of one command."""

    def __init__(self, targets: Sequence[Target], around: Surroundings, account: Account | None) -> None:
        """The way to the robots is the account's: its proxy, its certificate authority."""
        self._targets, self._around, self._account = targets, around, account
        self._secrets: dict[SecretSource, Secret] = {}

    def faults(self) -> list[str]:
        """Why some can't be told, to be known before thousands of messages are on their way."""
        found = []
        for target in self._targets:
            try:
                self._prepare(target)
            except InputError as error:
                found.append(
                    _("{target} can't be told how it ends: {cause}").format(target=target, cause=error)
                    + f" {error.hint}".rstrip()
                )
        return found

    def would_tell(self, announcement: Announcement) -> list[tuple[str, str]]:
        """Each target with the text that it would get, for a rehearsal."""
        return [(str(target), announcement.line) for target in self._wanted(announcement)]

    def tell(self, announcement: Announcement, *, everybody: bool = False) -> list[Told]:
        """Tell all that want it, or `everybody`, one after the other; what goes wrong is in what is told."""
        wanted = self._targets if everybody else self._wanted(announcement)
        return [self._tell(target, announcement) for target in wanted]

    def _wanted(self, announcement: Announcement) -> list[Target]:
        return [one for one in self._targets if announcement.is_trouble or not one.only_trouble]

    def _tell(self, target: Target, announcement: Announcement) -> Told:
        try:
            return Told(target, self._prepare(target)(announcement))
        except InputError as error:
            return Told(target, fault=error)
        except Exception as error:  # what was sent was sent: no fault of this may hide how it went
            return Told(target, ours("fault", type(error).__name__))

    def _prepare(self, target: Target) -> Callable[[Announcement], Answer]:
        """Fetch what is secret and see that it fits. Raises InputError."""
        match target.to:
            case WecomRobot():
                return self._wecom(target.to)
            case DingtalkRobot():
                return self._dingtalk(target.to)
            case Webhook():
                return self._webhook(target.to)
            case Program():
                return _program(target.to)

    def _wecom(self, robot: WecomRobot) -> Callable[[Announcement], Answer]:
        from wxpush.channels.robots import answer, wecom

        url = self._address(robot.url, wecom.is_address)
        take = self._way(url)

        def tell(news: Announcement) -> Answer:
            text = wecom.body(news.line, robot.mobiles)
            body = wecom.markdown_body(news.title, news.news) if robot.markdown else text
            return take(lambda: _request(url, body), lambda reply: answer.verdict("wecom", reply))

        return tell

    def _dingtalk(self, robot: DingtalkRobot) -> Callable[[Announcement], Answer]:
        from wxpush.channels.robots import answer, dingtalk

        url = self._address(robot.url, dingtalk.is_address)
        secret = None if robot.secret is None else self._fetch(robot.secret).reveal()
        take = self._way(url)

        def tell(news: Announcement) -> Answer:
            body = dingtalk.body(
                news.line,
                keyword=robot.keyword,
                mobiles=robot.mobiles,
                users=robot.users,
                everybody=robot.everybody,
                message_id=uuid.uuid4().hex,
            )

            def make() -> Request:
                now = int(self._around.clock.wall() * 1000)
                return _request(url if secret is None else dingtalk.signed(url, secret, now), body)

            return take(make, lambda reply: answer.verdict("dingtalk", reply, signed=secret is not None))

        return tell

    def _webhook(self, hook: Webhook) -> Callable[[Announcement], Answer]:
        from wxpush.channels.robots import webhook
        from wxpush.config.target_reader import webhook_fault

        def fits(url: str) -> bool:
            return webhook_fault(url) is None

        url = self._address(hook.url, fits) if isinstance(hook.url, SecretSource) else hook.url
        key = None if hook.hmac is None else self._fetch(hook.hmac).reveal()
        take = self._way(url, inside=True)

        def tell(news: Announcement) -> Answer:
            body = _facts(news)

            def make() -> Request:
                return _request(url, body, webhook.headers(body, key, int(self._around.clock.wall())))

            return take(make, webhook.verdict)

        return tell

    def _address(self, source: SecretSource, fits: Callable[[str], bool]) -> str:
        url = self._fetch(source).reveal()
        if url_fault(url) is not None or not fits(url):
            raise InputError(
                _("what {source} holds is no address of that kind.").format(source=source),
                _("Copy the whole address from the robot's settings."),
            )
        return url

    def _fetch(self, source: SecretSource) -> Secret:
        if source not in self._secrets:
            self._secrets[source] = source.fetch(self._around.environ)
        return self._secrets[source]

    def _way(self, url: str, *, inside: bool = False) -> Way:
        """How `url` is reached: one `inside` the company directly, since the way out is not the way there."""
        from wxpush.channels.http.transport import Transport
        from wxpush.channels.robots.posting import PATIENCE_S, post

        account = self._account
        direct = inside or account is None or is_loopback(urlsplit(url).hostname or "")
        proxy = None if direct or account is None else account.proxy
        ca_file = None if account is None else account.ca_file

        def take(make: Callable[[], Request], judge: Callable[[Reply], Answer]) -> Answer:
            transport = Transport(1, PATIENCE_S, proxy=proxy, ca_file=ca_file)
            try:
                return post(transport, make, judge)
            finally:
                transport.close()

        return take


def _program(program: Program) -> Callable[[Announcement], Answer]:
    from wxpush.channels.robots.program import run

    return lambda news: run(program.argv, _facts(news))


def _request(url: str, body: bytes, headers: tuple[tuple[str, str], ...] = _JSON) -> Request:
    from wxpush.channels.http.wire import Request

    keys = (value for values in parse_qs(urlsplit(url).query).values() for value in values)
    # An answer that repeats the key must not bring it onto the screen.
    return Request("POST", url, body, headers, tuple(key for key in keys if len(key) >= _SHORTEST_KEY))


def _facts(news: Announcement) -> bytes:
    return json.dumps({**news.facts, "id": uuid.uuid4().hex}, ensure_ascii=False).encode("utf-8", "replace")
