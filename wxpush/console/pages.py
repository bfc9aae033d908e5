"""The layouts of what can be shown, each imported when it is first asked for: no command shows them all."""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wxpush.console import (
        cards,
        checking,
        countdown,
        findings,
        plan,
        problems,
        progress,
        reports,
        settling,
        summary,
        tables,
        traces,
    )

__all__ = [
    "cards",
    "checking",
    "countdown",
    "findings",
    "plan",
    "problems",
    "progress",
    "reports",
    "settling",
    "summary",
    "tables",
    "traces",
]


def __getattr__(name: str) -> ModuleType:
    if name not in __all__:
        raise AttributeError(name)
    return import_module(f"wxpush.console.{name}")
