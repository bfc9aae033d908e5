"""The endpoints: which path does what, with which method, and how its answer is put into bytes."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from wxpush.sandbox.ask import Ask
from wxpush.sandbox.listing import Page
from wxpush.sandbox.quotas import CLASSIC_TOKEN, DAILY, FOLLOWERS, SEND, STABLE_TOKEN
from wxpush.sandbox.replies import Refusal
from wxpush.sandbox.sending import Attempt, account_refusal, entry_refusal, judge
from wxpush.sandbox.tokens import Grant
from wxpush.sandbox.world import Accepted, World

TEMPLATES: Final = "/cgi-bin/template/get_all_private_template"
USERS: Final = "/cgi-bin/user/info/batchget"
TAGS: Final = "/cgi-bin/tags/get"
TAGGED: Final = "/cgi-bin/user/tag/get"
QUOTA: Final = "/cgi-bin/openapi/quota/get"
CLEAR_QUOTA: Final = "/cgi-bin/clear_quota"
RID: Final = "/cgi-bin/openapi/rid/get"
REJECTED: Final = "/wxa/sec/queryblocktmplmsg"

_MOST_USERS = 100
_MOST_REJECTED = 100
_OK: Final = {"errcode": 0, "errmsg": "ok"}


Result = dict[str, Any] | Refusal


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`group` is the name under which a scenario's faults know it."""

    method: Literal["GET", "POST"]
    group: str
    act: Callable[[World, Ask, float], Result]


def answer(world: World, ask: Ask, now: float) -> tuple[int, bytes]:
    """Errcode (0 for success) and body of the answer; what the call does is done when this returns."""
    world.settle(now)
    endpoint = ENDPOINTS.get(ask.path)
    if endpoint is None:
        return refused(world, ask, Refusal(40066), now)
    if ask.method != endpoint.method:
        return refused(world, ask, Refusal(43002 if endpoint.method == "POST" else 43001), now)
    result = endpoint.act(world, ask, now)
    return refused(world, ask, result, now) if isinstance(result, Refusal) else (0, _encoded(result))


def refused(world: World, ask: Ask, refusal: Refusal, now: float) -> tuple[int, bytes]:
    """The refusal with a rid of its own, under which rid/get knows it from now on."""
    rid = world.rids.new(now)
    body = _encoded({"errcode": refusal.code, "errmsg": refusal.errmsg(rid)})
    record = {
        "invoke_time": int(now),
        "cost_in_ms": 1,
        "request_url": f"access_token={ask.token[:10]}xxxx",
        "request_body": ask.body.decode("utf-8", "replace") if ask.path not in _SECRET_BODIES else "",
        "response_body": body.decode(),
        "client_ip": world.scenario.allow_list.seen_as,
    }
    world.rids.keep(rid, record)
    return refusal.code, body


