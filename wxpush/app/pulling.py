"""The account's people as a list that `send` takes: fetched page by page, and never held."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from wxpush.app.people import People
from wxpush.app.surroundings import Surroundings
from wxpush.channels.wechat.client import WeChatClient, make_keeper
from wxpush.channels.wechat.users import Page, Tag, UserLists
from wxpush.config import load_account
from wxpush.errors import InputError
from wxpush.i18n import _

_PATIENCE: Final = 30.0
_MOST_NAMED: Final = 30


def account_tags(account: str | None, around: Surroundings) -> tuple[str, list[Tag]]:
    """The account's name and its tags. Raises InputError, StoppedError."""
    with _lists(account, around) as (name, lists):
        return name, lists.tags()


@contextmanager
def opened(
    account: str | None, wanted: Sequence[str], around: Surroundings, *, every: bool
) -> Iterator["Pull"]:
    """The followers, or those with one of the tags `wanted` (ids or names), or with `every` one of them.

    Raises InputError for a tag that isn't there, StoppedError.
    """
    with _lists(account, around) as (_name, lists):
        yield Pull(lists, chosen(wanted, lists.tags()) if wanted else [], every=every)


class Pull:
    """The openids, page after page, each person once; iterate once.

    Several tags take 8 bytes a person, since somebody may have two of them; else nothing is remembered.
    """

    def __init__(self, lists: UserLists, tags: Sequence[Tag], *, every: bool) -> None:
        self._lists, self._tags, self._every = lists, tags, every
        self.total = tags[0].count if len(tags) == 1 else -1
        """How many people WeChat counts; -1 where it doesn't, or not yet."""

    def __iter__(self) -> Iterator[list[str]]:
        if len(self._tags) > 1:
            return self._common() if self._every else self._united()
        if self._tags:
            return self._of_tag(self._tags[0])
        return self._followers()

    def _followers(self) -> Iterator[list[str]]:
        for page in self._lists.followers():
            self.total = max(self.total, page.total)
            yield page.openids

    def _of_tag(self, tag: Tag) -> Iterator[list[str]]:
        pages: Iterator[Page] = self._lists.tagged(tag.id)
        return (page.openids for page in pages)

    def _united(self) -> Iterator[list[str]]:
        met = People()
        for tag in self._tags:
            for openids in self._of_tag(tag):
                yield [openid for openid in openids if met.add(openid)]

    def _common(self) -> Iterator[list[str]]:
        """The people of the smallest tag are remembered, then which of them have the next one, and so on."""
        first, *others = sorted(self._tags, key=lambda tag: tag.count)
        left = People()
        for openids in self._of_tag(first):
            for openid in openids:
                left.add(openid)
        for number, tag in enumerate(others, 1):
            having = People()
            for openids in self._of_tag(tag):
                met = [openid for openid in openids if openid in left and having.add(openid)]
                if number == len(others):
                    yield met
            left = having


def chosen(wanted: Sequence[str], tags: Sequence[Tag]) -> list[Tag]:
    """The tags that are meant by ids or names, each once. Raises InputError that lists what there is."""
    by_id = {str(tag.id): tag for tag in tags}
    by_name = {tag.name: tag for tag in tags}
    found: dict[int, Tag] = {}
    for one in wanted:
        tag = by_id.get(one.strip()) or by_name.get(one.strip())
        if tag is None:
            named = [f"{tag.id} {tag.name}" for tag in tags[:_MOST_NAMED]]
            known = _(", ").join(named) + (" …" if len(tags) > _MOST_NAMED else "")
            raise InputError(
                _('The account has no tag "{tag}".').format(tag=one),
                _("Its tags are: {tags}").format(tags=known or _("none")),
            )
        found[tag.id] = tag
    return list(found.values())


@contextmanager
def _lists(account: str | None, around: Surroundings) -> Iterator[tuple[str, UserLists]]:
    chosen = load_account(account, around.environ)
    client = WeChatClient(chosen, make_keeper(chosen, around.directories, around.clock), patience=_PATIENCE)
    try:
        yield chosen.name, UserLists(client)
    finally:
        client.close()
