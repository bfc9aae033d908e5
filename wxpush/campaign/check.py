"""All problems of a campaign and its template that don't depend on a row of the list."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from wxpush.campaign.expressions import column_hint
from wxpush.campaign.render import Renderer
from wxpush.campaign.schema import Campaign
from wxpush.campaign.wordlists import BLOCKED, WordList
from wxpush.i18n import _
from wxpush.model import Finding, Problem, Severity
from wxpush.near import nearest
from wxpush.yamlfile import Document

#: The rules of this room that `checks:` can turn off, those of damaged values aside.
_RULES = frozenset({BLOCKED, "condition", "unused_column", "placeholder"})


_WIDE_COMMA = "，"


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
    if not campaign.checks:
        return []
    from wxpush.campaign import damage  # only lists need it otherwise

    known = sorted({*rules.names, *_RULES, *damage.RULES})
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
    for found in weighed(map(_without_filter, _constant_findings(texts, rules, words)), campaign.checks):
        if found.where in texts:
            problems.append(_of_campaign(campaign, found, f"{found.where}: " + found.message))
    parts = [*map(_without_filter, fixed(renderer, rules)), *fixed_words(renderer, rules, words)]
    for found in weighed(parts, campaign.checks):
        message = _("{where}, what is the same for all: {message}")
        problems.append(
            _of_campaign(campaign, found, message.format(where=found.where, message=found.message))
        )
    return problems


def _without_filter(found: Finding) -> Finding:
    """A finding on a text that stands in the campaign itself, where a filter is the wrong remedy."""
    if "{{ … | shorten(" in found.hint:
        return replace(found, hint=_("Write a shorter text."))
    return replace(found, hint=_("Mend the text in the campaign.")) if "{{ … | " in found.hint else found


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


def fixed(renderer: Renderer, rules: Rules) -> list[Finding]:
    """What is wrong with a message whatever the row holds, where the text isn't the same for all."""
    return rules.check_fixed(renderer.fixed_pieces())


def fixed_words(renderer: Renderer, rules: Rules, words: WordList | None) -> list[Finding]:
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
                _wide_comma_hint(column, columns) or column_hint(column, columns),
                Severity.WARNING if allowed_for else Severity.ERROR,
            )
            if column not in problems or problems[column].severity is Severity.WARNING:
                problems[column] = problem
    used = {column for _where, required, optional in uses for column in required | optional}
    if list_name and len(problems) > 1 and known and not used & known:
        return [_no_column_at_all(list(problems), columns, list_name, header_line)]
    return list(problems.values())


def _no_column_at_all(
    lacking: Sequence[str], columns: Sequence[str], list_name: str, header_line: int
) -> Problem:
    """The list has none of the columns: it isn't each of them that is misspelt, but the header is none."""
    message = _("the header has none of the columns that the campaign uses: {names}.")
    hint = _wide_comma_hint(lacking[0], columns) or _(
        "See that it is the right list, and that its first line names the columns: {names}"
    ).format(names=",".join(lacking))
    return Problem(list_name, header_line, 0, "WX204", message.format(names=", ".join(lacking)), hint)


def _wide_comma_hint(column: str, columns: Sequence[str]) -> str:
    """The remedy where a column is in the header, but not parted from its neighbours."""
    names = [[name.strip() for name in one.split(_WIDE_COMMA)] for one in columns if _WIDE_COMMA in one]
    if not any(column in parted for parted in names) and not (names and len(columns) == 1):
        return ""
    return _("The header has full-width commas (，): write , between the columns, in every line.")
