"""A template: the id, content and keywords of one WeChat template, as its file describes it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wxpush.channels.wechat.keywords import HISTORIC, Keyword, broken_placeholder, parse_content
from wxpush.errors import ProblemsError
from wxpush.i18n import _
from wxpush.model import Problem, Severity
from wxpush.near import nearest
from wxpush.yamlfile import Document, KeyPath, misspelt, parse_yaml

ID_LENGTH = 43
_ID = re.compile(rf"[0-9A-Za-z_-]{{{ID_LENGTH}}}")
_LIBRARY_NUMBER = re.compile(r"(?:OPEN)?TM[0-9]+|[0-9]{1,12}")
KEYS = ("id", "title", "content", "allowed")
_REQUIRED = ("id", "content")
_LISTED = frozenset({"const", "enum"})
"""Types that take approved values only."""


@dataclass(frozen=True, slots=True)
class Template:
    """A template file, read. `allowed` has the approved values by keyword, where the file lists them.

    `warnings` are what is odd about the file but keeps nobody from sending, each with its place.
    """

    id: str
    title: str
    content: str
    allowed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    keywords: tuple[Keyword, ...] = ()
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class TemplateReading:
    """A template with its problems; `template` is None where it has any.

    `draft` is the template as far as it can be understood, so that a campaign can be checked with it in the
    same go.
    """

    template: Template | None
    draft: Template | None
    problems: tuple[Problem, ...]


def load_template(path: Path) -> Template:
    """The template that a file describes; raises ProblemsError with all faults of the file."""
    reading = read_template(path)
    if reading.template is None:
        raise ProblemsError(reading.problems)
    return reading.template


def read_template(path: Path) -> TemplateReading:
    """Like `load_template`, but hands the faults back."""
    parsed = parse_yaml(path)
    if parsed.document is None:
        return TemplateReading(None, None, parsed.problems)
    reading = read_template_mapping(parsed.document.value, parsed.document)
    problems = (*parsed.problems, *reading.problems)
    in_order = tuple(sorted(problems, key=lambda problem: (problem.line, problem.column)))
    return TemplateReading(None if problems else reading.template, reading.draft, in_order)


def read_template_mapping(value: object, document: Document, base_path: KeyPath = ()) -> TemplateReading:
    """The template that a mapping at `base_path` of `document` describes, such as a campaign's `template`."""
    reader = _Reader(document, base_path)
    draft = reader.read(value)
    return TemplateReading(None if reader.problems else draft, draft, tuple(reader.problems))


