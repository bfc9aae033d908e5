"""Takes the guarantee's code apart, one line at a time, and sees that a test notices (T40).

`python -m tests.mutants [-k WORD] [--list]`: each mutant is one change of a copy of this tree, made where a
sentence of the guarantee is kept; the tests named with it run against the copy, and at least one must fail.
First they all run against the untouched copy, where none may. The copy has an environment of its own,
so that also the commands that the tests start are the copy's: a canary shows it.
"""

import argparse
import os
import shutil
import signal
import site
import subprocess
import sys
import tempfile
import threading
import time
import venv
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
_LEFT_OUT: Final = shutil.ignore_patterns(".*cache", ".git", ".venv*", ".demo", ".torture", ".hypothesis",
                                          "__pycache__", "build", "dist", "*.egg-info")  # fmt: skip
_LIMIT_S: Final = 120.0
_NO_TEST_FAILED, _A_TEST_FAILED = 0, 1


@dataclass(frozen=True)
class Mutant:
    """A change of one place of the product, and the tests of which at least one must fail by it."""

    name: str
    file: str
    old: str
    new: str
    killers: tuple[str, ...]


ENGINE = "tests/delivery/test_engine.py"
POLICY = "tests/delivery/test_policy.py"
STORE = "tests/delivery/test_store.py"
RESUME = "tests/cli/test_resume.py"
DISK = "tests/guarantees/test_disk.py"

