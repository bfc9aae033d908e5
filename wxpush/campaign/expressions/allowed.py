"""What may stand in an expression: an allow-list over its syntax tree, checked before it is compiled."""

import inspect
import unicodedata
from collections.abc import Iterator

from jinja2 import nodes

from wxpush.campaign.expressions.environment import LARGEST, TESTS
from wxpush.campaign.expressions.names import ROW, TODAY
from wxpush.campaign.fault import FaultError
from wxpush.campaign.filters import FILTERS
from wxpush.i18n import _
from wxpush.near import nearest

_ALLOWED: tuple[type[nodes.Node], ...] = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.If,
    nodes.Name,
    nodes.Const,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Slice,
    nodes.Filter,
    nodes.Test,
    nodes.Keyword,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Add,
    nodes.Sub,
    nodes.Mul,
    nodes.Div,
    nodes.FloorDiv,
    nodes.Mod,
    nodes.Neg,
    nodes.Pos,
    nodes.Concat,
    nodes.List,
    nodes.Tuple,
    nodes.Dict,
    nodes.Pair,
)
_TEXTUAL = (nodes.Name, nodes.Getattr, nodes.Getitem, nodes.Concat)


class ExpressionError(FaultError):
    """An expression that can't be used: a stable code, what is wrong with it, the remedy."""


def odd_column_hint() -> str:
    return _('A column whose header is no plain word is written {{ row["订单号(必填)"] }}.')


def walk(tree: nodes.Node) -> Iterator[tuple[nodes.Node, int, bool]]:
    """Every node with its depth, and whether a lacking value is allowed for at it."""
    waiting: list[tuple[nodes.Node, int, bool]] = [(tree, 0, False)]
    while waiting:
        node, depth, guarded = waiting.pop()
        yield node, depth, guarded
        if isinstance(node, nodes.Getitem | nodes.Getattr) and column_of(node) is not None:
            continue  # `row` itself is no column
        allows = isinstance(node, nodes.Filter | nodes.Test) and node.name in {"default", *TESTS}
        for child in node.iter_child_nodes():
            kept = guarded and isinstance(node, nodes.Getattr | nodes.Getitem)
            waiting.append((child, depth + 1, kept or (allows and child is node.node)))  # type: ignore[attr-defined] # Filter and Test have it


def column_of(node: nodes.Node) -> str | None:
    """The column that a node reads: `name`, `row["name"]`, `row.name`."""
    if isinstance(node, nodes.Name):
        return None if node.name in {ROW, TODAY} else node.name
    if isinstance(node, nodes.Getitem | nodes.Getattr) and isinstance(node.node, nodes.Name):
        argument = node.attr if isinstance(node, nodes.Getattr) else getattr(node.arg, "value", None)
        if node.node.name == ROW and isinstance(argument, str):
            return argument
    return None


def refuse(node: nodes.Node) -> None:
    """Raise ExpressionError where a node may not stand in an expression."""
    if not isinstance(node, _ALLOWED):
        message = _("{construct} is not allowed in an expression.").format(construct=_named(node))
        raise ExpressionError("WX206", message, _instead(node))
    if isinstance(node, nodes.Name):
        _refuse_name(node)
    elif isinstance(node, nodes.Const):
        _refuse_constant(node.value)
    elif isinstance(node, nodes.Getattr) and node.attr.startswith("__"):
        raise ExpressionError("WX206", _("`{name}` can't be reached.").format(name=node.attr), plain_column())
    elif isinstance(node, nodes.Getattr) and node.attr == "DATA" and isinstance(node.node, nodes.Name):
        message = _("{{{{ {name}.DATA }}}} is how the template names a keyword.").format(name=node.node.name)
        hint = _("Write the column that fills it: {{{{ {name} }}}}").format(name=node.node.name)
        raise ExpressionError("WX206", message, hint)
    elif isinstance(node, nodes.Getitem) and _is_pythons(getattr(node.arg, "value", None)):
        name = node.arg.value  # type: ignore[attr-defined] # a constant
        raise ExpressionError("WX206", _("`{name}` can't be reached.").format(name=name), plain_column())
    elif isinstance(node, nodes.Filter):
        _refuse_filter(node)
    elif isinstance(node, nodes.Slice) and node.step is not None:
        message = _("a part of a text is written [from:to], without a step.")
        raise ExpressionError(
            "WX206", message, _("Write it like this: {expression}").format(expression="{{ order_no[0:4] }}")
        )
    elif isinstance(node, nodes.Test) and node.name not in TESTS:
        message = _("there is no test `is {name}`.").format(name=node.name)
        raise ExpressionError("WX207", message, _("Compare with ==, !=, <, > or in."))
    elif isinstance(node, nodes.Compare):
        _refuse_text_against_number(node)


