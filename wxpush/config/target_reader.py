"""`notify:` taken apart, in a campaign and in config.yaml alike: all its faults are found in one go."""

import difflib
import re
from collections.abc import Iterable, Mapping
from enum import Enum, auto
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from wxpush.config.account import is_loopback, url_fault
from wxpush.config.targets import DingtalkRobot, Program, SecretSource, Target, Webhook, WecomRobot
from wxpush.i18n import _
from wxpush.near import nearest

WECOM_HOST: Final = "qyapi.weixin.qq.com"
DINGTALK_HOSTS: Final = frozenset({"oapi.dingtalk.com", "oapi.dingtalk.io"})

_Path = tuple[str | int, ...]
_FORMS: Final = ("env", "file", "command")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
# A robot's secret, token and key, as they are pasted in the place of a name.
_SECRET: Final = re.compile(
    r"SEC[0-9A-Za-z]{16,}|[0-9A-Fa-f]{32,}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
)
_MOST: Final = 10


class Kind(Enum):
    """What sort of fault it is."""

    UNKNOWN_KEY = auto()
    LACKING = auto()
    WRONG = auto()
    EMPTY = auto()


class Note(Protocol):
    """Takes in a fault at a place below `notify:`."""

    def __call__(self, kind: Kind, at: _Path, message: str, hint: str, /) -> None: ...


