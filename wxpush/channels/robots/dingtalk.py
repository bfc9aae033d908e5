"""The group robot of DingTalk (钉钉): what it is sent, and how that is signed.

Source: DingTalk's page custom-robots-send-group-messages.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qs, quote, urlsplit

from wxpush.channels.robots.answer import cut
from wxpush.config.account import is_loopback
from wxpush.config.target_reader import DINGTALK_HOSTS

PATH: Final = "/robot/send"
#: Well below the 20,000 bytes of a whole body, whatever JSON makes of the characters.
_MOST_TEXT: Final = 8_000


def body(
    text: str,
    *,
    keyword: str = "",
    mobiles: Sequence[str] = (),
    users: Sequence[str] = (),
    everybody: bool = False,
    message_id: str = "",
) -> bytes:
    """A text message; `keyword` is put before it where it lacks it.

    With the same `message_id` a second try isn't shown twice.
    """
    content = text if keyword in text else f"{keyword} {text}"
    message: dict[str, object] = {"msgtype": "text", "text": {"content": cut(content, _MOST_TEXT)}}
    if mobiles or users or everybody:
        message["at"] = {"atMobiles": list(mobiles), "atUserIds": list(users), "isAtAll": everybody}
    if message_id:
        message["msgUuid"] = message_id
    return json.dumps(message, ensure_ascii=False).encode("utf-8", "replace")


def signature(secret: str, milliseconds: int) -> str:
    """Base64 of HMAC-SHA256 over `timestamp + newline + secret`, with the secret as its key."""
    text = f"{milliseconds}\n{secret}"
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode()


def signed(url: str, secret: str, milliseconds: int) -> str:
    """The robot's address with timestamp and signature."""
    return f"{url}&timestamp={milliseconds}&sign={quote(signature(secret, milliseconds), safe='')}"


def is_address(url: str) -> bool:
    """Whether `url` is that of a robot: DingTalk's own, or one on this machine to practise on."""
    parts = urlsplit(url)
    own = parts.scheme == "https" and parts.netloc.lower() in DINGTALK_HOSTS
    practice = parts.scheme in ("http", "https") and is_loopback(parts.hostname or "")
    return (own or practice) and parts.path == PATH and "access_token" in parse_qs(parts.query)
