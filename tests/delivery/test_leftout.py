"""Why lines of a list were left out, as it is kept on disk."""

import json
import time
import zlib
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxpush.delivery.leftout import LeftOut

LINES = st.dictionaries(st.integers(0, 5_000), st.sampled_from(["condition", "suppressed", "where", ""]))

#: More lines than any list has, in a hundred kilobytes.
BOMB = b64encode(zlib.compress(bytes(100_000_001))).decode()


@given(decided=LINES)
def test_what_was_noted_last_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, decided: dict[int, str]
) -> None:
    path = tmp_path_factory.mktemp("run") / "left-out.json"
    noted = LeftOut("digest")
    for line in decided:
        noted.note(line, "expired")
    for line, reason in decided.items():
        if reason:
            noted.note(line, reason)
        else:
            noted.forget(line)
    noted.write(path, 7.5)
    found = LeftOut.read(path)
    if not any(decided.values()):
        assert found is None
        return
    assert found is not None
    assert (found.of, found.at) == ("digest", 7.5)
    assert {line: found.reason(line) for line in decided} == decided
    assert found.reason(9_999) == found.reason(-1) == ""
    began = int(time.time())
    assert all(began - 60 < found.moment(line) <= began for line, reason in decided.items() if reason)
    assert found.moment(9_999) == found.moment(-1) == 0
    found.note(0, "where")
    assert found.reason(0) == "where"


def test_a_file_of_an_earlier_version_says_no_moment(tmp_path: Path) -> None:
    path = tmp_path / "left-out.json"
    noted = LeftOut("digest")
    noted.note(3, "where")
    noted.write(path, 1.0)
    content = json.loads(path.read_text())
    del content["moments"]
    path.write_text(json.dumps(content))
    found = LeftOut.read(path)
    assert found is not None
    assert (found.reason(3), found.moment(3)) == ("where", 0)


def test_where_nobody_is_left_out_any_more_the_file_goes(tmp_path: Path) -> None:
    path = tmp_path / "left-out.json"
    noted = LeftOut("digest")
    noted.note(3, "where")
    noted.write(path, 1.0)
    noted.forget(3)
    noted.write(path, 2.0)
    assert not path.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2},
        {"lines": "AAAA"},
        {"lines": 3},
        {"reasons": []},
        {"at": "x"},
        {"of": None, "reasons": 1},
        {"reasons": [str(number) for number in range(255)]},
        {"lines": BOMB},
    ],
)
def test_what_cannot_be_understood_is_passed_over(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "left-out.json"
    noted = LeftOut("digest")
    noted.note(3, "where")
    noted.write(path, 1.0)
    values = json.loads(path.read_text())
    path.write_text(json.dumps(values | change))
    assert LeftOut.read(path) is None


def test_a_million_lines_take_little_room(tmp_path: Path) -> None:
    path = tmp_path / "left-out.json"
    noted = LeftOut("digest")
    for line in range(0, 1_000_000, 3):
        noted.note(line, "condition")
    noted.write(path, 1.0)
    assert path.stat().st_size < 100_000
