"""The last calls that a sandbox got, for tests and for the curious."""

from collections import Counter, deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Call:
    """One call: `code` is the errcode of its answer, None where the caller got no readable one.

    `time` is Unix time in seconds, `fault` the name of the scenario's fault that met it, "" for none.
    `openid` and `client_msg_id` are those of a send, "" elsewhere.
    """

    time: float
    path: str
    token: str = ""
    openid: str = ""
    client_msg_id: str = ""
    code: int | None = None
    fault: str = ""


class CallLog:
    """Keeps the last `limit` calls, and how many there were of each path."""

    def __init__(self, limit: int) -> None:
        self._calls: deque[Call] = deque(maxlen=limit)
        self._counts: Counter[str] = Counter()

    def add(self, call: Call) -> None:
        """One call more."""
        self._calls.append(call)

    def count(self, path: str) -> None:
        """A request has come in; it is counted before it is looked at."""
        self._counts[path] += 1

    def calls(self, path: str | None) -> list[Call]:
        """The calls that are still kept, oldest first; of `path` only where it is given."""
        return [call for call in self._calls if path is None or call.path == path]

    def counts(self) -> dict[str, int]:
        """Requests by path since the start."""
        return dict(self._counts)
