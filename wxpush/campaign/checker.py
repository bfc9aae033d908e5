"""Rows become messages, or are told why not."""

import math
import unicodedata
from collections.abc import Container, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from wxpush.campaign import damage
from wxpush.campaign.check import Rules, fixed, fixed_words, weighed
from wxpush.campaign.damage import Damage
from wxpush.campaign.expiry import Expiry
from wxpush.campaign.render import LACKING, Condition, Rendered, Renderer, RowError
from wxpush.campaign.schema import Campaign
from wxpush.campaign.wordlists import WordList
from wxpush.fastjson import dumps
from wxpush.i18n import _
from wxpush.model import BadRow, Finding, Message, Problem, Recipient, Severity, Unmatched

MAX_KEY = 200
_SAID_WHOLE = frozenset({LACKING, *damage.CODES})
"""The codes of findings that name the column, and are clear without the part of the campaign."""
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


class Ready(NamedTuple):
    """A row whose message can be sent; `warnings` are what its rules only remark on.

    From `expires` on (Unix time) it is too late for it.
    """

    message: Message
    rendered: Rendered
    warnings: tuple[Problem, ...] = ()
    expires: float = math.inf


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row that isn't wanted; `key` is None where it can't be rendered.

    `warnings` say why it may be unwanted by mistake.
    """

    reason: str
    key: str | None
    row: int
    line: int
    values: dict[str, Any]
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Bad:
    """A row that can't be sent; `key` is None where not even that can be told."""

    key: str | None
    problems: tuple[Problem, ...]
    values: dict[str, Any]
    line: int
    row: int


def fields_text(values: Mapping[str, Any]) -> str:
    """The row's own columns as JSON text, as a Message carries them."""
    return dumps(values)


