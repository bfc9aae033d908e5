"""What a sending is made of: by which fingerprints a run knows that it goes on with the same."""

import re
from datetime import date
from pathlib import Path

import pytest

from tests.app.desk import Row, write_campaign, write_list
from wxpush.app.material import Material, read_material

EVENING, MORNING = date(2026, 11, 23), date(2026, 11, 24)


def read(folder: Path, day: date, remark: str = "顺丰包邮", rows: int = 2) -> Material:
    users = write_list(folder / "users.csv", [Row(person) for person in range(rows)])
    campaign = write_campaign(folder / "campaign.yaml", remark)
    return read_material(campaign, users, list_name="users.csv", list_format=None, today=day)


def test_a_run_that_goes_past_midnight_stays_what_it_was(tmp_path: Path) -> None:
    evening, morning = (read(tmp_path, day) for day in (EVENING, MORNING))
    assert evening.basis == morning.basis
    assert evening.approval_code == morning.approval_code


def test_the_day_counts_where_a_message_says_it(tmp_path: Path) -> None:
    evening, morning = (read(tmp_path, day, "{{ today }} 发货") for day in (EVENING, MORNING))
    assert evening.basis != morning.basis
    assert evening.approval_code != morning.approval_code


@pytest.mark.parametrize("changes", [{"remark": "次日达"}, {"rows": 3}])
def test_another_text_or_list_is_another_basis_and_another_code(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    before = read(tmp_path, EVENING)
    basis, code = before.basis, before.approval_code
    after = read(tmp_path, EVENING, **changes)  # type: ignore[arg-type]  # a text or a number, by its name
    assert (after.basis == basis, after.approval_code == code) == (False, False)


def test_the_name_is_approved_as_it_is_written(tmp_path: Path) -> None:
    """Else each day would have a code of its own, though nobody gets another message."""
    users = write_list(tmp_path / "users.csv", [Row(0)])
    codes, names = set(), set()
    campaign = write_campaign(tmp_path / "campaign.yaml", "顺丰包邮")
    text = campaign.read_text(encoding="utf-8")
    for name in ("order-{{ today }}", "order-2026-11-23"):
        campaign.write_text(re.sub("name: .*", f'name: "{name}"', text), encoding="utf-8")
        for day in (EVENING, MORNING):
            material = read_material(campaign, users, list_name="users.csv", list_format=None, today=day)
            codes.add((name, material.approval_code))
            names.add(material.campaign.name)
    assert (len(codes), len({code for _name, code in codes}), len(names)) == (2, 2, 2)
