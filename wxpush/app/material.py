"""What a sending is made of: campaign, template and list, read together so that all faults show at once."""

import base64
import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wxpush import __version__
from wxpush.app.request import Sieve
from wxpush.app.sources.sifting import Sifted, joined, sieve_notes, sifted
from wxpush.campaign.check import Checker, check_campaign, keyword_problems, weighed
from wxpush.campaign.expressions import TODAY
from wxpush.campaign.lint import constant_condition, unused_columns
from wxpush.campaign.render import Rendered, Renderer
from wxpush.campaign.schema import Campaign, Reading, read_campaign
from wxpush.campaign.wordlists import WordList, words_of
from wxpush.channels.wechat.advice import MARKETING, rate_findings
from wxpush.channels.wechat.rules import WeChatRules
from wxpush.channels.wechat.template import Template, read_template, read_template_mapping
from wxpush.errors import ProblemsError
from wxpush.i18n import _
from wxpush.model import Message, Problem, Severity

if TYPE_CHECKING:
    from wxpush.app.results import Sample
    from wxpush.campaign.recipients import RecipientList

#: 40 bits: nobody meets another list's code by chance.
_CODE_LENGTH: Final = 8


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
        return notes + [str(problem) for problem in self.warnings]

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
    problems += reading.problems
    template = template_of(reading, problems)
    opened = joined(list_of(recipients, list_name, list_format, problems), sieve, problems)
    if reading.campaign is None or template is None or opened is None:
        raise ProblemsError(problems)
    renderer = Renderer(reading.campaign)
    rules, words = WeChatRules(template, reading.campaign.checks), words_of(reading.campaign, problems)
    problems += check_campaign(
        reading.campaign,
        renderer,
        rules,
        opened.columns,
        words=words,
        list_name=opened.name,
        header_line=opened.header_line,
    )
    found = sifted(sieve, renderer, opened, today, problems)
    advice = file_advice(reading.campaign, renderer, opened, found.used)
    # What is only advice is for the check on the desk; who made it an error wants it to stop a sending.
    problems += [problem for problem in advice if problem.severity is Severity.ERROR]
    if any(problem.severity is Severity.ERROR for problem in problems):
        raise ProblemsError([problem for problem in problems if problem.severity is Severity.ERROR])
    thorough = reading.campaign.checks.get(MARKETING) == "error"
    checker = Checker(
        reading.campaign,
        renderer,
        rules,
        opened.name,
        words,
        thorough=thorough,
        where=found.where,
        excluded=found.excluded,
    )
    warnings = (*template.warnings, *problems)
    return Material(reading.campaign, template, opened, renderer, checker, warnings, words, found)


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


def template_of(reading: Reading, problems: list[Problem]) -> Template | None:
    """The template that a campaign names or holds. What is wrong with it is added to `problems`.

    So is what is wrong with the campaign's keywords, where nobody will look at them any more, since the
    campaign or the template has other faults.
    """
    if reading.template is None or reading.document is None:
        return None
    if isinstance(reading.template, Path):
        if not reading.template.is_file():
            message = _("template: there is no file {path}.").format(path=reading.template)
            hint = _("The path is seen from the campaign.")
            problems.append(reading.document.problem(("template",), "WX101", message, hint))
            return None
        found = read_template(reading.template)
    else:
        found = read_template_mapping(reading.template, reading.document, ("template",))
    problems += found.problems
    incomplete = reading.campaign is None or found.template is None
    if incomplete and reading.data and found.keywords:
        problems += keyword_problems(reading.document, reading.data, found.keywords)
    return found.template


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
