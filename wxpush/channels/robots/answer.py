"""What a robot's answer means, by its errcode: told, perhaps at another try, or not."""

import csv
import json
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Final

from wxpush.channels.http.reply import Reply
from wxpush.i18n import Bilingual

_OK: Final = "0"
_MOST_DETAIL: Final = 200
#: DingTalk's 310000 stands for several settings; only its text, old or new, says which.
_SECURITY: Final = (
    ("310000/keyword", re.compile(r"keywords? not in content|关键词", re.IGNORECASE)),
    ("310000/time", re.compile(r"timestamp|时间戳|过期", re.IGNORECASE)),
    ("310000/sign", re.compile(r"sign|签名", re.IGNORECASE)),
    ("310000/ip", re.compile(r"\bip\b|白名单", re.IGNORECASE)),
)
#: What a robot finds wrong with a message that has no time and no signature.
_OF_SIGNATURES: Final = frozenset({"310000/time", "310000/sign"})


class Fate(StrEnum):
    """What became of a notification."""

    TOLD = "told"
    AGAIN = "again"
    NOT_TOLD = "not_told"


@dataclass(frozen=True, slots=True)
class Answer:
    """`code` is the robot's errcode as text, an HTTP status (`http 500`) or one of ours (`network`)."""

    fate: Fate
    code: str = _OK
    meaning: Bilingual = Bilingual("", "")  # noqa: RUF009 - it is frozen
    advice: Bilingual = Bilingual("", "")  # noqa: RUF009 - it is frozen
    detail: str = ""


def verdict(robot: str, reply: Reply, *, signed: bool = True) -> Answer:
    """What `reply` means; `robot` is `wecom` or `dingtalk`, which may want its messages `signed`."""
    if reply.failure:
        return unanswered(reply)
    body = _object(reply.body)
    code = None if body is None else _code(body)
    if body is None or code is None:
        return by_status(reply)
    if code == _OK:
        return Answer(Fate.TOLD)
    errmsg = body.get("errmsg")
    detail = errmsg if isinstance(errmsg, str) else ""
    if code == "310000":
        # What the solution advises may name any of them.
        said = detail.partition(";solution")[0]
        code = next((name for name, pattern in _SECURITY if pattern.search(said)), code)
        if code in _OF_SIGNATURES and not signed:
            code = "310000/unsigned"
    return _known(robot, code, detail)


def unanswered(reply: Reply) -> Answer:
    """A call that broke."""
    return ours(reply.failure, reply.detail)


def ours(code: str, detail: str = "") -> Answer:
    """What went wrong on our side of it: `network`, `timeout`, `command` and the like."""
    return _known("", code, detail)


def by_status(reply: Reply) -> Answer:
    """What an answer means that has nothing but its HTTP status to go by."""
    if 200 <= reply.status < 300:
        return ours("bad_reply")
    passing = reply.status == 429 or reply.status >= 500
    found = ours("http")
    fate = Fate.AGAIN if passing else Fate.NOT_TOLD
    return Answer(fate, f"http {reply.status}", found.meaning, found.advice)


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body.decode("utf-8-sig", errors="replace"))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _code(body: dict[str, Any]) -> str | None:
    """The errcode, in each of the shapes that DingTalk gives it."""
    code = body.get("errcode")
    if code == 88 and str(body.get("sub_code", "")).isascii() and str(body.get("sub_code", "")).isdigit():
        return str(body["sub_code"])
    if body.get("punish") == "deny" or body.get("status") == 1111:
        return "130101"
    return str(code) if isinstance(code, int) and not isinstance(code, bool) else None


def _known(robot: str, code: str, detail: str) -> Answer:
    table = _table()
    fate, meaning, advice = table.get((robot, code)) or table["", "unknown" if robot else code]
    return Answer(fate, code.partition("/")[0], meaning, advice, detail[:_MOST_DETAIL])


@cache
def _table() -> dict[tuple[str, str], tuple[Fate, Bilingual, Bilingual]]:
    with Path(__file__).with_name("errcodes.csv").open(encoding="utf-8", newline="") as file:
        return {
            (row["robot"], row["code"]): (
                Fate(row["fate"]),
                Bilingual(en=row["en"], zh=row["zh"]),
                Bilingual(en=row["advice_en"], zh=row["advice_zh"]),
            )
            for row in csv.DictReader(file)
        }


def cut(text: str, limit: int) -> str:
    """`text` in at most `limit` bytes of UTF-8, cut between two characters, with `…` where it was."""
    raw = text.encode("utf-8", "replace")
    if len(raw) <= limit:
        return text
    return raw[: max(0, limit - len("…".encode()))].decode("utf-8", "ignore") + "…"
