"""WeChat's error codes: what each one means, whose fault it is, and what a reply that carries it means.

Two tables hold the knowledge: `errcodes.csv` the codes that this program can meet (WeChat's and its own),
with class, scope and advice; `errcodes_more.csv` the rest of WeChat's global list, for `wxpush explain`.
Classes and advice are judgements; the meanings are WeChat's texts.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from wxpush.channels.http.reply import Reply, parse_body
from wxpush.i18n import Bilingual
from wxpush.model import Arrival, CodeClass, Verdict, VerdictKind

TOKEN_REFUSED = frozenset({"40001", "40014", "41001", "42001"})
"""Codes by which a business call refuses its access_token; the message was not looked at."""
_BUSY = frozenset({"-1", "61450"})
_RECIPIENT_LAST = frozenset({"43108", "43117"})
_MAX_DETAIL = 500
_NO_WORD = re.compile(r"[\W_]+")
_HTTP_OK = 200
_PLAIN_OK = re.compile(rb'\{"errcode":0,"errmsg":"ok","msgid":([1-9][0-9]{0,17})\}').fullmatch
"""The answer to almost every message, which needs no parser."""

_BY_CLASS = {
    CodeClass.TRANSIENT: VerdictKind.AGAIN,
    CodeClass.THROTTLE: VerdictKind.AGAIN,
    CodeClass.ACCOUNT: VerdictKind.STOP,
    CodeClass.MESSAGE: VerdictKind.FAIL,
    CodeClass.RECIPIENT: VerdictKind.FAIL,
    CodeClass.UNKNOWN: VerdictKind.FAIL,
}
_ANYWHERE = {
    "0": VerdictKind.ACCEPTED,
    "45009": VerdictKind.STOP,
    "45011": VerdictKind.SLOW_DOWN,
    "45040": VerdictKind.STOP,
    "45104": VerdictKind.STOP,
}
_SENDING = {
    # Here it speaks of the mini program in the message: the account's own appid had to be right for a token.
    "40013": (VerdictKind.FAIL, CodeClass.MESSAGE),
    "40241": (VerdictKind.DUPLICATE, CodeClass.UNKNOWN),
    "40252": (VerdictKind.HOLD, CodeClass.UNKNOWN),
    # A banned or disabled template reaches nobody, so the rest of the list would be burnt.
    "43116": (VerdictKind.STOP, CodeClass.MESSAGE),
    "48011": (VerdictKind.STOP, CodeClass.MESSAGE),
}
_REFUSALS = frozenset({VerdictKind.FAIL, VerdictKind.STOP})
_PROMISED: dict[str, tuple[str, type]] = {"token": ("access_token", str), "quota": ("quota", dict)}
"""What a good answer holds besides its errcode; without it the answer can't be used."""


@dataclass(frozen=True, slots=True)
class CodeInfo:
    """A code in words. `scope` says what it concerns: message, recipient, template, account, or nothing."""

    code: str
    meaning: Bilingual
    advice: Bilingual
    cls: CodeClass
    scope: str = ""


REJECTED = CodeInfo(
    "40252",
    Bilingual("rejected after review; WeChat does not deliver it", "审核未通过，微信不会下发"),
    Bilingual(
        "Change the text, for instance the campaign's wording or this row's values, and send it again: "
        "unchanged it would be rejected again.",
        "修改文案（群发文件的措辞或这一行的内容）后再发送；内容不变会再次被拒。",
    ),
    CodeClass.MESSAGE,
    "message",
)
"""What the code of a held message means when the review has rejected it."""


def info(code: str) -> CodeInfo:
    """What `code` (WeChat's errcode as text, or one of ours) means; a default where nobody knows."""
    return _known().get(code) or _more().get(code) or _unheard_of(code)


def info_of(code: str, state: str) -> CodeInfo:
    """What `code` means of a message that is in `state`: one that was held is rejected once it has failed."""
    return REJECTED if code == REJECTED.code and state == "failed" else info(code)


def worded(known: CodeInfo, detail: str) -> str:
    """Its meaning, in the language in force, with `detail` where that says something else."""
    meaning = known.meaning
    if any(repeats(detail, text) for text in (str(meaning), meaning.en)):
        return str(meaning)
    return f"{meaning} ({detail})"


def repeats(detail: str, text: str) -> bool:
    """Whether `detail` says nothing that `text` doesn't, whatever their case and punctuation."""
    return _plain(detail) in _plain(text)


def _plain(text: str) -> str:
    return _NO_WORD.sub("", text).casefold()


def is_known(code: str) -> bool:
    """Whether one of the tables has `code`."""
    return code in _known() or code in _more()


def verdict(endpoint: str, reply: Reply) -> Verdict:
    """What `reply` means. `endpoint` is `send` (template/send), `token`, `quota` or `other`.

    For calls that carry no message, STOP says that this call can't succeed until somebody mends
    something, FAIL that it was refused as it stands.
    """
    if reply.failure:
        return _unanswered(reply)
    if endpoint == "send" and reply.status == _HTTP_OK and (plain := _PLAIN_OK(reply.body)):
        cls, msgid = _known()["0"].cls, int(plain[1])
        return Verdict(VerdictKind.ACCEPTED, "0", cls, Arrival.ANSWERED, msgid, wait=reply.retry_after)
    body = parse_body(reply)
    code = _errcode(endpoint, body)
    if body is None or code is None or not (200 <= reply.status < 300 or 400 <= reply.status < 500):
        # After a 3xx or 5xx the message may have gone through, whatever the gateway says.
        return _unreadable(endpoint, reply)
    judged = _judge(endpoint, code, body, reply.retry_after)
    return _slowed(endpoint, judged) if reply.status == 429 else judged


