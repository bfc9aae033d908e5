"""T10, T11, T13, T14: power cuts, a full disk, another program's lock, and eviction.

What T10 promises and what it doesn't. Every commit is flushed before it is acknowledged, and a message is
sent only after that. So a power cut can spoil nothing but the transaction that was under way, and no
claim of a message that may have left is ever lost. Damage of what had been flushed is another matter: bad
memory, a broken disk, a person with an editor, a folder that some program copied while it was in use. It
is refused wherever it shows: pages that don't fit together, blocks whose seal is wrong, entries that are
fewer than counted, a log with a hole, or shorter than its index says, or a card that knows of more. What
can't be told is a disk that says "flushed" and lies, when it then loses just the end of the log and the
index with it: that ledger reads like one of a moment before. Messages sent since are then sent again, with
the same client_msg_id: within WeChat's 10 minutes they are still shown once, later twice. The same holds
for a run's whole folder that is put back from an old backup.
"""

import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from tests.cli.command import Desk, counts, openid
from tests.cli.test_resume import disturbed
from tests.delivery.ledgers import THEN, message, record
from tests.delivery.world import RUN
from tests.guarantees.history import Standing, history
from tests.guarantees.plugin import ROOT, Measured, Scale
from tests.guarantees.powercut import Damage, Files, damage, power_cut, unfinished_work, with_flipped_bits
from wxpush.delivery.ledger import Ledger
from wxpush.delivery.records import Claim, Record
from wxpush.errors import StateError

posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")


# T10: power cuts


class Writer:
    """A process that writes a ledger, one commit at a time."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "tests.guarantees.history", str(folder)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)
        self._said("opened")

    def commit(self) -> None:
        """One more, acknowledged when this returns."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self._said("committed")

    def _said(self, word: str) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == f"{word}\n"


@contextmanager
def writing(folder: Path) -> Iterator[Writer]:
    """A writer that is killed at the end."""
    writer = Writer(folder)
    try:
        yield writer
    finally:
        writer.process.kill()
        writer.process.communicate()


def read(folder: Path) -> Standing:
    """What a writer that comes later is told; it goes on writing, and what it writes is there."""
    seen: list[Record] = []
    ledger = Ledger(folder, RUN, lambda _place, found: seen.append(found), may_be_new=False)
    claims = {claim.message.key: claim for claim in ledger.recovered}
    found = Standing(list(seen), claims)
    late = message(10_000_000)
    ledger.commit([], [Claim(late, THEN)])
    ledger.commit([record(late)])
    ledger.close()
    seen.clear()
    Ledger(folder, RUN, lambda _place, each: seen.append(each), may_be_new=False).close()
    assert seen == [*found.records, record(late)]
    return found


@pytest.mark.guarantee("T10")
def test_t10_a_power_cut_spoils_nothing_that_was_acknowledged(
    tmp_path: Path, scale: Scale, measured: Measured
) -> None:
    chance = random.Random(20261126)
    cuts = scale(60, 500)
    found: Counter[str] = Counter()
    rounds = 0
    with writing(tmp_path / "ledger") as writer:
        standing, files = Standing(), Files.of(tmp_path / "ledger")
        for number, commit in enumerate(history()):
            writer.commit()
            next_standing, next_files = standing.after(commit), Files.of(tmp_path / "ledger")
            special = files.database != next_files.database or files.log[:32] != next_files.log[:32]
            rounds += files.log[:32] != next_files.log[:32]
            for _ in range(6 if special else scale(number % 2, 3)):
                image = power_cut(files, next_files, chance).write(tmp_path / "image")
                read_back = read(image)
                assert read_back in (standing, next_standing), f"cut after commit {number}"
                found["before" if read_back == standing else "after"] += 1
                shutil.rmtree(image)
            standing, files = next_standing, next_files
            if found.total() >= cuts and rounds:
                break
    assert min(found.values()) > 0
    measured(f"{found.total()} power cuts: all open, no acknowledged claim or record lost")


