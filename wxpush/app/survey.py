"""The check of a whole list before the first message: what it holds, and everything that is wrong with it."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

from wxpush.app.material import Material
from wxpush.app.results import Sample, Survey
from wxpush.app.selection import Known, Passed, Screened, Selection, ToSend, Wrong
from wxpush.app.verdicts import Verdicts
from wxpush.delivery.leftout import LeftOut
from wxpush.delivery.records import Mark
from wxpush.delivery.screen import REASONS
from wxpush.delivery.standing import Standing
from wxpush.model import Problem

_SHOWN: Final = 20
_TELL_EVERY: Final = 2_000


def survey_list(
    material: Material,
    selection: Selection,
    standing: Standing,
    tell: Callable[[int], None],
    left_out: LeftOut | None = None,
) -> Survey:
    """Render and check every row; `tell` hears now and then how many rows are done.

    Why lines are left out is noted in `left_out`.
    """
    counts: Counter[str] = Counter()
    skips: Counter[str] = Counter()
    known: Counter[str] = Counter()
    problems: list[Problem] = []
    warnings: list[Problem] = []
    changed: list[int] = []
    sample: Sample | None = None
    verdicts = Verdicts() if selection.screens else None
    for decision in selection:
        counts["rows"] += 1
        if counts["rows"] % _TELL_EVERY == 0:
            tell(counts["rows"])
        match decision:
            case ToSend():
                counts["to_send"] += 1
                sample = sample or material.sample(decision.message, decision.rendered)
                counts["warnings"] += len(decision.warnings)
                warnings += decision.warnings[: max(0, _SHOWN - len(warnings))]
            case Passed(reason, line):
                skips[reason] += 1
                counts["warnings"] += len(decision.warnings)
                warnings += decision.warnings[: max(0, _SHOWN - len(warnings))]
                if left_out is not None:
                    left_out.note(line, reason)
            case Screened(reason, message):
                skips[reason.value] += 1
                if left_out is not None:
                    left_out.note(message.line, reason.value)
                if verdicts is not None:
                    verdicts.set(message.row, reason)
            case Known(mark, line, differs):
                known[mark.state.value] += 1
                counts["changed"] += differs
                if differs and len(changed) < _SHOWN:
                    changed.append(line)
            case Wrong(bad):
                counts["wrong"] += 1
                problems += bad.problems[: max(0, _SHOWN - len(problems))]
    return Survey(
        rows=counts["rows"],
        blank=material.recipients.blank_rows,
        to_send=counts["to_send"],
        wrong=counts["wrong"],
        skips=dict(skips),
        known=dict(known),
        gone=by_state(standing.orphans()),
        changed=counts["changed"],
        changed_lines=changed,
        problems=material.recipients.placed(problems),
        warnings=material.recipients.placed(warnings),
        warnings_total=counts["warnings"],
        sample=sample,
        verdicts=verdicts,
    )


def remembered(survey: Survey) -> dict[str, Any]:
    """What the run's card keeps of a survey, so that an unchanged list isn't checked again."""
    return {"rows": survey.rows, "blank": survey.blank, "skips": lasting(survey.skips)}


def lasting(skips: Mapping[str, int]) -> dict[str, int]:
    """The skips that the list alone decides; whoever is screened out is judged afresh in each pass."""
    return {reason: count for reason, count in skips.items() if reason not in REASONS}


def recall_survey(
    kept: dict[str, Any], standing: Standing, sample: Sample | None, *, resend_in_doubt: bool = False
) -> Survey:
    """The survey of an unchanged list, from what was kept of it and how its messages stand now."""
    marks = standing.counts()
    if resend_in_doubt:
        del marks[Mark.IN_DOUBT]
    known = by_state(marks)
    pending = known.pop("pending", 0)
    skips = {str(reason): int(count) for reason, count in kept["skips"].items()}
    rows = int(kept["rows"])
    to_send = rows - sum(skips.values()) - sum(known.values())
    return Survey(rows, int(kept["blank"]), max(to_send, pending), 0, skips, known, {}, sample=sample)


def by_state(marks: Counter[Mark]) -> dict[str, int]:
    """Marks counted as states."""
    states: Counter[str] = Counter()
    for mark, count in marks.items():
        states[mark.state.value] += count
    return dict(states)
