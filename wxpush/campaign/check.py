"""All problems of campaign × template × list: once for the campaign, and row by row."""

import math
import unicodedata
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

from wxpush.campaign import damage
from wxpush.campaign.damage import Damage
from wxpush.campaign.expiry import Expiry
from wxpush.campaign.expressions import column_hint
from wxpush.campaign.render import LACKING, Condition, Rendered, Renderer, RowError
from wxpush.campaign.schema import Campaign
from wxpush.campaign.wordlists import BLOCKED, WordList
from wxpush.fastjson import dumps
from wxpush.i18n import _
from wxpush.model import BadRow, Finding, Message, Problem, Recipient, Severity, Unmatched
from wxpush.near import nearest
from wxpush.yamlfile import Document

MAX_KEY = 200
#: The rules of this room that `checks:` can turn off.
CAMPAIGN_RULES = frozenset({BLOCKED, "condition", "unused_column", *damage.RULES})
_SAID_WHOLE = frozenset({LACKING, *damage.CODES})
"""The codes of findings that name the column, and are clear without the part of the campaign."""
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


class Rules(Protocol):
    """What a channel's template says of a message."""

    @property
    def keywords(self) -> Sequence[str]:
        """The keywords that `data` must fill, in the template's order."""

    def check(
        self, data: Mapping[str, str], to: str, url: str | None, miniprogram: Mapping[str, str] | None
    ) -> list[Finding]:
        """What is wrong with a rendered message; empty values are reported by the campaign room."""

    def check_fixed(self, pieces: Mapping[str, Sequence[str | None]]) -> list[Finding]:
        """What is wrong with texts, by their place, whatever stands for None in a message."""

    @property
    def names(self) -> Collection[str]:
        """The rules that a campaign's `checks:` can turn off, by name."""

    def advise(self, texts: Mapping[str, str]) -> list[Finding]:
        """What speaks against texts, by their place, that nothing forbids; too slow for every message."""

    def compose(
        self, to: str, data: Mapping[str, str], url: str | None, miniprogram: Mapping[str, str] | None
    ) -> str:
        """The JSON text of the request body without its client_msg_id."""


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


def meant_keywords(data: Iterable[str], keywords: Sequence[str]) -> dict[str, str]:
    """The names in `data` that stand for a keyword which is lacking in it, with that one."""
    names = list(data)
    lacking = [keyword for keyword in keywords if keyword not in names]
    meant = {}
    for name in names:
        near = None if name in keywords else nearest(name, lacking)
        if near is not None:
            meant[name] = near
            lacking.remove(near)
    return meant


def keyword_problems(document: Document, data: Mapping[str, Any], keywords: Sequence[str]) -> list[Problem]:
    """Keywords of the template that `data` lacks, and names in `data` that the template doesn't know."""
    problems = []
    meant = meant_keywords(data, keywords)
    lacking = [keyword for keyword in keywords if keyword not in data and keyword not in meant.values()]
    for name in data:
        if name in keywords:
            continue
        near = meant.get(name) or nearest(name, keywords)
        hint = _("The template has: {keywords}.").format(keywords=", ".join(keywords))
        if near:
            hint = _("Did you mean `{key}`?").format(key=near)
        message = _("the template has no keyword `{name}`.").format(name=name)
        problems.append(document.problem(("data", name), "WX203", message, hint, at_key=True))
    for keyword in lacking:
        message = _("data: the template's keyword `{name}` is lacking.").format(name=keyword)
        hint = _('Add the line:  {name}: "…"').format(name=keyword)
        problems.append(document.problem(("data",), "WX202", message, hint, at_key=True))
    return problems


def check_campaign(
    campaign: Campaign,
    renderer: Renderer,
    rules: Rules,
    columns: Sequence[str] | None = None,
    *,
    words: WordList | None = None,
    list_name: str = "",
    header_line: int = 1,
) -> list[Problem]:
    """The problems that don't depend on a row: rules, values that are the same for all, lacking columns.

    `columns` is None for a list whose rows each have their own. A lacking column is placed at the list's
    header, or in the campaign where no list is named.
    """
    problems = _unknown_rules(campaign, rules)
    problems += _constant_problems(campaign, renderer, rules, words)
    if columns is not None:
        problems += _column_problems(campaign, renderer, columns, list_name, header_line)
    return problems


