"""WeChat's endpoints: a channel that sends template messages, and a client for the calls around it."""

import json
import queue
import random
import threading
import time
from collections.abc import Callable, Sequence
from json.encoder import encode_basestring as _quoted
from typing import Any, Final
from urllib.parse import quote

from wxpush.channels.http.courier import MakeCourier, best_courier
from wxpush.channels.http.reply import Reply, parse_body
from wxpush.channels.http.transport import Transport
from wxpush.channels.http.wire import MAX_BODY, Request
from wxpush.channels.wechat.errcodes import info, verdict
from wxpush.channels.wechat.outside_token import OutsideSupply
from wxpush.channels.wechat.token import Token, TokenKeeper
from wxpush.channels.wechat.token_call import JSON_HEADERS, TokenCall
from wxpush.channels.wechat.token_store import TokenStore
from wxpush.clock import SYSTEM, Clock
from wxpush.config import Account, Directories, OutsideToken
from wxpush.errors import StoppedError, WxpushError
from wxpush.i18n import _
from wxpush.model import (
    Answered,
    Arrival,
    CodeClass,
    Event,
    Quota,
    QuotaRead,
    Trouble,
    Verdict,
    VerdictKind,
)

SEND_PATH: Final = "/cgi-bin/message/template/send"
_QUOTA_PATH: Final = "/cgi-bin/openapi/quota/get"
_USERS_PATH: Final = "/cgi-bin/user/info/batchget"
_NO_OPENID: Final = "40003"
_TEMPLATES_PATH: Final = "/cgi-bin/template/get_all_private_template"
_CONTROL_SECONDS: Final = 10.0
_CONTROL_WORKERS: Final = 2
_ATTEMPTS: Final = 3
_PATIENCE: Final = 20.0


def make_keeper(account: Account, directories: Directories, clock: Clock = SYSTEM) -> TokenKeeper:
    """The keeper of the account's token, wherever it comes from. Raises UnsafeStateError, StorageError."""
    if isinstance(account.token, OutsideToken):
        # A token centre stands inside the company: the way out is not the way there.
        inside = Transport(1, _CONTROL_SECONDS, ca_file=account.ca_file)
        return TokenKeeper(OutsideSupply(account.token, inside, clock=clock.moment), clock=clock.moment)
    store = TokenStore(directories.account_dir(account), account)
    call = TokenCall(account, store, _control(account), clock=clock.moment)
    return TokenKeeper(call, clock=clock.moment)


class WeChatClient:
    """Calls that are waited for: the quota, the account's templates. Errors come as StoppedError."""

    def __init__(
        self,
        account: Account,
        keeper: TokenKeeper,
        *,
        patience: float = _PATIENCE,
        workers: int = _CONTROL_WORKERS,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        chance: random.Random | None = None,
    ) -> None:
        """After `patience` seconds a call waits for no token any more, and isn't tried again.

        Up to `workers` calls go at once, from as many threads.
        """
        self._account = account
        self._keeper = keeper
        self._transport = _control(account, workers)
        self._patience, self._sleep, self._clock = patience, sleep, clock
        self._chance = chance or random.Random()

    def quota(self) -> Quota:
        """Today's quota of template/send."""
        found = self.call("quota", _QUOTA_PATH, {"cgi_path": SEND_PATH}).get("quota")
        numbers = [
            found.get(name) if isinstance(found, dict) else None for name in ("daily_limit", "used", "remain")
        ]
        limit, used, remain = (number if isinstance(number, int) else -1 for number in numbers)
        if min(limit, used, remain) < 0:
            raise StoppedError(_("WeChat's answer about the quota can't be read."), code="bad_reply")
        return Quota(limit, used, remain)

    def private_templates(self) -> list[dict[str, Any]]:
        """The account's templates as WeChat lists them: template_id, title, content, example and more."""
        found = self.call("other", _TEMPLATES_PATH, None).get("template_list")
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise StoppedError(_("WeChat's list of templates can't be read."), code="bad_reply")
        return found

    def following(self, openids: Sequence[str]) -> dict[str, bool]:
        """Of each openid, 100 at most, whether its person follows; one of another account is left out."""
        wanted = [{"openid": openid, "lang": "zh_CN"} for openid in openids]
        try:
            found = self.call("other", _USERS_PATH, {"user_list": wanted}).get("user_info_list")
        except StoppedError as error:
            if error.code != _NO_OPENID or not openids:
                raise
            # One openid of another account spoils the whole call: ask by halves, so that the others are told.
            if len(openids) == 1:
                return {}
            half = len(openids) // 2
            return self.following(openids[:half]) | self.following(openids[half:])
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise StoppedError(_("WeChat's answer about followers can't be read."), code="bad_reply")
        return {str(item.get("openid")): item.get("subscribe") == 1 for item in found}

    def call(
        self, endpoint: str, path: str, body: dict[str, Any] | None, *, query: str = "", most: int = MAX_BODY
    ) -> dict[str, Any]:
        """The good answer of `path`, a call that may safely be repeated; `endpoint` as in `verdict`.

        GET without a body, else POST; `query` stands behind the token (`&next_openid=`), and the answer has
        `most` bytes. Tries again on a refused token and on passing trouble.
        """
        end = self._clock() + self._patience
        for attempt in range(_ATTEMPTS):
            token = self._keeper.wait(max(0.0, end - self._clock()))
            request = _request(self._account, path, token, _encoded(body), query, most)
            reply = self._transport.call(request)
            judged = verdict(endpoint, reply)
            _tell_keeper(self._keeper, judged, token)
            if judged.kind is VerdictKind.ACCEPTED:
                return parse_body(reply) or {}
            if judged.kind not in {VerdictKind.AGAIN, VerdictKind.SLOW_DOWN} or attempt + 1 == _ATTEMPTS:
                break
            if self._clock() >= end:
                break
            if not judged.token_refused:
                self._sleep(max(judged.wait or 0.0, self._chance.uniform(0.1, 0.5 * 2**attempt)))
        raise _stopped(judged, reply, path)

    def close(self) -> None:
        """Let go of connections and threads."""
        self._transport.close()


