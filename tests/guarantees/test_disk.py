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

import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

if sys.platform == "linux":
    import resource

from tests.cli.command import Desk, Done, Running, adds_up, counts, openid, send_arguments
from tests.cli.test_resume import disturbed
from tests.delivery.ledgers import THEN, message, record
from tests.delivery.world import RUN
from tests.guarantees.history import Standing, history
from tests.guarantees.plugin import ROOT, Measured, Scale
from tests.guarantees.powercut import Damage, Files, damage, power_cut, unfinished_work, with_flipped_bits
from wxpush.delivery import ledger as ledgers
from wxpush.delivery.engine import Settings
from wxpush.delivery.ledger import Ledger
from wxpush.delivery.records import Claim, Record
from wxpush.errors import DamagedStateError, StateError
from wxpush.sandbox import Sandbox

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
    desk.run("--version")  # by its end, WeChat has looked at all that the killed one had sent
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
        # Few workers make small claims, and so many transactions behind the hole.
        run = ("--run", f"hole-{hole}", "--workers", "4")
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
@pytest.mark.parametrize("left", [None, b""], ids=["gone", "emptied"])
def test_t10_a_run_that_was_killed_and_lost_its_ledger_is_never_begun_anew(
    desk: Desk, left: bytes | None
) -> None:
    desk.prepare(200)
    ledger = killed(desk, 100)
    before = desk.sends()
    for path in ledger.iterdir():
        path.unlink()
    if left is not None:
        (ledger / "cache.db").touch(mode=0o600)
    refused = desk.send()
    assert (refused.code, refused.json["state"], desk.sends()) == (4, "refused", before)
    assert "lost its ledger" in refused.err


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
    settle = desk.run("runs", "settle", "--all", "--delivered", "--yes", "--json")
    for refused in (desk.send(), desk.retry(), settle):
        assert (refused.code, refused.json["state"], desk.sends()) == (4, "refused", 60)
        assert "30" in refused.err
        assert "60" in refused.err
    new.write(ledger)
    done = desk.send()
    assert (done.code, counts(done.json)) == (0, {"accepted": 90})
    assert set(desk.shown().values()) == {1}


def traced(desk: Desk, *calls: str) -> list[str]:
    """The system calls of the usual send, in order, with all that is written and the paths of files."""
    trace = desk.folder / "trace"
    strace = ["strace", "-f", "-y", "-qq", "-s", "6000", "-o", str(trace), "-e", f"trace={','.join(calls)}"]
    command = [*strace, sys.executable, "-m", "wxpush", *map(str, send_arguments())]
    ended = subprocess.run(command, cwd=desk.folder, env=desk.environment(), capture_output=True, check=False)
    if not trace.exists() or not trace.stat().st_size:
        pytest.skip("strace may not watch here")
    assert ended.returncode == 0
    return trace.read_text("utf-8", "replace").splitlines()


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
@pytest.mark.guarantee("T10")
def test_t10_what_a_message_needs_is_flushed_before_it_leaves(
    desk: Desk, scale: Scale, measured: Measured
) -> None:
    count = scale(60, 500)
    desk.prepare(count)
    written, flushed, sent = set[str](), set[str](), set[str]()
    made, synced = set[str](), set[str]()  # made: what new folders lie in
    begun: dict[str, str] = {}
    for line in traced(desk, "pwrite64", "fsync", "fdatasync", "sendto", "mkdirat"):
        thread, _, call = line.partition(" ")
        call = call.lstrip()
        people_in_it = set(re.findall(r"oW3kTzuBGTNqeX76QEj[0-9]{9}", call))
        if call.endswith("<unfinished ...>"):
            begun[thread] = call
        elif call.startswith("<... "):
            call = begun.pop(thread) + call
        if call.startswith("pwrite64(") and "cache.db-wal>" in call:
            written |= people_in_it
        elif call.startswith(("fsync(", "fdatasync(")) and call.endswith("= 0"):
            synced |= set(re.findall(r"<(/[^>]*)>", call))
            flushed |= written if "cache.db-wal>" in call else set()
        elif (new := re.match(r'mkdirat\(\d+<(/[^>]*)>, "([^"]*)", .* = 0$', call)) is not None:
            folder = Path(new[1], new[2])
            made |= {new[1]} if desk.home in (folder, *folder.parents) else set()
        elif call.startswith("sendto(") and people_in_it:
            assert people_in_it <= flushed, "sent before its claim was on the disk"
            assert made <= synced, "its folder may vanish"
            assert any(Path(path).name.startswith(".run.json") for path in synced)
            sent |= people_in_it
    assert len(sent) == count
    assert made
    measured(f"{count} of {count} claims flushed before their POST, as the system saw it")


