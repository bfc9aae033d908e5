"""What each keyword type lets through, with the reason and the remedy where a value breaks its rule.

Source: the parameter table of subscription messages, which the documentation refers to for category
templates. What the table leaves open is a warning: `short_thing`, signs and lengths of numbers, blanks.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from wxpush.channels.wechat.characters import CONTROLS, control_faults, half_character, picture_doubts
from wxpush.channels.wechat.fault import Fault, doubt, mend_it, shown, too_long, use_filter
from wxpush.channels.wechat.figures import PLAIN_AMOUNT, PLAIN_NUMBER, amount_faults, number_faults
from wxpush.channels.wechat.keywords import HISTORIC
from wxpush.channels.wechat.moments import PLAIN_DATE, PLAIN_TIME, date_faults, time_faults
from wxpush.i18n import _
from wxpush.model import Finding

Faults = Callable[[str], Iterator[Fault]]

THING, SHORT_THING, FOLDED, PHRASE, SYMBOL, CAR, PHONE, STRING = 20, 10, 20, 5, 5, 8, 17, 32
"""The most characters of a value, in code points."""
NAME_CHINESE, NAME_LETTERS = 10, 20
"""A name's most characters with Chinese ones in it, and without."""

_TEXT = (
    r" -~\u00a1-\u00ac\u00af-\u024f\u2010-\u2027\u2030-\u205e\u20a0-\u20bf\u2150-\u218f"
    r"\u3001-\u3029\u3400-\u4dbf\u4e00-\u9fff\uff01-\uffe6"
)
"""Characters that no rule about characters speaks of."""
_HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_CHINESE = f"[{_HAN}]"
_STRANGE_MOMENT = r"[^0-9年月日:/.~\s-]"
_NEVER = "(?!)"
"""A pattern that nothing matches."""


@dataclass(frozen=True, slots=True)
class Type:
    """A keyword type: `plain` matches what surely passes, `faults` tells what is wrong with the rest.

    `pictures` says that emoji need a word of their own, since the type's rule does not forbid them;
    `strange` is a character that no value can have, where the type takes values of a form, of which a part
    says nothing. Where it is empty, what is wrong with a part is wrong with the whole.
    """

    code: str
    form: str
    """The pattern that what surely passes has."""
    faults: Faults
    pictures: bool = False
    strange: str = ""

    @property
    def plain(self) -> re.Pattern[str]:
        """`form`, compiled when its first keyword is met: no template has them all."""
        return re.compile(self.form)


def check_value(type_: str, value: str, *, allowed: Sequence[str] = (), where: str = "") -> list[Finding]:
    """What speaks against `value` in a keyword of this type; empty where nothing does.

    `allowed` are the approved values of a `const` or `enum`, () where they are not known. An empty value
    is no matter of its type: it is for the caller to refuse.
    """
    known = TYPES.get(type_, TYPES[HISTORIC])
    if not value or (not allowed and known.plain.fullmatch(value)):
        return []
    if (half := half_character(value)) is not None:
        # A rule of its own, so that no campaign can turn off what can't be sent at all.
        return [Finding(where, "text", "WX510", half.message, half.hint)]
    faults = _not_among(value, allowed) if allowed else _type_faults(known, value)
    return [Finding(where, type_, known.code, fault.message, fault.hint, fault.severity) for fault in faults]


def check_fixed(type_: str, text: str, where: str) -> list[Finding]:
    """What speaks against every value that has `text` in it, whatever else is put in for a row."""
    known = TYPES.get(type_, TYPES[HISTORIC])
    if not known.strange:
        return check_value(type_, text, where=where)
    found = re.search(known.strange, text)
    if found is None:
        return []
    message = _("{character} can't be in it, whatever is put in.").format(character=shown(found.group()))
    return [Finding(where, type_, known.code, message, _("Take it out, or use another keyword."))]


def _type_faults(known: Type, value: str) -> Iterator[Fault]:
    if known is TYPES[HISTORIC]:
        yield from known.faults(value)
    else:
        yield from control_faults(value)
        yield from known.faults(CONTROLS.sub(" ", value))
    if known.pictures:
        yield from picture_doubts(value)


def _not_among(value: str, allowed: Sequence[str]) -> Iterator[Fault]:
    if value not in allowed:
        yield Fault(
            _('"{value}" is none of its approved values: {allowed}.').format(
                value=value, allowed=", ".join(allowed)
            ),
            _("Use one of them; new ones are approved in the console, then added to `allowed`."),
        )


def _at_most(limit: int) -> Faults:
    def faults(value: str) -> Iterator[Fault]:
        count = len(value)
        hint = use_filter(f"shorten({limit})")
        if count > limit:
            yield Fault(too_long(count, limit), hint)
        elif len(value.encode("utf-16-le")) // 2 > limit:
            yield doubt(
                _("{count} characters, but more than {limit} if rare ones count as two.").format(
                    count=count, limit=limit
                ),
                hint,
            )

    return faults


def _short_thing(value: str) -> Iterator[Fault]:
    if len(value) > SHORT_THING:
        yield doubt(
            _("{count} characters; WeChat publishes no limit, about {limit} are safe.").format(
                count=len(value), limit=SHORT_THING
            ),
            use_filter(f"shorten({SHORT_THING})"),
        )


