"""The numbers of a run as a whole, which add up to its total."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from wxpush.delivery.run import RunCard
from wxpush.model import State

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
        total = max(int(card.survey.get("rows", 0)), done + released)
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


def skips_of(card: RunCard) -> dict[str, int]:
    """The skips of the latest call, or of the latest check where that call was cut off."""
    found = card.call.get("skips") or [
        {"reason": reason, "count": count} for reason, count in dict(card.survey.get("skips", {})).items()
    ]
    return {str(item["reason"]): int(item["count"]) for item in found}