def _encoded(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _send(world: World, ask: Ask, now: float) -> Result:
    result = judge(world, Attempt(ask), now)
    return {**_OK, "msgid": result.msgid} if isinstance(result, Accepted) else result


def _classic_token(world: World, ask: Ask, now: float) -> Result:
    refusal = _credentials_refusal(world, ask.parameters) or _spent(world, CLASSIC_TOKEN, now)
    return refusal or _granted(world.tokens.classic(now))


def _stable_token(world: World, ask: Ask, now: float) -> Result:
    wanted = _object(ask)
    if isinstance(wanted, Refusal):
        return wanted
    refusal = _credentials_refusal(world, wanted) or _spent(world, STABLE_TOKEN, now)
    if refusal is not None:
        return refusal
    grant = world.tokens.stable(now, force=wanted.get("force_refresh") is True)
    return Refusal(DAILY) if grant is None else _granted(grant)


def _granted(grant: Grant) -> Result:
    return {"access_token": grant.token, "expires_in": grant.expires_in}


def _credentials_refusal(world: World, given: Mapping[str, Any]) -> Refusal | None:
    account = world.scenario.account
    checks = (
        (given.get("grant_type") != "client_credential", 40002),
        (not given.get("appid"), 41002),
        (given.get("appid") != account.appid, 40013),
        (not given.get("secret"), 41004),
        (len(str(given.get("secret"))) != len(account.secret), 40125),
        (given.get("secret") != account.secret, 40001),
        (account.token_refused != 0, account.token_refused),
    )
    code = next((code for wrong, code in checks if wrong), 0)
    if code == 40001:
        return Refusal(code, "invalid credential, secret is wrong")
    if code:
        return Refusal(code)
    return world.ip_refusal() if world.scenario.allow_list.calls != "off" else None


def _spent(world: World, path: str, now: float) -> Refusal | None:
    code = world.quotas.spend(path, now)
    if code == DAILY and path == CLASSIC_TOKEN:
        return Refusal(
            code,
            "reach max api daily quota limit, could get access_token by getStableAccessToken, "
            "more details at https://mmbizurl.cn/s/JtxxFh33r",
        )
    return Refusal(code) if code else None


def _let_in(world: World, ask: Ask, now: float) -> Refusal | None:
    """Token, allow-list, account and quota, as every business call asks for them."""
    return entry_refusal(world, ask.token, now) or account_refusal(world) or _spent(world, ask.path, now)


def _templates(world: World, ask: Ask, now: float) -> Result:
    refusal = _let_in(world, ask, now)
    if refusal is not None:
        return refusal
    listed = [
        {
            "template_id": template.template_id,
            "title": template.title,
            "primary_industry": "",
            "deputy_industry": "",
            "content": template.content,
            "example": "",
        }
        for template in world.templates.values()
    ]
    return {"template_list": listed}


def _users(world: World, ask: Ask, now: float) -> Result:
    wanted = _let_in(world, ask, now) or _object(ask)
    if isinstance(wanted, Refusal):
        return wanted
    asked = wanted.get("user_list")
    if not isinstance(asked, list) or not all(isinstance(entry, dict) for entry in asked):
        return Refusal(47001)
    openids = [str(entry.get("openid", "")) for entry in asked]
    if not 0 < len(openids) <= _MOST_USERS:
        return Refusal(40032)
    if not all(world.followers.is_known(openid) for openid in openids):
        return Refusal(40003)
    return {"user_info_list": [_user(world, openid) for openid in openids]}


def _user(world: World, openid: str) -> dict[str, Any]:
    if not world.followers.is_subscribed(openid):
        return {"subscribe": 0, "openid": openid, "tagid_list": []}
    return {
        "subscribe": 1,
        "openid": openid,
        "language": "zh_CN",
        "subscribe_time": 1_700_000_000,
        "remark": "",
        "groupid": 0,
        "tagid_list": world.listing.tags_of(openid),
        "subscribe_scene": "ADD_SCENE_QR_CODE",
        "qr_scene": 0,
        "qr_scene_str": "",
    }


def _followers(world: World, ask: Ask, now: float) -> Result:
    refusal = _let_in(world, ask, now)
    page = None if refusal else world.listing.page(ask.parameters.get("next_openid", ""))
    if page is None:
        return refusal or Refusal(40003)
    return {"total": world.listing.count(), **_page(page)}


def _tags(world: World, ask: Ask, now: float) -> Result:
    refusal = _let_in(world, ask, now)
    listing = world.listing
    return refusal or {
        "tags": [{"id": tag.id, "name": tag.name, "count": listing.count(tag.id)} for tag in listing.tags()]
    }


def _tagged(world: World, ask: Ask, now: float) -> Result:
    wanted = _let_in(world, ask, now) or _object(ask)
    if isinstance(wanted, Refusal):
        return wanted
    tag = wanted.get("tagid")
    if not isinstance(tag, int) or not world.listing.has_tag(tag):
        return Refusal(45159)
    page = world.listing.page(ask.text("next_openid"), tag)
    return Refusal(40003) if page is None else _page(page)


def _page(page: Page) -> dict[str, Any]:
    """A page without people has no `data`."""
    if not page.openids:
        return {"count": 0, "next_openid": page.next_openid}
    return {
        "count": len(page.openids),
        "data": {"openid": page.openids},
        "next_openid": page.next_openid,
    }


def _quota(world: World, ask: Ask, now: float) -> Result:
    wanted = entry_refusal(world, ask.token, now) or _object(ask)
    if isinstance(wanted, Refusal):
        return wanted
    path = str(wanted.get("cgi_path", ""))
    if path not in ENDPOINTS:
        return Refusal(76022 if path.startswith("/sns/") else 76021)
    limit, used, left = world.quotas.report(path, now)
    report: dict[str, Any] = {**_OK, "quota": {"daily_limit": limit, "used": used, "remain": left}}
    a_minute = world.quotas.minute_limit(path)
    if a_minute:
        report["rate_limit"] = {"call_count": a_minute, "refresh_second": 60}
    return report


def _clear_quota(world: World, ask: Ask, now: float) -> Result:
    wanted = entry_refusal(world, ask.token, now) or _object(ask)
    if isinstance(wanted, Refusal):
        return wanted
    if wanted.get("appid") != world.scenario.account.appid:
        return Refusal(40013)
    return dict(_OK) if world.quotas.clear(now) else Refusal(48006)


def _rid(world: World, ask: Ask, now: float) -> Result:
    wanted = entry_refusal(world, ask.token, now) or _object(ask)
    if isinstance(wanted, Refusal):
        return wanted
    record = world.rids.find(str(wanted.get("rid", "")), now)
    return record if isinstance(record, Refusal) else {**_OK, "request": record}


def _rejected(world: World, ask: Ask, now: float) -> Result:
    wanted = _let_in(world, ask, now) or _object(ask)
    if isinstance(wanted, Refusal):
        return wanted
    after, limit = wanted.get("largest_id", 0), wanted.get("limit", _MOST_REJECTED)
    if type(after) is not int or type(limit) is not int or not 0 < limit <= _MOST_REJECTED:
        return Refusal(47001)
    template_id = str(wanted.get("tmpl_msg_id", ""))
    template = world.templates.get(template_id)
    found = [
        {
            "id": one.number,
            "tmpl_msg_id": template_id,
            "title": template.title if template else "",
            "content": template.content if template else "",
            "send_timestamp": int(one.sent),
            "openid": one.openid,
        }
        for one in world.rejected
        if one.template_id == template_id and one.known <= now and one.number > after
    ]
    return {**_OK, "msginfo": found[:limit]}


def _object(ask: Ask) -> dict[str, Any] | Refusal:
    if not ask.body:
        return Refusal(44002)
    return Refusal(47001) if ask.json is None else ask.json


ENDPOINTS: Final[Mapping[str, Endpoint]] = {
    SEND: Endpoint("POST", "send", _send),
    CLASSIC_TOKEN: Endpoint("GET", "token", _classic_token),
    STABLE_TOKEN: Endpoint("POST", "token", _stable_token),
    TEMPLATES: Endpoint("GET", "templates", _templates),
    USERS: Endpoint("POST", "users", _users),
    FOLLOWERS: Endpoint("GET", "lists", _followers),
    TAGS: Endpoint("GET", "lists", _tags),
    TAGGED: Endpoint("POST", "lists", _tagged),
    QUOTA: Endpoint("POST", "quota", _quota),
    CLEAR_QUOTA: Endpoint("POST", "quota", _clear_quota),
    RID: Endpoint("POST", "rid", _rid),
    REJECTED: Endpoint("POST", "rejected", _rejected),
}
_SECRET_BODIES = frozenset({STABLE_TOKEN})
