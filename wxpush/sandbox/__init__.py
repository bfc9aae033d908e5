"""A local, stateful WeChat for practice and tests; docs/sandbox.md says what it imitates and what not."""

from wxpush.sandbox.calls import Call
from wxpush.sandbox.clock import ManualClock
from wxpush.sandbox.faults import EndpointFaults, Fault, Faults
from wxpush.sandbox.sandbox import Sandbox, environment, serve
from wxpush.sandbox.scenario import Scenario, scenario_names, templates_from_folder
from wxpush.sandbox.settings import (
    Account,
    AllowList,
    DedupeSettings,
    EventSettings,
    FollowerSettings,
    FollowerState,
    QuotaSettings,
    Review,
    Span,
    Template,
    TokenSettings,
)
from wxpush.sandbox.shown import Shown

__all__ = [
    "Account",
    "AllowList",
    "Call",
    "DedupeSettings",
    "EndpointFaults",
    "EventSettings",
    "Fault",
    "Faults",
    "FollowerSettings",
    "FollowerState",
    "ManualClock",
    "QuotaSettings",
    "Review",
    "Sandbox",
    "Scenario",
    "Shown",
    "Span",
    "Template",
    "TokenSettings",
    "environment",
    "scenario_names",
    "serve",
    "templates_from_folder",
]