# T11: a full disk

WORKERS = 16


def known_keys(desk: Desk, run: str) -> set[str]:
    """Whom the run's ledger knows of: by a claim or a record."""
    folder = folder_of(desk, run) / "ledger"
    return {found.key for _place, found in ledgers.records(folder)} | {
        claim.message.key for claim in ledgers.review(folder)
    }


def folder_of(desk: Desk, run: str) -> Path:
    (card,) = (card for card in desk.home.rglob("run.json") if json.loads(card.read_text())["name"] == run)
    return card.parent


def drafts(desk: Desk) -> list[Path]:
    """Files half written that nobody took away."""
    return [path for path in desk.folder.parent.rglob(".*.*") if path.is_file()]


def stopped_by_the_disk(desk: Desk, run: str, done: Done, shown_before: int) -> None:
    assert (done.code, done.json["state"], done.json["stopped_by"]["code"]) == (4, "stopped", "storage")
    assert adds_up(done.json)
    assert done.json["failed"] == 0
    assert "Free some space" in done.err
    assert desk.sandbox is not None
    assert {found.openid for found in desk.sandbox.shown()[shown_before:]} <= known_keys(desk, run)
    assert drafts(desk) == []
    shown = desk.run("runs", "show", run, "--json")
    assert (shown.code, adds_up(shown.json)) == (0, True)
    assert counts(shown.json) == counts(done.json)


def goes_on(desk: Desk, run: str, people: int, times: int) -> None:
    done = desk.send("--run", run)
    assert (done.code, counts(done.json)) == (0, {"accepted": people})
    assert desk.shown() == {openid(number): times for number in range(1, people + 1)}


def allow_files_of(running: Running, size: int) -> None:
    """Let no file of the process grow beyond `size` from now on, as if the disk were full."""
    resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


limits = pytest.mark.skipif(sys.platform != "linux", reason="needs prlimit")


@limits
@pytest.mark.guarantee("T11")
def test_t11_a_disk_that_fills_up_stops_the_run_within_one_block(
    desk: Desk, scale: Scale, measured: Measured
) -> None:
    chance = random.Random(20261126)
    desk.prepare(200)
    points = [1, *sorted(chance.sample(range(2, 195), scale(3, 13)))]
    most, slowest = 0, 0.0
    for life, point in enumerate(points, 1):
        run, at = f"full-{point}", []

        def fill(running: Running, at: list[tuple[int, float]] = at) -> None:
            allow_files_of(running, 0)
            at.append((desk.sends(), time.monotonic()))

        options = ("--run", run, "--rate", "500/s", "--workers", str(WORKERS))
        with disturbed(desk, point, fill, *options) as running:
            done = running.done()
        ((before, since),) = at
        slowest, most = max(slowest, time.monotonic() - since), max(most, desk.sends() - before)
        stopped_by_the_disk(desk, run, done, 200 * (life - 1))
        assert done.json["failures_file"] is None
        goes_on(desk, run, 200, life)
    assert most <= Settings(500.0, WORKERS).claimed_ahead, "more than the block that was claimed already"
    assert slowest < 5
    measured(f"{len(points)} points on the way: at most {most} POSTs later, over in {slowest:.1f} s")


