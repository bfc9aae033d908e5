"""An address of one's own that takes the summary: signed, so that nobody else can tell it anything."""

import hashlib
import hmac
from typing import Final

from wxpush.channels.http.reply import Reply
from wxpush.channels.robots.answer import Answer, Fate, by_status, unanswered

SIGNATURE: Final = "X-Wxpush-Signature"
TIMESTAMP: Final = "X-Wxpush-Timestamp"


def headers(body: bytes, key: str | None, seconds: int) -> tuple[tuple[str, str], ...]:
    """The headers of a notification that is sent at `seconds` (Unix time)."""
    plain = (("Content-Type", "application/json; charset=utf-8"), (TIMESTAMP, str(seconds)))
    return plain if key is None else (*plain, (SIGNATURE, signature(body, key, seconds)))


def signature(body: bytes, key: str, seconds: int) -> str:
    """`sha256=` and the HMAC over the timestamp's digits and the body, in hex."""
    return "sha256=" + hmac.new(key.encode(), str(seconds).encode() + body, hashlib.sha256).hexdigest()


def verdict(reply: Reply) -> Answer:
    """Any 2xx is told, whatever stands in it; nothing is followed."""
    if reply.failure:
        return unanswered(reply)
    return Answer(Fate.TOLD) if 200 <= reply.status < 300 else by_status(reply)
