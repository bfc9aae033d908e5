"""A circuit breaker: stops knocking on a door that nobody opens, and tries it now and then."""

from collections import deque
from dataclasses import dataclass
from typing import Final

_WINDOW_S: Final = 10.0
_SLOT_S: Final = 0.1
_SAMPLES: Final = 20
_SHARE: Final = 0.5
#: So many in a row aren't chance even where a third of all calls fail.
_IN_A_ROW: Final = 20
#: At a low rate twenty would take too long: fewer, over a second without any answer.
_FEW_IN_A_ROW: Final = 5
_LONG_S: Final = 1.0
_FIRST_PAUSE_S: Final = 5.0
_LONGEST_PAUSE_S: Final = 30.0
_PROBES: Final = 3


@dataclass(slots=True)
class _Slot:
    """The calls of a tenth of a second."""

    begins: float
    calls: int = 0
    bad: int = 0


class Breaker:
    """Closed while calls are answered; open when at least half of 20 or more calls within ten seconds
    were not, or twenty in a row, or five in a row over a second; then three probes every 5 s, 10 s, 20 s,
    30 s until one is answered.

    Any readable answer counts as answered, whatever it says of the message. All times are the caller's
    monotonic seconds.
    """

    def __init__(self) -> None:
        self._slots: deque[_Slot] = deque()
        self._in_a_row = 0
        self._pause = 0.0
        self._opens_at: float | None = None
        self._probes_left = 0
        self._last_good: float | None = None
        self._answered_at: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether the API counts as unreachable."""
        return self._opens_at is not None

    def allows(self, now: float) -> int | None:
        """How many calls may start: None for any number, else what is left of this round of probes."""
        if self._opens_at is None:
            return None
        return self._probes_left if now >= self._opens_at else 0

    def next_probe(self) -> float:
        """When the next probes may go; 0 while closed."""
        return self._opens_at or 0.0

    def probing(self, calls: int = 1) -> None:
        """Note that so many calls were started."""
        if self._opens_at is not None:
            self._probes_left = max(0, self._probes_left - calls)

    def unreachable_for(self, now: float) -> float:
        """Seconds since the last answer, while open; 0 while closed."""
        return 0.0 if self._opens_at is None or self._last_good is None else now - self._last_good

    def observe(self, now: float, *, answered: bool) -> None:
        """Take in how a call ended."""
        if self._last_good is None or answered:
            self._last_good = now
        if answered:
            self._answered_at = now
        if answered and self._opens_at is not None:
            self._close()
            return
        self._in_a_row = 0 if answered else self._in_a_row + 1
        self._count(now, 1, bad=not answered)
        if not answered and self._should_open(now):
            self._open(now)

    def answered(self, now: float, calls: int) -> None:
        """Take in `calls` that ended with an answer."""
        self.observe(now, answered=True)
        if calls > 1:
            self._count(now, calls - 1, bad=False)

    def _should_open(self, now: float) -> bool:
        if self._opens_at is not None:
            # Calls that were under way when it opened say nothing new; a failed probe does.
            return now >= self._opens_at and not self._probes_left
        calls = sum(slot.calls for slot in self._slots)
        bad = sum(slot.bad for slot in self._slots)
        half = calls >= _SAMPLES and bad >= _SHARE * calls
        return half or self._in_a_row >= self._enough_in_a_row(now)

    def _enough_in_a_row(self, now: float) -> int:
        quiet = self._answered_at is None or now - self._answered_at >= _LONG_S
        return _FEW_IN_A_ROW if quiet else _IN_A_ROW

    def _count(self, now: float, calls: int, *, bad: bool) -> None:
        """Count in slots of a tenth of a second: memory must not grow with the rate."""
        begins = now // _SLOT_S * _SLOT_S
        if not self._slots or self._slots[-1].begins != begins:
            self._slots.append(_Slot(begins))
        self._slots[-1].calls += calls
        self._slots[-1].bad += bad
        while self._slots[0].begins < now - _WINDOW_S:
            self._slots.popleft()

    def _open(self, now: float) -> None:
        self._pause = min(_LONGEST_PAUSE_S, self._pause * 2 or _FIRST_PAUSE_S)
        self._opens_at = now + self._pause
        self._probes_left = _PROBES

    def _close(self) -> None:
        self._slots.clear()
        self._in_a_row = 0
        self._pause = 0.0
        self._opens_at = None
