"""Figures: numbers and amounts of money as the keyword types `number` and `amount` take them."""

import re
import unicodedata
from collections.abc import Iterator

from wxpush.channels.wechat.fault import Fault, doubt, mend_it, shown, too_long, use_filter
from wxpush.i18n import _

MAX_DIGITS, MAX_AMOUNT_DIGITS = 32, 10
PLAIN_NUMBER = r"[0-9]{1,16}(\.[0-9]{1,15})?"
"""The pattern of what is surely a `number`; what doesn't match is looked at by `number_faults`."""
PLAIN_AMOUNT = r"[¥￥$€£]?[0-9]{1,8}(\.[0-9]{1,2})?元?"
_KNOWN_SIGNS = "¥￥$€£"


def number_faults(value: str) -> Iterator[Fault]:
    found = re.fullmatch(r"([-+]?)([0-9]+)(?:\.([0-9]+))?", value)
    if found is None:
        yield _no_number(value, _("digits with an optional decimal point"))
        return
    if found[1]:
        yield _signed(_("Send one message to yourself first, or use a `character_string` keyword."))
    if len(value) > MAX_DIGITS:
        digits = len(found[2] + (found[3] or ""))
        message = too_long(len(value), MAX_DIGITS)
        yield Fault(message, mend_it()) if digits > MAX_DIGITS else doubt(message, mend_it())


def amount_faults(value: str) -> Iterator[Fault]:
    signed = re.fullmatch(r"([^\d+-]?)[-+]([^\d+-]?)([0-9].*)", value)
    if signed is not None and not (signed[1] and signed[2]):
        yield _signed(_("Send one message to yourself first, or use a `thing` keyword."))
        unsigned = "".join(signed.groups())
    else:
        unsigned = value
    found = re.fullmatch(r"(\D?)([0-9]+)(?:\.([0-9]+))?元?", unsigned)
    if found is None or (found[1] and unicodedata.category(found[1]) != "Sc"):
        yield _no_number(value, _("one currency sign, digits with an optional decimal point, 元"))
        return
    if len(found[2]) > MAX_AMOUNT_DIGITS:
        message = _("{count} digits before the decimal point; WeChat takes at most {limit}.")
        yield Fault(message.format(count=len(found[2]), limit=MAX_AMOUNT_DIGITS), mend_it())
    elif len(found[2] + (found[3] or "")) > MAX_AMOUNT_DIGITS:
        message = _("more than {limit} digits, if decimals count; WeChat does not say.")
        yield doubt(message.format(limit=MAX_AMOUNT_DIGITS), use_filter("money"))
    if found[1] and found[1] not in _KNOWN_SIGNS:
        yield doubt(
            _("the currency sign {character} is not among those known to work.").format(
                character=shown(found[1])
            ),
            _("Leave it out, or write the currency in a `thing` keyword."),
        )


def _signed(hint: str) -> Fault:
    """The parameter table has digits only, for numbers as for amounts, and says nothing of a sign."""
    return doubt(_("a sign; whether WeChat takes one is not documented."), hint)


def _no_number(value: str, rule: str) -> Fault:
    message = _('"{value}" is no number as WeChat takes it: {rule}.').format(value=value, rule=rule)
    if re.search(r"[0-9][,，][0-9]", value):
        return Fault(message, use_filter("replace(',', '')"))
    if re.search("[０-９．]", value):
        return Fault(message, _("Write the digits as they are on an English keyboard."))
    return Fault(message, mend_it())
