"""The texts and conditions of a campaign, parsed and compiled."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from jinja2 import TemplateSyntaxError, nodes

from wxpush.campaign.expressions.allowed import ExpressionError, column_of, refuse, simpler, walk
from wxpush.campaign.expressions.certain import refuse_certain_failures
from wxpush.campaign.expressions.environment import ENVIRONMENT, TRUTH, compiled
from wxpush.campaign.expressions.syntax import unreadable
from wxpush.campaign.filters import MAX_RESULT, MAX_TEXT
from wxpush.i18n import _

_BEFORE = "{{ ("
"""What makes a text of a bare condition."""
MAX_DEPTH = 40
MAX_PARTS = 400
_WORDS = re.compile(r"""\s+|\w[\w.]*|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[=<>!]=|//|\*\*|.""", re.DOTALL)
_SAYS_MORE = frozenset({"default", "length"})
"""Filters by which an empty value shows something."""
_FEWEST_COLUMNS = 2  # what itemgetter makes a tuple of


@dataclass(frozen=True, slots=True)
class Expression:
    """One checked text with its `{{ … }}`: its syntax tree, and the columns that it reads.

    `optional` are columns whose lack it allows for somewhere, by `default` or a test for being there.
    """

    source: str
    body: tuple[nodes.Node, ...]
    required: frozenset[str]
    optional: frozenset[str]


def parse_text(source: str) -> Expression:
    """The expression that a text of the campaign is; raises ExpressionError."""
    return _checked(source, _parsed(source))


def parse_condition(source: str) -> Expression:
    """A bare expression that is true or false: it renders `1` or nothing. Raises ExpressionError."""
    if not source.strip():
        raise ExpressionError("WX205", _("the condition is empty."), _condition_hint())
    if "{{" in source:
        raise ExpressionError("WX205", _("a condition is one bare expression."), _condition_hint())
    try:
        tree = _parsed(_BEFORE + source + "\n) }}", before=len(_BEFORE))
    except ExpressionError as error:
        if error.code == "WX205" and _stumbles_over_equals(source):
            raise ExpressionError(error.code, error.message, _equals_hint()) from None
        raise
    only = tree.body[0] if len(tree.body) == 1 else None
    if (
        not isinstance(only, nodes.Output)
        or len(only.nodes) != 1
        or isinstance(only.nodes[0], nodes.TemplateData)
    ):
        raise ExpressionError("WX205", _("a condition is one bare expression."), _condition_hint())
    only.nodes[0] = nodes.CondExpr(only.nodes[0], nodes.Const("1"), nodes.Const(""))
    return _checked(source, tree)


def fault_column(source: str) -> int:
    """Where a condition on one line can't be read, as a column from 1; 0 where that can't be told.

    Jinja tells lines only: so every word is put on a line of its own.
    """
    if "{{" in source:
        return 0
    pieces = _WORDS.findall(source)
    try:
        ENVIRONMENT.parse("\n".join(["{{", *pieces, "}}"]))
    except TemplateSyntaxError as error:
        # The first piece stands on line 2.
        return 0 if "\n" in source else min(len("".join(pieces[: error.lineno - 2])), len(source)) + 1
    except (RecursionError, ValueError, OverflowError, MemoryError):
        pass
    return 0


def compile_parts(parts: Collection[Expression], separator: str) -> Callable[[Mapping[str, Any]], str]:
    """One function that renders all `parts` of a row, `separator` between them.

    Raises what rendering raises: UndefinedError (its text is the name), ValueError (ours with its own
    words), ArithmeticError, TypeError.
    """
    render = compile_by_jinja(parts, separator)
    return _short_cut(parts, separator, render) or render


def compile_by_jinja(parts: Collection[Expression], separator: str) -> Callable[[Mapping[str, Any]], str]:
    """The same, whatever the parts are."""
    body: list[nodes.Node] = []
    for number, part in enumerate(parts):
        if number:
            body.append(nodes.Output([nodes.TemplateData(separator)]))
        body.extend(part.body)
    return compiled(body)


def _short_cut(
    parts: Collection[Expression], separator: str, render: Callable[[Mapping[str, Any]], str]
) -> Callable[[Mapping[str, Any]], str] | None:
    """A quick way for parts of texts and bare columns, as most campaigns are; None where there is more.

    Where a row lacks a column, or has anything but a usual text in it, `render` has its way.
    """
    columns: list[Any] = []
    pattern = separator.replace("%", "%%").join(_pattern(part, columns) for part in parts)
    if len(columns) < _FEWEST_COLUMNS or None in columns:
        return None
    pick = itemgetter(*columns)

    def run(values: Mapping[str, Any]) -> str:
        try:
            texts: tuple[str, ...] = pick(values)
        except KeyError:
            return render(values)
        for text in texts:
            if type(text) is not str or len(text) > MAX_TEXT:
                return render(values)
        return pattern % texts

    return run


def _pattern(part: Expression, columns: list[Any]) -> str:
    """The part for the `%` operator, its columns added to `columns`; None among them for anything else."""
    pattern = ""
    for output in part.body:
        for node in output.nodes if isinstance(output, nodes.Output) else [output]:
            if isinstance(node, nodes.TemplateData):
                pattern += node.data.replace("%", "%%")
            else:
                columns.append(node.name if isinstance(node, nodes.Name) else None)
                pattern += "%s"
    return pattern


