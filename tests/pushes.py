"""Pushes as WeChat makes them, for tests: signed, plain or encrypted, XML or JSON."""

import hashlib
import json
import os
import time
from dataclasses import dataclass
from urllib.parse import urlencode

TOKEN = "simtoken"
AES_KEY = "SimulatorKey0123456789abcdefghijklmnopqrstA"
APPID = "wx0123456789abcdef"

DOCUMENTED = b"""<xml><ToUserName><![CDATA[gh_7f083739789a]]></ToUserName>
<FromUserName><![CDATA[oia2TjuEGTNoeX76QEjQNrcURxG8]]></FromUserName>
<CreateTime>1395658920</CreateTime>
<MsgType><![CDATA[event]]></MsgType>
<Event><![CDATA[TEMPLATESENDJOBFINISH]]></Event>
<MsgID>200163836</MsgID>
<Status><![CDATA[success]]></Status></xml>"""
BOMB = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))
ATTACKS = {
    "a bomb": f'<!DOCTYPE xml [<!ENTITY a0 "ha">{BOMB}]><xml><Status>&a9;</Status></xml>'.encode(),
    "a long entity": b'<!DOCTYPE x [<!ENTITY a "' + b"a" * 40_000 + b'">]><xml>' + b"&a;" * 5000 + b"</xml>",
    "a file": b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><xml><Status>&f;</Status></xml>',
    "an address": b'<!DOCTYPE x [<!ENTITY f SYSTEM "http://127.0.0.1:9/">]><xml><Status>&f;</Status></xml>',
    "a parameter": b'<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x.dtd"> %p;]><xml></xml>',
    "an outer DTD": b'<!DOCTYPE xml SYSTEM "http://127.0.0.1:9/x.dtd"><xml></xml>',
    "another encoding": '<?xml version="1.0" encoding="utf-16"?><xml></xml>'.encode("utf-16"),
    "depth": b"<a>" * 21_000,
    "closed depth": b"<xml>" + b"<a>" * 9_000 + b"</a>" * 9_000,
    "attributes": b"<xml " + b" ".join(b"a%d='1'" % n for n in range(6_000)),
    "deep JSON": b'{"a":' * 12_000,
    "a list": b"[" * 60_000,
    "half a document": DOCUMENTED[:-3],
    "two documents": DOCUMENTED * 2,
    "another root": b"<html></html>",
    "nothing": b"",
    "blanks": b"  \n ",
    "no text": b"\xff\xfe\x00",
    "NUL": b"<xml>\0</xml>",
    "too long": b"<xml>" + b" " * 65_536 + b"</xml>",
}


def openid(number: int) -> str:
    return f"oSIM_openid-{number:016d}"


def fields(number: int = 1, **changes: object) -> dict[str, object]:
    """The fields of a receipt; a change to None takes one out."""
    given: dict[str, object] = {
        "ToUserName": "gh_0123456789ab",
        "FromUserName": openid(number),
        "CreateTime": int(time.time()),
        "MsgType": "event",
        "Event": "TEMPLATESENDJOBFINISH",
        "MsgID": 3_500_000_000_000_000_000 + number,
        "Status": "success",
    }
    return {key: value for key, value in (given | changes).items() if value is not None}


def xml(values: dict[str, object]) -> bytes:
    inner = (
        f"<{key}>{value}</{key}>" if isinstance(value, int) else f"<{key}><![CDATA[{value}]]></{key}>"
        for key, value in values.items()
    )
    return f"<xml>{''.join(inner)}</xml>".encode()


def as_json(values: dict[str, object]) -> bytes:
    return json.dumps(values, ensure_ascii=False).encode()


def signed(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


@dataclass(frozen=True)
class Request:
    """What WeChat sends: the query as text, and the body."""

    query: str
    body: bytes


@dataclass(frozen=True)
class Console:
    """The settings of a callback URL in WeChat's console."""

    token: str = TOKEN
    aes_key: str = AES_KEY
    appid: str = APPID
    mode: str = "plain"

    def push(self, body: bytes, at: float | None = None, nonce: str | None = None) -> Request:
        """A request with this plain body."""
        stamp = str(int(time.time() if at is None else at))
        nonce = nonce or str(int.from_bytes(os.urandom(4), "big"))
        query = {"signature": signed(self.token, stamp, nonce), "timestamp": stamp, "nonce": nonce}
        if self.mode == "plain":
            return Request(urlencode(query), body)
        from wxpush.channels.wechat.crypto import Cipher  # an extra that plain pushes don't need

        encrypted = Cipher(self.aes_key, self.appid).encrypt(body, os.urandom(16))
        query |= {"encrypt_type": "aes", "msg_signature": signed(self.token, stamp, nonce, encrypted)}
        return Request(urlencode(query), self._sealed(body, encrypted))

    def _sealed(self, body: bytes, encrypted: str) -> bytes:
        is_json = body.startswith(b"{")
        if self.mode == "compatible":
            part = f'"Encrypt":"{encrypted}"' if is_json else f"<Encrypt><![CDATA[{encrypted}]]></Encrypt>"
            return body[:-1] + f",{part}}}".encode() if is_json else body[:-6] + f"{part}</xml>".encode()
        sealed = {"ToUserName": "gh_0123456789ab", "Encrypt": encrypted}
        return as_json(dict(sealed)) if is_json else xml(dict(sealed))

    def receipt(self, number: int = 1, **changes: object) -> Request:
        """A request with a receipt."""
        return self.push(xml(fields(number, **changes)))
