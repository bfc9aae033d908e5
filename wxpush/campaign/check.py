"""All problems of campaign × template × list: once for the campaign, and row by row."""

import math
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, NamedTuple, Protocol

from wxpush.campaign.expiry import Expiry
from wxpush.campaign.expressions import column_hint
from wxpush.campaign.render import LACKING, Rendered, Renderer, RowError
from wxpush.campaign.schema import Campaign
from wxpush.campaign.wordlists import BLOCKED, WordList
from wxpush.fastjson import dumps
from wxpush.i18n import _
from wxpush.model import BadRow, Finding, Message, Problem, Recipient, Severity
from wxpush.yamlfile import Document

MAX_KEY = 200
#: The rules of this room that `checks:` can turn off.
CAMPAIGN_RULES = frozenset({BLOCKED, "condition", "unused_column"})
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
    """A row that isn't wanted; `key` is None where it can't be rendered."""

    reason: str
    key: str | None
    row: int
    line: int
    values: dict[str, Any]


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


def keyword_problems(document: Document, data: Mapping[str, Any], keywords: Sequence[str]) -> list[Problem]:
    """Keywords of the template that `data` lacks, and names in `data` that the template doesn't know."""
    problems = []
    lacking = [keyword for keyword in keywords if keyword not in data]
    for name in data:
        if name in keywords:
            continue
        near = get_close_matches(name, lacking or keywords, 1, 0.7)
        hint = _("The template has: {keywords}.").format(keywords=", ".join(keywords))
        if near:
            hint = _("Did you mean `{key}`?").format(key=near[0])
            lacking = [keyword for keyword in lacking if keyword != near[0]]
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
    """The problems that don't depend on a row: keywords, values that are the same for all, lacking columns.

    `columns` is None for a list whose rows each have their own. A lacking column is placed at the list's
    header, or in the campaign where no list is named.
    """
    problems = keyword_problems(campaign.document, campaign.data, rules.keywords)
    problems += _unknown_rules(campaign, rules)
    problems += _constant_problems(campaign, renderer.constants(), rules, words)
    if columns is not None:
        problems += _column_problems(campaign, renderer, columns, list_name, header_line)
    return problems


def _unknown_rules(campaign: Campaign, rules: Rules) -> list[Problem]:
    """Names in `checks:` that no rule has: whoever misspells one believes it turned off."""
    known = sorted({*rules.names, *CAMPAIGN_RULES})
    problems = []
    for name in campaign.checks:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = _("Did you mean `{key}`?").format(key=near[0]) if near else ""
            hint = hint or _("Rules are: {names}.").format(names=", ".join(known))
            message = _("checks: there is no rule `{name}`.").format(name=name)
            problems.append(
                campaign.document.problem(
                    ("checks", name), "WX215", message, hint, at_key=True, severity=Severity.WARNING
                )
            )
    return problems


def _constant_problems(
    campaign: Campaign, texts: Mapping[str, str], rules: Rules, words: WordList | None
) -> list[Problem]:
    """What speaks against texts without a column in them: told once, not with every row."""
    values = {where: text for where, text in texts.items() if where.startswith("data.")}
    data = {where.removeprefix("data."): text for where, text in values.items()}
    findings = rules.check(data, texts.get("to", ""), texts.get("url"), None)
    findings += rules.advise(values) + (words.findings(values) if words else [])
    problems = []
    for found in weighed(findings, campaign.checks):
        if found.where in texts:
            path = tuple(found.where.split(".", 1))
            message = f"{found.where}: {found.message}"
            problems.append(
                campaign.document.problem(path, found.code, message, found.hint, severity=found.severity)
            )
    return problems


