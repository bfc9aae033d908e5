"""The folders of this user: where tokens and account-wide records live, and where settings are looked for."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from wxpush.config.account import Account
from wxpush.private import ensure_private_dir


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
        ensure_private_dir(self.state / "accounts")
        return ensure_private_dir(self.account_path(account))

    def account_path(self, account: Account) -> Path:
        """Where that folder is, whether it was made or not."""
        owner = f"{account.origin}\n{account.appid}".encode()
        return self.state / "accounts" / hashlib.sha256(owner).hexdigest()[:16]


def default_config_path() -> Path:
    """`config.yaml` in the platform's configuration directory."""
    return platformdirs.user_config_path("wxpush", appauthor=False) / "config.yaml"
