"""Addresses: the openid that a message goes to, and the link and mini program that it opens."""

import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from wxpush.channels.wechat.fault import Fault, doubt, shown
from wxpush.i18n import _
from wxpush.model import Finding

USUAL_OPENID = re.compile(r"o[0-9A-Za-z_-]{27}")
"""The shape of every openid seen; WeChat guarantees no length."""
PLAIN_URL = re.compile(r"https?://[0-9A-Za-z.-]+(?::[1-9][0-9]{0,3})?(?:[/?#][!-~]{0,900})?")
POSSIBLE_OPENID = re.compile(r"[0-9A-Za-z_][0-9A-Za-z_-]{19,63}")
"""The shape of what could be one all the same."""
_OPENID_CHARACTER = re.compile(r"[0-9A-Za-z_-]")
_DAMAGED = re.compile(r"[0-9.]+E[+-]?[0-9]+", re.IGNORECASE)
_APPID = re.compile(r"wx[0-9a-f]{16}")
_BLANKS = re.compile("[\x00-\x20\x7f-\xa0\u2028\u2029\u3000\ud800-\udfff]")
MAX_URL = 1024


def openid_findings(to: str) -> list[Finding]:
    """What speaks against `to` as an openid; a warning only where it could still be one."""
    if USUAL_OPENID.fullmatch(to):
        return []
    fault = _openid_fault(to)
    return [Finding("to", "openid", "WX501", fault.message, fault.hint, fault.severity)]


def _openid_fault(to: str) -> Fault:
    if not to:
        return Fault(_("the openid is empty."), _("Fill in this row's openid, or remove the row."))
    if _DAMAGED.fullmatch(to) or to[0] in "=+-#":
        return Fault(
            _('"{openid}" is what a spreadsheet program makes of an openid.').format(openid=to),
            _("Export the list anew with this column as text."),
        )
    for place, character in enumerate(to, start=1):
        if not _OPENID_CHARACTER.match(character):
            return Fault(
                _("character {place} of the openid, {character}, can't be in one.").format(
                    place=place, character=shown(character)
                ),
                _("An openid has Latin letters, digits, `_` and `-` only; copy it anew."),
            )
    message = _('"{openid}" has {count} characters; an openid is `o` and 27 more.').format(
        openid=to, count=len(to)
    )
    hint = _("See that it is whole, and no unionid or WeChat name.")
    return doubt(message, hint) if POSSIBLE_OPENID.fullmatch(to) else Fault(message, hint)


def url_findings(url: str) -> list[Finding]:
    """What speaks against `url` as the link that a tap on the message opens."""
    return [_url_finding(fault) for fault in _url_faults(url)]


def fixed_url_findings(pieces: Sequence[str | None]) -> list[Finding]:
    """What speaks against every link that has these pieces, whatever is put in for None."""
    start = (pieces[0] or "").lstrip().lower()
    possible = any(start.startswith(one) or one.startswith(start) for one in ("http://", "https://"))
    return [_url_finding(fault) for fault in _url_faults(_joined(pieces), possible=possible)]


def _url_finding(fault: Fault) -> Finding:
    return Finding("url", "url", "WX503", fault.message, fault.hint, fault.severity)


def _url_faults(url: str, *, possible: bool = False) -> Iterator[Fault]:
    """`possible`: it is a part of a link that may begin as one must."""
    if not url:
        yield doubt(_("the link is empty: a tap opens nothing."), _("Fill it in, or remove `url`."))
        return
    blank = _BLANKS.search(url)
    if blank is not None:
        message = _("the link holds {character}.").format(character=shown(blank.group()))
        yield Fault(message, _("Remove it, or write it in the %XX form."))
    # What is wrong with the rest is told beside the blank.
    if not possible and not _has_host(_BLANKS.sub("", url)):
        yield Fault(
            _('"{url}" is no web address.').format(url=url), _("It starts with https:// and a host name.")
        )
    if len(url) > MAX_URL:
        yield doubt(
            _("the link has {count} characters; more than {limit} may be refused.").format(
                count=len(url), limit=MAX_URL
            ),
            _("Use a shorter one."),
        )


def fixed_pagepath_findings(pieces: Sequence[str | None]) -> list[Finding]:
    """The same for the page of the mini program."""
    fixed = _joined(pieces)
    return _pagepath_findings(fixed if pieces[0] is not None else fixed.lstrip("/"))


def _joined(pieces: Sequence[str | None]) -> str:
    return "".join(piece or "" for piece in pieces).strip()


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def miniprogram_findings(miniprogram: Mapping[str, str]) -> list[Finding]:
    """What speaks against the mini program (`appid`, `pagepath`) that a tap on the message opens."""
    found = []
    appid = miniprogram.get("appid", "")
    if not _APPID.fullmatch(appid):
        message = _('"{appid}" is no appid of a mini program.').format(appid=appid)
        hint = _("It is wx and 16 hexadecimal digits; the mini program's console shows it.")
        found.append(Finding("miniprogram.appid", "miniprogram", "WX504", message, hint))
    return found + _pagepath_findings(miniprogram.get("pagepath", ""))


def _pagepath_findings(pagepath: str) -> list[Finding]:
    return [
        Finding("miniprogram.pagepath", "miniprogram", "WX505", fault.message, fault.hint, fault.severity)
        for fault in _pagepath_faults(pagepath)
    ]


def _pagepath_faults(pagepath: str) -> Iterator[Fault]:
    blank = _BLANKS.search(pagepath)
    if blank is not None:
        message = _("the pagepath holds {character}.").format(character=shown(blank.group()))
        yield Fault(message, _("Remove it, or write it in the %XX form."))
    if pagepath.startswith("/"):
        yield doubt(
            _("the pagepath starts with a slash."), _("Write it as in app.json, without: pages/order?id=1.")
        )
