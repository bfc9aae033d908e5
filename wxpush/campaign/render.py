"""One compiled render per row: a campaign's expressions and a recipient become the parts of a message."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from typing import Any, NamedTuple

from jinja2 import UndefinedError

from wxpush.campaign.expressions import (
    ROW,
    TODAY,
    Expression,
    as_written,
    compile_parts,
    fixed_pieces,
    meant_column,
    parse_condition,
    parse_text,
    tests_of,
)
from wxpush.campaign.expressions.environment import text_as_number
from wxpush.campaign.filters import MAX_RESULT, ValueProblemError, unreckonable
from wxpush.campaign.schema import Campaign
from wxpush.errors import InputError
from wxpush.i18n import _
from wxpush.model import Finding, Recipient

# Neither a campaign nor a list may hold it, so that it can part what is rendered in one go.
_SEPARATOR = "\0"
LACKING = "WX401"
"""The code of a value that the row doesn't have."""
_FAULTS = (UndefinedError, ValueError, ArithmeticError, TypeError)


class Rendered(NamedTuple):
    """What one row's expressions say; every text is without blanks at its ends."""

    key: str
    to: str
    data: dict[str, str]
    url: str | None
    miniprogram: dict[str, str] | None

    def text_at(self, where: str) -> str | None:
        """The text at a place in the campaign, such as `data.thing1`."""
        group, _dot, name = where.partition(".")
        found = getattr(self, group)
        return found.get(name) if isinstance(found, dict) else found


class RowError(InputError):
    """A row that can't be rendered: `findings` says which expressions failed, and why."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        self.findings = findings
        super().__init__("\n".join(f"{found.where}: {found.message}" for found in findings))


class Renderer:
    """A campaign's expressions, compiled once. Raises ExpressionError for one that can't be."""

    def __init__(self, campaign: Campaign) -> None:
        self._today = campaign.today.isoformat()
        texts = {"to": campaign.to, "key": campaign.key, "url": campaign.url}
        if campaign.miniprogram:
            texts["miniprogram.appid"] = campaign.miniprogram.appid
            texts["miniprogram.pagepath"] = campaign.miniprogram.pagepath
        texts |= {f"data.{keyword}": text for keyword, text in campaign.data.items()}
        self._keywords = tuple(campaign.data)
        self._parts = {where: parse_text(text) for where, text in texts.items() if text is not None}
        self._others = tuple(where for where in self._parts if not where.startswith("data."))
        self._only_to = self._others == ("to",)
        self._when = parse_condition(campaign.when) if campaign.when else None
        self._all = compile_parts(self._parts.values(), _SEPARATOR)
        self._to = compile_parts([self._parts["to"]], "")
        self._key = compile_parts([self._parts.get("key", self._parts["to"])], "")
        self._wanted = compile_parts([self._when], "") if self._when else None
        self._alone: dict[str, Callable[[Mapping[str, Any]], str]] = {}

    @property
    def expressions(self) -> dict[str, Expression]:
        """Every expression by its place in the campaign: `to`, `data.thing1`, `when`."""
        return self._parts | ({"when": self._when} if self._when else {})

    def render(self, recipient: Recipient) -> Rendered:
        """Everything that the row's message consists of; raises RowError with all its findings."""
        values = self._values(recipient)
        try:
            text = self._all(values)
        except _FAULTS:
            raise self._explained(values) from None
        texts = [part.strip() for part in text.split(_SEPARATOR)]
        if len(texts) != len(self._parts) or (len(text) > MAX_RESULT and max(map(len, texts)) > MAX_RESULT):
            raise self._explained(values)
        return self._assembled(texts)

    def constants(self) -> dict[str, str]:
        """The texts that read the same in every message, rendered, by their place in the campaign."""
        values, found = {TODAY: self._today, ROW: {}}, dict[str, str]()
        for where, expression in self._parts.items():
            if not expression.required | expression.optional:
                with suppress(*_FAULTS):
                    found[where] = compile_parts([expression], "")(values).strip()
        return found

    def fixed_pieces(self) -> dict[str, tuple[str | None, ...]]:
        """Of each text that changes with the row what doesn't, by its place in the campaign.

        None stands where something is put in. Texts without anything fixed are left out.
        """
        found = {}
        for where, expression in self._parts.items():
            if expression.required | expression.optional:
                pieces = fixed_pieces(expression)
                if any(pieces):
                    found[where] = pieces
        return found

    def constant_condition(self) -> bool:
        """Whether a `when` without a column in it holds."""
        return self.wanted(Recipient(0, 0, {}))

    def to(self, recipient: Recipient) -> str:
        """Whom the row's message is for; raises RowError."""
        return self._single("to", self._to, recipient).strip()

    def key(self, recipient: Recipient) -> str:
        """The row's key alone; raises RowError."""
        return self._single("key", self._key, recipient).strip()

    def wanted(self, recipient: Recipient) -> bool:
        """Whether the campaign's `when` holds for the row; raises RowError."""
        if self._wanted is None:
            return True
        return self._single("when", self._wanted, recipient) != ""

    def _single(self, where: str, run: Callable[[Mapping[str, Any]], str], recipient: Recipient) -> str:
        values = self._values(recipient)
        try:
            return run(values)
        except _FAULTS as error:
            raise RowError((_finding(where, error, values),)) from None

    def _values(self, recipient: Recipient) -> dict[str, Any]:
        return {TODAY: self._today, **recipient.values, ROW: recipient.values}

    def _assembled(self, texts: list[str]) -> Rendered:
        data = dict(zip(self._keywords, texts[len(self._others) :], strict=True))
        if self._only_to:
            return Rendered(texts[0], texts[0], data, None, None)
        others = dict(zip(self._others, texts, strict=False))
        appid = others.get("miniprogram.appid")
        pagepath = others.get("miniprogram.pagepath")
        miniprogram = None
        if appid:
            miniprogram = {"appid": appid, "pagepath": pagepath} if pagepath else {"appid": appid}
        return Rendered(
            others.get("key", others["to"]), others["to"], data, others.get("url") or None, miniprogram
        )

    def _explained(self, values: Mapping[str, Any]) -> RowError:
        """Render each part by itself, slowly, to name all that fail."""
        findings: dict[tuple[str, str], Finding] = {}
        for where, expression in self._parts.items():
            run = self._alone.setdefault(where, compile_parts([expression], ""))
            try:
                found = _outsized(where, run(values).strip())
            except _FAULTS as error:
                found = _finding(where, error, values)
            if found:
                # A column that five expressions lack is one fault of the row.
                findings.setdefault((found.code, found.message), found)
        return RowError(tuple(findings.values()))