def _is_pythons(key: object) -> bool:
    """Whether a key is a name of Python's own, as `__class__` is; `__EMPTY` may be a column."""
    return isinstance(key, str) and key.startswith("__") and key.endswith("__")


def simpler() -> str:
    return _("Make it simpler, or prepare the value as a column of the list.")


def plain_column() -> str:
    return _("Name a column of the list: {{ product }}")


def _instead(node: nodes.Node) -> str:
    """What can be written instead of a part that isn't allowed."""
    if isinstance(node, nodes.Pow):
        return _("Multiply instead: {{ side | float * side | float }}")
    if isinstance(node, nodes.For):
        return _("The items of a list are put into one text by {{ tags | join('、') }}.")
    if not isinstance(node, nodes.Call):
        return _("Values are written {{ … }}, and choices {% if … %} … {% endif %}.")
    called = node.node
    if isinstance(called, nodes.Name) and called.name in {"now", "today", "date", "time", "datetime"}:
        return _("Today's date is {{ today }}; a time comes from a column of the list.")
    if isinstance(called, nodes.Name) and not called.name.isascii():
        return odd_column_hint()
    return _("Use a filter, such as {example}. There are: {names}.").format(
        example="{{ order_no | replace('-', '') }}", names=", ".join(FILTERS)
    )


def _named(node: nodes.Node) -> str:
    words = {nodes.Call: _("calling something with ( )"), nodes.For: "{% for %}", nodes.Pow: "`**`"}
    return words.get(type(node), "{% " + type(node).__name__.lower() + " %}")


def _refuse_name(node: nodes.Name) -> None:
    # Jinja gives `self` a meaning of its own, and Python reads ｎａｍｅ and name as one and the same.
    if node.ctx != "load" or node.name == "self" or unicodedata.normalize("NFKC", node.name) != node.name:
        message = _("`{name}` can't be used as a plain word.").format(name=node.name)
        raise ExpressionError("WX206", message, _('Write {{ row["…"] }} for such a column.'))


def _refuse_constant(value: object) -> None:
    if value is None:
        hint = _("Ask for a lacking value like this: name is defined")
        raise ExpressionError("WX206", _("`none` is no value."), hint)
    if isinstance(value, int | float) and not isinstance(value, bool) and not abs(value) < LARGEST:
        raise ExpressionError(
            "WX209",
            _("the number is too large."),
            _("Put it in quotes where it is no number to reckon with."),
        )
    if isinstance(value, str) and any(ord(one) < 32 or 0xD800 <= ord(one) <= 0xDFFF for one in value):
        raise ExpressionError("WX206", _("control characters are not allowed in a text."), _("Remove it."))


def _refuse_filter(node: nodes.Filter) -> None:
    function = FILTERS.get(node.name)
    if function is None or node.node is None:
        near = nearest(node.name, FILTERS)
        known = _("Filters are: {names}.").format(names=", ".join(FILTERS))
        hint = _("Did you mean `{name}`?").format(name=near) if near else known
        raise ExpressionError("WX207", _("there is no filter `{name}`.").format(name=node.name), hint)
    if node.dyn_args is not None or node.dyn_kwargs is not None:
        raise ExpressionError(
            "WX206", _("`*` and `**` are not allowed in an expression."), _("Write the arguments one by one.")
        )
    signature = inspect.signature(function)
    try:
        signature.bind(node.node, *node.args, **{str(pair.key): pair.value for pair in node.kwargs})
    except TypeError:
        takes = ", ".join(str(one) for one in list(signature.parameters)[1:]) or _("nothing")
        message = _("the filter `{name}` takes: {arguments}.").format(name=node.name, arguments=takes)
        raise ExpressionError("WX207", message) from None


def _refuse_text_against_number(node: nodes.Compare) -> None:
    """`paid == 1` is never true where every value is text, and '9' > '100' always is: said beforehand."""
    sides = [node.expr, *(one.expr for one in node.ops)]
    by_size = any(one.op in {"lt", "lteq", "gt", "gteq"} for one in node.ops)
    number = next((s for s in sides if isinstance(s, nodes.Const) and _is_number(s.value, by_size)), None)
    text = next((s for s in sides if isinstance(s, _TEXTUAL)), None)
    if number is None or text is None:
        return
    name = getattr(text, "name", None) or column_of(text) or "value"
    shown = str(number.value).lower()
    if isinstance(number.value, bool) or not by_size:
        hint = _("Write: {name} == '{value}'").format(name=name, value=shown)
    else:
        hint = _("Write: {name} | float > {value}").format(name=name, value=shown)
    message = _("`{name}` is text and can't be compared with the number {value}.")
    raise ExpressionError("WX208", message.format(name=name, value=shown), hint)


def _is_number(value: object, by_size: bool) -> bool:
    if isinstance(value, str):
        return by_size and value.replace(".", "", 1).isdigit() and len(value) < 8  # 20261123 is a date
    return isinstance(value, int | float)
