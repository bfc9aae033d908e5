"""Messages that WeChat took into review (40252) and finally rejected, as queryblocktmplmsg lists them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from wxpush.errors import StoppedError
from wxpush.i18n import _

REJECTED_PATH: Final = "/wxa/sec/queryblocktmplmsg"
_PAGE: Final = 100
_MOST_PAGES: Final = 100_000
_MILLISECONDS: Final = 10**11


class Rejected(NamedTuple):
    """One of them: WeChat's number for it, whom it was for, and when it was sent, in Unix time."""

    id: int
    openid: str
    at: int


def rejected_messages(
    ask: Callable[[dict[str, Any]], Mapping[str, Any]], template_id: str
) -> Iterator[Rejected]:
    """All of a template. `ask` gives the answer to one body. Raises StoppedError for what can't be read."""
    largest = 0
    for _number in range(_MOST_PAGES):
        answer = ask({"tmpl_msg_id": template_id, "largest_id": largest, "limit": _PAGE})
        page = [one for one in _page(answer) if one.id > largest]
        yield from page
        if not page:
            return
        largest = max(one.id for one in page)


def _page(answer: Mapping[str, Any]) -> list[Rejected]:
    """One answer's; the documentation shows a single object where WeChat sends a list."""
    found = answer.get("msginfo") or []
    entries = [found] if isinstance(found, dict) else found
    if not isinstance(entries, list):
        raise _unreadable()
    try:
        return [_rejected(entry) for entry in entries if entry]
    except (KeyError, TypeError, ValueError):
        raise _unreadable() from None


def _rejected(entry: Mapping[str, Any]) -> Rejected:
    at = int(entry["send_timestamp"])
    return Rejected(int(entry["id"]), str(entry["openid"]), at // 1000 if at > _MILLISECONDS else at)


def _unreadable() -> StoppedError:
    return StoppedError(_("WeChat's list of rejected messages can't be read."), code="bad_reply")
