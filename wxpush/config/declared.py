"""What config.yaml declares: named accounts, testers and databases, as they are written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wxpush.config.account import TokenKind
from wxpush.config.targets import Target


@dataclass(frozen=True, slots=True)
class DeclaredToken:
    """A `token:` mapping; a header is a text, or the name of an environment variable in `header_env`."""

    file: str | None = None
    command: str | None = None
    url: str | None = field(default=None, repr=False)
    json: str = ""
    header: Mapping[str, str] = field(default_factory=dict, repr=False)
    header_env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeclaredCallback:
    """A `callback:` mapping: the environment variables that hold the keys of the callback URL."""

    token_env: str | None = None
    aes_key_env: str | None = None
    previous_aes_key_env: str | None = None


@dataclass(frozen=True, slots=True)
class Declared:
    """One entry of `accounts:`; of the three sources of the secret at most one is set."""

    appid: str
    secret_env: str | None = None
    secret_file: str | None = None
    secret_command: str | None = None
    token: TokenKind | DeclaredToken = "stable"
    api_base: str | None = None
    proxy: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    callback: DeclaredCallback = DeclaredCallback()
    notify: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """What config.yaml says; relative paths in it start at its `folder`."""

    folder: Path
    default: str | None = None
    testers: Mapping[str, str] = field(default_factory=dict)
    accounts: Mapping[str, Declared] = field(default_factory=dict)
    databases: Mapping[str, str] = field(default_factory=dict)
    """By name, the variable that holds the URL."""