class TargetReader:
    """Reads targets; a faulty one is noted and left out. Nothing that may be a secret is shown."""

    def __init__(self, folder: Path, note: Note) -> None:
        """Relative paths start at `folder`."""
        self._folder, self._note = folder, note
        self._faults = 0

    def targets(self, value: Any) -> tuple[Target, ...]:
        """One target, or a list of them; an empty list is nobody."""
        if not isinstance(value, list):
            return tuple(self._several([((), value)]))
        if len(value) > _MOST:
            message = _("more than {most} targets are too many: each is told one by one.")
            self._fault(Kind.WRONG, (), message.format(most=_MOST))
            return ()
        return tuple(self._several(((number,), one) for number, one in enumerate(value)))

    def _several(self, values: Iterable[tuple[_Path, Any]]) -> Iterable[Target]:
        for at, value in values:
            before = self._faults
            target = self._target(value, at)
            if target is not None and self._faults == before:
                yield target

    def _target(self, value: Any, at: _Path) -> Target | None:
        if not isinstance(value, dict):
            self._fault(Kind.EMPTY if value is None else Kind.WRONG, at, *_what_a_target_is())
            return None
        kinds = [name for name in ("wecom", "dingtalk", "command") if name in value]
        kinds += ["url"] if any(key in value for key in _keys("url", plain=True)) else []
        if len(kinds) != 1:
            self._fault(Kind.LACKING if not kinds else Kind.WRONG, at, *_what_a_target_is())
            return None
        to = getattr(self, f"_{kinds[0]}")(value, at)
        when = self._choice(value, "when", at, ("always", "trouble"))
        return None if to is None else Target(to, when == "trouble")

    def _wecom(self, target: dict[str, Any], at: _Path) -> WecomRobot | None:
        self._known(target, at, ("wecom", "when"))
        value, at = target["wecom"], (*at, "wecom")
        if not self._is_group(value, at):
            return None
        self._known(value, at, (*_keys("url"), "mentioned_mobile_list", "format"))
        url = self._secret(value, "url", at, required=True)
        mobiles = self._texts(value, "mentioned_mobile_list", at)
        markdown = self._choice(value, "format", at, ("text", "markdown")) == "markdown"
        if markdown and mobiles:
            message = _("in markdown nobody is called by phone number.")
            self._fault(Kind.WRONG, (*at, "mentioned_mobile_list"), message, _("Leave `format` out."))
        return None if url is None else WecomRobot(url, mobiles, markdown)

    def _dingtalk(self, target: dict[str, Any], at: _Path) -> DingtalkRobot | None:
        self._known(target, at, ("dingtalk", "when"))
        value, at = target["dingtalk"], (*at, "dingtalk")
        if not self._is_group(value, at):
            return None
        self._known(value, at, (*_keys("url"), *_keys("secret"), "keyword", "at"))
        url, secret = self._secret(value, "url", at, required=True), self._secret(value, "secret", at)
        keyword = self._text(value, "keyword", at) or ""
        called, at = value.get("at", {}), (*at, "at")
        if not self._is_group(called, at):
            return None
        self._known(called, at, ("atMobiles", "atUserIds", "isAtAll"))
        mobiles, users = self._texts(called, "atMobiles", at), self._texts(called, "atUserIds", at)
        everybody = self._choice(called, "isAtAll", at, ("false", "true")) == "true"
        return None if url is None else DingtalkRobot(url, secret, keyword, mobiles, users, everybody)

    def _url(self, value: dict[str, Any], at: _Path) -> Webhook | None:
        self._known(value, at, (*_keys("url", plain=True), *_keys("hmac"), "when"))
        hmac = self._secret(value, "hmac", at)
        if "url" not in value:
            kept = self._secret(value, "url", at, required=True)
            return None if kept is None else Webhook(kept, hmac)
        if any(key in value for key in _keys("url")):
            self._fault(Kind.WRONG, (*at, "url"), _("two addresses stand together."), _("Keep one."))
            return None
        url = self._text(value, "url", at)
        if url is None:
            return None
        if (fault := webhook_fault(url)) is not None:
            self._fault(Kind.WRONG, (*at, "url"), *fault)
            return None
        return Webhook(url, hmac)

    def _command(self, value: dict[str, Any], at: _Path) -> Program | None:
        self._known(value, at, ("command", "when"))
        argv = value["command"]
        if (
            isinstance(argv, list)
            and argv
            and all(isinstance(word, str) for word in argv)
            and argv[0].strip()
        ):
            return Program(tuple(argv))
        message = _("a command is a list: the program, then its arguments.")
        hint = _("Write it like: {example}").format(example='command: ["/usr/local/bin/tell", "--team"]')
        self._fault(Kind.WRONG, (*at, "command"), message, hint)
        return None

    def _secret(
        self, value: dict[str, Any], name: str, at: _Path, *, required: bool = False
    ) -> SecretSource | None:
        given = [form for form in _FORMS if f"{name}_{form}" in value]
        if not given:
            if required and name not in value:
                hint = _("Write `{name}_env: NAME` and set that variable, or {name}_file or {name}_command.")
                message = _("it isn't said where the address is kept.")
                self._fault(Kind.LACKING, at, message, hint.format(name=name))
            return None
        key = f"{name}_{given[0]}"
        if len(given) > 1:
            self._fault(Kind.WRONG, (*at, f"{name}_{given[1]}"), *_only_one(key, f"{name}_{given[1]}"))
            return None
        text = self._text(value, key, at)
        if text is None:
            return None
        if given[0] != "command" and ("://" in text or _SECRET.fullmatch(text)):
            self._fault(Kind.WRONG, (*at, key), *_keep_out(name))
            return None
        if given[0] == "env" and not _VARIABLE.fullmatch(text):
            # Not shown: it may be the secret itself.
            hint = _("Write it as in TEAM_ROBOT.")
            self._fault(Kind.WRONG, (*at, key), _("this is no name of an environment variable."), hint)
            return None
        if given[0] == "file":
            return SecretSource(file=(self._folder / Path(text).expanduser()).absolute())
        return SecretSource(variable=text) if given[0] == "env" else SecretSource(command=text)

    def _text(self, value: Mapping[str, Any], key: str, at: _Path) -> str | None:
        if key not in value:
            return None
        found = value[key]
        if isinstance(found, str) and found.strip():
            return found.strip()
        is_empty = found is None or found == ""
        message = (
            _("there is no value.") if is_empty else _("one value is expected here, not a list or a group.")
        )
        self._fault(Kind.EMPTY if is_empty else Kind.WRONG, (*at, key), message)
        return None

    def _texts(self, value: Mapping[str, Any], key: str, at: _Path) -> tuple[str, ...]:
        found = value.get(key, [])
        if isinstance(found, list) and all(isinstance(one, str) and one.strip() for one in found):
            return tuple(one.strip() for one in found)
        self._fault(Kind.WRONG, (*at, key), _("a list of texts is expected here."), f'{key}: ["13800138000"]')
        return ()

    def _choice(self, value: Mapping[str, Any], key: str, at: _Path, choices: tuple[str, ...]) -> str | None:
        text = self._text(value, key, at)
        if text is not None and text not in choices:
            hint = _("Write one of: {choices}.").format(choices=", ".join(choices))
            # Whatever stands here by mistake may be a robot's key; what was meant to be a choice is like one.
            shown = text if difflib.get_close_matches(text, choices, n=1) else "…"
            self._fault(Kind.WRONG, (*at, key), _("“{value}” is not known here.").format(value=shown), hint)
            return None
        return text

    def _is_group(self, value: Any, at: _Path) -> bool:
        if isinstance(value, dict):
            return True
        message = _("a group of `key: value` lines is expected.")
        self._fault(Kind.WRONG, at, message, "url_env: TEAM_ROBOT")
        return False

    def _known(self, value: dict[str, Any], at: _Path, known: tuple[str, ...]) -> None:
        for key in value:
            if key in known:
                continue
            if key in ("url", "secret", "hmac"):
                self._fault(Kind.UNKNOWN_KEY, (*at, key), *_keep_out(key))
                continue
            near = nearest(key, known)
            hint = _("Did you mean `{key}`?").format(key=near) if near else ""
            hint = hint or _("Known keys: {keys}.").format(keys=", ".join(known))
            self._fault(Kind.UNKNOWN_KEY, (*at, key), _("the key `{key}` is unknown.").format(key=key), hint)

    def _fault(self, kind: Kind, at: _Path, message: str, hint: str = "") -> None:
        self._faults += 1
        self._note(kind, at, message, hint)


