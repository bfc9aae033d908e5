"""Reads plain mappings into frozen dataclasses by their annotations; every problem is kept with its place."""

import math
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from typing import Any, TypeVar

from wxpush.i18n import _
from wxpush.model import Problem
from wxpush.near import nearest
from wxpush.sandbox.settings import Span

KeyPath = tuple[str | int, ...]
Place = Callable[[KeyPath], tuple[int, int]]
T = TypeVar("T")

_TRUTHS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_BAD = object()


class _UnfitError(ValueError):
    """A value that can't be what its setting wants."""


def nowhere(_path: KeyPath) -> tuple[int, int]:
    """The place of a value that comes from no file."""
    return 0, 0


class Reader:
    """Turns values (text, or Python's own numbers and lists) into settings; `problems` says what failed."""

    def __init__(self, file: str, place: Place = nowhere) -> None:
        self.problems: list[Problem] = []
        self._file = file
        self._place = place

    def settings(self, kind: type[T], value: Any, path: KeyPath = ()) -> T | None:
        """`value`, a mapping, as the dataclass `kind`; None where it can't be one (a problem is recorded)."""
        if not isinstance(value, Mapping):
            self.blame(path, "WX702", _("expected `key: value` pairs here."))
            return None
        annotations = typing.get_type_hints(kind)
        found: dict[str, Any] = {}
        for key, inner in value.items():
            if key not in annotations:
                self._unknown(key, annotations, (*path, str(key)))
            elif inner is not None:
                result = self._value(annotations[key], inner, (*path, key))
                if result is not _BAD:
                    found[key] = result
        lacking = sorted(_required(kind) - value.keys())
        if lacking:
            self.blame(path, "WX703", _("`{key}` is missing.").format(key=lacking[0]))
        if _required(kind) - found.keys():
            return None
        return self._made(kind, found, path)

    def blame(self, path: KeyPath, code: str, message: str, hint: str = "") -> None:
        """Record a problem of the value at `path`."""
        name = ".".join(str(part) for part in path)
        text = f"{name}: " + message if name else message
        self.problems.append(Problem(self._file, *self._place(path), code, text, hint))

    def _made(self, kind: type[T], found: dict[str, Any], path: KeyPath) -> T | None:
        try:
            return kind(**found)
        except ValueError as error:
            self.blame(path, "WX704", error.args[0])
            return None

    def _unknown(self, key: Any, known: Mapping[str, Any], path: KeyPath) -> None:
        near = nearest(str(key), known)
        hint = _("Did you mean `{near}`?").format(near=near) if near else ""
        self.blame(path, "WX701", _("no such setting."), hint)

    def _value(self, kind: Any, value: Any, path: KeyPath) -> Any:
        origin = typing.get_origin(kind)
        if origin is types.UnionType:
            wanted = next(part for part in typing.get_args(kind) if part is not types.NoneType)
            return self._value(wanted, value, path)
        if origin is tuple:
            return self._items(typing.get_args(kind)[0], value, path)
        if isinstance(origin, type) and issubclass(origin, Mapping):
            return self._pairs(typing.get_args(kind), value, path)
        if kind is not Span and is_dataclass(kind):
            made = self.settings(typing.cast(type[Any], kind), value, path)
            return _BAD if made is None else made
        return self._scalar(kind, origin, value, path)

    def _items(self, kind: Any, value: Any, path: KeyPath) -> Any:
        if not isinstance(value, list | tuple):
            self.blame(path, "WX702", _("expected a list."))
            return _BAD
        read = [self._value(kind, inner, (*path, number)) for number, inner in enumerate(value)]
        return tuple(inner for inner in read if inner is not _BAD)

    def _pairs(self, kinds: tuple[Any, ...], value: Any, path: KeyPath) -> Any:
        if not isinstance(value, Mapping):
            self.blame(path, "WX702", _("expected `key: value` pairs here."))
            return _BAD
        read = {
            self._scalar(kinds[0], None, key, (*path, key)): self._value(kinds[1], inner, (*path, key))
            for key, inner in value.items()
        }
        return {key: inner for key, inner in read.items() if key is not _BAD and inner is not _BAD}

    def _scalar(self, kind: Any, origin: Any, value: Any, path: KeyPath) -> Any:
        try:
            if origin is typing.Literal:
                return _choice(value, typing.get_args(kind))
            if isinstance(kind, type) and issubclass(kind, StrEnum):
                return kind(_choice(value, tuple(kind)))
            return _SCALARS[kind](value)
        except (ValueError, OverflowError) as error:
            self.blame(path, "WX704", error.args[0])
            return _BAD


def _required(kind: Any) -> frozenset[str]:
    bare = (part for part in fields(kind) if part.default is MISSING and part.default_factory is MISSING)
    return frozenset(part.name for part in bare)


def _choice(value: Any, choices: tuple[Any, ...]) -> str:
    text = "off" if value is False else str(value)
    if text not in choices:
        listed = ", ".join(str(choice) for choice in choices)
        raise _UnfitError(_("{value} is none of: {choices}.").format(value=text, choices=listed))
    return text


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _UnfitError(_("expected text."))
    return str(value)


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() not in _TRUTHS:
        raise _UnfitError(_("expected true or false."))
    return _TRUTHS[str(value).lower()]


def _number(value: Any) -> float:
    text = _text(value).strip()
    try:
        number = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        raise _UnfitError(_("{value} is no number.").format(value=text)) from None
    if not math.isfinite(number) or number < 0:
        raise _UnfitError(_("{value} is no number from 0 on.").format(value=text))
    return number


def _whole(value: Any) -> int:
    text = _text(value).strip().replace("_", "")
    try:
        return int(text)
    except ValueError:
        raise _UnfitError(_("{value} is no whole number.").format(value=text)) from None


def _span(value: Any) -> Span:
    if isinstance(value, list | tuple) and len(value) == 2:
        return Span(_number(value[0]), _number(value[1]))
    low, dash, high = _text(value).partition("-")
    return Span(_number(low), _number(high if dash else low))


_SCALARS: Mapping[Any, Callable[[Any], Any]] = {
    str: _text,
    bool: _truth,
    int: _whole,
    float: _number,
    Span: _span,
}
