"""The state folder under attack: what others could touch is refused, and nothing is written through it."""

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.channels.test_token_store import ACCOUNT, GRANT, SPOILT
from tests.cli.command import Desk, openid, people, send_arguments
from tests.delivery.ledgers import claim, message, record
from tests.delivery.test_run import CARD
from tests.delivery.test_store import ATTACKS
from tests.delivery.world import RUN
from tests.guarantees.plugin import Measured, Scale
from tests.guarantees.stage import (
    NOBODY,
    a_desk,
    as_link,
    as_pipe,
    for_all,
    of_nobody,
    seen,
    with_second_name,
)
from tests.report.test_failures import ROW
from wxpush.channels.wechat.token_store import TokenStore
from wxpush.delivery.ledger import Ledger
from wxpush.delivery.run import RunFolder, state_beside
from wxpush.errors import StateError
from wxpush.private import ensure_private_dir, remove_tree
from wxpush.report.failures import write_jsonl

as_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can act for other users"
)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """After one sending of three people, of whom one had unfollowed."""
    with a_desk(tmp_path) as desk:
        assert desk.sandbox is not None
        desk.sandbox.unfollow(openid(2))
        desk.prepare(3)
        assert desk.send().json["accepted"] == 2
        yield desk


def places(desk: Desk) -> dict[str, Path]:
    """Everything that wxpush keeps, by what it is."""
    state = desk.folder / ".wxpush"
    (run,) = (state / "runs").iterdir()
    accounts = desk.folder.parent / "state" / "wxpush" / "accounts"
    (account,) = accounts.iterdir()
    return {
        "state": state,
        "runs": state / "runs",
        "run": run,
        "ledger": run / "ledger",
        "database": run / "ledger" / "cache.db",
        "card": run / "run.json",
        "lock": run / "run.lock",
        "accounts": accounts,
        "account": account,
        "token": account / "token.json",
        "token lock": account / "token.lock",
    }


def spoilers(elsewhere: Path, path: Path) -> dict[str, Callable[[Path], None]]:
    """The ways to make a place unsafe."""
    ways = {
        "a link": lambda place: as_link(place, elsewhere),
        "open": for_all,
        "foreign": of_nobody,
    }
    if path.is_file():
        ways |= {"a second name": with_second_name, "a pipe": as_pipe}
    return ways


@as_root
@pytest.mark.guarantee("T34")
def test_t34_state_that_others_could_touch_is_refused(desk: Desk, scale: Scale, measured: Measured) -> None:
    kept = desk.folder.parent / "kept"
    shutil.copytree(desk.folder.parent, kept, ignore=shutil.ignore_patterns("kept", "elsewhere"))
    cases = [
        (name, way)
        for name, path in places(desk).items()
        for way in spoilers(desk.folder.parent / "elsewhere", path)
    ]
    before = desk.sends()
    chosen = cases[:: scale(4, 1)]
    for name, way in chosen:
        elsewhere = desk.folder.parent / "elsewhere"
        path = places(desk)[name]
        spoilers(elsewhere, path)[way](path)
        outside = seen(elsewhere) if elsewhere.exists() else {}
        desk.list(people(1, start=9))
        # The lock is needed only where a token is fetched.
        done = desk.run("token", "refresh") if name == "token lock" else desk.send()
        assert done.code == 4, (name, way, done.err)
        assert str(path) in done.err
        assert (seen(elsewhere) if elsewhere.exists() else {}) == outside, (name, way)
        for folder in ("work", "state", "elsewhere"):
            shutil.rmtree(desk.folder.parent / folder, ignore_errors=True)
        shutil.copytree(kept, desk.folder.parent, dirs_exist_ok=True)
    assert desk.sends() == before
    measured(f"{len(chosen)} of {len(chosen)} unsafe places refused, 0 messages sent")


OPEN = 0o777
STICKY = 0o1777


