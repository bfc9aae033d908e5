"""What WeChat pushes to a callback URL, as XML or JSON: receipts, people who come and go, and the rest."""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from wxpush.channels.wechat.addresses import POSSIBLE_OPENID
from wxpush.fastjson import loads
from wxpush.i18n import _
from wxpush.model import Receipt

MOST_BYTES: Final = 64 * 1024
"""The longest body that is looked into."""
_MOST_MSGID: Final = 2**63
_MOST_TEXT: Final = 128
_DAY: Final = 86_400
_FIRST: Final = 1_388_534_400
"""2014, when template messages began: nothing was sent before."""
_WHOLE: Final = re.compile(r"[0-9]{1,20}", re.ASCII)
_ROUND_COLON: Final = re.compile(r"\s*:\s*")


class BadEventError(ValueError):
    """Nothing that WeChat pushes; `str` says why, and holds no word of it."""


class Following(NamedTuple):
    """Somebody has begun (`subscribed`) or ceased to follow the account; `at` is Unix time."""

    openid: str
    subscribed: bool
    at: int


Event = Receipt | Following | None
"""None is a push of another kind, which isn't for us."""


def parse(body: bytes) -> dict[str, Any]:
    """The fields of a push, in XML or JSON, as they stand; nested ones of XML are left out.

    Raises BadEventError.
    """
    if len(body) > MOST_BYTES:
        raise BadEventError(_("longer than 64 KiB"))
    try:
        text = body.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise BadEventError(_("no UTF-8 text")) from None
    return _json(text) if text.startswith("{") else _xml(text)


def read(fields: Mapping[str, Any], received: float) -> Event:
    """What the fields of a push tell; `received` is when, in Unix time. Raises BadEventError."""
    if fields.get("MsgType") != "event":
        return None
    kind = str(fields.get("Event", "")).lower()
    if kind == "templatesendjobfinish":
        return _receipt(fields, received)
    if kind in ("subscribe", "unsubscribe"):
        return Following(_openid(fields), kind == "subscribe", _created(fields, received))
    return None


def names_oddly(fields: Mapping[str, Any]) -> bool:
    """Whether the push names its message by something that is no number of WeChat's.

    Of a push from WeChat itself that is no reason to lose it; in a file it tells of a wrong column.
    """
    named = fields.get("MsgID", fields.get("MsgId"))
    if named is None or (isinstance(named, str) and not named.strip()):
        return False
    number = _whole(named)
    return number is None or number >= _MOST_MSGID


def normal_status(text: str) -> str:
    """A status as it is compared: WeChat writes `failed: system failed` with a blank, others without."""
    return _ROUND_COLON.sub(":", " ".join(text.lower().split()))


def as_receipt(fields: Mapping[str, Any], received: float) -> Receipt:
    """A receipt by our own names: msgid, to, status, at and perhaps received. Raises BadEventError."""
    ours = {"MsgID": "msgid", "FromUserName": "to", "Status": "status", "CreateTime": "at"}
    told = fields.get("received")
    if isinstance(told, int | float) and _FIRST <= told <= received:
        received = float(told)
    by_theirs = {name: fields[own] for name, own in ours.items()}
    if names_oddly(by_theirs):
        raise BadEventError(_("a msgid that is no number of WeChat's"))
    return _receipt(by_theirs, received)


def _receipt(fields: Mapping[str, Any], received: float) -> Receipt:
    status = fields.get("Status")
    if not isinstance(status, str) or not status.strip() or len(status) > _MOST_TEXT:
        raise BadEventError(_("no Status"))
    if not status.isprintable():
        raise BadEventError(_("a Status with control characters"))
    at = _created(fields, received)
    return Receipt(_msgid(fields), _openid(fields), normal_status(status), at, received)


def _msgid(fields: Mapping[str, Any]) -> int:
    """0 where it is lacking, as it is said to be at times; joined by person and time then."""
    number = _whole(fields.get("MsgID", fields.get("MsgId")))
    return number if number is not None and number < _MOST_MSGID else 0


def _openid(fields: Mapping[str, Any]) -> str:
    openid = fields.get("FromUserName")
    if not isinstance(openid, str) or not POSSIBLE_OPENID.fullmatch(openid):
        raise BadEventError(_("no openid in FromUserName"))
    return openid


def _created(fields: Mapping[str, Any], received: float) -> int:
    at = _whole(fields.get("CreateTime"))
    if at is None or not _FIRST <= at <= received + _DAY:
        raise BadEventError(_("no possible CreateTime"))
    return at


def _whole(value: Any) -> int | None:
    if type(value) is int:
        return value if value >= 0 else None
    text = value.strip() if isinstance(value, str) else ""
    return int(text) if _WHOLE.fullmatch(text) else None


def _json(text: str) -> dict[str, Any]:
    try:
        value = loads(text)
    except (ValueError, RecursionError):
        raise BadEventError(_("broken JSON")) from None
    if not isinstance(value, dict):
        raise BadEventError(_("no JSON object"))
    return value


def _xml(text: str) -> dict[str, Any]:
    try:
        root = fromstring(text, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    except DefusedXmlException:
        raise BadEventError(_("XML with a DTD or entities")) from None
    except (ParseError, ValueError):
        raise BadEventError(_("broken XML")) from None
    if root.tag != "xml":
        raise BadEventError(_("XML of another kind"))
    fields: dict[str, Any] = {}
    for child in root:
        fields.setdefault(child.tag, (child.text or "").strip())
    return fields