MUTANTS: Final = (
    Mutant(
        "posts before the claim is on the disk",
        "wxpush/delivery/engine.py",
        "        self._commit([Claim(flight.message, made) for flight in flights])\n",
        "",
        (f"{ENGINE}::test_every_message_is_posted_once_and_recorded",),
    ),
    Mutant(
        "writes no claims",
        "wxpush/delivery/ledger.py",
        '                self._write("c", dump_claims(claims))\n',
        "                pass\n",
        ("tests/delivery/test_ledger.py::test_a_claim_is_open_until_a_record_ends_it",),
    ),
    Mutant(
        "shows an outcome before it is on the disk",
        "wxpush/delivery/engine.py",
        "        self._settled[state] += 1\n",
        "        self.progress.accepted += state is State.ACCEPTED\n",
        (f"{ENGINE}::test_nothing_is_shown_that_is_not_on_the_ledger",),
    ),
    Mutant(
        "a fresh id for each attempt",
        "wxpush/delivery/identity.py",
        'state.update(f"{key}{_SEPARATOR}{epoch}".encode())',
        'state.update(__import__("os").urandom(8))',
        (f"{RESUME}::test_a_killed_run_goes_on_with_the_same_command",),
    ),
    Mutant(
        "a fresh id after an answer that leaves it open",
        "wxpush/delivery/engine.py",
        "        delay = step.delay\n        if step.next is Next.LAST:\n",
        "        delay = step.delay\n        flight.next_epoch()\n        if step.next is Next.LAST:\n",
        (f"{ENGINE}::test_an_ambiguous_message_is_tried_again_with_the_same_id",),
    ),
    Mutant(
        "sends again outside the window",
        "wxpush/delivery/flight.py",
        "        return self.made is not None and age(self.made, now) >= DEDUPE_WINDOW_S\n",
        "        return False\n",
        (f"{ENGINE}::test_a_recovered_claim_outside_the_window_is_left_in_doubt",),
    ),
    Mutant(
        "tries what is open without an end",
        "wxpush/delivery/policy.py",
        "        in_time = history.age + delay < DEDUPE_WINDOW_S\n",
        "        in_time = True\n",
        (f"{POLICY}::test_an_answer_that_leaves_it_open_is_repeated_only_inside_the_window",),
    ),
    Mutant(
        "calls failed what is in doubt",
        "wxpush/delivery/policy.py",
        "if in_time else _done(State.IN_DOUBT)",
        "if in_time else _done(State.FAILED)",
        (f"{ENGINE}::test_a_message_that_never_gets_an_answer_ends_in_doubt_within_the_window",),
    ),
    Mutant(
        "takes a silent call for one that never left",
        "wxpush/delivery/policy.py",
        "if verdict.token_refused or verdict.arrival is Arrival.NEVER_LEFT:",
        "if verdict.token_refused or verdict.arrival in (Arrival.NEVER_LEFT, Arrival.SILENT):",
        (f"{POLICY}::test_an_answer_that_leaves_it_open_is_repeated_only_inside_the_window",),
    ),
    Mutant(
        "takes any 40241 for accepted",
        "wxpush/delivery/policy.py",
        "    if history.busy or history.orphan or (history.unanswered and history.refused):\n",
        "    if True:\n        return _done(State.ACCEPTED)\n    if history.busy:\n",
        (f"{ENGINE}::test_a_duplicate_at_the_first_attempt_waits_a_minute_and_gets_a_fresh_id_twice",),
    ),
    Mutant(
        "sends again what is held",
        "wxpush/delivery/policy.py",
        "            return _done(State.HELD)\n",
        "            return _again(verdict, history, rules, jitter)\n",
        (f"{POLICY}::test_what_follows_from_an_answer",),
    ),
    Mutant(
        "retries outside the bucket",
        "wxpush/delivery/engine.py",
        "        slots = self._gate.take(len(ready)) if ready else 0\n",
        "        slots = self._gate.take(len([f for f in ready if not f.attempts])) if ready else 0\n"
        "        slots += len([f for f in ready if f.attempts])\n",
        (f"{ENGINE}::test_retries_take_slots_of_the_same_rate",),
    ),
    Mutant(
        "goes on after 45009",
        "wxpush/channels/wechat/errcodes.py",
        '    "45009": VerdictKind.STOP,\n',
        '    "45009": VerdictKind.FAIL,\n',
        ("tests/cli/test_storm.py::test_quota_that_others_use_up_meanwhile_stops_with_3",),
    ),
    Mutant(
        "a breaker that never opens",
        "wxpush/delivery/breaker.py",
        "        return half or self._in_a_row >= self._enough_in_a_row(now)\n",
        "        return False\n",
        (f"{ENGINE}::test_an_outage_is_waited_out_with_few_probes",),
    ),
    Mutant(
        "keeps its claims at a clean stop",
        "wxpush/delivery/engine.py",
        "    def _drain(self) -> None:\n        self._unstage()\n",
        "    def _drain(self) -> None:\n",
        (f"{ENGINE}::test_stopping_takes_the_answers_under_way_and_leaves_nothing_in_doubt",),
    ),
    Mutant(
        "forgets what a killed process left",
        "wxpush/delivery/ledger.py",
        "        self._recovered = _oldest_first(contents)\n",
        "        self._recovered: list[Claim] = []\n",
        (f"{RESUME}::test_a_killed_run_goes_on_with_the_same_command",),
    ),
    Mutant(
        "evicts",
        "wxpush/delivery/store.py",
        '    "eviction_policy": "none",\n',
        '    "eviction_policy": "least-recently-stored",\n',
        (f"{STORE}::test_nothing_is_ever_evicted_and_every_commit_is_on_disk",),
    ),
    Mutant(
        "culls ten rows a write beyond a mebibyte",
        "wxpush/delivery/store.py",
        '    "cull_limit": 0,  # with the default, expired rows are deleted even where the policy is none\n'
        '    "size_limit": 2**62,\n',
        '    "cull_limit": 10,\n    "size_limit": 2**20,\n',
        (f"{STORE}::test_nothing_is_ever_evicted_and_every_commit_is_on_disk",),
    ),
    Mutant(
        "acknowledges what isn't flushed",
        "wxpush/delivery/store.py",
        '    "sqlite_synchronous": 2,',
        '    "sqlite_synchronous": 1,',
        (f"{STORE}::test_nothing_is_ever_evicted_and_every_commit_is_on_disk",),
    ),
    Mutant(
        "begins a lost ledger anew",
        "wxpush/app/opening.py",
        "may_be_new=found is None)",
        "may_be_new=True)",
        (f"{DISK}::test_t10_a_run_that_was_killed_and_lost_its_ledger_is_never_begun_anew",),
    ),
    Mutant(
        "looks through no log for holes",
        "wxpush/delivery/store.py",
        "    if _has_lost_commits(database):\n        raise",
        "    if False and _has_lost_commits(database):\n        raise",
        (f"{DISK}::test_t10_a_run_with_a_hole_in_its_log_sends_nothing",),
    ),
    Mutant(
        "breaks any seal",
        "wxpush/delivery/seal.py",
        "    if value[:_LENGTH] != f\"{hash64(key + text):0{_LENGTH}x}\":\n",
        "    if len(value) < _LENGTH:\n",
        (f"{STORE}::test_a_ledger_with_something_foreign_is_refused",),
    ),
    Mutant(
        "takes no lock",
        "wxpush/lock.py",
        "        _wait_for(handle, patience, busy)\n",
        "        pass\n",
        ("tests/delivery/test_run.py::test_a_second_process_is_refused_and_told_the_firsts_pid",),
    ),
    Mutant(
        "renews the token at each refusal",
        "wxpush/channels/wechat/token_call.py",
        "    return found.token != stale.token or found.is_younger_than(since)\n",
        "    return False\n",
        ("tests/channels/test_token.py::test_eight_processes_with_a_revoked_token_fetch_one_token",),
    ),
    Mutant(
        "renews the token by force",
        "wxpush/channels/wechat/token_call.py",
        "            return self._fetch(found or stale, force=False)\n",
        "            return self._fetch(found or stale, force=True)\n",
        ("tests/channels/test_token.py::test_a_token_replaced_by_another_system_is_asked_for_once_without_force",),
    ),
    Mutant(
        "follows redirects",
        "wxpush/channels/http/wire.py",
        "            redirect=False,\n",
        "            redirect=True,\n",
        ("tests/channels/test_transport.py::test_a_redirect_is_an_answer_and_never_followed",),
    ),
    Mutant(
        "believes the environment's proxies",
        "wxpush/channels/http/wire.py",
        '{"http": proxy, "https": proxy} if proxy else {}',
        '{"http": proxy, "https": proxy} if proxy else requests.utils.getproxies()',
        ("tests/channels/test_transport.py::test_proxies_and_cookies_of_elsewhere_are_ignored",),
    ),
    Mutant(
        "sends a repeated row again",
        "wxpush/app/selection.py",
        "            if seen is Seen.ALIKE or (",
        "            if (",
        ("tests/guarantees/test_lists.py::test_t29_a_repeated_person_gets_one_message_and_is_counted",),
    ),
    Mutant(
        "reads on in a list that is written over",
        "wxpush/campaign/recipients/watched.py",
        "                raise WrittenToError\n",
        "                pass\n",
        ("tests/campaign/test_watched.py::test_a_list_that_is_written_over_ends_the_reading",),
    ),
)  # fmt: skip
CANARY: Final = Mutant("canary", "wxpush/__init__.py", '"0.1.0"', '"0.1.0+canary"', ())


