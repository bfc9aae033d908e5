"""The runs that this user has: found from any folder, meant by name, and how they stand."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.app.desk import TEMPLATE_ID, Desk, Row, new_sandbox, openid
from tests.delivery.ledgers import claim, message, record
from wxpush.app.aftermath import failures_of
from wxpush.app.known_runs import all_runs, find_run, remember_place, send_command, view
from wxpush.app.results import RunView
from wxpush.app.surroundings import Surroundings
from wxpush.delivery.identity import RunId
from wxpush.delivery.ledger import Ledger
from wxpush.delivery.records import Mark
from wxpush.delivery.run import RunCard, RunFolder, state_beside
from wxpush.errors import InputError
from wxpush.i18n import set_language

ORIGIN, APPID = "https://api.weixin.qq.com", "wx0123456789abcdef"


@pytest.fixture(autouse=True)
def in_english() -> None:
    set_language("en")


@pytest.fixture
def around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Surroundings:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "user-state"))
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    return Surroundings({})


def begin(campaign: Path, name: str, updated: float = 1_795_399_200.0) -> RunFolder:
    """A run that was sent from beside `campaign`."""
    campaign.parent.mkdir(parents=True, exist_ok=True)
    folder = RunFolder.of(state_beside(campaign, None), RunId(ORIGIN, APPID, name))
    with folder.locked():
        folder.write_card(
            RunCard(
                name, ORIGIN, APPID, "shop", str(campaign), "users.csv", TEMPLATE_ID,
                "订单发货通知", "c", "s", created=1_795_399_000.0, updated=updated, lists=("l",),
                survey={"rows": 5, "blank": 0, "skips": {"duplicate": 1}},
            )
        )  # fmt: skip
    return folder


def names(around: Surroundings, here: Path) -> list[str]:
    cards = [folder.card() for folder in all_runs(around, here).folders]
    return [card.name for card in cards if card]


def test_runs_are_found_below_this_folder_the_latest_first(tmp_path: Path, around: Surroundings) -> None:
    for number, place in enumerate(["", "shop/", "shop/double11/"]):
        begin(tmp_path / "work" / f"{place}campaign.yaml", f"orders-{number}", 1_795_399_200.0 + number)
    begin(tmp_path / "elsewhere" / "campaign.yaml", "others")
    assert names(around, tmp_path / "work") == ["orders-2", "orders-1", "orders-0"]


def test_runs_elsewhere_are_found_once_they_were_remembered(tmp_path: Path, around: Surroundings) -> None:
    folder = begin(tmp_path / "elsewhere" / "campaign.yaml", "others")
    for _ in range(2):
        remember_place(folder.path.parents[1], around)
    assert names(around, tmp_path) == ["others"]
    assert names(around, tmp_path / "elsewhere") == ["others"]


@pytest.mark.parametrize("content", [b"", b"{", b'{"a": 1}', b"[[[", b"\xff"])
def test_a_broken_list_of_places_hides_no_run_that_is_near(
    tmp_path: Path, around: Surroundings, content: bytes
) -> None:
    folder = begin(tmp_path / "campaign.yaml", "orders")
    remember_place(folder.path.parents[1], around)
    (around.directories.state / "places.json").write_bytes(content)
    assert names(around, tmp_path) == ["orders"]


def test_a_home_is_the_only_place(tmp_path: Path) -> None:
    begin(tmp_path / "campaign.yaml", "orders")
    assert names(Surroundings({}, tmp_path / "home"), tmp_path) == []


def test_a_run_that_is_damaged_does_not_hide_the_others(tmp_path: Path, around: Surroundings) -> None:
    begin(tmp_path / "campaign.yaml", "orders")
    (begin(tmp_path / "campaign.yaml", "broken").path / "run.json").write_text("{")
    assert "orders" in [folder.path.name.rsplit("-", 1)[0] for folder in all_runs(around, tmp_path).folders]
    assert find_run("orders", around, tmp_path).path.name.startswith("orders")


def test_the_only_run_needs_no_name(tmp_path: Path, around: Surroundings) -> None:
    folder = begin(tmp_path / "campaign.yaml", "orders")
    assert find_run(None, around, tmp_path).path == folder.path
    assert find_run("orders", around, tmp_path).path == folder.path


def test_without_a_run_the_way_to_the_first_is_told(tmp_path: Path, around: Surroundings) -> None:
    for name in (None, "orders"):
        with pytest.raises(InputError, match="There is no run yet") as caught:
            find_run(name, around, tmp_path)
        assert "wxpush send" in caught.value.hint


def test_of_several_runs_one_must_be_named(tmp_path: Path, around: Surroundings) -> None:
    begin(tmp_path / "campaign.yaml", "orders", 1_795_399_300.0)
    begin(tmp_path / "campaign.yaml", "reminders", 1_795_399_400.0)
    with pytest.raises(InputError, match="Which run") as caught:
        find_run(None, around, tmp_path)
    assert caught.value.hint == "Name one of: reminders, orders"
    with pytest.raises(InputError, match='no run "order"') as caught:
        find_run("order", around, tmp_path)
    assert caught.value.hint == "There are: reminders, orders"


def test_one_name_in_two_folders_is_told_with_both(tmp_path: Path, around: Surroundings) -> None:
    folders = [begin(tmp_path / place / "campaign.yaml", "orders") for place in ("a", "b")]
    with pytest.raises(InputError, match="Several runs") as caught:
        find_run("orders", around, tmp_path)
    assert all(str(folder.path) in str(caught.value) for folder in folders)
    assert find_run("orders", around, tmp_path / "a").path == folders[0].path


def test_the_command_that_goes_on_with_a_run_means_it_tomorrow_too(
    tmp_path: Path, around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = begin(tmp_path / "campaign.yaml", "remind 2026-11-22")
    card = folder.card()
    assert card is not None
    monkeypatch.chdir(tmp_path)
    wanted = "wxpush send campaign.yaml users.csv --run 'remind 2026-11-22'"
    assert send_command(folder, card) == f"{wanted} --account shop"
    assert send_command(folder, replace(card, account="default")) == wanted


def nonzero(seen: RunView) -> dict[str, int]:
    return {state: count for state, count in seen.counts.items() if count}


def filled(folder: RunFolder) -> None:
    card = folder.card()
    assert card is not None
    ledger = Ledger(folder.ledger, card.id)
    ledger.commit([], [claim(0), claim(1), claim(2)])
    ledger.commit([record(message(0)), record(message(1), Mark.FAILED)])
    ledger.close()


def test_a_killed_run_is_counted_from_its_ledger(tmp_path: Path, around: Surroundings) -> None:
    folder = begin(tmp_path / "campaign.yaml", "orders")
    filled(folder)
    seen = view(folder, around, whole=False)
    assert (seen.state, seen.total, seen.live_pid) == ("interrupted", 5, None)
    assert nonzero(seen) == {"accepted": 1, "failed": 1, "in_doubt": 1, "skipped": 1, "pending": 1}
    assert seen.to_json()["pending"] == 1
    assert [(group.state, group.code, group.count) for group in seen.failures] == [
        ("failed", "43004", 1), ("in_doubt", "timeout", 1)
    ]  # fmt: skip


def test_a_run_that_is_being_sent_is_told_as_running(tmp_path: Path, around: Surroundings) -> None:
    folder = begin(tmp_path / "campaign.yaml", "orders")
    filled(folder)
    with folder.locked():
        seen = view(folder, around, whole=False)
        rows = list(failures_of(folder))
    assert seen.state == "running"
    assert seen.live_pid is not None
    assert nonzero(seen) == {"accepted": 1, "failed": 1, "skipped": 1, "pending": 2}
    assert [group.state for group in seen.failures] == [row.state for row in rows] == ["failed"]


def test_an_attempt_without_an_answer_is_pending_while_it_is_tried_again(
    tmp_path: Path, around: Surroundings
) -> None:
    folder = begin(tmp_path / "campaign.yaml", "orders")
    card = folder.card()
    assert card is not None
    ledger = Ledger(folder.ledger, card.id)
    ledger.commit([], [claim(0), claim(1)])
    ledger.commit([record(message(0), Mark.SILENT), record(message(1), Mark.BUSY)])
    ledger.close()
    with folder.locked():
        live = view(folder, around, whole=True)
    assert nonzero(live) == {"skipped": 1, "pending": 4}
    assert live.failures == []
    dead = view(folder, around, whole=True)
    assert nonzero(dead) == {"skipped": 1, "in_doubt": 2, "pending": 2}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with new_sandbox() as sandbox:
        yield Desk(tmp_path, sandbox)


def test_a_run_that_has_ended_reads_alike_from_its_card_and_its_ledger(desk: Desk) -> None:
    desk.sandbox.unfollow(openid(2))
    rows = [Row(1), Row(2), Row(3), Row(3), Row(4, product=""), Row(5, status="unpaid"), Row(6)]
    ended = desk.send(rows, limit=3).summary
    folder = find_run("orders", desk.around, desk.folder)
    short, whole = (view(folder, desk.around, whole=wanted) for wanted in (False, True))
    assert (short.state, short.total, short.skips) == (whole.state, whole.total, whole.skips)
    assert short.counts["accepted"] == ended.accepted == 2
    assert short.failures
    assert short.to_json() == whole.to_json()
