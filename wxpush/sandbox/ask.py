"""One request as WeChat's side reads it: path, parameters, token and JSON body, each read at most once."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn
from urllib.parse import parse_qsl


@dataclass(frozen=True)
class Ask:
    """A request; `query` is the raw query string, `body` the raw bytes."""

    method: str
    path: str
    query: str
    body: bytes

    @cached_property
    def parameters(self) -> dict[str, str]:
        """The query's parameters; the last of several of one name."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @property
    def token(self) -> str:
        """The access_token of the query, or ""."""
        return self.parameters.get("access_token", "")

    @cached_property
    def json(self) -> dict[str, Any] | None:
        """The body as a JSON object; None where it is none, or not in UTF-8."""
        try:
            value = json.loads(self.body.decode("utf-8"), parse_constant=_refuse)
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None

    def text(self, key: str) -> str:
        """What the body's object has under `key` where that is text, else ""."""
        value = (self.json or {}).get(key)
        return value if isinstance(value, str) else ""


def _refuse(_constant: str) -> NoReturn:
    """NaN and Infinity, which JSON hasn't and Python's reader would take."""
    raise ValueError