def fixed_pieces(expression: Expression) -> tuple[str | None, ...]:
    """The texts of an expression that are the same for every row, in order; None for all that isn't."""
    pieces: list[str | None] = []
    for output in expression.body:
        for node in output.nodes if isinstance(output, nodes.Output) else [output]:
            if not isinstance(node, nodes.TemplateData):
                pieces.append(None)
            elif pieces and pieces[-1] is not None:
                pieces[-1] += node.data
            else:
                pieces.append(node.data)
    return tuple(pieces)


def tests_of(expression: Expression) -> list[Expression]:
    """The conditions of the `… if … else …` in a text, each an expression that renders `1` or nothing."""
    found = []
    for part in expression.body:
        for node in part.find_all(nodes.CondExpr):
            test = nodes.Output([nodes.CondExpr(node.test, nodes.Const("1"), nodes.Const(""))])
            found.append(Expression(expression.source, (test,), expression.required, expression.optional))
    return found


def paths_of(expression: Expression) -> frozenset[tuple[str | int, ...]]:
    """The columns that an expression reads, each with the keys by which it goes on from there.

    `user.name` is `("user", "name")`. Where it goes on by what another column says, the path ends.
    """
    found = set()
    waiting: list[nodes.Node] = list(expression.body)
    while waiting:
        node = waiting.pop()
        if (path := _path(node)) is not None:
            found.add(path)
            while isinstance(node, nodes.Getattr | nodes.Getitem):
                waiting += [node.arg] if isinstance(node, nodes.Getitem) else []
                node = node.node
        else:
            waiting.extend(node.iter_child_nodes())
    return frozenset(found)


def printed_paths(expression: Expression) -> frozenset[tuple[str | int, ...]]:
    """The columns, with keys as above, that stand in a longer text as they are.

    Not those of which the author has said what else there can be: by `default`, `or` or a condition.
    """
    printed = [node for part in expression.body if isinstance(part, nodes.Output) for node in part.nodes]
    if len(printed) == len(expression.body) == 1 and _path(printed[0]) is not None:
        return frozenset()  # a text that is empty as a whole is told anyway
    found, waiting = set(), printed
    while waiting:
        node = waiting.pop()
        if (path := _path(node)) is not None:
            found.add(path)
        elif isinstance(node, nodes.Concat):
            waiting.extend(node.nodes)
        elif isinstance(node, nodes.Add):
            waiting += [node.left, node.right]
        elif isinstance(node, nodes.Filter) and node.name not in _SAYS_MORE and node.node is not None:
            waiting.append(node.node)
    return frozenset(found)


def _path(node: nodes.Node) -> tuple[str | int, ...] | None:
    column = column_of(node)
    if column is not None:
        return (column,)
    before = _path(node.node) if isinstance(node, nodes.Getattr | nodes.Getitem) else None
    if before is None:
        return None
    key = node.attr if isinstance(node, nodes.Getattr) else getattr(node.arg, "value", None)  # type: ignore[attr-defined] # one of the two
    return (*before, key) if isinstance(key, str | int) else before


def render_alone(expression: Expression, values: Mapping[str, Any]) -> str:
    """Render one expression once; for names and other things that are not rendered row by row."""
    return compile_parts([expression], "")(values)[: MAX_RESULT + 1]


def _parsed(source: str, *, before: int = 0) -> nodes.Template:
    if len(source) > MAX_TEXT:
        message = _("the text is longer than {limit} characters.").format(limit=MAX_TEXT)
        raise ExpressionError("WX209", message, _("Shorten it."))
    try:
        return ENVIRONMENT.parse(source)
    except TemplateSyntaxError as error:
        raise unreadable(error, source, before=before) from None
    except (RecursionError, ValueError, OverflowError, MemoryError):
        message = _("the expression is nested too deep or holds too large a number.")
        raise ExpressionError("WX209", message, simpler()) from None


def _stumbles_over_equals(source: str) -> bool:
    """Whether a single `=` is where a condition can't be read."""
    column = fault_column(source)
    return column > 0 and source[column - 1 : column] == "=" and source[column : column + 1] != "="


def _equals_hint() -> str:
    return _("Write == to compare, like: status == 'paid'")


def _condition_hint() -> str:
    return _("Write it without {{ }}, like: status == 'paid'")


def _checked(source: str, tree: nodes.Template) -> Expression:
    required: set[str] = set()
    optional: set[str] = set()
    for count, (node, depth, guarded) in enumerate(walk(tree)):
        if count >= MAX_PARTS or depth > MAX_DEPTH:
            raise ExpressionError("WX209", _("the expression is too long or nested too deep."), simpler())
        refuse(node)
        column = column_of(node)
        if column is not None:
            (optional if guarded else required).add(column)
    refuse_certain_failures(tree.body)
    for branch in list(tree.find_all((nodes.CondExpr, nodes.If))):
        branch.test = _truth(branch.test)  # type: ignore[attr-defined] # find_all is typed for one class only
    return Expression(source, tuple(tree.body), frozenset(required - optional), frozenset(optional))


def _truth(node: nodes.Expr) -> nodes.Expr:
    """A condition in which a text counts as false when it says so: `false`, `0`, `否`."""
    if isinstance(node, nodes.Not):
        node.node = _truth(node.node)
    elif isinstance(node, nodes.And | nodes.Or):
        node.left, node.right = _truth(node.left), _truth(node.right)
    elif not isinstance(node, nodes.Compare | nodes.Test):
        return nodes.Filter(node, TRUTH, [], [], None, None)
    return node
