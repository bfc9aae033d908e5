"""The token in use: fetched once for all, renewed in time, replaced once per generation, never in a loop."""

import json
import os
import queue
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loopback import Loopback, answering

from wxpush.channels.wechat.client import make_keeper
from wxpush.channels.wechat.outside_token import pick
from wxpush.channels.wechat.token import Refusals, TokenKeeper
from wxpush.channels.wechat.token_call import NoTokenError
from wxpush.channels.wechat.token_store import Grant, TokenStore
from wxpush.clock import Moment
from wxpush.config import Account, Directories, OutsideToken, Secret
from wxpush.errors import InputError, LockedError, StorageError, UnsafeStateError
from wxpush.model import Arrival, CodeClass, Trouble, Verdict, VerdictKind
from wxpush.sandbox import Account as SandboxAccount
from wxpush.sandbox import AllowList, Sandbox, Scenario, TokenSettings

STABLE = "/cgi-bin/stable_token"
CLASSIC = "/cgi-bin/token"


@dataclass
class Hands:
    """Clocks that are set by hand."""

    wall: float = 1_795_428_000.0
    boot: float = 1000.0

    def __call__(self) -> Moment:
        return Moment(self.wall, self.boot, "boot-1")

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.boot += seconds


@dataclass
class Script:
    """A supply that gives what it was told to, one after the other, the last for ever."""

    clock: Hands
    gives: list[str | Exception]
    lifetime: float = 7200.0
    fetches: int = 0
    forced: list[bool] = field(default_factory=list)

    def peek(self) -> Grant | None:
        return None

    def obtain(self, _stale: Grant | None, _since: Moment) -> Grant:
        return self.ask(force=False)

    def ask(self, *, force: bool) -> Grant:
        self.fetches += 1
        self.forced.append(force)
        given = self.gives.pop(0) if len(self.gives) > 1 else self.gives[0]
        if isinstance(given, Exception):
            raise given
        return Grant(given, self.lifetime, self.clock())

    def clear(self) -> bool:
        return False


class Told:
    """What a keeper tells its listener, to be waited for."""

    def __init__(self, keeper: TokenKeeper) -> None:
        self._box: queue.SimpleQueue[Trouble | None] = queue.SimpleQueue()
        keeper.listen(self._box.put)

    def next(self) -> Trouble | None:
        return self._box.get(timeout=5)

    def nothing(self) -> bool:
        return self._box.empty()


def trouble(kind: VerdictKind, code: str = "-1", wait: float | None = None) -> NoTokenError:
    judged = Verdict(kind, code, CodeClass.TRANSIENT, Arrival.BUSY, wait=wait)
    return NoTokenError(Trouble(judged, f"no token ({code})", "wait"))


def keeper_of(*gives: str | Exception, lifetime: float = 7200.0) -> tuple[TokenKeeper, Script, Hands, Told]:
    clock = Hands()
    script = Script(clock, list(gives), lifetime)
    keeper = TokenKeeper(script, clock=clock, chance=random.Random(7))
    return keeper, script, clock, Told(keeper)


def test_a_token_is_asked_for_when_it_is_first_wanted() -> None:
    keeper, script, _clock, told = keeper_of("92_a")
    assert script.fetches == 0
    assert keeper.current() is None
    assert told.next() is None
    token = keeper.current()
    assert token is not None
    assert (token.value, script.fetches) == ("92_a", 1)


def test_asking_again_and_again_fetches_once() -> None:
    keeper, script, _clock, told = keeper_of("92_a")
    for _time in range(100):
        keeper.current()
    told.next()
    for _time in range(100):
        keeper.current()
    assert script.fetches == 1


def test_a_token_near_its_end_is_renewed_while_it_goes_on_being_used() -> None:
    keeper, script, clock, told = keeper_of("92_a", "92_b")
    keeper.wait(5)
    told.next()
    clock.pass_by(7200 - 301)
    assert keeper.wait(5).value == "92_a"
    assert script.fetches == 1
    clock.pass_by(301 - 175)
    assert keeper.wait(5).value == "92_a"
    told.next()
    assert keeper.wait(5).value == "92_b"
    assert script.fetches == 2


