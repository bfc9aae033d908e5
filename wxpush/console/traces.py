"""What happened to a message or a person, event by event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len

from wxpush.channels.wechat.errcodes import repeats
from wxpush.console import words
from wxpush.console.layout import Page
from wxpush.i18n import _

if TYPE_CHECKING:
    from wxpush.app.traced import Event

_STYLES = {
    "accepted": "green",
    "settled_delivered": "green",
    "failed": "red",
    "wrong_row": "red",
    "held": "yellow",
    "in_doubt": "yellow",
    "claimed": "yellow",
    "suppressed": "yellow",
}
_DELIVERED = "success"


def lay_out(page: Page, events: Sequence[Event]) -> None:
    """Message by message, that which began first before the others; whose it is stands above its events."""
    blocks: dict[tuple[str, ...], list[Event]] = {}
    for event in sorted(events, key=lambda one: one.at):
        blocks.setdefault(_message(event), []).append(event)
    for block in blocks.values():
        page.blank()
        page.text(_whose(max(block, key=_said)), "bold", hang=2)
        for event in block:
            lead = words.moment(words.stamp(event.at)) if event.at and event.kind != "listed" else ""
            at = 2 + cell_len(lead) + 2 * bool(lead)
            page.value([(f"  {lead}", "dim")], at, _told(event), _style(event))


def _message(event: Event) -> tuple[str, ...]:
    """What tells the message from others: its key, where it has one, else its place, else its person."""
    whose = (event.run, event.account, event.appid)
    if event.key:
        return (*whose, "key", event.key)
    return (*whose, "line", str(event.line)) if event.line else (*whose, "to", event.to)


def _said(event: Event) -> int:
    """How much an event says of whose it is."""
    return bool(event.line) + bool(event.to) + bool(event.key)


def _style(event: Event) -> str:
    if event.kind == "receipt":
        return "green" if event.detail == _DELIVERED else "red"
    return _STYLES.get(event.kind, "")


def _whose(event: Event) -> str:
    parts = []
    if event.run:
        parts.append(_('run "{run}"').format(run=event.run))
    parts.append(_("account {account}").format(account=event.account))
    if event.line:
        parts.append(_("line {line}").format(line=event.line))
    if event.to:
        parts.append(_("to {openid}").format(openid=event.to))
    if event.key and event.key != event.to:
        parts.append(_("key {key}").format(key=event.key))
    return words.listed(parts)


def _suppressed(event: Event) -> str:
    """Until when somebody is on the suppression list, and why."""
    why = words.listed(filter(None, [words.trouble(event.code), event.detail]))
    told = _("on the suppression list since then, for ever")
    if event.until is not None:
        until = words.moment(words.stamp(event.until))
        told = _("on the suppression list since then, until {moment}").format(moment=until)
    return _("{told}, because: {reason}").format(told=told, reason=why) if why else told


def _told(event: Event) -> str:
    """What happened, in words."""
    if event.kind == "accepted":
        if event.msgid:
            return _("accepted by WeChat, msgid {msgid}").format(msgid=event.msgid)
        return _("accepted by WeChat")
    if event.kind == "suppressed":
        return _suppressed(event)
    if event.kind == "receipt":
        if event.detail == _DELIVERED:
            return _("receipt: delivered")
        status = event.detail.removeprefix("failed:")
        return _("receipt: not delivered, {why}").format(why=words.undelivered(status))
    kinds = {
        "failed": _("failed"),
        "held": _("held for review by WeChat"),
        "in_doubt": _("in doubt: no answer was recorded"),
        "released": _("given back: surely not delivered, and pending again"),
        "busy": _("WeChat was busy; it goes again under the same id"),
        "unanswered": _("no readable answer; it goes again under the same id"),
        "claimed": _("claimed: on its way, or cut off there"),
        "settled_delivered": _("settled by the operator: delivered"),
        "settled_resend": _("settled by the operator: to be sent again"),
        "settled_by_receipt": _("settled by a receipt of WeChat"),
        "wrong_row": _("the row is wrong and wasn't sent"),
        "listed": _("in the list; nothing was sent for it so far"),
        "skipped": _("skipped: {reason}").format(reason=words.reason(event.code)),
    }
    told = kinds.get(event.kind, event.kind)
    cause = " ".join(filter(None, (event.code if event.meaning else "", event.meaning)))
    if event.kind == "skipped":
        return _("{told} ({detail})").format(told=told, detail=event.detail) if event.detail else told
    if event.kind == "wrong_row":
        cause = event.detail
    elif not repeats(event.detail, cause):
        cause = f"{cause} ({event.detail})" if cause else event.detail
    return f"{told}: {cause}" if cause else told