@as_root
@pytest.mark.guarantee("T34")
@pytest.mark.parametrize(
    ("above", "mode", "owner", "refused"),
    [
        ("work", OPEN, 0, True),
        ("", OPEN, 0, True),
        ("work", STICKY, 0, False),
        ("work", STICKY, NOBODY, True),
        ("state", OPEN, 0, True),
        ("state", STICKY, NOBODY, True),
        ("work", 0o775, 0, False),
    ],
)
def test_t34_a_folder_above_that_every_user_can_change_is_refused(
    tmp_path: Path, measured: Measured, above: str, mode: int, owner: int, refused: bool
) -> None:
    with a_desk(tmp_path / "all") as desk:
        desk.prepare(1)
        folder = tmp_path / "all" / above
        folder.mkdir(exist_ok=True)
        folder.chmod(mode)
        os.chown(folder, owner, owner)
        done = desk.send()
        assert done.code == (4 if refused else 0), done.err
        assert desk.sends() == (not refused)
        if refused:
            assert f"Every user of this machine can change what is in {folder}" in done.err
            assert not (desk.folder / ".wxpush" / "runs").exists() or above == "state"
    measured(f"open folders above: {'refused' if refused else 'sticky ones are used'}")


@as_root
@pytest.mark.guarantee("T34")
def test_t34_a_home_that_every_user_can_change_is_refused(tmp_path: Path) -> None:
    with a_desk(tmp_path) as desk:
        desk.prepare(1)
        home = tmp_path / "shared"
        home.mkdir()
        home.chmod(OPEN)
        done = desk.run("--home", home, "send", "campaign.yaml", "users.csv", "--yes")
        assert (done.code, desk.sends(), list(home.iterdir())) == (4, 0, [])
        home.chmod(0o755)
        assert desk.run("--home", home, "send", "campaign.yaml", "users.csv", "--yes").code == 0


