"""config.yaml, taken apart: all its faults are found in one go."""

import os
import re
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from wxpush.config.account import Fault, TokenKind, api_base_fault, appid_fault, proxy_fault, url_fault
from wxpush.config.declared import ConfigFile, Declared, DeclaredCallback, DeclaredToken
from wxpush.config.targets import Target
from wxpush.errors import InputError, ProblemsError
from wxpush.i18n import _
from wxpush.model import Problem
from wxpush.near import nearest
from wxpush.yamlfile import Document, KeyPath, parse_yaml

_TOP: Final = ("default", "testers", "accounts", "databases")
_DATABASE: Final = ("url_env",)
_SECRETS: Final = ("secret_env", "secret_file", "secret_command")
_ACCOUNT: Final = ("appid", *_SECRETS, "token", "api_base", "proxy", "ca_file", "callback", "notify")
_CALLBACK: Final = ("token_env", "aes_key_env", "previous_aes_key_env")
_SOURCES: Final = ("file", "command", "url")
_TOKEN: Final = (*_SOURCES, "json", "header")
# An AppSecret; an access_token.
_SECRET: Final = re.compile(r"[0-9A-Fa-f]{32}|[0-9]{1,4}_[0-9A-Za-z_-]{30,}")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def read_config(path: Path) -> ConfigFile:
    """What `path` says; raises ProblemsError with every fault and its place, InputError for an open file."""
    _refuse_open(path)
    parsed = parse_yaml(path)
    if parsed.document is None:
        raise ProblemsError(parsed.problems)
    reader = _Reader(parsed.document, list(parsed.problems), path.parent)
    config = reader.config()
    if reader.problems:
        raise ProblemsError(sorted(reader.problems, key=lambda problem: (problem.line, problem.column)))
    return config