def _outsized(where: str, text: str) -> Finding | None:
    if len(text) > MAX_RESULT:
        message = _("{count} characters; {limit} is the most that can be sent.")
        message = message.format(count=len(text), limit=MAX_RESULT)
        return _found(where, "WX404", message, _("Use {{ … | shorten(20) }}."))
    if _SEPARATOR in text:
        return _found(where, "WX404", _("the value holds a NUL character."), _("Remove it."))
    return None


def _found(where: str, code: str, message: str, hint: str) -> Finding:
    return Finding(where, "render", code, message, hint)


def _finding(where: str, error: Exception, values: Mapping[str, Any]) -> Finding:
    if isinstance(error, UndefinedError):
        return _lacking(where, str(error), values)
    if isinstance(error, ValueProblemError):
        return _found(where, error.code, error.message, error.hint)
    if isinstance(error, ArithmeticError):
        hint = _("Fix the row, or leave it out with `send --skip-invalid`.")
        return _found(where, "WX403", unreckonable(), hint)
    fault = text_as_number()
    return _found(where, fault.code, fault.message, fault.hint)


def _lacking(where: str, name: str, values: Mapping[str, Any]) -> Finding:
    near = meant_column(name, [one for one in values if one not in (ROW, TODAY)])
    if near:
        hint = _("Did you mean {expression}?").format(expression=as_written(near))
    else:
        hint = _("Fix the row, or leave it out with `send --skip-invalid`.")
    return _found(where, LACKING, _('no value for "{name}".').format(name=name), hint)


class Condition:
    """One bare expression that a row meets or not; `where` is its place in messages."""

    def __init__(self, where: str, expression: Expression, today: date) -> None:
        self.expression = expression
        self._where, self._today = where, today.isoformat()
        self._run = compile_parts([expression], "")

    def holds(self, recipient: Recipient) -> bool:
        """Whether the row meets it; raises RowError."""
        values = {TODAY: self._today, **recipient.values, ROW: recipient.values}
        try:
            return self._run(values) != ""
        except _FAULTS as error:
            raise RowError((_finding(self._where, error, values),)) from None


class Choices:
    """The `… if … else …` of a campaign's texts, and which way each row takes."""

    def __init__(self, campaign: Campaign) -> None:
        self._today = campaign.today.isoformat()
        self._tests: list[tuple[str, Callable[[Mapping[str, Any]], str]]] = []
        for where, expression in Renderer(campaign).expressions.items():
            for number, test in enumerate(tests_of(expression) if where != "when" else [], 1):
                name = where if number == 1 else f"{where} ({number})"
                self._tests.append((name, compile_parts([test], "")))

    def taken(self, recipient: Recipient) -> list[tuple[str, bool]]:
        """The place of each test, and whether it holds; those that can't be told of this row are left out."""
        values = {TODAY: self._today, **recipient.values, ROW: recipient.values}
        found = []
        for where, test in self._tests:
            with suppress(*_FAULTS):
                found.append((where, test(values) != ""))
        return found
