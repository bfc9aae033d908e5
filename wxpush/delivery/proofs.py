"""Which messages receipts prove to have been accepted, of those whose msgid nobody knows."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from wxpush.delivery.fates import Unowned


class Suspect(NamedTuple):
    """A message that WeChat may have accepted under a msgid that nobody knows.

    `name` tells it from all others, `who` is hash64 of its openid. Its receipts are from the time between
    `earliest` and `latest`, whole seconds of Unix time; there may be as many as there are `copies` of it,
    each under an id of its own.
    """

    name: tuple[str, str]
    who: int
    earliest: int
    latest: int
    copies: int = 1

    def may_own(self, receipt: Unowned) -> bool:
        """Whether a receipt can be this message's."""
        return receipt.who == self.who and self.earliest <= receipt.fate.at <= self.latest


def proofs(suspects: Iterable[Suspect], unowned: Iterable[Unowned]) -> Mapping[tuple[str, str], Unowned]:
    """The receipt that proves each suspect which must have been accepted, whichever receipt is whose.

    Among all that could share some receipts, a message is proven where the others can't have used them all
    up; where one receipt more came than there can be messages, somebody else sends to that person, too, and
    nothing is proven.
    """
    by_person: dict[int, list[Suspect]] = {}
    for suspect in suspects:
        by_person.setdefault(suspect.who, []).append(suspect)
    receipts: dict[int, list[Unowned]] = {who: [] for who in by_person}
    for receipt in unowned:
        if receipt.who in by_person:
            receipts[receipt.who].append(receipt)
    found: dict[tuple[str, str], Unowned] = {}
    for who, group in by_person.items():
        for entangled, theirs in _entangled(group, receipts[who]):
            found |= _proven(entangled, theirs)
    return found


def _entangled(
    suspects: Sequence[Suspect], receipts: Sequence[Unowned]
) -> list[tuple[list[Suspect], list[Unowned]]]:
    """One person's suspects and receipts, parted into those that could be each other's."""
    parts: list[tuple[list[Suspect], list[Unowned]]] = []
    for suspect in suspects:
        own = [receipt for receipt in receipts if suspect.may_own(receipt)]
        group, theirs = [suspect], own
        apart = []
        for others, taken in parts:
            if any(receipt in taken for receipt in own):
                group, theirs = others + group, taken + [one for one in theirs if one not in taken]
            else:
                apart.append((others, taken))
        parts = [*apart, (group, theirs)]
    return [(group, sorted(theirs, key=lambda one: one.fate.at)) for group, theirs in parts if theirs]


def _proven(suspects: Sequence[Suspect], receipts: Sequence[Unowned]) -> dict[tuple[str, str], Unowned]:
    copies = sum(suspect.copies for suspect in suspects)
    given = _given(suspects, receipts)
    if given is None:
        return {}
    return {
        suspect.name: min(given[suspect.name], key=lambda one: not one.fate.is_delivered)
        for suspect in suspects
        if len(receipts) > copies - suspect.copies
    }


def _given(
    suspects: Sequence[Suspect], receipts: Sequence[Unowned]
) -> dict[tuple[str, str], list[Unowned]] | None:
    """Whose each receipt may be, the most urgent suspect first; None where one must be somebody else's."""
    left = {suspect.name: suspect.copies for suspect in suspects}
    given: dict[tuple[str, str], list[Unowned]] = {}
    for receipt in receipts:
        fitting = [one for one in suspects if left[one.name] and one.may_own(receipt)]
        if not fitting:
            return None
        # Of those that are as urgent, the one that has none yet.
        taker = min(fitting, key=lambda one: (one.latest, one.name in given))
        left[taker.name] -= 1
        given.setdefault(taker.name, []).append(receipt)
    return given
