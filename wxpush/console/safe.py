"""What the console makes of texts before they are shown."""

from wxpush.safe import safe, safe_json

__all__ = ["joined", "safe", "safe_json"]

_WIDE_ENDS = ("。", "！", "？", "；", "）", "：", "，")


def joined(message: str, hint: str) -> str:
    """Two sentences on one line; a full-width mark needs no blank after it."""
    if not hint:
        return message
    return message + hint if message.endswith(_WIDE_ENDS) else f"{message} {hint}"
