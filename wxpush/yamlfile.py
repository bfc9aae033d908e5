"""Strict YAML with places: plain text values, no aliases, no duplicate keys, bounded in size and depth."""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml
from yaml.reader import ReaderError

from wxpush.errors import ProblemsError
from wxpush.i18n import _
from wxpush.model import Problem, Severity
from wxpush.near import nearest

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
MAX_NODES = 20_000
_MAX_REPAIRS = 20
_UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_WIDE_COLON = re.compile(r"\s*(?:- )?[\w.-]+(：)")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})

KeyPath = tuple[str | int, ...]
"""Where a value stands: `("data", "thing1")`, `("accounts", 0)`; `()` is the whole document."""
Place = tuple[int, int]
"""Line and column, both from 1."""


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says, and where: scalars are their source text, an empty one or `null` is None."""

    file: str
    value: dict[str, Any]
    _values: dict[KeyPath, Place]
    _keys: dict[KeyPath, Place]
    _text: str = ""

    def place(self, path: KeyPath) -> Place:
        """Line and column of the value at `path`; of its nearest parent where it is lacking."""
        return self._find(self._values, path)

    def key_place(self, path: KeyPath) -> Place:
        """Line and column of the key that leads to `path`; of the value where it has none."""
        return self._keys.get(path) or self.place(path)

    def problem(
        self,
        path: KeyPath,
        code: str,
        message: str,
        hint: str = "",
        *,
        at_key: bool = False,
        severity: Severity = Severity.ERROR,
        offset: int = -1,
    ) -> Problem:
        """A problem of this file at the value (or the key) of `path`; `offset` characters into its text."""
        line, column = self.key_place(path) if at_key else self._spot(path, offset)
        return Problem(self.file, line, column, code, message, hint, severity)

    def _spot(self, path: KeyPath, offset: int) -> Place:
        """Where a character of a value is, if its line reads as the value does; else where the value is."""
        line, column = place = self.place(path)
        value: Any = self.value
        for key in path:
            try:
                value = value[key]
            except (LookupError, TypeError):
                return place
        lines = self._text.split("\n")
        if not isinstance(value, str) or offset < 0 or line > len(lines):
            return place
        number = value.count("\n", 0, offset)
        wanted, within = value.split("\n")[number], offset - (value.rfind("\n", 0, offset) + 1)
        written = lines[line - 1][column - 1 :]
        if written[:1] == "|" and line + number < len(lines):
            found = lines[line + number]
            return (
                (line + number + 1, len(found) - len(wanted) + within + 1)
                if found.endswith(wanted)
                else place
            )
        quote = 1 if written[:1] in ("'", '"') else 0
        return (line, column + quote + offset) if written[quote:].startswith(value) else place

    def renamed(self, path: KeyPath, key: str) -> "Document":
        """The same file as if the key that leads to `path` were `key`; every place stays where it is."""
        new = (*path[:-1], key)

        def moved(places: dict[KeyPath, Place]) -> dict[KeyPath, Place]:
            return {
                (*new, *at[len(path) :]) if at[: len(path)] == path else at: place
                for at, place in places.items()
            }

        value = _with_key(self.value, path, key)
        return Document(self.file, value, moved(self._values), moved(self._keys), self._text)

    @staticmethod
    def _find(places: dict[KeyPath, Place], path: KeyPath) -> Place:
        while path not in places and path:
            path = path[:-1]
        return places.get(path, (1, 1))


@dataclass(frozen=True, slots=True)
class Parsed:
    """A reading that goes on past faults: `document` is None where the rest can't be understood."""

    document: Document | None
    problems: tuple[Problem, ...]


def load_yaml(path: Path, *, text: str | None = None) -> Document:
    """The mapping that `path` holds (or `text`, with `path` as its name).

    Raises ProblemsError with every fault of the file that can be found, each with line and column.
    """
    parsed = parse_yaml(path, text=text)
    if parsed.document is None or parsed.problems:
        raise ProblemsError(parsed.problems)
    return parsed.document


