"""The tests of the guarantee work at the same desk as those of the command line."""

import os
import random

import pytest

from tests.cli.conftest import desk, open_wechat, wechat

__all__ = ["chance", "desk", "open_wechat", "wechat"]

if os.name == "nt":
    collect_ignore_glob = ["test_*.py"]  # kills, signals and limits are POSIX


@pytest.fixture
def chance() -> random.Random:
    """Chance that is the same in every run."""
    return random.Random(20261126)
