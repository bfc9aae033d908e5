"""What the one who waits is told meanwhile."""

import sys


def say(text: str) -> None:
    """A line on standard error."""
    print(text, file=sys.stderr, flush=True)
