"""The account's templates as WeChat lists them, and as files that say the same.

Source: get_all_private_template.
"""

import json
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any, Final

from wxpush.channels.wechat.keywords import parse_content
from wxpush.channels.wechat.template import Template

_PART: Final = re.compile(r"^(\w+):", re.MULTILINE)
_PLAIN: Final = re.compile(r"[^\W\d_][\w ·（）()-]*")
_NOT_IN_NAMES: Final = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\s]+')
_LONGEST_NAME: Final = 40
_BLOCK: Final = re.compile(
    r"[^\s\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff][^\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]*"
)


@dataclass(frozen=True, slots=True)
class Listed:
    """One template of the account; `content` and `example` have the lines that people see."""

    id: str
    title: str
    content: str
    example: str = ""

    @property
    def keywords(self) -> tuple[str, ...]:
        """The names of its keywords."""
        return tuple(keyword.name for keyword in parse_content(self.content))


def listed_templates(answer: Sequence[Mapping[str, Any]]) -> list[Listed]:
    """The templates that can be sent: those with keywords. What is no text is taken for an empty one."""
    found = []
    for item in answer:
        texts = [item.get(name) for name in ("template_id", "title", "content", "example")]
        identifier, title, content, example = map(_text, texts)
        one = Listed(identifier, title.strip(), _lines(content), _lines(example))
        if identifier and one.keywords:
            found.append(one)
    return found


def _text(value: object) -> str:
    """A text that can be written; half a character can't."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _lines(text: str) -> str:
    return "\n".join(
        line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    ).strip("\n")


def differs(template: Template, listed: Listed) -> bool:
    """Whether a file says anything else than the account of the template with its id."""
    return (template.title.strip(), _lines(template.content)) != (listed.title, listed.content)


def difference(template: Template, listed: Listed, file: str, account: str) -> list[str]:
    """The lines of a unified diff from the file to the account; empty where they say the same."""
    ours, theirs = (
        [f"title: {one.title.strip()}", *_lines(one.content).split("\n")] for one in (template, listed)
    )
    return list(unified_diff(ours, theirs, file, account, lineterm="", n=9))


def as_file(listed: Listed) -> str:
    """A new template file."""
    return f"id: {listed.id}\n{_title(listed)}{_content(listed)}"


def updated(text: str, listed: Listed) -> str:
    """A template file's text with the account's title and content; all else in it stays as it is."""
    parts = {"title": _title(listed), "content": _content(listed)}
    starts = [found.start() for found in _PART.finditer(text)]
    pieces = [text[: starts[0]] if starts else text]
    for start, end in zip(starts, [*starts, len(text)][1:], strict=True):
        piece = text[start:end]
        new = parts.pop(piece.partition(":")[0], None)
        # Comments and blank lines before the next key are about that one.
        pieces.append(piece if new is None else new + _trailing(piece))
    return "".join(pieces) + "".join(parts.values())


def _trailing(piece: str) -> str:
    lines = piece.splitlines(keepends=True)
    kept: list[str] = []
    while len(lines) > 1 and (not lines[-1].strip() or lines[-1].startswith("#")):
        kept.insert(0, lines.pop())
    return "".join(kept)


def _title(listed: Listed) -> str:
    plain = _PLAIN.fullmatch(listed.title) is not None
    return f"title: {listed.title if plain else _quoted(listed.title)}\n"


def _content(listed: Listed) -> str:
    lines = listed.content.split("\n")
    if all(not line or _BLOCK.fullmatch(line) for line in lines) and lines[0]:
        return "content: |\n" + "".join(f"  {line}\n" if line else "\n" for line in lines)
    return f"content: {_quoted(listed.content)}\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def file_name(title: str, taken: Collection[str]) -> str:
    """A name that a person would choose: the title, with a number where another template has that name."""
    name = (
        _NOT_IN_NAMES.sub("_", unicodedata.normalize("NFC", title)).strip("._")[:_LONGEST_NAME] or "template"
    )
    names = [f"{name}.yaml", *(f"{name}-{number}.yaml" for number in range(2, len(taken) + 3))]
    lower = {one.lower() for one in taken}
    return next(one for one in names if one.lower() not in lower)


def template_files(folder: Path) -> list[Path]:
    """The YAML files of a folder, sorted; none where there is no such folder."""
    return (
        sorted(path for path in folder.glob("*.y*ml") if path.suffix in (".yaml", ".yml"))
        if folder.is_dir()
        else []
    )