@dataclass(slots=True)
class _Reader:
    """Takes the file apart; a faulty part is noted and replaced by something harmless."""

    document: Document
    problems: list[Problem]
    folder: Path

    def config(self) -> ConfigFile:
        top = self.document.value
        self.known_keys(top, (), _TOP)
        accounts = {
            name: self.account(value, ("accounts", name))
            for name, value in self.mapping(top, "accounts", ()).items()
        }
        default = self.text(top, "default", ())
        if default is not None and default not in accounts:
            self.fault(("default",), "WX604", _("There is no account {name}.").format(name=repr(default)))
        testers = self.mapping(top, "testers", ())
        names = {name: self.text(testers, name, ("testers",)) or "" for name in testers}
        databases = {
            name: self.database(value, ("databases", name))
            for name, value in self.mapping(top, "databases", ()).items()
        }
        return ConfigFile(self.folder, default, names, accounts, databases)

    def account(self, value: Any, at: KeyPath) -> Declared:
        if not isinstance(value, dict):
            self.as_mapping(value, at)
            return Declared(appid="")
        self.known_keys(value, at, _ACCOUNT)
        appid = self.checked(value, "appid", at, appid_fault)
        if not value.get("appid"):
            self.fault(at, "WX603", _("The account lacks its `appid`."))
        declared = Declared(
            appid=appid or "",
            secret_env=self.checked(value, "secret_env", at, _variable_fault),
            secret_file=self.pointer(value, "secret_file", at),
            secret_command=self.pointer(value, "secret_command", at),
            token=self.token(value.get("token", "stable"), (*at, "token")),
            api_base=self.checked(value, "api_base", at, api_base_fault),
            proxy=self.checked(value, "proxy", at, proxy_fault),
            ca_file=self.text(value, "ca_file", at),
            callback=self.callback(value, at),
        )
        self.one_secret(value, at)
        return declared if "notify" not in value else replace(declared, notify=self.targets(value, at))

    def targets(self, value: Mapping[str, Any], at: KeyPath) -> tuple[Target, ...]:
        from wxpush.config.target_reader import Kind, TargetReader  # most files need none of it

        codes = {Kind.UNKNOWN_KEY: "WX601", Kind.LACKING: "WX603", Kind.WRONG: "WX604", Kind.EMPTY: "WX602"}

        def note(kind: Kind, place: KeyPath, message: str, hint: str) -> None:
            whole = (*at, "notify", *place)
            at_key = kind is Kind.UNKNOWN_KEY
            self.problems.append(self.document.problem(whole, codes[kind], message, hint, at_key=at_key))

        return TargetReader(self.folder, note).targets(value["notify"])

    def database(self, value: Any, at: KeyPath) -> str:
        """The variable that holds a database's URL, which has a password in it."""
        found = self.as_mapping(value, at)
        self.known_keys(found, at, _DATABASE)
        if found and "url_env" not in found:
            self.fault(at, "WX603", _("The database lacks its `url_env`, the variable with its URL."))
        return self.checked(found, "url_env", at, _variable_fault) or ""

    def one_secret(self, value: Mapping[str, Any], at: KeyPath) -> None:
        given = [key for key in _SECRETS if key in value]
        if len(given) > 1:
            message = _("{keys} stand together.").format(keys=", ".join(given))
            self.fault((*at, given[1]), "WX604", message, _("Keep one of them."))
        if not given and not isinstance(value.get("token"), dict) and "secret" not in value:
            hint = _("Add `secret_env: NAME` and set that variable, or secret_file or secret_command.")
            self.fault(at, "WX603", _("The account doesn't say where its secret is."), hint)

    def callback(self, value: Mapping[str, Any], at: KeyPath) -> DeclaredCallback:
        names = self.mapping(value, "callback", at)
        at = (*at, "callback")
        self.known_keys(names, at, _CALLBACK)
        if names and "token_env" not in names:
            self.fault(at, "WX603", _("`callback` lacks its `token_env`."))
        return DeclaredCallback(**{key: self.checked(names, key, at, _variable_fault) for key in _CALLBACK})

    def token(self, value: Any, at: KeyPath) -> TokenKind | DeclaredToken:
        if not isinstance(value, dict):
            if value == "classic":
                return "classic"
            if value != "stable":
                # Not shown: it may be the access_token itself.
                hint = _("Write stable, classic, or a mapping with file, command or url.")
                self.fault(at, "WX604", _("This is nothing that `token` can be."), hint)
            return "stable"
        self.known_keys(value, at, _TOKEN)
        if sum(key in value for key in _SOURCES) != 1:
            self.fault(at, "WX604", _("`token` needs exactly one of file, command and url."))
        header = self.mapping(value, "header", at)
        if header and "url" not in value:
            self.fault((*at, "header"), "WX604", _("`header` goes with `url` only."))
        plain, from_env = self.headers(header, (*at, "header"))
        return DeclaredToken(
            file=self.pointer(value, "file", at),
            command=self.pointer(value, "command", at),
            url=self.checked(value, "url", at, url_fault),
            json=self.text(value, "json", at) or "",
            header=plain,
            header_env=from_env,
        )

    def headers(self, header: Mapping[str, Any], at: KeyPath) -> tuple[dict[str, str], dict[str, str]]:
        plain: dict[str, str] = {}
        from_env: dict[str, str] = {}
        for name, value in header.items():
            if isinstance(value, dict):
                self.known_keys(value, (*at, name), ("env",))
                from_env[name] = self.checked(value, "env", (*at, name), _variable_fault) or ""
                if "env" not in value:
                    self.fault((*at, name), "WX603", _("The header lacks its `env`."))
            else:
                plain[name] = self.text(header, name, at) or ""
        return plain, from_env

    def checked(
        self, value: Mapping[str, Any], key: str, at: KeyPath, check: Callable[[str], Fault | None]
    ) -> str | None:
        text = self.text(value, key, at)
        fault = None if text is None else check(text)
        if fault is not None:
            self.fault((*at, key), "WX604", *fault)
        return text

    def text(self, value: Mapping[str, Any], key: str, at: KeyPath) -> str | None:
        found = value.get(key)
        if key in value and not (isinstance(found, str) and found.strip()):
            self.fault((*at, key), "WX602", _("`{key}` must be a text.").format(key=key))
            return None
        return found

    def pointer(self, value: Mapping[str, Any], key: str, at: KeyPath) -> str | None:
        """A file or a command that a secret comes from; messages show it."""
        return self.checked(value, key, at, _pointer_fault)

    def mapping(self, value: Mapping[str, Any], key: str, at: KeyPath) -> dict[str, Any]:
        return self.as_mapping(value.get(key, {}), (*at, key))

    def as_mapping(self, value: Any, at: KeyPath) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        self.fault(at, "WX602", _("`{key}` must hold `name: value` lines.").format(key=at[-1]))
        return {}

    def known_keys(self, value: Mapping[str, Any], at: KeyPath, known: tuple[str, ...]) -> None:
        for key in value:
            if key in known:
                continue
            if key == "secret":
                hint = _keep_out()
            elif close := nearest(key, known):
                hint = _("Did you mean `{key}`?").format(key=close)
            else:
                hint = _("Known keys: {keys}.").format(keys=", ".join(known))
            message = _("`{key}` is no key of this place.").format(key=key)
            self.problems.append(self.document.problem((*at, key), "WX601", message, hint, at_key=True))

    def fault(self, at: KeyPath, code: str, message: str, hint: str = "") -> None:
        self.problems.append(self.document.problem(at, code, message, hint))


def _refuse_open(path: Path) -> None:
    """See that not everybody can say where the secret goes, and which command gives it. Raises InputError."""
    with suppress(OSError):  # told of by who reads it
        if os.name == "posix" and path.stat().st_mode & stat.S_IWOTH:
            raise InputError(
                _("{path} can be read or changed by other users.").format(path=path),
                _("Run: chmod 600 {path}").format(path=path),
            )


def _keep_out() -> str:
    return _("Keep it out of this file: use secret_env, secret_file or secret_command.")


def _pointer_fault(text: str) -> Fault | None:
    """Whether it is rather the secret itself, which no message may show."""
    return Fault(_("This looks like a secret itself."), _keep_out()) if _SECRET.fullmatch(text) else None


def _variable_fault(text: str) -> Fault | None:
    """What is wrong with the name of a variable, without showing it."""
    if _VARIABLE.fullmatch(text):
        return _pointer_fault(text)
    return Fault(_("This is no name of an environment variable."), _("Write it as in SHOP_SECRET."))