@dataclass(slots=True)
class _Reader:
    """Reads one mapping and goes on past its faults."""

    document: Document
    base: KeyPath
    problems: list[Problem] = field(default_factory=list)

    def read(self, value: object) -> Template | None:
        if not isinstance(value, dict):
            self._add((), "WX550", _("a template is a mapping of id, title, content and allowed."))
            return None
        value = self._respelt(value)
        title = value.get("title")
        if title is not None and not isinstance(title, str):
            self._add(("title",), "WX551", _("`title` must be text."))
        identifier = self._id(value)
        content = self._content(value)
        keywords = tuple(parse_content(content))
        allowed = self._allowed(value.get("allowed"), keywords)
        warnings = tuple(self._warnings(keywords, allowed))
        return Template(identifier, title or "", content, allowed, keywords, warnings)

    def _respelt(self, value: dict[str, Any]) -> dict[str, Any]:
        """The mapping with its misspelt keys as they are meant; every key that there is none of is told."""
        meant = misspelt(value, KEYS, _REQUIRED)
        for key in value:
            if key not in KEYS:
                message = _("a template has no key `{key}`.").format(key=key)
                self._add((key,), "WX552", message, _did_you_mean(key, KEYS), at_key=True)
        for key, right in meant.items():
            self.document = self.document.renamed((*self.base, key), right)
        return {meant.get(key, key): one for key, one in value.items()}

    def _id(self, value: dict[str, Any]) -> str:
        found = self._text(value, "id")
        if found and not _ID.fullmatch(found):
            message = _('"{id}" is no template id: it has {count} characters, an id has {length}.')
            if len(found) == ID_LENGTH:
                message = _('"{id}" is no template id: only letters, digits, `_` and `-` are in one.')
            message = message.format(id=found, count=len(found), length=ID_LENGTH)
            hint = _("Copy it from the template's page in the console.")
            if _LIBRARY_NUMBER.fullmatch(found):
                hint = _("This is the library's number: the id is in the account's own list of templates.")
            self._add(("id",), "WX553", message, hint)
        return found

    def _content(self, value: dict[str, Any]) -> str:
        content = self._text(value, "content")
        hint = _("Copy the content as WeChat shows it: a line such as 商品名称:{example} for each keyword.")
        hint = hint.format(example="{{thing1.DATA}}")
        if content and not parse_content(content):
            self._add(("content",), "WX554", _("`content` has no placeholder."), hint)
        elif (place := broken_placeholder(content)) is not None:
            self._add(("content",), "WX554", _("`content` has a broken placeholder."), hint, offset=place)
        return content

    def _text(self, value: dict[str, Any], key: str) -> str:
        """The required text at `key`; "" where it is lacking, which is then a problem."""
        found = value.get(key)
        if isinstance(found, str) and found.strip():
            return found
        if found is None or isinstance(found, str):
            self._add((key,), "WX551", _("`{key}` is required.").format(key=key))
        else:
            self._add((key,), "WX551", _("`{key}` must be text.").format(key=key))
        return ""

    def _allowed(self, value: object, keywords: tuple[Keyword, ...]) -> dict[str, tuple[str, ...]]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            self._add(("allowed",), "WX555", _("`allowed` maps keywords to lists of values."))
            return {}
        types = {keyword.name: keyword.type for keyword in keywords}
        return {name: self._values(name, values, types) for name, values in value.items()}

    def _values(self, name: str, values: object, types: dict[str, str]) -> tuple[str, ...]:
        path = ("allowed", name)
        if types and name not in types:
            message = _("the content has no keyword `{name}`.").format(name=name)
            self._add(path, "WX555", message, _did_you_mean(name, tuple(types)), at_key=True)
        elif types and types[name] not in _LISTED:
            message = _("`{name}` takes free values; only `const` and `enum` keywords have approved ones.")
            self._add(path, "WX555", message.format(name=name), at_key=True)
        if not isinstance(values, list) or not values:
            self._add(path, "WX555", _("list the approved values: [已发货, 已签收]."))
            return ()
        for place, one in enumerate(values):
            if not isinstance(one, str) or not one.strip():
                self._add((*path, place), "WX555", _("an approved value is a text, not empty."))
        return tuple(one.strip() for one in values if isinstance(one, str))

    def _warnings(
        self, keywords: tuple[Keyword, ...], allowed: Mapping[str, tuple[str, ...]]
    ) -> Iterator[Problem]:
        unseen = [keyword.name for keyword in keywords if keyword.name in ("first", "remark")]
        if unseen:
            message = _("{names}: users have not seen first and remark since May 2023, nor colours.")
            yield self._warning(message.format(names=", ".join(unseen)), _("Say what matters elsewhere."))
        for keyword in keywords:
            if keyword.type in _LISTED and keyword.name not in allowed:
                message = _("`{name}` takes approved values only, and they are not listed here.")
                hint = _("Add them, so that they are checked: {example}").format(
                    example=f"allowed: {{{keyword.name}: [已发货, 已签收]}}"
                )
                yield self._warning(message.format(name=keyword.name), hint)
            elif keyword.type == HISTORIC and not keyword.is_historic:
                message = _("`{name}` has no type that is known here: its values go unchecked.")
                yield self._warning(message.format(name=keyword.name), _("Send one to a tester first."))

    def _warning(self, message: str, hint: str) -> Problem:
        path = (*self.base, "content")
        return self.document.problem(path, "WX556", message, hint, severity=Severity.WARNING)

    def _add(
        self,
        path: KeyPath,
        code: str,
        message: str,
        hint: str = "",
        *,
        at_key: bool = False,
        offset: int = -1,
    ) -> None:
        place = (*self.base, *path)
        self.problems.append(self.document.problem(place, code, message, hint, at_key=at_key, offset=offset))


def _did_you_mean(word: str, known: tuple[str, ...]) -> str:
    near = nearest(word, known)
    if near:
        return _("Did you mean `{word}`?").format(word=near)
    return _("It knows: {words}.").format(words=", ".join(known))
