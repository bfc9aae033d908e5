"""How template/send is judged: one step after another, in the scenario's order, until one has an answer."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from wxpush.sandbox.ask import Ask
from wxpush.sandbox.quotas import SEND
from wxpush.sandbox.replies import Refusal
from wxpush.sandbox.rules import displayed, first_fault
from wxpush.sandbox.settings import Template
from wxpush.sandbox.shown import Shown
from wxpush.sandbox.world import Accepted, World

_TEMPLATE_ID = re.compile(r"[0-9A-Za-z_-]{43}", re.ASCII)
_APPID = re.compile(r"wx[0-9a-f]{16}", re.ASCII)

Answer = Accepted | Refusal


@dataclass(slots=True)
class Attempt:
    """One call of template/send; the `template` step fills in `template` where the scenario knows it."""

    ask: Ask
    template: Template | None = None

    @property
    def openid(self) -> str:
        return self.ask.text("touser")

    @property
    def client_msg_id(self) -> str:
        return self.ask.text("client_msg_id")

    @property
    def message(self) -> Mapping[str, Any]:
        return self.ask.json or {}

    @property
    def values(self) -> str:
        """All values of the message in one text, for words to be found in."""
        return "\n".join(str(entry.get("value", "")) for entry in self.message["data"].values())

    @property
    def fingerprint(self) -> str:
        """Equal for equal texts of one template."""
        content = json.dumps([self.ask.text("template_id"), self.message["data"]], sort_keys=True)
        return hashlib.blake2b(content.encode(), digest_size=12).hexdigest()


def judge(world: World, attempt: Attempt, now: float) -> Answer:
    """WeChat's answer; an accepted message has been shown, or waits for its review, when this returns."""
    for step in world.scenario.order:
        answer = _STEPS[step](world, attempt, now)
        if answer is not None:
            return answer
    return _accept(world, attempt, now)


def entry_refusal(world: World, token: str, now: float) -> Refusal | None:
    """Why a call with this token is not let in: no or a bad token, or an address outside the allow-list."""
    if not token:
        return Refusal(41001)
    code = world.tokens.judge(token, now)
    if code:
        return Refusal(code)
    return world.ip_refusal() if world.scenario.allow_list.calls == "every" else None


def account_refusal(world: World) -> Refusal | None:
    """What the account as a whole is refused."""
    code = world.scenario.account.refused
    return Refusal(code) if code else None


def _token(world: World, attempt: Attempt, now: float) -> Answer | None:
    return entry_refusal(world, attempt.ask.token, now)


def _permission(world: World, _attempt: Attempt, _now: float) -> Answer | None:
    return account_refusal(world)


def _quota(world: World, _attempt: Attempt, now: float) -> Answer | None:
    code = world.quotas.spend(SEND, now)
    return Refusal(code) if code else None


def _json(_world: World, attempt: Attempt, _now: float) -> Answer | None:
    if not attempt.ask.body:
        return Refusal(44002)
    return None if _is_data(attempt.message.get("data")) else Refusal(47001)


def _touser(world: World, attempt: Attempt, _now: float) -> Answer | None:
    return None if world.followers.is_known(attempt.openid) else Refusal(40003)


def _template(world: World, attempt: Attempt, _now: float) -> Answer | None:
    template_id = attempt.ask.text("template_id")
    attempt.template = world.templates.get(template_id)
    if attempt.template is not None:
        return Refusal(attempt.template.refused) if attempt.template.refused else None
    if world.scenario.any_template and _TEMPLATE_ID.fullmatch(template_id):
        return None
    return Refusal(40037)


def _miniprogram(world: World, attempt: Attempt, _now: float) -> Answer | None:
    target = attempt.message.get("miniprogram")
    if target is None:
        return None
    if not isinstance(target, Mapping):
        return Refusal(47001)
    linked, appid = world.scenario.miniprograms, str(target.get("appid", ""))
    if not _APPID.fullmatch(appid) or (linked and appid not in linked):
        return Refusal(40013)
    pages, page = linked.get(appid, ()), str(target.get("pagepath", "")).partition("?")[0]
    return Refusal(40165) if pages and page not in pages else None


def _data(_world: World, attempt: Attempt, _now: float) -> Answer | None:
    fault = first_fault(attempt.template, attempt.message["data"]) if attempt.template else ""
    return Refusal(47003, fault) if fault else None


def _recipient(world: World, attempt: Attempt, now: float) -> Answer | None:
    code = world.followers.refusal(attempt.openid, now)
    return Refusal(code) if code else None


def _repeat(world: World, attempt: Attempt, now: float) -> Answer | None:
    return world.repeats.answer(attempt.openid, attempt.client_msg_id, _text_key(world, attempt), now)


def _content(world: World, attempt: Attempt, now: float) -> Answer | None:
    review = world.scenario.review
    if not (review.chance or review.words or review.blocked_words):
        return None
    values = attempt.values
    if any(word in values for word in review.blocked_words):
        return Refusal(40249)
    if any(word in values for word in review.words) or world.review_chance.random() < review.chance:
        return _hold(world, attempt, now)
    return None


_STEPS: Mapping[str, Callable[[World, Attempt, float], Answer | None]] = {
    "token": _token,
    "permission": _permission,
    "quota": _quota,
    "json": _json,
    "touser": _touser,
    "template": _template,
    "miniprogram": _miniprogram,
    "data": _data,
    "recipient": _recipient,
    "repeat": _repeat,
    "content": _content,
}


def _accept(world: World, attempt: Attempt, now: float) -> Accepted:
    msgid = _book(world, attempt, now)
    world.deliver(_shown(attempt, msgid, now))
    return Accepted(msgid)


def _hold(world: World, attempt: Attempt, now: float) -> Refusal:
    """Into review: delivered later without another call, or never."""
    msgid = _book(world, attempt, now)
    due = now + world.scenario.review.after_s
    if world.review_chance.random() >= world.scenario.review.passes:
        world.reject(attempt.openid, attempt.ask.text("template_id"), now, due)
    else:
        world.display.add_later(_shown(attempt, msgid, due, reviewed=True))
    return Refusal(40252)


def _book(world: World, attempt: Attempt, now: float) -> int:
    msgid = world.next_msgid(now)
    world.repeats.record(attempt.openid, attempt.client_msg_id, msgid, now)
    world.repeats.record_text(attempt.openid, _text_key(world, attempt), attempt.client_msg_id, now)
    world.followers.count(attempt.openid, now)
    return msgid


def _shown(attempt: Attempt, msgid: int, at: float, *, reviewed: bool = False) -> Shown:
    return Shown(
        time=at,
        openid=attempt.openid,
        msgid=msgid,
        client_msg_id=attempt.client_msg_id,
        template_id=attempt.ask.text("template_id"),
        data=displayed(attempt.template, attempt.message["data"]),
        url=attempt.ask.text("url"),
        reviewed=reviewed,
    )


def _text_key(world: World, attempt: Attempt) -> str:
    return attempt.fingerprint if world.scenario.dedupe.same_text_s else ""


def _is_data(data: Any) -> bool:
    """Whether `data` has the form of keyword → {"value": text, number or null}."""
    return isinstance(data, dict) and all(
        isinstance(entry, dict) and isinstance(entry.get("value"), str | int | float | None)
        for entry in data.values()
    )
