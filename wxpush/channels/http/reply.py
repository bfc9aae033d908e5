"""A reply: what a server answered to one call, or how the call broke."""

import json
from typing import Any, NamedTuple

from wxpush.model import Arrival

_INT64 = 1 << 63


class Reply(NamedTuple):
    """One call's end, before anybody has judged what it means.

    `failure` is empty when an HTTP answer was read wholly (a redirect or a 5xx is an answer too), else
    `network`, `timeout` or `bad_reply`. `arrival` is then NEVER_LEFT or SILENT by what the call had done
    when it broke; a whole answer is ANSWERED. `retry_after` is the server's Retry-After in seconds,
    0 to 120; `seconds` is how long the call took; `detail` says in a few words why it broke (never with a
    URL or a token in it).
    """

    arrival: Arrival
    status: int = 0
    body: bytes = b""
    failure: str = ""
    retry_after: float | None = None
    seconds: float = 0.0
    detail: str = ""


def parse_body(reply: Reply) -> dict[str, Any] | None:
    """The JSON object that was answered, or None where there is none that can be trusted.

    An `errcode` in it is an int. A `msgid` in it is an int of 64 bits: an odd one is left out, since the
    errcode beside it still holds.
    """
    if reply.failure:
        return None
    try:
        # WeChat cuts nicknames inside errmsg in the middle of a character.
        found = json.loads(reply.body.decode("utf-8-sig", errors="replace"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not _is_int(found.get("errcode", 0)):
        return None
    if "msgid" in found and not (_is_int(found["msgid"]) and -_INT64 <= found["msgid"] < _INT64):
        del found["msgid"]
    return found


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
