"""What nothing forbids and nobody means: columns that go unused, conditions that decide nothing."""

from collections.abc import Sequence
from typing import Final

from wxpush.campaign.expressions import parse_condition
from wxpush.campaign.render import Renderer
from wxpush.campaign.schema import Campaign
from wxpush.i18n import _
from wxpush.model import Problem, Severity
from wxpush.near import nearest

CONDITION: Final = "condition"
UNUSED_COLUMN: Final = "unused_column"
_FEWEST_ROWS: Final = 2
"""Of one row nothing can be said in general."""


def unused_columns(
    campaign: Campaign, renderer: Renderer, columns: Sequence[str], list_name: str, header_line: int
) -> list[Problem]:
    """One problem that names the columns of the list which no expression reads; none where there are none."""
    read = {campaign.expires.column} if campaign.expires else set[str]()
    for expression in renderer.expressions.values():
        read |= expression.required | expression.optional
    # Who misspelt a column in the campaign meant one that seems unused now.
    misspelt = [name for name in read if name not in columns]
    unused = [one for one in columns if one not in read and nearest(one, misspelt) is None]
    severity = severity_of(campaign, UNUSED_COLUMN)
    if not unused or severity is None:
        return []
    message = _("used nowhere in the campaign: {columns}.").format(columns=", ".join(unused))
    hint = _("If that is meant: checks: {{{rule}: off}}").format(rule=UNUSED_COLUMN)
    cell = unused[0] if len(unused) == 1 else ""
    return [Problem(list_name, header_line, 0, "WX210", message, hint, severity, cell=cell)]


def constant_condition(campaign: Campaign, renderer: Renderer) -> list[Problem]:
    """The condition that is the same for every row, whatever the list holds."""
    expression = renderer.expressions.get("when")
    if expression is None or expression.required | expression.optional:
        return []
    wanted = renderer.constant_condition()
    message = _("when: it reads no column, and is true for every row.")
    if not wanted:
        message = _("when: it reads no column, and is false for every row: nobody gets a message.")
    return _of_condition(campaign, message)


def one_sided_condition(campaign: Campaign, wanted: int, unwanted: int) -> list[Problem]:
    """The condition that came out the same for all rows: true for `wanted` or false for `unwanted`."""
    rows = wanted + unwanted
    if campaign.when is None or rows < _FEWEST_ROWS or (wanted and unwanted):
        return []
    condition = parse_condition(campaign.when)
    if not condition.required | condition.optional:
        return []  # told with the campaign
    message = _("when: it is true for all {count} rows of the list.")
    if not wanted:
        message = _("when: it is false for all {count} rows of the list: nobody gets a message.")
    return _of_condition(campaign, message.format(count=rows))


def _of_condition(campaign: Campaign, message: str) -> list[Problem]:
    severity = severity_of(campaign, CONDITION)
    if severity is None:
        return []
    hint = _("Compare it with what the list holds; if that is meant: checks: {{{rule}: off}}").format(
        rule=CONDITION
    )
    return [campaign.document.problem(("when",), "WX211", message, hint, severity=severity)]


def severity_of(campaign: Campaign, rule: str) -> Severity | None:
    """A warning unless the campaign's `checks:` say otherwise; None where they turn the rule off."""
    level = campaign.checks.get(rule, "warn")
    return None if level == "off" else Severity.WARNING if level == "warn" else Severity.ERROR
