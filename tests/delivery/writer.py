"""A process that writes a run's ledger until it is killed, saying each commit once it is acknowledged.

`python -m tests.delivery.writer FOLDER FIRST`: claims ten messages, then records them, from FIRST on.
"""

import itertools
import sys
from pathlib import Path

from tests.delivery.ledgers import claim, message, record
from tests.delivery.world import RUN
from wxpush.delivery.ledger import Ledger


def main(folder: Path, first: int) -> None:
    ledger = Ledger(folder, RUN)
    for start in itertools.count(first, 10):
        numbers = range(start, start + 10)
        ledger.commit([], [claim(number) for number in numbers])
        say(f"claimed {start}")
        ledger.commit([record(message(number)) for number in numbers])
        say(f"recorded {start}")


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