def test_a_platform_that_gives_the_same_token_again_is_not_asked_all_the_time() -> None:
    clock = Hands()
    end = clock.boot + 7200

    class SameUntilItsEnd(Script):
        def obtain(self, _stale: Grant | None, _since: Moment) -> Grant:
            self.fetches += 1
            return Grant("92_a", end - clock.boot, clock())

    script = SameUntilItsEnd(clock, [])
    keeper = TokenKeeper(script, clock=clock, chance=random.Random(7))
    keeper.wait(5)
    for _second in range(7199):
        clock.pass_by(1)
        keeper.current()
        for thread in threading.enumerate():
            if thread.name == "wxpush-token":
                thread.join(5)
    assert 2 <= script.fetches <= 8


def test_a_refused_token_is_replaced_once_however_many_calls_say_so() -> None:
    keeper, script, _clock, told = keeper_of("92_a", "92_b")
    old = keeper.wait(5)
    told.next()
    for _call in range(16):
        keeper.refuse(old.serial)
    told.next()
    keeper.refuse(old.serial)
    new = keeper.wait(5)
    assert (new.value, script.fetches) == ("92_b", 2)
    assert script.forced == [False, False]


def test_three_generations_without_one_acceptance_stop_with_the_remedy() -> None:
    keeper, script, _clock, told = keeper_of("92_a", "92_b", "92_c", "92_d")
    for _generation in range(3):
        keeper.refuse(keeper.wait(5).serial)
    stops = [found for found in (told.next() for _event in range(4)) if found is not None]
    assert [stop.verdict.kind for stop in stops] == [VerdictKind.STOP]
    assert "3 access_tokens in a row" in stops[0].message
    assert "stable_token" in stops[0].hint
    assert script.fetches == 3
    assert keeper.current() is None
    with pytest.raises(NoTokenError, match="in a row"):
        keeper.wait(5)


def test_an_acceptance_makes_refusals_count_anew() -> None:
    keeper, _script, _clock, _told = keeper_of(*(f"92_{number}" for number in range(20)))
    for _generation in range(10):
        token = keeper.wait(5)
        keeper.accepted(token.serial)
        keeper.refuse(token.serial)
    assert keeper.wait(5).value == "92_10"


def test_an_acceptance_of_an_earlier_token_proves_nothing() -> None:
    keeper, _script, _clock, _told = keeper_of("92_a", "92_b", "92_c", "92_d")
    first = keeper.wait(5)
    keeper.refuse(first.serial)
    for _generation in range(2):
        token = keeper.wait(5)
        keeper.accepted(first.serial)
        keeper.refuse(token.serial)
    with pytest.raises(NoTokenError):
        keeper.wait(5)


def test_a_refused_token_that_the_platform_insists_on_rests_before_it_is_tried_again() -> None:
    keeper, script, clock, told = keeper_of("92_a")
    first = keeper.wait(5)
    told.next()
    keeper.refuse(first.serial)
    told.next()
    assert keeper.current() is None
    assert keeper.next_chance() == pytest.approx(5.0)
    clock.pass_by(5.0)
    again = keeper.current()
    assert again is not None
    assert (again.value, again.serial != first.serial, script.fetches) == ("92_a", True, 2)


def test_the_same_token_refused_for_two_minutes_stops_after_few_calls() -> None:
    keeper, script, clock, told = keeper_of("92_a")
    start = clock.boot
    while True:
        keeper.refuse(keeper.wait(5).serial)
        said = told.next()
        while said is None and keeper.next_chance() == float("inf"):
            said = told.next()
        if said is not None:
            break
        clock.pass_by(keeper.next_chance())
    assert said.verdict.kind is VerdictKind.STOP
    assert "same access_token" in said.message
    assert 120 <= clock.boot - start <= 160
    assert script.fetches <= 8


def test_passing_trouble_is_told_and_tried_again_after_a_while() -> None:
    keeper, script, clock, told = keeper_of(trouble(VerdictKind.AGAIN, wait=7.0), "92_a")
    assert keeper.current() is None
    said = told.next()
    assert said is not None
    assert said.verdict.kind is VerdictKind.AGAIN
    assert keeper.current() is None
    assert script.fetches == 1
    assert 7.0 <= keeper.next_chance() < 8.0
    clock.pass_by(keeper.next_chance())
    keeper.current()
    assert told.next() is None
    assert keeper.wait(5).value == "92_a"


