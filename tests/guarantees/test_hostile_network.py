"""The network under attack: answers without end, waits without end, other hosts, bad certificates."""

import email.utils
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.channels.loopback import Loopback, answering
from tests.cli.command import SEND, Desk
from tests.delivery.world import OK, World, messages
from tests.guarantees.plugin import Measured, Scale
from tests.guarantees.stage import Certificates, a_desk, self_signed, tls_context, wechat
from wxpush.channels.http.transport import Transport
from wxpush.channels.http.wire import Request
from wxpush.channels.wechat.errcodes import verdict
from wxpush.model import VerdictKind
from wxpush.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
DEADLINE_S = 1.0
MOST_GROWTH_KIB = 20 * 1024
STABLE = "/cgi-bin/stable_token"
QUOTA = "/cgi-bin/openapi/quota/get"
ENDPOINTS = {"send": SEND, "token": STABLE, "quota": QUOTA}


@pytest.fixture
def calm() -> Iterator[Sandbox]:
    with wechat() as sandbox:
        yield sandbox


def one_call(url: str, calm: Sandbox) -> dict[str, Any]:
    """What came of a call in a process of its own."""
    words = [sys.executable, "-m", "tests.guarantees.one_call", url, str(DEADLINE_S), calm.url]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


@pytest.mark.guarantee("T21")
@pytest.mark.parametrize(
    ("kind", "failure"),
    [
        ("drip", "timeout"),
        ("silence_before", "timeout"),
        ("huge_body", "bad_reply"),
        ("gzip_bomb", "bad_reply"),
    ],
)
def test_t21_an_answer_without_end_is_over_at_the_deadline(
    calm: Sandbox, scale: Scale, measured: Measured, kind: str, failure: str
) -> None:
    particulars = {"size": 1 << 30} if kind in ("huge_body", "gzip_bomb") else {}
    names = scale(["send"], list(ENDPOINTS))
    faults = {name: {kind: {"seconds": 1.0, **particulars}} for name in names}
    slowest = most = 0.0
    with wechat(faults=faults) as sandbox:
        for name in names:
            found = one_call(f"{sandbox.url}{ENDPOINTS[name]}?access_token=92_x", calm)
            assert (found["arrival"], found["failure"]) == ("SILENT", failure)
            slowest, most = max(slowest, found["seconds"]), max(most, found["grown"])
    assert slowest <= DEADLINE_S + 1
    assert most < MOST_GROWTH_KIB
    measured(f"{kind}: over after {slowest:.1f} s of {DEADLINE_S:.0f} s, memory +{most / 1024:.1f} MB")


