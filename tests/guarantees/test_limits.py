"""Where the guarantee ends: what nobody can see from WeChat's answers."""

from pathlib import Path

import pytest

from tests.cli.command import Row, openid, people
from tests.guarantees.drill import drilling


def two_alike(first: Row) -> list[Row]:
    """Two rows of one person whose messages read alike."""
    return [first | {"name": "甲"}, first | {"name": "乙"}]


@pytest.mark.guarantee("T8")
def test_t08_two_messages_of_one_person_that_read_alike_may_be_taken_for_one(tmp_path: Path) -> None:
    """The second's call is lost on the way; the 40241 to its repeat speaks of the first one's text."""
    dedupe = {"answer": "40241", "same_text_s": 60}
    faults = {"send": {"cut_before": {"after": 1, "times": 1}}}
    with drilling(tmp_path, dedupe=dedupe, faults=faults) as drill:
        drill.prepare(1, key='"{{ openid }}:{{ name }}"')
        drill.desk.list(two_alike(people(1)[0]))
        done = drill.send("--rate", "10/s", "--workers", "1")
        assert (done.code, done.json["accepted"]) == (0, 2)
        assert drill.desk.shown() == {openid(1): 1}
