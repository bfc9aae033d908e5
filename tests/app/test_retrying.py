"""Sending again what failed: to the same people, as it was or from a mended list, and counted as before."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.app.desk import TEA, Desk, Row, Silence, new_sandbox, openid, write_campaign, write_list
from wxpush.app.known_runs import find_run, view
from wxpush.app.results import Summary
from wxpush.app.retrying import RetryRequest, opened
from wxpush.delivery import ledger as ledgers
from wxpush.delivery.records import Mark, Record
from wxpush.delivery.run import RunFolder
from wxpush.errors import InputError, ProblemsError
from wxpush.i18n import set_language

SENDS = "/cgi-bin/message/template/send"


@pytest.fixture(autouse=True)
def in_english() -> None:
    set_language("en")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with new_sandbox() as sandbox:
        yield Desk(tmp_path, sandbox)


def sends(desk: Desk) -> int:
    return desk.sandbox.requests_by_path.get(SENDS, 0)


def sent_but_for(desk: Desk, missing: Sequence[int], people: int = 4, **options: Any) -> list[Row]:
    """A list that was sent while those `missing` didn't follow; now they do."""
    rows = [Row(person) for person in range(1, people + 1)]
    for person in missing:
        desk.sandbox.unfollow(openid(person))
    desk.send(rows, **options)
    for person in missing:
        desk.sandbox.follow(openid(person))
    return rows


def retry(desk: Desk, **options: Any) -> Summary:
    request = RetryRequest(**{"everything": True, "rate": 2000.0, "workers": 1} | options)
    with opened(request, desk.around, desk.folder) as retrying:
        retrying.plan()
        return retrying.execute(Silence())


def folder_of(desk: Desk) -> RunFolder:
    return find_run("orders", desk.around, desk.folder)


def last_records(desk: Desk) -> dict[str, Record]:
    return {record.key: record for _place, record in ledgers.records(folder_of(desk).ledger)}


def test_a_person_who_is_twice_in_the_mended_list_gets_one_message(desk: Desk) -> None:
    sent_but_for(desk, [2])
    mended = write_list(desk.folder / "mended.csv", [Row(2, TEA), Row(2, TEA)])
    summary = retry(desk, recipients=mended)
    assert (summary.accepted, summary.failed, summary.attempts) == (4, 0, 1)
    assert desk.shown_to().count(openid(2)) == 1


def test_rows_that_contradict_each_other_are_refused_before_anything_is_sent(desk: Desk) -> None:
    sent_but_for(desk, [2, 3])
    before = sends(desk)
    mended = write_list(desk.folder / "mended.csv", [Row(3), Row(2), Row(2, TEA)])
    with pytest.raises(ProblemsError, match=openid(2)) as caught:
        retry(desk, recipients=mended)
    assert caught.value.exit_code == 2
    assert sends(desk) == before


def test_a_wrong_row_of_the_mended_list_is_refused_before_anything_is_sent(desk: Desk) -> None:
    sent_but_for(desk, [2, 3])
    before = sends(desk)
    mended = write_list(desk.folder / "mended.csv", [Row(2), Row(3, product="")])
    with pytest.raises(ProblemsError, match=r"mended\.csv:3"):
        retry(desk, recipients=mended)
    assert sends(desk) == before


def test_the_plan_counts_only_those_whom_the_mended_list_names(desk: Desk) -> None:
    sent_but_for(desk, [2, 3])
    request = RetryRequest(everything=True, recipients=write_list(desk.folder / "mended.csv", [Row(3, TEA)]))
    with opened(request, desk.around, desk.folder) as retrying:
        plan = retrying.plan()
    assert (plan.people, dict(plan.codes), plan.failed) == (1, {"43004": 1}, 2)


def test_with_a_home_a_campaign_beside_it_is_not_taken_for_the_runs_own(desk: Desk) -> None:
    work = desk.folder / "work"
    work.mkdir()
    ours, desk.folder = desk.folder, work
    sent_but_for(desk, [2])
    desk.folder = ours
    (desk.folder / "campaign.yaml").write_text("name: somebody else's\n", encoding="utf-8")
    assert retry(desk).accepted == 4


@pytest.mark.parametrize(("key", "value"), [("to", "{{ product }}"), ("key", "{{ openid }}-{{ product }}")])
def test_a_campaign_that_now_means_other_people_is_refused(desk: Desk, key: str, value: str) -> None:
    rows = sent_but_for(desk, [2])
    before = sends(desk)
    with (desk.folder / "campaign.yaml").open("a", encoding="utf-8") as file:
        file.write(f'{key}: "{value}"\n')
    with pytest.raises(InputError, match="another `to`, `key`"):
        retry(desk, recipients=write_list(desk.folder / "mended.csv", rows))
    assert sends(desk) == before


