"""What is wrong with an expression that can't be read: in our words, with its place and the remedy."""

import re
import unicodedata
from typing import Final

from jinja2 import TemplateSyntaxError

from wxpush.campaign.expressions.allowed import ExpressionError, odd_column_hint
from wxpush.i18n import _

_CHARACTER: Final = re.compile(r"unexpected char (.+) at (\d+)", re.DOTALL)
_EXTRA: Final = re.compile(r"expected token '(?:end of \w+ statement|\)|,)', got '(.+)'", re.DOTALL)
_OPEN: Final = re.compile(r"unexpected '.', expected '([)\]}])'")
_UNOPENED: Final = re.compile(r"unexpected '([)\]])'")
_TAG: Final = re.compile(r"Encountered unknown tag '(\w+)'")
_OPENING: Final = {")": "(", "]": "[", "}": "{"}
_NARROW: Final = {"“": '"', "”": '"', "‘": "'", "’": "'", "「": '"', "」": '"', "。": ".", "、": ","}


def unreadable(error: TemplateSyntaxError, source: str, *, before: int = 0) -> ExpressionError:
    """The fault as it is told; `before` are the characters of `source` in front of what was written."""
    said = str(error.message)
    if found := _CHARACTER.fullmatch(said):
        place = int(found[2])
        return _at(_of_character(source[place : place + 1]), place - before)
    if (found := _EXTRA.fullmatch(said)) and found[1] not in _OPENING and not found[1].startswith("end of"):
        return _of_extra(found[1])
    if found := _TAG.match(said):
        return _of_tag(found[1])
    return _of_bounds(said, source, before)


def _told(message: str, hint: str) -> ExpressionError:
    return ExpressionError("WX205", message, hint)


def _at(fault: ExpressionError, offset: int) -> ExpressionError:
    fault.offset = offset
    return fault


def _of_character(character: str) -> ExpressionError:
    if character in ("'", '"'):
        message = _("the quote that opens here is never closed.")
        return _told(message, _("Close it within the expression: {{ nickname | default('朋友') }}"))
    narrow = _NARROW.get(character) or unicodedata.normalize("NFKC", character)
    if narrow != character and narrow.isascii():
        message = _("“{character}” is a full-width character.").format(character=character)
        return _told(message, _("Write {character} instead.").format(character=narrow))
    message = _("“{character}” means nothing in an expression.").format(character=character)
    hint = _("Write and, or and not; a choice is written {{ 'VIP' if level == '3' else '会员' }}.")
    return _told(message, hint)


def _of_extra(word: str) -> ExpressionError:
    if word == "=":
        return _told(_("a single `=`."), _("Write == to compare, like: status == 'paid'"))
    return _told(_("`{word}` can't follow what stands before it.").format(word=word), odd_column_hint())


def _of_tag(name: str) -> ExpressionError:
    message = _("there is no {tag} here.").format(tag=f"{{% {name} %}}")
    if name in ("endif", "else", "elif"):
        message = _("{tag} stands here without its {opening}.").format(
            tag=f"{{% {name} %}}", opening="{% if … %}"
        )
    return _told(message, _("A choice is written {% if vip %} … {% else %} … {% endif %}."))


def _of_bounds(said: str, source: str, before: int) -> ExpressionError:
    """Something that isn't closed, isn't opened, or breaks off."""
    like = _("Write it like this: {expression}").format(expression="{{ product }}")
    if "Jinja was looking for the following tags" in said:
        return _told(
            _("{opening} is never closed.").format(opening="{% if … %}"), _("Write {% endif %} after it.")
        )
    if said == "Missing end of comment tag":
        message = _("{opening} is never closed.").format(opening="{#")
        return _at(
            _told(message, _("A remark ends with {closing}.").format(closing="#}")), source.rfind("{#")
        )
    if (found := _OPEN.fullmatch(said)) and found[1] != "}":
        message = _("{opening} is never closed.").format(opening=_OPENING[found[1]])
        return _told(message, _("Write {character} where it ends.").format(character=found[1]))
    if said.startswith("unexpected end of template") or said == "unexpected '}'":
        message = _("{opening} is never closed.").format(opening="{{")
        return _at(_told(message, like), -1 if before else source.rfind("{{"))
    if said.startswith("Expected an expression, got 'end of print"):
        place = re.search(r"\{\{[-+]?\s*[-+]?\}\}", source)
        message = _("there is nothing between {{ and }}.")
        return _at(_told(message, like), -1 if place is None else place.start())
    if (found := _UNOPENED.fullmatch(said)) and (not before or source.count(")") > source.count("(")):
        message = _("{closing} closes what nothing has opened.").format(closing=found[1])
        return _told(
            message, _("Take it out, or write {character} before it.").format(character=_OPENING[found[1]])
        )
    if "end of " in said or found is not None:
        hint = _("Complete it, or take out what stands last.")
        return _told(_("the expression breaks off before it is complete."), hint)
    return _told(_("the expression can't be read: {reason}.").format(reason=said.rstrip(".")), like)
