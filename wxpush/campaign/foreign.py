"""Placeholders as other programs write them, `{name}` or `%name%`: here they are texts, sent as they are."""

import re
from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from wxpush.campaign.expressions import Expression, as_written, fixed_pieces
from wxpush.campaign.lint import severity_of
from wxpush.campaign.render import Renderer
from wxpush.campaign.schema import Campaign
from wxpush.i18n import _
from wxpush.model import Problem

PLACEHOLDER: Final = "placeholder"
_WORD: Final = r"\s*([^\W\d][\w.]{0,60}?)(?:\.DATA)?\s*"
_SURE: Final = re.compile(r"[｛{]{2}" + _WORD + r"[｝}]{2}|\$[{｛]" + _WORD + r"[}｝]|｛｛|｝｝")
"""What nobody writes for anything else."""
_LIKELY: Final = re.compile(r"[{｛]" + _WORD + r"[}｝]|%(?=" + _WORD + "%)")
"""What is a placeholder where a column has the name."""
_ENDING: Final = "}}"


class _Foreign(NamedTuple):
    """A placeholder as it is written, and the column that it names; "" where it names none."""

    written: str
    column: str


def foreign_placeholders(
    campaign: Campaign, renderer: Renderer, columns: Collection[str] | None
) -> list[Problem]:
    """One problem for each text that holds any. `columns` is None where those of the list aren't known."""
    severity = severity_of(campaign, PLACEHOLDER)
    if severity is None:
        return []
    known = set(columns or ())
    for expression in renderer.expressions.values():
        known |= expression.required | expression.optional
    problems = []
    for where, expression in renderer.expressions.items():
        found = list(dict.fromkeys(_in_text(expression, known))) if where != "when" else []
        if found:
            message = _("{where}: {written} is no placeholder here, and is sent as it is.").format(
                where=where, written=", ".join(f"“{one.written}”" for one in found)
            )
            path = tuple(where.split(".", 1))
            problems.append(
                campaign.document.problem(path, "WX216", message, _hint(found), severity=severity)
            )
    return problems


def _in_text(expression: Expression, columns: Collection[str]) -> Iterator[_Foreign]:
    pieces = [piece for piece in fixed_pieces(expression) if piece]
    left = []
    for piece in pieces:
        for found in _SURE.finditer(piece):
            yield _Foreign(found.group(), found[1] or found[2] or "")
        rest = _SURE.sub("", piece)
        left.append(rest)
        for found in _LIKELY.finditer(rest):
            if (word := found[1] or found[2]) in columns:
                yield _Foreign(found.group() if found[1] else f"%{word}%", word)
    # JSON ends with }} as well, but has opened what it closes.
    together = "".join(left)
    if _ENDING in together and together.count("}") > together.count("{"):
        yield _Foreign(_ENDING, "")


def _hint(found: list[_Foreign]) -> str:
    named = list(dict.fromkeys(as_written(one.column) for one in found if one.column))
    if named:
        return _("Write it like this: {expression}").format(expression=", ".join(named))
    return _("Take it out, or write {{ product }} in half-width braces for a column.")
