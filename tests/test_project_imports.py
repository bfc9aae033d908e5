"""The floors of the building: imports go down only, and every library lives in its one room."""

import ast
import importlib.metadata
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "wxpush"

# Higher floors may import lower ones, never the other way round.
FLOORS = {
    "errors": 0, "model": 0, "i18n": 0, "clock": 0, "fastjson": 0, "safe": 0, "near": 0,
    "config": 1, "yamlfile": 1, "private": 1, "lock": 1,
    "delivery": 2, "campaign": 2, "channels": 2,
    "report": 3, "sandbox": 3, "web": 3,
    "app": 4,
    "console": 5,
    "cli": 6, "__main__": 7,
}  # fmt: skip

# Rooms of the same floor that must not know each other; `cli` and `app` join them.
STRANGERS = {"delivery", "campaign", "channels"}

# What the sandbox may use of the rest: it is a double of WeChat, so our own WeChat code must not shape it.
SANDBOX_MAY_IMPORT = {"sandbox", "yamlfile", "private", "errors", "model", "i18n", "near"}

# Where each third-party library lives: a module, or a package with all that is in it.
LIBRARY_ROOMS = {
    "requests": ["channels"],
    "urllib3": ["channels"],
    "diskcache": ["delivery.store"],
    "jinja2": ["campaign.render", "campaign.expressions", "campaign.filters"],
    "openpyxl": ["campaign.recipients"],
    "yaml": ["yamlfile"],
    "rich": ["console", "report"],
    "typer": ["cli"],
    "click": ["cli"],
    "pydantic": ["campaign.schema", "config", "channels"],
    "pycurl": ["channels.http.curl", "channels.http.sockets"],
    "orjson": ["fastjson"],
    "ahocorasick_rs": ["campaign.wordlists"],
    "platformdirs": ["config"],
    "sqlalchemy": ["app.sources.query"],
    "aiohttp": ["web"],
    "yarl": ["web"],  # aiohttp's own type of a URL
    "cryptography": ["channels.wechat.crypto", "sandbox.sealing"],
    "defusedxml": ["channels.wechat.events"],
}


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the package by its dotted name, as parsed source."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"), str(path))
    return found


def is_package(name: str) -> bool:
    return (ROOT / name.replace(".", "/") / "__init__.py").exists()


