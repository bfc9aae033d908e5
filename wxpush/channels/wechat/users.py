"""The lists of the account's people, page after page: its followers, its tags, and who has a tag.

Sources: getFans, getTags, getTagFans. A page has 10,000 people at most. The last one may have a next_openid
or none, and one that is asked for beyond it has no people.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from wxpush.channels.wechat.client import WeChatClient
from wxpush.errors import StoppedError
from wxpush.i18n import _

_FOLLOWERS_PATH: Final = "/cgi-bin/user/get"
_TAGS_PATH: Final = "/cgi-bin/tags/get"
_TAGGED_PATH: Final = "/cgi-bin/user/tag/get"
#: 10,000 openids are 310 kB; nobody says how long one may be.
_MOST: Final = 2 * 1024 * 1024
_OPENID: Final = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag of the account; `count` is how many people have it, as WeChat counts."""

    id: int
    name: str
    count: int

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


class Page(NamedTuple):
    """A part of a list; `total` is how many people the whole list has, -1 where WeChat doesn't say."""

    openids: list[str]
    next_openid: str
    total: int = -1


class UserLists:
    """Asks for the lists. Raises StoppedError with the remedy."""

    def __init__(self, client: WeChatClient) -> None:
        self._client = client

    def tags(self) -> list[Tag]:
        """All tags of the account."""
        found = self._asked(_TAGS_PATH, None).get("tags")
        if not isinstance(found, list):
            raise _unreadable()
        return [_tag(item) for item in found]

    def followers(self) -> Iterator[Page]:
        """Everybody who follows."""
        return pages(
            lambda after: self._asked(_FOLLOWERS_PATH, None, f"&next_openid={quote(after, safe='')}")
        )

    def tagged(self, tag: int) -> Iterator[Page]:
        """Everybody who has a tag."""
        return pages(lambda after: self._asked(_TAGGED_PATH, {"tagid": tag, "next_openid": after}))

    def _asked(self, path: str, body: dict[str, Any] | None, query: str = "") -> dict[str, Any]:
        try:
            return self._client.call("other", path, body, query=query, most=_MOST)
        except StoppedError as error:
            raise StoppedError(str(error), _advice(error.code) or error.hint, code=error.code) from None


def pages(ask: Callable[[str], dict[str, Any]]) -> Iterator[Page]:
    """The pages of a list up to its end; `ask` gives WeChat's answer to a next_openid.

    Ends at a page without people, at one without a next_openid, and where that was there before: no list
    is gone through twice. A page that isn't full is no end, since nobody promises that.
    """
    after, met = "", {""}
    while True:
        page = _page(ask(after))
        if not page.openids:
            return
        yield page
        if page.next_openid in met:
            return
        after = page.next_openid
        met.add(after)


def _page(answer: dict[str, Any]) -> Page:
    data, after, total = answer.get("data"), answer.get("next_openid"), answer.get("total")
    openids = data.get("openid", []) if isinstance(data, dict) else []
    if not isinstance(openids, list) or not all(
        isinstance(one, str) and _OPENID.fullmatch(one) for one in openids
    ):
        raise _unreadable()
    return Page(openids, after if isinstance(after, str) else "", total if isinstance(total, int) else -1)


def _tag(item: Any) -> Tag:
    identifier, name, count = (
        item.get(key) if isinstance(item, dict) else None for key in ("id", "name", "count")
    )
    if not isinstance(identifier, int) or not isinstance(name, str):
        raise _unreadable()
    whole = name.encode("utf-8", "replace").decode()  # half a character can't be shown
    return Tag(identifier, whole, count if isinstance(count, int) else 0)


def _unreadable() -> StoppedError:
    return StoppedError(_("WeChat's list of people can't be read."), code="bad_reply")


def _advice(code: str) -> str:
    """What to do, where it is something else than for a message."""
    advice = {
        "45009": _(
            "Today's calls for this list are used up (500 a day for followers): "
            "they are expected back around midnight, Beijing time."
        ),
        "45159": _("The tag is gone: `wxpush users tags` shows those there are."),
        "48001": _(
            "Lists of people are for verified accounts only: see whether this one is (WeChat console, "
            "Interface permissions)."
        ),
    }
    return advice.get(code, "")