def weighed(findings: Iterable[Finding], levels: Mapping[str, str]) -> list[Finding]:
    """The findings as the campaign's `checks:` wants them: a rule that isn't named there has its own mind."""
    kept = []
    for found in findings:
        level = levels.get(found.rule)
        if level == "warn":
            kept.append(replace(found, severity=Severity.WARNING))
        elif level == "error":
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
    ) -> None:
        """`thorough`: tell of what nothing forbids, too."""
        self._thorough = thorough
        self._renderer = renderer
        self._rules = rules
        self._words = words
        self._file = list_name
        self._levels = campaign.checks
        self._columns = {
            where: next(iter(expression.required))
            for where, expression in renderer.expressions.items()
            if len(expression.required) == 1 and not expression.optional
        }
        self._has_condition = campaign.when is not None
        self.expiry = Expiry(campaign.expires) if campaign.expires else None
        self._constant = frozenset(renderer.constants())
        """Whose faults are told with the campaign."""

    def examine(self, row: Recipient | BadRow) -> Ready | Skipped | Bad:
        """What becomes of one row; never raises for anything that the row holds."""
        if isinstance(row, BadRow):
            return Bad(None, row.problems, row.values, row.line, row.row)
        try:
            if self._has_condition and not self._renderer.wanted(row):
                return Skipped("condition", self._key_or_none(row), row.row, row.line, row.values)
            rendered = self._renderer.render(row)
        except RowError as error:
            return self._bad(row, self._key_or_none(row), list(error.findings))
        findings = self._rules.check(rendered.data, rendered.to, rendered.url, rendered.miniprogram)
        if self._words is not None or self._thorough:
            texts = {f"data.{name}": text for name, text in rendered.data.items()}
            findings += self._words.findings(texts) if self._words else []
            findings += self._rules.advise(texts) if self._thorough else []
        key = rendered.key
        expires = math.inf if self.expiry is None else self.expiry.moment(row.values)
        if (
            findings
            or isinstance(expires, Finding)
            or not rendered.to
            or not _is_plain(key)
            or "" in rendered.data.values()
        ):
            own = self._own_findings(rendered) + ([expires] if isinstance(expires, Finding) else [])
            said = {found.where for found in own}
            said |= self._constant
            findings = own + [found for found in weighed(findings, self._levels) if found.where not in said]
            if isinstance(expires, Finding) or any(found.severity is Severity.ERROR for found in findings):
                return self._bad(row, rendered.key or None, findings)
        payload = self._rules.compose(rendered.to, rendered.data, rendered.url, rendered.miniprogram)
        message = Message(key, rendered.to, payload, row.row, row.line, dumps(row.values))
        return Ready(message, rendered, tuple(self._problem(row, found) for found in findings), expires)

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
        if column is None:
            hint = _("Fix the row, or write {{ … | default('…') }}.")
            return Finding(where, "empty", "WX406", _("the value is empty."), hint)
        message = _('no value for "{name}".').format(name=column)
        return Finding(where, "empty", LACKING, message, _("Fix the row, or pass --skip-invalid."))

    def _bad(self, row: Recipient, key: str | None, findings: list[Finding]) -> Bad:
        problems = tuple(self._problem(row, found) for found in findings)
        return Bad(key, problems, row.values, row.line, row.row)

    def _problem(self, row: Recipient, found: Finding) -> Problem:
        # Which column is lacking says it all; anything else is clearer with the part that it concerns.
        message = found.message if found.code == LACKING else f"{found.where}: {found.message}"
        return Problem(self._file, row.line, 0, found.code, message, found.hint, found.severity)

    def _key_or_none(self, row: Recipient) -> str | None:
        try:
            return self._renderer.key(row) or None
        except RowError:
            return None


def _is_plain(key: str) -> bool:
    return 0 < len(key) <= MAX_KEY and key.isprintable()


def _key_findings(key: str) -> list[Finding]:
    if not key:
        message, hint = _("the key is empty."), _("Fix the row, or pass --skip-invalid.")
    elif len(key) > MAX_KEY:
        message = _("the key has {count} characters; {limit} is the most.")
        message, hint = message.format(count=len(key), limit=MAX_KEY), _("Use a shorter `key:`.")
    elif any(unicodedata.category(one) in _INVISIBLE for one in key):
        message, hint = _("the key holds a control or an invisible character."), _("Remove it from the row.")
    else:
        return []
    return [Finding("key", "key", "WX407", message, hint)]
