"""A way to start sandboxes that are stopped when the test is over."""

import pytest
from sandbox_caller import TEMPLATE, Caller

from wxpush.sandbox import ManualClock, Sandbox, Scenario
from wxpush.sandbox.scenario import from_mapping


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def start(clock):
    """start({...a scenario's parts...}) -> Caller; one template is known, the clock stands still."""
    begun = []

    def begin(parts=None, *, kind="stable", timeout=5.0, **options):
        mapping = {"version": 1, "templates": [TEMPLATE], **(parts or {})}
        sandbox = Sandbox(from_mapping(mapping), clock=clock, **options)
        sandbox.start()
        caller = Caller(sandbox, kind=kind, timeout=timeout)
        begun.append(caller)
        return caller

    yield begin
    for caller in begun:
        caller.close()
        caller.sandbox.stop()


@pytest.fixture
def calm():
    """The scenario that accepts every template."""
    return Scenario.named("calm")
