"""A campaign and its template as far as they can be understood, and what is wrong with them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wxpush.app.sources.sifted import Sifted
from wxpush.campaign.check import check_campaign, keyword_problems, meant_keywords, weighed
from wxpush.campaign.foreign import foreign_placeholders
from wxpush.campaign.lint import constant_condition, unused_columns
from wxpush.campaign.render import Renderer
from wxpush.campaign.schema import Campaign, Reading
from wxpush.campaign.wordlists import WordList, words_of
from wxpush.channels.wechat.advice import rate_findings
from wxpush.channels.wechat.rules import WeChatRules
from wxpush.channels.wechat.template import Template, TemplateReading, read_template, read_template_mapping
from wxpush.errors import ProblemsError
from wxpush.i18n import _
from wxpush.model import Problem

if TYPE_CHECKING:
    from wxpush.app.sieve import Sieve
    from wxpush.campaign.checker import Checker
    from wxpush.campaign.recipients import RecipientList

_EXPRESSIONS: Final = frozenset({"to", "key", "when", "url", "miniprogram", "data", "expires"})
"""The keys of a campaign that may read columns of the list."""
_BROKEN_CONTENT: Final = "WX554"


@dataclass(frozen=True, slots=True)
class Papers:
    """A campaign and its template as far as they can be understood, ready to check rows with."""

    campaign: Campaign
    renderer: Renderer
    rules: WeChatRules
    words: WordList | None
    sifted: Sifted = field(default_factory=Sifted)
    """Who of the list is meant."""

    def checker(self, opened: "RecipientList", *, thorough: bool) -> "Checker":
        """What looks at the rows of a list; `thorough`: tells of what nothing forbids, too."""
        from wxpush.campaign.checker import Checker  # as below

        return Checker(
            self.campaign,
            self.renderer,
            self.rules,
            opened.name,
            self.words,
            thorough=thorough,
            where=self.sifted.where,
            excluded=self.sifted.excluded,
        )


def papers_of(
    reading: Reading,
    template: TemplateReading | None,
    opened: "RecipientList | None",
    problems: list[Problem],
    sieve: "Sieve | None" = None,
) -> Papers | None:
    """Check all of a campaign that doesn't depend on a row, as far as it can be understood.

    So is what a `sieve` says of the list. What is wrong is added to `problems`. None where nothing can be
    understood.
    """
    problems += reading.problems
    draft = reading.draft
    if draft is None:
        return None
    known = template.draft if template is not None else None
    rules = WeChatRules(known or Template("", "", ""), draft.checks)
    if template is not None and not any(problem.code == _BROKEN_CONTENT for problem in template.problems):
        problems += _of_keywords(reading, draft, rules.keywords)
        draft = draft.with_keywords(meant_keywords(reading.data or {}, rules.keywords))
    renderer = Renderer(draft)
    words, found = words_of(draft, problems), Sifted()
    if opened is not None and sieve is not None:
        from wxpush.app.sources.sifting import sifted  # as below

        found = sifted(sieve, renderer, opened, draft.today, problems)
    papers = Papers(draft, renderer, rules, words, found)
    problems += check_campaign(
        draft,
        renderer,
        rules,
        opened.columns if opened is not None else None,
        words=papers.words,
        list_name=opened.name if opened is not None else "",
        header_line=opened.header_line if opened is not None else 1,
    )
    # A column may well be read by what can't be understood.
    readable = opened if not reading.faulty & _EXPRESSIONS else None
    problems += file_advice(draft, renderer, readable, found.used)
    return papers


def _of_keywords(reading: Reading, draft: Campaign, keywords: Sequence[str]) -> list[Problem]:
    """The keywords of the campaign as it is written; where it has none, that has been said."""
    return keyword_problems(draft.document, reading.data, keywords) if reading.data and keywords else []


def file_advice(
    campaign: Campaign, renderer: Renderer, opened: "RecipientList | None", used: Collection[str] = ()
) -> list[Problem]:
    """What nothing forbids in the files as such: a condition, columns but those `used`, a rate."""
    problems = constant_condition(campaign, renderer)
    problems += foreign_placeholders(campaign, renderer, opened.columns if opened is not None else None)
    for advice in weighed(rate_findings(campaign.rate), campaign.checks):
        problems.append(
            campaign.document.problem(
                (advice.where,), advice.code, advice.message, advice.hint, severity=advice.severity
            )
        )
    if opened is not None and opened.own_columns is not None:
        by_join = {opened.join.on.ours} if opened.join is not None else set()
        columns = [one for one in opened.own_columns if one not in by_join | set(used)]
        problems += unused_columns(campaign, renderer, columns, opened.name, opened.header_line)
    return problems


def template_of(reading: Reading, problems: list[Problem]) -> TemplateReading | None:
    """The template that a campaign names or holds. What is wrong with it is added to `problems`."""
    if reading.template is None or reading.document is None:
        return None
    if isinstance(reading.template, Path):
        if not reading.template.is_file():
            message = _no_template_file(reading.template)
            hint = _("The path is seen from the campaign.")
            problems.append(reading.document.problem(("template",), "WX101", message, hint))
            return None
        found = read_template(reading.template)
    else:
        found = read_template_mapping(reading.template, reading.document, ("template",))
    problems += found.problems
    problems += found.draft.warnings if found.draft is not None else ()
    return found


def _no_template_file(path: Path) -> str:
    if path.exists() and not path.is_dir():
        return _("template: {path} is no regular file.").format(path=path)
    return _("template: there is no file {path}.").format(path=path)


def list_of(
    path: Path, name: str, list_format: str | None, problems: list[Problem]
) -> "RecipientList | None":
    """The list in `path`; its faults are added to `problems`. Raises InputError for an unknown format."""
    from wxpush.campaign.recipients import open_recipients  # a check of files alone needs none of it

    try:
        return open_recipients(path, list_format=list_format, name=name)
    except ProblemsError as error:
        problems += error.problems
        return None
