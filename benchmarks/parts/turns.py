"""Senders and commands that take turns, so that a busy moment of the machine hits all of them."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.measuring import run
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


def starts(
    what: str, commands: Mapping[str, Sequence[str]], environ: Mapping[str, str], times: int
) -> dict[str, float]:
    """The median milliseconds from start to end of each command by its name."""
    took: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(times + 1):
        for name, command in commands.items():
            milliseconds = run(command, environ).seconds * 1000
            if number:  # the first one compiles what it imports
                took[name].append(milliseconds)
    medians = {name: median(one) for name, one in took.items()}
    say(f"{what}  " + ", ".join(f"{name} {one:.0f} ms" for name, one in medians.items()))
    return medians
