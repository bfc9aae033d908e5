"""The network under attack: answers without end, other hosts, bad certificates, the environment's wishes."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.channels.loopback import OK, Behaviour, Loopback, answering, http
from tests.cli.command import SEND, Desk
from tests.guarantees.plugin import Measured, Scale
from tests.guarantees.stage import Certificates, a_desk, self_signed, tls_context

CALLER = Path(__file__).with_name("caller.py")
DEADLINE_S = 1.0
MOST_GROWTH_MB = 20


def endless(*parts: bytes) -> Callable[[], Behaviour]:
    """One good answer, to have something to compare with; then the first part, and the last for ever."""

    def make() -> Behaviour:
        calm = iter([True])

        def behave(connection: socket.socket, _request: bytes) -> bool:
            if next(calm, False):
                connection.sendall(http(OK))
                return True
            connection.sendall(parts[0])
            while True:
                connection.sendall(parts[-1])

        return behave

    return make


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
def test_t21_nothing_else_is_endless(measured: Measured) -> None:
    slowest = most = 0.0
    for name, behave in ENDLESS.items():
        with Loopback(behave()) as server:
            command = [sys.executable, str(CALLER), f"{server.url}{SEND}", "{}", str(DEADLINE_S), "1"]
            ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        told = json.loads(ended.stdout)
        assert told["arrivals"] == ["silent"], name
        assert told["seconds"][0] <= DEADLINE_S + 1, name
        assert told["grown"] < MOST_GROWTH_MB, name
        slowest, most = max(slowest, *told["seconds"]), max(most, told["grown"])
    measured(f"{len(ENDLESS)} other endless answers: slowest {slowest:.1f} s of 1 s, memory +{most:.1f} MB")


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