def swapping(folder: Path, outside: Path, times: int, *more: object) -> "subprocess.Popen[str]":
    """A process that exchanges `folder` for a link to `outside` and back, on its way."""
    words = [Path(__file__).with_name("swapper.py"), folder, outside, times, *more]
    process = subprocess.Popen(
        [sys.executable, *map(str, words)], stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    assert process.stdout is not None
    if process.stdout.readline() != "ready\n":
        pytest.skip("this system can't exchange two names in one step")
    return process


def decoys(folder: Path, *names: str) -> Path:
    """A private folder of this user with files under the names that wxpush uses."""
    for name in names:
        path = folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text("keep me")
        path.chmod(0o600)
    return folder


def keep_token(folder: Path) -> None:
    store = TokenStore(folder, ACCOUNT)
    with store.locked(1.0):
        store.save(GRANT)
    assert store.load() in (GRANT, None)
    store.clear()


def keep_card(folder: RunFolder) -> None:
    with folder.locked():
        folder.write_card(CARD)
        assert folder.card() in (CARD, None)


def keep_failures(folder: RunFolder) -> None:
    write_jsonl([ROW], folder.failures)
    write_jsonl([], folder.failures)


def keep_ledger(folder: RunFolder) -> None:
    ledger = Ledger(folder.ledger, RUN)
    try:
        number = time.monotonic_ns() % 10**6
        ledger.commit([], [claim(number)])
        ledger.commit([record(message(number))])
    finally:
        ledger.close()


RUN_FILES = ("run.json", "run.pid", "run.lock", ".run.json.abc", "failures.jsonl", "ledger/keep")
SIDE_FILES = {"cache.db-wal", "cache.db-shm"}


def swapped(scene: str, tmp_path: Path) -> tuple[Path, Path, list[Callable[[], object]]]:
    """What is swapped, for what, and the work that goes on meanwhile."""
    outside = tmp_path / "outside"
    if scene == "token":
        folder = ensure_private_dir(tmp_path / "account")
        decoys(outside, "token.json", "token.lock", ".token.json.abc")
        return folder, outside, [lambda: keep_token(folder)]
    campaign = tmp_path / "campaign.yaml"
    state = state_beside(campaign, None)
    run = RunFolder.of(state, RUN)
    ensure_private_dir(run.path)
    work: list[Callable[[], object]] = [
        lambda: keep_card(run),
        lambda: keep_failures(run),
        lambda: keep_ledger(run),
    ]
    if scene == "run":
        return run.path, decoys(outside, *RUN_FILES), work
    decoys(outside, ".gitignore", *(f"runs/{RUN.folder}/{name}" for name in RUN_FILES), "old/keep")
    work += [lambda: state_beside(campaign, None), lambda: remove_tree(state / "old")]
    return state, outside, work


@pytest.mark.skipif(sys.platform != "linux", reason="needs renameat2")
@pytest.mark.guarantee("T34")
@pytest.mark.parametrize("scene", ["token", "run", "state"])
def test_t34_a_folder_swapped_for_a_link_leads_nothing_outside(
    tmp_path: Path, scale: Scale, measured: Measured, scene: str
) -> None:
    times = scale(400, 3_000)
    folder, outside, work = swapped(scene, tmp_path)
    before, ended, empty_files = seen(outside), Counter[tuple[int, str]](), 0
    process = swapping(folder, outside, times)
    while process.poll() is None:
        for number, step in enumerate(work):
            ended[number, _attempted(step)] += 1
        new = seen(outside).keys() - before.keys()
        # SQLite makes its side files by their paths; wxpush sees that and lets go before it writes anything.
        assert {Path(name).name for name in new} <= SIDE_FILES, new
        for name in new:
            assert b"touser" not in (outside / name).read_bytes()
            (outside / name).unlink()
        empty_files += len(new)
    assert process.communicate()[0] == f"{times}\n"
    assert seen(outside) == before
    assert all(ended[number, ""] for number in range(len(work))), f"each step went well at times: {ended}"
    assert any(ended[number, "UnsafeStateError"] for number in range(len(work))), "the link was met"
    assert [_attempted(step) for step in work] == [""] * len(work)
    measured(f"{scene} folder swapped {times:,} times: 0 writes outside, {empty_files} empty side files")


def _attempted(step: Callable[[], object]) -> str:
    """The kind of error that it was refused with."""
    try:
        step()
    except StateError as error:
        return type(error).__name__
    return ""


@as_root
@pytest.mark.skipif(sys.platform != "linux", reason="needs renameat2")
@pytest.mark.guarantee("T34")
@pytest.mark.parametrize("mode", [0o755, 0o1777], ids=["own folder", "sticky folder"])
def test_t34_another_user_can_not_swap_it(tmp_path: Path, measured: Measured, mode: int) -> None:
    os_tmp = Path("/tmp")
    work = os_tmp / f"wxpush-test-{random.randrange(10**9)}"
    work.mkdir()
    try:
        work.chmod(mode)
        state = state_beside(work / "campaign.yaml", None)
        process = swapping(state, tmp_path, 1000, NOBODY)
        assert process.communicate(timeout=60)[0] == "0\n"
        assert state_beside(work / "campaign.yaml", None) == state
    finally:
        shutil.rmtree(work)
    measured("another user: 0 of 1,000 swaps")


LIMIT_S = 2.0
"""Seconds within which a spoilt token file must be dealt with."""
START_S = 3.0
"""Seconds that a busy machine may need to start Python and to end it."""


@pytest.mark.guarantee("T16")
def test_t16_a_spoilt_token_file_counts_as_none(tmp_path: Path, measured: Measured) -> None:
    folder = ensure_private_dir(tmp_path / "account")
    store = TokenStore(folder, ACCOUNT)
    slowest = 0.0
    for content in SPOILT:
        (folder / "token.json").write_bytes(content)
        (folder / "token.json").chmod(0o600)
        started = time.monotonic()
        assert store.load() is None, content[:40]
        store.save(GRANT)
        assert store.load() == GRANT
        slowest = max(slowest, time.monotonic() - started)
    assert len(SPOILT) >= 30
    assert slowest < LIMIT_S
    measured(f"{len(SPOILT)} of {len(SPOILT)} spoilt files replaced, slowest {slowest:.3f} s")


@pytest.mark.guarantee("T16")
@pytest.mark.parametrize("number", [0, 2, 6, 8, 10, 13, 21, 27, 33])
def test_t16_the_commands_go_on_after_a_spoilt_token_file(desk: Desk, number: int) -> None:
    assert desk.sandbox is not None
    token = places(desk)["token"]
    token.write_bytes(SPOILT[number])
    started = time.monotonic()
    shown = desk.run("token", "show")
    assert (shown.code, "No token is cached" in shown.err) == (0, True)
    assert time.monotonic() - started < LIMIT_S + START_S
    desk.list(people(1, start=9))
    assert desk.send().json["token_fetches"] == 1
    assert json.loads(token.read_text())["token"] not in ("", None)


@as_root
@pytest.mark.guarantee("T16")
@pytest.mark.parametrize("way", ["a link", "open", "foreign", "a second name", "a pipe"])
def test_t16_an_unsafe_token_file_is_refused(desk: Desk, measured: Measured, way: str) -> None:
    token = places(desk)["token"]
    spoilers(desk.folder.parent / "elsewhere", token)[way](token)
    desk.list(people(1, start=9))
    before = desk.sends()
    for words in (("token", "show"), ("token", "refresh"), send_arguments()):
        started = time.monotonic()
        done = desk.run(*words, timeout=30)
        assert done.code == 4, (words, done.err)
        assert str(token) in done.err
        assert time.monotonic() - started < LIMIT_S + START_S
    assert desk.sends() == before
    measured("5 of 5 unsafe ones refused by show, refresh and send")


TAMPERED = (
    "a pickled value",
    "a pickled key",
    "a pickled meta",
    "raw 0",
    "raw 0 for meta",
    "a value that is bytes",
    "a file name",
    "a file to read",
    "broken JSON",
    "deep JSON",
    "a row below zero",
    "a row beyond any list",
    "records in the middle gone",
    "everything gone",
    "an eviction policy",
    "a trigger",
    "a view in place of the records",
    "a journal to be played back",
    "not a database",
    "a file of zeros",
)


@pytest.fixture
def three_blocks(desk: Desk) -> Path:
    """The ledger of three calls."""
    for number in (11, 12):
        desk.list(people(1, start=number))
        desk.send()
    return places(desk)["ledger"]


def hostile_ledgers() -> dict[str, Callable[[Path], object]]:
    """What can be done to a ledger from outside, by name."""
    elsewhere = "precious.db"
    return {name: ATTACKS[name] for name in TAMPERED} | {
        "a link to a database": lambda folder: as_link(folder / "cache.db", folder.parent / "linked"),
        "a second name": lambda folder: (folder.parent / elsewhere).hardlink_to(folder / "cache.db"),
        "a linked log": lambda folder: (folder / "cache.db-wal").symlink_to(folder.parent / "precious.txt"),
        "a pipe": lambda folder: as_pipe(folder / "cache.db"),
    }


@pytest.mark.guarantee("T24")
def test_t24_the_commands_refuse_a_tampered_ledger(
    desk: Desk, three_blocks: Path, scale: Scale, measured: Measured
) -> None:
    ledger, run = three_blocks, three_blocks.parent
    kept = desk.folder.parent / "kept"
    shutil.copytree(ledger, kept)
    before, kinds = desk.sends(), dict(list(hostile_ledgers().items())[:: scale(2, 1)])
    looks = [("runs", "show"), ("report",), ("report", "--format", "csv"), ("retry-failed", "--all", "--yes")]
    for number, (name, attack) in enumerate(kinds.items()):
        (run / "precious.txt").write_text("keep me")
        attack(ledger)
        found = records_in(ledger)
        for words in (send_arguments(), *scale([looks[number % len(looks)]], looks)):
            done = desk.run(*words)
            may_be_shown = words[0] in ("runs", "report")
            assert done.code in ((0, 4) if may_be_shown else (4,)), (name, words, done.err)
            assert (run / "precious.txt").read_text() == "keep me", name
            assert not (run / "exploded").exists(), name
        assert records_in(ledger) == found, f"{name}: the ledger was changed"
        shutil.rmtree(ledger)
        shutil.rmtree(run / "linked", ignore_errors=True)
        (run / "precious.db").unlink(missing_ok=True)
        shutil.copytree(kept, ledger)
    assert desk.sends() == before
    assert desk.send().json["accepted"] == 4
    measured(
        f"{len(kinds)} of {len(kinds)} tampered ledgers refused: 0 run, 0 read or deleted outside, 0 sent"
    )


def records_in(ledger: Path) -> list[object]:
    """The raw rows of a ledger, or what stands there where it has none."""
    database = ledger / "cache.db"
    if database.is_symlink() or not database.is_file():
        return [database.lstat()]
    with (
        suppress(sqlite3.Error),
        closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as opened,
    ):
        return opened.execute("SELECT * FROM Cache LIMIT 100").fetchall()
    return [database.read_bytes()]
