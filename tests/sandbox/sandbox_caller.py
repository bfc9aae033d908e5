"""A plain caller of a sandbox for its tests: http.client, nothing of wxpush's own channel."""

import http.client
import json
from typing import Any

SEND = "/cgi-bin/message/template/send"
TOKEN = "/cgi-bin/token"
STABLE = "/cgi-bin/stable_token"
TEMPLATE_ID = "ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY"
OPENID = "oia2TjuEGTNoeX76QEjQNrcURxG8"
TEMPLATE = {
    "template_id": TEMPLATE_ID,
    "title": "订单发货通知",
    "content": "商品名称:{{thing1.DATA}}\n订单编号:{{character_string2.DATA}}\n订单金额:{{amount4.DATA}}\n",
}
DATA = {"thing1": "龙井茶礼盒", "character_string2": "SF20261123001", "amount4": "268.00元"}


def openid(number):
    return f"oia2TjuEGTNoeX76QEj{number:09d}"


class Caller:
    """Calls one sandbox; `token` is fetched at the first need and can be set."""

    def __init__(self, sandbox, *, timeout=5.0, kind="stable"):
        self.sandbox = sandbox
        self.timeout = timeout
        self.kind = kind
        self.token: str | None = None
        self.connection: http.client.HTTPConnection | None = None

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def raw(self, method, path, body=None, headers=None):
        """Status, headers and body of one call on a kept connection."""
        if self.connection is None:
            host = self.sandbox.url.removeprefix("http://")
            self.connection = http.client.HTTPConnection(host, timeout=self.timeout)
        try:
            self.connection.request(method, path, body, headers or {})
            answer = self.connection.getresponse()
            return answer.status, answer.headers, answer.read()
        except BaseException:
            self.close()
            raise

    def json(self, method, path, body: Any = None):
        raw = None if body is None else body if isinstance(body, bytes) else _utf8(body)
        status, _headers, answer = self.raw(method, path, raw)
        assert status == 200
        return json.loads(answer)

    def classic(self, **changes):
        given = {
            "grant_type": "client_credential",
            "appid": self.sandbox.appid,
            "secret": self.sandbox.secret,
        }
        query = "&".join(f"{key}={value}" for key, value in {**given, **changes}.items() if value is not None)
        return self.json("GET", f"{TOKEN}?{query}")

    def stable(self, **changes):
        given = {
            "grant_type": "client_credential",
            "appid": self.sandbox.appid,
            "secret": self.sandbox.secret,
        }
        return self.json("POST", STABLE, {**given, **changes})

    def authorised(self, path):
        if self.token is None:
            self.token = self.stable()["access_token"]
        return f"{path}?access_token={self.token}"

    def post(self, path, body):
        return self.json("POST", self.authorised(path), body)

    def get(self, path):
        return self.json("GET", self.authorised(path))

    def send(self, to=OPENID, client_msg_id=None, template_id=TEMPLATE_ID, data=None, **more):
        return self.post(SEND, message(to, client_msg_id, template_id, data, **more))

    def send_raw(self, to=OPENID, client_msg_id=None):
        """Like `send`, for answers that may be no JSON."""
        body = _utf8(message(to, client_msg_id))
        return self.raw("POST", self.authorised(SEND), body)


def message(to=OPENID, client_msg_id=None, template_id=TEMPLATE_ID, data=None, **more):
    values = {key: {"value": value} for key, value in (DATA if data is None else data).items()}
    body = {"touser": to, "template_id": template_id, "data": values, **more}
    return body if client_msg_id is None else {**body, "client_msg_id": client_msg_id}


def _utf8(value):
    return json.dumps(value, ensure_ascii=False).encode()
