"""The canary: secrets and tokens, searched everywhere after storms, faults and crashes with all logs on."""

import base64
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.channels.loopback import Loopback, answering, http
from tests.cli.command import Desk, at_call, openid
from tests.guarantees.plugin import Measured, Scale
from tests.guarantees.stage import a_desk, closed_port, self_signed, tls_context, wechat

SECRET = "c0ffee11c0ffee22c0ffee33c0ffee44"
APPID = "wxc0ffee0123456789"
PASSWORD = "hunter2-canary"
HEADER_KEY = "Bearer-canary-0123456789"
QUERY_KEY = "query-canary-0123456789"
OUTSIDE = "92_outside-canary-" + "x" * 60
LOUD = Path(__file__).with_name("loud.py")
ALL_TALK = {"PYTHONFAULTHANDLER": "1", "PYTHONDEVMODE": "1", "PYTHONPATH": str(LOUD.parents[2])}
STORM = {
    "system_error": {"chance": "4%", "accepted": True},
    "cut_before": {"every": 17},
    "cut_after": {"every": 19},
    "silence_after": {"every": 23},
    "bad_gateway": {"every": 29},
    "unavailable": {"every": 31, "retry_after": "0"},
    "redirect": {"every": 41},
    "broken_json": {"every": 43},
    "truncated": {"every": 47},
    "huge_body": {"every": 53},
    "gzip_bomb": {"every": 59},
    "token_replaced": {"every": 13},
}
SHORT_PATIENCE = {"stop_when": "{outage: 2s}"}
FEW_ATTEMPTS = {"timeout": "1s", "retry": "{attempts: 4, base: 20ms, cap: 100ms}"}


class Canary:
    """Runs commands with everything talking, and knows all that must never come out."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.words = {SECRET, PASSWORD, HEADER_KEY, QUERY_KEY, OUTSIDE}
        self.words.add(base64.b64encode(f"user:{PASSWORD}".encode()).decode())
        self.heard: dict[str, str] = {}
        self.commands = 0

    def run(self, *words: str, broken: str = "", **env: str | None) -> int:
        """A command, in all its noise; its exit code."""
        arguments = ["--break", broken, *words] if broken else list(words)
        with self.started(arguments, **env) as process:
            out, err = process.communicate(timeout=600)
        name = f"{self.commands}: {' '.join(words)} {broken}"
        self.heard[f"{name}, output"] = out.decode("utf-8", "replace")
        self.heard[f"{name}, talk"] = err.decode("utf-8", "replace")
        assert b"most recent call first" in err, "it does talk"
        return process.returncode

    @contextmanager
    def started(self, arguments: list[str], **env: str | None) -> "Iterator[subprocess.Popen[bytes]]":
        """A command on its way."""
        self.commands += 1
        process = subprocess.Popen(
            [sys.executable, str(LOUD), *arguments],
            cwd=self.desk.folder,
            env=self.desk.environment(**ALL_TALK, **env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        with process, _CommandLines(process.pid, self.heard):
            try:
                yield process
                process.wait(10)
            finally:
                process.kill()
        self._learn_tokens()

    def send(self, *options: str, **env: str | None) -> int:
        """`send` for a script."""
        words = ("send", "campaign.yaml", "users.csv", "--yes", "--rate", "2000/s", "--json", *options)
        return self.run(*words, **env)

    def places(self) -> list[str]:
        """Where one of the words was found: outputs, command lines, and files but for token.json."""
        found = [name for name, text in self.heard.items() if any(word in text for word in self.words)]
        for path in self.desk.folder.parent.rglob("*"):
            if path.is_file() and path.name not in ("token.json", "config.yaml"):
                content = path.read_bytes()
                found += [str(path)] if any(word.encode() in content for word in self.words) else []
        return found

    def _learn_tokens(self) -> None:
        assert self.desk.sandbox is not None
        self.words |= {call.token for call in self.desk.sandbox.calls() if len(call.token) > 8}
        for path in self.desk.folder.parent.rglob("token.json"):
            self.words.add(json.loads(path.read_text())["token"])


class _CommandLines:
    """Reads the command lines of a session's processes, again and again, while the context lasts."""

    def __init__(self, session: int, heard: dict[str, str]) -> None:
        self._session, self._heard, self._over = session, heard, threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_exc: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with suppress(OSError):  # it has ended
                    if os.getsid(int(path.parent.name)) == self._session:
                        line = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                        self._heard[f"command line of {line[:60]}"] = line


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[Canary]:
    with a_desk(tmp_path, account={"appid": APPID, "secret": SECRET}, any_template=True) as desk:
        yield Canary(desk)


