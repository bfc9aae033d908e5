"""What is wrong with one text of a campaign or a list, before its place is known."""

from collections.abc import Sequence
from typing import NamedTuple


class FaultError(ValueError):
    """A stable code (`WX402`), what is wrong, and the remedy."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.offset = -1
        """Where in the text the fault is, as a number of characters; below 0 where that can't be told."""


class Spot(NamedTuple):
    """Where below a value a fault is, as keys and numbers; `at_key` where the key itself is wrong."""

    path: tuple[str | int, ...]
    at_key: bool = False


class FaultsError(ValueError):
    """Several faults of one value, each with its spot."""

    def __init__(self, faults: Sequence[tuple[Spot, FaultError]]) -> None:
        super().__init__("; ".join(fault.message for _spot, fault in faults))
        self.faults = tuple(faults)
