"""What the tests of safety share: a WeChat to send to, a folder to send from, and what must stay as it is."""

import os
import socket
import ssl
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.cli.command import KNOWN_TEMPLATE, Desk
from wxpush.sandbox import Sandbox
from wxpush.sandbox.scenario import from_mapping

NOBODY = 65534


@contextmanager
def wechat(**parts: Any) -> Iterator[Sandbox]:
    """A WeChat with these parts of a scenario."""
    with Sandbox(from_mapping({"version": 1, "templates": [KNOWN_TEMPLATE], **parts})) as sandbox:
        yield sandbox


@contextmanager
def a_desk(folder: Path, **parts: Any) -> Iterator[Desk]:
    """A folder whose `wxpush` speaks to such a WeChat; runs live beside the campaign, tokens in `state`."""
    with wechat(**parts) as sandbox:
        desk = Desk(folder, sandbox)
        desk.variables |= {"WXPUSH_HOME": None, "XDG_STATE_HOME": str(folder / "state")}
        yield desk


def seen(folder: Path) -> dict[str, tuple[Any, ...]]:
    """Everything below a folder: kind, owner, mode, inode, moment of change, and content or target."""
    return {str(path.relative_to(folder)): _seen(path) for path in sorted(folder.rglob("*"))}


def _seen(path: Path) -> tuple[Any, ...]:
    found = path.lstat()
    content: Any = None
    if stat.S_ISLNK(found.st_mode):
        content = str(path.readlink())
    elif stat.S_ISREG(found.st_mode):
        content = path.read_bytes()
    moment = None if stat.S_ISDIR(found.st_mode) else found.st_mtime_ns
    return found.st_mode, found.st_uid, found.st_ino, moment, content


def as_link(path: Path, elsewhere: Path) -> None:
    """Move it elsewhere, and put a link to it in its place."""
    elsewhere.mkdir(exist_ok=True)
    path.rename(elsewhere / path.name)
    path.symlink_to(elsewhere / path.name)


def for_all(path: Path) -> None:
    """Let every user read and change it."""
    path.chmod(path.stat().st_mode | 0o077)


def of_nobody(path: Path) -> None:
    """Give it to another user."""
    os.chown(path, NOBODY, NOBODY)


def with_second_name(path: Path) -> None:
    """Give a file a second name."""
    path.with_name(f"second-{path.name}").hardlink_to(path)


def as_pipe(path: Path) -> None:
    """Put a pipe in the place of a file."""
    path.unlink()
    os.mkfifo(path, 0o600)


def closed_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def self_signed(folder: Path) -> Path:
    """A key and a certificate for localhost that nobody trusts, in one file."""
    path = folder / "server.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    )
    subprocess.run(
        [*command.split(), "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_text((folder / "key.pem").read_text() + (folder / "cert.pem").read_text())
    return path


def tls_context(pem: Path) -> ssl.SSLContext:
    """A server's side of TLS with this key and certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


class Certificates:
    """A certificate authority of our own, and what it signs."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self._folder = folder / name
        self._folder.mkdir()
        self.ca = self._folder / "ca.pem"
        self._openssl(f"req -x509 -days 2 -subj /CN={name} -keyout ca.key -out ca.pem", new_key=True)

    def signed(self, name: str, *, days: int = 2, host: str = "DNS:localhost,IP:127.0.0.1") -> Path:
        """A key with its certificate in one file; with negative `days` one that has expired."""
        self._openssl(f"req -subj /CN={name} -keyout {name}.key -out {name}.req", new_key=True)
        (self._folder / "names").write_text(f"subjectAltName={host}")
        self._openssl(
            f"x509 -req -in {name}.req -CA ca.pem -CAkey ca.key -CAcreateserial -days {days}"
            f" -extfile names -out {name}.crt"
        )
        path = self._folder / f"{name}.pem"
        path.write_text("".join((self._folder / f"{name}.{part}").read_text() for part in ("key", "crt")))
        return path

    def _openssl(self, command: str, *, new_key: bool = False) -> None:
        key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes" if new_key else ""
        words = ["openssl", *command.split(), *key.split()]
        subprocess.run(words, cwd=self._folder, check=True, capture_output=True)