def config(canary: Canary, account: str, **env: str) -> None:
    """A config.yaml with one account."""
    path = canary.desk.write("config.yaml", f"accounts:\n  shop:\n    appid: {APPID}\n{account}")
    canary.desk.variables |= {
        "WXPUSH_CONFIG": str(path), "WXPUSH_APPID": None, "WXPUSH_SECRET": None, "SHOP_SECRET": SECRET, **env,
    }  # fmt: skip


def nothing_found(canary: Canary, measured: Measured, *, tokens: bool = True) -> None:
    assert canary.places() == []
    assert len(canary.words) > 6 or not tokens, "no token was there to be found"
    measured(f"0 hits in {canary.commands} commands")


@pytest.mark.guarantee("T30")
def test_t30_a_storm_of_all_faults(canary: Canary, scale: Scale, measured: Measured) -> None:
    sandbox = canary.desk.sandbox
    assert sandbox is not None
    # After these it rests for seconds.
    slow = scale({}, {"token_refused": {"every": 211}, "too_many": {"after": 37, "times": 2}})
    once = {"times": 1}
    sandbox.set_faults({"send": STORM | slow, "token": {"system_error": once}, "quota": {"cut_after": once}})
    for number in range(5, 60, 5):
        sandbox.unfollow(openid(number))
    canary.desk.prepare(scale(70, 2000), **FEW_ATTEMPTS)
    assert canary.send("--workers", "16") in (1, 3)
    for words in (
        ("runs",), ("runs", "show"), ("report",), ("report", "--format", "csv"), ("report", "--json"),
        ("token", "show"), ("token", "show", "--json"), ("quota",),
        ("retry-failed", "--all", "--yes"), ("token", "refresh"),
    ):  # fmt: skip
        canary.run(*words)
    sandbox.set_faults({"send": {"token_replaced": {}, "token_refused": {}}})
    assert canary.send("--run", "another", "--workers", "4") == 3, "a token that is refused for ever"
    assert canary.run("token", "clear") == 0
    nothing_found(canary, measured)


@pytest.mark.guarantee("T30")
def test_t30_a_kill_in_the_middle(canary: Canary, measured: Measured) -> None:
    sandbox = canary.desk.sandbox
    assert sandbox is not None
    canary.desk.prepare(60, **FEW_ATTEMPTS)
    ready: queue.SimpleQueue[None] = queue.SimpleQueue()
    sandbox.on_send(at_call(20, lambda: ready.put(None)), "decided")
    arguments = ["send", "campaign.yaml", "users.csv", "--yes", "--rate", "200/s", "--json"]
    with canary.started(arguments) as process:
        ready.get(timeout=30)
        process.send_signal(signal.SIGABRT)  # which asks for a core
    assert process.returncode == -signal.SIGABRT
    assert not list(canary.desk.folder.glob("core*"))
    assert canary.send() == 0
    nothing_found(canary, measured)


def closed(_canary: Canary) -> str:
    return f"http://127.0.0.1:{closed_port()}"


def unknown(_canary: Canary) -> str:
    return "https://api.weixin.invalid"


ACCOUNTS = ("    secret_env: SHOP_SECRET\n", "    secret_env: SHOP_SECRET\n    token: classic\n")


def nobody_is_reached(canary: Canary, scale: Scale, more: str = "", **env: str) -> None:
    """Both token calls fail, and so does a sending."""
    for account in ACCOUNTS:
        config(canary, account + more, **env)
        assert canary.run("token", "refresh", "--yes") == 3
    if scale(short=False, long=True):  # which goes on asking for a while
        assert canary.send() == 3


@pytest.mark.guarantee("T30")
@pytest.mark.parametrize("where", ["http://127.0.0.1:{port}", "https://api.weixin.invalid"])
def test_t30_a_host_that_is_not_there(canary: Canary, scale: Scale, measured: Measured, where: str) -> None:
    canary.desk.prepare(2, **SHORT_PATIENCE)
    nobody_is_reached(canary, scale, WXPUSH_API_BASE=where.format(port=closed_port()))
    nothing_found(canary, measured, tokens=False)


@pytest.mark.guarantee("T30")
@pytest.mark.parametrize("refused", [40001, 40125, 40164, 40243, 45009])
def test_t30_a_secret_that_is_refused(canary: Canary, scale: Scale, measured: Measured, refused: int) -> None:
    with wechat(account={"appid": APPID, "secret": SECRET, "token_refused": refused}) as refusing:
        canary.desk.prepare(2, **SHORT_PATIENCE)
        nobody_is_reached(canary, scale, WXPUSH_API_BASE=refusing.url)
    nothing_found(canary, measured, tokens=False)


