"""The project's own tools: make, the version in its three places."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

import wxpush

ROOT = Path(__file__).parent.parent

needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    outer = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL"}  # of the make that may be running these tests
    environ = {name: value for name, value in os.environ.items() if name not in outer}
    return subprocess.run(
        ["make", *arguments], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d$", changelog, re.MULTILINE)
    assert newest is not None
    assert project["version"] == wxpush.__version__ == newest[1]


def test_the_changelog_keeps_a_place_for_what_comes_next() -> None:
    assert "## [Unreleased]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


(HOOK,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("path", "taken"),
    [
        ("campaign.yaml", True),
        ("template.yaml", True),
        ("template.yml", True),
        ("first/campaign.yaml", True),
        ("first/template.yaml", True),
        ("spring-campaign.yml", True),
        ("campaign_orders.yaml", True),
        ("campaigns/orders.yaml", True),
        ("campaigns/2026/orders.yml", True),
        ("templates/order_shipped.yaml", True),
        ("wechat/templates/订单发货通知.yaml", True),
        ("samples/order-shipped/campaign.yaml", True),
        ("charts/shop/templates/deployment.yaml", False),
        ("charts/shop/templates/tests/test.yaml", False),
        ("deploy/chart/templates/service.yaml", False),
        ("charts/shop/charts/db/templates/pod.yaml", False),
        ("charts/shop/values.yaml", False),
        ("flowcharts/templates/order.yaml", True),
        ("docker-compose.yaml", False),
        ("pod-template.yaml", False),
        ("samples/pod.yaml", False),
        (".github/workflows/ci.yml", False),
        ("config/template.json", False),
        ("templates.py", False),
    ],
)
def test_the_hook_takes_the_files_that_are_checked(path: str, taken: bool) -> None:
    # As pre-commit does; of the files only those of its type, told by their ending.
    matches = re.search(HOOK["files"], path) and not re.search(HOOK["exclude"], path)
    assert (bool(matches) and path.endswith((".yaml", ".yml"))) is taken


def test_the_hook_brings_what_the_checks_need() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert HOOK["additional_dependencies"] == project["optional-dependencies"]["words"]


@needs_make
def test_make_without_a_target_lists_every_target() -> None:
    phony = re.search(r"^\.PHONY: help (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert phony is not None
    listed = [line.split()[1] for line in make().stdout.splitlines()]
    assert sorted(listed) == sorted(["help", *phony[1].split()])


@needs_make
@pytest.mark.parametrize("target", ["test", "demo"])
def test_an_old_python_is_refused_by_name_with_the_remedy(tmp_path: Path, target: str) -> None:
    old = tmp_path / "python3.9"
    old.write_text('#!/bin/sh\n[ "$1" = -V ] && echo "Python 3.9.2" && exit\nexit 1\n')
    old.chmod(0o755)
    answer = make(f"PYTHON={old}", f"VENV={tmp_path}/venv", f"DEMO={tmp_path}/demo", target)
    assert answer.returncode != 0
    assert "needs Python 3.11 or newer" in answer.stderr
    assert "is Python 3.9.2" in answer.stderr
    assert f"make PYTHON=python3.12 {target}" in answer.stderr
    assert not (tmp_path / "venv").exists()