def parse_yaml(path: Path, *, text: str | None = None) -> Parsed:
    """Like `load_yaml`, but hands the problems back, so that a schema can add its own in the same go."""
    file = str(path)
    if text is None:
        source = _read(path, file)
        if isinstance(source, Problem):
            return Parsed(None, (source,))
        text = source
    text = text.removeprefix("\ufeff")
    problems: list[Problem] = []
    for _attempt in range(_MAX_REPAIRS):
        builder = _Builder(file, text)
        document = builder.build()
        if builder.bare_braces is None:
            problems += builder.problems
            break
        # Blanked out, so that what comes after it is looked at as well.
        start = builder.bare_braces
        problems.append(builder.problems[-1])
        end = text.find("\n", start)
        text = text[:start] + "''" + (text[end:] if end >= 0 else "")
    else:
        document = None
    return Parsed(document, tuple(sorted(set(problems), key=lambda found: (found.line, found.column))))


def misspelt(written: Iterable[str], known: Collection[str], required: Collection[str]) -> dict[str, str]:
    """The keys among `written` that stand for one of `known` which isn't there, with that one."""
    written = list(written)
    lacking = [key for key in known if key not in written]
    found = {}
    for key in written:
        if key in known:
            continue
        near = nearest(key, lacking) or nearest(key, [one for one in lacking if one in required], sought=True)
        if near is not None:
            found[key] = near
            lacking.remove(near)
    return found


def _with_key(value: dict[str, Any], path: KeyPath, key: str) -> dict[str, Any]:
    """`value` with another name for the key at the end of `path`, in the same order."""
    first, *rest = path
    if not rest:
        return {key if name == first else name: one for name, one in value.items()}
    return {name: _with_key(one, tuple(rest), key) if name == first else one for name, one in value.items()}


