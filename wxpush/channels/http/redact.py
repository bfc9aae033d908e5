"""Redaction: texts without their tokens and secrets."""

import re

_SECRETS = re.compile(
    r"""((?:access_token|appsecret|secret|hmac|[?&]key)["']?\s*[=:]\s*["']?)[^&\s"',})]+""", re.IGNORECASE
)
_ROBOT_SECRET = re.compile(r"\bSEC[0-9A-Za-z]{16,}")


def redact(text: str) -> str:
    """`text` with the values of access_token, secret and key, in URLs and in JSON, replaced by `***`."""
    return _ROBOT_SECRET.sub("***", _SECRETS.sub(r"\1***", text))
