"""Asks WeChat who follows, 100 people in a call and several calls at once."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Final

BATCH: Final = 100
"""So many people WeChat tells of in one call."""
AT_ONCE: Final = 4
"""Calls on their way at the same time: far from what the account's other systems would notice."""

Asked = tuple[Sequence[str], Mapping[str, bool]]
"""Openids, and of each whether its person follows; one that isn't the account's is left out."""


def asked(people: Iterable[str], ask: Callable[[Sequence[str]], Mapping[str, bool]]) -> Iterator[Asked]:
    """The answers of `ask` (WeChatClient.following) about `people`, in their order.

    Takes no more of `people` than are on their way. Raises what `ask` raises.
    """
    waiting: deque[tuple[Sequence[str], Future[Mapping[str, bool]]]] = deque()
    pool, rest = ThreadPoolExecutor(AT_ONCE, "wxpush-following"), iter(people)
    try:
        while batch := list(islice(rest, BATCH)):
            waiting.append((batch, pool.submit(ask, batch)))
            if len(waiting) > AT_ONCE:
                yield _answered(waiting)
        while waiting:
            yield _answered(waiting)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _answered(waiting: deque[tuple[Sequence[str], Future[Mapping[str, bool]]]]) -> Asked:
    batch, answer = waiting.popleft()
    return batch, answer.result()