@pytest.mark.guarantee("T30")
def test_t30_a_certificate_that_is_not_trusted(
    canary: Canary, scale: Scale, measured: Measured, tmp_path_factory: pytest.TempPathFactory
) -> None:
    canary.desk.prepare(2, **SHORT_PATIENCE)
    with Loopback(answering(), tls_context(self_signed(tmp_path_factory.mktemp("tls")))) as server:
        nobody_is_reached(canary, scale, WXPUSH_API_BASE=server.url)
    assert server.requests == []
    assert any("certificate refused" in text for text in canary.heard.values())
    nothing_found(canary, measured, tokens=False)


@pytest.mark.guarantee("T30")
@pytest.mark.parametrize("answer", ["407 Proxy Authentication Required", "502 Bad Gateway", ""])
def test_t30_a_proxy_with_a_password(canary: Canary, scale: Scale, measured: Measured, answer: str) -> None:
    canary.desk.prepare(2, **SHORT_PATIENCE)
    with Loopback(answering(b"no", answer)) as proxy:
        port = proxy.port if answer else closed_port()
        line = f"    proxy: http://user:{PASSWORD}@127.0.0.1:{port}\n"
        nobody_is_reached(canary, scale, line, WXPUSH_API_BASE="https://api.weixin.invalid")
    assert bool(proxy.requests) == bool(answer)
    assert all(request.startswith(b"CONNECT api.weixin.invalid:443") for request in proxy.requests)
    nothing_found(canary, measured, tokens=False)


def echo(connection: Any, request: bytes) -> bool:
    """Answer with an error that repeats all of the request, as gateways do."""
    text = request.decode("utf-8", "replace")
    token = "92_echo" + "x" * 70
    if b"stable_token" in request and b"first" not in request:
        body: dict[str, Any] = {"access_token": token, "expires_in": 7200}
    else:
        body = {"errcode": 47001 if b"template/send" in request else 40125, "errmsg": f"bad request: {text}"}
    connection.sendall(http(body))
    return True


@pytest.mark.guarantee("T30")
def test_t30_an_answer_that_repeats_the_request(canary: Canary, measured: Measured) -> None:
    canary.desk.prepare(2)
    with Loopback(echo) as server:
        config(canary, "    secret_env: SHOP_SECRET\n", WXPUSH_API_BASE=server.url)
        assert canary.send() == 1
        for words in (("report",), ("report", "--json"), ("report", "--format", "csv"), ("runs", "show")):
            canary.run(*words)
        config(
            canary, "    secret_env: SHOP_SECRET\n    token: classic\n", WXPUSH_API_BASE=server.url
        )  # whose call carries the secret in its address
        assert canary.run("token", "refresh", "--yes") == 3
    assert any(b"access_token=92_echo" in request for request in server.requests)
    assert any(SECRET.encode() in request for request in server.requests)
    assert any("bad request: POST /cgi-bin/message" in text for text in canary.heard.values()), "it is shown"
    nothing_found(canary, measured)


@pytest.mark.guarantee("T30")
def test_t30_a_token_that_another_system_keeps(canary: Canary, measured: Measured) -> None:
    canary.desk.prepare(2)
    with Loopback(answering(OUTSIDE.encode())) as centre, Loopback(answering()) as api:
        keep_elsewhere(canary, centre, api)
        assert canary.send() == 0
    assert any(OUTSIDE.encode() in request for request in api.requests)
    for status, body in (("200 OK", f"{OUTSIDE} {OUTSIDE}"), ("403 Forbidden", OUTSIDE)):
        with Loopback(answering(body.encode(), status)) as centre, Loopback(answering()) as api:
            keep_elsewhere(canary, centre, api)
            with canary.started(["send", "campaign.yaml", "users.csv", "--yes", "--run", "two"]) as process:
                assert centre.heard.wait(30)
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=60)
            assert process.returncode == 130
        canary.heard[status] = f"{out.decode('utf-8', 'replace')} {err.decode('utf-8', 'replace')}"
        assert centre.requests
        assert all(HEADER_KEY.encode() in request for request in centre.requests)
    nothing_found(canary, measured, tokens=False)


def keep_elsewhere(canary: Canary, centre: Loopback, api: Loopback) -> None:
    """Let `centre` give the token, for a key in its address and one in a header."""
    address = f"{centre.url}/wechat?key={QUERY_KEY}"
    account = f"    token: {{url: '{address}', header: {{Authorization: {{env: KEY}}}}}}\n"
    config(canary, account, KEY=HEADER_KEY, WXPUSH_API_BASE=api.url)


TELL = "#!/bin/sh\necho $SHOP_SECRET\nexit 3\n"


