"""The token on disk: private, bound to its secret, and never believed further than it is sound."""

import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxpush.channels.wechat.token_store import Grant, TokenStore, successor
from wxpush.clock import SYSTEM, Moment
from wxpush.config import Account, Secret
from wxpush.errors import LockedError, StateError, UnsafeStateError
from wxpush.private import ensure_private_dir

ACCOUNT = Account("shop", "wx0123456789abcdef", Secret("0123456789abcdef0123456789abcdef"))
THEN = Moment(1_795_428_000.0, 5000.0, "boot-1")
GRANT = Grant("92_AbCdEf-012_xyz", 7200.0, THEN, 3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return ensure_private_dir(tmp_path / "account")


@pytest.fixture
def store(folder: Path) -> TokenStore:
    return TokenStore(folder, ACCOUNT)


def test_a_token_is_read_back_as_it_was_saved(store: TokenStore) -> None:
    store.save(GRANT)
    assert store.load() == GRANT


def test_the_file_is_for_its_owner_only_and_has_no_secret(store: TokenStore, folder: Path) -> None:
    store.save(GRANT)
    path = folder / "token.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "0123456789abcdef" not in path.read_text()


def test_the_lock_is_for_its_owner_only(store: TokenStore, folder: Path) -> None:
    with store.locked(1.0):
        assert stat.S_IMODE((folder / "token.lock").stat().st_mode) == 0o600


def test_a_changed_secret_forgets_the_token(store: TokenStore, folder: Path) -> None:
    store.save(GRANT)
    assert TokenStore(folder, replace(ACCOUNT, secret=Secret("f" * 32))).load() is None


def mended(**changes: object) -> bytes:
    """A sound file with some fields changed; a `...` removes one."""
    owner = "a15d50d820697b26"
    fetched = {"wall": THEN.wall, "boot": THEN.boot, "boot_id": "boot-1"}
    sound = {"schema": 1, "owner": owner, "token": GRANT.token, "lifetime": 7200.0, "fetched": fetched,
             "generation": 3}  # fmt: skip
    sound |= {key: (fetched | value if isinstance(value, dict) else value) for key, value in changes.items()}
    return json.dumps({key: value for key, value in sound.items() if value is not ...}).encode()


def test_the_files_of_the_next_test_are_sound_but_for_one_field(store: TokenStore, folder: Path) -> None:
    store.save(GRANT)
    assert json.loads((folder / "token.json").read_bytes()) == json.loads(mended())


SPOILT = [
    b"", b"{", b"[]", b"null", b"5", b'"token"', b"\0" * 500, b"\xff\xfe\x00", os.urandom(300),
    b'{"tok":5}',
    b"[" * 10_000, b"{}" * 10_000, mended()[:-10], mended() + b"x", mended() + b" " * 20_000,
    mended(schema=2), mended(schema=...), mended(owner="other"), mended(token=""), mended(token=5),
    mended(token="with blank"), mended(token="行"), mended(token="x" * 1025), mended(token=...),
    mended(lifetime=0), mended(lifetime=-1), mended(lifetime=7201), mended(lifetime="7200"),
    mended(lifetime=True), mended(lifetime=float("nan")), mended(lifetime=10**400),
    mended(fetched=None),
    mended(fetched={"boot_id": 5}), mended(fetched={"wall": "now"}), mended(fetched={"boot": None}),
    mended(fetched={"wall": float("inf")}),
    mended(generation=0), mended(generation=1e300), mended(generation=None),
]  # fmt: skip


@pytest.mark.parametrize("content", SPOILT, ids=range(len(SPOILT)))
def test_a_file_that_is_not_ours_counts_as_none(store: TokenStore, folder: Path, content: bytes) -> None:
    path = folder / "token.json"
    path.write_bytes(content)
    path.chmod(0o600)
    assert store.load() is None
    store.save(GRANT)
    assert store.load() == GRANT


@given(st.binary(max_size=300))
def test_no_content_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = ensure_private_dir(tmp_path_factory.mktemp("any") / "account")
    (folder / "token.json").write_bytes(content)
    (folder / "token.json").chmod(0o600)
    assert TokenStore(folder, ACCOUNT).load() is None


def make_readable(path: Path) -> None:
    path.write_bytes(mended())
    path.chmod(0o644)


def make_link(path: Path) -> None:
    other = path.with_name("other.json")
    other.write_bytes(mended())
    other.chmod(0o600)
    path.symlink_to(other)


def make_second_name(path: Path) -> None:
    path.write_bytes(mended())
    path.chmod(0o600)
    path.with_name("second").hardlink_to(path)


def make_foreign(path: Path) -> None:
    path.write_bytes(mended())
    path.chmod(0o600)
    os.chown(path, 65534, 65534)


@pytest.mark.parametrize(
    "make", [make_readable, make_link, make_second_name, make_foreign, os.mkfifo, Path.mkdir]
)
@pytest.mark.parametrize("name", ["token.json", "token.lock"])
def test_a_file_that_others_could_touch_is_refused(store: TokenStore, folder: Path, make, name: str) -> None:
    if make is make_foreign and os.geteuid() != 0:
        pytest.skip("only root can give files away")
    make(folder / name)
    use = store.load if name == "token.json" else store.locked(1.0).__enter__
    with pytest.raises(UnsafeStateError):
        use()


def test_a_token_file_that_became_a_link_is_not_written_through(store: TokenStore, folder: Path) -> None:
    make_link(folder / "token.json")
    with pytest.raises(UnsafeStateError):
        store.save(replace(GRANT, token="92_new"))
    assert b"92_new" not in (folder / "other.json").read_bytes()


def test_what_a_killed_writer_left_behind_is_cleared_away(store: TokenStore, folder: Path) -> None:
    (folder / ".token.json.abc123").write_text("half a tok")
    store.save(GRANT)
    assert sorted(path.name for path in folder.iterdir()) == ["token.json"]


def test_clearing_says_whether_there_was_something(store: TokenStore) -> None:
    store.save(GRANT)
    assert [store.clear(), store.clear()] == [True, False]
    assert store.load() is None


def test_a_lock_held_elsewhere_is_waited_for_only_so_long(store: TokenStore, folder: Path) -> None:
    with store.locked(1.0), pytest.raises(LockedError, match="has been renewing"):
        TokenStore(folder, ACCOUNT).locked(0.05).__enter__()


def test_a_folder_that_cannot_be_written_is_told_as_such(folder: Path) -> None:
    with pytest.raises(StateError):
        TokenStore(folder / "lacking", ACCOUNT).save(GRANT)


def at(wall: float, boot: float, boot_id: str = "boot-1") -> Moment:
    return Moment(THEN.wall + wall, THEN.boot + boot, boot_id)


@pytest.mark.parametrize(
    ("moment", "life"),
    [
        (at(100, 100), 7100), (at(7200, 7200), 0), (at(9000, 9000), 0),
        (at(7300, 100), 0), (at(100, 7300), 0), (at(500, 100), 6700), (at(100, 500), 6700),
        (at(-7200, 100), 0), (at(-1, 0), 7200), (at(-86400, 100), 0),
        (at(100, -4000, "boot-2"), 7100), (at(-3600, 10, "boot-2"), 0),
    ],
)  # fmt: skip
def test_a_tokens_life_is_counted_by_the_less_favourable_clock(moment: Moment, life: float) -> None:
    assert GRANT.life(moment) == life


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.sampled_from(["boot-1", "boot-2"]))
def test_no_clock_makes_a_token_live_longer_than_it_was_given(wall: float, boot: float, boot_id: str) -> None:
    assert 0 <= GRANT.life(at(wall, boot, boot_id)) <= GRANT.lifetime


def test_the_same_token_again_is_no_new_generation() -> None:
    assert successor(GRANT, Grant(GRANT.token, 300.0, THEN)).generation == 3
    assert successor(GRANT, Grant("92_other", 7200.0, THEN)).generation == 4
    assert successor(None, Grant("92_other", 7200.0, THEN)).generation == 1


def test_time_passes_on_both_clocks() -> None:
    first, second = SYSTEM.moment(), SYSTEM.moment()
    assert (second.wall >= first.wall, second.boot >= first.boot) == (True, True)
    assert first.boot_id == second.boot_id


def test_no_representation_shows_the_token() -> None:
    assert GRANT.token not in f"{GRANT!r} {GRANT}"
