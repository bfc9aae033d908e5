"""An account's callback URL: what comes in is WeChat's or refused, and all refusals look alike.

In plain mode WeChat signs its token, the time and a nonce, but not the body: whoever has seen one request
could send another body with its signature for five minutes. So a signature is good for one body only.
Encrypted pushes are signed as a whole, and with a key at hand nothing else is believed.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

from wxpush.channels.wechat.crypto import Cipher, UndecipheredError, is_signed
from wxpush.channels.wechat.events import MOST_BYTES, BadEventError, Event, parse, read
from wxpush.config import Secret

ANOTHER_KEY: Final = "key"
"""The reason of a push that is signed with our token, and encrypted with a key that we don't have."""
_MOST_SKEW: Final = 300
_MOST_QUERY: Final = 4096
_MOST_ECHO: Final = 1024
_TIME: Final = re.compile(r"[0-9]{1,12}", re.ASCII)


class RefusedError(Exception):
    """Not from WeChat, not of now, or not readable; `reason` is for the operator's count, never an answer."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Seen:
    """Which marks were met lately: at least `ttl` seconds long, and at most twice `most` at a time.

    Where more come in, the older ones are forgotten early.
    """

    def __init__(self, ttl: float, most: int) -> None:
        self._ttl, self._most = ttl, most
        self._young: dict[bytes, bytes] = {}
        self._old: dict[bytes, bytes] = {}
        self._begun: float | None = None

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, key: bytes) -> bytes | None:
        """What was noted with `key`."""
        found = self._young.get(key)
        return self._old.get(key) if found is None else found

    def note(self, key: bytes, value: bytes, now: float) -> None:
        """Remember `key` and what goes with it; `now` is of any clock that doesn't run backwards."""
        if self._begun is None:
            self._begun = now
        if now - self._begun > self._ttl or len(self._young) >= self._most:
            self._old, self._young, self._begun = self._young, {}, now
        self._young[key] = value


class Callback:
    """Opens what arrives at the URL of one account."""

    def __init__(
        self, token: Secret, appid: str, aes_keys: Sequence[Secret] = (), *, allow_plain: bool = False
    ) -> None:
        """`aes_keys`: the present EncodingAESKey, then the former; with one, plain pushes are refused unless
        `allow_plain`."""
        self._token = token
        self._ciphers = [Cipher(key.reveal(), appid) for key in aes_keys]
        self._plain = allow_plain or not aes_keys
        # Longer than a signature is good for, on either side of our clock.
        self._used = Seen(ttl=2 * _MOST_SKEW, most=131_072)

    def echo(self, query: str, now: float) -> str:
        """The answer to WeChat's question whether the URL is ours. Raises RefusedError."""
        asked = _query(query)
        echo = asked.get("echostr", "")
        if not 0 < len(echo) <= _MOST_ECHO:
            raise RefusedError("form")
        if "msg_signature" not in asked:
            self._check(asked, "signature", now)
            return echo
        self._check(asked, "msg_signature", now, echo)
        return self._decrypted(echo).decode("utf-8", "replace")

    def open(self, query: str, body: bytes, now: float) -> Event:
        """What a POST tells; `now` is Unix time. Raises RefusedError.

        What comes a second time, word for word, is WeChat's own repetition and opened again.
        """
        asked = _query(query)
        self._check_first(asked, body, now)
        try:
            return read(self._fields(asked, body, now), now)
        except BadEventError:
            raise RefusedError("content") from None

    def _fields(self, asked: dict[str, str], body: bytes, now: float) -> dict[str, Any]:
        fields = parse(body)
        encrypted = fields.get("Encrypt")
        if isinstance(encrypted, str) and (self._ciphers or "MsgType" not in fields):
            self._check(asked, "msg_signature", now, encrypted)
            return parse(self._decrypted(encrypted))
        if not self._plain:
            raise RefusedError("plain")
        self._check(asked, "signature", now)
        self._use_up(asked, body, now)
        return fields

    def _check_first(self, asked: dict[str, str], body: bytes, now: float) -> None:
        """All that can be refused without a look into the body."""
        if not body or len(body) > MOST_BYTES:
            raise RefusedError("size")
        if "signature" in asked or "msg_signature" not in asked:
            self._check(asked, "signature", now)

    def _check(self, asked: dict[str, str], name: str, now: float, *more: str) -> None:
        given, stamp, nonce = (asked.get(key, "") for key in (name, "timestamp", "nonce"))
        if not is_signed(given, self._token.reveal(), stamp, nonce, *more):
            raise RefusedError("signature")
        if not _TIME.fullmatch(stamp) or abs(now - int(stamp)) > _MOST_SKEW:
            raise RefusedError("time")

    def _use_up(self, asked: dict[str, str], body: bytes, now: float) -> None:
        """See that a signature that doesn't cover the body goes with one body only."""
        mark, digest = _digest(f"{asked['timestamp']}\n{asked['nonce']}".encode()), _digest(body)
        used = self._used.get(mark)
        if used is None:
            self._used.note(mark, digest, now)
        elif used != digest:
            raise RefusedError("replay")

    def _decrypted(self, encrypted: str) -> bytes:
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(encrypted)
            except UndecipheredError:
                continue
        raise RefusedError(ANOTHER_KEY)


def _query(query: str) -> dict[str, str]:
    """The parameters, none of them twice: two readers might each believe another one."""
    if len(query) > _MOST_QUERY:
        raise RefusedError("form")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=32, errors="strict")
    except ValueError:
        raise RefusedError("form") from None
    asked = dict(pairs)
    if len(asked) != len(pairs):
        raise RefusedError("form")
    return asked


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()
