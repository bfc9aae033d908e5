"""What WeChat's refusals look like: error texts, request ids and the book in which a rid can be looked up."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_RID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}", re.ASCII)
_KEPT = 1000
_SEVEN_DAYS_S = 7 * 86_400

MESSAGES: Mapping[int, str] = {
    -1: "system error",
    40001: (
        "invalid credential, access_token is invalid or not latest, could get access_token by "
        "getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r"
    ),
    40002: "invalid grant_type",
    40003: "invalid openid",
    40013: "invalid appid",
    40014: "invalid access_token",
    40032: "invalid openid list size",
    40037: "invalid template_id",
    40066: "invalid url",
    40125: "invalid appsecret",
    40165: "invalid weapp pagepath",
    40241: "The message is duplicate in 60 seconds",
    40243: "AppSecret is frozen",
    40249: "this template msg has been blocked for illegal content",
    40252: "该模板消息部分内容已进入平台审核,审核完成前不可下发",
    41001: "access_token missing",
    41002: "appid missing",
    41004: "appsecret missing",
    42001: "access_token expired",
    43001: "require GET method",
    43002: "require POST method",
    43004: "require subscribe",
    43019: "require remove blacklist",
    43101: "user refuse to accept the msg",
    43116: "This template_id is banned",
    43117: "Sending messages to this openid too frequently, please try later",
    44002: "empty post data",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    45159: "invalid tag id",
    47001: "data format error",
    48001: "api unauthorized",
    48004: "api forbidden for irregularities, view detail on mp.weixin.qq.com",
    48006: "forbid to clear quota because of reaching the limit",
    48011: "disabled template id",
    50002: "user limited",
    50004: "user not allow to use accesstoken, maybe for punishment",
    50007: "account is frozen",
    76001: "rid not found",
    76002: "rid is error",
    76004: "rid is expired",
    76021: "cgi_path not found, please check",
    76022: "could not use this cgi_path, no permission",
    89501: "pending IP confirmation request, retry later",
    89503: "this call needs admin confirmation",
    89506: "IP rejected by admin, retry after 24 h",
    89507: "IP rejected by admin, retry after 1 h",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A business error; `text` stands in for the code's usual words."""

    code: int
    text: str = ""

    def errmsg(self, rid: str) -> str:
        """The errmsg with its rid, set off by a comma after 45011 as reported."""
        text = self.text or MESSAGES.get(self.code, "unknown error")
        return f"{text}{',' if self.code == 45011 else ''} rid: {rid}"


class RidBook:
    """Gives out request ids and keeps the last thousand refused requests for rid/get, each for seven days."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._records: dict[str, dict[str, Any]] = {}

    def new(self, now: float) -> str:
        """A rid; its first group is the time, as seen in real ones."""
        low, high = self._chance.getrandbits(32), self._chance.getrandbits(32)
        return f"{int(now) & 0xFFFFFFFF:08x}-{low:08x}-{high:08x}"

    def keep(self, rid: str, record: dict[str, Any]) -> None:
        """Remember the request of `rid`; `record` is what rid/get answers, `invoke_time` in seconds."""
        self._records[rid] = record
        while len(self._records) > _KEPT:
            del self._records[next(iter(self._records))]

    def find(self, rid: str, now: float) -> dict[str, Any] | Refusal:
        """The record of `rid`, or why it can't be had."""
        if not _RID.fullmatch(rid):
            return Refusal(76002)
        if int(rid[:8], 16) < now - _SEVEN_DAYS_S:
            return Refusal(76004)
        return self._records.get(rid) or Refusal(76001)
