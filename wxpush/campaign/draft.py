"""What of a campaign's mapping can be understood although something in it is wrong."""

from collections.abc import Iterable, Mapping
from typing import Any

from wxpush.yamlfile import KeyPath


def without(value: Mapping[str, Any], paths: Iterable[KeyPath]) -> dict[str, Any]:
    """`value` without what is at `paths`; a list goes as a whole."""
    kept = dict(value)
    for path in paths:
        _remove(kept, path)
    return kept


def _remove(group: dict[str, Any], path: KeyPath) -> None:
    key, *rest = path
    if not isinstance(key, str) or key not in group:
        return
    if not rest or not isinstance(group[key], dict):
        del group[key]
        return
    group[key] = dict(group[key])
    _remove(group[key], tuple(rest))
