"""The folders of this user: where tokens and account-wide records live, and where settings are looked for."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import platformdirs

from wxpush.config.account import Account
from wxpush.private import ensure_private_dir

ACCOUNTS: Final = "accounts"
RECEIPTS: Final = "receipts"
TRIALS: Final = "trials"


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
        return ensure_private_dir(path)

    def account_path(self, origin: str, appid: str) -> Path:
        """The folder of API origin + appid, whether or not there is one."""
        owner = hashlib.sha256(f"{origin}\n{appid}".encode()).hexdigest()[:16]
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


def default_config_path() -> Path:
    """`config.yaml` in the platform's configuration directory."""
    return platformdirs.user_config_path("wxpush", appauthor=False) / "config.yaml"
