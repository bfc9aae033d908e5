"""An account: an Official Account's appid and secret, and the way its API is reached."""

import ipaddress
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import SplitResult, urlsplit

from wxpush.config.secret import Secret, command_shown
from wxpush.config.targets import Target
from wxpush.i18n import _

WECHAT_API = "https://api.weixin.qq.com"
# One service under several names: same paths, same tokens (Interface_field_description.html).
WECHAT_HOSTS = frozenset(f"{name}.weixin.qq.com" for name in ("api", "api2", "sh.api", "sz.api", "hk.api"))
APPID = re.compile(r"wx[0-9a-f]{16}")
_PORTS = {"http": 80, "https": 443}
_AES_KEY = re.compile(r"[A-Za-z0-9]{43}")


@dataclass(frozen=True, slots=True)
class OutsideToken:
    """Where another system keeps the access_token: exactly one of `file`, `command` and `url`.

    `json` is the place of the token in a JSON answer, as keys joined by dots; empty where the answer is
    the token itself. `headers` go with the request to `url`.
    """

    file: Path | None = None
    command: str | None = field(default=None, repr=False)
    url: str | None = field(default=None, repr=False)
    json: str = ""
    headers: tuple[tuple[str, Secret], ...] = ()

    def __str__(self) -> str:
        """Of a URL its host, of a command its first word, since the rest may be secret."""
        if self.url is not None:
            return urlsplit(self.url).hostname or ""
        return str(self.file) if self.command is None else command_shown(self.command)


@dataclass(frozen=True, slots=True)
class CallbackKeys:
    """What the account's callback URL is set up with in the console: by these WeChat's pushes are known.

    `previous_aes_key` is the EncodingAESKey before the present one, for pushes under way during a change.
    """

    token: Secret | None = None
    aes_key: Secret | None = None
    previous_aes_key: Secret | None = None


TokenKind = Literal["stable", "classic"]


@dataclass(frozen=True, slots=True)
class Account:
    """Everything needed to speak for one Official Account.

    `secret` is None where the token comes from outside. `api_base` has no trailing slash; `proxy` may
    hold a password and is therefore never shown.
    """

    name: str
    appid: str
    secret: Secret | None = None
    token: TokenKind | OutsideToken = "stable"
    api_base: str = WECHAT_API
    proxy: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    notify: tuple[Target, ...] = ()
    """Who is told how a run ended, where the campaign doesn't say."""

    @property
    def origin(self) -> str:
        """What owns the account's runs and token: `scheme://host:port`, WeChat's own hosts as one."""
        parts = urlsplit(self.api_base)
        host = (parts.hostname or "").rstrip(".")
        if parts.scheme == "https" and host in WECHAT_HOSTS and parts.port in {None, 443}:
            return WECHAT_API
        shown = f"[{host}]" if ":" in host else host
        return f"{parts.scheme}://{shown}:{parts.port or _PORTS[parts.scheme]}"


class Fault(NamedTuple):
    """What is wrong with a setting, and the remedy."""

    message: str
    hint: str = ""


def appid_fault(text: str) -> Fault | None:
    """What is wrong with an appid."""
    if APPID.fullmatch(text):
        return None
    # Not shown: appid and secret are easily exchanged.
    message = _("This is no appid: one is wx and 16 digits or letters from a to f.")
    return Fault(message, _("Copy it from the WeChat console."))


def secret_fault(text: str) -> Fault | None:
    """What is wrong with a secret, without a word of it."""
    if text and text.isascii() and text.isprintable() and " " not in text:
        return None
    message = _("The AppSecret holds characters that no AppSecret has.")
    return Fault(message, _("Copy it again, without blanks."))


def callback_token_fault(text: str) -> Fault | None:
    """What is wrong with the Token of a callback URL, without a word of it."""
    if text.isascii() and text.isalnum() and 3 <= len(text) <= 32:
        return None
    return Fault(
        _("The Token of a callback URL has 3 to 32 letters and digits."),
        _("Copy it from the WeChat console."),
    )


def aes_key_fault(text: str) -> Fault | None:
    """What is wrong with an EncodingAESKey, without a word of it."""
    if _AES_KEY.fullmatch(text):
        return None
    return Fault(_("An EncodingAESKey has 43 letters and digits."), _("Copy it from the WeChat console."))


def header_fault(text: str) -> Fault | None:
    """What is wrong with a header's value, without a word of it."""
    if text.isascii() and text.isprintable():
        return None
    return Fault(_("A header may hold visible ASCII characters only."))


def api_base_fault(text: str) -> Fault | None:
    """What is wrong with an API address: https only, and plain http to this machine alone."""
    if (fault := url_fault(text)) is not None:
        return fault
    parts = urlsplit(text)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        return Fault(
            _("The API address must begin with https://."),
            _("Plain http is for this machine only (127.0.0.1): it would show the secret to others."),
        )
    if parts.query or parts.fragment:
        return Fault(_("The API address must have no ? and no #."), _("Write no more than scheme and host."))
    return None


def proxy_fault(text: str) -> Fault | None:
    """What is wrong with a proxy address; a user and password in it are fine."""
    parts = _split(text)
    if parts is None or parts.scheme not in _PORTS or not parts.hostname:
        return Fault(_("The proxy must be an address like http://proxy.example.com:3128."))
    return None


def url_fault(text: str) -> Fault | None:
    """What is wrong with a URL of ours, without showing it."""
    parts = _split(text)
    if parts is None or parts.scheme not in _PORTS or not parts.hostname:
        return Fault(_("It must be an address like https://example.com."))
    if parts.username is not None or parts.password is not None:
        return Fault(_("The address must hold no user name or password."), _("Remove the part before the @."))
    return None


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine by its very name, with no DNS to trust."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _split(text: str) -> SplitResult | None:
    if not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        return None
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    return None if port == 0 else parts
