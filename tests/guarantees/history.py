"""What a ledger is told in a made-up run, commit by commit, and how it must stand after each.

`python -m tests.guarantees.history FOLDER` is the process that writes it: for each line that it reads it
makes one commit more, and says so when that is acknowledged.
"""

import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.delivery.ledgers import THEN, message, record
from tests.delivery.world import RUN
from wxpush.delivery.ledger import Ledger
from wxpush.delivery.records import FINAL, Claim, Mark, Record

_MARKS = (Mark.ACCEPTED,) * 12 + (Mark.FAILED, Mark.SILENT, Mark.BUSY, Mark.RELEASED, Mark.IN_DOUBT)


@dataclass(frozen=True)
class Commit:
    """One commit: what was learnt, and what is claimed with it."""

    records: Sequence[Record]
    claims: Sequence[Claim]


@dataclass
class Standing:
    """Records in the order of writing, and the open claims by key."""

    records: list[Record] = field(default_factory=list)
    claims: dict[str, Claim] = field(default_factory=dict)

    def after(self, commit: Commit) -> "Standing":
        """How it stands one commit later."""
        claims = dict(self.claims)
        for learnt in commit.records:
            if learnt.mark in FINAL:
                del claims[learnt.key]
            else:
                silent = learnt.mark is Mark.SILENT
                claims[learnt.key] = claims[learnt.key]._replace(
                    attempts=learnt.attempts, unanswered=silent, busy=not silent
                )
        claims |= {claim.message.key: claim._replace(unanswered=True) for claim in commit.claims}
        return Standing([*self.records, *commit.records], claims)


def history() -> Iterator[Commit]:
    """Commits without end, the same in every process: lumps of claims, and records of any kind."""
    chance = random.Random(20261123)
    open_claims: list[Claim] = []
    number = 0
    while True:
        chance.shuffle(open_claims)
        answered = [open_claims.pop() for _ in range(chance.randrange(len(open_claims) + 1))]
        records = [record(claim.message, chance.choice(_MARKS), attempts=1) for claim in answered]
        open_claims += [
            claim for claim, learnt in zip(answered, records, strict=True) if learnt.mark not in FINAL
        ]
        lump = 0 if len(open_claims) > 150 else chance.choice([0, 1, 10, 100])
        made = replace(THEN, wall=THEN.wall + number)
        claims = [
            Claim(message(number + each, "礼盒" * chance.randrange(1, 40)), made) for each in range(lump)
        ]
        number += lump
        open_claims += claims
        if records or claims:
            yield Commit(records, claims)


def main(folder: Path) -> None:
    """Write, a commit a line."""
    ledger = Ledger(folder, RUN)
    say("opened")
    for commit, _line in zip(history(), sys.stdin, strict=False):
        ledger.commit(commit.records, commit.claims)
        say("committed")


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
