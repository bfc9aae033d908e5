"""Why WeChat gives no access_token, told to the person who can change it."""

import ipaddress
import re

from wxpush.channels.wechat.errcodes import info, is_known
from wxpush.i18n import _
from wxpush.model import Verdict

_ADDRESS = re.compile(r"[0-9A-Fa-f:.]{2,45}")


def seen_ip(errmsg: str) -> str | None:
    """The caller's IP that a 40164 names, or None.

    The reported form is `invalid ip 1.2.3.4 ipv6 ::ffff:1.2.3.4, not in whitelist`; a caller with IPv6
    only shows no IPv4 in it. The IPv4 is preferred, since the allow-list is kept in that form.
    """
    words = (word for found in _ADDRESS.findall(errmsg) for word in (found, found.strip(".:")))
    found = [address for word in words if (address := _address(word)) is not None]
    found.sort(key=lambda address: address.version)
    return str(found[0]) if found else None


def _address(word: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(word)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return None if address.is_unspecified else address


def token_trouble(verdict: Verdict) -> tuple[str, str]:
    """Message and hint for a verdict on the token call, in the language in force."""
    own = _in_own_words(verdict)
    if own is not None:
        return own
    known = info(verdict.code)
    reason = str(known.meaning) if is_known(verdict.code) or not verdict.detail else verdict.detail
    message = _("WeChat gives no access_token: {reason} ({code}).").format(reason=reason, code=verdict.code)
    return message, str(known.advice)


def _in_own_words(verdict: Verdict) -> tuple[str, str] | None:
    """Where the table's words speak of messages, or a number in the answer tells more than they do."""
    match verdict.code:
        case "40164":
            return _unlisted_ip(verdict.detail)
        case "40001" | "40125":
            return _wrong_secret(verdict.code)
        case "40013":
            return (
                _("WeChat does not know this appid (40013)."),
                _("Check WXPUSH_APPID, or `appid` in config.yaml: wx and 16 hexadecimal digits."),
            )
        case "45009":
            return (
                _("Today's quota of token calls is used up (45009)."),
                _("Set `token: stable` for this account: that call has a quota of its own."),
            )
        case "45011":
            return (
                _("WeChat gets too many token calls in this minute (45011)."),
                _("wxpush tries again by itself; let the systems with this AppSecret share one token."),
            )
        case "network" | "timeout" | "bad_reply":
            return _no_answer(verdict)
    return None


def _unlisted_ip(errmsg: str) -> tuple[str, str]:
    ip = seen_ip(errmsg)
    if ip is None:
        return (
            _("This machine's IP is not on the account's allow-list (40164)."),
            _("Add its outgoing IP to the account's IP allow-list; that takes some minutes to work."),
        )
    return (
        _("The IP {ip} is not on the account's allow-list (40164).").format(ip=ip),
        _("Add {ip} to the account's IP allow-list in the console; that takes some minutes to work.").format(
            ip=ip
        ),
    )


def _wrong_secret(code: str) -> tuple[str, str]:
    return (
        _("The AppSecret is wrong ({code}).").format(code=code),
        _(
            "Check that it belongs to this appid and was copied whole. Do not reset the AppSecret before "
            "asking who holds it: a reset breaks every other system that uses it."
        ),
    )


def _no_answer(verdict: Verdict) -> tuple[str, str]:
    if verdict.code == "network":
        message = _("WeChat can't be reached for an access_token.")
    elif verdict.code == "timeout":
        message = _("WeChat did not answer the token call in time.")
    else:
        message = _("The answer to the token call can't be read ({detail}).").format(
            detail=verdict.detail or verdict.code
        )
    return message, _("Check network, DNS, proxy and api_base, then run the same command.")