class WeChatChannel:
    """Sends template messages (api_sendtemplatemessage), as many at once as there are workers."""

    def __init__(
        self,
        account: Account,
        keeper: TokenKeeper,
        *,
        workers: int,
        timeout: float,
        clock: Clock = SYSTEM,
        make_courier: MakeCourier | None = None,
    ) -> None:
        """`timeout` is the total of one call in seconds of `clock`; `make_courier` by default the best."""
        self._account = account
        self._keeper = keeper
        self._clock = clock
        self._news: queue.SimpleQueue[Event] = queue.SimpleQueue()
        """What other threads have to tell."""
        self._courier = (make_courier or best_courier())(
            workers, clock.real(timeout), proxy=account.proxy, ca_file=account.ca_file
        )
        self._token: Token | None = None
        self._request = Request("POST", "")
        self._tokens: dict[int, Token] = {}
        """By ticket, the token that each message under way was sent with."""
        self._client = WeChatClient(account, keeper)
        keeper.listen(self._hear_of_token)

    @property
    def token_fetches(self) -> int:
        """How many times this process has asked for a token."""
        return self._keeper.fetches

    def free(self) -> int:
        """How many messages would start on their way at once: 0 while there is no token."""
        self._use(self._keeper.current())
        return self._courier.free() if self._token is not None else 0

    def submit(self, ticket: int, payload: str, client_msg_id: str) -> None:
        """Start sending `payload`, a JSON object's text that is not empty and has no client_msg_id.

        With the token that `free` saw last: it is asked for once for many messages.
        """
        if self._token is None:
            self._use(self._keeper.current())
        if self._token is None:
            self._news.put(Answered(ticket, _NO_TOKEN, 0.0))
            self.wake()
            return
        self._tokens[ticket] = self._token
        body = f'{payload[:-1]},"client_msg_id":{_quoted(client_msg_id)}}}'.encode()
        self._courier.start(ticket, self._request, body)

    def replies(self, timeout: float) -> list[Event]:
        """What has happened; waits up to `timeout` seconds, and less where a token may be due earlier."""
        if self._token is None:
            timeout = min(timeout, self._keeper.next_chance())
        arrived = self._courier.arrived(self._clock.real(timeout))
        events: list[Event] = [self._answered(ticket, reply) for ticket, reply in arrived]
        while not self._news.empty():
            events.append(self._news.get())
        return events

    def wake(self) -> None:
        """Let a waiting `replies` return; safe from a signal handler and from other threads."""
        self._courier.wake()

    def read_quota(self) -> None:
        """Start reading the daily quota; one QuotaRead follows."""
        threading.Thread(target=self._read_quota, name="wxpush-quota", daemon=True).start()

    def close(self) -> None:
        """Let go of connections and threads; calls under way are abandoned."""
        self._keeper.listen(lambda _trouble: None)
        self._courier.close()
        self._client.close()

    def _use(self, token: Token | None) -> None:
        if token is not None and token != self._token:
            self._request = _request(self._account, SEND_PATH, token, b"")
        self._token = token

    def _answered(self, ticket: int, reply: Reply) -> Answered:
        judged = verdict("send", reply)
        _tell_keeper(self._keeper, judged, self._tokens.pop(ticket))
        return Answered(ticket, judged, reply.seconds)

    def _hear_of_token(self, trouble: Trouble | None) -> None:
        # Each failure counts, though it reads like the one before: by them a run knows an outage.
        if trouble is not None:
            self._news.put(trouble)
        self.wake()

    def _read_quota(self) -> None:
        try:
            read = QuotaRead(self._client.quota())
        except WxpushError as error:
            read = QuotaRead(None, str(error))
        self._news.put(read)
        self.wake()


# The token ran out between `free` and `submit`: the message stays where it was.
_NO_TOKEN: Final = Verdict(VerdictKind.AGAIN, "network", CodeClass.TRANSIENT, Arrival.NEVER_LEFT)


def _control(account: Account, workers: int = _CONTROL_WORKERS) -> Transport:
    return Transport(workers, _CONTROL_SECONDS, proxy=account.proxy, ca_file=account.ca_file)


def _request(
    account: Account, path: str, token: Token, body: bytes | None, query: str = "", most: int = MAX_BODY
) -> Request:
    url = f"{account.api_base}{path}?access_token={quote(token.value, safe='')}{query}"
    secrets = (token.value,)
    if body is None:
        return Request("GET", url, secrets=secrets, most=most)
    return Request("POST", url, body, JSON_HEADERS, secrets, most)


def _encoded(body: dict[str, Any] | None) -> bytes | None:
    return None if body is None else json.dumps(body, ensure_ascii=False).encode()


def _tell_keeper(keeper: TokenKeeper, judged: Verdict, token: Token) -> None:
    """A definite answer that is not about the account proves the token good."""
    if judged.token_refused:
        keeper.refuse(token.serial)
    elif judged.arrival is Arrival.ANSWERED and judged.cls is not CodeClass.ACCOUNT:
        keeper.accepted(token.serial)


def _stopped(judged: Verdict, reply: Reply, path: str) -> StoppedError:
    known = info(judged.code)
    detail = judged.detail or reply.detail
    message = _("WeChat's {path}: {meaning} ({code}).").format(
        path=path, meaning=known.meaning, code=judged.code
    )
    return StoppedError(f"{message} {detail}".rstrip(), str(known.advice), code=judged.code)