def webhook_fault(text: str) -> tuple[str, str] | None:
    """What is wrong with an address that takes JSON, without showing it."""
    if (fault := url_fault(text)) is not None:
        return fault.message, fault.hint
    parts = urlsplit(text)
    host = (parts.hostname or "").lower().rstrip(".")
    if host == WECOM_HOST or host in DINGTALK_HOSTS:
        kind = "wecom" if host == WECOM_HOST else "dingtalk"
        hint = _("Write {kind}: {{url_env: TEAM_ROBOT}} and set that variable to the address.")
        return _("this is the address of a group robot, with its key."), hint.format(kind=kind)
    if parts.scheme == "http" and not is_loopback(host):
        return _("the address must begin with https://."), _("Plain http is for this machine only.")
    return None


def _keys(name: str, *, plain: bool = False) -> tuple[str, ...]:
    """The keys that say where a secret is kept; `plain` the one that holds it, too."""
    return (*([name] if plain else []), *(f"{name}_{form}" for form in _FORMS))


def _only_one(first: str, second: str) -> tuple[str, str]:
    return _("{keys} stand together.").format(keys=f"{first}, {second}"), _("Keep one of them.")


def _keep_out(name: str) -> tuple[str, str]:
    hint = _("Put it into a variable and write `{name}_env: NAME`, or use {name}_file or {name}_command.")
    return _("this is a secret, which must not stand in the file."), hint.format(name=name)


def _what_a_target_is() -> tuple[str, str]:
    return (
        _("each target of `notify` has exactly one of wecom, dingtalk, url and command."),
        _("Write it like: {example}").format(example="notify: {wecom: {url_env: TEAM_ROBOT}}"),
    )
