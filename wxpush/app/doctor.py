"""An examination of all that a sending rests on: each line a verdict, what was found, and the remedy."""

import importlib.metadata
import os
import platform
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from wxpush import __version__
from wxpush.app.soundness import Soundness, of_accounts, of_runs
from wxpush.app.surroundings import Surroundings
from wxpush.channels.wechat.client import WeChatClient, make_keeper
from wxpush.channels.wechat.probe import Probe, probe
from wxpush.channels.wechat.token_call import NoTokenError
from wxpush.config import Account, OutsideToken, load_account
from wxpush.errors import StateError, WxpushError
from wxpush.i18n import _
from wxpush.private import STATE_DIR, ensure_private_dir

_LIBRARIES: Final = ("typer", "rich", "requests", "urllib3", "PyYAML", "diskcache", "Jinja2", "pydantic")
_EXTRAS: Final = {
    "fast": ("pycurl", "orjson"),
    "excel": ("openpyxl",),
    "words": ("ahocorasick-rs",),
    "sql": ("SQLAlchemy",),
    "receipts": ("aiohttp", "cryptography", "defusedxml"),
}
_LITTLE: Final = 1024**3
_TOO_LITTLE: Final = 50 * 1024**2
#: File systems of networks: locks and write-ahead logs can't be trusted there.
_SHARED: Final = ("nfs", "cifs", "smb", "9p", "fuse.sshfs", "afs", "lustre", "ceph", "glusterfs")
_OLDEST_SQLITE: Final = (3, 24, 0)
_CLOCK_WARNING_S: Final = 5.0
_CLOCK_BAD_S: Final = 120.0
_PATIENCE_S: Final = 15.0
#: How long to look over what is kept, in all.
_LOOK_S: Final = 10.0


class Finding(StrEnum):
    """How a line came out."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Line:
    """One examined thing; `topic` is the same in every language, `text` and `remedy` are for people."""

    topic: str
    verdict: Finding
    text: str
    remedy: str = ""

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self) | {"verdict": self.verdict.value}


def examine(account: str | None, around: Surroundings, *, network: bool = True) -> Iterator[Line]:
    """Every line, as soon as it is known; nothing is sent, and no new token forced."""
    yield _python()
    yield _sqlite()
    yield from _state("state", around.directories.state)
    runs = Path.cwd() / STATE_DIR
    if around.directories.home is None and os.path.lexists(runs):
        # Here, beside the campaigns, is what was sent; whoever else sends from this folder uses it, too.
        yield from _state("runs", runs)
    yield from _kept(around)
    try:
        chosen = load_account(account, around.environ)
    except WxpushError as error:
        yield Line("account", Finding.PROBLEM, " ".join(str(error).splitlines()), error.hint)
        return
    yield _account(chosen)
    if not network:
        yield Line("network", Finding.SKIPPED, _("not tried (--offline)."))
        return
    found = probe(chosen, wall=around.clock.wall)
    yield _network(found)
    if found.fault:
        yield Line("token", Finding.SKIPPED, _("not tried: WeChat can't be reached."))
        return
    yield _clock(found)
    yield from _token_and_quota(chosen, around)


def _python() -> Line:
    libraries = ", ".join(f"{name} {_version(name)}" for name in _LIBRARIES)
    extras = [
        f"wxpush[{extra}]" for extra, names in _EXTRAS.items() if all(_version(name) != "–" for name in names)
    ]
    text = f"wxpush {__version__}, Python {platform.python_version()}; {libraries}"
    if extras:
        text += "; " + ", ".join(extras)
    lacking = [name for name in _LIBRARIES if _version(name) == "–"]
    if lacking:
        remedy = _("Install wxpush anew: pip install -U wxpush")
        return Line("python", Finding.PROBLEM, text, remedy)
    if "fast" not in ",".join(extras) and sys.platform != "win32":
        return Line("python", Finding.OK, text, _("Five times as fast: pip install 'wxpush[fast]'"))
    return Line("python", Finding.OK, text)


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "–"


def _sqlite() -> Line:
    text = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        return Line("sqlite", Finding.PROBLEM, text, _("Use a newer Python: this SQLite is too old."))
    return Line("sqlite", Finding.OK, text)


def _state(topic: str, folder: Path) -> Iterator[Line]:
    try:
        ensure_private_dir(folder)
        free = shutil.disk_usage(folder).free
    except StateError as error:
        yield Line(topic, Finding.PROBLEM, str(error), error.hint)
        return
    except OSError as error:
        yield Line(topic, Finding.PROBLEM, f"{folder}: {error.strerror}")
        return
    kind = _file_system(folder)
    text = _("{folder}, private, {free} free").format(folder=folder, free=_size(free))
    if kind:
        text += f" ({kind})"
    if kind.startswith(_SHARED):
        remedy = _("A network drive loses locks. Put the state on a local disk: WXPUSH_HOME")
        yield Line(topic, Finding.WARNING, text, remedy)
    elif free < _TOO_LITTLE:
        yield Line(topic, Finding.PROBLEM, text, _("Free some space: a message takes about 100 bytes."))
    elif free < _LITTLE:
        yield Line(topic, Finding.WARNING, text, _("A million messages take about 100 MB."))
    else:
        yield Line(topic, Finding.OK, text)


def _kept(around: Surroundings) -> Iterator[Line]:
    """The ledgers of the runs and the records of the accounts, by reading alone: a sending isn't held up."""
    end = around.clock.monotonic() + _LOOK_S

    def enough() -> bool:
        return around.clock.monotonic() >= end

    yield from _soundness("ledgers", of_runs(around, Path.cwd(), enough))
    yield from _soundness("records", of_accounts(around.directories.state, enough))