def endless(*parts: bytes) -> Callable[[socket.socket, bytes], bool]:
    """The first part, then the last again and again."""

    def behave(connection: socket.socket, _request: bytes) -> bool:
        connection.sendall(parts[0])
        while True:
            connection.sendall(parts[-1])

    return behave


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ENDLESS = {
    "interim answers": endless(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "header lines": endless(b"HTTP/1.1 200 OK\r\n", b"X-More: " + b"x" * 60_000 + b"\r\n"),
    "one header line": endless(b"HTTP/1.1 200 OK\r\nX-More: ", b"x" * 60_000),
    "a status line": endless(b"HTTP/1.1 200 ", b"x" * 60_000),
    "chunks of a byte": endless(CHUNKED, b"1\r\n \r\n" * 10_000),
    "one chunk": endless(CHUNKED + b"40000000\r\n", b" " * 60_000),
    "a chunk's size": endless(CHUNKED, b"0" * 60_000),
    "chunks' names": endless(CHUNKED, b"1;" + b"x" * 60_000 + b"\r\n \r\n"),
    "lines after the last chunk": endless(CHUNKED + b"0\r\n", b"X-More: x\r\n" * 5_000),
    "a body without a length": endless(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 60_000),
    "unpacking": endless(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip, br\r\n\r\n", b"\x1f\x8b" * 30_000
    ),
}


@pytest.mark.guarantee("T21")
def test_t21_nothing_else_is_endless(calm: Sandbox, measured: Measured) -> None:
    slowest = most = 0.0
    for name, behave in ENDLESS.items():
        with Loopback(behave) as server:
            found = one_call(f"{server.url}{SEND}", calm)
        assert found["arrival"] == "SILENT", name
        assert found["seconds"] <= DEADLINE_S + 1, name
        assert found["grown"] < MOST_GROWTH_KIB, name
        slowest, most = max(slowest, found["seconds"]), max(most, found["grown"])
    measured(f"{len(ENDLESS)} more: over after {slowest:.1f} s, memory +{most / 1024:.1f} MB")


@pytest.mark.long
@pytest.mark.guarantee("T21")
@pytest.mark.parametrize("kind", ["drip", "silence_before", "huge_body", "gzip_bomb"])
def test_t21_a_command_ends_in_time(tmp_path: Path, measured: Measured, kind: str) -> None:
    with a_desk(tmp_path, faults={"token": {kind: {}}}) as desk:
        started = time.monotonic()
        assert desk.run("token", "refresh").code == 3
        seconds = time.monotonic() - started
    assert seconds < 8 + 1 + 3, "the deadline of the token call, and Python's start"
    measured(f"token refresh under {kind}: {seconds:.1f} s")


def soon() -> str:
    return email.utils.formatdate(time.time() + 60, usegmt=True)


WAITS: dict[str, tuple[Callable[[], str], float]] = {
    "0": (lambda: "0", 0.0),
    "5": (lambda: "5", 5.0),
    "1e9": (lambda: "1000000000", 120.0),
    "-1": (lambda: "-1", 0.0),
    "NaN": (lambda: "NaN", 0.0),
    "a date": (soon, 55.0),
    "garbage": (lambda: "when\tthe cows come home 1e9", 0.0),
}
SLOT_S = 0.5
"""Seconds that a message may wait for its place in a rate that has been lowered."""


@pytest.mark.guarantee("T22")
@pytest.mark.parametrize("fault", ["unavailable", "too_many"])
@pytest.mark.parametrize("header", WAITS)
def test_t22_a_wait_that_is_asked_for_is_bounded(measured: Measured, header: str, fault: str) -> None:
    text, least = WAITS[header]
    transport = Transport(1, 5.0)
    with wechat(faults={"send": {fault: {"retry_after": text()}}}) as sandbox:
        reply = transport.call(Request("POST", f"{sandbox.url}{SEND}?access_token=92_x", b"{}"))
    transport.close()
    assert reply.status == {"unavailable": 503, "too_many": 429}[fault]
    asked = verdict("send", reply)
    world = World(answer=lambda post: asked if post.nth == 1 else OK, latency=0.05)
    world.run(messages(1))
    first, second = world.channel.posts
    waited = second.at - first.at - world.latency
    assert least - 0.001 <= waited <= 120 + SLOT_S
    measured(f"{header}: {waited:.1f} s")
    assert asked.kind is (VerdictKind.AGAIN if fault == "unavailable" else VerdictKind.SLOW_DOWN)


REDIRECTS = (301, 302, 303, 307, 308)


@pytest.fixture
def elsewhere() -> Iterator[Loopback]:
    """A host that must never be called."""
    with Loopback(answering()) as server:
        yield server
    assert server.requests == []


@pytest.mark.guarantee("T33")
def test_t33_a_redirect_is_never_followed(
    tmp_path: Path, elsewhere: Loopback, scale: Scale, measured: Measured
) -> None:
    commands = 0
    for status in scale(REDIRECTS[1::2], REDIRECTS):
        fault = {"redirect": {"status": status, "location": f"{elsewhere.url}/steal", "times": 2}}
        with a_desk(tmp_path / str(status), faults={"send": fault, "quota": fault}) as desk:
            desk.prepare(3, retry="{base: 20ms, cap: 100ms}")
            done = desk.send()
            assert (done.code, done.json["accepted"]) == (0, 3)
            assert desk.sandbox is not None
            desk.sandbox.set_faults({"token": {"redirect": fault["redirect"] | {"times": 0}}})
            refused = desk.run("token", "refresh")
            assert (refused.code, f"HTTP {status}" in refused.err) == (3, True)
            commands += 2
    measured(f"redirects in {commands} commands: 0 followed")


@pytest.mark.guarantee("T33")
@pytest.mark.parametrize("status", REDIRECTS)
def test_t33_nor_is_one_of_the_system_that_keeps_the_token(
    tmp_path: Path, elsewhere: Loopback, status: int
) -> None:
    with (
        a_desk(tmp_path) as desk,
        Loopback(answering(b"", f"{status} Moved", f"Location: {elsewhere.url}/steal")) as centre,
    ):
        desk.prepare(1, stop_when="{outage: 1s}")
        account = f"    token: {{url: '{centre.url}', header: {{Authorization: Bearer x}}}}"
        config = desk.write("config.yaml", f"accounts:\n  shop:\n    appid: wx0123456789abcdef\n{account}\n")
        desk.variables |= {"WXPUSH_CONFIG": str(config), "WXPUSH_APPID": None, "WXPUSH_SECRET": None}
        with desk.start("send", "campaign.yaml", "users.csv", "--yes") as running:
            assert centre.heard.wait(30)
            running.signal(signal.SIGINT)
            assert running.done().code == 130
    assert b"Authorization: Bearer x" in centre.requests[0]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def tls_desk(tmp_path: Path) -> Iterator[Desk]:
    with a_desk(tmp_path) as desk:
        desk.prepare(1)
        yield desk


def calls_over_tls(desk: Desk, certificate: Path, **env: str) -> tuple[int, list[bytes], str]:
    """Ask for a token at a server with this certificate: exit code, what it heard, what was said."""
    with Loopback(answering({"access_token": "92_x", "expires_in": 7200}), tls_context(certificate)) as api:
        done = desk.run("token", "refresh", env={"WXPUSH_API_BASE": api.url, **env})
    return done.code, api.requests, done.err


@pytest.mark.guarantee("T33")
def test_t33_only_a_certificate_for_that_host_by_a_trusted_authority_will_do(
    tls_desk: Desk, authority: Certificates, tmp_path: Path, measured: Measured
) -> None:
    trusted = {"WXPUSH_CA_FILE": str(authority.ca)}
    code, heard, _said = calls_over_tls(tls_desk, authority.signed("good"), **trusted)
    assert (code, len(heard)) == (0, 1)
    bad = {
        "another host": (authority.signed("other", host="DNS:api.example.com"), trusted),
        "a wildcard of another": (authority.signed("wild", host="DNS:*.0.0.1,DNS:*"), trusted),
        "expired": (authority.signed("old", days=-1), trusted),
        "another authority": (Certificates(tmp_path, "evil").signed("evil"), trusted),
        "nobody's": (self_signed(tmp_path), trusted),
        "unknown here": (authority.signed("unknown"), {}),
    }
    for name, (certificate, env) in bad.items():
        code, heard, said = calls_over_tls(tls_desk, certificate, **env)
        assert (code, heard) == (3, []), name
        assert "certificate refused" in said, name
    measured(f"{len(bad)} of {len(bad)} bad certificates refused before a byte was sent")


@pytest.mark.guarantee("T33")
@pytest.mark.parametrize(
    "variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"]
)
def test_t33_no_variable_of_others_adds_an_authority(
    tls_desk: Desk, tmp_path: Path, measured: Measured, variable: str
) -> None:
    evil = Certificates(tmp_path, "evil")
    value = evil.ca
    if variable == "SSL_CERT_DIR":
        value = evil.ca.parent
        subprocess.run(["openssl", "rehash", value], check=True, capture_output=True)
    code, heard, said = calls_over_tls(tls_desk, evil.signed("evil"), **{variable: str(value)})
    assert (code, heard) == (3, [])
    assert "certificate refused" in said
    measured(f"{variable} ignored")


PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


@pytest.mark.guarantee("T33")
def test_t33_no_proxy_and_no_password_file_of_the_environment_is_used(
    tls_desk: Desk, authority: Certificates, elsewhere: Loopback, measured: Measured
) -> None:
    netrc = tls_desk.write("netrc", "machine 127.0.0.1 login someone password hunter2\n")
    netrc.chmod(0o600)
    netrc.with_name(".netrc").write_bytes(netrc.read_bytes())
    env = dict.fromkeys(PROXIES, elsewhere.url) | {"NETRC": str(netrc), "HOME": str(netrc.parent)}
    env |= {"NO_PROXY": "", "no_proxy": "", "WXPUSH_CA_FILE": str(authority.ca)}
    code, heard, _said = calls_over_tls(tls_desk, authority.signed("good"), **env)
    assert code == 0
    assert b"authorization" not in heard[0].lower()
    assert tls_desk.send(env=env).json["accepted"] == 1
    measured(f"{len(PROXIES)} proxies and .netrc ignored")


@pytest.mark.guarantee("T33")
def test_t33_this_machine_is_not_reached_through_a_proxy(tls_desk: Desk, elsewhere: Loopback) -> None:
    assert tls_desk.send(env={"WXPUSH_PROXY": elsewhere.url}).json["accepted"] == 1


IN_THE_CLEAR = (
    "http://api.weixin.qq.com",
    "HTTP://API.WEIXIN.QQ.COM",
    "http://192.0.2.1",
    "http://127.0.0.1.example.com",
    "http://localhost.example.com",
    "http://127.0.0.1@example.com",
    "http://2130706433.example.com",
    "http://[::ffff:192.0.2.1]",
    "http://0.0.0.0",
    "http://example.com#@127.0.0.1",
    "http://example.com\\@127.0.0.1",
    "//127.0.0.1",
    "ftp://127.0.0.1",
    "file:///etc/passwd",
    "127.0.0.1:8077",
)


@pytest.mark.guarantee("T33")
def test_t33_in_the_clear_only_this_machine_is_called(
    tls_desk: Desk, scale: Scale, measured: Measured
) -> None:
    bases = IN_THE_CLEAR[:: scale(3, 1)]
    for base in bases:
        done = tls_desk.send(env={"WXPUSH_API_BASE": base})
        assert (done.code, done.json["state"]) == (2, "refused"), base
    assert tls_desk.sends() == 0
    measured(f"{len(bases)} addresses in the clear refused")
