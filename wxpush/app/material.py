"""What a sending is made of: campaign, template and list, read together so that all faults show at once."""

import base64
import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wxpush import __version__
from wxpush.app.sieve import Sieve
from wxpush.app.sources.sifting import Sifted, joined, sieve_notes, sifted
from wxpush.campaign.check import Checker, check_campaign, keyword_problems, meant_keywords, weighed
from wxpush.campaign.expressions import TODAY
from wxpush.campaign.lint import constant_condition, unused_columns
from wxpush.campaign.render import Rendered, Renderer
from wxpush.campaign.schema import Campaign, Reading, read_campaign
from wxpush.campaign.wordlists import WordList, words_of
from wxpush.channels.wechat.advice import MARKETING, rate_findings
from wxpush.channels.wechat.rules import WeChatRules
from wxpush.channels.wechat.template import (
    Template,
    TemplateReading,
    read_template,
    read_template_mapping,
)
from wxpush.errors import ProblemsError
from wxpush.i18n import _
from wxpush.model import Message, Problem, Severity

if TYPE_CHECKING:
    from wxpush.app.results import Sample
    from wxpush.campaign.recipients import RecipientList

#: 40 bits: nobody meets another list's code by chance.
_CODE_LENGTH: Final = 8
_EXPRESSIONS: Final = frozenset({"to", "key", "when", "url", "miniprogram", "data"})
"""The keys of a campaign that may read columns of the list."""
_BROKEN_CONTENT: Final = "WX554"
_ADVICE: Final = frozenset({"WX210", "WX211", "WX212"})


@dataclass(frozen=True, slots=True)
class Material:
    """Campaign, template and list, without a fault that concerns them as a whole."""

    campaign: Campaign
    template: Template
    recipients: "RecipientList"
    renderer: Renderer
    checker: Checker
    warnings: tuple[Problem, ...]
    words: WordList | None = None
    """The words that no message may hold."""
    sifted: Sifted = field(default_factory=Sifted)
    """Who of the list is meant."""

    @property
    def content(self) -> str:
        """A fingerprint of all that alters the messages."""
        return _digest(self.campaign.content_fingerprint(), self.template.id, self.template.content)

    @property
    def selection(self) -> str:
        """A fingerprint of what tells people and messages apart."""
        return self.campaign.identity_fingerprint()

    @property
    def basis(self) -> str:
        """A fingerprint of everything that the messages are rendered from, the list included."""
        checks = json.dumps([self.campaign.checks, dict(self.template.allowed)], sort_keys=True)
        if self.words is not None:
            checks += self.words.digest
        parts = [self.content, self.selection, self.recipients.digest(), checks, self._day, __version__]
        return _digest(*parts, *self._choice)

    @property
    def _choice(self) -> list[str]:
        """What else the messages come from: the list that is joined, and who is meant; mostly nothing."""
        join = self.recipients.join
        return ([] if join is None else [join.digest]) + self.sifted.digests

    @property
    def _day(self) -> str:
        """The day where it can be in a message; else a run that goes past midnight stays what it was."""
        campaign = self.campaign
        texts = [campaign.to, campaign.key, campaign.when, campaign.url, *campaign.data.values()]
        if campaign.miniprogram:
            texts += [campaign.miniprogram.appid, campaign.miniprogram.pagepath]
        return campaign.today.isoformat() if any(TODAY in (text or "") for text in texts) else ""

    @property
    def approval_code(self) -> str:
        """A short code over campaign, template and list, for people to agree on: `K7QF-3M2X`.

        The day is in it where the campaign speaks of it, and so is what narrows the list or adds to it.
        """
        digest = _digest(self.content, self.selection, self.recipients.digest(), self._day, *self._choice)
        letters = base64.b32encode(bytes.fromhex(digest))[:_CODE_LENGTH].decode()
        return f"{letters[:4]}-{letters[4:]}"

    def notes(self) -> list[str]:
        """What to say of the list, in the language in force."""
        opened = self.recipients
        notes = [opened.encoding_note] if opened.encoding_note else []
        notes += sieve_notes(opened, self.sifted)
        for problem in self.warnings:
            hint = f" {problem.hint}" if problem.hint else ""
            notes.append(f"{problem.place}: {problem.code}: {problem.message}{hint}")
        return notes

    def sample(self, message: Message, rendered: Rendered) -> "Sample":
        """`rendered` as a person reads it."""
        from wxpush.app.results import Sample

        labels = {keyword.name: keyword.label for keyword in self.template.keywords}
        parts = [(labels.get(name, ""), name, value) for name, value in rendered.data.items()]
        return Sample(
            message.line, rendered.to, self.template.title, parts, rendered.url, rendered.miniprogram
        )


def read_material(
    campaign: Path,
    recipients: Path,
    *,
    list_name: str,
    list_format: str | None,
    today: date,
    sieve: Sieve | None = None,
) -> Material:
    """Read all three. Raises ProblemsError with the faults of all, InputError for an unknown format."""
    sieve = sieve or Sieve()
    problems: list[Problem] = []
    reading = read_campaign(campaign, today=today)
    template = template_of(reading, problems)
    opened = joined(list_of(recipients, list_name, list_format, problems), sieve, problems)
    papers = papers_of(reading, template, opened, problems, sieve)
    # What is only advice is for the check on the desk; who made it an error wants it to stop a sending.
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    if errors or papers is None or template is None or template.template is None or opened is None:
        raise ProblemsError(in_order(errors, str(campaign)))
    thorough = papers.campaign.checks.get(MARKETING) == "error"
    checker = papers.checker(opened, thorough=thorough)
    warnings = tuple(problem for problem in problems if problem.code not in _ADVICE)
    return Material(
        papers.campaign,
        template.template,
        opened,
        papers.renderer,
        checker,
        warnings,
        papers.words,
        papers.sifted,
    )


@dataclass(frozen=True, slots=True)
class Papers:
    """A campaign and its template as far as they can be understood, ready to check rows with."""

    campaign: Campaign
    renderer: Renderer
    rules: WeChatRules
    words: WordList | None
    sifted: Sifted = field(default_factory=Sifted)
    """Who of the list is meant."""

    def checker(self, opened: "RecipientList", *, thorough: bool) -> Checker:
        """What looks at the rows of a list; `thorough`: tells of what nothing forbids, too."""
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
    sieve: Sieve | None = None,
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


def in_order(problems: Sequence[Problem], first: str) -> list[Problem]:
    """The problems file by file, that of the name `first` before others, in the order of their lines."""
    files = list(dict.fromkeys([first, *(problem.file for problem in problems)]))
    return sorted(problems, key=lambda one: (files.index(one.file), one.line, one.column))


def file_advice(
    campaign: Campaign, renderer: Renderer, opened: "RecipientList | None", used: Collection[str] = ()
) -> list[Problem]:
    """What nothing forbids in the files as such: a condition, columns but those `used`, a rate."""
    problems = constant_condition(campaign, renderer)
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


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
