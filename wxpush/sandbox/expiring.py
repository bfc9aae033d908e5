"""A mapping whose entries end after a fixed time; what has ended takes no memory."""

from typing import Generic, TypeVar

V = TypeVar("V")


class Expiring(Generic[V]):
    """Values by key, each good for `lifetime_s` seconds from when it was put; 0 keeps nothing.

    Expects `now` not to run backwards: an entry put earlier ends earlier.
    """

    def __init__(self, lifetime_s: float) -> None:
        self._lifetime = lifetime_s
        self._entries: dict[str, tuple[float, V]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str, now: float) -> V | None:
        """The value of `key`, or None where there is none any more."""
        entry = self._entries.get(key)
        return None if entry is None or entry[0] <= now else entry[1]

    def put(self, key: str, value: V, now: float) -> None:
        """Keep `value` from now on for a whole lifetime."""
        self._drop_ended(now)
        self._entries.pop(key, None)
        if self._lifetime > 0:
            self._entries[key] = (now + self._lifetime, value)

    def change(self, key: str, value: V, now: float) -> None:
        """Replace the value of `key` without prolonging it; put it where there is none."""
        entry = self._entries.get(key)
        if entry is None or entry[0] <= now:
            self.put(key, value, now)
        else:
            self._entries[key] = (entry[0], value)

    def _drop_ended(self, now: float) -> None:
        while self._entries:
            oldest = next(iter(self._entries))
            if self._entries[oldest][0] > now:
                break
            del self._entries[oldest]