def imports_of(name: str, tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every module that `name` imports, wherever in the file, with the line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((target, node.lineno) for target in _from_targets(name, node))


def _from_targets(name: str, node: ast.ImportFrom) -> Iterator[str]:
    base = node.module or ""
    if node.level:
        here = name.split(".") if is_package(name) else name.split(".")[:-1]
        base = ".".join([*here[: len(here) - node.level + 1], *filter(None, [node.module])])
    for alias in node.names:
        # `from wxpush import model` imports a module, `from wxpush.model import State` a name of one.
        yield f"{base}.{alias.name}" if f"{base}.{alias.name}" in modules() else base


def room(module: str) -> str:
    """The part of `wxpush` that a module belongs to; empty for the package itself."""
    return module.partition(".")[2].partition(".")[0]


def own_imports() -> list[tuple[str, str, int]]:
    """(importer, imported, line) for every import of our own modules, deferred ones included."""
    return [
        (name, target, line)
        for name, tree in modules().items()
        for target, line in imports_of(name, tree)
        if target.split(".")[0] == "wxpush" and target != name
    ]


def channel(module: str) -> str:
    """Which channel a module belongs to; empty outside of them."""
    parts = module.split(".")
    return parts[2] if parts[1:2] == ["channels"] and len(parts) > 2 else ""


def third_party_imports() -> list[tuple[str, str, int]]:
    """(importer, library, line) for every import that is neither ours nor Python's."""
    return [
        (name, target.split(".")[0], line)
        for name, tree in modules().items()
        for target, line in imports_of(name, tree)
        if target.split(".")[0] not in {"wxpush", *sys.stdlib_module_names}
    ]


def test_every_part_of_the_package_has_a_floor() -> None:
    parts = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py"} - {"__init__"}
    parts |= {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert parts <= FLOORS.keys()


def test_imports_go_down_only() -> None:
    upward = [
        f"{name}:{line} imports {target}"
        for name, target, line in own_imports()
        if room(target) and FLOORS[room(name)] < FLOORS[room(target)]
    ]
    assert upward == []


def test_delivery_campaign_and_channels_do_not_know_each_other() -> None:
    meetings = [
        f"{name}:{line} imports {target}"
        for name, target, line in own_imports()
        if {room(name), room(target)} <= STRANGERS and room(name) != room(target)
    ]
    assert meetings == []


def test_channels_travel_by_http_and_do_not_know_each_other() -> None:
    meetings = [
        f"{name}:{line} imports {target}"
        for name, target, line in own_imports()
        if (here := channel(name)) and channel(target) not in ("", here, "http")
    ]
    assert meetings == []


def test_the_sandbox_is_written_without_our_own_wechat_code() -> None:
    borrowed = [
        f"{name}:{line} imports {target}"
        for name, target, line in own_imports()
        if room(name) == "sandbox" and room(target) and room(target) not in SANDBOX_MAY_IMPORT
    ]
    assert borrowed == []


def test_no_module_imports_itself_by_a_detour() -> None:
    graph: dict[str, set[str]] = {name: set() for name in modules()}
    for name, target, _ in own_imports():
        # A package may gather names of its own modules; a module reaching back for those is the cycle.
        if not name.startswith(f"{target}."):
            graph[name].add(target)
    order = list(TopologicalSorter(graph).static_order())  # raises CycleError, which names the detour
    assert set(order) >= set(modules())


def lives_in(module: str, rooms: list[str]) -> bool:
    return any(f"{module}.".startswith(f"wxpush.{place}.") for place in rooms)


def test_each_library_stays_in_its_room() -> None:
    strays = [
        f"{name}:{line} imports {library}"
        for name, library, line in third_party_imports()
        if not lives_in(name, LIBRARY_ROOMS.get(library, []))
    ]
    assert strays == []


def test_the_excel_library_is_imported_only_when_a_workbook_is_read() -> None:
    at_the_top = [
        name
        for name, tree in modules().items()
        for node in tree.body
        for target, _ in imports_of(name, ast.Module([node], []))
        if isinstance(node, ast.Import | ast.ImportFrom) and target.split(".")[0] == "openpyxl"
    ]
    assert at_the_top == []


@cache
def declared() -> dict[str, Requirement]:
    """What pyproject.toml asks for at run time, its extras included, by distribution name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [
        *project["dependencies"],
        *(
            line
            for name in ("excel", "fast", "receipts", "sql", "words")
            for line in project["optional-dependencies"][name]
        ),
    ]
    return {canonicalize_name(requirement.name): requirement for requirement in map(Requirement, lines)}


def test_every_library_that_is_imported_is_declared() -> None:
    distributions = importlib.metadata.packages_distributions()
    undeclared = {
        f"{name}:{line} imports {library}"
        for name, library, line in third_party_imports()
        if not set(map(canonicalize_name, distributions.get(library, []))) & declared().keys()
    }
    assert undeclared == set()


def test_every_declared_library_is_used() -> None:
    distributions = importlib.metadata.packages_distributions()
    used = {
        canonicalize_name(distribution)
        for _, library, _ in third_party_imports()
        for distribution in distributions.get(library, [])
    }
    unused = {name for name, requirement in declared().items() if requirement.marker is None} - used
    assert unused == set()


@pytest.mark.parametrize("name", sorted(declared()))
def test_the_installed_library_is_one_that_pyproject_allows(name: str) -> None:
    requirement = declared()[name]
    if requirement.marker is not None and not requirement.marker.evaluate():
        pytest.skip("not for this platform")
    assert requirement.specifier.contains(importlib.metadata.version(name), prereleases=True)


@pytest.mark.parametrize("name", sorted(declared()))
def test_every_library_has_an_oldest_version_to_try(name: str) -> None:
    assert any(part.operator == ">=" for part in declared()[name].specifier)
