"""What a sending is made of: campaign, template and list, read together so that all faults show at once."""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wxpush import __version__
from wxpush.app.papers import list_of, papers_of, template_of
from wxpush.app.sieve import Sieve
from wxpush.app.sources.sifted import Sifted
from wxpush.app.sources.sifting import joined, sieve_notes
from wxpush.campaign.checker import Checker
from wxpush.campaign.expressions import TODAY
from wxpush.campaign.render import Rendered, Renderer
from wxpush.campaign.schema import Campaign, read_campaign
from wxpush.campaign.wordlists import WordList
from wxpush.channels.wechat.advice import MARKETING
from wxpush.channels.wechat.template import (
    Template,
)
from wxpush.errors import ProblemsError
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
        """A short code over all that the files say, for people to agree on: `K7QF-3M2X`.

        Of the campaign it is every key as it is written (so the name before its day is filled in), of the
        template every part, and the words and the list. The day is in it where a message may have it, and so
        is what narrows the list or adds to it.
        """
        template, campaign = self.template, self.campaign
        told = [
            campaign.document.value,
            template.id,
            template.title,
            template.content,
            dict(template.allowed),
        ]
        words = self.words.digest if self.words is not None else ""
        digest = _digest(
            json.dumps(told, sort_keys=True), words, self.recipients.digest(), self._day, *self._choice
        )
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


def in_order(problems: Sequence[Problem], first: str) -> list[Problem]:
    """The problems file by file, that of the name `first` before others, in the order of their lines."""
    files = list(dict.fromkeys([first, *(problem.file for problem in problems)]))
    return sorted(problems, key=lambda one: (files.index(one.file), one.line, one.column))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