def _read(path: Path, file: str) -> str | Problem:
    """The file's text, or why it can't be had."""
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            # A pipe would be waited for, and a device never ends.
            return Problem(file, 0, 0, "WX101", _("this is no regular file."), _("Check the path."))
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except (FileNotFoundError, ValueError):  # ValueError: a name that no file can have
        return Problem(file, 0, 0, "WX101", _("there is no such file."), _("Check the path."))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return Problem(file, 0, 0, "WX101", _("the file can't be read: {reason}.").format(reason=reason))
    if len(raw) > MAX_BYTES:
        message = _("the file is larger than {limit} KiB.").format(limit=MAX_BYTES // 1024)
        return Problem(file, 0, 0, "WX103", message, _("Is it really a wxpush file?"))
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        hint = _("Save it as UTF-8 in your editor.")
        return Problem(file, line, 0, "WX102", _("the file is not UTF-8 text."), hint)


class _UnreadableError(Exception):
    """Nothing after this place can be understood; the problem is already recorded."""


@dataclass(slots=True)
class _Builder:
    """Turns the parser's events into a Document; the tree is bounded before anything is built of it."""

    file: str
    text: str
    problems: list[Problem] = field(default_factory=list)
    _extras: dict[str, int] = field(default_factory=dict)
    """How many there are of what is told once, by its code."""
    bare_braces: int | None = None
    """Index of a value that starts with `{{` without quotes: YAML takes it for a mapping."""
    _values: dict[KeyPath, Place] = field(default_factory=dict)
    _keys: dict[KeyPath, Place] = field(default_factory=dict)
    _nodes: int = 0

    def build(self) -> Document | None:
        try:
            try:
                return self._document(yaml.parse(self.text, Loader=yaml.SafeLoader))
            finally:
                self._count_extras()
        except ReaderError as error:
            self._unprintable(error)
        except yaml.MarkedYAMLError as error:
            self._syntax(error)
        except (ValueError, OverflowError):
            message = _("an escape such as \\U00110000 stands for no character.")
            self.problems.append(Problem(self.file, 0, 0, "WX104", message))
        except _UnreadableError:
            pass
        return None

    def _document(self, events: Iterator[yaml.Event]) -> Document | None:
        value: Any = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._stop(event, "WX110", _("a second document starts here."), _("Keep one in a file."))
            elif isinstance(event, yaml.NodeEvent):
                value = self._node(event, events, ())
        if not isinstance(value, dict):
            if value is None:
                message = _("the file is empty.")
            else:
                message = _("the file must consist of `key: value` lines.")
            hint = _("Is it the right file? A campaign begins like this: {example}").format(
                example="name: order-shipped-{{ today }}"
            )
            self.problems.append(Problem(self.file, 1, 1, "WX111", message, hint))
            return None
        return Document(self.file, value, self._values, self._keys, self.text)

    def _node(self, event: yaml.Event, events: Iterator[yaml.Event], path: KeyPath) -> Any:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._stop(event, "WX109", _("the file has more than {limit} values.").format(limit=MAX_NODES))
        self._values[path] = self._place(event)
        self._refuse_extras(event)
        if isinstance(event, yaml.ScalarEvent):
            return None if event.style is None and event.value in _NULLS else event.value
        if isinstance(event, yaml.AliasEvent):
            return None
        if len(path) >= MAX_DEPTH:
            self._stop(event, "WX109", _("values are nested more than {limit} deep.").format(limit=MAX_DEPTH))
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(events, path)
        self._refuse_bare_braces(event)
        return self._mapping(events, path)

    def _sequence(self, events: Iterator[yaml.Event], path: KeyPath) -> list[Any]:
        items: list[Any] = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self._node(event, events, (*path, len(items))))
        return items

    def _mapping(self, events: Iterator[yaml.Event], path: KeyPath) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._key(event, events)
            # A refused key still has its value read, for the faults in it; the name can't meet a real one.
            known = key is not None and key not in found
            inner: KeyPath = (*path, key if known and key is not None else "\0")
            if key is not None and not known:
                message = _("the key `{key}` appears twice.").format(key=key)
                hint = _("Line {line} has it already; remove one.").format(line=self._keys[(*path, key)][0])
                self._add(event, "WX108", message, hint)
            elif known:
                self._keys[inner] = self._place(event)
            value = self._node(next(events), events, inner)
            if known and key is not None:
                found[key] = value
        return found

    def _key(self, event: yaml.Event, events: Iterator[yaml.Event]) -> str | None:
        self._refuse_extras(event)
        if isinstance(event, yaml.ScalarEvent) and event.value:
            return str(event.value)
        self._add(event, "WX112", _("a key must be a word."), _("Put the text in quotes."))
        if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._skip(events)
        return None

    def _skip(self, events: Iterator[yaml.Event]) -> None:
        depth = 1
        while depth:
            event = next(events)
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    self._stop(event, "WX109", _("values are nested too deep."))
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1

    def _refuse_bare_braces(self, event: yaml.Event) -> None:
        start = _start(event).index
        if self.text.startswith("{{", start):
            self.bare_braces = start
            message = _("text that starts with `{{` needs quotes.")
            self._stop(event, "WX113", message, _('Write "{{ … }}", quotes around the whole value.'))

    def _refuse_extras(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            message = _("anchors and aliases (`&name`, `*name`) are not allowed.")
            self._add_once(event, "WX106", message, _("Write the value out, or put the text in quotes."))
        if isinstance(event, yaml.ScalarEvent) and (unfit := _UNFIT.search(event.value)):
            message = _("the character U+{number} is not allowed.").format(number=f"{ord(unfit[0]):04X}")
            self._add(event, "WX104", message, _("Remove it."))
        if getattr(event, "tag", None) is not None:
            hint = _("Remove it, or put the text in quotes.")
            self._add_once(event, "WX107", _("tags (`!name`) are not allowed."), hint)

    def _stop(self, event: yaml.Event, code: str, message: str, hint: str = "") -> None:
        self._add(event, code, message, hint)
        raise _UnreadableError

    def _add_once(self, event: yaml.Event, code: str, message: str, hint: str) -> None:
        """At the first of them: who uses one uses many, and a bomb is made of nothing else."""
        self._extras[code] = self._extras.get(code, 0) + 1
        if self._extras[code] == 1:
            self._add(event, code, message, hint)

    def _count_extras(self) -> None:
        for number, problem in enumerate(self.problems):
            count = self._extras.get(problem.code, 0)
            if count > 1:
                message = _("{message} There are {count} of them.")
                message = message.format(message=problem.message, count=count)
                self.problems[number] = replace(problem, message=message)

    def _add(self, event: yaml.Event, code: str, message: str, hint: str = "") -> None:
        self.problems.append(Problem(self.file, *self._place(event), code, message, hint))

    def _unprintable(self, error: ReaderError) -> None:
        line = self.text.count("\n", 0, error.position) + 1
        column = error.position - (self.text.rfind("\n", 0, error.position) + 1) + 1
        message = _("the character U+{number} is not allowed.").format(number=f"{int(error.character):04X}")
        self.problems.append(Problem(self.file, line, column, "WX104", message, _("Remove it.")))

    def _syntax(self, error: yaml.MarkedYAMLError) -> None:
        mark = error.problem_mark or error.context_mark
        if (
            error.context_mark
            and "quoted scalar" in str(error.context)
            and "escape" not in str(error.problem)
        ):
            mark = error.context_mark  # where it was opened: the scanner noticed at the file's end
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        message, hint = _in_plain_words(error)
        if (place := self._wide_colon(error)) is not None:
            line, column = place
            message = _("the colon behind this key is a full-width one, 「：」.")
            hint = _("Write `key: value`, with a space after the colon.")
        self.problems.append(Problem(self.file, line, column, "WX105", message, hint))

    def _wide_colon(self, error: yaml.MarkedYAMLError) -> Place | None:
        """The full-width colon by which a line isn't the key that the parser looked for."""
        said, lines = str(error.problem), self.text.split("\n")
        if "could not find expected ':'" in said and error.context_mark:
            numbers = [error.context_mark.line]
        elif "mapping values are not allowed" in said and error.problem_mark:
            numbers = [error.problem_mark.line, error.problem_mark.line - 1]
        else:
            return None
        for number in numbers:
            if 0 <= number < len(lines) and (found := _WIDE_COLON.match(lines[number])):
                return number + 1, found.start(1) + 1
        return None

    @staticmethod
    def _place(event: yaml.Event) -> Place:
        mark = _start(event)
        return mark.line + 1, mark.column + 1


def _start(event: yaml.Event) -> Any:
    return event.start_mark  # a parser's event always has its mark, which the stub doesn't know


def _in_plain_words(error: yaml.MarkedYAMLError) -> tuple[str, str]:
    """What the parser stumbled over and the usual remedy; its own words where the case is rare."""
    said = f"{error.context or ''} {error.problem or ''}"
    since = error.context_mark.line + 1 if error.context_mark else 0
    if "'\\t'" in said:
        return _("a tab stands where YAML wants spaces."), _("Indent with spaces.")
    if "that cannot start any token" in said:
        return _("a value can't start with this character."), _("Put the whole value in quotes.")
    if "mapping values are not allowed" in said:
        hint = _("Put the value in quotes if it holds a `: `, or mend the indentation.")
        return _("a second `key:` on one line, or a wrong indentation."), hint
    if "unknown escape character" in said:
        hint = _("Use single quotes, or write \\\\ for a backslash.")
        return _("an escape with a backslash that YAML doesn't know."), hint
    if "quoted scalar" in said:
        return _("the quote that opens here is never closed."), _("Close it at the value's end.")
    if "could not find expected ':'" in said:
        return _("a key without its colon."), _("Write `key: value`, with a space after the colon.")
    if "expected the node content" in said:
        hint = _("Write a value, in quotes where it begins with one of [ ] { }.")
        return _("a bracket without its counterpart, or a value is lacking."), hint
    if "sequence entries are not allowed" in said:
        return _("a `- ` of a list can't stand here."), _(
            "Put it in a line of its own, or the value in quotes."
        )
    if "scanning an anchor" in said or "scanning an alias" in said or "parsing a tag" in said:
        return _("a value can't start with this character."), _("Put the whole value in quotes.")
    if "block scalar" in said:
        return _("text stands behind `|` or `>`."), _("Begin it in the next line, indented.")
    if "flow mapping" in said or "flow sequence" in said:
        hint = _("The bracket was opened in line {line}.").format(line=since)
        return _("a bracket is not closed, or a comma is lacking."), hint
    if "block" in said:
        hint = _("Keys of one level start in one column, and a quoted value ends with its quote.")
        return _("the indentation is wrong, or text follows a quoted value."), hint
    return _("YAML can't be read here: {reason}.").format(reason=said.strip()), ""