def test_an_old_token_goes_on_being_used_while_its_renewal_fails() -> None:
    keeper, _script, clock, told = keeper_of("92_a", trouble(VerdictKind.AGAIN))
    keeper.wait(5)
    told.next()
    clock.pass_by(7200 - 100)
    keeper.current()
    assert told.next() is not None
    assert keeper.wait(5).value == "92_a"
    clock.pass_by(71)
    assert keeper.current() is None


def test_a_fault_of_the_account_ends_it_at_once() -> None:
    keeper, script, clock, told = keeper_of(trouble(VerdictKind.STOP, "40001"))
    keeper.current()
    assert told.next() is not None
    clock.pass_by(3600)
    assert keeper.current() is None
    assert keeper.next_chance() == float("inf")
    assert script.fetches == 1
    with pytest.raises(NoTokenError, match="40001") as caught:
        keeper.wait(5)
    assert (caught.value.code, caught.value.hint) == ("40001", "wait")


def test_another_process_that_renews_for_long_is_passing_trouble() -> None:
    keeper, _script, _clock, told = keeper_of(LockedError("busy"), "92_a")
    keeper.current()
    said = told.next()
    assert said is not None
    assert said.verdict.kind is VerdictKind.AGAIN


def test_a_token_that_cannot_be_stored_stops() -> None:
    keeper, _script, _clock, told = keeper_of(StorageError("disk full", "make room"))
    keeper.current()
    said = told.next()
    assert said is not None
    assert (said.verdict.kind, said.verdict.code, said.hint) == (VerdictKind.STOP, "storage", "make room")


def test_a_fault_of_ours_reaches_whoever_asks_for_the_token() -> None:
    keeper, _script, _clock, told = keeper_of(ZeroDivisionError("ours"))
    keeper.current()
    told.next()
    with pytest.raises(ZeroDivisionError):
        keeper.current()


@pytest.mark.parametrize("jump", [7200, -7200, 86400, -86400])
def test_a_jump_of_the_wall_clock_costs_one_renewal_at_most(jump: float) -> None:
    keeper, script, clock, told = keeper_of("92_a")
    keeper.wait(5)
    told.next()
    clock.wall += jump
    if keeper.current() is None:
        told.next()
    for _minute in range(60):
        clock.pass_by(60)
        assert keeper.current() is not None
    assert script.fetches == 2


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 60)), max_size=40))
def test_refusals_always_come_to_an_end(refused: list[tuple[str, float]]) -> None:
    refusals, at = Refusals(), 0.0
    for token, seconds in refused:
        if refusals.times and refusals.hopeless(at):
            break
        refusals = refusals.and_again(token, at)
        assert 5.0 <= refusals.pause <= 30.0
        at += seconds
    assert refusals.generations <= 3


# With a WeChat, over real HTTP.


def account_of(sandbox: Sandbox, **changes: object) -> Account:
    account = Account("shop", sandbox.appid, Secret(sandbox.secret), "stable", sandbox.url)
    return replace(account, **changes)


@pytest.fixture
def home(tmp_path: Path) -> Directories:
    return Directories(tmp_path / "home")


@pytest.fixture
def wechat() -> Iterator[Sandbox]:
    with Sandbox(Scenario(any_template=True)) as sandbox:
        yield sandbox


def test_a_fetched_token_is_found_by_the_next_process(wechat: Sandbox, home: Directories) -> None:
    first = make_keeper(account_of(wechat), home).wait(5)
    second = make_keeper(account_of(wechat), home).wait(5)
    assert first.value == second.value
    assert wechat.requests_by_path == {STABLE: 1}


def test_the_classic_call_is_made_where_it_is_asked_for(wechat: Sandbox, home: Directories) -> None:
    make_keeper(account_of(wechat, token="classic"), home).wait(5)
    assert wechat.requests_by_path == {CLASSIC: 1}


