"""The group robot of WeCom (企业微信): what it is sent (reference: work.weixin.qq.com, path 99110)."""

import json
from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qs, urlsplit

from wxpush.channels.robots.answer import cut
from wxpush.config.account import is_loopback
from wxpush.config.target_reader import WECOM_HOST

PATH: Final = "/cgi-bin/webhook/send"
MOST_TEXT: Final = 2048
"""Bytes; the robot refuses more, it doesn't cut."""
MOST_MARKDOWN: Final = 4096


def body(text: str, mobiles: Sequence[str] = ()) -> bytes:
    """A text message that calls people by their phone numbers."""
    part: dict[str, object] = {"content": cut(text, MOST_TEXT)}
    if mobiles:
        part["mentioned_mobile_list"] = list(mobiles)
    return _encoded({"msgtype": "text", "text": part})


def markdown_body(title: str, text: str) -> bytes:
    """A message with its title in bold."""
    content = cut(f"**{title}**\n>{text}", MOST_MARKDOWN)
    return _encoded({"msgtype": "markdown", "markdown": {"content": content}})


def is_address(url: str) -> bool:
    """Whether `url` is that of a robot: WeCom's own, or one on this machine to practise on."""
    parts = urlsplit(url)
    own = parts.scheme == "https" and parts.netloc.lower() == WECOM_HOST
    practice = parts.scheme in ("http", "https") and is_loopback(parts.hostname or "")
    return (own or practice) and parts.path == PATH and "key" in parse_qs(parts.query)


def _encoded(message: dict[str, object]) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode("utf-8", "replace")
