"""The folders of this user: where tokens and account-wide records live, and where settings are looked for."""

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import platformdirs

from wxpush.config.account import WECHAT_API, Account, is_loopback
from wxpush.errors import StateError
from wxpush.private import ensure_private_dir, read_private, write_private

ACCOUNTS: Final = "accounts"
RECEIPTS: Final = "receipts"
TRIALS: Final = "trials"
#: Origin and appid in plain text, since the folder's name doesn't tell them.
_OWNER: Final = "owner"


@dataclass(frozen=True, slots=True)
class Directories:
    """`state` holds what belongs to this user; `home` is the one directory asked for, if one was."""

    state: Path
    home: Path | None = None

    @classmethod
    def choose(cls, environ: Mapping[str, str], home: Path | None = None) -> "Directories":
        """From `--home`, else WXPUSH_HOME, else the platform's state directory.

        Links on the way there are the operator's own, and followed once.
        """
        if home is None and environ.get("WXPUSH_HOME"):
            home = Path(environ["WXPUSH_HOME"]).expanduser()
        if home is not None:
            return cls(home.resolve(), home.resolve())
        return cls(platformdirs.user_state_path("wxpush", appauthor=False).resolve())

    def account_dir(self, account: Account) -> Path:
        """The private folder of API origin + appid, made if it is lacking.

        Raises UnsafeStateError or StorageError.
        """
        path = self.account_path(account.origin, account.appid)
        ensure_private_dir(path.parent)
        ensure_private_dir(path)
        if not os.path.lexists(path / _OWNER):
            write_private(path / _OWNER, _owner(account.origin, account.appid))
        return path

    def other_origins(self, account: Account) -> list[str]:
        """Under which other API origins the appid has a folder.

        Of this machine's own addresses, which are sandboxes, only where the account's is one as well.
        """
        found = {WECHAT_API} if self.account_path(WECHAT_API, account.appid).is_dir() else set[str]()
        for path in (self.state / ACCOUNTS).glob(f"*/{_OWNER}"):
            with suppress(StateError):
                origin, _end, appid = (read_private(path) or b"").decode("utf-8", "replace").partition("\n")
                if appid == account.appid:
                    found.add(origin)
        is_practice = _is_practice(account.origin)
        return sorted(one for one in found - {account.origin} if is_practice or not _is_practice(one))

    def account_path(self, origin: str, appid: str) -> Path:
        """The folder of API origin + appid, whether or not there is one."""
        owner = hashlib.sha256(_owner(origin, appid)).hexdigest()[:16]
        return self.state / ACCOUNTS / owner

    def receipts_path(self, origin: str, appid: str) -> Path:
        """Where the receipts of API origin + appid are kept, whether or not there are any."""
        return self.account_path(origin, appid) / RECEIPTS

    def receipts_dir(self, account: Account) -> Path:
        """Where the receipts of the account are to be kept; its private folder is made if it is lacking.

        Raises UnsafeStateError or StorageError.
        """
        return self.account_dir(account) / RECEIPTS

    def trials_path(self, origin: str, appid: str) -> Path:
        """Where the test messages of API origin + appid are noted, whether or not there were any."""
        return self.account_path(origin, appid) / TRIALS


def _owner(origin: str, appid: str) -> bytes:
    return f"{origin}\n{appid}".encode()


def _is_practice(origin: str) -> bool:
    return is_loopback(urlsplit(origin).hostname or "")


def default_config_path() -> Path:
    """`config.yaml` in the platform's configuration directory."""
    return platformdirs.user_config_path("wxpush", appauthor=False) / "config.yaml"
