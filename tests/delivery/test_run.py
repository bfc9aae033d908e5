"""A run on disk: its card, its lock, and what may not change."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.delivery.world import RUN
from wxpush.delivery.run import (
    RunCard,
    RunFolder,
    refuse_changes,
    refuse_older_ledger,
    runs_in,
    state_beside,
)
from wxpush.errors import (
    DamagedStateError,
    InputError,
    LockedError,
    StateError,
    UnsafeStateError,
)
from wxpush.private import ensure_private_dir

PROJECT = Path(__file__).parents[2]
CARD = RunCard(
    name="order-shipped-2026-11-23",
    origin="https://api.weixin.qq.com",
    appid="wx0123456789abcdef",
    account="shop",
    campaign="/srv/群发/campaign.yaml",
    list="users.csv",
    template_id="ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY",
    template_title="订单发货通知",
    content="c" * 64,
    selection="s" * 64,
    created=1_795_399_200.5,
    updated=1_795_399_300.0,
    lists=("l" * 64,),
    bases=("b" * 64,),
    survey={"rows": 10, "blank": 1, "skips": {"duplicate": 2}},
    call={"state": "finished", "total": 10},
)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(ensure_private_dir(tmp_path / "runs" / RUN.folder))


def test_a_card_comes_back_as_it_was_written(folder: RunFolder) -> None:
    assert folder.card() is None
    folder.write_card(CARD)
    assert folder.card() == CARD
    assert (folder.path / "run.json").stat().st_mode & 0o777 == 0o600


@settings(max_examples=25)
@given(st.text(st.characters(exclude_categories=["Cs"])), st.floats(0, 4e9))
def test_any_name_and_moment_come_back(name: str, moment: float) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = RunFolder(Path(place))
        folder.write_card(replace(CARD, name=name, created=moment))
        assert folder.card() == replace(CARD, name=name, created=moment)


def test_a_card_says_whose_run_it_is() -> None:
    assert CARD.id.folder.startswith("order-shipped-2026-11-23-")


def test_lists_and_bases_are_remembered_in_order_and_the_latest_once() -> None:
    card = replace(CARD, lists=(), bases=())
    first = card.with_basis("l", "x")
    assert (first.lists, first.bases, first.is_of_one_basis) == (("l",), ("x",), True)
    assert first.with_basis("l", "x") == first
    assert not first.with_basis("l", "y").is_of_one_basis
    back = first.with_basis("m", "y").with_basis("l", "x")
    assert (back.lists, back.is_of_one_basis) == (("l", "m", "l"), False)


def without(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda values: {key: value for key, value in values.items() if key != name}


@pytest.mark.parametrize(
    "edit",
    [
        lambda _values: [],
        lambda _values: None,
        lambda _values: "card",
        without("schema"),
        without("selection"),
        without("bases"),
        lambda values: values | {"schema": 2},
        lambda values: values | {"lists": 5},
        lambda values: values | {"survey": []},
        lambda values: values | {"call": "finished"},
        lambda values: values | {"created": "yesterday"},
        lambda values: values | {"name": None},
    ],
    ids=["a list", "null", "text", "no schema", "no selection", "no bases", "a newer schema", "lists no list",
         "survey no object", "call no object", "created no number", "name no text"],
)  # fmt: skip
def test_a_card_of_another_shape_is_refused(folder: RunFolder, edit: Callable[[Any], Any]) -> None:
    folder.write_card(CARD)
    path = folder.path / "run.json"
    path.write_text(json.dumps(edit(json.loads(path.read_text()))))
    with pytest.raises(DamagedStateError):
        folder.card()


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 200_000, bytes(4096)])
def test_a_card_that_is_no_json_is_refused(folder: RunFolder, content: bytes) -> None:
    folder.write_card(CARD)
    (folder.path / "run.json").write_bytes(content)
    with pytest.raises(DamagedStateError):
        folder.card()


def test_a_linked_card_is_refused_to_read_and_replaced_without_touching_its_target(
    folder: RunFolder, tmp_path: Path
) -> None:
    target = tmp_path / "elsewhere.json"
    target.write_text("keep me")
    (folder.path / "run.json").symlink_to(target)
    with pytest.raises(UnsafeStateError):
        folder.card()
    folder.write_card(CARD)
    assert target.read_text() == "keep me"
    assert folder.card() == CARD


def test_a_run_exists_once_it_has_a_card_or_a_ledger(tmp_path: Path) -> None:
    folder = RunFolder.of(tmp_path, RUN)
    assert not folder.exists()
    ensure_private_dir(folder.ledger)
    assert not folder.exists()
    (folder.ledger / "cache.db").touch(mode=0o600)
    assert folder.exists()


def test_runs_are_those_folders_that_have_a_card(tmp_path: Path) -> None:
    assert runs_in(tmp_path) == []
    for name in ("b", "a"):
        folder = RunFolder.of(tmp_path, replace(RUN, name=name))
        ensure_private_dir(folder.path)
        folder.write_card(replace(CARD, name=name))
    ensure_private_dir(tmp_path / "runs" / "empty")
    cards = [found.card() for found in runs_in(tmp_path)]
    assert [card and card.name for card in cards] == ["a", "b"]


@contextmanager
def held_by_another_process(folder: RunFolder) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.delivery.holder", str(folder.path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=PROJECT, text=True, **pipes) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_second_process_is_refused_and_told_the_firsts_pid(folder: RunFolder) -> None:
    with held_by_another_process(folder) as other:
        assert folder.live_pid() == other.pid
        with pytest.raises(LockedError, match=f"process {other.pid}"), folder.locked():
            pytest.fail("two processes work on one run")
    assert LockedError.exit_code == 4


def test_the_lock_of_a_killed_process_is_taken_at_once(folder: RunFolder) -> None:
    with held_by_another_process(folder) as other:
        other.kill()
        other.wait()
        assert folder.live_pid() is None
        with folder.locked():
            assert folder.live_pid() == os.getpid()
    assert (folder.path / "run.lock").stat().st_mode & 0o777 == 0o600


def test_a_lock_that_was_let_go_is_free_also_after_an_error(folder: RunFolder) -> None:
    with pytest.raises(ZeroDivisionError), folder.locked():
        _ = 1 / 0
    assert folder.live_pid() is None
    with folder.locked():
        pass
    assert not (folder.path / "run.pid").exists()


def test_looking_for_a_live_process_changes_nothing(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "never-sent")
    assert folder.live_pid() is None
    assert not folder.path.exists()


def test_a_linked_lock_never_harms_its_target(folder: RunFolder, tmp_path: Path) -> None:
    target = tmp_path / "precious.txt"
    target.write_text("keep me")
    (folder.path / "run.lock").symlink_to(target)
    with pytest.raises(StateError), folder.locked():
        pass
    assert target.read_text() == "keep me"


def test_state_lies_beside_the_campaign_private_and_ignored_by_git(tmp_path: Path) -> None:
    campaign = tmp_path / "campaign.yaml"
    state = state_beside(campaign, None)
    assert state == tmp_path / ".wxpush"
    assert state.stat().st_mode & 0o777 == 0o700
    assert (state / ".gitignore").read_text() == "*\n"
    assert state_beside(campaign, None) == state


def test_state_lies_beside_the_file_that_a_link_means(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (real / "campaign.yaml").touch()
    (tmp_path / "campaign.yaml").symlink_to(real / "campaign.yaml")
    assert state_beside(tmp_path / "campaign.yaml", None) == real / ".wxpush"


def test_a_home_holds_the_state_and_nothing_lies_beside_the_campaign(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert state_beside(tmp_path / "campaign.yaml", home) == home
    assert home.stat().st_mode & 0o777 == 0o700
    assert not (tmp_path / ".wxpush").exists()


def test_state_that_others_can_enter_is_refused_with_the_remedy(tmp_path: Path) -> None:
    state_beside(tmp_path / "campaign.yaml", None).chmod(0o755)
    with pytest.raises(UnsafeStateError) as caught:
        state_beside(tmp_path / "campaign.yaml", None)
    assert "chmod go-rwx" in caught.value.hint
    assert caught.value.exit_code == 4


CHANGED_TEXT, CHANGED_PEOPLE = replace(CARD, content="d" * 64), replace(CARD, selection="t" * 64)


@pytest.mark.parametrize(
    ("new", "accept", "refused"),
    [
        (CARD, False, False),
        (CARD, True, False),
        (CHANGED_TEXT, False, True),
        (CHANGED_TEXT, True, False),
        (CHANGED_PEOPLE, False, True),
        (CHANGED_PEOPLE, True, True),
        (replace(CHANGED_TEXT, selection="t" * 64), True, True),
        (replace(CARD, list="other.csv", lists=("x",), template_title="新标题"), False, False),
    ],
)
def test_what_may_change_in_a_run(new: RunCard, accept: bool, refused: bool) -> None:
    if not refused:
        refuse_changes(CARD, new, accept=accept)
        return
    with pytest.raises(InputError, match=CARD.name) as caught:
        refuse_changes(CARD, new, accept=accept)
    assert "--run NAME" in caught.value.hint
    assert ("--accept-changes" in caught.value.hint) == (new.selection == CARD.selection)


@pytest.mark.parametrize(("accepted", "refused"), [(0, True), (9, True), (10, False), (11, False)])
def test_a_ledger_that_knows_of_fewer_than_its_card_is_from_before(accepted: int, refused: bool) -> None:
    card = replace(CARD, call={"state": "finished", "total": 20, "accepted": 10})
    if not refused:
        refuse_older_ledger(card, accepted, Path("ledger"))
        return
    with pytest.raises(DamagedStateError, match="10") as caught:
        refuse_older_ledger(card, accepted, Path("ledger"))
    assert "backup" in caught.value.hint


def test_a_card_whose_call_was_cut_off_tells_nothing_of_the_ledger() -> None:
    refuse_older_ledger(replace(CARD, call={}), 0, Path("ledger"))