def test_a_token_replaced_by_another_system_is_asked_for_once_without_force(home: Directories) -> None:
    whoever_forces_is_refused = TokenSettings(force_per_day=0)
    with Sandbox(Scenario(any_template=True, tokens=whoever_forces_is_refused)) as wechat:
        keeper = make_keeper(account_of(wechat), home)
        old = keeper.wait(5)
        wechat.replace_token()
        keeper.refuse(old.serial)
        new = keeper.wait(5)
    assert new.value != old.value
    assert wechat.requests_by_path == {STABLE: 2}
    shown = keeper.show()
    assert shown is not None
    assert (shown.generation, shown.token) == (2, new.value)


def test_only_an_operator_forces(wechat: Sandbox, home: Directories) -> None:
    keeper = make_keeper(account_of(wechat), home)
    before = keeper.fetch_now()
    assert keeper.fetch_now().token == before.token
    assert keeper.fetch_now(force=True).token != before.token


def test_clearing_makes_the_next_one_ask_again(wechat: Sandbox, home: Directories) -> None:
    keeper = make_keeper(account_of(wechat), home)
    keeper.wait(5)
    assert keeper.clear()
    assert keeper.show() is None
    assert make_keeper(account_of(wechat), home).show() is None
    keeper.wait(5)
    assert wechat.requests_by_path == {STABLE: 2}


def stopped_by(account: Account, home: Directories) -> NoTokenError:
    with pytest.raises(NoTokenError) as caught:
        make_keeper(account, home).wait(10)
    return caught.value


def test_a_wrong_secret_stops_at_once(wechat: Sandbox, home: Directories) -> None:
    error = stopped_by(account_of(wechat, secret=Secret("f" * 32)), home)
    assert error.code in {"40001", "40125"}
    assert error.trouble.verdict.kind is VerdictKind.STOP
    assert "f" * 32 not in f"{error!r} {error} {error.hint}"
    assert wechat.requests_by_path == {STABLE: 1}


def test_an_address_outside_the_allow_list_is_named(home: Directories) -> None:
    listed = AllowList("token", ("10.0.0.1",), "203.0.113.7")
    with Sandbox(Scenario(allow_list=listed)) as sandbox:
        error = stopped_by(account_of(sandbox), home)
    assert error.code == "40164"
    assert "203.0.113.7" in f"{error} {error.hint}"


@pytest.mark.parametrize("code", [40243, 50004, 89503])
def test_a_frozen_secret_or_account_stops_at_once(home: Directories, code: int) -> None:
    with Sandbox(Scenario(account=SandboxAccount(token_refused=code))) as sandbox:
        error = stopped_by(account_of(sandbox), home)
        assert (error.code, sandbox.requests_by_path) == (str(code), {STABLE: 1})


def test_short_lived_tokens_are_renewed_before_they_are_refused(home: Directories) -> None:
    with Sandbox(Scenario(tokens=TokenSettings(lifetime_s=4))) as sandbox:
        keeper = make_keeper(account_of(sandbox), home)
        first = keeper.wait(5)
        told = Told(keeper)
        end = threading.Event()
        while told.nothing():
            assert keeper.current() is not None
            end.wait(0.02)
        assert keeper.wait(5).value != first.value


@pytest.mark.parametrize(
    "body", [b"<html>", b"{}", b'{"access_token":5,"expires_in":7200}',
             b'{"access_token":"a b","expires_in":7200}',
             b'{"access_token":"92_a"}', b'{"access_token":"92_a","expires_in":-5}',
             b'{"access_token":"92_a","expires_in":true}', b'{"access_token":"","expires_in":7200}'],
)  # fmt: skip
def test_an_odd_answer_is_no_token(home: Directories, body: bytes) -> None:
    with Loopback(answering(body)) as server:
        account = Account("shop", "wx0123456789abcdef", Secret("s" * 32), "stable", server.url)
        keeper = make_keeper(account, home)
        told = Told(keeper)
        keeper.current()
        said = told.next()
    assert said is not None
    assert (said.verdict.kind, said.verdict.code) == (VerdictKind.AGAIN, "bad_reply")


def test_a_stored_token_that_others_could_read_is_refused_before_anything_is_sent(
    wechat: Sandbox, home: Directories
) -> None:
    account = account_of(wechat)
    make_keeper(account, home).wait(5)
    (home.account_dir(account) / "token.json").chmod(0o644)
    with pytest.raises(UnsafeStateError, match="other users"):
        make_keeper(account, home)


