"""A drill for each test of the guarantee that wants one."""

import os
import random

import pytest

if os.name == "nt":
    collect_ignore_glob = ["test_*.py"]  # kills, signals and limits are POSIX


@pytest.fixture
def chance() -> random.Random:
    """Chance that is the same in every run."""
    return random.Random(20261126)
