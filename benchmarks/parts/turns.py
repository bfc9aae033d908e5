"""Senders that take turns, so that a busy moment of the machine hits all of them."""

from collections.abc import Sequence
from typing import Any

from benchmarks.senders.lineup import Sender, Sent, facts
from benchmarks.show import say


def take_turns(what: str, senders: Sequence[Sender], rounds: int) -> dict[str, Any]:
    """The medians of each sender by its name."""
    sent: dict[str, list[Sent]] = {sender.name: [] for sender in senders}
    for number in range(rounds):
        # Each round begins with another one, so that nobody always follows the same.
        for sender in [*senders[number % len(senders) :], *senders[: number % len(senders)]]:
            one = sender.run()
            sent[sender.name].append(one)
            rate = one.messages / one.seconds
            say(f"{what} {number + 1}/{rounds}  {sender.name:<15}{rate:9,.0f} messages/s")
    return {name: facts(runs) for name, runs in sent.items()}
