"""Settles runs while receipts come in, on a thread of its own: nobody's answer waits for it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from threading import Event as Flag
from threading import Thread
from typing import Final

from wxpush.app.people_news import PeopleNews
from wxpush.app.settling_by_receipts import Settled, settle_known_runs
from wxpush.app.surroundings import Surroundings
from wxpush.config import Account
from wxpush.delivery.run import RunCard

#: A message in doubt can wait: what is on its way the sending itself takes care of.
EVERY_S: Final = 15.0
#: How long the last look may take, at the end.
_ENDING_S: Final = 5.0

SettledRuns = Sequence[tuple[RunCard, Settled]]
Tell = Callable[[SettledRuns, Exception | None], object]


@contextmanager
def settling(
    account: Account,
    around: Surroundings,
    came: Callable[[], int],
    people: PeopleNews,
    tell: Tell,
    *,
    every: float = EVERY_S,
) -> Iterator[None]:
    """Look now and then, and at the end, whether receipts settle something; `came` counts those that came.

    So long what is heard of `people` waits, too. `tell` hears of the runs in which something was settled,
    and of what forbids it, once until it works again.
    """
    over = Flag()
    watch = _Watch(account, around, came, people, tell, over)
    thread = Thread(target=watch.run, args=(every,), name="wxpush-settling")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class _Watch:
    def __init__(
        self,
        account: Account,
        around: Surroundings,
        came: Callable[[], int],
        people: PeopleNews,
        tell: Tell,
        over: Flag,
    ) -> None:
        self._account, self._around, self._came = account, around, came
        self._people, self._tell, self._over = people, tell, over
        self._seen = 0
        self._troubles: dict[str, str] = {}

    def run(self, every: float) -> None:
        with closing(self._people):
            while not self._over.wait(every):
                self._look()
            self._look()

    def _look(self) -> None:
        # Whatever goes wrong here, the receipts are stored, and the next look begins anew.
        self._tried("people", self._people.settle)
        if self._came() != self._seen:
            self._tried("runs", self._settle)

    def _tried(self, what: str, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:
            told, self._troubles[what] = self._troubles.get(what), str(error)
            if told != str(error):
                self._tell((), error)
        else:
            self._troubles.pop(what, None)

    def _settle(self) -> None:
        now, clock = self._came(), self._around.clock
        end = clock.monotonic() + _ENDING_S
        found = settle_known_runs(
            self._account, self._around, lambda: self._over.is_set() and clock.monotonic() > end
        )
        if found.all_seen:
            self._seen = now
        if found.runs:
            self._tell(found.runs, None)
