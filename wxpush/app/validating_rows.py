"""Checks a list with a campaign, row by row."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from wxpush.app.damaged import examine_whole
from wxpush.app.repeats import Repeats, conflict
from wxpush.app.validation import Checking, Validation, counted
from wxpush.campaign.checker import Bad, Checker, Ready, Skipped
from wxpush.campaign.lint import one_sided_condition
from wxpush.campaign.schema import Campaign
from wxpush.delivery.fingerprints import Seen
from wxpush.errors import ProblemsError

if TYPE_CHECKING:
    from wxpush.app.usage import Audience
    from wxpush.campaign.recipients import RecipientList


def check_rows(
    campaign: Campaign,
    path: Path,
    checker: Checker,
    opened: "RecipientList",
    found: Validation,
    checking: Checking,
    audience: "Audience | None",
) -> None:
    """Every row, rendered and checked; what the condition and the keys come to over all of them."""
    add = partial(found.add_for, str(path))
    repeats, rows, unwanted, left_out = Repeats(), 0, 0, 0
    with checking(opened.lines) as tell:
        try:
            for row in counted(opened, tell):
                rows += 1
                match examine_whole(checker, opened, row):
                    case Ready() as ready:
                        add(ready.warnings)
                        seen = repeats.meet(ready.message)
                        if audience is not None and seen is Seen.NEW:
                            audience.see(ready.message.line, ready.message.to)
                        if seen is Seen.DIFFERENT:
                            add([conflict(ready, opened.name, checker.cell_of("key"))])
                    case Skipped("condition", warnings=warnings):
                        add(warnings)
                        unwanted += 1
                    case Skipped():
                        left_out += 1
                    case Bad() as bad:
                        add(bad.problems)
        except ProblemsError as error:
            found.add(error.problems)
    found.rows = max(found.rows, rows)
    found.add(one_sided_condition(campaign, rows - left_out - unwanted, unwanted))
