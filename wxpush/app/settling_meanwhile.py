"""Settles runs while receipts come in, on a thread of its own: nobody's answer waits for it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event as Flag
from threading import Thread
from typing import Final

from wxpush.app.people_news import PeopleNews
from wxpush.app.request import Surroundings
from wxpush.app.settling_by_receipts import Settled, settle_known_runs
from wxpush.config import Account
from wxpush.delivery.run import RunCard
from wxpush.errors import WxpushError

#: A message in doubt can wait: what is on its way the sending itself takes care of.
EVERY_S: Final = 15.0

SettledRuns = Sequence[tuple[RunCard, Settled]]


@contextmanager
def settling(
    account: Account,
    around: Surroundings,
    came: Callable[[], int],
    people: PeopleNews,
    tell: Callable[[SettledRuns, WxpushError | None], object],
    *,
    every: float = EVERY_S,
) -> Iterator[None]:
    """Look now and then, and at the end, whether receipts settle something; `came` counts those that came.

    So long what is heard of `people` waits, too.
    `tell` hears of the runs in which something was settled, and of what forbids it, once for each cause.
    """
    over, seen, told = Flag(), 0, ""

    def look() -> None:
        nonlocal seen, told
        now = came()
        found: SettledRuns = ()
        try:
            people.settle()
            if now != seen:
                found = settle_known_runs(account, around)
                seen = now
        except WxpushError as error:
            if str(error) != told:
                told = str(error)
                tell((), error)
        else:
            if found:
                tell(found, None)

    def watch() -> None:
        while not over.wait(every):
            look()
        look()
        people.close()

    thread = Thread(target=watch, name="wxpush-settling")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
