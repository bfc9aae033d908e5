"""T40: the tests are tested. Each line that keeps the guarantee is broken, and a test must notice."""

import re
from pathlib import Path

import pytest

from tests.guarantees.plugin import ROOT, Measured, Scale
from tests.mutants import CANARY, MUTANTS, Hunt, Mutant, changed

every_mutant = pytest.mark.parametrize("mutant", [*MUTANTS, CANARY], ids=lambda mutant: mutant.name)


@every_mutant
def test_the_place_of_a_mutant_stands_just_once_in_the_code(mutant: Mutant) -> None:
    text = (ROOT / mutant.file).read_text("utf-8")
    assert changed(text, mutant) != text


@every_mutant
def test_a_mutants_tests_exist(mutant: Mutant) -> None:
    for killer in mutant.killers:
        file, _, function = killer.partition("::")
        assert re.search(rf"^def {function}\(", (ROOT / file).read_text("utf-8"), re.MULTILINE), killer


def test_no_two_mutants_are_the_same() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len({(m.file, m.old, m.new) for m in MUTANTS})
    assert len(MUTANTS) == len({mutant.name for mutant in MUTANTS})


@pytest.mark.guarantee("T40")
def test_t40_every_mutant_is_killed(tmp_path: Path, scale: Scale, measured: Measured) -> None:
    mutants = scale(MUTANTS[:2], MUTANTS)
    hunt = Hunt(tmp_path)
    assert hunt.begin(mutants) == []
    verdicts = list(hunt.hunt(mutants))
    killed = [verdict for verdict in verdicts if verdict.killed]
    measured(f"{len(killed)} of {len(mutants)} killed")
    assert [verdict.mutant.name for verdict in verdicts if verdict not in killed] == []
    assert len(MUTANTS) >= 14
