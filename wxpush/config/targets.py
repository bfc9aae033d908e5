"""Who is told how a run ended: group robots, an address, a command, as they are declared under `notify:`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Final
from urllib.parse import urlsplit

from wxpush.config.secret import Secret, command_shown, read_secret_file, run_for_text
from wxpush.errors import InputError
from wxpush.i18n import _

_COMMAND_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class SecretSource:
    """Where a secret is kept: exactly one of a variable, a file and a command."""

    variable: str | None = None
    file: Path | None = None
    command: str | None = field(default=None, repr=False)

    def fetch(self, environ: Mapping[str, str]) -> Secret:
        """The secret itself. Raises InputError."""
        if self.file is not None:
            return Secret(read_secret_file(self.file))
        if self.command is not None:
            return Secret(run_for_text(self.command, timeout=_COMMAND_SECONDS))
        text = environ.get(self.variable or "", "").strip()
        if not text:
            raise InputError(
                _("{variable} is not set.").format(variable=self.variable),
                _("Set {variable}.").format(variable=self.variable),
            )
        return Secret(text)

    def __str__(self) -> str:
        """The source alone."""
        if self.command is not None:
            return command_shown(self.command)
        return str(self.file) if self.file is not None else str(self.variable)


@dataclass(frozen=True, slots=True)
class WecomRobot:
    """A robot of a WeCom (企业微信) group; people are called by their phone numbers, all by `@all`."""

    url: SecretSource
    mobiles: tuple[str, ...] = ()
    markdown: bool = False
    kind: ClassVar = "wecom"

    @property
    def source(self) -> str:
        """Where its address is kept."""
        return str(self.url)

    def __str__(self) -> str:
        """Which one."""
        return _("the WeCom robot ({source})").format(source=self.url)


@dataclass(frozen=True, slots=True)
class DingtalkRobot:
    """A robot of a DingTalk (钉钉) group, with what its security settings ask for."""

    url: SecretSource
    secret: SecretSource | None = None
    keyword: str = ""
    mobiles: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    everybody: bool = False
    kind: ClassVar = "dingtalk"

    @property
    def source(self) -> str:
        """Where its address is kept."""
        return str(self.url)

    def __str__(self) -> str:
        """Which one."""
        return _("the DingTalk robot ({source})").format(source=self.url)


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that takes the summary as JSON, signed with the key `hmac` where there is one.

    `url` is the address itself, or where it is kept, since a key may be part of it.
    """

    url: str | SecretSource = field(repr=False)
    hmac: SecretSource | None = None
    kind: ClassVar = "url"

    @property
    def source(self) -> str:
        """Of an address its host, since the rest may be secret."""
        return str(self.url) if isinstance(self.url, SecretSource) else urlsplit(self.url).hostname or ""

    def __str__(self) -> str:
        """Which one."""
        return self.source


@dataclass(frozen=True, slots=True)
class Program:
    """A command that takes the summary as JSON on its standard input; no shell reads it."""

    argv: tuple[str, ...] = field(repr=False)
    kind: ClassVar = "command"

    @property
    def source(self) -> str:
        """The program alone, since its arguments may hold a password."""
        return self.argv[0] if len(self.argv) == 1 else f"{self.argv[0]} …"

    def __str__(self) -> str:
        """Which one."""
        return self.source


@dataclass(frozen=True, slots=True)
class Target:
    """One of those who are told, at every end or only when something is left to do."""

    to: WecomRobot | DingtalkRobot | Webhook | Program
    only_trouble: bool = False

    def __str__(self) -> str:
        """Which one, in the language in force."""
        return str(self.to)
