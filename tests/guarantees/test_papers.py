"""The page on the guarantee says nothing that no test shows."""

import re
from functools import cache
from pathlib import Path

import pytest

from tests.guarantees.asked import ASKED

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "docs" / "guarantees.md", ROOT / "docs" / "guarantees.zh-CN.md"]

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@cache
def with_a_test() -> frozenset[str]:
    """The numbers that a test bears."""
    found: set[str] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        found |= set(re.findall(r'mark\.guarantee\("(T\d+)"\)', path.read_text("utf-8")))
    return frozenset(found)


def rows(page: Path) -> list[list[str]]:
    """The cells of every line of a table."""
    lines = [line for line in page.read_text("utf-8").splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_every_number_has_a_test() -> None:
    assert with_a_test() == ASKED.keys()


@every_page
def test_every_number_that_the_page_names_is_tested(page: Path) -> None:
    named = set(re.findall(r"\bT\d+\b", page.read_text("utf-8")))
    assert named <= with_a_test()


@every_page
def test_every_promise_names_its_tests(page: Path) -> None:
    promises = [row for row in rows(page) if row[0].isdecimal()]
    assert len(promises) == 12
    assert all(re.fullmatch(r"T\d+(, T\d+)*", row[2]) for row in promises)


def test_both_languages_name_the_same_tests_in_the_same_order() -> None:
    english, chinese = (re.findall(r"\bT\d+\b", page.read_text("utf-8")) for page in PAGES)
    assert chinese == english


@every_page
def test_every_number_has_its_row_of_figures_with_its_command(page: Path) -> None:
    figures = {row[0]: row for row in rows(page) if re.fullmatch(r"T\d+", row[0])}
    assert list(figures) == list(ASKED)
    for number, row in figures.items():
        assert row[2], f"{number} has no figure"
        assert row[-1] == f"`make torture ARGS='-k t{int(number[1:]):02d}'`"


def test_the_english_page_asks_what_the_table_asks() -> None:
    figures = {row[0]: row[1] for row in rows(PAGES[0]) if re.fullmatch(r"T\d+", row[0])}
    assert figures == ASKED


SECURITY = [ROOT / "SECURITY.md", ROOT / "SECURITY.zh-CN.md"]


def test_both_languages_of_the_security_page_name_the_same_tests() -> None:
    english, chinese = (re.findall(r"`(test_\w+)`", page.read_text("utf-8")) for page in SECURITY)
    assert chinese == english


@pytest.mark.parametrize("page", SECURITY, ids=lambda page: page.name)
def test_every_test_that_the_security_page_names_exists(page: Path) -> None:
    code = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", page.read_text("utf-8")))
    assert len(named) >= 15
    assert {name for name in named if f"def {name}(" not in code} == set()