@limits
@pytest.mark.guarantee("T11")
def test_t11_a_disk_that_is_nearly_full_sends_nothing_that_it_cant_note(
    desk: Desk, scale: Scale, measured: Measured
) -> None:
    desk.prepare(200)
    sizes = scale([0, 100_000, 200_000], [0, 500, 4_096, 100_000, 200_000, 300_000])
    for life, size in enumerate(sizes, 1):
        run = f"small-{size}"
        with desk.start(*send_arguments("--run", run, "--rate", "500/s")) as running:
            allow_files_of(running, size)
            done = running.done()
        if done.json["state"] == "refused":
            assert (done.code, desk.sends()) == (4, 200 * (life - 1))
            assert "how much space is left" in done.err
            assert drafts(desk) == []
        else:
            stopped_by_the_disk(desk, run, done, 200 * (life - 1))
        goes_on(desk, run, 200, life)
    measured(f"{len(sizes)} from the start")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 6 MiB; only root can have one."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a disk of one's own needs root")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill_up(disk: Path) -> Path:
    """Leave not a byte; returns what to delete for space."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    return ballast


@limits
@pytest.mark.guarantee("T11")
def test_t11_a_disk_without_a_byte_left(
    small_disk: Path, open_wechat: Callable[..., Sandbox], scale: Scale, measured: Measured
) -> None:
    desk = Desk(small_disk, open_wechat())
    desk.prepare(200)
    points = scale([60], [1, 20, 40, 60, 80])  # later the log begins anew, and needs no more room
    for life, point in enumerate(points, 1):
        run = f"full-{point}"
        options = ("--run", run, "--rate", "500/s", "--workers", str(WORKERS))
        with disturbed(desk, point, lambda _running: fill_up(small_disk), *options) as running:
            done = running.done()
        stopped_by_the_disk(desk, run, done, 200 * (life - 1))
        (small_disk / "ballast").unlink()
        goes_on(desk, run, 200, life)
    measured(f"{len(points)} on a disk without a byte left")


@limits
@pytest.mark.guarantee("T11")
def test_t11_a_failures_file_that_finds_no_room_beside_the_list_lies_in_the_runs_folder(
    small_disk: Path, tmp_path: Path, open_wechat: Callable[..., Sandbox]
) -> None:
    desk = Desk(small_disk, open_wechat())
    desk.home = tmp_path / "home"
    desk.prepare(40)
    assert desk.sandbox is not None
    desk.sandbox.unfollow(openid(7))
    fill_up(small_disk)
    done = desk.send()
    assert (done.code, counts(done.json)) == (1, {"accepted": 39, "failed": 1})
    file = Path(done.json["failures_file"])
    assert desk.home in file.parents
    assert openid(7) in file.read_text("utf-8-sig")
    assert drafts(desk) == []


# T13: a lock of another program


class Lock:
    """A write lock on a ledger, held by this process for a while."""

    def __init__(self, database: Path, seconds: float) -> None:
        self._connection = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
        self._connection.execute("BEGIN IMMEDIATE")
        self.since = time.monotonic()
        self._timer = threading.Timer(seconds, self._connection.execute, ["ROLLBACK"])
        self._timer.start()

    def over(self) -> None:
        """Wait until it is let go."""
        self._timer.join()
        self._connection.close()


def held_at(desk: Desk, number: int, seconds: float) -> tuple[Done, Lock, int]:
    """The usual send, whose ledger is locked at the `number`-th message; and how many POSTs came later."""
    locks: list[tuple[Lock, int]] = []

    def hold(_running: Running) -> None:
        (database,) = desk.home.rglob("cache.db")
        locks.append((Lock(database, seconds), desk.sends()))

    with disturbed(desk, number, hold, "--rate", "500/s", "--workers", str(WORKERS)) as running:
        done = running.done(120)
    ((lock, before),) = locks
    return done, lock, desk.sends() - before


@posix
@pytest.mark.guarantee("T13")
def test_t13_a_ledger_that_is_locked_for_seconds_only_delays(
    desk: Desk, scale: Scale, measured: Measured
) -> None:
    desk.prepare(200)
    seconds = scale(2.5, 5.0)
    done, lock, _later = held_at(desk, 80, seconds)
    assert time.monotonic() - lock.since >= seconds
    lock.over()
    assert (done.code, counts(done.json)) == (0, {"accepted": 200})
    assert desk.shown() == {openid(number): 1 for number in range(1, 201)}
    measured(f"{seconds:g} s: went on, 0 lost")


@posix
@pytest.mark.long
@pytest.mark.guarantee("T13")
def test_t13_a_ledger_that_stays_locked_stops_the_run(desk: Desk, measured: Measured) -> None:
    desk.prepare(200)
    used = children_seconds()
    done, lock, later = held_at(desk, 80, 60.0)
    stopped_after = time.monotonic() - lock.since
    share = (children_seconds() - used) / stopped_after
    assert (done.code, done.json["state"], done.json["stopped_by"]["code"]) == (4, "stopped", "storage")
    assert adds_up(done.json)
    assert "cache.db" in done.json["stopped_by"]["hint"]
    assert later <= 2 * WORKERS
    assert share < 0.10
    assert stopped_after < 60
    waited = desk.send()  # begun while it is still locked
    assert time.monotonic() - lock.since >= 60
    lock.over()
    assert (waited.code, counts(waited.json)) == (0, {"accepted": 200})
    assert desk.shown() == {openid(number): 1 for number in range(1, 201)}
    measured(f"60 s: clean stop after {stopped_after:.0f} s with {share:.1%} of the CPU, {later} POSTs later")


def children_seconds() -> float:
    """CPU seconds of the processes that were waited for."""
    used = os.times()
    return used.children_user + used.children_system


# T14: what would be evicted

_EVICTING = {"size_limit": 1024 * 1024, "eviction_policy": "least-recently-stored", "cull_limit": 10}


@pytest.mark.guarantee("T14")
def test_t14_nothing_is_evicted_and_settings_that_would_are_refused(
    tmp_path: Path, scale: Scale, measured: Measured
) -> None:
    folder, people = tmp_path / "ledger", 50_000
    block = scale(50, 1)  # of one message each, the ledger has 50,000 rows of its own
    ledger = Ledger(folder, RUN)
    for start in range(0, people, block):
        batch = [message(number) for number in range(start, start + block)]
        ledger.commit([], [Claim(each, THEN) for each in batch])
        ledger.commit([record(each) for each in batch])
    ledger.close()
    size = (folder / "cache.db").stat().st_size
    assert size > 4 * 1024 * 1024
    assert rows_of(folder) == list(range(people))
    as_shipped = setting(folder, _EVICTING)
    before = Files.of(folder).database
    with pytest.raises(DamagedStateError, match="setting"):
        Ledger(folder, RUN, may_be_new=False)
    assert Files.of(folder).database == before
    setting(folder, as_shipped)
    assert rows_of(folder) == list(range(people))
    measured(f"{people:,} rows in {people // block:,} records remain; a limit of 1 MiB is refused")


@pytest.mark.guarantee("T14")
def test_t14_a_run_whose_ledger_would_evict_sends_nothing(desk: Desk) -> None:
    desk.prepare(60)
    desk.send("--limit", "30")
    (database,) = desk.home.rglob("cache.db")
    as_shipped = setting(database.parent, _EVICTING)
    refused = desk.send()
    assert (refused.code, refused.json["state"], desk.sends()) == (4, "refused", 30)
    assert "setting" in refused.err
    setting(database.parent, as_shipped)
    done = desk.send()
    assert (done.code, counts(done.json)) == (0, {"accepted": 60})
    assert set(desk.shown().values()) == {1}


def rows_of(folder: Path) -> list[int]:
    """The rows that a writer is shown records of."""
    seen: list[int] = []
    Ledger(folder, RUN, lambda _place, found: seen.append(found.row), may_be_new=False).close()
    return seen


def setting(folder: Path, values: Mapping[str, int | str]) -> dict[str, int | str]:
    """Force settings upon diskcache's table; returns what they were."""
    with closing(sqlite3.connect(folder / "cache.db")) as connection, connection:
        found = dict(connection.execute("SELECT key, value FROM Settings").fetchall())
        for key, value in values.items():
            connection.execute("UPDATE Settings SET value = ? WHERE key = ?", (value, key))
    return {key: found[key] for key in values}
