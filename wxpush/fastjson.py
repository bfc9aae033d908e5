"""JSON by orjson where it is installed (`wxpush[fast]`), else by the standard library; compact, unescaped."""

import json
from typing import Any

try:
    import orjson
except ImportError:
    orjson = None  # type: ignore[assignment]

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def dumps(value: Any) -> str:
    """`value` as JSON text without blanks, characters as they are; its numbers are finite."""
    if orjson is None:
        return _encode(value)
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # half a surrogate pair, or a number of more than 64 bits
        return _encode(value)


def loads(text: str | bytes) -> Any:
    """The value of JSON text whose whole numbers have 64 bits at most; raises ValueError.

    orjson refuses NaN and half a surrogate pair, too.
    """
    return json.loads(text) if orjson is None else orjson.loads(text)