def test_a_campaign_with_another_text_is_refused(desk: Desk) -> None:
    rows = sent_but_for(desk, [2])
    write_campaign(desk.folder / "campaign.yaml", "改发京东快递")
    with pytest.raises(InputError, match="text has changed"):
        retry(desk, recipients=write_list(desk.folder / "mended.csv", rows))


def test_those_who_still_do_not_follow_do_not_stop_the_others(desk: Desk) -> None:
    """More than 18 of the first 20 answers are the code that was chosen."""
    rows = [Row(person) for person in range(1, 61)]
    for person in range(1, 31):
        desk.sandbox.unfollow(openid(2 * person))
    assert desk.send(rows, workers=1).summary.failed == 30
    desk.sandbox.follow(openid(60))
    summary = retry(desk, everything=False, codes=frozenset({"43004"}))
    assert (summary.state, summary.attempts) == ("finished", 30)
    assert (summary.accepted, summary.failed) == (31, 29)


def test_a_retry_that_is_stopped_leaves_the_rest_failed_with_their_payload(desk: Desk) -> None:
    sent_but_for(desk, range(1, 61, 2), people=60, workers=1)
    before = last_records(desk)
    request = RetryRequest(everything=True, rate=20.0, workers=1)
    with opened(request, desk.around, desk.folder) as retrying:
        retrying.plan()
        desk.sandbox.on_send(lambda _call: retrying.stop())
        summary = retrying.execute(Silence())
    assert summary.state == "interrupted"
    assert (summary.accepted + summary.failed, summary.pending) == (60, 0)
    assert summary.failed > 0
    for key, record in last_records(desk).items():
        if record.mark is not Mark.ACCEPTED:
            was = before[key]
            assert (record.mark, record.code, record.cls, record.payload, record.detail) == (
                Mark.FAILED, was.code, was.cls, was.payload, was.detail
            )  # fmt: skip
    desk.sandbox.on_send(lambda _call: None)
    assert retry(desk).accepted == 60


def test_after_a_killed_send_the_list_and_its_skips_are_still_counted(desk: Desk) -> None:
    for person in (1, 2):
        desk.sandbox.unfollow(openid(person))
    desk.send([Row(1), Row(2), Row(3), Row(3), Row(4, status="unpaid"), Row(5)], limit=3, keep_first=False)
    folder = folder_of(desk)
    card = folder.card()
    assert card is not None
    with folder.locked():
        folder.write_card(replace(card, call={}))  # as a kill leaves it
    seen = view(folder, desk.around, whole=True)
    desk.sandbox.follow(openid(1))
    summary = retry(desk)
    assert (seen.total, dict(seen.skips)) == (6, {"duplicate": 1, "condition": 1})
    assert (summary.total, dict(summary.skips)) == (seen.total, seen.skips)
    assert (summary.accepted, summary.failed, summary.pending) == (2, 1, 1)


def test_the_failures_file_is_found_again_from_another_folder(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent_but_for(desk, [2, 3])
    file = desk.folder / "users.failures.csv"
    elsewhere = desk.folder / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    desk.sandbox.unfollow(openid(3))
    summary = retry(desk)
    assert summary.failures_file is not None
    assert summary.failures_file.resolve() == file
    assert len(file.read_text("utf-8-sig").splitlines()) == 2
    desk.sandbox.follow(openid(3))
    assert retry(desk).failures_file is None
    assert not file.exists()


def test_the_command_that_sends_the_rest_works_from_this_folder(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent_but_for(desk, [2])
    request = RetryRequest(everything=True)
    monkeypatch.chdir(desk.folder)
    with opened(request, desk.around, desk.folder) as retrying:
        assert retrying.send_command == "wxpush send campaign.yaml users.csv --run orders"
        (desk.folder / "double11").mkdir()
        monkeypatch.chdir(desk.folder / "double11")
        assert retrying.send_command == "wxpush send ../campaign.yaml ../users.csv --run orders"


def test_the_failures_file_has_its_rows_as_the_list_has_them(desk: Desk) -> None:
    rows = [Row(person) for person in range(1, 41)]
    for row in rows[::2]:
        desk.sandbox.unfollow(openid(row.person))
    rows[20] = Row(21, product="")
    desk.send(rows)
    with (desk.folder / "users.failures.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = [int(row["wxpush_line"]) for row in csv.DictReader(file)]
    assert lines == list(range(2, 42, 2))
