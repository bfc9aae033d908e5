"""The memory of lists that are large: pulled, joined, left out. `--long` takes a million where it says so."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Desk
from tests.guarantees.plugin import Measured, Scale
from tests.guarantees.watch import Peak
from wxpush.sandbox import Sandbox

MOST_MORE_MB = 12
"""So much more than the small one may the large one take, whatever their sizes."""


def peak(desk: Desk, *arguments: str) -> float:
    """The most memory of a command that goes well, in MB."""
    with desk.start(*arguments) as running:
        watching = Peak(running.process.pid)
        done = running.done(timeout=900)
        found = watching.stop()
    assert done.code == 0, done.err
    return found


def bindings(path: Path, count: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write("phone,openid,name\n")
        file.writelines(f"{13_000_000_000 + n},oW3kTzuBGTNqeX76QEj{n:09d},李晓雯\n" for n in range(count))


@pytest.fixture
def shops(tmp_path: Path, open_wechat: Callable[..., Sandbox]) -> Callable[..., Desk]:
    def make(name: str, **parts: Any) -> Desk:
        return Desk(tmp_path / name, open_wechat(**parts))

    return make


@pytest.mark.parametrize("tags", [[], ["--tag", "a", "--tag", "b"]])
def test_followers_are_pulled_in_constant_memory(
    shops: Callable[..., Desk], scale: Scale, tags: list[str], measured: Measured
) -> None:
    peaks = {}
    for count in (10_000, scale(100_000, 1_000_000)):
        shares = [{"id": 100, "name": "a", "share": "60%"}, {"id": 101, "name": "b", "share": "60%"}]
        desk = shops(str(count), followers={"listed": count}, tags=shares)
        peaks[count] = peak(desk, "users", "pull", "--output", "users.csv", *tags)
        if not tags:
            with (desk.folder / "users.csv").open() as file:
                assert sum(1 for _ in file) == count + 1
    small, large = peaks.values()
    measured(f"{peaks} MB")
    # Several tags: 8 bytes a person, and as much again that arrays keep in reserve.
    assert large - small < MOST_MORE_MB + (16 * max(peaks) / 1e6 if tags else 0)


def test_a_large_list_is_joined_and_left_out_in_little_memory(
    shops: Callable[..., Desk], scale: Scale, measured: Measured
) -> None:
    desk = shops("shop")
    desk.campaign(data='\n  thing1: "{{ name }}"\n  character_string2: "{{ phone }}"\n  amount4: "1元"')
    desk.write("users.csv", "phone,product\n13000000005,x\n13000000007,x\n1,x\n")
    peaks = {}
    for count in (10_000, scale(100_000, 1_000_000)):
        bindings(desk.folder / "openids.csv", count)
        desk.write("vip.csv", f"openid\noW3kTzuBGTNqeX76QEj{5:09d}\n")
        join = ("--dry-run", "--join", "openids.csv", "--on", "phone", "--exclude")
        peaks[count] = (
            peak(desk, "send", "campaign.yaml", "users.csv", *join, "vip.csv"),
            peak(desk, "send", "campaign.yaml", "users.csv", *join, "openids.csv"),
        )
    small, large = peaks.values()
    measured(f"{peaks} MB")
    assert large[0] - small[0] < MOST_MORE_MB
    assert large[1] - small[1] < MOST_MORE_MB + 16 * max(peaks) / 1e6
