"""What is doubtful about a row's values before they are in a message: what spreadsheets make of them,
errors of formulas, formulas themselves, numbers cut to `1.2E+10`; and cells that are empty in a text.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from operator import itemgetter
from typing import Any, Final, NamedTuple

from wxpush.campaign.expressions import Expression, paths_of, printed_paths
from wxpush.i18n import _
from wxpush.model import Finding, Severity

ERROR_VALUE: Final = "error_value"
CUT_NUMBER: Final = "cut_number"
FORMULA: Final = "formula"
MINUS_ID: Final = "minus_id"
EMPTY_CELL: Final = "empty_cell"
#: The rules of this room that `checks:` can turn off.
RULES: Final = frozenset({ERROR_VALUE, CUT_NUMBER, FORMULA, MINUS_ID, EMPTY_CELL})
CODES: Final = frozenset({"WX410", "WX411", "WX412", "WX413"})

Path = tuple[str | int, ...]
"""A column, and the keys and numbers that lead on from there in a list of nested values."""

_SEPARATOR: Final = "\0"
"""What no value of a list holds."""
_SUSPECT: Final = re.compile(_SEPARATOR + r"\s*(?:[#=-]|\+?[0-9]+(?:\.[0-9]+)?[eE][-+0-9]|Err:)")
_SUSPECT_OR_EMPTY: Final = re.compile(_SUSPECT.pattern + "|" + _SEPARATOR + rf"\s*(?:{_SEPARATOR}|\Z)")
_ERROR: Final = re.compile(
    r"#(?:N/A|REF!|VALUE!|DIV/0!|NAME\?|NULL!|NUM!|SPILL!|CALC!|FIELD!|BLOCKED!|CONNECT!|BUSY!|UNKNOWN!"
    r"|EXTERNAL!|PYTHON!|TIMEOUT!|ERROR!|GETTING_DATA)|Err:5[0-9]{2}"
)
_TOO_NARROW: Final = re.compile("#{3,}")
_ERROR_NUMBERS: Final = {
    "-2146826246": "#N/A",
    "-2146826259": "#NAME?",
    "-2146826265": "#REF!",
    "-2146826273": "#VALUE!",
    "-2146826281": "#DIV/0!",
    "-2146826288": "#NULL!",
    "-2146826252": "#NUM!",
}
"""What a program that asks Excel for an error's value is given."""
_EXPONENT: Final = re.compile(
    r"[-+]?([0-9]+)(?:\.([0-9]+))?[eE]\+([0-9]{1,3})|[-+]?[0-9]+\.[0-9]+[eE]-?[0-9]{1,3}"
)
_FORMULA: Final = re.compile(r"=\s*[-+@(]*(?:\"|[0-9]|'[^']+'!|[A-Za-z_.]+[(!]|\$?[A-Z]{1,3}\$?[0-9]+\b)")
_LONGEST_SHOWN: Final = 40


class Damage:
    """Looks at the values of a row that a campaign's expressions use, whatever they do with them."""

    def __init__(self, expressions: Mapping[str, Expression], expires: str | None) -> None:
        """`expressions` by their place in the campaign, `expires` the column of `expires:`."""
        self._sources = {where: expression.source for where, expression in expressions.items()}
        self._readers: dict[Path, list[str]] = {}
        for where, expression in expressions.items():
            for path in paths_of(expression):
                self._readers.setdefault(path, []).append(where)
        if expires is not None:
            self._readers.setdefault((expires,), []).append("expires")
        self._printed = {
            path: where
            for where, expression in reversed(list(expressions.items()))
            if where not in ("to", "when")
            for path in printed_paths(expression)
        }
        """Where an empty cell leaves a hole in a text, the first place of each."""
        self._suspect = _SUSPECT_OR_EMPTY if self._printed else _SUSPECT
        person = paths_of(expressions["to"])
        if len(person) == 1:  # an openid has a rule of its own
            self._readers.pop(next(iter(person)), None)
        self._pick = _picker([path[0] for path in self._readers])
        self._when = [path for path, readers in self._readers.items() if "when" in readers]

    def suspects(self, values: Mapping[str, Any]) -> bool:
        """Whether a row needs a closer look; most have none."""
        try:
            return self._suspect.search(_SEPARATOR + _SEPARATOR.join(self._pick(values))) is not None
        except (KeyError, TypeError):  # a lacking column, or values in groups
            return True

    def findings(self, values: Mapping[str, Any]) -> list[Finding]:
        """What is damaged, one finding a value."""
        return list(self._findings(values, self._readers))

    def of_condition(self, values: Mapping[str, Any]) -> list[Finding]:
        """The same of what the condition reads: whom it leaves out, it may leave out for that."""
        return list(self._findings(values, self._when))

    def holes(self, values: Mapping[str, Any]) -> list[Finding]:
        """The empty cells in the midst of a text: a doubt each."""
        found = []
        for path, where in self._printed.items():
            value = _at(values, path)
            if isinstance(value, str) and not value.strip():
                doubted = _Value("", path, [where])
                message = _('column "{column}" is empty: the text goes out without it.')
                hint = _("Write {{ … | default('…') }}; or if that is meant: checks: {empty_cell: off}")
                found.append(replace(doubted.doubt(EMPTY_CELL, "WX414", message, hint), advice=True))
        return found

    def readers(self, found: Finding) -> list[str]:
        """The places in the campaign that read what a finding is about."""
        return [
            where for path, readers in self._readers.items() if path[0] == found.cell for where in readers
        ]

    def _findings(self, values: Mapping[str, Any], paths: Iterable[Path]) -> Iterator[Finding]:
        for path in paths:
            readers = self._readers[path]
            for text in _texts(values, path):
                # Who writes the value into the campaign knows of it.
                known = any(text in self._sources.get(where, "") for where in readers)
                found = None if known else _damage(_Value(text, path, readers))
                if found is not None:
                    yield found


