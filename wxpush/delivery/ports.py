"""What the engine needs of the world: a channel to send through, and somebody to tell."""

from typing import Protocol

from wxpush.model import Event


class Channel(Protocol):
    """Sends payloads; owns all concurrency. Every method but `close` returns quickly."""

    def free(self) -> int:
        """How many submissions would start on their way at once: 0 while no token or no worker is free."""

    def submit(self, ticket: int, payload: str, client_msg_id: str) -> None:
        """Start sending; exactly one `Answered` with this ticket follows, at most the deadline later."""

    def replies(self, timeout: float) -> list[Event]:
        """What has happened since the last call; waits up to `timeout` seconds for the first event.

        Returns early, and empty, when `wake` is called or when `free` has become positive.
        """

    def wake(self) -> None:
        """Let a waiting `replies` return; safe from a signal handler and from other threads."""

    def read_quota(self) -> None:
        """Start reading the daily quota; one `QuotaRead` follows."""

    def close(self) -> None:
        """Let go of connections and threads; calls under way are abandoned."""
