"""The question before sending, and what counts as a yes."""

from typing import Protocol

from wxpush.console import words
from wxpush.i18n import _, ngettext

#: From so many people on, a slip of the finger must not be enough.
TYPE_THE_NUMBER_FROM = 1_000
_YES = frozenset({"y", "yes", "是", "好", "确认"})


class Asked(Protocol):
    """Something to agree to: `people` is None where the number isn't known."""

    @property
    def people(self) -> int | None:
        """How many get a message."""


def must_type_number(plan: Asked) -> bool:
    """Whether the number has to be typed instead of a yes."""
    return plan.people is not None and plan.people >= TYPE_THE_NUMBER_FROM


def question(plan: Asked, when: str | None = None) -> str:
    """What is asked, with a blank at its end for the answer; `when` it is sent, if not now."""
    if when is not None and not must_type_number(plan):
        return _("Send at {moment}? [y/N]").format(moment=when) + " "
    if plan.people is None:
        return _("Send now? [y/N]") + " "
    count = words.number(plan.people)
    if must_type_number(plan):
        return _("Type the number {count} to send, anything else not to:").format(count=count) + " "
    text = ngettext("Send {count} message now? [y/N]", "Send {count} messages now? [y/N]", plan.people)
    return text.format(count=count) + " "


def says_yes(answer: str) -> bool:
    """Whether `answer` is a yes, in either language."""
    return answer.strip().rstrip("。.!！").lower() in _YES


def is_yes(plan: Asked, answer: str) -> bool:
    """Whether `answer` agrees to `plan`; a number may be typed with separators."""
    if not must_type_number(plan):
        return says_yes(answer)
    digits = "".join(char for char in answer.strip() if char not in ",，_ ")
    return digits.isdecimal() and int(digits) == plan.people