class Copy:
    """A copy of the tree with an environment in which `wxpush` is the copy's, in any folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "tree"
        self._moment = time.time()
        shutil.copytree(ROOT, self.folder, ignore=_LEFT_OUT)
        environment = folder / "environment"
        venv.EnvBuilder(symlinks=os.name != "nt").create(environment)
        self._python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        packages = next(environment.rglob("site-packages"))
        # Folders named in a .pth are searched in order, and their own .pth files (the editable install
        # among them) are not read.
        lines = [self.folder, *site.getsitepackages()]
        (packages / "copy.pth").write_text("".join(f"{line}\n" for line in lines), "utf-8")
        self._see_the_canary(folder)

    def _see_the_canary(self, elsewhere: Path) -> None:
        with self.mutated(CANARY):
            command = [str(self._python), "-m", "wxpush", "--version"]
            ended = subprocess.run(
                command, cwd=elsewhere, env=_plain(), capture_output=True, text=True, check=True
            )
        if "canary" not in ended.stdout:
            raise SystemExit(f"the copy's commands are not the copy's: {ended.stdout}")

    @contextmanager
    def mutated(self, mutant: Mutant) -> Iterator[None]:
        """The copy with this change."""
        path = self.folder / mutant.file
        before = path.read_text("utf-8")
        self._write(path, changed(before, mutant))
        try:
            yield
        finally:
            self._write(path, before)

    def _write(self, path: Path, text: str) -> None:
        path.write_text(text, "utf-8")
        self._moment += 2  # compiled files are told from old ones by whole seconds and size
        os.utime(path, (self._moment, self._moment))

    def run(self, tests: Sequence[str], limit: float) -> int | None:
        """How pytest ended; None where it had to be ended after `limit` seconds."""
        command = [str(self._python), "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
        output = self.folder / "output.txt"
        with output.open("w") as file, subprocess.Popen(
            command, cwd=self.folder, env=_plain(), stdout=file, stderr=file, start_new_session=True
        ) as process:  # fmt: skip
            try:
                return process.wait(limit)
            except subprocess.TimeoutExpired:
                return None
            finally:
                _end(process)

    def output(self) -> str:
        """What pytest said last."""
        return (self.folder / "output.txt").read_text("utf-8", "replace")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End what is left of its session: the tests' own commands too."""
    with suppress(ProcessLookupError, AttributeError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _plain() -> dict[str, str]:
    """The environment without what points Python or wxpush elsewhere."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "WXPUSH_"))}


def changed(text: str, mutant: Mutant) -> str:
    """`text` with the mutant's change; raises ValueError where its place isn't there just once."""
    if text.count(mutant.old) != 1:
        raise ValueError(f"{mutant.name}: its place stands {text.count(mutant.old)} times in {mutant.file}")
    return text.replace(mutant.old, mutant.new)


@dataclass(frozen=True)
class Verdict:
    """How a mutant fared: `killed` is None where the tests didn't even run."""

    mutant: Mutant
    killed: bool | None
    seconds: float
    output: str = ""

    @property
    def word(self) -> str:
        """For people."""
        return {True: "killed", False: "SURVIVED", None: "BROKEN"}[self.killed]


class Hunt:
    """Some mutants, hunted on as many copies as there are workers."""

    def __init__(self, folder: Path, workers: int = 2) -> None:
        self._workers = workers
        self._folder = folder
        self._own = threading.local()
        self._lock = threading.Lock()

    def begin(self, mutants: Sequence[Mutant]) -> list[str]:
        """See that the tests hold on untouched copies; returns what fails there."""
        killers = list(dict.fromkeys(killer for mutant in mutants for killer in mutant.killers))
        with ThreadPoolExecutor(self._workers) as pool:
            shares = [killers[number :: self._workers] for number in range(self._workers)]
            return [found for found in pool.map(self._untouched, shares) if found]

    def hunt(self, mutants: Sequence[Mutant]) -> Iterator[Verdict]:
        """Each mutant's fate, in their order."""
        with ThreadPoolExecutor(self._workers) as pool:
            yield from pool.map(self._fate, mutants)

    def _untouched(self, killers: Sequence[str]) -> str:
        copy = self._copy()
        if not killers or copy.run(killers, _LIMIT_S * len(killers)) == _NO_TEST_FAILED:
            return ""
        return copy.output()

    def _fate(self, mutant: Mutant) -> Verdict:
        copy, since = self._copy(), time.monotonic()
        with copy.mutated(mutant):
            code = copy.run(mutant.killers, _LIMIT_S)
        # Whoever makes a test hang is found out by it, too.
        killed = {None: True, _A_TEST_FAILED: True, _NO_TEST_FAILED: False}.get(code)
        return Verdict(mutant, killed, time.monotonic() - since, copy.output())

    def _copy(self) -> Copy:
        """This thread's own."""
        if not hasattr(self._own, "copy"):
            with self._lock:
                place = Path(tempfile.mkdtemp(dir=self._folder, prefix="copy-"))
            self._own.copy = Copy(place)
        found: Copy = self._own.copy
        return found


def main() -> int:
    """Hunt; returns 0 where each mutant was killed."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("-k", metavar="WORD", default="", help="only mutants with this in their name or file")
    parser.add_argument("--list", action="store_true", help="name them and do nothing")
    parser.add_argument("--workers", type=int, default=2, help="how many at a time (default 2)")
    options = parser.parse_args()
    mutants = [mutant for mutant in MUTANTS if options.k in f"{mutant.name} {mutant.file}"]
    say = sys.stdout.write
    if options.list:
        for mutant in mutants:
            say(f"{mutant.file}: {mutant.name}\n")
        return 0
    with tempfile.TemporaryDirectory(prefix="wxpush-mutants-") as folder:
        hunt = Hunt(Path(folder), options.workers)
        for failure in hunt.begin(mutants):
            say(failure)
            say("the tests don't hold on the untouched copy\n")
            return 2
        survivors = 0
        for verdict in hunt.hunt(mutants):
            say(f"{verdict.word:8} {verdict.seconds:5.1f} s  {verdict.mutant.file}: {verdict.mutant.name}\n")
            sys.stdout.flush()
            if not verdict.killed:
                survivors += 1
                say(verdict.output if verdict.killed is None else "")
    say(f"{len(mutants) - survivors} of {len(mutants)} killed\n")
    return min(survivors, 1)


if __name__ == "__main__":
    sys.exit(main())
