"""The expression language of a campaign: Jinja2 reduced to what puts values into a text.

No attribute of a Python object can be reached, nothing can be called, nothing repeats.
"""

from wxpush.campaign.expressions.allowed import ExpressionError
from wxpush.campaign.expressions.language import (
    Expression,
    compile_by_jinja,
    compile_parts,
    fault_column,
    fixed_pieces,
    parse_condition,
    parse_text,
    paths_of,
    printed_paths,
    render_alone,
    tests_of,
)
from wxpush.campaign.expressions.names import ROW, TODAY, as_written, column_hint, meant_column

__all__ = [
    "ROW",
    "TODAY",
    "Expression",
    "ExpressionError",
    "as_written",
    "column_hint",
    "compile_by_jinja",
    "compile_parts",
    "fault_column",
    "fixed_pieces",
    "meant_column",
    "parse_condition",
    "parse_text",
    "paths_of",
    "printed_paths",
    "render_alone",
    "tests_of",
]