def _judge(endpoint: str, code: str, body: dict[str, Any], wait: float | None) -> Verdict:
    kind, cls = _ruling(endpoint, code)
    sending = endpoint == "send"
    errmsg = body.get("errmsg")
    return Verdict(
        kind,
        code,
        cls,
        Arrival.BUSY if code in _BUSY else Arrival.ANSWERED,
        msgid=body.get("msgid") if sending else None,
        detail=_whole(errmsg[:_MAX_DETAIL]) if isinstance(errmsg, str) and code != "0" else "",
        wait=wait,
        token_refused=code in TOKEN_REFUSED and endpoint != "token",
        recipient_last=code in _RECIPIENT_LAST and sending,
    )


def _whole(text: str) -> str:
    """`text` without halves of characters, which JSON can hold and no record can."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _slowed(endpoint: str, judged: Verdict) -> Verdict:
    """A 429 whose code leaves open what to do: it was too fast."""
    too_vague = judged.cls is CodeClass.UNKNOWN and judged.kind in _REFUSALS
    undecided = too_vague or (judged.kind is VerdictKind.AGAIN and not judged.token_refused)
    return judged._replace(kind=_too_fast(endpoint), cls=CodeClass.THROTTLE) if undecided else judged


def _too_fast(endpoint: str) -> VerdictKind:
    """No rate paces the token call, so there it is just tried again."""
    return VerdictKind.AGAIN if endpoint == "token" else VerdictKind.SLOW_DOWN


def _ruling(endpoint: str, code: str) -> tuple[VerdictKind, CodeClass]:
    cls = info(code).cls
    if endpoint == "token":
        return _token_ruling(code, cls), cls
    if code in TOKEN_REFUSED:
        return VerdictKind.AGAIN, cls
    if endpoint == "send" and code in _SENDING:
        return _SENDING[code]
    return _ANYWHERE.get(code) or _BY_CLASS[cls], cls


def _token_ruling(code: str, cls: CodeClass) -> VerdictKind:
    """A token that is not given holds up everybody: it comes by itself, or somebody must act."""
    if code == "0":
        return VerdictKind.ACCEPTED
    return VerdictKind.AGAIN if cls is CodeClass.TRANSIENT or code == "45011" else VerdictKind.STOP


def _errcode(endpoint: str, body: dict[str, Any] | None) -> str | None:
    """The answer's errcode as text, `0` where success leaves it out; None where the answer says nothing.

    template/send always has one: without it nobody knows whether the message was accepted.
    """
    if body is None:
        return None
    if body.get("errcode"):
        return str(body["errcode"])
    if endpoint == "send":
        return "0" if "errcode" in body else None
    name, kind = _PROMISED.get(endpoint, ("", object))
    if name and not (isinstance(body.get(name), kind) and body[name]):
        return None
    return "0"


def _unanswered(reply: Reply) -> Verdict:
    never_left = reply.arrival is Arrival.NEVER_LEFT and reply.failure != "bad_reply"
    arrival = Arrival.NEVER_LEFT if never_left else Arrival.SILENT
    return Verdict(VerdictKind.AGAIN, reply.failure, CodeClass.TRANSIENT, arrival, wait=reply.retry_after)


def _unreadable(endpoint: str, reply: Reply) -> Verdict:
    throttled = reply.status == 429
    return Verdict(
        _too_fast(endpoint) if throttled else VerdictKind.AGAIN,
        "bad_reply",
        CodeClass.THROTTLE if throttled else CodeClass.TRANSIENT,
        Arrival.SILENT,
        detail=f"HTTP {reply.status}",
        wait=reply.retry_after,
    )


@cache
def _known() -> dict[str, CodeInfo]:
    return {
        row["code"]: CodeInfo(
            row["code"],
            Bilingual(row["en"], row["zh"]),
            Bilingual(row["advice_en"], row["advice_zh"]),
            CodeClass(row["class"]),
            row["scope"],
        )
        for row in _rows("errcodes.csv")
    }


@cache
def _more() -> dict[str, CodeInfo]:
    return {
        row["code"]: CodeInfo(
            row["code"],
            Bilingual(row["en"] or row["zh"], row["zh"] or row["en"]),
            _default_advice(row["code"]),
            CodeClass.UNKNOWN,
        )
        for row in _rows("errcodes_more.csv")
    }


def _rows(name: str) -> Iterator[dict[str, str]]:
    with Path(__file__).with_name(name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _unheard_of(code: str) -> CodeInfo:
    meaning = Bilingual("unknown code", "未知代码")
    return CodeInfo(code, meaning, _default_advice(code), CodeClass.UNKNOWN)


def _default_advice(code: str) -> Bilingual:
    return Bilingual(
        "wxpush does not try this again by itself. See what WeChat's text says; once the cause is removed, "
        f"run `wxpush retry-failed --code {code}`.",
        f"wxpush 不会自动重试。查看微信返回的原文，排除原因后运行 wxpush retry-failed --code {code}。",
    )
