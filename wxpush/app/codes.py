"""Codes as people read them, grouped as reports show them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from wxpush.app.results import FailureGroup, StoppedBy
from wxpush.channels.wechat.errcodes import info, info_of, worded
from wxpush.delivery.hours import quota_back
from wxpush.model import CodeClass

if TYPE_CHECKING:
    from wxpush.delivery.engine import Ending

_QUOTA_CODES = frozenset({"quota", "45009"})

#: Outcome, code and class of a message that was not accepted.
Cause = tuple[str, str, CodeClass]


def failure_groups(causes: Counter[Cause]) -> list[FailureGroup]:
    """One group per cause: failed before held before in doubt, the largest first."""
    order = {"failed": 0, "held": 1, "in_doubt": 2}
    ranked = sorted(causes.items(), key=lambda item: (order[item[0][0]], -item[1], item[0][1]))
    return [_group(cause, count) for cause, count in ranked]


def stopped_by(ending: Ending, now: datetime) -> StoppedBy | None:
    """What ended a run early: WeChat's own text beside the meaning, and the remedy that fits best."""
    if not ending.code:
        return None
    known = info(ending.code)
    meaning = worded(known, ending.detail)
    goes_on = quota_back(now) if ending.code in _QUOTA_CODES else None
    return StoppedBy(ending.code, meaning, known.meaning.en, ending.hint or str(known.advice), goes_on)


def _group(cause: Cause, count: int) -> FailureGroup:
    state, code, cls = cause
    known = info_of(code, state)
    return FailureGroup(state, code, count, cls, str(known.meaning), known.meaning.en, str(known.advice))


def first_words(problems: Iterable[object]) -> str:
    """Problems as one line for a record."""
    return "; ".join(str(problem) for problem in problems)[:500]
