"""Who a run is: ids that are the same in every process and version, and differ wherever they must."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.delivery.world import RUN
from wxpush.delivery.identity import MessageIds, RunId, hash64

OPENID = "oQ7wK0tXbR3mZpV9cYhJ2nLs4DfA"
PARTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)


@given(PARTS, PARTS, PARTS, PARTS, st.integers(0, 10**9))
def test_an_id_is_at_most_32_ascii_characters(
    origin: str, appid: str, name: str, key: str, epoch: int
) -> None:
    made = MessageIds(RunId(origin, appid, name)).client_msg_id(key, epoch)
    assert 20 <= len(made) <= 32
    assert made.isascii()
    assert made.isalnum()


@pytest.mark.parametrize(
    ("key", "epoch", "expected"),
    [
        (OPENID, 0, "zeweuawm7t62iua57bzuteucmh"),
        (OPENID, 1, "nn7qtgyrxm3laecjdh5yynpd2u"),
        (f"{OPENID}:SN20261123001", 0, "6gaz65lvlaimyqbxd2ovzmpvqz"),
        ("订单-甲", 0, "qo3yilhrt6h3gk7iwmagottesy"),
    ],
)
def test_ids_are_those_of_every_version_before(key: str, epoch: int, expected: str) -> None:
    """An id that changed with an upgrade would send a message twice: these literals may never change."""
    assert MessageIds(RUN).client_msg_id(key, epoch) == expected


def test_the_folder_of_a_run_is_that_of_every_version_before() -> None:
    assert RUN.digest == "d1755da7b355cda5"
    assert RUN.folder == "orders-d1755da7b355cda5"


def test_hashes_are_those_of_every_version_before() -> None:
    assert hash64("") == 0xE4A6A0577479B2B4
    assert hash64(OPENID) == 0xAB677D247378E01C


@given(PARTS, st.integers(0, 99), st.sampled_from(["origin", "appid", "name"]), PARTS)
def test_another_origin_appid_or_name_gives_other_ids(key: str, epoch: int, part: str, value: str) -> None:
    other = replace(RUN, **{part: value})
    same = MessageIds(other).client_msg_id(key, epoch) == MessageIds(RUN).client_msg_id(key, epoch)
    assert same == (other == RUN)


@given(PARTS, st.integers(0, 99), PARTS, st.integers(0, 99))
def test_another_key_or_epoch_gives_another_id(key: str, epoch: int, key2: str, epoch2: int) -> None:
    ids = MessageIds(RUN)
    assert (ids.client_msg_id(key, epoch) == ids.client_msg_id(key2, epoch2)) == (
        (key, epoch) == (key2, epoch2)
    )


@given(PARTS, PARTS)
def test_what_moves_from_one_part_to_the_next_is_another_run(left: str, right: str) -> None:
    one, other = RunId(left + right, "wx", "x"), RunId(left, right + "wx", "x")
    assert one.digest != other.digest


def test_the_order_in_which_ids_are_made_does_not_matter() -> None:
    ids = MessageIds(RUN)
    first = [ids.client_msg_id(f"o{number}", 0) for number in range(20)]
    assert [ids.client_msg_id(f"o{number}", 0) for number in reversed(range(20))] == first[::-1]
    assert len(set(first)) == 20


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_every_name_makes_a_folder_that_file_systems_take(name: str) -> None:
    folder = RunId("https://api.weixin.qq.com", "wx0123456789abcdef", name).folder
    assert folder.isprintable()
    assert not set(folder) & set('/\\:*?"<>|')
    assert not folder.startswith((".", "-"))
    assert folder.endswith(RunId("https://api.weixin.qq.com", "wx0123456789abcdef", name).digest)
    assert len(folder.encode()) <= 255


def test_names_that_look_alike_have_folders_of_their_own() -> None:
    names = ["双11 提醒", "双11-提醒", "双11/提醒", "Orders", "orders", "..", "", "a" * 60, "a" * 61]
    folders = {RunId("o", "a", name).folder.lower() for name in names}
    assert len(folders) == len(names)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_hash_has_64_bits(text: str) -> None:
    assert 0 <= hash64(text) < 2**64
