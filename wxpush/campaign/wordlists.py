"""Lists of blocked words: files with one word a line, and a search for all of them at once."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from wxpush.campaign.fault import FaultError
from wxpush.campaign.schema import Campaign
from wxpush.i18n import _
from wxpush.model import Finding, Problem
from wxpush.yamlfile import KeyPath

BLOCKED: Final = "blocked_words"
_MOST_BYTES: Final = 8 * 1024 * 1024
_COMMENT: Final = re.compile(r"#+(?:\s|$)")
"""A line that is no word. `#红包` is one: a topic, as people write them."""


class WordList:
    """The words of one or more files; a line that begins with # and a blank is a comment.

    Upper and lower case, and full-width forms of ASCII, count as one.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        """Read the files; those that can't be read are left out. Raises FaultError without the library."""
        self._words: list[str] = []
        self._places: list[tuple[str, int]] = []
        self.faults: dict[int, FaultError] = {}
        """What is wrong with a file, by its number from 0."""
        digest = hashlib.sha256()
        for number, path in enumerate(paths):
            try:
                raw = _bytes_of(path)
                self._take(path.name, _text_of(path, raw))
                digest.update(hashlib.sha256(raw).digest())
            except FaultError as fault:
                self.faults[number] = fault
        self.digest = digest.hexdigest()
        """SHA-256 in hex of all the files."""
        self._matcher = _matcher(self._words) if self._words else None

    def _take(self, name: str, text: str) -> None:
        for number, line in enumerate(text.splitlines(), 1):
            word = line.strip()
            if word and not _COMMENT.match(word):
                self._words.append(_alike(word))
                self._places.append((name, number))

    def findings(self, texts: Mapping[str, str]) -> list[Finding]:
        """All blocked words of each text, each once; `texts` by their place in the campaign."""
        if self._matcher is None:
            return []
        found = []
        for where, text in texts.items():
            told = set()
            for number, start, end in self._matcher.find_matches_as_indexes(_alike(text)):
                if number not in told:
                    told.add(number)
                    found.append(self._finding(where, text[start:end], number))
        return found

    def _finding(self, where: str, written: str, number: int) -> Finding:
        file, line = self._places[number]
        message = _('the blocked word "{word}" ({file}, line {line}).').format(
            word=written, file=file, line=line
        )
        return Finding(where, BLOCKED, "WX408", message, _("Use another word."))


def words_of(campaign: Campaign, problems: list[Problem]) -> WordList | None:
    """The blocked words of a campaign, None where it has none; what is wrong is added to `problems`."""
    if not campaign.blocked_words or campaign.checks.get(BLOCKED) == "off":
        return None
    try:
        words = WordList(campaign.blocked_words)
    except FaultError as fault:
        problems.append(_problem(campaign, (BLOCKED,), fault))
        return None
    problems += [_problem(campaign, (BLOCKED, number), fault) for number, fault in words.faults.items()]
    return words


def _problem(campaign: Campaign, path: KeyPath, fault: FaultError) -> Problem:
    return campaign.document.problem(path, fault.code, f"{BLOCKED}: " + fault.message, fault.hint)


def _matcher(words: list[str]) -> Any:
    try:
        from ahocorasick_rs import AhoCorasick, Implementation, MatchKind
    except ImportError:
        message = _("blocked words are found by a library that is not installed.")
        hint = _("Install it with: {command}").format(command="pip install 'wxpush[words]'")
        raise FaultError("WX214", message, hint) from None
    # The automaton without a table for every character: Chinese has too many.
    implementation = Implementation.ContiguousNFA
    return AhoCorasick(words, matchkind=MatchKind.LeftmostLongest, implementation=implementation)


_FULL_WIDTH: Final = {0xFF01 + number: 0x21 + number for number in range(94)} | {0x3000: 0x20}


def _alike(text: str) -> str:
    """`text` as it is compared: character for character, so that places stay the same."""
    narrow = text.translate(_FULL_WIDTH)
    lowered = narrow.lower()
    # A few capitals have lower forms of two characters (İ): left alone, or places would shift.
    return lowered if len(lowered) == len(narrow) else "".join(_lower(one) for one in narrow)


def _lower(character: str) -> str:
    lowered = character.lower()
    return lowered if len(lowered) == 1 else character


def _bytes_of(path: Path) -> bytes:
    if path.exists() and not path.is_file() and not path.is_dir():
        # A pipe would be waited for, and a device never ends.
        message = _("{path} is no regular file.").format(path=path)
        raise FaultError("WX213", message, _("Check the path; it is seen from the campaign."))
    try:
        with path.open("rb") as stream:
            raw = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        message = _("{path} can't be read: {reason}.").format(path=path, reason=reason)
        raise FaultError("WX213", message, _("Check the path; it is seen from the campaign.")) from None
    if len(raw) > _MOST_BYTES:
        message = _("{path} is larger than {limit} MiB.").format(path=path, limit=_MOST_BYTES >> 20)
        raise FaultError("WX213", message, _("Is it really a list of words?"))
    return raw


def _text_of(path: Path, raw: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    message = _("{path} is no text.").format(path=path)
    raise FaultError("WX213", message, _("Save it as UTF-8, one word a line."))
