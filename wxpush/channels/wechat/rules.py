"""WeChat's rules: what one template lets its messages say, and the request body that says it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring as _quoted
from typing import Any

from wxpush.channels.wechat.addresses import (
    PLAIN_URL,
    USUAL_OPENID,
    fixed_pagepath_findings,
    fixed_url_findings,
    miniprogram_findings,
    openid_findings,
    url_findings,
)
from wxpush.channels.wechat.advice import MARKETING, RATE, marketing_findings
from wxpush.channels.wechat.characters import half_character
from wxpush.channels.wechat.keywords import Keyword
from wxpush.channels.wechat.template import Template
from wxpush.channels.wechat.values import TYPES, check_fixed, check_value
from wxpush.model import Finding

_UNSEEN = frozenset({"first", "remark"})
"""Nobody is shown their values since 2023-05-04: their length is of no matter."""


@dataclass(frozen=True, slots=True)
class _Check:
    """How one keyword's values are looked at; `plain` says of most of them that nothing is wrong."""

    plain: Callable[[str], Any]
    type: str
    allowed: tuple[str, ...]
    where: str


class WeChatRules:
    """The rules of one template; what `checks` turns off is not reported, severities are the caller's."""

    def __init__(self, template: Template, checks: Mapping[str, str] | None = None) -> None:
        self.template = template
        self.keywords = tuple(keyword.name for keyword in template.keywords)
        # A value that can't be encoded can't be sent, whatever the campaign says: rule `text` stays.
        self._off = {rule for rule, level in (checks or {}).items() if level == "off"} - {"text"}
        self._checks = {keyword.name: self._check_of(keyword) for keyword in template.keywords}
        self._template_id = f',"template_id":{_quoted(template.id)}'
        self._heads = {name: _head(name) for name in self.keywords}

    def _check_of(self, keyword: Keyword) -> _Check:
        allowed = self.template.allowed.get(keyword.name, ())
        plain: Callable[[str], Any] = TYPES[keyword.type].plain.fullmatch
        if allowed:
            plain = frozenset(allowed).__contains__
        elif keyword.name in _UNSEEN:
            plain = _can_be_sent
        return _Check(plain, keyword.type, allowed, f"data.{keyword.name}")

    def check(
        self, data: Mapping[str, str], to: str, url: str | None, miniprogram: Mapping[str, str] | None
    ) -> list[Finding]:
        """All that speaks against a message; keywords that the template lacks are the caller's matter."""
        found: list[Finding] = []
        for name, value in data.items():
            check = self._checks.get(name)
            if check is not None and not check.plain(value):
                found += check_value(check.type, value, allowed=check.allowed, where=check.where)
        if not USUAL_OPENID.fullmatch(to):
            found += openid_findings(to)
        if url is not None and not PLAIN_URL.fullmatch(url):
            found += url_findings(url)
        if miniprogram is not None:
            found += miniprogram_findings(miniprogram)
        return [finding for finding in found if finding.rule not in self._off] if found else found

    def check_fixed(self, pieces: Mapping[str, Sequence[str | None]]) -> list[Finding]:
        """What is wrong with texts whatever is put in for a row; by their place in the campaign."""
        found: list[Finding] = []
        for where, texts in pieces.items():
            if where == "url":
                found += fixed_url_findings(texts)
            elif where == "miniprogram.pagepath":
                found += fixed_pagepath_findings(texts)
            else:
                name = where.removeprefix("data.")
                check = self._checks.get(name) if where != name else None
                if check is not None and not check.allowed and name not in _UNSEEN:
                    found += check_fixed(check.type, "".join(text or "" for text in texts).strip(), where)
        return [finding for finding in found if finding.rule not in self._off]

    @property
    def names(self) -> frozenset[str]:
        """The rules by name: keyword types, and those of addresses and advice."""
        return frozenset({*TYPES, "openid", "url", "miniprogram", MARKETING, RATE})

    def advise(self, texts: Mapping[str, str]) -> list[Finding]:
        """Warnings about texts, by their place, that WeChat takes and may yet answer for."""
        return marketing_findings(texts)

    def compose(
        self, to: str, data: Mapping[str, str], url: str | None, miniprogram: Mapping[str, str] | None
    ) -> str:
        """The JSON text of the request body without its client_msg_id, in raw characters.

        `url` and `miniprogram` are left out where there is nothing in them: WeChat takes an empty one for
        a wrong one.
        """
        heads = self._heads
        values = ",".join(
            [f"{heads.get(name) or _head(name)}{_quoted(value)}}}" for name, value in data.items()]
        )
        link = f',"url":{_quoted(url)}' if url else ""
        if miniprogram:
            link += f',"miniprogram":{_object(miniprogram)}'
        return f'{{"touser":{_quoted(to)}{self._template_id}{link},"data":{{{values}}}}}'


def _head(name: str) -> str:
    return f'{_quoted(name)}:{{"value":'


def _can_be_sent(value: str) -> bool:
    return half_character(value) is None


def _object(mapping: Mapping[str, str]) -> str:
    pairs = [f"{_quoted(name)}:{_quoted(value)}" for name, value in mapping.items() if value]
    return "{" + ",".join(pairs) + "}"