def _unknown_rules(campaign: Campaign, rules: Rules) -> list[Problem]:
    """Names in `checks:` that no rule has: whoever misspells one believes it turned off."""
    known = sorted({*rules.names, *CAMPAIGN_RULES})
    problems = []
    for name in campaign.checks:
        if name not in known:
            near = nearest(name, known)
            hint = _("Did you mean `{key}`?").format(key=near) if near else ""
            hint = hint or _("Rules are: {names}.").format(names=", ".join(known))
            message = _("checks: there is no rule `{name}`.").format(name=name)
            problems.append(
                campaign.document.problem(
                    ("checks", name), "WX215", message, hint, at_key=True, severity=Severity.WARNING
                )
            )
    return problems


def _constant_problems(
    campaign: Campaign, renderer: Renderer, rules: Rules, words: WordList | None
) -> list[Problem]:
    """What speaks against texts, or parts of them, without a column: told once, not with every row."""
    problems = []
    texts = renderer.constants()
    for found in weighed(_constant_findings(texts, rules, words), campaign.checks):
        if found.where in texts:
            problems.append(_of_campaign(campaign, found, f"{found.where}: " + found.message))
    for found in weighed([*_fixed(renderer, rules), *_fixed_words(renderer, rules, words)], campaign.checks):
        message = _("{where}, what is the same for all: {message}")
        problems.append(
            _of_campaign(campaign, found, message.format(where=found.where, message=found.message))
        )
    return problems


def _constant_findings(texts: Mapping[str, str], rules: Rules, words: WordList | None) -> list[Finding]:
    values = {where: text for where, text in texts.items() if where.startswith("data.")}
    data = {where.removeprefix("data."): text for where, text in values.items()}
    miniprogram = {
        where.removeprefix("miniprogram."): text
        for where, text in texts.items()
        if where.startswith("miniprogram.")
    }
    findings = rules.check(data, texts.get("to", ""), texts.get("url"), miniprogram or None)
    return findings + rules.advise(values) + (words.findings(values) if words else [])


def _fixed(renderer: Renderer, rules: Rules) -> list[Finding]:
    """What is wrong with a message whatever the row holds, where the text isn't the same for all."""
    return rules.check_fixed(renderer.fixed_pieces())


def _fixed_words(renderer: Renderer, rules: Rules, words: WordList | None) -> list[Finding]:
    """The same for single words. No word has a line break in it, so that none is found across a column."""
    texts = {
        where: "\n".join(piece or "" for piece in pieces)
        for where, pieces in renderer.fixed_pieces().items()
        if where.startswith("data.")
    }
    return rules.advise(texts) + (words.findings(texts) if words else [])


def _of_campaign(campaign: Campaign, found: Finding, message: str) -> Problem:
    path = tuple(found.where.split(".", 1))
    return campaign.document.problem(path, found.code, message, found.hint, severity=found.severity)


def weighed(findings: Iterable[Finding], levels: Mapping[str, str]) -> list[Finding]:
    """The findings as the campaign's `checks:` wants them: a rule that isn't named there has its own mind.

    `error` is how a rule is by itself, so that its doubts stay doubts; only advice becomes an error by it.
    """
    kept = []
    for found in findings:
        level = levels.get(found.rule)
        if level == "warn":
            kept.append(replace(found, severity=Severity.WARNING))
        elif level == "error" and found.advice:
            kept.append(replace(found, severity=Severity.ERROR))
        elif level != "off":
            kept.append(found)
    return kept


def _column_problems(
    campaign: Campaign, renderer: Renderer, columns: Sequence[str], list_name: str, header_line: int
) -> list[Problem]:
    problems: dict[str, Problem] = {}
    known = set(columns)
    uses = [(where, one.required, one.optional) for where, one in renderer.expressions.items()]
    if campaign.expires:
        uses.append(("expires.column", frozenset({campaign.expires.column}), frozenset()))
    for where, required, optional in uses:
        place = campaign.document.place(tuple(where.split(".", 1)))
        for column in sorted((required | optional) - known):
            allowed_for = column in optional
            message = _('there is no column "{name}", which `{where}` uses ({file}, line {line}).').format(
                name=column, where=where, file=campaign.source.name, line=place[0]
            )
            problem = Problem(
                list_name or str(campaign.source),
                *((header_line, 0) if list_name else place),
                "WX204",
                message,
                column_hint(column, columns),
                Severity.WARNING if allowed_for else Severity.ERROR,
            )
            if column not in problems or problems[column].severity is Severity.WARNING:
                problems[column] = problem
    return list(problems.values())


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
        self._fixed = {_kind_of(found) for found in _fixed(renderer, rules)}
        """What is told with the campaign of texts that aren't the same for all."""
        self._fixed_words = {(found.where, found.message) for found in _fixed_words(renderer, rules, words)}

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
        damaged = self._damaged(row) if self._damage.suspects(row.values) else []
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