def _only(wanted: str, rule: Callable[[], str], limit: int, remedy: Callable[[], str]) -> Faults:
    """At most `limit` characters, each matching `wanted`; names the first that does not."""

    def faults(value: str) -> Iterator[Fault]:
        for place, character in enumerate(value, start=1):
            if re.match(wanted, character) is None:
                yield Fault(
                    _("character {place}, {character}, does not belong here: {rule}").format(
                        place=place, character=shown(character), rule=rule()
                    ),
                    mend_it(),
                )
                break
        if len(value) > limit:
            yield Fault(too_long(len(value), limit), remedy())

    return faults


def _name(value: str) -> Iterator[Fault]:
    chinese = re.search(_CHINESE, value) is not None
    limit = NAME_CHINESE if chinese else NAME_LETTERS
    if len(value) > limit:
        message = (
            _("{count} characters; a name with Chinese ones may have {limit}.")
            if chinese
            else _("{count} characters; a name of letters may have {limit}.")
        )
        yield Fault(message.format(count=len(value), limit=limit), use_filter(f"shorten({limit})"))
    if re.search(r"\d", value):
        yield doubt(_("a digit; WeChat speaks of letters, symbols and Chinese characters only."), mend_it())


def _car_number(value: str) -> Iterator[Fault]:
    if len(value) > CAR:
        yield Fault(too_long(len(value), CAR), mend_it())
    elif re.search(r"[·•\s-]", value):
        yield Fault(_("a dot, hyphen or blank in it."), use_filter("replace('·', '')"))
    else:
        yield Fault(
            _("no number plate: letters and digits, Chinese only as first and last character."),
            mend_it(),
        )


def _historic(value: str) -> Iterator[Fault]:
    if len(value) > FOLDED:
        message = _("{count} characters; a historic template shows {limit} and folds the rest.")
        yield doubt(message.format(count=len(value), limit=FOLDED), use_filter(f"shorten({FOLDED})"))
    if CONTROLS.search(value):
        yield doubt(
            _("a line break or control character; what follows it may be lost."),
            _("Write it in one line."),
        )


def _nothing(_value: str) -> Iterator[Fault]:
    """A `const` or `enum` whose values are not known: the template says so once."""
    yield from ()


def _ascii_rule() -> str:
    return _("only digits, Latin letters and ASCII symbols.")


def _letters_rule() -> str:
    return _("only Latin letters.")


def _symbols_rule() -> str:
    return _("only symbols, no letters, digits or Chinese.")


def _phone_rule() -> str:
    return _("only digits and symbols.")


def _chinese_rule() -> str:
    return _("only Chinese characters.")


def _cut(limit: int) -> Callable[[], str]:
    return lambda: use_filter(f"shorten({limit}, '')")


TYPES: dict[str, Type] = {
    "thing": Type("WX511", f"[{_TEXT}]{{1,{THING}}}", _at_most(THING), pictures=True),
    "short_thing": Type("WX512", f"[{_TEXT}]{{1,{SHORT_THING}}}", _short_thing, pictures=True),
    "number": Type("WX513", PLAIN_NUMBER, number_faults, strange=r"[^0-9.+\s-]"),
    "letter": Type(
        "WX514",
        f"[A-Za-z]{{1,{STRING}}}",
        _only("[A-Za-z]", _letters_rule, STRING, _cut(STRING)),
    ),
    "symbol": Type(
        "WX515",
        rf"[!-/:-@\[-`{{-~]{{1,{SYMBOL}}}",
        _only(r"[\W_]", _symbols_rule, SYMBOL, _cut(SYMBOL)),
        pictures=True,
    ),
    "character_string": Type(
        "WX516",
        f"[ -~]{{1,{STRING}}}",
        _only("[ -~]", _ascii_rule, STRING, _cut(STRING)),
    ),
    "time": Type("WX517", PLAIN_TIME, time_faults, strange=_STRANGE_MOMENT),
    "date": Type("WX518", PLAIN_DATE, date_faults, strange=_STRANGE_MOMENT),
    "amount": Type("WX519", PLAIN_AMOUNT, amount_faults, strange=r"[^\W\d元]|[,，]"),
    "phone_number": Type(
        "WX520",
        rf"[ -@\[-`{{-~]{{1,{PHONE}}}",
        _only(r"[ -@\[-`{-~]", _phone_rule, PHONE, mend_it),
    ),
    "car_number": Type(
        "WX521",
        f"[{_HAN}A-Za-z0-9](?:[A-Za-z0-9]{{0,6}}[{_HAN}A-Za-z0-9])?",
        _car_number,
        strange=r"[·•\s-]",
    ),
    "name": Type(
        "WX522",
        r"[\u4e00-\u9fff·*]{1,10}|[A-Za-z .'*·-]{1,20}",
        _name,
        pictures=True,
    ),
    "phrase": Type(
        "WX523",
        f"[{_HAN}]{{1,{PHRASE}}}",
        _only(_CHINESE, _chinese_rule, PHRASE, _cut(PHRASE)),
    ),
    "const": Type("WX524", f"[{_TEXT}]+", _nothing, strange=_NEVER),
    "enum": Type("WX525", f"[{_TEXT}]+", _nothing, strange=_NEVER),
    HISTORIC: Type("WX526", f"[{_TEXT}]{{1,{FOLDED}}}", _historic, pictures=True),
}
"""Every type by name; the numbers of the problem codes are for good."""