@pytest.mark.guarantee("T30")
@pytest.mark.parametrize("account", [
    f"    secret: {SECRET}\n",
    f"    secret_env: {SECRET}\n",
    f"    secret_env: {SECRET.upper()}\n",
    f"    secret_file: {SECRET}\n",
    f"    secret_command: {SECRET}\n",
    f"    secret_env: SHOP_SECRET\n    token: {OUTSIDE}\n",
    f"    token: {{file: {OUTSIDE}}}\n",
    f"    token: {{command: {OUTSIDE}}}\n",
    f"    token: {{url: 'http://user:{PASSWORD}@token.corp/'}}\n",
    f"    token: {{url: 'http://token.corp/\\\\{QUERY_KEY}'}}\n",
    f"    token: {{url: 'http://token.corp/', header: {{Authorization: {{env: '{HEADER_KEY} x'}}}}}}\n",
    f"    token: {{url: 'http://token.corp/', header: {{Authorization: \"{HEADER_KEY}\\n\"}}}}\n",
    f"    secret_env: SHOP_SECRET\n    secret_command: [{SECRET}]\n",
    f"    secret_env: SHOP_SECRET\n    proxy: ftp://user:{PASSWORD}@proxy.corp\n",
    f"    secret_env: SHOP_SECRET\n    proxy: 'user:{PASSWORD}@proxy.corp:3128'\n",
    f"    secret_env: SHOP_SECRET\n    api_base: https://user:{PASSWORD}@api.weixin.qq.com\n",
    f"    secret_env: SHOP_SECRET\n    api_base: http://api.weixin.qq.com/?secret={SECRET}\n",
    "    secret_command: ./tell.sh\n",
    f"    secret_command: sh -c 'echo {SECRET} 包'\n",
    f"    secret_command: sh -c 'echo {SECRET}; exit 1'\n",
    f"    secret_command: sh -c '{SECRET}\n",
    f"    secret: '{SECRET}\n",
    f"    secret_env: SHOP_SECRET\n   {SECRET}\n",
], ids=range(23))  # fmt: skip
def test_t30_a_mistake_in_the_settings(canary: Canary, measured: Measured, account: str) -> None:
    canary.desk.write("tell.sh", TELL).chmod(0o700)
    canary.desk.prepare(2)
    config(canary, account)
    assert canary.send() == 2
    assert canary.desk.sandbox is not None
    assert canary.desk.sandbox.requests_by_path == {}
    nothing_found(canary, measured, tokens=False)


@pytest.mark.guarantee("T30")
@pytest.mark.parametrize(
    "environ",
    [
        {"WXPUSH_APPID": SECRET, "WXPUSH_SECRET": APPID},
        {"WXPUSH_SECRET": f"{SECRET} x"},
        {"WXPUSH_SECRET": f"{SECRET}\u200b"},
        {"WXPUSH_PROXY": f"http://user:{PASSWORD}@"},
        {"WXPUSH_PROXY": f"user:{PASSWORD}@proxy.corp"},
        {"WXPUSH_API_BASE": f"https://user:{PASSWORD}@api.weixin.qq.com"},
        {"WXPUSH_API_BASE": f"http://evil.example/?secret={SECRET}"},
    ],
    ids=range(7),
)
def test_t30_a_mistake_in_the_environment(
    canary: Canary, measured: Measured, environ: dict[str, str | None]
) -> None:
    canary.desk.prepare(2)
    canary.desk.variables |= environ
    assert canary.send() == 2
    nothing_found(canary, measured, tokens=False)


@pytest.mark.guarantee("T30")
def test_t30_a_fault_within(canary: Canary, measured: Measured) -> None:
    canary.desk.prepare(2, **FEW_ATTEMPTS)
    assert canary.run("token", "refresh") == 0
    for broken in ("prepare", "print"):
        assert canary.run("send", "campaign.yaml", "users.csv", "--yes", broken=broken) == 70
    told = " ".join(canary.heard.values())
    assert told.count("a fault in wxpush itself (ZeroDivisionError at loud.py:") == 2
    assert "Traceback" not in told
    nothing_found(canary, measured)


@pytest.mark.guarantee("T30")
def test_t30_a_fault_in_a_thread_of_its_own(canary: Canary, measured: Measured) -> None:
    assert canary.desk.sandbox is not None
    canary.desk.sandbox.set_faults({"send": {"silence_before": {}}})
    canary.desk.prepare(1, **FEW_ATTEMPTS)
    arguments = ["--break", "shutdown", "send", "campaign.yaml", "users.csv", "--yes"]
    with canary.started(arguments) as process:
        assert process.stderr is not None
        told, end = b"", time.monotonic() + 120
        while b"a fault in wxpush itself (ZeroDivisionError at loud.py:" not in told:
            line = process.stderr.readline()
            assert line, told.decode()
            assert time.monotonic() < end, told.decode()[-2000:]
            told += line
        process.kill()
        told += process.stderr.read()
    canary.heard["talk"] = told.decode("utf-8", "replace")
    assert "Traceback" not in canary.heard["talk"]
    nothing_found(canary, measured)
