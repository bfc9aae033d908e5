"""What is sure to fail in an expression whatever the row holds: told with the campaign, before any list."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from jinja2 import UndefinedError, nodes

from wxpush.campaign.expressions.allowed import ExpressionError, odd_column_hint, plain_column
from wxpush.campaign.expressions.environment import TESTS, compiled, text_as_number, text_reckoned_with
from wxpush.campaign.expressions.names import ROW, TODAY
from wxpush.campaign.filters import FILTERS, ValueProblemError, unreckonable
from wxpush.i18n import _

_ANY_DAY: Final = "2026-11-23"
_TEXT, _NUMBER = "text", "number"
#: What filters make, where that is always the same.
_MADE: Final = {
    **dict.fromkeys(
        ("shorten", "money", "date", "mask_phone", "mask_name", "upper", "lower", "trim", "replace", "join"),
        _TEXT,
    ),
    **dict.fromkeys(("int", "float", "round", "length"), _NUMBER),
}
#: A value that each filter takes, if only its arguments are right.
_SAMPLES: Final[Mapping[str, Any]] = {
    "shorten": "x",
    "money": "1",
    "date": "2026-11-23 15:04:05",
    "replace": "x",
    "round": "1",
    "join": ["x"],
}


def refuse_certain_failures(body: Iterable[nodes.Node]) -> None:
    """Raise ExpressionError for a part that can't be rendered for anybody; what depends on a row stays."""
    for output in body:
        for part in output.nodes if isinstance(output, nodes.Output) else [output]:
            _refuse(part, None)


def _refuse(node: nodes.Node, parent: nodes.Node | None) -> None:
    if isinstance(node, nodes.Expr) and not _reads_a_row(node):
        if not isinstance(node, nodes.Const | nodes.TemplateData | nodes.Name):
            _try_out(node, whole=parent is None)
        return
    _refuse_whole_row(node, parent)
    _refuse_arguments(node)
    _refuse_texts(node)
    guarded = node.node if _allows_lack(node) else None  # type: ignore[attr-defined] # such nodes have it
    for child in node.iter_child_nodes():
        if child is not guarded or _reads_a_row(child):
            _refuse(child, node)


def _allows_lack(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Filter | nodes.Test) and node.name in {"default", *TESTS}


def _reads_a_row(node: nodes.Node) -> bool:
    return any(name.name != TODAY for name in _names(node))


def _names(node: nodes.Node) -> Iterator[nodes.Name]:
    if isinstance(node, nodes.Name):
        yield node
    yield from node.find_all(nodes.Name)


def _try_out(node: nodes.Expr, *, whole: bool) -> None:
    """Render what reads no column. A part of more needs no text, such as a list that a value may be in."""
    shown = node if whole else nodes.CondExpr(node, nodes.Const("1"), nodes.Const(""))
    _told(lambda: compiled([nodes.Output([shown])])({TODAY: _ANY_DAY}))


def _told(work: Callable[[], object]) -> None:
    """Do it, and say in our words why it fails."""
    try:
        work()
    except UndefinedError as error:
        raise ExpressionError(
            "WX206", _("`{name}` can't be reached.").format(name=error), plain_column()
        ) from None
    except ValueProblemError as error:
        raise ExpressionError(error.code, error.message, error.hint) from None
    except ArithmeticError:
        raise ExpressionError("WX403", unreckonable(), _no_zero()) from None
    except (TypeError, ValueError):
        raise _as_expression(text_as_number()) from None


def _no_zero() -> str:
    return _("Divide by what isn't 0, and keep the numbers below 10^24.")


def _as_expression(error: ValueProblemError) -> ExpressionError:
    return ExpressionError(error.code, error.message, error.hint)


def _refuse_whole_row(node: nodes.Node, parent: nodes.Node | None) -> None:
    """`row` alone; a column of it, and the question whether it has one, are fine."""
    if not isinstance(node, nodes.Name) or node.name != ROW:
        return
    asked = isinstance(parent, nodes.Operand) and parent.op in ("in", "notin")
    if not asked and not (isinstance(parent, nodes.Getattr | nodes.Getitem) and parent.node is node):
        message = _("`row` is all columns together, not one of them.")
        raise ExpressionError("WX206", message, odd_column_hint())


def _refuse_arguments(node: nodes.Node) -> None:
    """Arguments of a filter that it refuses whatever the value is: shorten(0)."""
    if not isinstance(node, nodes.Filter) or node.name not in _SAMPLES:
        return
    try:
        arguments = [one.as_const() for one in node.args]
        named = {str(pair.key): pair.value.as_const() for pair in node.kwargs}
    except nodes.Impossible:
        return
    _told(lambda: FILTERS[node.name](_SAMPLES[node.name], *arguments, **named))


def _refuse_texts(node: nodes.Node) -> None:
    """Texts where only numbers work, since every value of a list is text; and zero, where it doesn't."""
    if isinstance(node, nodes.Mul | nodes.Sub | nodes.Div | nodes.FloorDiv | nodes.Mod):
        if _TEXT in (_kind(node.left), _kind(node.right)):
            raise _as_expression(text_reckoned_with(node.operator))
        if isinstance(node, nodes.Div | nodes.FloorDiv | nodes.Mod) and node.right == nodes.Const(0):
            raise ExpressionError("WX403", unreckonable(), _no_zero())
    elif isinstance(node, nodes.Add):
        if {_kind(node.left), _kind(node.right)} == {_TEXT, _NUMBER}:
            raise _as_expression(text_reckoned_with(node.operator))
    elif isinstance(node, nodes.Neg | nodes.Pos):
        if _kind(node.node) == _TEXT:
            raise _as_expression(text_as_number())
    elif isinstance(node, nodes.Compare):
        sides = [node.expr, *(one.expr for one in node.ops)]
        by_size = [one.op in {"lt", "lteq", "gt", "gteq"} for one in node.ops]
        for left, right, sized in zip(sides, sides[1:], by_size, strict=False):
            if sized and {_kind(left), _kind(right)} == {_TEXT, _NUMBER}:
                raise _as_expression(text_as_number())


def _kind(node: nodes.Node | None) -> str | None:
    """Whether a part is a text (or a group of a list, with which nobody reckons either) or a number."""
    match node:
        case nodes.Const(value=bool()):
            return None
        case nodes.Const(value=str()) | nodes.Name() | nodes.Concat():
            return _TEXT
        case nodes.Const(value=int() | float()) | nodes.Neg() | nodes.Pos():
            return _NUMBER
        case nodes.Getattr() | nodes.Getitem():
            return _TEXT if isinstance(node.node, nodes.Name) else _kind(node.node)
        case nodes.Filter(name="default", args=[instead]):
            return _common(node.node, instead)
        case nodes.Filter():
            return _MADE.get(node.name)
        case nodes.CondExpr() if node.expr2 is not None:
            return _common(node.expr1, node.expr2)
        case nodes.Add():
            return _common(node.left, node.right)
        case nodes.BinExpr() if not isinstance(node, nodes.And | nodes.Or):
            return _NUMBER
    return None


def _common(one: nodes.Node | None, other: nodes.Node | None) -> str | None:
    return _kind(one) if _kind(one) == _kind(other) else None