def _picker(columns: list[Any]) -> Callable[[Mapping[str, Any]], tuple[str, ...]]:
    # itemgetter makes a tuple of two columns or more.
    return itemgetter(*columns, *columns[:1]) if columns else lambda _values: ()


def _texts(values: Mapping[str, Any], path: Path) -> Iterator[str]:
    """The texts at `path` and below it, without blanks at their ends; empty ones left out."""
    waiting: list[Any] = [_at(values, path)]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            if text := value.strip():
                yield text
        elif isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _at(values: Mapping[str, Any], path: Path) -> Any:
    value: Any = values
    for key in path:
        if isinstance(value, str):  # a part of a text
            return value
        try:
            value = value[key]
        except (LookupError, TypeError):
            return None
    return value


class _Value(NamedTuple):
    """A text of the list, and who reads it."""

    text: str
    path: Path
    readers: list[str]

    def error(self, rule: str, code: str, message: str, hint: str, **more: object) -> Finding:
        """A finding about it; `message` may name the {column}, the {value} and `more`."""
        text = self.text
        shown = text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"
        message = message.format(column=".".join(map(str, self.path)), value=shown, **more)
        return Finding(self.readers[0], rule, code, message, hint, cell=str(self.path[0]))

    def doubt(self, rule: str, code: str, message: str, hint: str) -> Finding:
        """The same as a warning."""
        return replace(self.error(rule, code, message, hint), severity=Severity.WARNING)


def _damage(value: _Value) -> Finding | None:
    text = value.text
    if (cut := _EXPONENT.fullmatch(text)) is not None:
        return _cut_number(value, cut)
    if len(text) > 1 and text[0] == "=":
        return _formula(value)
    found = _error_value(value)
    if found is None and len(text) > 1 and text[0] == "-" and "key" in value.readers:
        message = _('column "{column}": the id "{value}" begins with -, as a number below zero does.')
        hint = _("See that it is as it was; else format the column as text, and export again.")
        return replace(value.doubt(MINUS_ID, "WX413", message, hint), advice=True)
    return found


def _error_value(value: _Value) -> Finding | None:
    text = value.text
    hint = _("Mend the formula in the spreadsheet and export again, or leave the row out.")
    if _ERROR.fullmatch(text):
        message = _('column "{column}" holds the error {value} of a spreadsheet.')
    elif text in _ERROR_NUMBERS:
        message = _('column "{column}": {value} is the number of a spreadsheet\'s error {error}.')
    elif _TOO_NARROW.fullmatch(text):
        message = _('column "{column}" holds {value}, as a spreadsheet shows what it has no room for.')
        hint = _("Make the column wider in the spreadsheet, and export again.")
    else:
        return None
    return value.error(ERROR_VALUE, "WX410", message, hint, error=_ERROR_NUMBERS.get(text, text))


def _cut_number(value: _Value, cut: re.Match[str]) -> Finding:
    """An exponent says how many digits there were; those that aren't written are lost."""
    hint = _("Format the column as text in the spreadsheet where the numbers are whole, and export again.")
    shown = len(cut[1] or "") + len(cut[2] or "")
    digits = len(cut[1] or "") + int(cut[3] or 0)
    if shown >= digits:
        message = _('column "{column}": {value} is how a spreadsheet shows a number.')
        return value.doubt(CUT_NUMBER, "WX411", message, hint)
    message = _('column "{column}": {value} was a number of {digits} digits; only {shown} of them are left.')
    return value.error(CUT_NUMBER, "WX411", message, hint, digits=digits, shown=shown)


def _formula(value: _Value) -> Finding:
    hint = _("Export the values of the cells, not their formulas.")
    if _FORMULA.match(value.text):
        message = _('column "{column}" holds a formula, {value}.')
        return value.error(FORMULA, "WX412", message, hint)
    message = _('column "{column}": "{value}" begins with =, as a formula does.')
    return value.doubt(FORMULA, "WX412", message, hint)