def _soundness(topic: str, found: Soundness) -> Iterator[Line]:
    for fault in found.faults:
        yield Line(topic, Finding.WARNING if fault.is_harmless else Finding.PROBLEM, fault.text, fault.remedy)
    if found.unseen:
        text = _("{count} not looked over to the end: it took more than {seconds} s.")
        yield Line(topic, Finding.SKIPPED, text.format(count=found.unseen, seconds=f"{_LOOK_S:.0f}"))
    if found.whole and not found.faults:
        yield Line(topic, Finding.OK, _("{count} looked over, whole").format(count=found.whole))


def _size(count: int) -> str:
    return f"{count / 1024**3:,.1f} GB" if count >= _LITTLE else f"{count / 1024**2:,.0f} MB"


def _file_system(folder: Path) -> str:
    """The kind of the file system that `folder` is on; empty where the system doesn't tell."""
    try:
        lines = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    mounts = [(place.replace("\\040", " "), kind) for _device, place, kind, *_rest in map(str.split, lines)]
    above = {str(path) for path in (folder, *folder.parents)}
    return max(
        (mount for mount in mounts if mount[0] in above), default=("", ""), key=lambda one: len(one[0])
    )[1]


def _account(account: Account) -> Line:
    text = _("{name}, {appid}, API {api}").format(
        name=account.name, appid=account.appid, api=account.api_base
    )
    if isinstance(account.token, OutsideToken):
        text += _(", token from {place}").format(place=account.token)
    if account.token == "classic":
        remedy = _("Every fetch logs other systems out: `token: stable` doesn't.")
        return Line("account", Finding.WARNING, text, remedy)
    return Line("account", Finding.OK, text)


def _network(found: Probe) -> Line:
    if found.fault:
        return Line("network", Finding.PROBLEM, f"{found.host}: {found.fault}", found.hint)
    facts = [found.address, found.tls, f"{found.seconds * 1000:.0f} ms"]
    if found.by_proxy:
        facts.append(_("by the proxy"))
    return Line("network", Finding.OK, f"{found.host} ({', '.join(filter(None, facts))})")


def _clock(found: Probe) -> Line:
    if found.ahead is None:
        return Line("clock", Finding.SKIPPED, _("the server doesn't tell its time."))
    off = abs(found.ahead)
    if off < _CLOCK_WARNING_S:
        return Line(
            "clock", Finding.OK, _("right to within {seconds} s").format(seconds=f"{max(1.0, off):.0f}")
        )
    text = _("{seconds} s ahead of the server").format(seconds=f"{off:,.0f}")
    if found.ahead < 0:
        text = _("{seconds} s behind the server").format(seconds=f"{off:,.0f}")
    remedy = _("Let the system keep the time: timedatectl set-ntp true")
    return Line("clock", Finding.WARNING if off < _CLOCK_BAD_S else Finding.PROBLEM, text, remedy)


def _token_and_quota(account: Account, around: Surroundings) -> Iterator[Line]:
    try:
        keeper = make_keeper(account, around.directories, around.clock)
        keeper.wait(_PATIENCE_S)
    except NoTokenError as error:
        # WeChat names the address that its allow-list lacks.
        topic = "allow_list" if error.code == "40164" else "token"
        yield Line(topic, Finding.PROBLEM, str(error), error.hint)
        return
    except WxpushError as error:
        yield Line("token", Finding.PROBLEM, str(error), error.hint)
        return
    yield Line("token", Finding.OK, _("WeChat gave one; appid, secret and allow-list are right."))
    client = WeChatClient(account, keeper, patience=_PATIENCE_S)
    try:
        quota = client.quota()
    except WxpushError as error:
        yield Line("quota", Finding.WARNING, str(error), error.hint)
        return
    finally:
        client.close()
    text = _("{left} of {limit} template messages left today").format(
        left=f"{quota.remain:,}", limit=f"{quota.limit:,}"
    )
    if quota.remain == 0:
        yield Line("quota", Finding.WARNING, text, _("It comes back at midnight, Beijing time."))
    else:
        yield Line("quota", Finding.OK, text)