@pytest.mark.guarantee("T10")
def test_t10_damage_of_what_was_flushed_is_refused_wherever_it_shows(
    tmp_path: Path, scale: Scale, measured: Measured
) -> None:
    states = [Standing()]
    with writing(tmp_path / "ledger") as writer:
        for commit in islice(history(), 100):
            writer.commit()
            states.append(states[-1].after(commit))
    killed = Files.of(tmp_path / "ledger")
    Ledger(killed.write(tmp_path / "closed"), RUN).close()
    restarted, closed = replace(killed, index=b""), Files.of(tmp_path / "closed")
    assert not closed.log
    chance = random.Random(20261126)
    outcomes: Counter[str] = Counter()
    for number in range(scale(60, 500)):
        before = (killed, restarted, closed)[number % 3]
        done = damage(before, chance)
        outcome = outcome_of(done, tmp_path / "image", states)
        shutil.rmtree(tmp_path / "image", ignore_errors=True)
        outcomes["refused" if outcome is None else "whole" if outcome == 0 else "shorter"] += 1
        if outcome:
            assert before is restarted, "the index tells"
            assert done.file == "log"
            at_the_end = done.cut_off or done.end >= killed.log_end()
            assert outcome <= 3 or at_the_end, "a hole with commits behind it tells"
    assert min(outcomes[kind] for kind in ("refused", "whole", "shorter")) > 0
    measured(
        f"{outcomes.total()} other damages: {outcomes['refused']} refused, {outcomes['whole']} did nothing, "
        f"{outcomes['shorter']} took the log's end and its index, which no reader can tell"
    )


def outcome_of(done: Damage, folder: Path, states: list[Standing]) -> int | None:
    """How many commits are gone; None where the ledger is refused. Anything but a moment before fails."""
    try:
        found = read(done.files.write(folder))
    except StateError:
        return None
    return len(states) - 1 - states.index(found)


def killed(desk: Desk, number: int, *options: str) -> Path:
    """Kill the usual send at its `number`-th message; returns the ledger's folder."""
    before = set(desk.home.rglob("cache.db"))
    with disturbed(desk, number, lambda running: running.process.kill(), *options) as running:
        running.process.wait(60)
    (made,) = set(desk.home.rglob("cache.db")) - before
    return made.parent


@posix
@pytest.mark.guarantee("T10")
def test_t10_a_run_goes_on_after_a_power_cut(desk: Desk, scale: Scale, measured: Measured) -> None:
    chance = random.Random(20261126)
    desk.prepare(200)
    cuts = scale(2, 20)
    for cut in range(cuts):
        run = ("--run", f"cut-{cut}")
        ledger = killed(desk, chance.randrange(1, 200), *run)
        unfinished_work(Files.of(ledger), chance).write(ledger)
        done = desk.send(*run)
        assert (done.code, counts(done.json)) == (0, {"accepted": 200})
        assert desk.shown() == {openid(number): cut + 1 for number in range(1, 201)}
    measured(f"{cuts} runs went on after one: 0 lost, 0 double")


@posix
@pytest.mark.guarantee("T10")
def test_t10_a_run_with_a_hole_in_its_log_sends_nothing(desk: Desk, scale: Scale, measured: Measured) -> None:
    chance = random.Random(20261126)
    desk.prepare(300)
    holes = scale(2, 20)
    for hole in range(holes):
        run = ("--run", f"hole-{hole}")
        ledger = killed(desk, 250, *run)
        sound, before = Files.of(ledger), desk.sends()
        start = chance.randrange(32, sound.log_end() // 2)
        spoilt = with_flipped_bits(sound.log[start : start + 512], chance)
        replace(sound, log=sound.log[:start] + spoilt + sound.log[start + 512 :], index=b"").write(ledger)
        refused = desk.send(*run)
        assert (refused.code, refused.json["state"], desk.sends()) == (4, "refused", before)
        assert "lost" in refused.err
        sound.write(ledger)
        done = desk.send(*run)
        assert (done.code, counts(done.json)) == (0, {"accepted": 300})
        assert set(desk.shown().values()) == {hole + 1}
    measured(f"{holes} runs with a hole in the log sent nothing until it was mended")


@posix
@pytest.mark.guarantee("T10")
def test_t10_a_ledger_older_than_its_card_is_refused(desk: Desk) -> None:
    desk.prepare(90)
    desk.send("--limit", "30")
    (ledger,) = (found.parent for found in desk.home.rglob("cache.db"))
    old = Files.of(ledger)
    desk.send("--limit", "30")
    new = Files.of(ledger)
    old.write(ledger)
    for refused in (desk.send(), desk.retry()):
        assert (refused.code, refused.json["state"], desk.sends()) == (4, "refused", 60)
        assert "30" in refused.err
        assert "60" in refused.err
    new.write(ledger)
    done = desk.send()
    assert (done.code, counts(done.json)) == (0, {"accepted": 90})
    assert set(desk.shown().values()) == {1}
