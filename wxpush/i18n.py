"""The language that people read: Chinese or English, chosen once at start, looked up by gettext."""

import gettext as _gettext
import locale
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Language = Literal["zh", "en"]

DOMAIN = "wxpush"
LOCALE_DIR = Path(__file__).parent / "locale"
_CHINESE = ("zh", "chinese", "cn")
_TAGS = (*_CHINESE, "en", "english")
_CATALOGUES: dict[Language, str] = {"zh": "zh_CN", "en": "en"}


class _Current:
    """The one language of this process: threads share it, since they all speak to the same person."""

    language: Language = "en"
    translations: _gettext.NullTranslations = _gettext.NullTranslations()


def set_language(language: Language) -> None:
    """Speak `language` from now on, the libraries that use gettext (Typer) included."""
    _Current.language = language
    _Current.translations = _gettext.translation(
        DOMAIN, LOCALE_DIR, languages=[_CATALOGUES[language]], fallback=True
    )
    # Typer looks its own few words up in gettext's global domain.
    os.environ["LANGUAGE"] = _CATALOGUES[language]
    _gettext.bindtextdomain(DOMAIN, str(LOCALE_DIR))
    _gettext.textdomain(DOMAIN)


def language() -> Language:
    """The language in force."""
    return _Current.language


@contextmanager
def speaking(other: Language) -> Iterator[None]:
    """Speak another language for a while: what scripts read is English whatever people read."""
    before = _Current.language
    set_language(other)
    try:
        yield
    finally:
        set_language(before)


class Worded(str):
    """A text in the language in force that knows what it is in English: answers that machines keep are.

    It knows as long as it is put together by `format`, `join` or `+`; what an f-string makes of it doesn't.
    """

    __slots__ = ("english",)

    english: str

    def __new__(cls, text: str, english: str) -> "Worded":
        """`text`, which is `english` in English."""
        self = super().__new__(cls, text)
        self.english = english
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return Worded, (str.__str__(self), self.english)  # to be copied, as dataclasses.asdict does

    def format(self, *args: Any, **kwargs: Any) -> str:
        """Both texts with their values."""
        values = {name: in_english(value) for name, value in kwargs.items()}
        return Worded(super().format(*args, **kwargs), self.english.format(*map(in_english, args), **values))

    def join(self, parts: Iterable[str], /) -> str:
        """Both texts between the parts."""
        parts = list(parts)
        return Worded(super().join(parts), self.english.join(map(in_english, parts)))

    def __add__(self, other: str, /) -> str:
        return Worded(super().__add__(other), self.english + in_english(other))

    def __radd__(self, other: str, /) -> str:
        return Worded(f"{other}{self}", in_english(other) + self.english)


def in_english(value: Any) -> Any:
    """A text in English, as far as it knows what it is there; anything else as it is."""
    if isinstance(value, Worded):
        return value.english
    return value.en if isinstance(value, Bilingual) else value


def _(message: str) -> str:
    """`message` in the language in force; English is the source text."""
    found = _Current.translations.gettext(message)
    return found if _Current.language == "en" else Worded(found, message)


def ngettext(singular: str, plural: str, number: int) -> str:
    """The form of a counted message for `number` in the language in force."""
    found = _Current.translations.ngettext(singular, plural, number)
    return found if _Current.language == "en" else Worded(found, singular if number == 1 else plural)


@dataclass(frozen=True, slots=True)
class Bilingual:
    """A text of a data table that carries both languages itself."""

    en: str
    zh: str

    def __str__(self) -> str:
        return Worded(self.zh, self.en) if _Current.language == "zh" else self.en


def choose_language(arguments: Sequence[str], environ: Mapping[str, str]) -> Language:
    """The language asked for by `--lang`, `WXPUSH_LANG` or the locale, in that order; English otherwise.

    Looks at the raw arguments because help texts are built before the command line is parsed.
    """
    asked = asked_language(arguments)
    if asked is not None:
        return _from_tag(asked)
    if environ.get("WXPUSH_LANG"):
        return _from_tag(environ["WXPUSH_LANG"])
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environ.get(name):
            return _from_tag(environ[name])
    return _from_tag(locale.getlocale()[0] or "")


def asked_language(arguments: Sequence[str]) -> str | None:
    """What stands behind `--lang`; None where it isn't given."""
    for place, argument in enumerate(arguments):
        if argument == "--":
            break
        if argument == "--lang" and place + 1 < len(arguments):
            return arguments[place + 1]
        if argument.startswith("--lang="):
            return argument.removeprefix("--lang=")
    return None


def is_spoken(tag: str) -> bool:
    """Whether a language asked for is one of ours: `zh`, `en`, `zh_CN`, `en-US`, `chinese`."""
    return re.split("[-_.@]", tag.lower())[0] in _TAGS


def _from_tag(tag: str) -> Language:
    return "zh" if tag.lower().startswith(_CHINESE) else "en"
