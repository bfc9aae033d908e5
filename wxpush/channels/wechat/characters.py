"""Characters that a value of a template message should not hold: controls, emoji, invisible ones."""

import re
from collections.abc import Iterator

from wxpush.channels.wechat.fault import Fault, doubt, shown
from wxpush.i18n import _

CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SURROGATES = re.compile("[\ud800-\udfff]")
"""Halves of a character: they can't be written as UTF-8 at all."""

# Unicode's emoji data, version 15: what is shown as a picture by itself or after U+FE0F.
_EMOJI = re.compile(
    "[\u200d\u20e3\ufe0f\u231a\u231b\u2328\u23cf\u23e9-\u23f3\u23f8-\u23fa\u25fd\u25fe\u2600-\u2604\u260e\u2611"
    "\u2614\u2615\u2618\u261d\u2620\u2622\u2623\u2626\u262a\u262e\u262f\u2638-\u263a\u2640\u2642\u2648-\u2653"
    "\u265f\u2660\u2663\u2665\u2666\u2668\u267b\u267e\u267f\u2692-\u2697\u2699\u269b\u269c\u26a0\u26a1\u26a7"
    "\u26aa\u26ab\u26b0\u26b1\u26bd\u26be\u26c4\u26c5\u26c8\u26ce\u26cf\u26d1\u26d3\u26d4\u26e9\u26ea"
    "\u26f0-\u26f5\u26f7-\u26fa\u26fd\u2702\u2705\u2708-\u270d\u270f\u2712\u2714\u2716\u271d\u2721\u2728\u2733"
    "\u2734\u2744\u2747\u274c\u274e\u2753-\u2755\u2757\u2763\u2764\u2795-\u2797\u27a1\u27b0\u27bf\u2934\u2935"
    "\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\U0001f000-\U0001faff]"
)
_INVISIBLE = re.compile("[\xad\u061c\u180e\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]")


def half_character(value: str) -> Fault | None:
    """The fault where the value can't be sent in any keyword."""
    found = _SURROGATES.search(value)
    if found is None:
        return None
    message = _("half a character ({character}), which can't be sent.")
    return Fault(
        message.format(character=shown(found.group())), _("Write the text anew; a list, export it anew.")
    )


def control_faults(value: str) -> Iterator[Fault]:
    """An error for the first line break or other control character."""
    found = CONTROLS.search(value)
    if found is None:
        return
    if found.group() in "\r\n\u2028\u2029":
        yield Fault(_("a line break, which WeChat refuses here."), _("Write it in one line."))
    else:
        yield Fault(
            _("the control character {character}, which WeChat refuses here.").format(
                character=shown(found.group())
            ),
            _("Remove it."),
        )


def picture_doubts(value: str) -> Iterator[Fault]:
    """Warnings for emoji, which WeChat strips or refuses, and for characters that nobody can see."""
    found = _EMOJI.search(value)
    if found is not None:
        yield doubt(
            _("the emoji {character}, which WeChat may strip or refuse.").format(
                character=shown(found.group())
            ),
            _("Leave emoji out."),
        )
    found = _INVISIBLE.search(value)
    if found is not None:
        yield doubt(
            _("the invisible character {character}.").format(character=shown(found.group())),
            _("Remove it."),
        )
