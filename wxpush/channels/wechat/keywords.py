"""The keywords of a template: its placeholders, with the type that the name tells and the label before it."""

import re
from dataclasses import dataclass

HISTORIC = "historic"
"""The type of keywords without one: `first`, `keyword1`, `remark` of historic templates, unknown names."""
TYPES = frozenset(
    {
        "thing",
        "short_thing",
        "number",
        "letter",
        "symbol",
        "character_string",
        "time",
        "date",
        "amount",
        "phone_number",
        "car_number",
        "name",
        "phrase",
        "const",
        "enum",
    }
)
"""The types of category templates; a keyword's name is its type and a number (`thing1`)."""

_PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\.DATA\s*\}\}")
_BRACES = re.compile(r"\{\s*\{|\}\s*\}")
_TYPED = re.compile(r"([a-z_]+)[0-9]+")
_OLD = re.compile(r"first|remark|keyword[0-9]+")


@dataclass(frozen=True, slots=True)
class Keyword:
    """One placeholder of a template: `thing1`, its type `thing`, its label `商品名称`, its line from 1."""

    name: str
    type: str
    label: str
    line: int

    @property
    def is_historic(self) -> bool:
        """Whether only historic templates have a keyword of this name."""
        return _OLD.fullmatch(self.name) is not None


def parse_content(content: str) -> list[Keyword]:
    """The keywords of a template's content, in its order, each once.

    The label is the text before the placeholder on its line, up to the colon (ASCII or full-width).
    """
    found: dict[str, Keyword] = {}
    for number, line in enumerate(content.split("\n"), start=1):
        end = 0
        for placeholder in _PLACEHOLDER.finditer(line):
            name = placeholder[1]
            label = re.split("[:：]", line[end : placeholder.start()])[0].strip()
            found.setdefault(name, Keyword(name, type_of(name), label, number))
            end = placeholder.end()
    return list(found.values())


def broken_placeholder(content: str) -> int | None:
    """Where braces are that no placeholder has, as a number of characters; None without any."""
    blanked = _PLACEHOLDER.sub(lambda found: " " * len(found.group()), content)
    found = _BRACES.search(blanked)
    return found.start() if found is not None else None


def type_of(name: str) -> str:
    """The type that a keyword's name tells: `character_string12` → `character_string`."""
    typed = _TYPED.fullmatch(name)
    return typed[1] if typed is not None and typed[1] in TYPES else HISTORIC