PROCESS = """
import sys
from pathlib import Path
from wxpush.channels.wechat.client import make_keeper
from wxpush.config import Directories, load_account
import os
keeper = make_keeper(load_account(None, os.environ), Directories(Path(os.environ["WXPUSH_HOME"])))
print("ready", flush=True)
sys.stdin.readline()
token = keeper.wait(20)
while sys.argv[1] == "revoked" and token.value == sys.argv[2]:
    keeper.refuse(token.serial)
    token = keeper.wait(20)
print(token.value)
"""


def eight_processes(sandbox: Sandbox, home: Directories, *arguments: str) -> list[str]:
    """Eight processes that ask for the token in the same moment, and what they got."""
    environ = os.environ | {"WXPUSH_API_BASE": sandbox.url, "WXPUSH_APPID": sandbox.appid,
                            "WXPUSH_SECRET": sandbox.secret, "WXPUSH_HOME": str(home.state)}  # fmt: skip
    command = [sys.executable, "-c", PROCESS, *arguments]
    processes = [
        subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _process in range(8)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    tokens = [process.communicate(timeout=60)[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0] * 8
    return tokens


def test_eight_processes_that_start_at_once_fetch_one_token(wechat: Sandbox, home: Directories) -> None:
    tokens = eight_processes(wechat, home, "cold")
    assert (len(set(tokens)), wechat.requests_by_path) == (1, {STABLE: 1})


@pytest.mark.parametrize("kind", ["stable", "classic"])
def test_eight_processes_with_a_revoked_token_fetch_one_token(
    wechat: Sandbox, home: Directories, kind: str
) -> None:
    old = make_keeper(account_of(wechat, token=kind), home).wait(5)
    before = sum(wechat.requests_by_path.values())
    wechat.replace_token()
    tokens = eight_processes(wechat, home, "revoked", old.value)
    assert len(set(tokens)) == 1
    assert tokens[0] != old.value
    assert sum(wechat.requests_by_path.values()) - before == 1


HOLDER = """
import os, sys
from pathlib import Path
from wxpush.channels.wechat.token_store import TokenStore
from wxpush.config import Directories, load_account
account = load_account(None, os.environ)
with TokenStore(Directories(Path(os.environ["WXPUSH_HOME"])).account_dir(account), account).locked(5):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_a_killed_holder_of_the_lock_keeps_nobody_waiting(wechat: Sandbox, home: Directories) -> None:
    environ = os.environ | {"WXPUSH_API_BASE": wechat.url, "WXPUSH_APPID": wechat.appid,
                            "WXPUSH_SECRET": wechat.secret, "WXPUSH_HOME": str(home.state)}  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        keeper = make_keeper(account_of(wechat), home)
        assert keeper.current() is None
        holder.kill()
        assert keeper.wait(5).value


def test_a_reader_never_sees_a_half_written_token(wechat: Sandbox, home: Directories) -> None:
    account = account_of(wechat)
    store = TokenStore(home.account_dir(account), account)
    path = home.account_dir(account) / "token.json"
    stop = threading.Event()

    def write() -> None:
        generation = 1
        while not stop.is_set():
            store.save(Grant(f"92_{generation}" + "x" * 150, 7200.0, Moment(1.0, 1.0, ""), generation))
            generation += 1

    writer = threading.Thread(target=write)
    store.save(Grant("92_0", 7200.0, Moment(1.0, 1.0, ""), 1))
    writer.start()
    read: set[str] = set()
    while len(read) < 20 and writer.is_alive():
        read.add(json.loads(path.read_bytes())["token"])
    stop.set()
    writer.join()
    assert len(read) == 20


# A token that another system keeps.


def outside(home: Directories, source: OutsideToken) -> TokenKeeper:
    return make_keeper(Account("shop", "wx0123456789abcdef", None, source), home)


def private(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_a_token_is_read_from_a_file(home: Directories, tmp_path: Path) -> None:
    file = private(tmp_path / "token", "92_from-file\n")
    keeper = outside(home, OutsideToken(file=file))
    assert keeper.wait(5).value == "92_from-file"
    assert not home.state.exists()


def test_a_token_is_read_from_a_command(home: Directories) -> None:
    command = f"""{sys.executable} -c 'print("{{\\"data\\": {{\\"token\\": \\"92_cmd\\"}}}}")'"""
    assert outside(home, OutsideToken(command=command, json="data.token")).wait(5).value == "92_cmd"


def test_a_token_is_read_from_an_address_with_its_header(home: Directories) -> None:
    headers = (("Authorization", Secret("Bearer key-1")),)
    with Loopback(answering({"data": {"token": "92_url"}})) as centre:
        source = OutsideToken(url=f"{centre.url}/wechat", json="data.token", headers=headers)
        assert outside(home, source).wait(5).value == "92_url"
    assert b"Authorization: Bearer key-1\r\n" in centre.requests[0]
    assert "key-1" not in repr(source)


def test_a_refused_outside_token_is_asked_for_once_more(home: Directories) -> None:
    answers = iter([b"92_old", b"92_new", b"92_newer"])
    with Loopback(lambda connection, request: answering(next(answers))(connection, request)) as centre:
        keeper = outside(home, OutsideToken(url=centre.url))
        old = keeper.wait(5)
        for _call in range(5):
            keeper.refuse(old.serial)
        assert keeper.wait(5).value == "92_new"
    assert len(centre.requests) == 2


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (OutsideToken(file=Path("/nowhere/token")), "can't be read"),
        (OutsideToken(command="/nowhere/command"), "can't be started"),
        (OutsideToken(command=f"{sys.executable} -c 'raise SystemExit(3)'"), "ended with code 3"),
        (OutsideToken(command=f"{sys.executable} -c ''"), "gives nothing"),
        (OutsideToken(command="echo 'two words'"), "no access_token in the answer"),
        (OutsideToken(command="echo {}", json="data.token"), "no access_token at `data.token`"),
        (OutsideToken(command="echo plain", json="token"), "not JSON"),
        (OutsideToken(command='unclosed "quote'), "can't be started"),
    ],
)
def test_a_keeper_that_gives_no_token_is_named_with_the_reason(
    home: Directories, source: OutsideToken, reason: str
) -> None:
    keeper = outside(home, source)
    told = Told(keeper)
    keeper.current()
    said = told.next()
    assert said is not None
    assert said.verdict.kind is VerdictKind.AGAIN
    assert reason in said.message
    assert str(source) in said.message


@pytest.mark.parametrize("status", ["500 Oops", "302 Found", "401 No"])
def test_an_address_that_answers_badly_is_named_by_its_host_alone(home: Directories, status: str) -> None:
    with Loopback(answering(b"secret-answer", status, "Location: http://127.0.0.1:9/")) as centre:
        keeper = outside(home, OutsideToken(url=f"{centre.url}/secret-path"))
        told = Told(keeper)
        keeper.current()
        said = told.next()
    assert said is not None
    assert f"HTTP {status[:3]}" in said.message
    assert "127.0.0.1" in said.message
    assert "secret" not in f"{said.message} {said.hint}"


def test_an_outside_token_cannot_be_forced(home: Directories) -> None:
    with pytest.raises(InputError, match="another system"):
        outside(home, OutsideToken(command="echo 92_a")).fetch_now(force=True)


@pytest.mark.parametrize(
    ("text", "place", "token"),
    [
        ("92_a", "", "92_a"),
        ('{"token": "92_b"}', "token", "92_b"),
        ('{"a": {"b": {"c": "92_c"}}}', "a.b.c", "92_c"),
    ],
)
def test_a_token_is_picked_from_its_place(text: str, place: str, token: str) -> None:
    assert pick(text, place) == token


@given(st.text(alphabet=st.characters(codec="utf-8")) | st.from_regex(r"[!-~]+", fullmatch=True))
def test_only_what_can_stand_in_an_address_is_taken_for_a_token(text: str) -> None:
    if text and len(text) <= 1024 and all("!" <= char <= "~" for char in text):
        assert pick(text, "") == text
    else:
        with pytest.raises(InputError):
            pick(text, "")
