"""The sandbox's documentation, in both languages: its examples work, and it leaves no setting out."""

import re
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from wxpush.sandbox import FollowerState, Scenario, Span
from wxpush.sandbox.endpoints import ENDPOINTS
from wxpush.sandbox.faults import EndpointFaults, Fault, Faults
from wxpush.sandbox.scenario import load

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(params=["sandbox.md", "sandbox.zh-CN.md"])
def text(request):
    return (DOCS / request.param).read_text(encoding="utf-8")


def blocks(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def names(kind):
    """The settings of a dataclass and of those within it."""
    for part in fields(kind):
        yield part.name
        default = getattr(kind(), part.name) if kind is not Fault else None
        if is_dataclass(default) and part.name != "faults" and not isinstance(default, Span):
            yield from names(type(default))


def test_the_scenario_in_the_docs_can_be_read(text, tmp_path):
    (example,) = blocks(text, "yaml")
    path = tmp_path / "scenario.yaml"
    path.write_text(example, encoding="utf-8")
    assert load(path).templates[0].keywords == ("thing1", "const5")


def test_the_python_in_the_docs_runs(text):
    (example,) = blocks(text, "python")
    exec(compile(example, "docs", "exec"), {})


def test_every_setting_of_a_scenario_is_in_the_example(text):
    (example,) = blocks(text, "yaml")
    assert [name for name in names(Scenario) if f"{name}:" not in example] == []


@pytest.mark.parametrize("kind", [EndpointFaults, Fault, Faults, FollowerState])
def test_every_fault_and_state_is_explained(text, kind):
    listed = (
        [state.value for state in kind] if kind is FollowerState else [part.name for part in fields(kind)]
    )
    assert [name for name in listed if not re.search(rf"`{name}\b", text)] == []


def test_every_endpoint_is_named(text):
    assert [path for path in ENDPOINTS if path not in text] == []
