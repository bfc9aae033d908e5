"""Jinja2 as expressions run in it: plain values only, exact and bounded arithmetic."""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from jinja2 import StrictUndefined, Template, Undefined, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from wxpush.campaign.filters import FILTERS, ValueProblemError, is_true, number_of, text_of
from wxpush.i18n import _

TESTS = frozenset({"defined", "undefined"})
TRUTH = " truth"  # a filter of ours; the blank keeps people from writing it
LARGEST = 10**24
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}


def text_reckoned_with(operator: str) -> ValueProblemError:
    message = _("`{operator}` works on numbers, and values are text.").format(operator=operator)
    return ValueProblemError("WX403", message, _("Write {{ amount | float * 2 }}, or join text with `~`."))


def text_as_number() -> ValueProblemError:
    hint = _("Write {{ amount | float }} where a number is meant.")
    return ValueProblemError("WX403", _("a text is used as a number."), hint)


class Lacking(StrictUndefined):
    """A value that the row doesn't have; any use of it raises UndefinedError whose text is its name."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        return str(self._undefined_name)


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja2's sandbox, with plain values only: items of mappings and lists, checked arithmetic."""

    intercepted_binops = frozenset(_OPERATORS) | {"**"}

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Undefined):
            return obj[argument]  # raises, and names the value that is lacking
        try:
            if isinstance(obj, dict) or (
                isinstance(obj, str | list | tuple) and not isinstance(argument, str)
            ):
                return obj[argument]
        except (LookupError, TypeError):
            pass
        return self.undefined(name=argument if isinstance(argument, str) else str(argument))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:  # noqa: ARG002 - Jinja's signature
        """Text joins text; numbers are reckoned with exactly, as decimals."""
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            return text_of(left + right)
        if isinstance(left, str) or isinstance(right, str) or operator not in _OPERATORS:
            raise text_reckoned_with(operator)
        result = _OPERATORS[operator](number_of(left), number_of(right))
        if abs(result) > LARGEST:
            raise ValueProblemError("WX403", _("the result is too large a number."))
        return result


def _environment() -> _Environment:
    made = _Environment(undefined=Lacking, autoescape=False, finalize=text_of, optimized=False, cache_size=0)
    made.globals.clear()
    made.filters.clear()
    made.filters.update(FILTERS)
    made.filters[TRUTH] = is_true
    for name in set(made.tests) - TESTS:
        del made.tests[name]
    return made


ENVIRONMENT = _environment()


def compiled(body: Sequence[nodes.Node]) -> Callable[[Mapping[str, Any]], str]:
    """One function that renders `body` with a row's values; raises what rendering raises."""
    tree = nodes.Template(list(body)).set_environment(ENVIRONMENT).set_lineno(1, override=True)
    code = ENVIRONMENT.compile(cast(nodes.Template, tree))
    template = Template.from_code(ENVIRONMENT, code, {})
    # One context for all rows: an expression assigns nothing, so that nothing of a row can stay in it.
    context, render = template.new_context({}, shared=True), template.root_render_func

    def run(values: Mapping[str, Any]) -> str:
        context.parent = cast(dict[str, Any], values)
        return "".join(render(context))

    return run
