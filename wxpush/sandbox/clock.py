"""A clock that a test moves by hand, to give to a Sandbox in place of `time.time`."""

import threading


class ManualClock:
    """Unix time in seconds that stands still until it is told; safe to use from several threads.

    It moves tokens, quotas, windows and reviews; a fault's latency is waited for in real time.
    """

    def __init__(self, now: float = 1_795_000_000.0) -> None:
        self._now = now
        self._lock = threading.Lock()

    def __call__(self) -> float:
        with self._lock:
            return self._now

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        with self._lock:
            self._now += seconds
