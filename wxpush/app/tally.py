"""The numbers of a run as a whole, which add up to its total."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from wxpush.delivery.run import RunCard
from wxpush.model import State

if TYPE_CHECKING:
    from wxpush.app.results import Survey

_DONE: Final = (State.ACCEPTED, State.FAILED, State.HELD, State.IN_DOUBT)


@dataclass(frozen=True, slots=True)
class Tally:
    """`counts` by state, all six of them, add up to `total`."""

    total: int
    counts: dict[str, int]
    skips: Mapping[str, int]


def tally_by_card(card: RunCard, states: Counter[str]) -> Tally:
    """Count a run by what its ledger says (`states`) and what its card knows of the list."""
    skips = skips_of(card)
    counts = {state.value: states[state] for state in State}
    counts[State.SKIPPED.value] = sum(skips.values())
    released = counts.pop(State.PENDING.value)
    done = sum(counts.values())
    if "total" in card.call:
        # A released message may be among the skips or the wrong rows of the list that was counted there.
        total = max(int(card.call["total"]), done)
    else:
        rows = card.begun.get("rows") or card.survey.get("rows", 0)
        total = max(int(rows), done + released)
    counts[State.PENDING.value] = total - done
    return Tally(total, counts, skips)


def tally_by_list(states: Counter[str], rows: int, gone: int, skips: Mapping[str, int]) -> Tally:
    """Count a run by its ledger, the `rows` of its list, and the messages that are `gone` from that."""
    counts = {state.value: states[state] for state in _DONE}
    counts[State.SKIPPED.value] = sum(skips.values())
    done = sum(counts.values())
    # A start that was refused may have gone through no list; else what is pending is among its rows.
    total = max(rows + gone, done if rows else sum(states.values()))
    counts[State.PENDING.value] = total - done
    return Tally(total, counts, skips)


def begun_with(survey: Survey) -> dict[str, Any]:
    """What the card keeps of a check as long as the call that made it goes on."""
    return {"rows": survey.rows + sum(survey.gone.values()), "skips": dict(survey.skips)}


def skips_of(card: RunCard) -> dict[str, int]:
    """The skips of the latest call, or of its check where it still goes on or was cut off."""
    checked = dict(card.begun.get("skips") or card.survey.get("skips", {}))
    found = card.call.get("skips") or [
        {"reason": reason, "count": count} for reason, count in checked.items()
    ]
    return {str(item["reason"]): int(item["count"]) for item in found}