class Checker:
    """Turns rows into messages, or says why not. `list_name` is the file that places are told in."""

    def __init__(
        self,
        campaign: Campaign,
        renderer: Renderer,
        rules: Rules,
        list_name: str,
        words: WordList | None = None,
        *,
        thorough: bool = False,
        where: Condition | None = None,
        excluded: Container[str] | None = None,
    ) -> None:
        """`thorough`: tell of what nothing forbids, too.

        Rows that don't meet `where` get nothing, nor do the people `excluded`, by openid.
        """
        self._where, self._excluded = where, excluded
        self._thorough = thorough
        self._renderer = renderer
        self._rules = rules
        self._words = words
        self._file = list_name
        self._levels = campaign.checks
        self._columns = {
            where: next(iter(expression.required | expression.optional))
            for where, expression in renderer.expressions.items()
            if len(expression.required | expression.optional) == 1
        }
        self._required = {
            where for where, expression in renderer.expressions.items() if not expression.optional
        }
        self._has_condition = campaign.when is not None
        self.expiry = Expiry(campaign.expires) if campaign.expires else None
        if campaign.expires:
            self._columns["expires"] = campaign.expires.column
        self._columns.setdefault("key", self._columns.get("to", ""))
        self._damage = Damage(renderer.expressions, campaign.expires.column if campaign.expires else None)
        self._constant = frozenset(renderer.constants())
        """Whose faults are told with the campaign."""
        self._fixed = {_kind_of(found) for found in fixed(renderer, rules)}
        """What is told with the campaign of texts that aren't the same for all."""
        self._fixed_words = {(found.where, found.message) for found in fixed_words(renderer, rules, words)}

    def examine(self, row: Recipient | BadRow | Unmatched) -> Ready | Skipped | Bad:
        """What becomes of one row; never raises for anything that the row holds."""
        if isinstance(row, BadRow):
            return Bad(None, row.problems, row.values, row.line, row.row)
        if isinstance(row, Unmatched):
            return self._skipped("no_match", Recipient(*row))
        try:
            if self._where is not None and not self._where.holds(row):
                return self._skipped("where", row)
            if self._has_condition and not self._renderer.wanted(row):
                return self._unwanted(row)
            rendered = self._renderer.render(row)
        except RowError as error:
            if self._excluded is not None and self._is_excluded(row):
                return self._skipped("excluded", row)
            damaged = self._damaged(row)
            found = [one for one in error.findings if one.where not in self._damaged_places(damaged)]
            return self._bad(row, self._key_or_none(row), damaged + found)
        if self._excluded is not None and rendered.to in self._excluded:
            return self._skipped("excluded", row)
        findings = self._rules.check(rendered.data, rendered.to, rendered.url, rendered.miniprogram)
        if findings and self._fixed:
            findings = [found for found in findings if _kind_of(found) not in self._fixed]
        if self._words is not None or self._thorough:
            findings += self._words_in(rendered)
        key = rendered.key
        expires = math.inf if self.expiry is None else self.expiry.moment(row.values)
        suspect = self._damage.suspects(row.values)
        damaged = self._damaged(row) + self._holes(row, rendered) if suspect else []
        if (
            findings
            or damaged
            or isinstance(expires, Finding)
            or not rendered.to
            or not _is_plain(key)
            or "" in rendered.data.values()
        ):
            ours = self._own_findings(rendered) + ([expires] if isinstance(expires, Finding) else [])
            places = self._damaged_places(damaged)
            ours = [found for found in ours if found.where not in places]
            said = {found.where for found in ours} | places | self._constant
            weighty = [found for found in weighed(findings, self._levels) if found.where not in said]
            findings = damaged + ours + weighty
            if isinstance(expires, Finding) or any(found.severity is Severity.ERROR for found in findings):
                return self._bad(row, rendered.key or None, findings)
        payload = self._rules.compose(rendered.to, rendered.data, rendered.url, rendered.miniprogram)
        own = row.values if row.own is None else row.own
        message = Message(key, rendered.to, payload, row.row, row.line, dumps(own))
        return Ready(message, rendered, tuple(self._problem(row, found) for found in findings), expires)

    def _unwanted(self, row: Recipient) -> Skipped:
        """A row that the condition leaves out, perhaps for a damaged value: then nobody would notice."""
        skipped = self._skipped("condition", row)
        if not self._damage.suspects(row.values):
            return skipped
        found = weighed(self._damage.of_condition(row.values), self._levels)
        message = _("the condition leaves this row out, perhaps for this: {message}")
        doubts = [
            replace(one, severity=Severity.WARNING, message=message.format(message=one.message))
            for one in found
        ]
        return replace(skipped, warnings=tuple(self._problem(row, one) for one in doubts))

    def _damaged(self, row: Recipient) -> list[Finding]:
        """What a spreadsheet has made of the row's values."""
        return weighed(self._damage.findings(row.values), self._levels)

    def _holes(self, row: Recipient, rendered: Rendered) -> list[Finding]:
        """Empty cells within texts that have more in them; what is empty as a whole is told as that."""
        holes = self._damage.holes(row.values)
        return weighed([one for one in holes if rendered.text_at(one.where)], self._levels)

    def _damaged_places(self, damaged: list[Finding]) -> set[str]:
        """The parts of the message of which it is said enough that a value in them is damaged."""
        errors = [found for found in damaged if found.severity is Severity.ERROR]
        return {where for found in errors for where in self._damage.readers(found)}

    def _words_in(self, rendered: Rendered) -> list[Finding]:
        texts = {f"data.{name}": text for name, text in rendered.data.items()}
        found = self._words.findings(texts) if self._words else []
        found += self._rules.advise(texts) if self._thorough else []
        return [one for one in found if (one.where, one.message) not in self._fixed_words]

    def _own_findings(self, rendered: Rendered) -> list[Finding]:
        """What no rules of a channel can allow: nobody to send to, empty keywords, a useless key."""
        empty = [f"data.{keyword}" for keyword, value in rendered.data.items() if not value]
        if not rendered.to:
            empty.insert(0, "to")
        findings = [self._nothing_at(where) for where in empty]
        if rendered.key or rendered.to:  # a key that is empty because `to` is needs no word of its own
            findings += _key_findings(rendered.key)
        return findings

    def _nothing_at(self, where: str) -> Finding:
        column = self._columns.get(where)
        if column is None or where not in self._required:
            hint = _("Fix the row, or write {{ … | default('…') }}.")
            return Finding(where, "empty", "WX406", _("the value is empty."), hint)
        message = _('no value for "{name}".').format(name=column)
        return Finding(
            where, "empty", LACKING, message, _("Fix the row, or leave it out with `send --skip-invalid`.")
        )

    def _bad(self, row: Recipient, key: str | None, findings: list[Finding]) -> Bad:
        problems = tuple(self._problem(row, found) for found in findings)
        return Bad(key, problems, row.values if row.own is None else row.own, row.line, row.row)

    def _skipped(self, reason: str, row: Recipient) -> Skipped:
        own = row.values if row.own is None else row.own
        return Skipped(reason, self._key_or_none(row), row.row, row.line, own)

    def _is_excluded(self, row: Recipient) -> bool:
        """Whether a row that can't be rendered is for somebody who would get nothing anyway."""
        with suppress(RowError):
            return self._excluded is not None and self._renderer.to(row) in self._excluded
        return False

    def _problem(self, row: Recipient, found: Finding) -> Problem:
        # Which column is lacking says it all; anything else is clearer with the part that it concerns.
        message = found.message if found.code in _SAID_WHOLE else f"{found.where}: " + found.message
        cell = found.cell or self.cell_of(found.where)
        return Problem(self._file, row.line, 0, found.code, message, found.hint, found.severity, cell=cell)

    def cell_of(self, where: str) -> str:
        """The one column that a part of the message comes from; empty where it is none, or several."""
        return self._columns.get(where, "")

    def _key_or_none(self, row: Recipient) -> str | None:
        try:
            return self._renderer.key(row) or None
        except RowError:
            return None


def _kind_of(found: Finding) -> tuple[str, str, Severity]:
    """By which a row's finding is known as one that is told with the campaign: numbers in it may differ."""
    return found.where, found.code, found.severity


def _is_plain(key: str) -> bool:
    return 0 < len(key) <= MAX_KEY and key.isprintable()


def _key_findings(key: str) -> list[Finding]:
    if not key:
        message, hint = _("the key is empty."), _("Fix the row, or leave it out with `send --skip-invalid`.")
    elif len(key) > MAX_KEY:
        message = _("the key has {count} characters; {limit} is the most.")
        message, hint = message.format(count=len(key), limit=MAX_KEY), _("Use a shorter `key:`.")
    elif any(unicodedata.category(one) in _INVISIBLE for one in key):
        message, hint = _("the key holds a control or an invisible character."), _("Remove it from the row.")
    else:
        return []
    return [Finding("key", "key", "WX407", message, hint)]
