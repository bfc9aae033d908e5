"""A fault: what is wrong with one value, and how to mend it."""

from dataclasses import dataclass

from wxpush.i18n import _
from wxpush.model import Severity


@dataclass(frozen=True, slots=True)
class Fault:
    """Message and hint in the language in force; a warning where the rule is not certain."""

    message: str
    hint: str = ""
    severity: Severity = Severity.ERROR


def doubt(message: str, hint: str = "") -> Fault:
    """A fault by a rule that WeChat doesn't publish, or that it doesn't enforce by an error."""
    return Fault(message, hint, Severity.WARNING)


def shown(character: str) -> str:
    """The character as a person can recognise it: quoted, or by its number where it can't be seen."""
    return f'"{character}"' if character.isprintable() and character != " " else f"U+{ord(character):04X}"


def use_filter(call: str) -> str:
    """The remedy that lies in the campaign: pass the value through a filter."""
    return _("In the campaign, write {example}.").format(example="{{ … | " + call + " }}")


def mend_it() -> str:
    """The remedy where no filter helps."""
    return _("Mend the value, or use another keyword of the template.")


def too_long(count: int, limit: int) -> str:
    """The message where a value has more characters than its type takes."""
    return _("{count} characters; WeChat takes at most {limit} here.").format(count=count, limit=limit)
