"""Retry-After: how long a server asks to be left alone."""

import email.utils
import re
import time
from collections.abc import Callable
from typing import Final

LONGEST: Final = 120.0
_SECONDS = re.compile(r"\d+(\.\d+)?", re.ASCII)


def parse_retry_after(text: str | None, now: Callable[[], float] = time.time) -> float | None:
    """Seconds to wait, 0 to 120, for a header in seconds or as an HTTP date; None where it says nothing.

    `now` gives Unix time. Negative, endless and unreadable values say nothing; longer ones are cut.
    """
    if text is None:
        return None
    text = text.strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), LONGEST)
    try:
        wanted = email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
    return min(max(wanted - now(), 0.0), LONGEST)
